//! How much work blocks that are not shown can have by their times. Rules: docs/protocol.md#F7, #F8

use alloy_primitives::U256;

use super::{Engine, ProofOfWorkSpec, SealContext};
use crate::pow::Target;
use crate::units::Height;

/// With half-lives of fewer spacings difficulty rises so fast that a drawn block may have more work than a 200th of what is left of
/// it, and luck with few blocks counts for more than with the tail. Rule: docs/protocol.md#F1
pub const MIN_HALF_LIFE_SPACINGS: u32 = 200;
/// Pieces that the last blocks of a node are cut into; what is before them is one more piece. Rule: docs/protocol.md#F7
const PIECES: u32 = 32;

/// Blocks that follow each other, by what a bound on their work depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockRun {
    /// Number of the first block, 2 at least: genesis and block 1 have no ASERT.
    pub first: u64,
    /// How many blocks.
    pub count: u64,
    /// Earliest time of their parents, in Unix seconds.
    pub earliest: u32,
    /// Latest time of their parents, in Unix seconds.
    pub latest: u32,
}

/// The least and the most total work that blocks can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WeightBounds {
    pub least: U256,
    /// 2^256 - 1 stands for that and all above.
    pub most: U256,
}

impl WeightBounds {
    /// The bounds of both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            least: self.least.saturating_add(other.least),
            most: self.most.saturating_add(other.most),
        }
    }
}

impl Engine {
    /// Whether a sample can stand for all headers of a chain with these parameters. Rule: docs/protocol.md#F1
    pub fn allows_sampling(&self) -> bool {
        match self {
            Self::ProofOfWork(spec) => spec.half_life >= spec.spacing.saturating_mul(MIN_HALF_LIFE_SPACINGS),
        }
    }

    /// How far, in seconds, times may go back within a chain that is sampled. Rule: docs/protocol.md#F8
    pub(crate) fn time_slack(&self) -> u32 {
        match self {
            // A quarter of a half-life: what the latest time excuses is then a sixth of the work at most.
            Self::ProofOfWork(spec) => spec.half_life / 4,
        }
    }

    /// How much work blocks can have; `anchor_time`: time of block 1 in Unix seconds. Rule: docs/protocol.md#F7
    pub(crate) fn weight_bounds(&self, anchor_time: u32, blocks: BlockRun) -> WeightBounds {
        match self {
            Self::ProofOfWork(spec) => spec.weight_bounds(anchor_time, blocks),
        }
    }
}

impl ProofOfWorkSpec {
    /// Work grows with the height and falls with the parent's time. So the first block of a piece, with the latest time,
    /// has the least work of it, and the last one, with the earliest time, the most. A piece is a quarter of a half-life
    /// long, where work grows by less than a fifth: closer bounds would take longer and change no verdict that matters.
    fn weight_bounds(&self, anchor_time: u32, blocks: BlockRun) -> WeightBounds {
        let piece = u64::from((self.half_life / self.spacing.saturating_mul(4).max(1)).max(1));
        let (mut bounds, mut left) = (
            WeightBounds {
                least: U256::ZERO,
                most: U256::ZERO,
            },
            blocks.count,
        );
        for number in 0..=PIECES {
            if left == 0 {
                break;
            }
            let count = if number == PIECES { left } else { piece.min(left) };
            let (first, last) = (blocks.first + left - count, blocks.first + left - 1);
            let work = |number, time| {
                self.work_at(anchor_time, number, time)
                    .saturating_mul(U256::from(count))
            };
            bounds = bounds.plus(WeightBounds {
                least: work(first, blocks.latest),
                most: work(last, blocks.earliest),
            });
            left -= count;
        }
        bounds
    }

