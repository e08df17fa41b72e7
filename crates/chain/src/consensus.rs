//! Consensus as an engine behind one small interface. Nothing outside may assume work.

use alloy_primitives::U256;

use crate::asert;
use crate::block::{Ancestors, Parent};
use crate::header::Header;
use crate::manifest::Manifest;
use crate::pow::{BitsError, Target};
use crate::units::{Height, Work};
use crate::{BlockId, spec::ProofOfWorkSpec};

/// Why a seal is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum SealError {
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

/// The engine that a chain spec names: says what a seal is, which one is due next, and what a branch weighs.
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

    /// Checks what a header alone shows of its seal. Rules: docs/protocol.md#H4, #H5
    pub fn check_header(&self, header: &Header) -> Result<(), SealError> {
        match self {
            Self::ProofOfWork(spec) => {
                let target = spec.target(header.bits)?;
                let id = header.id();
                match target.is_met_by(&id) {
                    true => Ok(()),
                    false => Err(SealError::NotEnoughWork { id, bits: header.bits }),
                }
            }
        }
    }

    /// Checks the part of a seal that the manifest holds. Rule: docs/protocol.md#M2
    pub fn check_manifest(&self, manifest: &Manifest) -> Result<(), SealError> {
        match self {
            Self::ProofOfWork(_) => match manifest.seal.len() {
                0 => Ok(()),
                len => Err(SealError::UnexpectedSeal { len }),
            },
        }
    }

    /// `bits` of the block after these ancestors. Rule: docs/protocol.md#D1
    pub fn next_bits(&self, ancestors: &Ancestors) -> u32 {
        let Parent { header, manifest, .. } = &ancestors.parent;
        self.bits_after(ancestors.anchor_time, header.time, manifest.number)
    }

    /// `bits` of the block after one at `height` with `time`, of the branch whose block 1 has `anchor_time` (`None`: the
    /// parent is genesis). Rule: docs/protocol.md#D1
    fn bits_after(&self, anchor_time: Option<u32>, time: u32, height: Height) -> u32 {
        match self {
            Self::ProofOfWork(spec) => match anchor_time {
                None => spec.initial_bits,
                Some(anchor_time) => {
                    let anchor_parent_time = i64::from(anchor_time) - i64::from(spec.spacing);
                    asert::next_target(
                        spec.initial_target(),
                        spec.limit(),
                        spec.spacing,
                        spec.half_life,
                        i64::from(time) - anchor_parent_time,
                        height.0.saturating_sub(1),
                    )
                    .to_bits()
                }
            },
        }
    }

    /// Checks a seal against its ancestors. Rule: docs/protocol.md#B5
    pub fn check_due(&self, header: &Header, ancestors: &Ancestors) -> Result<(), SealError> {
        let Parent {
            header: parent,
            manifest,
            ..
        } = &ancestors.parent;
        self.check_bits(header, ancestors.anchor_time, parent.time, manifest.number)
    }

    /// [`Self::check_due`] for those who have headers only; the last three arguments tell of the parent.
    pub(crate) fn check_bits(
        &self,
        header: &Header,
        anchor_time: Option<u32>,
        time: u32,
        height: Height,
    ) -> Result<(), SealError> {
        match self {
            Self::ProofOfWork(_) => match self.bits_after(anchor_time, time, height) {
                expected if expected == header.bits => Ok(()),
                expected => Err(SealError::WrongBits {
                    found: header.bits,
                    expected,
                }),
            },
        }
    }

    /// What a block adds to its branch; of valid branches the heaviest is followed. Rule: docs/protocol.md#H6
    pub fn weight(&self, header: &Header) -> Work {
        match self {
            Self::ProofOfWork(_) => Target::from_bits(header.bits).map_or(Work(U256::ZERO), Target::work),
        }
    }
}

impl ProofOfWorkSpec {
    /// The target that `bits` says, within this chain's limit. Rule: docs/protocol.md#H4
    pub fn target(&self, bits: u32) -> Result<Target, SealError> {
        let target = Target::from_bits(bits)?;
        if target > self.limit() {
            return Err(SealError::TargetAboveLimit {
                bits,
                limit: self.pow_limit_bits,
            });
        }
        Ok(target)
    }

    fn limit(&self) -> Target {
        Target::from_bits(self.pow_limit_bits).expect("a chain spec is read only if its pow_limit_bits is a target")
    }

    fn initial_target(&self) -> Target {
        Target::from_bits(self.initial_bits).expect("a chain spec is read only if its initial_bits is a target")
    }
}
