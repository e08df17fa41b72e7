//! Whether this node can do its work now and, if not, why: the one answer behind `/readyz`, the pages and the API.

use std::path::PathBuf;

use serde::Serialize;
use tally_chain::{Height, UnixSecs};

use crate::counted::counted;
use crate::net::PeerStatus;
use crate::node::Node;
use crate::p2p::{NetworkStatus, P2p};
use crate::peers::clock::ClockReading;

/// Blocks that a node may be behind without being unready: the next ones are always on their way.
const SLACK: u64 = 2;

/// Why a node cannot do its work now. Every reason passes by itself or by what an operator does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum NotReady {
    /// Headers of a heavier chain were checked, and their blocks are not all here.
    #[error("catching up: at block {height} of {best}")]
    Syncing { height: Height, best: Height },
    /// A write failed, or reads have failed for long: the process ends, and the next one opens the store anew.
    #[error("the store is broken: {detail}")]
    StoreBroken { detail: String },
    /// Nothing is written until there is more room; `free` is in bytes.
    #[error("no room in {}: {free} bytes are free", path.display())]
    DiskFull { path: PathBuf, free: u64 },
    /// The clock differs from those of `peers` peers by `offset_secs` seconds; above 0 it is ahead.
    #[error("this machine's clock differs by {offset_secs} s from those of {peers} peers")]
    ClockOff { offset_secs: i64, peers: usize },
    /// The clock was set back: it is `secs` seconds behind the least time of the next block. Rule: docs/protocol.md#N13
    #[error("this machine's clock is {secs} s behind this node's own chain")]
    ClockBehindChain { secs: u64 },
    /// A chain of more work, its headers checked from genesis on, leaves this node's below the lowest block that it goes back
    /// to: it cannot be followed without beginning anew. Rules: docs/protocol.md#B9, #Q5
    #[error(
        "a heavier chain of {} leaves this node's below block {base}, the lowest that it goes back to",
        counted(.height.0, "block", "blocks")
    )]
    HeavierFork { height: Height, base: Height },
    /// The chain's genesis lies in the future.
    #[error("the chain begins at {begins_at} (Unix seconds)")]
    NotBegun { begins_at: UnixSecs },
}

impl NotReady {
    /// The word for labels and tests; the same as in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Syncing { .. } => "syncing",
            Self::StoreBroken { .. } => "store_broken",
            Self::DiskFull { .. } => "disk_full",
            Self::ClockOff { .. } => "clock_off",
            Self::ClockBehindChain { .. } => "clock_behind_chain",
            Self::HeavierFork { .. } => "heavier_fork",
            Self::NotBegun { .. } => "not_begun",
        }
    }
}

/// All reasons at this moment; none: the node is ready.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Why the node is not ready; empty if it is.
    pub reasons: Vec<NotReady>,
}

impl Health {
    /// Whether there is no reason against it.
    pub fn is_ready(&self) -> bool {
        self.reasons.is_empty()
    }
}

impl Node {
    /// Whether this node can do its work now, and why not. Cheap: sends no request and reads no disk.
    pub fn health(&self) -> Health {
        // Once: it is a copy of all that is shown of all peers.
        let network = self.network().map(P2p::status);
        let network = network.as_ref();
        let not_begun = self.begins().map(|begins_at| NotReady::NotBegun { begins_at });
        let behind_chain = self.behind_own_chain().map(|secs| NotReady::ClockBehindChain { secs });
        let reasons = [
            self.store().not_ready(),
            self.syncing(network),
            self.wrong_clock(network),
            behind_chain,
            heavier_fork(network),
            not_begun,
        ];
        Health {
            reasons: reasons.into_iter().flatten().collect(),
        }
    }

    /// A clock that is further off than blocks may be ahead. Rule: docs/protocol.md#N13
    fn wrong_clock(&self, network: Option<&NetworkStatus>) -> Option<NotReady> {
        let certain = self.clock_off();
        let reading = certain.or_else(|| {
            let status = network?;
            held_up(status.clock?, self.clock_allowance(), &status.peers)
        })?;
        Some(NotReady::ClockOff {
            offset_secs: reading.offset_secs,
            peers: reading.peers,
        })
    }

