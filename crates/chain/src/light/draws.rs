//! Which blocks a sample consists of: decided by the id of the tip, in integers. Rules: docs/protocol.md#F4, #F5

use std::collections::BTreeSet;

use alloy_primitives::U256;

use super::limits::{ALL_HEADERS_UP_TO, MAX_DRAWS, MAX_HEIGHT, SECURITY_BITS, TAIL_BLOCKS, TIP_SHARE};
use super::order::OutOfOrder;
use super::tail;
use crate::consensus::Engine;
use crate::hash::{BlockId, sha256};

/// A chain of this total work is not sampled: numbers drawn below it would not be spread evenly. No chain comes near.
/// Rule: docs/protocol.md#F1
const MAX_WEIGHT_BITS: usize = 192;

/// Why all headers of a chain are taken rather than a sample. Rule: docs/protocol.md#F1
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum Unsampled {
    #[error("the chain has {height} blocks; up to {max} all headers are taken")]
    Short { height: u64, max: u64 },
    #[error("difficulty of this chain changes too fast to be sampled")]
    FastRetargeting,
    #[error("the total work of the chain has {bits} bits, at most {max} can be sampled")]
    TooMuchWork { bits: usize, max: usize },
    #[error("the newest blocks have so little work that {draws} draws are needed, at most {max} are allowed")]
    TooManyDraws { draws: u64, max: u32 },
    #[error("the newest {max} blocks have less work than 200 usual ones")]
    LowWorkTail { max: u64 },
    #[error(
        "the work of the tip is {tip}, less than a sixteenth of the mean of the newest {blocks} blocks, whose work is {weight}"
    )]
    LowWorkTip { tip: U256, blocks: u64, weight: U256 },
    #[error("times go back from {latest} to {earliest}, by more than {slack} s")]
    TimesGoBack { earliest: u32, latest: u32, slack: u32 },
}

impl From<OutOfOrder> for Unsampled {
    fn from(found: OutOfOrder) -> Self {
        let OutOfOrder {
            earliest,
            latest,
            slack,
        } = found;
        Self::TimesGoBack {
            earliest,
            latest,
            slack,
        }
    }
}

/// Whether a chain of this height may be sampled at all. Rule: docs/protocol.md#F1
pub(super) fn allowed(engine: &Engine, height: u64) -> Result<(), Unsampled> {
    let max = ALL_HEADERS_UP_TO;
    if height <= max || height > MAX_HEIGHT {
        return Err(Unsampled::Short { height, max });
    }
    match engine.allows_sampling() {
        true => Ok(()),
        false => Err(Unsampled::FastRetargeting),
    }
}

/// Rule: docs/protocol.md#F1
pub(super) fn check_total(total: U256) -> Result<(), Unsampled> {
    let (bits, max) = (total.bit_len(), MAX_WEIGHT_BITS);
    match bits <= max {
        true => Ok(()),
        false => Err(Unsampled::TooMuchWork { bits, max }),
    }
}

/// Most records of a sample that is accepted, by the height of its tip alone. Nothing but their number is known when they come,
/// and each of them may be followed by dozens of nodes whose bounds (F7) take far longer than the draws that show at the end
/// that there were too many. By the window of all blocks the tail has the work of 200 blocks of the mean work (F4), and the tip
/// a sixteenth of one (F5), so that shells and tries of the tip are no more than these. Rule: docs/protocol.md#F5
pub(super) fn most_records(height: u64) -> u64 {
    let doublings = |most: u64| most.next_power_of_two().trailing_zeros();
    let blocks = height + 1;
    let shells = doublings(blocks.div_ceil(TAIL_BLOCKS)).max(1);
    let tries = doublings(TIP_SHARE * blocks);
    let draws = (shells * (SECURITY_BITS + tries).div_ceil(2)).min(MAX_DRAWS);
    1 + u64::from(draws) + tail::lengths(height).count() as u64
}

