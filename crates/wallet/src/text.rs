//! Public things as one line of text, fit for a file, a QR code and the fragment of a link. Rule: docs/protocol.md#W61

use base64ct::{Base64UrlUnpadded, Encoding as _};
use tally_chain::hash::sha256;
use tally_chain::limits::MAX_TEXT_BYTES;
use thiserror::Error;

/// Bytes of the checksum at the end.
const CHECKSUM: usize = 4;

/// Why a text is not one of ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum TextError {
    #[error("the text has {len} bytes, at most {max} are read")]
    TooLong { len: usize, max: usize },
    #[error("this is not a {kind} of Tally: it does not begin with {kind}-")]
    OtherKind { kind: &'static str },
    #[error("this {kind} has version {found}; version 1 is known here")]
    Version { kind: &'static str, found: String },
    #[error("this {kind} is damaged: a part of it is missing or changed")]
    Damaged { kind: &'static str },
}

/// `KIND-1.BASE64URL`.
pub fn write(kind: &'static str, bytes: &[u8]) -> String {
    let check = sha256(&[b"tally/text", kind.as_bytes(), bytes]);
    let all = [bytes, &check[..CHECKSUM]].concat();
    format!("{kind}-1.{}", Base64UrlUnpadded::encode_string(&all))
}

/// The bytes of such a text; white space in it does not count, since letters and terminals break lines.
pub fn read(kind: &'static str, text: &str) -> Result<Vec<u8>, TextError> {
    let (len, max) = (text.len(), MAX_TEXT_BYTES);
    if len > max {
        return Err(TextError::TooLong { len, max });
    }
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let rest = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('-'));
    let (version, body) = rest
        .and_then(|rest| rest.split_once('.'))
        .ok_or(TextError::OtherKind { kind })?;
    if version != "1" {
        let found = version.chars().take(16).collect();
        return Err(TextError::Version { kind, found });
    }
    let damaged = TextError::Damaged { kind };
    let mut bytes = Base64UrlUnpadded::decode_vec(body).map_err(|_| damaged.clone())?;
    let end = bytes.len().checked_sub(CHECKSUM).ok_or(damaged.clone())?;
    let check = sha256(&[b"tally/text", kind.as_bytes(), &bytes[..end]]);
    if bytes[end..] != check[..CHECKSUM] {
        return Err(damaged);
    }
    bytes.truncate(end);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_its_kind_and_shows_whether_it_is_whole() {
        let text = write("tally-proposal", b"some bytes");
        assert_eq!(read("tally-proposal", &text).unwrap(), b"some bytes");
        let broken = format!(" {}\n {}\n", &text[..20], &text[20..]);
        assert_eq!(read("tally-proposal", &broken).unwrap(), b"some bytes");
        let kind = "tally-proposal";
        assert_eq!(
            read("tally-account", &text),
            Err(TextError::OtherKind { kind: "tally-account" })
        );
        let found = "2".to_owned();
        assert_eq!(
            read(kind, &text.replace("-1.", "-2.")),
            Err(TextError::Version { kind, found })
        );
        for place in kind.len() + 3..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(read(kind, &changed), Err(TextError::Damaged { kind }), "{place}");
            assert_eq!(read(kind, &text[..place]), Err(TextError::Damaged { kind }), "{place}");
        }
        let (len, max) = (MAX_TEXT_BYTES + 1, MAX_TEXT_BYTES);
        assert_eq!(read(kind, &"x".repeat(len)), Err(TextError::TooLong { len, max }));
    }
}