    /// Only checked headers count: a peer's claim alone would let anybody make this node unready.
    fn syncing(&self, network: Option<&NetworkStatus>) -> Option<NotReady> {
        let height = self.tip().record.height();
        if self.awaits_checkpoint() {
            let best = network.map_or(height, |status| Height(status.best_height));
            return Some(NotReady::Syncing { height, best });
        }
        let best = network?.sync.as_ref()?.headers?;
        (best.0 > height.0.saturating_add(SLACK)).then_some(NotReady::Syncing { height, best })
    }
}

fn heavier_fork(network: Option<&NetworkStatus>) -> Option<NotReady> {
    let fork = network?.heavier_fork.as_ref()?;
    let (height, base) = (fork.height, fork.base);
    Some(NotReady::HeavierFork { height, base })
}

/// A clock that too few peers call wrong to pause the miner, and that keeps this node from a chain: a peer's next block, whose
/// work is checked, is ahead of it. Nobody else can show that for nothing.
fn held_up(reading: ClockReading, allowance: u64, peers: &[PeerStatus]) -> Option<ClockReading> {
    let behind = reading.offset_secs < 0 && reading.is_off(allowance);
    (behind && peers.iter().any(|peer| peer.ahead_secs.is_some())).then_some(reading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{PeerName, Traffic};

    fn peer(ahead_secs: Option<u64>) -> PeerStatus {
        PeerStatus {
            name: PeerName("a".to_owned()),
            outbound: true,
            connected_secs: 9,
            height: Some(Height(90)),
            agent: String::new(),
            latency_ms: None,
            clock_offset_secs: Some(-300),
            score: 0,
            ahead_secs,
            traffic: Traffic::default(),
        }
    }

    #[test]
    fn a_clock_that_one_peer_calls_wrong_counts_where_it_keeps_the_node_from_a_chain() {
        let reading = |offset_secs| ClockReading {
            offset_secs,
            peers: 1,
            chosen: false,
        };
        let (behind, ahead) = (reading(-300), reading(300));
        assert_eq!(held_up(behind, 12, &[peer(None), peer(Some(278))]), Some(behind));
        assert_eq!(held_up(behind, 12, &[peer(None)]), None, "nothing is waited for");
        assert_eq!(held_up(behind, 12, &[]), None);
        assert_eq!(
            held_up(behind, 300, &[peer(Some(278))]),
            None,
            "within what blocks may be ahead"
        );
        assert_eq!(
            held_up(ahead, 12, &[peer(Some(278))]),
            None,
            "the block is ahead of the peers, too"
        );
    }

    #[test]
    fn every_reason_has_one_name_and_a_sentence() {
        let reasons = [
            (
                NotReady::Syncing {
                    height: Height(3),
                    best: Height(9),
                },
                "catching up: at block 3 of 9",
            ),
            (
                NotReady::StoreBroken {
                    detail: "no space left".to_owned(),
                },
                "the store is broken: no space left",
            ),
            (
                NotReady::DiskFull {
                    path: PathBuf::from("data/store"),
                    free: 7,
                },
                "no room in data/store: 7 bytes are free",
            ),
            (
                NotReady::ClockOff {
                    offset_secs: -300,
                    peers: 2,
                },
                "this machine's clock differs by -300 s from those of 2 peers",
            ),
            (
                NotReady::ClockBehindChain { secs: 3_600 },
                "this machine's clock is 3600 s behind this node's own chain",
            ),
            (
                NotReady::HeavierFork {
                    height: Height(9),
                    base: Height(4),
                },
                "a heavier chain of 9 blocks leaves this node's below block 4, the lowest that it goes back to",
            ),
            (
                NotReady::NotBegun {
                    begins_at: UnixSecs(1_800_000_000),
                },
                "the chain begins at 1800000000 (Unix seconds)",
            ),
        ];
        for (reason, sentence) in reasons {
            assert_eq!(reason.to_string(), sentence);
            let json = serde_json::to_value(&reason).unwrap();
            assert_eq!(json["reason"], reason.name());
        }
    }
}
