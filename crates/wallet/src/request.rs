//! Payment requests as links: the part of EIP-681 that requests coins. Rule: docs/protocol.md#W67

use std::fmt;

use tally_chain::address::{self, AddressError};
use tally_chain::{Address, Amount, U256};
use thiserror::Error;

/// Longest link that is read, in bytes. Rule: docs/protocol.md#W67
pub const MAX_LINK_BYTES: usize = 512;
const SCHEME: &str = "ethereum:";

/// Why a link is not a payment request that this wallet can follow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum RequestError {
    #[error("this is no payment link: it does not begin with {SCHEME}")]
    OtherScheme,
    #[error("the payment link has slashes after {SCHEME}; leave them out")]
    Slashes,
    #[error("the payment link has {len} bytes, at most {max} are read")]
    TooLong { len: usize, max: usize },
    #[error("the payment link: {0}")]
    Address(#[from] AddressError),
    #[error("the payment link names the chain {found:?}, which is no number")]
    ChainId { found: String },
    #[error("the payment link is for the chain {found}, this is {expected}")]
    OtherChain { found: u64, expected: u64 },
    #[error("the payment link calls the function {name:?} of a contract; only payments are followed")]
    Function { name: String },
    #[error("the payment link requires {name:?}, which this wallet does not know; it must not be left out")]
    Parameter { name: String },
    #[error("the payment link names {name:?} twice")]
    Twice { name: String },
    #[error("the payment link has the amount {found:?}, which is no whole number of base units below 2^256")]
    Value { found: String },
}

/// Who is to be paid, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentRequest {
    /// The recipient.
    pub to: Address,
    /// The chain that is meant; none where the link leaves it open.
    pub chain_id: Option<u64>,
    /// None where the payer chooses.
    pub value: Option<Amount>,
}

impl PaymentRequest {
    /// Reads a link; everything in it is understood, or it is rejected.
    pub fn parse(link: &str) -> Result<Self, RequestError> {
        let (len, max) = (link.len(), MAX_LINK_BYTES);
        if len > max {
            return Err(RequestError::TooLong { len, max });
        }
        // A scheme has no case (RFC 3986, 3.1), and codes in alphanumeric mode have capitals only.
        let rest = without(link.trim(), SCHEME).ok_or(RequestError::OtherScheme)?;
        let rest = without(rest, "pay-").unwrap_or(rest);
        if rest.starts_with('/') {
            return Err(RequestError::Slashes);
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if let Some((_, name)) = path.split_once('/') {
            return Err(RequestError::Function { name: short(name) });
        }
        let (to, chain) = path
            .split_once('@')
            .map_or((path, None), |(to, chain)| (to, Some(chain)));
        let mut request = Self {
            to: address_of(to)?,
            chain_id: chain.map(chain_id).transpose()?,
            value: None,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, given) = pair.split_once('=').unwrap_or((pair, ""));
            if !name.eq_ignore_ascii_case("value") {
                return Err(RequestError::Parameter { name: short(name) });
            }
            if request.value.is_some() {
                return Err(RequestError::Twice { name: short(name) });
            }
            let found = || RequestError::Value { found: short(given) };
            request.value = Some(number(given).ok_or_else(found)?);
        }
        Ok(request)
    }

    /// Rejects a request that names another chain.
    pub fn check_chain(&self, expected: u64) -> Result<(), RequestError> {
        match self.chain_id {
            Some(found) if found != expected => Err(RequestError::OtherChain { found, expected }),
            _ => Ok(()),
        }
    }
}

/// The link, its amount in base units.
impl fmt::Display for PaymentRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.to)?;
        if let Some(chain_id) = self.chain_id {
            write!(f, "@{chain_id}")?;
        }
        match self.value {
            Some(value) => write!(f, "?value={value}"),
            None => Ok(()),
        }
    }
}

/// What follows a prefix of either case.
fn without<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// An address (A1); `0X`, as such codes write it, is `0x`.
fn address_of(text: &str) -> Result<Address, AddressError> {
    match text.strip_prefix("0X") {
        Some(digits) => address::parse(&format!("0x{digits}")),
        None => address::parse(text),
    }
}

fn chain_id(text: &str) -> Result<u64, RequestError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = text.parse().ok().filter(|_| digits);
    id.ok_or_else(|| RequestError::ChainId { found: short(text) })
}

