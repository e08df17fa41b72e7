//! Amounts as they are shown.

use serde::{Deserialize, Serialize};
use tally_chain::units::DECIMALS;

/// Decimals of one coin in base units. Rule: docs/protocol.md#E3
const COIN_DECIMALS: usize = DECIMALS as usize;

/// An amount in base units (10^-18 of a coin) as the decimal string that the API carries.
/// It is only ever shown, never computed with, so it stays exact without big integers in the page.
/// Rule: docs/protocol.md#E3
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BaseUnits(String);

impl BaseUnits {
    /// Takes anything that prints as a decimal integer without sign.
    pub fn new(units: impl ToString) -> Self {
        Self(units.to_string())
    }

    /// The digits, as given.
    pub fn digits(&self) -> &str {
        if self.0.is_empty() { "0" } else { &self.0 }
    }

    /// Whether the amount is zero.
    pub fn is_zero(&self) -> bool {
        self.0.bytes().all(|digit| digit == b'0')
    }

    /// Whole coins and the eighteen decimals, both as digits: `("12", "500000000000000000")`.
    pub fn split(&self) -> (String, String) {
        let padded = format!("{:0>width$}", self.digits(), width = COIN_DECIMALS + 1);
        let (whole, fraction) = padded.split_at(padded.len() - COIN_DECIMALS);
        (whole.to_owned(), fraction.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::BaseUnits;

    #[test]
    fn splits_at_the_eighteenth_decimal() {
        let pair = |units: &str| BaseUnits::new(units).split();
        assert_eq!(pair("0"), ("0".into(), "0".repeat(18)));
        assert_eq!(pair("1"), ("0".into(), format!("{}1", "0".repeat(17))));
        assert_eq!(
            pair("12500000000000000000"),
            ("12".into(), format!("5{}", "0".repeat(17)))
        );
        assert_eq!(BaseUnits::default().split(), ("0".into(), "0".repeat(18)));
    }
}