    /// Work that D1 requires of a block whose parent has this time. Rules: docs/protocol.md#D1, #H6
    fn work_at(&self, anchor_time: u32, number: u64, parent_time: u32) -> U256 {
        let bits = self.bits_after(SealContext {
            anchor_time: Some(anchor_time),
            parent_time,
            parent_height: Height(number.saturating_sub(1)),
        });
        Target::from_bits(bits).map_or(U256::ZERO, |target| target.work().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: ProofOfWorkSpec = ProofOfWorkSpec {
        spacing: 10,
        half_life: 2_880,
        pow_limit_bits: 0x207f_ffff,
        initial_bits: 0x1f00_ffff,
    };

    fn bounds(first: u64, count: u64, earliest: u32, latest: u32) -> WeightBounds {
        let blocks = BlockRun {
            first,
            count,
            earliest,
            latest,
        };
        Engine::ProofOfWork(SPEC).weight_bounds(1_000_000, blocks)
    }

    #[test]
    fn one_block_has_the_work_that_its_parents_time_gives() {
        let one = bounds(2, 1, 1_000_000, 1_000_000);
        assert_eq!(one.least, one.most);
        assert_eq!(one.least, Target::from_bits(SPEC.initial_bits).unwrap().work().0);
        // A half-life later than that, half of it.
        let late = bounds(2, 1, 1_000_000, 1_002_880);
        assert_eq!((late.most, late.least.to::<u64>()), (one.most, 32_768));
    }

    /// The bounds hold for what D1 gives, and are not much wider where times are known well.
    #[test]
    fn bounds_hold_and_are_close() {
        for (first, count) in [(2u64, 1u64), (2, 100), (300, 288), (300, 1_000), (300, 20_000)] {
            // Blocks in step, each with its own time.
            let time = |number: u64| 1_000_000 + 10 * (number as u32 - 2);
            let sum = (first..first + count).fold(U256::ZERO, |sum, number| {
                sum + SPEC.work_at(1_000_000, number, time(number))
            });
            let found = bounds(first, count, time(first), time(first + count - 1));
            assert!(found.least <= sum && sum <= found.most, "{first}, {count}: {found:?}");
            // Blocks of one time.
            let sum = (first..first + count).fold(U256::ZERO, |sum, number| {
                sum.saturating_add(SPEC.work_at(1_000_000, number, 1_200_000))
            });
            let found = bounds(first, count, 1_200_000, 1_200_000);
            assert!(found.least <= sum && sum <= found.most, "{first}, {count}: {found:?}");
            assert!(
                found.most < found.least.saturating_mul(U256::from(4)),
                "{first}, {count}: {found:?}"
            );
        }
    }

    /// Numbers that the independent verifier of the tests made.
    #[test]
    fn vectors() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!("../../tests/pinned/light.json")).unwrap();
        let spec = crate::ChainSpec::from_toml(vectors["spec"].as_str().unwrap()).unwrap();
        let list = vectors["bounds"].as_array().unwrap();
        assert!(list.len() > 10);
        for vector in list {
            let number = |field: &str| vector[field].as_u64().unwrap();
            let text = |field: &str| vector[field].as_str().unwrap().parse::<U256>().unwrap();
            let blocks = BlockRun {
                first: number("first"),
                count: number("count"),
                earliest: number("earliest") as u32,
                latest: number("latest") as u32,
            };
            let found = spec.engine().weight_bounds(number("anchor") as u32, blocks);
            assert_eq!((found.least, found.most), (text("least"), text("most")), "{vector}");
        }
    }

    #[test]
    fn bounds_of_absurd_blocks_do_not_wrap() {
        let found = bounds(2, 1 << 40, 0, u32::MAX);
        assert_eq!(found.most, U256::MAX);
        assert!(found.least >= U256::from(1u64 << 40));
    }

    #[test]
    fn fast_retargeting_is_not_sampled() {
        let of = |half_life| Engine::ProofOfWork(ProofOfWorkSpec { half_life, ..SPEC }).allows_sampling();
        assert!(of(2_000) && !of(1_999));
    }
}
