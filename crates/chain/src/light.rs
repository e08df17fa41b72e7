//! The light client: a reader who knows the genesis id alone reaches a verified tip. Rules: docs/protocol.md#F1 to #F10
//!
//! A node proves its chain with [`prove`]: of a long one a sample of headers that leads to the tip, else all headers. A
//! [`Verifier`] is fed the bytes as they come and ends with a [`Verified`] tip, or with a [`LightFault`] that names rule, height
//! and place. [`AllHeaders`] takes the whole chain of headers in the background. All of it is pure: no clock, no I/O.

mod claim;
mod draws;
mod fault;
mod follow;
#[cfg(not(target_family = "wasm"))]
pub mod forge;
mod headers;
mod limits;
mod links;
mod order;
mod prover;
mod range;
mod sampled;
mod tail;
mod unread;
mod verifier;

use serde::{Deserialize, Serialize};

use crate::hash::BlockId;
use crate::header::Header;
use crate::manifest::Manifest;
use crate::units::Weight;

pub use claim::{ClaimError, MAX_CLAIM_BYTES, TipClaim};
pub use draws::Unsampled;
pub use fault::{LightError, LightFault};
pub use follow::{Followed, Following, NotShown};
pub use headers::{AllHeaders, SavedHeaders, SavedHeadersError};
pub use limits::{ALL_HEADERS_UP_TO, MAGIC, MAX_DRAWS, MAX_HEIGHT, SECURITY_BITS, TAIL_BLOCKS, VERSION};
pub use links::Links;
#[doc(hidden)]
pub use sampled::Bounds;

pub use prover::{ChainReader, Proof, ProveError, encode_headers, prove};
pub use verifier::{Progress, Verifier};

pub use limits::{MAX_TAIL_BLOCKS, TIP_SHARE};
#[doc(hidden)]
pub use tail::TailRules;

/// How much of a chain was checked; a later one is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The work of blocks drawn at random, and the newest headers.
    Sampled,
    /// Every header from genesis on: its seal, its time, and that it follows the one before.
    AllHeaders,
    /// Every block was executed. The light client does not do that: an audit does.
    Executed,
}

/// What a proof consists of. Rule: docs/protocol.md#F3
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofKind {
    /// All headers: byte 1.
    AllHeaders,
    /// Records, nodes and the newest headers: byte 2.
    Sampled,
}

impl ProofKind {
    /// The byte that stands for it.
    pub fn byte(self) -> u8 {
        match self {
            Self::AllHeaders => 1,
            Self::Sampled => 2,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::AllHeaders),
            2 => Some(Self::Sampled),
            _ => None,
        }
    }
}

/// What was looked at on the way to a verified tip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checked {
    /// Length of the proof.
    pub bytes: u64,
    /// Headers whose seal was checked.
    pub headers: u64,
    /// Of these, the newest ones in a row.
    pub tail: u64,
    /// The work of these: a forgery of them has at least as much. Rule: docs/protocol.md#F4
    pub tail_weight: Weight,
    /// Blocks with their manifests, each against the history that leads to it.
    pub records: u64,
    /// Nodes that stand for blocks that were not shown.
    pub nodes: u64,
    /// Places that were drawn; several may be in one block.
    pub draws: u64,
}

/// The newest block of a chain whose work was verified from genesis on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How much was checked.
    pub level: Level,
    /// Genesis that it was verified from.
    pub genesis: BlockId,
    /// Id of the tip.
    pub tip: BlockId,
    /// Header of the tip.
    pub header: Header,
    /// Manifest of the tip; its roots are what proofs of balances and of older blocks lead to.
    pub manifest: Manifest,
    /// Total work of the chain, genesis and tip included.
    pub weight: Weight,
    /// What was looked at.
    pub checked: Checked,
}
