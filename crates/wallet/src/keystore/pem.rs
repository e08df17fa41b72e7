//! PEM: finding the block of a key in a text, and writing one. Rule: docs/protocol.md#W21

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::KeystoreError;

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

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
const LINE: usize = 64;
const DAMAGED: KeystoreError = KeystoreError::Damaged { field: "the PEM block" };

/// Whether a text may hold PEM at all.
pub(super) fn is_pem(text: &str) -> bool {
    text.contains(BEGIN)
}

/// The first block of a key. Text around it, and blocks like `EC PARAMETERS` before it, do not count.
pub(super) fn find(text: &str) -> Result<Block, KeystoreError> {
    let mut lines = text.lines().map(str::trim_end);
    let mut other = None;
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(DASHES)) else {
            continue;
        };
        match Label::ALL.into_iter().find(|label| label.text() == name) {
            Some(label) => return read_block(label, &mut lines, text.len()),
            None => other = Some(name),
        }
    }
    Err(match other {
        Some(name) => KeystoreError::UnknownAlgorithm {
            field: "the PEM block",
            found: name.chars().take(40).collect(),
            known: "PRIVATE KEY, ENCRYPTED PRIVATE KEY, RSA PRIVATE KEY, EC PRIVATE KEY, PUBLIC KEY, RSA PUBLIC KEY",
        },
        None => DAMAGED,
    })
}

fn read_block<'a>(label: Label, lines: &mut impl Iterator<Item = &'a str>, max: usize) -> Result<Block, KeystoreError> {
    // Room for all of it, so that growing leaves no copies of secrets behind.
    let mut base64 = Zeroizing::new(String::with_capacity(max));
    for line in lines {
        if let Some(rest) = line.strip_prefix("-----END ") {
            if rest.strip_suffix(DASHES) != Some(label.text()) {
                return Err(DAMAGED);
            }
            let der = Zeroizing::new(Base64::decode_vec(&base64).map_err(|_| DAMAGED)?);
            return Ok(Block { label, der });
        }
        match line.split_once(':') {
            Some(("Proc-Type", kind)) if kind.contains("ENCRYPTED") => return Err(KeystoreError::LegacyEncryption),
            Some(_) if base64.is_empty() => {}
            Some(_) => return Err(DAMAGED),
            None => base64.extend(line.split_ascii_whitespace()),
        }
    }
    Err(DAMAGED)
}

/// Writes one block.
pub(super) fn write(label: Label, der: &[u8]) -> String {
    let base64 = Base64::encode_string(der);
    let mut text = format!("{BEGIN}{}{DASHES}\n", label.text());
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = next;
    }
    text.push_str(&format!("-----END {}{DASHES}\n", label.text()));
    text
}
