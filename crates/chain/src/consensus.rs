//! Consensus as an engine behind one small interface. What an engine does is in a file of its own under `consensus/`;
//! nothing outside may assume which engine a chain has.
//!
//! The engine decides the fields of a header that belong to its seal (`next_seal`, `genesis_seal`), whether a seal holds
//! (`check_header`, `check_manifest`, `check_next_seal`), what a block adds to its branch (`weight`), and which times a block
//! may have (`earliest_time`, `check_time`, `max_ahead`). Readers without a chain spec or without ancestors use
//! [`crate::seal`].

pub(crate) mod work;

use alloy_primitives::{B256, Bytes};

use crate::block::{Ancestors, BlockError};
use crate::hash::BlockId;
use crate::header::{HEADER_VERSION, Header};
use crate::header_chain;
use crate::manifest::Manifest;
use crate::pow::{BitsError, Target};
use crate::spec::ProofOfWorkSpec;
use crate::units::{Height, Weight};

pub use work::WorkSealError;

/// Why a seal is rejected, by engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The seal of a chain of proof of work.
    #[error(transparent)]
    Work(#[from] WorkSealError),
}

impl From<BitsError> for SealError {
    fn from(error: BitsError) -> Self {
        Self::Work(error.into())
    }
}

/// The fields of a header that the engine decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderSeal {
    /// Which engine's seal it is. Rule: docs/protocol.md#H3
    pub version: u32,
    /// Compact target under proof of work. Rule: docs/protocol.md#D1
    pub bits: u32,
    /// Where the search begins under proof of work.
    pub nonce: u32,
}

impl HeaderSeal {
    /// The header with these fields. `time` is in Unix seconds.
    pub fn header(self, parent: BlockId, manifest_root: B256, time: u32) -> Header {
        Header {
            version: self.version,
            parent,
            manifest_root,
            time,
            bits: self.bits,
            nonce: self.nonce,
        }
    }
}

/// What the next seal depends on, of the blocks before. Blocks and headers without their blocks have it alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealContext {
    /// Time of block 1 of the branch, in Unix seconds; `None` while genesis is the parent. Rule: docs/protocol.md#D1
    pub anchor_time: Option<u32>,
    /// Time of the parent, in Unix seconds.
    pub parent_time: u32,
    /// Height of the parent.
    pub parent_height: Height,
}

/// The engine that a chain spec names: it defines seals, the seal of the next block, and the weight of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// SHA-256d below a target, with ASERT. Rules: docs/protocol.md#H5, #D1
    ProofOfWork(ProofOfWorkSpec),
}

impl Engine {
    /// Seconds between blocks that the engine aims at.
    pub fn spacing(&self) -> u32 {
        match self {
            Self::ProofOfWork(spec) => spec.spacing,
        }
    }

    /// `version` of every header. Rule: docs/protocol.md#H3
    pub fn header_version(&self) -> u32 {
        match self {
            Self::ProofOfWork(_) => HEADER_VERSION,
        }
    }

    /// Checks what a header alone shows of its seal. Rules: docs/protocol.md#H4, #H5
    pub fn check_header(&self, header: &Header) -> Result<(), SealError> {
        match self {
            Self::ProofOfWork(spec) => Ok(spec.check_header(header)?),
        }
    }

    /// Checks the part of a seal that the manifest holds. Rule: docs/protocol.md#M2
    pub fn check_manifest(&self, manifest: &Manifest) -> Result<(), SealError> {
        match self {
            Self::ProofOfWork(_) => match manifest.seal.len() {
                0 => Ok(()),
                len => Err(WorkSealError::UnexpectedSeal { len }.into()),
            },
        }
    }

    /// The seal fields of the block after these ancestors, before a miner has searched. Rule: docs/protocol.md#D1
    pub fn next_seal(&self, ancestors: &Ancestors) -> HeaderSeal {
        match self {
            Self::ProofOfWork(spec) => HeaderSeal {
                version: HEADER_VERSION,
                bits: spec.bits_after(ancestors.seal_context()),
                nonce: 0,
            },
        }
    }

    /// The seal fields of genesis, which is not mined. Rule: docs/protocol.md#C3
    pub fn genesis_seal(&self) -> HeaderSeal {
        match self {
            Self::ProofOfWork(spec) => HeaderSeal {
                version: HEADER_VERSION,
                bits: spec.initial_bits,
                nonce: 0,
            },
        }
    }

    /// `seal` of the manifest of a block that is being assembled. Rule: docs/protocol.md#M2
    pub fn manifest_seal(&self) -> Bytes {
        match self {
            Self::ProofOfWork(_) => Bytes::new(),
        }
    }

    /// Checks a seal against what the blocks before ask for. Rule: docs/protocol.md#B5
    pub(crate) fn check_next_seal(&self, header: &Header, context: SealContext) -> Result<(), SealError> {
        match self {
            Self::ProofOfWork(spec) => Ok(spec.check_expected_bits(header, context)?),
        }
    }

    /// Whether blocks are found by a search: then a node has a miner, and templates for those of others.
    pub fn is_mined(&self) -> bool {
        match self {
            Self::ProofOfWork(_) => true,
        }
    }

    /// The largest hash that seals a block with this seal: what a miner searches for. Rule: docs/protocol.md#H4
    pub fn mining_target(&self, seal: &HeaderSeal) -> Result<Target, SealError> {
        match self {
            Self::ProofOfWork(spec) => Ok(spec.target(seal.bits)?),
        }
    }

    /// What a block adds to its branch; of valid branches the one of most weight is followed. Rule: docs/protocol.md#H6
    pub fn weight(&self, header: &Header) -> Weight {
        match self {
            Self::ProofOfWork(_) => work::weight(header),
        }
    }

    /// Seconds that a header's time may be ahead of the clock. Rule: docs/protocol.md#B4
    pub fn max_ahead(&self) -> u64 {
        match self {
            Self::ProofOfWork(spec) => spec.max_ahead(),
        }
    }

    /// The earliest time, in Unix seconds, that the block after these may have. `recent_times`: Unix seconds of up to
    /// eleven blocks, oldest first. Rule: docs/protocol.md#B3
    pub fn earliest_time(&self, recent_times: &[u32]) -> u32 {
        match self {
            Self::ProofOfWork(_) => header_chain::median(recent_times).saturating_add(1),
        }
    }

    /// Checks a time, in Unix seconds, against those of the blocks before. Rule: docs/protocol.md#B3
    pub(crate) fn check_time(&self, time: u32, recent_times: &[u32]) -> Result<(), BlockError> {
        match self {
            Self::ProofOfWork(_) => header_chain::check_after_median(time, recent_times),
        }
    }
}
