//! Keys from outside and for outside: files that other programs write and read. Rules: docs/protocol.md#W20 to #W24, #W26
//!
//! One entry, [`read`]: it detects the format, keeps within bounds, and rejects weak keys.
//! Writers: [`write_web3`], [`write_pkcs8`], [`write_spki`], [`write_hex_public`].

pub(crate) mod common;
mod der;
mod error;
mod foreign;
mod form;
mod format;
mod kdf;
mod names;
mod pem;
mod pkcs8;
mod public;
mod published;
mod rsa;
mod secp256k1;
#[cfg(test)]
mod tests;
mod trial;
mod weak;
mod web3;

use std::fmt;

use alloy_primitives::hex;
use rand_core::CryptoRng;
use serde_json::{Map, Value};
use tally_chain::keys::{RSA_EXPONENT, RsaPublicKey};
use tally_chain::{Address, KeyKind, PublicKey};
use zeroize::Zeroizing;

pub use error::{KeystoreError, WeakKey};
pub use foreign::Foreign;
use form::Form;
pub use format::Format;
use kdf::{normalised, with_password};
use pem::Label;
pub use tally_chain::limits::MAX_KEY_FILE_BYTES as MAX_FILE_BYTES;
use web3::Web3;

use crate::keys::SigningKey;
use crate::public_accounts::is_public;

/// What the owner of a file should know before its key is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// Everyone who has read the file has the key.
    NotEncrypted,
    /// The file does not name the address of its key, so damage in it may have made another key.
    NotChecked,
    /// The key is printed in handbooks: anyone can sign with it. Rule: docs/protocol.md#W6
    Public,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEncrypted => {
                "The file is not encrypted: anyone who has seen it has the key. Delete it once the key is kept here, and do not send it to anyone."
            }
            Self::NotChecked => {
                "The file does not name the address of its key, so damage in it can go unnoticed. Compare the address with the one you expect."
            }
            Self::Public => {
                "This key is PUBLIC: it belongs to the published test phrase. Anyone can take what is sent to it."
            }
        })
    }
}

/// A key that a file holds.
#[derive(Debug)]
pub enum Found {
    /// The account can sign.
    Private(SigningKey),
    /// For watching only.
    Public(PublicKey),
}

/// What was read from a file.
#[derive(Debug)]
pub struct Imported {
    /// The form of the file.
    pub format: Format,
    /// The key that it holds.
    pub key: Found,
    /// What to show before the key is kept.
    pub warnings: Vec<Warning>,
}

impl Imported {
    fn new(format: Format, key: Found, warnings: Vec<Warning>) -> Self {
        let mut imported = Self { format, key, warnings };
        if is_public(imported.address()) {
            imported.warnings.push(Warning::Public);
        }
        imported
    }

    /// The public half of the key.
    pub fn public_key(&self) -> PublicKey {
        match &self.key {
            Found::Private(key) => key.public_key(),
            Found::Public(key) => key.clone(),
        }
    }

    /// Scheme and size of the key.
    pub fn kind(&self) -> KeyKind {
        self.public_key().kind()
    }

    /// The account of the key.
    pub fn address(&self) -> Address {
        self.public_key().address()
    }
}

/// Reads a key file of any known form; `password` is not looked at where the file is not encrypted.
///
/// It may take seconds, by the file's own choice, and at most 256 MiB. Rules: docs/protocol.md#W20 to #W24
pub fn read(bytes: &[u8], password: &str) -> Result<Imported, KeystoreError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(KeystoreError::TooLarge {
            len: bytes.len(),
            max: MAX_FILE_BYTES,
        });
    }
    match Form::of(bytes)? {
        Form::Json(text) => read_json(&text, password),
        Form::Pem(text) => read_pem(&text, password),
        Form::Hex(digits) => read_hex(&digits),
    }
}

/// Rejects an RSA key that anyone could sign with. Rule: docs/protocol.md#W23
pub(crate) fn check_rsa(key: &RsaPublicKey) -> Result<(), WeakKey> {
    weak::check_rsa_public(key.modulus(), &RSA_EXPONENT.to_be_bytes()).map(drop)
}

/// Whether the file needs a password; it may be unreadable all the same.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    match Form::of(bytes) {
        Ok(Form::Json(text)) => json(&text).is_ok_and(|file| matches!(web3::get(&file, "crypto"), Ok(Some(_)))),
        Ok(Form::Pem(text)) => pem::is_encrypted(&text),
        _ => false,
    }
}

/// The JSON object of a key file; other programs' are named.
fn json(text: &str) -> Result<Map<String, Value>, KeystoreError> {
    if text.contains("&quot;") || text.contains("&#34;") {
        return Err(Foreign::HtmlEntities.into());
    }
    let syntax = |error: serde_json::Error| Foreign::JsonSyntax {
        line: error.line(),
        column: error.column(),
    };
    Ok(serde_json::from_str(text).map_err(syntax)?)
}

fn read_json(text: &str, password: &str) -> Result<Imported, KeystoreError> {
    let file = json(text)?;
    if file.get("format").and_then(Value::as_str) == Some("tally-vault") {
        return Err(KeystoreError::Vault);
    }
    if web3::get(&file, "crypto")?.is_none() {
        return Err(other_json(&file));
    }
    let file = Web3::read(&file)?;
    let key = with_password(password, |password| file.open(password))?;
    let warnings = file.address.is_none().then_some(Warning::NotChecked);
    let key = Found::Private(SigningKey::Secp256k1(key));
    Ok(Imported::new(Format::Web3, key, warnings.into_iter().collect()))
}

