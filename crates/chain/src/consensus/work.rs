//! Proof of work as an engine: SHA-256d below a target, with ASERT. Rules: docs/protocol.md#H4 to #H6, #D1

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::{SealContext, WorkSealError};
use crate::asert;
use crate::header::Header;
use crate::pow::Target;
use crate::units::Weight;

/// Allowed clock skew under proof of work, in spacings. Rule: docs/protocol.md#B4
pub const MAX_AHEAD_SPACINGS: u64 = 12;

/// Parameters of proof of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofOfWorkSpec {
    /// Seconds between blocks.
    pub spacing: u32,
    /// Seconds of delay that halve the difficulty. Rule: docs/protocol.md#D1
    pub half_life: u32,
    /// Easiest target that a block may have, compact. Rule: docs/protocol.md#H4
    pub pow_limit_bits: u32,
    /// Target of genesis and of block 1, compact. Rule: docs/protocol.md#D1
    pub initial_bits: u32,
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
    /// The target that `bits` encodes, within this chain's limit. Rule: docs/protocol.md#H4
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
        // Without an anchor the next block is block 1, which is the anchor itself (D1).
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

/// Checks a header for a reader without a chain spec. Rules: docs/protocol.md#H4, #H5
pub(crate) fn check_without_spec(header: &Header) -> Result<Weight, WorkSealError> {
    let target = Target::from_bits(header.bits)?;
    check_id(header, target)?;
    Ok(target.work())
}
