//! Whether something comes from a peer: a long answer on a slow link is no silence, and what was requested after it waits
//! behind it. The driver counts bytes as they come, whole frames or not; where none counts, as in most simulations, only frames
//! do. Rules: docs/protocol.md#N8, #N9

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::wire::limits::MIN_FLOW;

/// Milliseconds over which it is looked at whether enough comes.
const FLOW_MS: u64 = 5_000;

/// Bytes that have come from a peer: the driver adds, the session reads.
pub type Arrived = Arc<AtomicU64>;

/// What comes from one peer.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) arrived: Arrived,
    /// How many bytes had come at the last look, and when something last came, milliseconds.
    seen: u64,
    last: u64,
    /// Since when it is measured whether enough comes, and how many bytes had come then.
    since: u64,
    before: u64,
    /// Whether enough came in the last span that was looked at.
    pub(crate) steady: bool,
}

impl Flow {
    /// A whole frame came.
    pub(crate) fn frame(&mut self, now: u64) {
        self.last = now;
    }

    /// Looks at what has come until `now`.
    pub(crate) fn look(&mut self, now: u64) {
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
    pub(crate) fn came_since(&self, moment: u64) -> bool {
        self.last > moment
    }
}

#[cfg(test)]
mod tests {
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
}
