//! Whether this node is ready, by what it knows itself and what its network has found.

use super::{Health, NetworkFindings, NotReady};
use crate::node::Node;

/// Blocks that a node may be behind without being unready: the next ones are always on their way.
const SLACK: u64 = 2;

impl Node {
    /// Whether this node can do its work now, and why not, by what it knows itself. Cheap: sends no request and reads no disk.
    pub fn health(&self) -> Health {
        self.health_with(&NetworkFindings::default())
    }

    /// The same with what its network has found.
    pub fn health_with(&self, found: &NetworkFindings) -> Health {
        let not_begun = self.begins().map(|begins_at| NotReady::NotBegun { begins_at });
        let behind_chain = self.behind_own_chain().map(|secs| NotReady::ClockBehindChain { secs });
        let heavier_fork = found.heavier_fork;
        let reasons = [
            self.store().not_ready(),
            self.syncing(found),
            self.wrong_clock(found),
            behind_chain,
            heavier_fork.map(|(height, base)| NotReady::HeavierFork { height, base }),
            not_begun,
        ];
        Health {
            reasons: reasons.into_iter().flatten().collect(),
        }
    }

    /// A clock that is further off than blocks may be ahead. Rule: docs/protocol.md#N13
    fn wrong_clock(&self, found: &NetworkFindings) -> Option<NotReady> {
        let reading = self.clock_off().or(found.clock)?;
        Some(NotReady::ClockOff {
            offset_secs: reading.offset_secs,
            peers: reading.peers,
        })
    }

    fn syncing(&self, found: &NetworkFindings) -> Option<NotReady> {
        let height = self.tip().record.height();
        if self.awaits_checkpoint() {
            let best = found.best.unwrap_or(height);
            return Some(NotReady::Syncing { height, best });
        }
        let best = found.headers?;
        (best.0 > height.0.saturating_add(SLACK)).then_some(NotReady::Syncing { height, best })
    }
}
