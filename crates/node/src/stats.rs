//! What the node measures of itself: counters, and the latest durations in a ring.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tally_chain::TxId;

/// Samples kept for each duration.
const KEPT: usize = 1_000;
/// Pending transactions whose arrival is remembered.
const MAX_WAITING: usize = 200_000;

/// Latest durations of one kind.
#[derive(Default)]
pub struct Ring(Mutex<VecDeque<Duration>>);

impl Ring {
    /// Keeps one duration; the oldest makes room.
    pub fn record(&self, duration: Duration) {
        let mut ring = self.0.lock();
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back(duration);
    }

    /// The `p`-th percentile (0 to 100) of what is kept.
    pub fn percentile(&self, p: usize) -> Option<Duration> {
        let mut sorted: Vec<_> = self.0.lock().iter().copied().collect();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        sorted.get(last * p.min(100) / 100).copied()
    }

    /// Oldest first.
    pub fn samples(&self) -> Vec<Duration> {
        self.0.lock().iter().copied().collect()
    }
}

/// Counters since the start, and latest durations.
#[derive(Default)]
pub struct Stats {
    /// Blocks that joined the active chain.
    pub blocks_imported: AtomicU64,
    /// Blocks that broke a rule.
    pub blocks_refused: AtomicU64,
    /// Changes of the branch.
    pub reorgs: AtomicU64,
    /// Transactions that entered the pool.
    pub transactions_accepted: AtomicU64,
    /// Transactions that were rejected.
    pub transactions_refused: AtomicU64,
    /// Transactions of the blocks that became active.
    pub transactions_included: AtomicU64,
    /// From bytes to durable.
    pub import_time: Ring,
    /// From a transaction's arrival here to its block.
    pub confirmation_time: Ring,
    /// From the announcement of a transaction to its arrival from the peer.
    pub transaction_hop: Ring,
    /// From the announcement of a block to a peer to the acknowledgement that it has taken it.
    pub block_hop: Ring,
    arrivals: Mutex<HashMap<TxId, Instant>>,
}

impl Stats {
    pub(crate) fn arrived(&self, id: TxId) {
        let mut arrivals = self.arrivals.lock();
        if arrivals.len() < MAX_WAITING {
            arrivals.insert(id, Instant::now());
        }
    }

    pub(crate) fn included(&self, ids: impl Iterator<Item = TxId>) {
        let mut arrivals = self.arrivals.lock();
        for id in ids {
            self.transactions_included.fetch_add(1, Relaxed);
            if let Some(arrival) = arrivals.remove(&id) {
                self.confirmation_time.record(arrival.elapsed());
            }
        }
    }

    pub(crate) fn left(&self, id: &TxId) {
        self.arrivals.lock().remove(id);
    }
}
