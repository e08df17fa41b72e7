//! The one door for "is this header sealed", for readers that do not have the blocks before it: receipts, wallets, pages.
//!
//! A node has those blocks and uses the [`Engine`] for everything. A reader with the chain spec alone compares a header with
//! [`SealBounds`]; one without a spec uses [`check_without_spec`]. No other place looks at what seals a header.

use crate::consensus::{Engine, SealError, work};
use crate::header::Header;
use crate::pow::Target;
use crate::spec::ChainSpec;
use crate::units::{Height, Weight};

pub use crate::consensus::{BoundsError, Sealed};

/// Checks what a header shows of its seal to a reader without a chain spec, and gives its weight: how hard the seal had to
/// be is for other blocks to show. Genesis is agreed on and has no seal. Rules: docs/protocol.md#H5, #C3, #P3
pub fn check_without_spec(header: &Header) -> Result<Weight, SealError> {
    // Every header is one of proof of work today. Another engine's headers have another version, which decides here.
    Ok(work::check_without_spec(header)?)
}

/// How hard it was to make a seal: what a reader remembers of the blocks that it has accepted. Rule: docs/protocol.md#W57
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealMeasure(Target);

impl SealMeasure {
    /// Of a header; none where its fields cannot be measured.
    pub fn of(header: &Header) -> Option<Self> {
        Self::from_stored(header.bits)
    }

    /// What [`Self::stored`] gave; none of any other number.
    pub fn from_stored(number: u32) -> Option<Self> {
        Target::from_bits(number).ok().map(Self)
    }

    /// A number to be kept: under proof of work the compact target.
    pub fn stored(self) -> u32 {
        self.0.to_bits()
    }

    /// Whether it took more to make than `other`.
    pub fn is_harder_than(self, other: Self) -> bool {
        self.0 < other.0
    }

    /// The one of the two that took more to make.
    #[must_use]
    pub fn harder(self, other: Self) -> Self {
        if other.is_harder_than(self) { other } else { self }
    }
}

/// Bounds on the seals of a chain that follow from its spec and from the hardest seal that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealBounds {
    engine: Engine,
    /// Unix seconds.
    genesis_time: u32,
    hardest: SealMeasure,
}

impl SealBounds {
    /// For a reader that has seen no block yet. `spec`: one that was checked, as each is that
    /// [`ChainSpec::from_toml`] or [`ChainSpec::checked`] gave.
    pub fn of(spec: &ChainSpec) -> Self {
        let engine = spec.engine();
        let hardest = SealMeasure(match &engine {
            Engine::ProofOfWork(pow) => pow.initial_target(),
        });
        Self {
            engine,
            genesis_time: spec.genesis_time,
            hardest,
        }
    }

    /// The same for a reader that knows no harder seal than this one, not even that of the chain's beginning.
    #[must_use]
    pub fn knowing(self, hardest: SealMeasure) -> Self {
        Self { hardest, ..self }
    }

    /// The same for a reader that has also seen a seal of this measure.
    #[must_use]
    pub fn having_seen(self, seen: SealMeasure) -> Self {
        let hardest = self.hardest.harder(seen);
        Self { hardest, ..self }
    }

    /// Checks that a header other than genesis holds by itself and is no easier than the spec allows at this height, and
    /// returns whether it is worth believing. The blocks before it and the reader's clock are not looked at.
    /// Rules: docs/protocol.md#D1, #H4, #H5, #W57
    pub fn check(&self, header: &Header, height: Height) -> Result<Sealed, BoundsError> {
        match &self.engine {
            Engine::ProofOfWork(spec) => spec.check_within(header, height, self.genesis_time, self.hardest.0),
        }
    }
}
