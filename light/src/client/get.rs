//! Requests, and why they got no answer.

use tally_chain::consensus::MAX_COMPACT_BYTES;
use tally_chain::history::{MAX_PROOF_NODES, NODE_BYTES};
use tally_chain::light::MAX_CLAIM_BYTES;
use tally_chain::{BlockId, Height};

/// Media type of proofs, headers and claims.
const BINARY: &str = "application/octet-stream";
/// Longest chain spec that is read, in bytes: as JSON one of the longest is a few times as long as L8 allows.
const MAX_SPEC: u64 = 4 * 1024 * 1024;
/// Longest sample, in bytes: some 4,130 records with 40 nodes before each, and the tail.
const MAX_SAMPLE: u64 = 16 * 1024 * 1024;

/// A request to the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Get {
    /// Below `/api/v1/`.
    pub path: String,
    /// Media type that the answer has to have.
    pub media: &'static str,
    /// Longest answer that is read, in bytes.
    pub most: u64,
}

impl Get {
    pub(super) fn spec() -> Self {
        Self {
            media: "application/json",
            ..Self::binary("spec".to_owned(), MAX_SPEC)
        }
    }

    pub(super) fn tip() -> Self {
        Self::binary("light/tip".to_owned(), MAX_CLAIM_BYTES as u64)
    }

    /// The proof of a tip that claims this height.
    pub(super) fn proof(tip: BlockId, height: Height) -> Self {
        let most = headers_bytes(height.0).saturating_add(MAX_SAMPLE);
        Self::binary(format!("light/chain?tip={tip}"), most)
    }

    /// `count` headers from the one after `height` on, of the chain with this tip.
    pub(super) fn headers(tip: BlockId, height: Height, count: u64) -> Self {
        let from = height.next();
        let path = format!("light/headers?from={from}&count={count}&tip={tip}");
        Self::binary(path, headers_bytes(count))
    }

    pub(super) fn ancestor(tip: BlockId, height: Height) -> Self {
        let most = (MAX_PROOF_NODES * NODE_BYTES) as u64;
        Self::binary(format!("light/ancestor?height={height}&tip={tip}"), most)
    }

    fn binary(path: String, most: u64) -> Self {
        let media = BINARY;
        Self { path, media, most }
    }
}

/// Most bytes of so many compact headers.
fn headers_bytes(count: u64) -> u64 {
    count.saturating_mul(MAX_COMPACT_BYTES as u64)
}

/// Why a request got no answer that can be checked: it shows nothing about the chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The node, or what stands before it, answered with a problem.
    #[error("the node answers: {text}")]
    Problem {
        /// Its stable name, such as `not-kept`.
        name: String,
        /// Its words.
        text: String,
    },
    /// The answer is longer than it can be.
    #[error("the node sends more than the {most} bytes that this answer can have")]
    TooLong {
        /// What it can have.
        most: u64,
    },
    /// It is something else, such as a page of a proxy.
    #[error("the answer has the media type {found:?}, expected {expected}; a proxy may stand between")]
    OtherMedia {
        /// What came.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The connection failed.
    #[error("the answer breaks off: {0}")]
    BrokenOff(String),
    /// Nothing came for too long.
    #[error("nothing came for {secs} s")]
    Silent {
        /// How long was waited.
        secs: u32,
    },
}

impl NoAnswer {
    /// Whether the node has another chain by now than the one with the tip that it claimed: a reorg, or many blocks.
    pub(super) fn is_about_an_old_tip(&self) -> bool {
        matches!(self, Self::Problem { name, .. } if name == "unknown-block" || name == "tip-too-old")
    }

    pub(super) fn is_not_kept(&self) -> bool {
        matches!(self, Self::Problem { name, .. } if name == "not-kept")
    }
}
