//! Whether this node can do its work now and, if not, why: the one answer behind `/readyz`, the pages and the API.

mod ready;

use std::path::PathBuf;

use serde::Serialize;
use tally_chain::{Height, UnixSecs};

use crate::clock::ClockReading;
use crate::counted::counted;

/// Why a node cannot do its work now. Every reason passes by itself or by what an operator does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum NotReady {
    /// Headers of a chain with more total work were checked, and their blocks are not all here.
    #[error("catching up: at block {height} of {best}")]
    Syncing { height: Height, best: Height },
    /// A write failed, or reads have failed for long: the process ends, and the next one opens the store again.
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
    /// A chain of more total work, its headers checked from genesis on, forks below the lowest block that this node goes back
    /// to: following it means starting again. Rules: docs/protocol.md#B9, #Q5
    #[error(
        "a chain of {} with more total work forks below block {base}, the lowest to which this node can reorg",
        counted(.height.0, "block", "blocks")
    )]
    HeavierFork { height: Height, base: Height },
    /// The chain's genesis time is in the future.
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

/// What only peers show. The node knows none: who runs a network beside it brings these findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetworkFindings {
    /// The greatest height that a peer claims, unchecked: it is shown while the node waits for a checkpoint, and decides nothing.
    pub best: Option<Height>,
    /// The height of a chain with more total work whose headers were checked, while it is fetched. Only these count: a peer's
    /// claim alone would let any peer make this node unready.
    pub headers: Option<Height>,
    /// A reading of too few peers to pause the miner that counts nevertheless, for it keeps this node from a chain.
    pub clock: Option<ClockReading>,
    /// A chain of more work that leaves this node's too deep: its height, and the lowest block to which this node can reorg.
    pub heavier_fork: Option<(Height, Height)>,
}

#[cfg(test)]
mod tests {
    use super::*;

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
                "a chain of 9 blocks with more total work forks below block 4, the lowest to which this node can reorg",
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
