//! Whether something comes from a peer: a long answer on a slow link is no silence, and what was asked after it waits behind
//! it. The driver counts bytes as they come, whole frames or not; where none counts, as in most simulations, only frames do.
//! Rules: docs/protocol.md#N8, #N9

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tally_chain::header::HEADER_BYTES;
use tally_chain::manifest::MAX_MANIFEST_BYTES;

use super::limits::{FRAME_OVERHEAD, MAX_BODY_BYTES, MAX_HEADERS, MAX_POOLED_BYTES, MIN_FLOW};
use super::peer::{Open, Peer, Question};
use super::{Network, PeerName};
use crate::checkpoint::MAX_PART_BYTES;

/// Milliseconds over which it is looked at whether enough comes.
const FLOW_MS: u64 = 5_000;
/// Bytes of the longest answer that names a checkpoint: 4,096 roots of up to 64 bytes.
const CHECKPOINT_BYTES: usize = 320 << 10;

/// Bytes that have come from a peer: the driver adds, the session reads.
pub type Arrived = Arc<AtomicU64>;

/// What comes from one peer.
#[derive(Debug, Default)]
pub(super) struct Flow {
    arrived: Arrived,
    /// How many bytes had come at the last look, and when something last came, milliseconds.
    seen: u64,
    last: u64,
    /// Since when it is measured whether enough comes, and how many bytes had come then.
    since: u64,
    before: u64,
    steady: bool,
}

impl Flow {
    /// A whole frame came.
    pub(super) fn frame(&mut self, now: u64) {
        self.last = now;
    }

    /// Looks at what has come until `now`.
    pub(super) fn look(&mut self, now: u64) {
        let bytes = self.arrived.load(Relaxed);
        if bytes != self.seen {
            (self.seen, self.last) = (bytes, now);
        }
        let passed = now.saturating_sub(self.since);
        if passed < FLOW_MS {
            return;
        }
        let came = bytes.saturating_sub(self.before);
        self.steady = came.saturating_mul(1_000) >= MIN_FLOW.saturating_mul(passed);
        (self.since, self.before) = (now, bytes);
    }

    /// Whether anything came after `moment`.
    pub(super) fn came_since(&self, moment: u64) -> bool {
        self.last > moment
    }
}

impl Question {
    /// Bytes that its answer has at most, or nearly: a block that is longer than several together may be needs a faster link.
    fn longest_answer(&self) -> usize {
        FRAME_OVERHEAD
            + match self {
                Self::Ping { .. } => 0,
                Self::Headers { .. } | Self::JoinHeaders { .. } => MAX_HEADERS * HEADER_BYTES,
                Self::Blocks { .. } | Self::WholeBlock { .. } | Self::BlockTransactions(_) => MAX_BODY_BYTES,
                Self::Transactions { .. } => MAX_POOLED_BYTES,
                Self::Checkpoint { .. } => CHECKPOINT_BYTES,
                Self::Manifests { ids, .. } => ids.len() * MAX_MANIFEST_BYTES,
                Self::Part { .. } => MAX_PART_BYTES,
            }
    }
}

impl Peer {
    /// Questions that are not waited for any more at `now`. While bytes come steadily a question waits as long as its answer,
    /// and those before it, would take at the least rate that counts as steady: bytes of another kind hold nothing for ever.
    /// Answers come in the order of the questions: none is late before one that was asked earlier and has more time.
    pub(super) fn late_questions(&self, now: u64) -> Vec<u64> {
        let (mut before, mut deadline) = (0_u64, 0_u64);
        let mut late = Vec::new();
        for (number, open) in &self.open {
            before = before.saturating_add(open.question.longest_answer() as u64);
            deadline = deadline.max(open.deadline);
            let last = deadline.saturating_add(before.saturating_mul(1_000) / MIN_FLOW);
            let comes = self.flow.steady && now < last;
            if open.deadline <= now && !comes {
                late.push(*number);
            }
        }
        late
    }

    /// Questions for announced transactions that are open.
    pub(super) fn transaction_questions(&self) -> usize {
        let asks = |open: &&Open| matches!(open.question, Question::Transactions { .. });
        self.open.values().filter(asks).count()
    }
}

impl Network {
    /// The counter of the bytes that come from a peer, which the driver adds to.
    pub fn count_arrived(&mut self, name: &PeerName, arrived: Arrived) {
        if let Some(peer) = self.peers.get_mut(name) {
            peer.flow.arrived = arrived;
        }
    }
}

#[cfg(test)]
mod tests {
    use tally_chain::{B256, BlockId, Weight};

    use super::super::limits::{ANSWER_MS, BLOCKS_MS};
    use super::*;

    #[test]
    fn a_steady_flow_and_a_drip_are_two_things() {
        let mut flow = Flow::default();
        flow.look(10_000);
        assert!(!flow.steady && !flow.came_since(0));
        flow.arrived.fetch_add(5 * MIN_FLOW, Relaxed);
        flow.look(12_000);
        assert!(flow.came_since(11_999) && !flow.came_since(12_000));
        flow.look(15_000);
        assert!(flow.steady);
        flow.arrived.fetch_add(5 * MIN_FLOW - 1, Relaxed);
        flow.look(20_000);
        assert!(!flow.steady && flow.came_since(15_000));
        flow.frame(21_000);
        assert!(flow.came_since(20_000) && !flow.came_since(21_000));
    }

    #[test]
    fn a_short_answer_behind_a_long_one_is_not_late_before_it() {
        let mut peer = Peer::new(true, BlockId(B256::ZERO), Weight::default(), 0);
        let open = |question, deadline| Open {
            question,
            asked: 0,
            deadline,
            extended: false,
        };
        let ids = vec![BlockId(B256::ZERO)];
        peer.open.insert(1, open(Question::Blocks { ids }, BLOCKS_MS));
        let (sent, told) = (0, Weight::default());
        peer.open.insert(2, open(Question::Ping { sent, told }, ANSWER_MS));
        assert_eq!(
            peer.late_questions(ANSWER_MS),
            [2],
            "where nothing comes each has its own time"
        );
        peer.flow.steady = true;
        let longest = |question: u64| peer.open[&question].question.longest_answer() as u64 * 1_000 / MIN_FLOW;
        let first = BLOCKS_MS + longest(1);
        let second = first + longest(2);
        assert_eq!(peer.late_questions(first - 1), [] as [u64; 0]);
        assert_eq!(peer.late_questions(first), [1]);
        assert_eq!(peer.late_questions(second - 1), [1]);
        assert_eq!(peer.late_questions(second), [1, 2]);
    }
}
