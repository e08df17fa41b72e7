//! Quantities with names. Money has no `+`: only checked arithmetic by name.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Decimal places between the base unit and one coin. Rule: docs/protocol.md#E3
pub const DECIMALS: u32 = 18;

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum AmountError {
    #[error("amount is empty")]
    Empty,
    #[error("amount has the character {found:?}; only digits and one decimal point are allowed")]
    NotDecimal { found: char },
    #[error("amount is padded with zeros")]
    ZeroPadded,
    #[error("amount has {count} decimals, at most {max} exist")]
    TooManyDecimals { count: usize, max: u32 },
    #[error("amount is 2^256 base units or more")]
    Overflow,
}

/// An amount of money in base units (10^-18 of a coin). Rule: docs/protocol.md#E3
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(pub U256);

impl Amount {
    /// No money.
    pub const ZERO: Self = Self(U256::ZERO);

    /// The sum, or `None` at 2^256 base units and above.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` where `other` is larger.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// `self * count`, for fees: price per gas times gas.
    pub fn checked_mul(self, count: u64) -> Option<Self> {
        self.0.checked_mul(U256::from(count)).map(Self)
    }

    /// Whether it is no money at all.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Parses base units as JSON carries them: digits only, no sign, no leading zero.
    pub fn from_base_units(text: &str) -> Result<Self, AmountError> {
        let first = text.chars().next().ok_or(AmountError::Empty)?;
        if let Some(found) = text.chars().find(|c| !c.is_ascii_digit()) {
            return Err(AmountError::NotDecimal { found });
        }
        if first == '0' && text.len() > 1 {
            return Err(AmountError::ZeroPadded);
        }
        // 2^256 has 78 digits: longer texts are rejected before any arithmetic on them.
        if text.len() > 78 {
            return Err(AmountError::Overflow);
        }
        U256::from_str_radix(text, 10)
            .map(Self)
            .map_err(|_| AmountError::Overflow)
    }

    /// Parses an amount in coins, such as `1`, `0.5` or `12.000000000000000001`; exact, or an error.
    pub fn from_coins(text: &str) -> Result<Self, AmountError> {
        if text.is_empty() {
            return Err(AmountError::Empty);
        }
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(AmountError::NotDecimal { found: '.' }),
            Some((whole, fraction)) => (whole, fraction),
            None => (text, ""),
        };
        let whole = Self::from_base_units(whole)?;
        if let Some(found) = fraction.chars().find(|c| !c.is_ascii_digit()) {
            return Err(AmountError::NotDecimal { found });
        }
        if fraction.len() > DECIMALS as usize {
            return Err(AmountError::TooManyDecimals {
                count: fraction.len(),
                max: DECIMALS,
            });
        }
        let padded = format!("{fraction:0<width$}", width = DECIMALS as usize);
        let fraction = U256::from_str_radix(&padded, 10).map_err(|_| AmountError::Overflow)?;
        let scale = U256::from(10u64).pow(U256::from(DECIMALS));
        whole
            .0
            .checked_mul(scale)
            .and_then(|base| base.checked_add(fraction))
            .map(Self)
            .ok_or(AmountError::Overflow)
    }

    /// The amount in coins, exact, without trailing zeros: `0.5`, `1000000`.
    pub fn to_coins(self) -> String {
        let digits = format!("{:0>width$}", self.0.to_string(), width = DECIMALS as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - DECIMALS as usize);
        match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Amount({})", self.0)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        Self::from_base_units(text)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_base_units(&text).map_err(D::Error::custom)
    }
}

/// Number of a block; genesis is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Height(pub u64);

impl Height {
    /// The first block of every chain.
    pub const GENESIS: Self = Self(0);

    /// The height above this one. Saturates: no chain reaches 2^64 blocks.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Seconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSecs(pub u64);

impl UnixSecs {
    /// The time that many seconds later; at most 2^64 - 1.
    pub fn saturating_add(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl fmt::Display for UnixSecs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a block, or a branch of them, counts for when branches are compared. Under proof of work it is work: expected hashes,
/// summed over the branch. Rule: docs/protocol.md#H6
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Weight(pub U256);

impl Weight {
    /// Saturates: no branch reaches 2^256, since so many hashes are never done.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Weight({})", self.0)
    }
}

/// A decimal string: JSON numbers do not hold so many bits.
impl Serialize for Weight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        U256::from_str_radix(&text, 10).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_are_exact_both_ways() {
        for (text, base) in [
            ("0", "0"),
            ("1", "1000000000000000000"),
            ("0.5", "500000000000000000"),
            ("12.000000000000000001", "12000000000000000001"),
        ] {
            let amount = Amount::from_coins(text).unwrap();
            assert_eq!(amount.to_string(), base);
            assert_eq!(amount.to_coins(), text);
        }
    }

    #[test]
    fn what_is_not_an_amount_is_named() {
        use AmountError::*;
        for (text, error) in [
            ("", Empty),
            ("-1", NotDecimal { found: '-' }),
            ("+1", NotDecimal { found: '+' }),
            ("1e3", NotDecimal { found: 'e' }),
            ("01", ZeroPadded),
            ("00.5", ZeroPadded),
            ("1.", NotDecimal { found: '.' }),
            (".5", Empty),
            ("1.0000000000000000001", TooManyDecimals { count: 19, max: 18 }),
            (&format!("1{}", "0".repeat(77)), Overflow),
        ] {
            assert_eq!(Amount::from_coins(text), Err(error), "{text}");
        }
        let limit = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
        assert_eq!(Amount::from_base_units(limit), Err(Overflow));
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(Amount::from_base_units(most), Ok(Amount(U256::MAX)));
    }
}
