//! PEM: finding the block of a key in a text, and writing one. Rules: docs/protocol.md#W21, #W26
//!
//! Blocks come out of letters, settings and word processors: indented, quoted, on one line, with `\n` as text, with a dash
//! too few. Base64 knows none of these characters, so that leaving them out changes no key; DER then shows whether all of it
//! is there.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::{Foreign, KeystoreError};

/// The blocks that hold keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    EncryptedPrivate,
    Private,
    RsaPrivate,
    EcPrivate,
    Public,
    RsaPublic,
}

impl Label {
    const ALL: [Self; 6] = [
        Self::EncryptedPrivate,
        Self::Private,
        Self::RsaPrivate,
        Self::EcPrivate,
        Self::Public,
        Self::RsaPublic,
    ];

    const fn text(self) -> &'static str {
        match self {
            Self::EncryptedPrivate => "ENCRYPTED PRIVATE KEY",
            Self::Private => "PRIVATE KEY",
            Self::RsaPrivate => "RSA PRIVATE KEY",
            Self::EcPrivate => "EC PRIVATE KEY",
            Self::Public => "PUBLIC KEY",
            Self::RsaPublic => "RSA PUBLIC KEY",
        }
    }
}

/// A block of a key.
pub(super) struct Block {
    pub label: Label,
    pub der: Zeroizing<Vec<u8>>,
}

const KNOWN: &str = "PRIVATE KEY, ENCRYPTED PRIVATE KEY, RSA PRIVATE KEY, EC PRIVATE KEY, PUBLIC KEY, RSA PUBLIC KEY";
const LINE: usize = 64;
/// Longest label of a block.
const MAX_LABEL: usize = 40;
/// Longest word of a label that is shown: 8 bytes of a key take more characters in every notation.
const MAX_LABEL_WORD: usize = 10;
const END_LINE: KeystoreError = KeystoreError::Damaged {
    field: "the END line of the PEM block",
};
const BASE64: KeystoreError = KeystoreError::Damaged {
    field: "the base64 of the PEM block",
};

/// Dashes, and what word processors make of them.
fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
    )
}

/// Whether a text may hold PEM at all.
pub(super) fn is_pem(text: &str) -> bool {
    marks(text, "BEGIN ").next().is_some()
}

/// Whether the first block of a key in the text is encrypted.
pub(super) fn is_encrypted(text: &str) -> bool {
    find(text).is_ok_and(|block| block.label == Label::EncryptedPrivate)
}

/// Places of `BEGIN ` or `END ` behind a dash: where the dashes begin, and where the label does.
fn marks<'a>(text: &'a str, word: &'static str) -> impl Iterator<Item = (usize, usize)> + 'a {
    text.match_indices(word).filter_map(move |(place, _)| {
        let before = text[..place].trim_end_matches(' ');
        let without = before.trim_end_matches(is_dash);
        (without.len() < before.len()).then_some((without.len(), place + word.len()))
    })
}

/// The label, which ends before dashes, and what follows them; none if it is no label at all.
fn label(text: &str) -> Option<(&str, &str)> {
    let end = text.find(is_dash).filter(|end| *end <= MAX_LABEL)?;
    let name = text[..end].trim();
    let plain = |byte: u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' ');
    let known = !name.is_empty() && name.bytes().all(plain);
    known.then(|| (name, text[end..].trim_start_matches(is_dash)))
}

/// The first block of a key. Text around it, and blocks like `EC PARAMETERS` before it, do not count.
pub(super) fn find(text: &str) -> Result<Block, KeystoreError> {
    // A block that was copied out of JSON or a program has its line ends as text.
    if text.contains("\\n") {
        let lines = text.replace("\\r", "").replace("\\n", "\n");
        return find(&Zeroizing::new(lines));
    }
    let mut other = None;
    for (_, place) in marks(text, "BEGIN ") {
        let Some((name, body)) = label(&text[place..]) else {
            other = other.or(Some(""));
            continue;
        };
        match Label::ALL.into_iter().find(|label| label.text() == name) {
            Some(label) => return read_block(label, body),
            None => other = Some(name),
        }
    }
    Err(named(other.unwrap_or_default()))
}

/// Blocks of other things by their name. A label that could be a piece of a key is not repeated.
fn named(label: &str) -> KeystoreError {
    let unknown = |found: &str| KeystoreError::UnknownAlgorithm {
        field: "the PEM block",
        found: found.to_owned(),
        known: KNOWN,
    };
    let foreign = match label {
        "OPENSSH PRIVATE KEY" => Foreign::OpenSsh,
        "CERTIFICATE"
        | "X509 CERTIFICATE"
        | "TRUSTED CERTIFICATE"
        | "CERTIFICATE REQUEST"
        | "NEW CERTIFICATE REQUEST"
        | "PKCS7"
        | "X509 CRL" => Foreign::Certificate,
        "EC PARAMETERS" | "DH PARAMETERS" | "DSA PARAMETERS" | "X9.42 DH PARAMETERS" => Foreign::OnlyParameters,
        label if label.starts_with("PGP ") => Foreign::Pgp,
        label if !label.is_empty() && label.split(' ').all(|word| word.len() <= MAX_LABEL_WORD) => {
            return unknown(label);
        }
        _ => return unknown("of another kind"),
    };
    foreign.into()
}

fn read_block(label: Label, text: &str) -> Result<Block, KeystoreError> {
    let end = marks(text, "END ").next();
    let body = end.map_or(text, |(end, _)| &text[..end]);
    let base64 = base64_of(body)?;
    let (_, place) = end.ok_or(END_LINE)?;
    match self::label(&text[place..]) {
        Some((name, _)) if name == label.text() => {}
        _ => return Err(END_LINE),
    }
    let der = Zeroizing::new(Base64::decode_vec(&base64).map_err(|_| BASE64)?);
    Ok(Block { label, der })
}

/// The base64 of a block, whole and padded; headers before it, and what letters and settings put around lines, left out.
fn base64_of(body: &str) -> Result<Zeroizing<String>, KeystoreError> {
    // Room for all of it, so that growing leaves no copies of secrets behind.
    let mut base64 = Zeroizing::new(String::with_capacity(body.len() + 2));
    for line in body.lines() {
        if line.contains("Proc-Type") && line.contains("ENCRYPTED") {
            return Err(KeystoreError::LegacyEncryption);
        }
        // Headers (RFC 1421) come before the base64, which has no colon.
        if base64.is_empty() && line.contains(':') {
            continue;
        }
        // A program's source joins its lines with a plus after the quotation mark.
        let line = line.trim_end();
        let line = line
            .strip_suffix('+')
            .filter(|rest| rest.trim_end().ends_with(['"', '\'']))
            .unwrap_or(line);
        for c in line.chars() {
            match c {
                ' ' | '\t' | '>' | '|' | '"' | '\'' | ',' | ';' | '\\' => {}
                c if c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=') => base64.push(c),
                _ => return Err(BASE64),
            }
        }
    }
    let lost = match base64.len() % 4 {
        2 => "==",
        3 => "=",
        _ => "",
    };
    base64.push_str(lost);
    Ok(base64)
}

/// Writes one block.
pub(super) fn write(label: Label, der: &[u8]) -> String {
    let base64 = Base64::encode_string(der);
    let mut text = format!("-----BEGIN {}-----\n", label.text());
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = next;
    }
    text.push_str(&format!("-----END {}-----\n", label.text()));
    text
}
