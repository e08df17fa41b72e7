//! Consensus as an engine behind one small interface. What an engine does is in a file of its own under `consensus/`;
//! nothing outside may assume which engine a chain has. It knows neither blocks nor chain specs: both are made with it.
//!
//! The engine decides the fields of a header that belong to its seal (`next_seal`, `genesis_seal`), whether a seal holds
//! (`check_header`, `check_manifest`, `check_next_seal`), what a block adds to its branch (`weight`), and which times a block
//! may have (`earliest_time`, `check_time`, `max_ahead`). Readers without a chain spec or without ancestors use
//! [`crate::seal`].

mod bounds;
mod compact;
mod context;
mod verdict;
pub(crate) mod work;

use alloy_primitives::{B256, Bytes};

use crate::block::BlockError;
use crate::hash::BlockId;
use crate::header::{HEADER_VERSION, Header};
use crate::manifest::Manifest;
use crate::median_time;
use crate::pow::Target;
use crate::units::Weight;

pub(crate) use bounds::BlockRun;
pub(crate) use compact::CompactHeader;
pub(crate) use context::SealContext;

pub use bounds::MIN_HALF_LIFE_SPACINGS;
pub use compact::{CompactError, MAX_COMPACT_BYTES};
pub use verdict::{SealError, WorkSealError};
pub use work::{MAX_AHEAD_SPACINGS, ProofOfWorkSpec};

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

    /// The seal fields of the block after blocks of this context, before a miner has searched. Rule: docs/protocol.md#D1
    pub(crate) fn seal_after(&self, context: SealContext) -> HeaderSeal {
        match self {
            Self::ProofOfWork(spec) => HeaderSeal {
                version: HEADER_VERSION,
                bits: spec.bits_after(context),
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

    /// Checks a seal against what the blocks before it require. Rule: docs/protocol.md#B5
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
            Self::ProofOfWork(_) => median_time::median(recent_times).saturating_add(1),
        }
    }

    /// Checks a time, in Unix seconds, against those of the blocks before. Rule: docs/protocol.md#B3
    pub(crate) fn check_time(&self, time: u32, recent_times: &[u32]) -> Result<(), BlockError> {
        match self {
            Self::ProofOfWork(_) => median_time::check_after_median(time, recent_times),
        }
    }
}
