//! Texts of JSON: hex, addresses, ids, memos.

use alloy_primitives::hex;
use tally_chain::{Address, TxId, address, visible};

use super::problem::{Answer, Problem, kinds};

/// Bytes from 0x-prefixed hex of at most `max` bytes.
pub fn parse_hex(field: &'static str, text: &str, max: usize) -> Answer<Vec<u8>> {
    let invalid = |detail: String| Problem::new(&kinds::INVALID_HEX, detail).field(field);
    let digits = text
        .strip_prefix("0x")
        .ok_or_else(|| invalid(format!("{field} does not start with 0x")))?;
    if digits.len() > max * 2 {
        let found = digits.len() / 2;
        return Err(invalid(format!("{field} has {found} bytes, at most {max} are taken here")).above(found, max));
    }
    // What is wrong is looked for only where something is: batches are megabytes of digits. The decoder would take a second 0x.
    if !digits.starts_with("0x")
        && let Ok(bytes) = hex::decode(digits)
    {
        return Ok(bytes);
    }
    Err(match digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        Some(found) => invalid(format!("{field} has the character {found:?}, which is not a hex digit"))
            .with("found", found.to_string()),
        None => invalid(format!("{field} has an odd number of hex digits")).with("found", digits.len()),
    })
}

/// Exactly `N` bytes from 0x-prefixed hex.
pub fn parse_fixed<const N: usize>(field: &'static str, text: &str) -> Answer<[u8; N]> {
    let bytes = parse_hex(field, text, N)?;
    let found = bytes.len();
    bytes.try_into().map_err(|_| {
        Problem::new(&kinds::INVALID_HEX, format!("{field} has {found} bytes, expected {N}"))
            .field(field)
            .differs(found, N)
    })
}

/// An address in a path or a parameter.
pub fn parse_address(field: &'static str, text: &str) -> Answer<Address> {
    address::parse(text).map_err(|error| Problem::from(error).field(field))
}

/// A transaction id in a path.
pub fn parse_id(text: &str) -> Answer<TxId> {
    text.parse()
        .map_err(|error: tally_chain::hash::IdError| Problem::from(error))
}

/// A payment's data as text, where it is text without characters that cannot be seen. Rule: docs/protocol.md#W8
pub fn memo(data: &[u8]) -> Option<String> {
    visible::memo(data).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_strict() {
        assert_eq!(parse_hex("raw", "0x00ff", 2), Ok(vec![0, 255]));
        for (text, detail) in [
            ("00", "raw does not start with 0x"),
            ("0x0", "raw has an odd number of hex digits"),
            // The decoder itself would take it.
            ("0x0x00", "raw has the character 'x', which is not a hex digit"),
            ("0xzz", "raw has the character 'z', which is not a hex digit"),
            ("0x000000", "raw has 3 bytes, at most 2 are taken here"),
        ] {
            assert_eq!(parse_hex("raw", text, 2).expect_err(text).detail, detail);
        }
        assert_eq!(
            parse_fixed::<2>("nonce", "0x00").expect_err("too short").detail,
            "nonce has 1 bytes, expected 2"
        );
    }

    #[test]
    fn memos_hide_nothing() {
        assert_eq!(memo("für Käse 🧀".as_bytes()).as_deref(), Some("für Käse 🧀"));
        assert_eq!(memo(b""), None);
        assert_eq!(memo("a\u{202e}b".as_bytes()), None);
        assert_eq!(memo(&[0xff]), None);
    }
}
