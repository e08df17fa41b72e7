//! Proof of work as an engine: SHA-256d below a target, with ASERT. Rules: docs/protocol.md#H4 to #H6, #D1

use alloy_primitives::U256;

use super::SealContext;
use crate::asert;
use crate::block::MAX_AHEAD_SPACINGS;
use crate::hash::BlockId;
use crate::header::Header;
use crate::pow::{BitsError, Target};
use crate::spec::ProofOfWorkSpec;
use crate::units::Weight;

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

/// Expected hashes behind a header: none where its bits are no target. Rule: docs/protocol.md#H6
pub(crate) fn weight(header: &Header) -> Weight {
    Target::from_bits(header.bits).map_or(Weight(U256::ZERO), Target::work)
}

/// Checks that the id is not above `target`. Rule: docs/protocol.md#H5
fn check_id(header: &Header, target: Target) -> Result<(), WorkSealError> {
    let id = header.id();
    match target.is_met_by(&id) {
        true => Ok(()),
        false => Err(WorkSealError::NotEnoughWork { id, bits: header.bits }),
    }
}

impl ProofOfWorkSpec {
    /// The target that `bits` says, within this chain's limit. Rule: docs/protocol.md#H4
    pub fn target(&self, bits: u32) -> Result<Target, WorkSealError> {
        let target = Target::from_bits(bits)?;
        if target > self.limit() {
            return Err(WorkSealError::TargetAboveLimit {
                bits,
                limit: self.pow_limit_bits,
            });
        }
        Ok(target)
    }

    /// Checks that `pow_limit_bits` is a target. Rule: docs/protocol.md#H4
    pub(crate) fn check_limit(&self) -> Result<(), WorkSealError> {
        Target::from_bits(self.pow_limit_bits)?;
        Ok(())
    }

    pub(super) fn check_header(&self, header: &Header) -> Result<(), WorkSealError> {
        check_id(header, self.target(header.bits)?)
    }

    /// `bits` of the next block. Rule: docs/protocol.md#D1
    pub(super) fn bits_after(&self, context: SealContext) -> u32 {
        let Some(anchor_time) = context.anchor_time else {
            return self.initial_bits;
        };
        let anchor_parent_time = i64::from(anchor_time) - i64::from(self.spacing);
        asert::next_target(
            self.initial_target(),
            self.limit(),
            self.spacing,
            self.half_life,
            i64::from(context.parent_time) - anchor_parent_time,
            context.parent_height.0.saturating_sub(1),
        )
        .to_bits()
    }

    /// The seal meets the header's own bits; whether those are the expected ones, only the ancestors show.
    /// Rule: docs/protocol.md#B5
    pub(super) fn check_expected_bits(&self, header: &Header, context: SealContext) -> Result<(), WorkSealError> {
        match self.bits_after(context) {
            expected if expected == header.bits => Ok(()),
            expected => Err(WorkSealError::WrongBits {
                found: header.bits,
                expected,
            }),
        }
    }

    /// In seconds. Rule: docs/protocol.md#B4
    pub(super) fn max_ahead(&self) -> u64 {
        MAX_AHEAD_SPACINGS * u64::from(self.spacing)
    }

    fn limit(&self) -> Target {
        Target::from_bits(self.pow_limit_bits).expect("a chain spec is read only if its pow_limit_bits is a target")
    }

    fn initial_target(&self) -> Target {
        Target::from_bits(self.initial_bits).expect("a chain spec is read only if its initial_bits is a target")
    }
}
