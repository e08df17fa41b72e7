//! Which form a key file has, by its content. Rules: docs/protocol.md#W20, #W26

use tally_chain::words::is_invisible;
use zeroize::Zeroizing;

use super::der::{INTEGER, Reader, SEQUENCE};
use super::{Foreign, KeystoreError, pem};
use crate::file_text::decode;
use crate::phrase::{Phrase, PhraseError};

/// Hex digits of an address.
const ADDRESS_DIGITS: usize = 40;
/// Fewer hex digits than this, without 0x before them, are any text.
const MIN_HEX_DIGITS: usize = 32;
/// Fewest characters from which base64 may be a key.
const MIN_BASE64: usize = 60;
/// Words of the shortest phrase.
const MIN_WORDS: usize = 12;

/// The form, with the text to read it from.
pub(super) enum Form {
    Json(Zeroizing<String>),
    Pem(Zeroizing<String>),
    /// Digits only.
    Hex(Zeroizing<String>),
}

impl Form {
    pub fn of(bytes: &[u8]) -> Result<Self, KeystoreError> {
        if let Some(foreign) = binary(bytes) {
            return Err(foreign.into());
        }
        Self::of_text(visible(&decode(bytes)))
    }

    fn of_text(text: Zeroizing<String>) -> Result<Self, KeystoreError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(Foreign::Empty.into());
        }
        if let Some(inside) = quoted(trimmed) {
            return Self::of_text(inside);
        }
        if trimmed.starts_with("{\\rtf") {
            return Err(Foreign::RichText.into());
        }
        if trimmed.starts_with('{') {
            return Ok(Self::Json(text));
        }
        if pem::is_pem(trimmed) {
            return Ok(Self::Pem(text));
        }
        if let Some(digits) = hex_digits(trimmed)? {
            return Ok(Self::Hex(digits));
        }
        Err(foreign_text(trimmed).map_or(KeystoreError::Unknown, KeystoreError::Foreign))
    }
}

/// What a file with bytes that no text has is; none for texts.
fn binary(bytes: &[u8]) -> Option<Foreign> {
    // The browser hands a file over as text. Bytes that are neither UTF-8 nor UTF-16 were read as Latin-1 there, one character
    // for each: where no character is above U+00FF, the characters are the bytes of the file again.
    let latin1 = std::str::from_utf8(bytes).ok().and_then(|text| {
        let bytes = text.chars().map(u8::try_from).collect::<Result<Vec<u8>, _>>();
        bytes.map(Zeroizing::new).ok()
    });
    let bytes = latin1.as_ref().map_or(bytes, |latin1| latin1.as_slice());
    let control = |byte: &u8| matches!(byte, 0..=8 | 0x0e..=0x1f);
    let decoded = decode(bytes);
    // UTF-16 has zeros, which its text has not. C programs and DOS editors leave their own end of the text behind.
    let text = decoded.trim_end_matches(['\0', '\u{1a}']);
    let is_text = !text.bytes().any(|byte| control(&byte));
    if is_text && !bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) {
        return None;
    }
    Some(match bytes {
        [0xfe, 0xed, 0xfe, 0xed, ..] => Foreign::JavaKeystore,
        // PKCS#12 may be written in BER's open-ended form.
        [SEQUENCE, 0x80, INTEGER, 1, 3, ..] => Foreign::Pkcs12,
        [SEQUENCE, ..] => {
            let version = Reader::new(bytes).sequence().and_then(|mut inside| inside.small());
            if version == Some(3) {
                Foreign::Pkcs12
            } else {
                Foreign::Der
            }
        }
        _ => Foreign::Binary,
    })
}

/// Without what cannot be seen; every other white space than the line end becomes a plain space.
fn visible(text: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let seen = text.chars().filter(|c| !is_invisible(*c));
    plain.extend(seen.map(|c| if c.is_whitespace() && c != '\n' { ' ' } else { c }));
    plain
}

/// The text of a JSON string, or of a pair of quotation marks: settings and programs keep keys so.
fn quoted(text: &str) -> Option<Zeroizing<String>> {
    if text.starts_with('"')
        && let Ok(inside) = serde_json::from_str::<String>(text)
    {
        return Some(Zeroizing::new(inside));
    }
    let pairs = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('„', '“')];
    let pair = pairs.iter().find(|(open, _)| text.starts_with(*open))?;
    let inside = text.strip_prefix(pair.0)?.strip_suffix(pair.1)?;
    Some(Zeroizing::new(inside.to_owned()))
}

/// The digits of a text that is hex, whatever separates them: `0x`, white space and colons do not count.
fn hex_digits(text: &str) -> Result<Option<Zeroizing<String>>, KeystoreError> {
    let marked = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    let mut digits = Zeroizing::new(String::with_capacity(text.len()));
    digits.extend(
        marked
            .unwrap_or(text)
            .chars()
            .filter(|c| !c.is_whitespace() && *c != ':'),
    );
    let hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex || (marked.is_none() && digits.len() < MIN_HEX_DIGITS) {
        return Ok(None);
    }
    if digits.len() == ADDRESS_DIGITS {
        return Err(Foreign::Address.into());
    }
    Ok(Some(digits))
}

/// Texts of other programs.
fn foreign_text(text: &str) -> Option<Foreign> {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| text.starts_with(prefix));
    if text.starts_with('[') {
        return Some(Foreign::JsonList);
    }
    if text.starts_with('<') {
        return Some(Foreign::WebPage);
    }
    if starts(&["PuTTY-User-Key-File"]) {
        return Some(Foreign::Putty);
    }
    let letters = |word: &str| word.chars().all(|c| c.is_alphabetic() || !c.is_ascii());
    let words = text.split_whitespace().filter(|word| letters(word)).count();
    let words_of_a_list = !matches!(
        Phrase::parse(text),
        Err(PhraseError::WordCount { .. }
            | PhraseError::UnknownLanguage
            | PhraseError::UnknownWord { .. }
            | PhraseError::Numbers
            | PhraseError::Key)
    );
    if words_of_a_list || (words >= MIN_WORDS && words == text.split_whitespace().count()) {
        return Some(Foreign::Phrase);
    }
    let one_word = text.split_whitespace().count() == 1;
    let base58 = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() && !b"0OIl".contains(&byte));
    if one_word && base58 {
        if matches!(text.len(), 51 | 52) && starts(&["5", "K", "L", "9", "c"]) {
            return Some(Foreign::BitcoinWif);
        }
        if text.len() == 111 && matches!(&text[1..4], "prv" | "pub") {
            return Some(Foreign::ExtendedKey);
        }
    }
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let plain = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let long = plain.clone().count() >= MIN_BASE64;
    // Every SEQUENCE begins so.
    (long && starts(&["MI", "MH", "MF", "MC", "MD", "ME", "MG"]) && plain.clone().all(base64))
        .then_some(Foreign::BareBase64)
}
