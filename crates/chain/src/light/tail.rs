//! Which newest blocks are all shown, and the least work of the tip. Rules: docs/protocol.md#F4, #F5

use alloy_primitives::U256;

use super::draws::{Unsampled, check_total};
use super::fault::{LightError, Violation, violation};
use super::limits::{MAX_TAIL_BLOCKS, TAIL_BLOCKS, TIP_SHARE};

/// The newest blocks of a chain, in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub blocks: u64,
    /// Of all of them, the tip included.
    pub weight: U256,
}

impl Window {
    /// Whether a tail of this work has as much as 200 blocks of the mean work of these.
    fn is_outweighed_by(self, tail: U256) -> bool {
        times(tail, self.blocks) >= times(self.weight, TAIL_BLOCKS)
    }

    /// Whether a tip of this weight has a sixteenth of the mean weight of these blocks.
    fn allows_tip(self, tip: U256) -> bool {
        times(tip, TIP_SHARE * self.blocks) >= self.weight
    }
}

/// The total was checked to be below 2^192, no weight here is more, and there are fewer than 2^45 times as many blocks.
fn times(weight: U256, blocks: u64) -> U256 {
    weight
        .checked_mul(U256::from(blocks))
        .expect("a weight below 2^192 times a number below 2^64")
}

/// How many blocks each window has, ascending, but for the window of all blocks. `height`: of the tip. Rule: docs/protocol.md#F4
pub(super) fn lengths(height: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(TAIL_BLOCKS), |blocks| blocks.checked_mul(2)).take_while(move |blocks| *blocks <= height)
}

/// Whether a tail can have so many blocks.
pub(super) fn is_length(blocks: u64) -> bool {
    lengths(MAX_TAIL_BLOCKS).any(|length| length == blocks)
}

/// The tail among these windows, which are all of a chain, ascending, that of all blocks the last one. `tip`: weight of the tip.
/// Rules: docs/protocol.md#F4, #F5
pub(super) fn choose(windows: &[Window], tip: U256) -> Result<Window, Unsampled> {
    let all = windows.last().map_or(U256::ZERO, |all| all.weight);
    check_total(all)?;
    let is_tail = |window: &Window| windows.iter().all(|other| other.is_outweighed_by(window.weight));
    let max = MAX_TAIL_BLOCKS;
    let tail = windows
        .iter()
        .copied()
        .take_while(|window| window.blocks <= max)
        .find(is_tail)
        .ok_or(Unsampled::LowWorkTail { max })?;
    check_tip(tip, windows.iter().filter(|window| window.blocks >= tail.blocks))?;
    Ok(tail)
}

fn check_tip<'a>(tip: U256, windows: impl IntoIterator<Item = &'a Window>) -> Result<(), Unsampled> {
    match windows.into_iter().find(|window| !window.allows_tip(tip)) {
        Some(Window { blocks, weight }) => Err(Unsampled::LowWorkTip {
            tip,
            blocks: *blocks,
            weight: *weight,
        }),
        None => Ok(()),
    }
}

/// Which of the rules about a tail are checked: all of them, but in tests of forgers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TailRules {
    /// How many blocks it has. Rule: docs/protocol.md#F4
    pub length: bool,
    /// The work of the tip. Rule: docs/protocol.md#F5
    pub tip: bool,
}

impl TailRules {
    /// Both.
    pub const ALL: Self = Self {
        length: true,
        tip: true,
    };
}

/// A tail as a proof has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    /// All of it.
    pub whole: Window,
    /// Work of its second half.
    pub half: U256,
    /// Work of the tip.
    pub tip: U256,
}

impl Tail {
    /// `longer`: the windows that are longer, that of all blocks the last one.
    pub fn check(self, longer: &[Window], rules: TailRules) -> Result<(), Violation> {
        let all = longer.last().map_or(self.whole.weight, |all| all.weight);
        check_total(all).map_err(|error| violation("F1", error))?;
        if rules.length {
            self.check_length(longer).map_err(|error| violation("F4", error))?;
        }
        if rules.tip {
            let windows = std::iter::once(&self.whole).chain(longer);
            check_tip(self.tip, windows).map_err(|error| violation("F1", error))?;
        }
        Ok(())
    }