/// The work that a plan depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weights {
    /// Of all blocks, genesis and tip included.
    pub total: U256,
    /// Of the tail, the tip included.
    pub tail: U256,
    /// Of the tip.
    pub tip: U256,
}

/// How many places are drawn in each shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    weights: Weights,
    shells: u32,
    per_shell: u32,
}

impl Plan {
    /// Rule: docs/protocol.md#F5
    pub fn of(weights: Weights) -> Result<Self, Unsampled> {
        let Weights { total, tail, tip } = weights;
        check_total(total)?;
        // Both counts end: shifted by its bits the total is zero, and the tip by as many is no less than the total.
        let shells = (1..)
            .find(|shells: &u32| total >> *shells as usize <= tail)
            .unwrap_or(u32::MAX);
        let tip = tip.max(U256::ONE);
        let tries = (0..)
            .find(|tries: &u32| tip << *tries as usize >= total)
            .unwrap_or(u32::MAX);
        // Each draw of two neighbouring shells halves the chance twice, so that half as many draws as bits are enough.
        let per_shell = (SECURITY_BITS + tries).div_ceil(2);
        let (draws, max) = (u64::from(shells) * u64::from(per_shell), MAX_DRAWS);
        if draws > max.into() {
            return Err(Unsampled::TooManyDraws { draws, max });
        }
        Ok(Self {
            weights,
            shells,
            per_shell,
        })
    }

    /// How many places are drawn, those in the tail included.
    pub fn draws(self) -> u64 {
        u64::from(self.shells) * u64::from(self.per_shell)
    }

    /// The places before the tail that are drawn, as work from genesis on: a block is drawn if one is at least what
    /// stands before it and less than that with its own.
    pub fn places(self, tip: BlockId) -> BTreeSet<U256> {
        let in_shell = |shell| (0..self.per_shell).filter_map(move |draw| self.place(tip, shell, draw));
        (0..self.shells).flat_map(in_shell).collect()
    }

    /// The work from the end that a shell is from and below.
    fn shell(self, shell: u32) -> (U256, U256) {
        let total = self.weights.total;
        (total >> (shell as usize + 1), total >> shell as usize)
    }

    /// A place that is drawn; none in the tail.
    fn place(self, tip: BlockId, shell: u32, draw: u32) -> Option<U256> {
        let (inner, outer) = self.shell(shell);
        let hash = sha256(&[
            b"tally/light-draw",
            tip.as_bytes(),
            &shell.to_be_bytes(),
            &draw.to_be_bytes(),
        ]);
        let from_end = inner + U256::from_be_bytes(hash.0) % (outer - inner);
        (from_end >= self.weights.tail).then(|| self.weights.total - U256::ONE - from_end)
    }

