//! The container that a vault is kept in: Argon2id, XChaCha20-Poly1305, versioned JSON. Rule: docs/protocol.md#W10

use base64ct::{Base64, Encoding};
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Payload};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::file_text;

mod key;
#[cfg(test)]
mod tests;

use key::{BOUNDS, Bounds, SALT_BOUNDS, in_bounds};
pub use key::{KdfParams, VaultKey};
pub use tally_chain::limits::MAX_CONTAINER_BYTES;

const FORMAT: &str = "tally-vault";
const VERSION: u32 = 1;
const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20-poly1305";
const NONCE_BYTES: usize = 24;
const CHECK_BYTES: usize = 16;

/// Longest ciphertext in bytes. Rule: docs/protocol.md#W11
pub const MAX_CIPHERTEXT_BYTES: usize = 1 << 20;

/// Why a container was not opened, or a key for it not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum ContainerError {
    #[error("this file has {len} bytes, a vault has at most {max}")]
    TooLarge { len: usize, max: usize },
    #[error("this is not a Tally vault")]
    NotAVault,
    #[error("this vault is of version {found}; this program reads version {supported}")]
    UnknownVersion { found: u64, supported: u32 },
    #[error("the vault's {field} is {found:?}; only {expected:?} is known")]
    UnknownAlgorithm {
        field: &'static str,
        found: String,
        expected: &'static str,
    },
    #[error("the vault's {field} is {found}, allowed is {min} to {max}")]
    OutOfBounds {
        field: &'static str,
        found: u64,
        min: u64,
        max: u64,
    },
    #[error("the vault is damaged: {field} is unreadable")]
    Unreadable { field: &'static str },
    #[error("the vault is damaged: its checksum does not match")]
    Damaged,
    #[error("the password is wrong")]
    WrongPassword,
    #[error("the password is empty")]
    EmptyPassword,
    #[error("the vault was changed by someone who does not know the password")]
    Tampered,
    #[error("there is not enough memory to derive the key ({m_kib} KiB)")]
    OutOfMemory { m_kib: u32 },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: String,
    version: u32,
    kdf: WireKdf,
    cipher: WireCipher,
    check: String,
    ciphertext: String,
    checksum: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireKdf {
    name: String,
    m_kib: u32,
    t: u32,
    p: u32,
    salt: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCipher {
    name: String,
    nonce: String,
}

/// What every version of the format begins with.
#[derive(Deserialize)]
struct Preamble {
    format: String,
    version: u64,
}

/// A container whose form, bounds and checksum hold; nothing is decrypted yet.
struct Container {
    params: KdfParams,
    salt: Vec<u8>,
    nonce: [u8; NONCE_BYTES],
    check: [u8; CHECK_BYTES],
    ciphertext: Vec<u8>,
}

impl Container {
    fn read(bytes: &[u8], bounds: &Bounds) -> Result<Self, ContainerError> {
        if bytes.len() > MAX_CONTAINER_BYTES {
            return Err(ContainerError::TooLarge {
                len: bytes.len(),
                max: MAX_CONTAINER_BYTES,
            });
        }
        // An editor or a mail program may have saved it again, in another encoding.
        let text = file_text::decode(bytes);
        let preamble: Preamble = serde_json::from_str(&text).map_err(|_| ContainerError::NotAVault)?;
        if preamble.format != FORMAT {
            return Err(ContainerError::NotAVault);
        }
        if preamble.version != u64::from(VERSION) {
            return Err(ContainerError::UnknownVersion {
                found: preamble.version,
                supported: VERSION,
            });
        }
        let wire: Wire = serde_json::from_str(&text).map_err(|_| ContainerError::Unreadable { field: "a field" })?;
        known("kdf.name", &wire.kdf.name, KDF)?;
        known("cipher.name", &wire.cipher.name, CIPHER)?;
        let params = KdfParams {
            m_kib: wire.kdf.m_kib,
            t: wire.kdf.t,
            p: wire.kdf.p,
        };
        bounds.check(&params)?;
        let container = Self {
            params,
            salt: bytes_of("kdf.salt", &wire.kdf.salt, SALT_BOUNDS)?,
            nonce: exactly("cipher.nonce", &wire.cipher.nonce)?,
            check: exactly("check", &wire.check)?,
            ciphertext: bytes_of("ciphertext", &wire.ciphertext, (16, MAX_CIPHERTEXT_BYTES))?,
        };
        if exactly("checksum", &wire.checksum)? != container.checksum() {
            return Err(ContainerError::Damaged);
        }
        Ok(container)
    }

    fn write(&self) -> Vec<u8> {
        let wire = Wire {
            format: FORMAT.into(),
            version: VERSION,
            kdf: WireKdf {
                name: KDF.into(),
                m_kib: self.params.m_kib,
                t: self.params.t,
                p: self.params.p,
                salt: Base64::encode_string(&self.salt),
            },
            cipher: WireCipher {
                name: CIPHER.into(),
                nonce: Base64::encode_string(&self.nonce),
            },
            check: Base64::encode_string(&self.check),
            ciphertext: Base64::encode_string(&self.ciphertext),
            checksum: Base64::encode_string(&self.checksum()),
        };
        serde_json::to_vec(&wire).expect("strings and numbers are JSON")
    }

    /// The bytes that the cipher authenticates beside the plaintext. Rule: docs/protocol.md#W10
    fn header(&self) -> Vec<u8> {
        let mut header = b"tally/vault".to_vec();
        let numbers = [VERSION, self.params.m_kib, self.params.t, self.params.p];
        numbers.iter().for_each(|number| header.extend(number.to_be_bytes()));
        header.extend((self.salt.len() as u32).to_be_bytes());
        header.extend(&self.salt);
        header.extend(self.nonce);
        header.extend(self.check);
        header
    }

    /// Finds damage before the password is needed. It is no protection against forgery.
    fn checksum(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"tally/vault-checksum");
        hasher.update(self.header());
        hasher.update(&self.ciphertext);
        hasher.finalize().into()
    }

    fn decrypt(&self, key: &VaultKey) -> Result<Zeroizing<Vec<u8>>, ContainerError> {
        let same = self.salt == key.salt && self.params == key.params;
        if !same || !bool::from(key.check().ct_eq(&self.check)) {
            return Err(ContainerError::WrongPassword);
        }
        let header = self.header();
        let message = Payload {
            msg: &self.ciphertext,
            aad: &header,
        };
        let nonce = XNonce::from(self.nonce);
        let plaintext = key.cipher().decrypt(&nonce, message);
        plaintext.map(Zeroizing::new).map_err(|_| ContainerError::Tampered)
    }
}

fn known(field: &'static str, found: &str, expected: &'static str) -> Result<(), ContainerError> {
    if found == expected {
        return Ok(());
    }
    Err(ContainerError::UnknownAlgorithm {
        field,
        found: found.chars().take(32).collect(),
        expected,
    })
}

/// Decodes base64 after its length was compared with the bounds.
fn bytes_of(field: &'static str, text: &str, (min, max): (usize, usize)) -> Result<Vec<u8>, ContainerError> {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count().min(2);
    let len = (text.len() / 4 * 3).saturating_sub(padding);
    in_bounds(field, len as u64, min as u64, max as u64)?;
    Base64::decode_vec(text).map_err(|_| ContainerError::Unreadable { field })
}

fn exactly<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], ContainerError> {
    bytes_of(field, text, (N, N))?
        .try_into()
        .map_err(|_| ContainerError::Unreadable { field })
}