    fn check_length(self, longer: &[Window]) -> Result<(), LightError> {
        let Window { blocks, weight } = self.whole;
        if let Some(window) = longer.iter().find(|window| !window.is_outweighed_by(weight)) {
            return Err(LightError::ShortTail {
                blocks,
                weight,
                window: window.blocks,
                sum: window.weight,
            });
        }
        let mut windows = std::iter::once(&self.whole).chain(longer);
        let half_is_enough = blocks > TAIL_BLOCKS && windows.all(|window| window.is_outweighed_by(self.half));
        match half_is_enough {
            true => Err(LightError::LongTail { blocks }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(weights: &[(u64, u64)]) -> Vec<Window> {
        let each = weights.iter().map(|(blocks, weight)| Window {
            blocks: *blocks,
            weight: U256::from(*weight),
        });
        each.collect()
    }

    #[test]
    fn windows_double() {
        assert_eq!(
            lengths(10_001).collect::<Vec<_>>(),
            [200, 400, 800, 1_600, 3_200, 6_400]
        );
        assert_eq!(lengths(12_799).count(), 6);
        assert_eq!(lengths(12_800).last(), Some(12_800));
        assert_eq!(
            lengths(super::super::MAX_HEIGHT).count() as u64,
            super::super::limits::MAX_WINDOWS
        );
        for (blocks, is) in [
            (0, false),
            (199, false),
            (200, true),
            (600, false),
            (6_400, true),
            (12_800, false),
        ] {
            assert_eq!(is_length(blocks), is, "{blocks}");
        }
    }

    /// The shortest window whose work is that of 200 blocks of each window's mean, whichever window that is of.
    #[test]
    fn a_tail_has_the_work_of_200_blocks_of_any_window() {
        let chosen = |weights: &[(u64, u64)]| choose(&windows(weights), U256::from(100)).map(|tail| tail.blocks);
        let even = [(200, 20_000), (400, 40_000), (800, 80_000), (20_000, 2_000_000)];
        assert_eq!(chosen(&even), Ok(200));
        // One unit less, and it takes twice as many.
        assert_eq!(chosen(&[(200, 19_999), (400, 40_000), (20_000, 2_000_000)]), Ok(400));
        assert_eq!(chosen(&[(200, 20_000), (400, 40_000), (20_000, 2_000_001)]), Ok(400));
        // Blocks of more work are seen though they are few among all.
        let fallen = [
            (200, 20_000),
            (400, 40_000),
            (800, 200_000),
            (1_600, 400_000),
            (20_000, 2_000_000),
        ];
        assert_eq!(chosen(&fallen), Ok(800));
        let never = [(200, 1), (6_400, 100), (12_800, 20_000)];
        assert_eq!(chosen(&never), Err(Unsampled::LowWorkTail { max: 6_400 }));
        let heavy = Window {
            blocks: 200,
            weight: U256::ONE << 192,
        };
        assert_eq!(
            choose(&[heavy], heavy.weight),
            Err(Unsampled::TooMuchWork { bits: 193, max: 192 })
        );
    }

    #[test]
    fn a_tip_has_a_sixteenth_of_the_work_of_any_mean() {
        let windows = windows(&[(200, 20_000), (400, 40_000), (20_000, 1_600_001)]);
        let error = |blocks, weight: u64, tip| Unsampled::LowWorkTip {
            tip: U256::from(tip),
            blocks,
            weight: U256::from(weight),
        };
        let chosen = |tip: u64| choose(&windows, U256::from(tip)).map(|tail| tail.blocks);
        assert_eq!(chosen(7), Ok(200));
        assert_eq!(chosen(6), Err(error(200, 20_000, 6)));
        let all = &windows[2..];
        assert_eq!(check_tip(U256::from(5), all), Err(error(20_000, 1_600_001, 5)));
        assert_eq!(check_tip(U256::from(6), all), Ok(()));
    }

    /// What the prover chooses is what the verifier takes, and no other length.
    #[test]
    fn one_length_is_taken() {
        let chain = windows(&[(200, 15_000), (400, 40_000), (800, 80_000), (20_000, 2_000_000)]);
        assert_eq!(choose(&chain, U256::from(100)), Ok(chain[1]));
        let taken = |at: usize, half: u64| {
            let tail = Tail {
                whole: chain[at],
                half: U256::from(half),
                tip: U256::from(100),
            };
            let verdict = tail.check(&chain[at + 1..], TailRules::ALL);
            verdict.map_err(|violation| (violation.rule, *violation.error))
        };
        let short = LightError::ShortTail {
            blocks: 200,
            weight: U256::from(15_000),
            window: 400,
            sum: U256::from(40_000),
        };
        assert_eq!(taken(0, 7_000), Err(("F4", short)));
        assert_eq!(taken(1, 15_000), Ok(()));
        assert_eq!(taken(2, 40_000), Err(("F4", LightError::LongTail { blocks: 800 })));
    }
}