/// What a JSON object without `crypto` is.
fn other_json(file: &Map<String, Value>) -> KeystoreError {
    let has = |names: &[&str]| names.iter().all(|name| file.contains_key(*name));
    let foreign = if has(&["kty"]) {
        Foreign::Jwk
    } else if has(&["data", "iv", "salt"]) {
        Foreign::MetaMaskVault
    } else if has(&["encseed"]) {
        Foreign::PresaleWallet
    } else if has(&["privateKey"]) || has(&["private_key"]) || has(&["private"]) || has(&["secretKey"]) {
        Foreign::PlainJsonKey
    } else if has(&["mnemonic"]) || has(&["phrase"]) {
        Foreign::PhraseInside
    } else if has(&["version"]) {
        return KeystoreError::Damaged { field: "crypto" };
    } else {
        return KeystoreError::Unknown;
    };
    foreign.into()
}

fn read_pem(text: &str, password: &str) -> Result<Imported, KeystoreError> {
    let block = pem::find(text)?;
    let private = |format, found: pkcs8::Found, plain: bool| {
        let plain = plain.then_some(Warning::NotEncrypted);
        let unchecked = (!found.checked).then_some(Warning::NotChecked);
        let warnings = plain.into_iter().chain(unchecked).collect();
        Imported::new(format, Found::Private(found.key), warnings)
    };
    let public = |format, key| Imported::new(format, Found::Public(key), Vec::new());
    Ok(match block.label {
        Label::EncryptedPrivate => {
            let encrypted = pkcs8::Encrypted::read(&block.der)?;
            let plain = with_password(password, |password| encrypted.open(password))?;
            private(Format::EncryptedPkcs8, pkcs8::read(&plain)?, false)
        }
        Label::Private => private(Format::Pkcs8, pkcs8::read(&block.der)?, true),
        Label::RsaPrivate => {
            let key = SigningKey::Rsa(rsa::read_private(&block.der)?);
            private(Format::Pkcs1, pkcs8::Found { key, checked: true }, true)
        }
        Label::EcPrivate => {
            let found = secp256k1::read_private(&block.der, true, None)?;
            let key = SigningKey::Secp256k1(found.key);
            let checked = found.checked;
            private(Format::Sec1, pkcs8::Found { key, checked }, true)
        }
        Label::Public => public(Format::Spki, public::read_spki(&block.der)?),
        Label::RsaPublic => {
            let key = rsa::read_public(&block.der)?;
            public(Format::Pkcs1Public, PublicKey::from(&key))
        }
    })
}

/// 32 bytes are a private key, everything longer a public one; a byte of zeros before 32 is what Java writes.
fn read_hex(digits: &str) -> Result<Imported, KeystoreError> {
    let unknown = KeystoreError::HexDigits { digits: digits.len() };
    let private = match digits.len() {
        64 => Some(digits),
        66 => digits.strip_prefix("00"),
        130 | 588 | 844 | 1100 => None,
        _ => return Err(unknown),
    };
    let bytes = Zeroizing::new(hex::decode(private.unwrap_or(digits)).map_err(|_| unknown)?);
    if private.is_some() {
        let key = SigningKey::Secp256k1(secp256k1::from_secret(&bytes)?);
        let warnings = vec![Warning::NotEncrypted, Warning::NotChecked];
        return Ok(Imported::new(Format::HexPrivate, Found::Private(key), warnings));
    }
    let key = public::read_raw(&bytes)?;
    Ok(Imported::new(Format::HexPublic, Found::Public(key), Vec::new()))
}

/// A Web3 keystore (version 3) of a secp256k1 key. Rule: docs/protocol.md#W20
pub fn write_web3<R: CryptoRng + ?Sized>(
    key: &SigningKey,
    password: &str,
    rng: &mut R,
) -> Result<String, KeystoreError> {
    let SigningKey::Secp256k1(key) = key else {
        return Err(KeystoreError::NotForKind {
            format: Format::Web3,
            kind: key.kind(),
        });
    };
    check_new_password(password)?;
    web3::write(key, normalised(password).as_bytes(), web3::NEW_COSTS, rng)
}

/// Encrypted PKCS#8 PEM of a key of either kind. Rule: docs/protocol.md#W21
pub fn write_pkcs8<R: CryptoRng + ?Sized>(
    key: &SigningKey,
    password: &str,
    rng: &mut R,
) -> Result<String, KeystoreError> {
    check_new_password(password)?;
    let plain = pkcs8::write(key);
    let der = pkcs8::encrypt(&plain, normalised(password).as_bytes(), pkcs8::NEW_ROUNDS, rng);
    Ok(pem::write(Label::EncryptedPrivate, &der))
}

/// PKCS#8 DER without encryption: for a keeper that lets no one read the key again (WebCrypto), never for a file.
pub fn plain_pkcs8(key: &SigningKey) -> Zeroizing<Vec<u8>> {
    pkcs8::write(key)
}

/// Public key as SPKI PEM. Rule: docs/protocol.md#W22
pub fn write_spki(key: &PublicKey) -> String {
    pem::write(Label::Public, &public::write_spki(key))
}

/// Public key in hex: the compressed point, or the SPKI of an RSA key. Rule: docs/protocol.md#W22
pub fn write_hex_public(key: &PublicKey) -> String {
    format!("{}\n", public::write_hex(key))
}

fn check_new_password(password: &str) -> Result<(), KeystoreError> {
    if password.is_empty() {
        return Err(KeystoreError::EmptyPassword);
    }
    Ok(())
}