    /// Whether a tip draws none of these places: what a forger looks for who can try many tips.
    #[cfg(not(target_family = "wasm"))]
    pub fn misses(self, tip: BlockId, places: &std::ops::Range<U256>) -> bool {
        let total = self.weights.total;
        let near = |shell: &u32| {
            let (inner, outer) = self.shell(*shell);
            total - outer < places.end && places.start < total - inner
        };
        (0..self.shells).filter(near).all(|shell| {
            let mut draws = (0..self.per_shell).filter_map(|draw| self.place(tip, shell, draw));
            draws.all(|place| !places.contains(&place))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::light::limits::MAX_WINDOWS;

    fn plan(total: u64, tail: u64, tip: u64) -> Result<Plan, Unsampled> {
        Plan::of(Weights {
            total: U256::from(total),
            tail: U256::from(tail),
            tip: U256::from(tip),
        })
    }

    #[test]
    fn shells_halve_down_to_the_tail() {
        let counts = |total, tail, tip| plan(total, tail, tip).map(|plan| (plan.shells, plan.per_shell));
        assert_eq!(counts(1_000_000, 200, 1), Ok((13, 35)));
        assert_eq!(counts(20_000, 200, 1), Ok((7, 33)));
        assert_eq!(counts(1_024, 256, 1), Ok((2, 30)));
        assert_eq!(counts(1_024, 1_000, 1_024), Ok((1, 25)));
        // A tip that cost little lets its maker try many.
        assert_eq!(counts(1 << 40, 1 << 33, 1), Ok((7, 45)));
        assert_eq!(counts(1 << 63, 1, 1), Ok((63, 57)));
        let heavy = |bits: usize| {
            Plan::of(Weights {
                total: U256::ONE << bits,
                tail: U256::ONE,
                tip: U256::ONE,
            })
        };
        assert_eq!(heavy(192), Err(Unsampled::TooMuchWork { bits: 193, max: 192 }));
        let error = Unsampled::TooManyDraws {
            draws: 191 * 121,
            max: 4_096,
        };
        assert_eq!(heavy(191), Err(error));
    }

    #[test]
    fn places_are_before_the_tail_and_as_many_in_each_shell() {
        let (total, tail) = (1u64 << 40, 1u64 << 30);
        let plan = plan(total, tail, 1 << 20).unwrap();
        let places = plan.places(BlockId::ZERO);
        assert_eq!(places.len() as u64, plan.draws());
        for shell in 0..10 {
            let from_end = |place: &U256| total - 1 - place.to::<u64>();
            let inside = places
                .iter()
                .map(from_end)
                .filter(|place| (total >> (shell + 1)..total >> shell).contains(place));
            assert_eq!(inside.count() as u32, plan.per_shell, "{shell}");
        }
        assert!(places.iter().all(|place| place.to::<u64>() < total - tail));
        assert_ne!(places, plan.places(BlockId(sha256(&[b"another tip"]))));
    }

    /// The worst values that F4 and F5 accept, and any better ones, require no more draws than a height allows.
    #[test]
    fn a_height_allows_as_many_records_as_the_worst_weights_require() {
        let windows = |height| tail::lengths(height).count() as u64;
        for height in [10_001u64, 12_799, 12_800, 100_000, 1_000_000, 1 << 30, MAX_HEIGHT] {
            let blocks = height + 1;
            let most = most_records(height) - 1 - windows(height);
            // A mean work of 2^20: no division leaves much.
            let total = blocks << 20;
            let (tail, tip) = (TAIL_BLOCKS << 20, 1 << 16);
            let plan = plan(total, tail, tip).unwrap();
            assert_eq!(plan.draws(), most, "{height}");
            for better in [1, 2, 3, 10, 1_000] {
                let plan = self::plan(total, (tail * better).min(total), (tip * better).min(total)).unwrap();
                assert!(plan.draws() <= most, "{height}, {better}");
            }
        }
        assert_eq!(most_records(10_001), 1 + 6 * 34 + 6);
        assert_eq!(most_records(1_000_000), 1 + 13 * 37 + 13);
        assert_eq!(most_records(MAX_HEIGHT), 1 + 33 * 48 + MAX_WINDOWS);
    }

    /// Places that the independent verifier of the tests drew.
    #[test]
    fn vectors() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!("../../tests/pinned/light.json")).unwrap();
        let list = vectors["draws"].as_array().unwrap();
        assert!(list.len() > 3);
        for vector in list {
            let text = |field: &str| vector[field].as_str().unwrap();
            let number = |field: &str| text(field).parse::<U256>().unwrap();
            let weights = Weights {
                total: number("total"),
                tail: number("tail"),
                tip: number("tip_weight"),
            };
            let plan = Plan::of(weights).unwrap();
            let counts = (vector["shells"].as_u64(), vector["per_shell"].as_u64());
            assert_eq!(
                counts,
                (Some(plan.shells.into()), Some(plan.per_shell.into())),
                "{vector}"
            );
            let places = plan.places(text("tip").parse().unwrap());
            let expected = vector["places"].as_array().unwrap();
            let expected = expected.iter().map(|place| place.as_str().unwrap().parse().unwrap());
            assert_eq!(places, expected.collect(), "{vector}");
        }
    }
}