/// Encrypts with a fresh nonce. Rule: docs/protocol.md#W10
pub(crate) fn seal<R: CryptoRng + ?Sized>(
    plaintext: &[u8],
    key: &VaultKey,
    rng: &mut R,
) -> Result<Vec<u8>, ContainerError> {
    in_bounds(
        "ciphertext",
        plaintext.len() as u64 + 16,
        16,
        MAX_CIPHERTEXT_BYTES as u64,
    )?;
    let mut container = Container {
        params: key.params,
        salt: key.salt.clone(),
        nonce: [0; NONCE_BYTES],
        check: key.check(),
        ciphertext: Vec::new(),
    };
    rng.fill_bytes(&mut container.nonce);
    let header = container.header();
    let message = Payload {
        msg: plaintext,
        aad: &header,
    };
    container.ciphertext = key
        .cipher()
        .encrypt(&XNonce::from(container.nonce), message)
        .expect("a megabyte is far below the cipher's limit");
    Ok(container.write())
}

/// Opens a container; the key seals the next version of it. Rule: docs/protocol.md#W10
pub(crate) fn open(bytes: &[u8], password: &str) -> Result<(Zeroizing<Vec<u8>>, VaultKey), ContainerError> {
    open_within(bytes, password, &BOUNDS)
}

/// Opens another version of a container with the key of the first.
pub(crate) fn reopen(bytes: &[u8], key: &VaultKey) -> Result<Zeroizing<Vec<u8>>, ContainerError> {
    Container::read(bytes, &BOUNDS)?.decrypt(key)
}

/// Finds out, without a password, whether these bytes are a whole container of a version that can be read.
pub fn check_container(bytes: &[u8]) -> Result<(), ContainerError> {
    Container::read(bytes, &BOUNDS).map(drop)
}

fn open_within(
    bytes: &[u8],
    password: &str,
    bounds: &Bounds,
) -> Result<(Zeroizing<Vec<u8>>, VaultKey), ContainerError> {
    let container = Container::read(bytes, bounds)?;
    let key = VaultKey::with_salt(password, container.params, container.salt.clone(), bounds)?;
    Ok((container.decrypt(&key)?, key))
}