/// EIP-681's number, `2.014e18`, as a whole number of base units.
fn number(text: &str) -> Option<Amount> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<u8>().ok().filter(|_| digits(exponent))?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // A point needs digits on both sides.
    let pointed = mantissa.contains('.');
    if !digits(whole) || (pointed && !digits(fraction)) || exponent > 77 {
        return None;
    }
    let zeros = usize::from(exponent).checked_sub(fraction.len())?;
    let all = format!("{whole}{fraction}{}", "0".repeat(zeros));
    U256::from_str_radix(&all, 10).ok().map(Amount)
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// No more of a hostile text than an error should repeat.
fn short(text: &str) -> String {
    text.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: &str = "0x52908400098527886E0F7030069857D2E4169EE7";

    fn value(text: &str) -> Option<String> {
        let request = PaymentRequest::parse(&format!("ethereum:{TO}@8086?value={text}"));
        request.ok().map(|request| request.value.unwrap().to_string())
    }

    #[test]
    fn links_come_back_as_they_went() {
        for (chain_id, coins) in [
            (Some(8_086), Some("1.5")),
            (Some(1), None),
            (None, Some("0")),
            (None, None),
        ] {
            let request = PaymentRequest {
                to: TO.parse().unwrap(),
                chain_id,
                value: coins.map(|coins| Amount::from_coins(coins).unwrap()),
            };
            assert_eq!(PaymentRequest::parse(&request.to_string()), Ok(request));
        }
        let link = format!("ethereum:pay-{TO}@8086?value=2.014e18");
        let request = PaymentRequest::parse(&link).unwrap();
        assert_eq!(
            request.to_string(),
            format!("ethereum:{TO}@8086?value=2014000000000000000")
        );
        assert!(request.check_chain(8_086).is_ok());
        let other = RequestError::OtherChain {
            found: 8_086,
            expected: 1,
        };
        assert_eq!(request.check_chain(1), Err(other));
    }

    #[test]
    fn schemes_have_no_case_and_no_slashes() {
        let expected = PaymentRequest {
            to: TO.parse().unwrap(),
            chain_id: Some(8_086),
            value: None,
        };
        for link in [
            format!("Ethereum:{TO}@8086"),
            format!("ETHEREUM:{}@8086", TO.to_uppercase()),
            format!("ethereum:PAY-{TO}@8086"),
            format!(" ethereum:{}@8086\n", TO.to_lowercase()),
        ] {
            assert_eq!(PaymentRequest::parse(&link), Ok(expected), "{link}");
        }
        let link = format!("ETHEREUM:{}@8086?VALUE=1E18", TO.to_uppercase());
        let value = Amount::from_coins("1").ok();
        assert_eq!(PaymentRequest::parse(&link), Ok(PaymentRequest { value, ..expected }));
        let slashes = PaymentRequest::parse(&format!("ethereum://{TO}@8086"));
        assert_eq!(slashes, Err(RequestError::Slashes));
        // A checksum holds in mixed case only, and is never skipped for the sake of 0X.
        let flipped = TO.replacen("0x52908400098527886E", "0X52908400098527886e", 1);
        let found = PaymentRequest::parse(&format!("ethereum:{flipped}"));
        assert_eq!(found, Err(RequestError::Address(AddressError::BadChecksum)));
        assert_eq!(PaymentRequest::parse("é"), Err(RequestError::OtherScheme));
    }

    #[test]
    fn amounts_are_whole_base_units() {
        assert_eq!(value("1e0").as_deref(), Some("1"));
        assert_eq!(value("0.000000000000000001e18").as_deref(), Some("1"));
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(value(most).as_deref(), Some(most));
        for wrong in [
            "", "1.5", "-1", "+1", "1e-1", "1e", "1.e3", ".5e1", "1e78", "0x10", "1_0", "9e77", "1e+3", "１",
        ] {
            assert_eq!(value(wrong), None, "{wrong}");
        }
        assert_eq!(
            value("115792089237316195423570985008687907853269984665640564039457584007913129639936"),
            None
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let refused = |link: String| PaymentRequest::parse(&link).unwrap_err();
        let text = |link: String| refused(link).to_string();
        assert_eq!(refused(TO.to_owned()), RequestError::OtherScheme);
        assert_eq!(refused(format!("bitcoin:{TO}")), RequestError::OtherScheme);
        assert!(text(format!("ethereum:{TO}/transfer?address={TO}")).contains("\"transfer\""));
        assert!(text(format!("ethereum:{TO}?gas=1")).contains("\"gas\""));
        assert!(text(format!("ethereum:{TO}?value=1&value=2")).contains("twice"));
        assert!(text(format!("ethereum:{TO}@0x1")).contains("0x1"));
        assert!(text(format!("ethereum:{TO}@")).contains("no number"));
        assert!(matches!(
            refused("ethereum:vitalik.eth".into()),
            RequestError::Address(_)
        ));
        let flipped = TO.replace("52908400098527886E", "52908400098527886e");
        assert!(
            matches!(refused(format!("ethereum:{flipped}")), RequestError::Address(_)),
            "its checksum is wrong"
        );
        let (len, max) = (600, MAX_LINK_BYTES);
        assert_eq!(refused("e".repeat(len)), RequestError::TooLong { len, max });
    }

    #[test]
    fn a_hundred_thousand_damaged_links_give_no_panic() {
        let good = format!("ethereum:{TO}@8086?value=2.014e18");
        let mut state = 3u64;
        let mut below = |limit: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % limit as u64) as usize
        };
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..100_000 {
            let mut bytes = good.clone().into_bytes();
            let place = below(bytes.len());
            match below(3) {
                0 => bytes.truncate(place),
                1 => bytes[place] = b' ' + below(95) as u8,
                _ => drop(bytes.remove(place)),
            }
            match PaymentRequest::parse(&String::from_utf8(bytes).unwrap()) {
                // The address stands under its checksum; everything else reads back equal.
                Ok(request) => {
                    assert_eq!(PaymentRequest::parse(&request.to_string()), Ok(request));
                    accepted += 1;
                }
                Err(_) => refused += 1,
            }
        }
        assert!(refused > accepted && accepted > 0, "{refused} {accepted}");
    }
}
