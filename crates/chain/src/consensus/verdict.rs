//! What checking a seal comes to: why it is rejected, and what one that holds is worth.

use crate::hash::BlockId;
use crate::pow::BitsError;
use crate::units::Height;

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

/// Why a seal of proof of work is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum WorkSealError {
    #[error(transparent)]
    Bits(#[from] BitsError),
    #[error("bits {bits:#010x} is above the limit {limit:#010x} of this chain")]
    TargetAboveLimit { bits: u32, limit: u32 },
    #[error("block id {id} is above the target of bits {bits:#010x}")]
    NotEnoughWork { id: BlockId, bits: u32 },
    #[error("bits is {found:#010x}, expected {expected:#010x}")]
    WrongBits { found: u32, expected: u32 },
    #[error("seal has {len} bytes, proof of work has none")]
    UnexpectedSeal { len: usize },
}

/// How much a seal that holds is worth to a reader without the blocks before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// Near the hardest seal that is known of the chain; or genesis, by its id.
    Firm,
    /// Allowed by the spec, and far easier than what is known of the chain: it costs little to make up.
    Light,
}

/// Why a header cannot be part of a chain, whatever the blocks before it are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoundsError {
    /// The seal does not hold by itself.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The seal is easier than any chain of this spec allows at this height.
    #[error("the work that its bits {bits:#010x} require is less than this chain allows at height {height}")]
    TooEasy {
        /// Compact target of the header.
        bits: u32,
        /// Height that its manifest claims.
        height: Height,
    },
}
