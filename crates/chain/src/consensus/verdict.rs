//! Why a seal is rejected.

use crate::hash::BlockId;
use crate::pow::BitsError;

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
