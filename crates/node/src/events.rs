//! What happened, published after it is durable. Everything downstream (miner, API, pages) follows these.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tally_chain::{BlockId, Height, TxId, UnixSecs};
use tokio::sync::broadcast;

/// Events kept for clients that come back with the last id they saw.
const KEPT: usize = 1_024;

/// Something that happened on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainEvent {
    /// The active chain grew by a block, or a reorg made it active.
    Block {
        /// Height of the block.
        height: Height,
        /// Its id.
        id: BlockId,
        /// The time in its header.
        time: UnixSecs,
        /// How many transactions it has.
        transactions: u32,
        /// Length of the encoded block.
        bytes: u64,
    },
    /// The active chain changed its branch; the blocks of the new one follow as `Block`.
    Reorg {
        /// Height of the last block that both branches share.
        common: Height,
        /// The tip before.
        from: BlockId,
        /// The tip of the new branch.
        to: BlockId,
        /// Blocks that left the active chain.
        undone: u64,
        /// Transactions of the blocks that left which are in none of the new ones.
        returned: u64,
        /// Transactions of the blocks that left; those that are in the pool again are announced again.
        transactions: Arc<[TxId]>,
    },
    /// A transaction entered the pool.
    Transaction {
        /// Its id.
        id: TxId,
        /// Whether it can be included now, or waits for one with a lower nonce.
        pending: bool,
    },
    /// A transaction left the pool without being included.
    Dropped {
        /// Its id.
        id: TxId,
        /// Why it left.
        reason: String,
    },
    /// The native miner was switched.
    Mining {
        /// Whether it mines now.
        on: bool,
        /// Threads while it mines.
        threads: usize,
    },
}

/// An event with its number, ascending by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The first since the start is 1.
    pub number: u64,
    /// What happened.
    pub event: ChainEvent,
}

/// What a client missed, and all from then on.
pub type Resumed = (Vec<Arc<Numbered>>, broadcast::Receiver<Arc<Numbered>>);

/// One broadcast to all who listen.
pub struct Events {
    /// Distinguishes the numbers of one run of the node from those of another.
    run: u64,
    kept: Mutex<VecDeque<Arc<Numbered>>>,
    sender: broadcast::Sender<Arc<Numbered>>,
}

impl Events {
    /// `run` is any number that no earlier run used, such as the start time.
    pub fn new(run: u64) -> Self {
        Self {
            run,
            kept: Mutex::default(),
            sender: broadcast::channel(KEPT).0,
        }
    }

    /// The number of this run: event numbers are comparable only within one.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// Numbers the event, keeps it for those who resume, and sends it to all subscribers.
    pub fn publish(&self, event: ChainEvent) {
        let mut kept = self.kept.lock();
        let number = kept.back().map_or(1, |last| last.number + 1);
        let numbered = Arc::new(Numbered { number, event });
        kept.push_back(numbered.clone());
        if kept.len() > KEPT {
            kept.pop_front();
        }
        // There may be no subscriber.
        let _ = self.sender.send(numbered);
    }

    /// All events from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Numbered>> {
        self.sender.subscribe()
    }

    /// The number of the last event, and all events after it.
    pub fn follow(&self) -> (u64, broadcast::Receiver<Arc<Numbered>>) {
        let kept = self.kept.lock();
        (kept.back().map_or(0, |event| event.number), self.sender.subscribe())
    }

    /// Events after `(run, number)` and all from now on, without a gap; `None` when some of them are no longer kept.
    pub fn resume(&self, run: u64, number: u64) -> Option<Resumed> {
        let kept = self.kept.lock();
        let last = kept.back().map_or(0, |event| event.number);
        let first = kept.front().map_or(1, |event| event.number);
        if run != self.run || number > last || number + 1 < first {
            return None;
        }
        let missed = kept.iter().filter(|event| event.number > number).cloned().collect();
        Some((missed, self.sender.subscribe()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64) -> ChainEvent {
        ChainEvent::Dropped {
            id: TxId::default(),
            reason: number.to_string(),
        }
    }

    #[test]
    fn a_client_that_comes_back_misses_nothing_or_learns_of_it() {
        let events = Events::new(7);
        assert!(events.resume(7, 0).is_some());
        for number in 1..=2_000 {
            events.publish(event(number));
        }
        let (missed, _) = events.resume(7, 1_990).expect("the last 1,024 are kept");
        assert_eq!(
            missed.iter().map(|e| e.number).collect::<Vec<_>>(),
            (1_991..=2_000).collect::<Vec<_>>()
        );
        assert!(events.resume(7, 2_000).expect("nothing missed").0.is_empty());
        assert!(events.resume(7, 100).is_none(), "too old");
        assert!(events.resume(7, 2_001).is_none(), "never sent");
        assert!(events.resume(6, 1_990).is_none(), "another run");
    }
}
