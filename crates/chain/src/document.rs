//! Documents on the chain: a transaction's data names a file by its SHA-256, the file stays where it is.
//! Rule: docs/protocol.md#P6

use alloy_primitives::{B256, hex};

/// What comes before the 64 hex digits. Rule: docs/protocol.md#P6
pub const PREFIX: &str = "tally-document:1:sha256:";

/// The data that anchors a document. Plain text, so that any page shows it.
pub fn anchor(sha256: &B256) -> String {
    format!("{PREFIX}{}", hex::encode(sha256))
}

/// The document that data anchors; none if the data is anything else, in the slightest.
pub fn anchored(data: &[u8]) -> Option<B256> {
    let digits = data.strip_prefix(PREFIX.as_bytes())?;
    let lower = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != 64 || !digits.iter().all(lower) {
        return None;
    }
    let mut sha256 = B256::ZERO;
    hex::decode_to_slice(digits, &mut sha256.0).ok()?;
    Some(sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_form_anchors() {
        let sha256 = crate::hash::sha256(&[b"a document"]);
        let data = anchor(&sha256);
        assert_eq!(anchored(data.as_bytes()), Some(sha256));
        for other in [
            data.to_uppercase(),
            data.replace(":1:", ":2:"),
            format!("{data} "),
            format!(" {data}"),
            data[..data.len() - 1].to_owned(),
            String::new(),
            data.replacen(&data[30..31], "g", 1),
        ] {
            assert_eq!(anchored(other.as_bytes()), None, "{other}");
        }
    }
}
