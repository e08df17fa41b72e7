//! Fee levels: from what the node suggests to the two prices of a transaction.

use serde::{Deserialize, Serialize};

/// Fee level: for how many full blocks in a row the price stays high enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeeLevel {
    /// Pays for the base fee's growth over 1 full block.
    Low,
    /// Pays for the base fee's growth over 6 full blocks.
    #[default]
    Normal,
    /// Pays for the base fee's growth over 12 full blocks.
    High,
}

impl FeeLevel {
    /// Every level, the cheapest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::High];

    /// How many full blocks in a row may raise the base fee before this level no longer pays for it.
    pub const fn full_blocks(self) -> u32 {
        match self {
            Self::Low => 1,
            Self::Normal => 6,
            Self::High => 12,
        }
    }
}

/// What the node suggests, in base units per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeSuggestions {
    /// Base fee of the next block.
    pub base_fee: u128,
    /// Priority fees that are enough for each level.
    pub low: u128,
    /// For [`FeeLevel::Normal`].
    pub normal: u128,
    /// For [`FeeLevel::High`].
    pub high: u128,
}

/// The two prices of a transaction, in base units per gas. Rule: docs/protocol.md#T8
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fee {
    /// The most that the producer receives.
    pub max_priority_fee: u128,
    /// The most that is paid, base fee included.
    pub max_fee: u128,
}

/// The prices of a level. Rule: docs/protocol.md#W9
///
/// `max_fee` bears the base fee's growth (one eighth a full block) for [`FeeLevel::full_blocks`] blocks;
/// what is not needed is not paid.
pub fn choose(level: FeeLevel, suggestions: &FeeSuggestions) -> Fee {
    let max_priority_fee = match level {
        FeeLevel::Low => suggestions.low,
        FeeLevel::Normal => suggestions.normal,
        FeeLevel::High => suggestions.high,
    };
    // Rounded up, so that a tiny base fee grows too.
    let base = (0..level.full_blocks()).fold(suggestions.base_fee, |fee, _| fee.saturating_add(fee.div_ceil(8)));
    Fee {
        max_priority_fee,
        max_fee: base.saturating_add(max_priority_fee),
    }
}

#[cfg(test)]
mod tests {
    use tally_chain::fees::next_base_fee;

    use super::*;

    #[test]
    fn a_level_pays_through_its_full_blocks_and_no_longer() {
        for base_fee in [1, 7, 1_000_000_000, 123_456_789_012] {
            let suggestions = FeeSuggestions {
                base_fee,
                low: 1,
                normal: 2,
                high: 3,
            };
            for (level, priority) in FeeLevel::ALL.into_iter().zip([1, 2, 3]) {
                let fee = choose(level, &suggestions);
                assert_eq!(fee.max_priority_fee, priority);
                let grown = (0..level.full_blocks()).fold(base_fee, |fee, _| next_base_fee(fee, 30, 30, 1));
                assert!(fee.max_fee >= grown + priority, "{level:?} at {base_fee}");
            }
        }
    }

    #[test]
    fn levels_are_ordered_and_never_overflow() {
        let calm = FeeSuggestions {
            base_fee: 1_000,
            low: 0,
            normal: 10,
            high: 20,
        };
        assert_eq!(
            FeeLevel::ALL.map(|level| choose(level, &calm).max_fee),
            [1_125, 2_041, 4_140]
        );
        let wild = FeeSuggestions {
            base_fee: u128::MAX,
            high: u128::MAX,
            ..calm
        };
        assert_eq!(
            choose(FeeLevel::High, &wild),
            Fee {
                max_priority_fee: u128::MAX,
                max_fee: u128::MAX
            }
        );
    }
}
