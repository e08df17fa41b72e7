//! Web3 Secret Storage, version 3: one secp256k1 key under a password, as wallets of the EVM world keep it.
//! Rule: docs/protocol.md#W20

use aes::Aes128;
use aes::cipher::{KeyIvInit, StreamCipher};
use alloy_primitives::{hex, keccak256};
use rand_core::CryptoRng;
use serde::Serialize;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use tally_chain::Address;
use zeroize::Zeroizing;

use super::kdf::{Kdf, Prf, length, within};
use super::{Foreign, KeystoreError, names, secp256k1};
use crate::keys::Secp256k1Key;

const VERSION: u64 = 3;
const CIPHER: &str = "aes-128-ctr";
const SECRET_BYTES: usize = 32;
/// Longest ciphertext that is decrypted, to name what it holds: a phrase of 24 long words fits.
const MAX_CIPHERTEXT_BYTES: usize = 512;
/// The mac takes its second half, so shorter keys cannot be.
const KEY_BYTES: u64 = 32;

/// Costs of new files. Rule: docs/protocol.md#W20
#[derive(Debug, Clone, Copy)]
pub(super) struct NewCosts {
    pub n: u64,
    pub r: u64,
    pub p: u64,
}

/// What ethers and OWASP take: 128 MiB. geth's 256 MiB would be too much for a tab on a phone.
pub(super) const NEW_COSTS: NewCosts = NewCosts { n: 131_072, r: 8, p: 1 };

fn damaged(field: &'static str) -> KeystoreError {
    KeystoreError::Damaged { field }
}

/// A file whose form and bounds hold; nothing is decrypted yet.
pub(super) struct Web3 {
    kdf: Kdf,
    salt: Vec<u8>,
    iv: [u8; 16],
    ciphertext: Vec<u8>,
    mac: [u8; 32],
    /// Not every program writes it. The mac does not cover the IV, so only this finds an accident there.
    pub address: Option<Address>,
}

impl Web3 {
    pub fn read(file: &Map<String, Value>) -> Result<Self, KeystoreError> {
        let version = get(file, "version")?.and_then(whole);
        match version.ok_or(damaged("version"))? {
            VERSION => {}
            found if found >= 100 => return Err(damaged("version")),
            found => {
                let supported = VERSION;
                return Err(KeystoreError::UnknownVersion { found, supported });
            }
        }
        let crypto = object(get(file, "crypto")?, "crypto")?;
        known("crypto.cipher", text(get(crypto, "cipher")?, "crypto.cipher")?, CIPHER)?;
        let cipherparams = object(get(crypto, "cipherparams")?, "crypto.cipherparams")?;
        let kdfparams = object(get(crypto, "kdfparams")?, "crypto.kdfparams")?;
        let number = |name: &'static str, field| {
            let value = get(kdfparams, name)?.and_then(whole);
            value.ok_or(damaged(field))
        };
        let dklen = number("dklen", "crypto.kdfparams.dklen")?;
        within("the length of the derived key (dklen)", dklen, KEY_BYTES, KEY_BYTES)?;
        let kdf = match text(get(crypto, "kdf")?, "crypto.kdf")?.to_ascii_lowercase().as_str() {
            "scrypt" => Kdf::scrypt(
                number("n", "crypto.kdfparams.n")?,
                number("r", "crypto.kdfparams.r")?,
                number("p", "crypto.kdfparams.p")?,
            )?,
            "pbkdf2" => {
                let prf = text(get(kdfparams, "prf")?, "crypto.kdfparams.prf")?;
                known("crypto.kdfparams.prf", prf, "hmac-sha256")?;
                Kdf::pbkdf2(Prf::Sha256, number("c", "crypto.kdfparams.c")?)?
            }
            other => return Err(unknown("crypto.kdf", other, "scrypt and pbkdf2")),
        };
        // Some programs write the IV as a number, without its leading zeros.
        let short = bytes(get(cipherparams, "iv")?, "crypto.cipherparams.iv", 1, 16)?;
        let mut iv = [0; 16];
        iv[16 - short.len()..].copy_from_slice(&short);
        let mut mac = [0; 32];
        mac.copy_from_slice(&bytes(get(crypto, "mac")?, "crypto.mac", 32, 32)?);
        let address = match get(file, "address")? {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            stated => Some(Address::from_slice(&bytes(stated, "address", 20, 20)?)),
        };
        Ok(Self {
            kdf,
            salt: bytes(get(kdfparams, "salt")?, "crypto.kdfparams.salt", 1, 128)?,
            iv,
            ciphertext: bytes(get(crypto, "ciphertext")?, "crypto.ciphertext", 1, MAX_CIPHERTEXT_BYTES)?,
            mac,
            address,
        })
    }

    /// Where salt, ciphertext or mac were changed the password seems wrong: the format does not distinguish these.
    pub fn open(&self, password: &[u8]) -> Result<Secp256k1Key, KeystoreError> {
        let mut derived = Zeroizing::new([0; 32]);
        self.kdf.derive(password, &self.salt, derived.as_mut_slice())?;
        if !bool::from(mac_of(&derived, &self.ciphertext).ct_eq(&self.mac)) {
            return Err(KeystoreError::WrongPassword);
        }
        let mut plain = Zeroizing::new(self.ciphertext.clone());
        apply(&derived, &self.iv, &mut plain);
        let secret = self.secret_of(&plain)?;
        // First whose key it is: another IV gives any number.
        let key = secp256k1::from_secret(secret.as_slice());
        match (&key, self.address) {
            (Ok(key), Some(stated)) if key.address() != stated => Err(KeystoreError::OtherAddress {
                stated,
                found: key.address(),
            }),
            _ => key,
        }
    }
}

impl Web3 {
    /// The secret number. Some programs leave zeros out at its left, or put one there: that is accepted where the file names
    /// the address of its key. Others keep a phrase in this form.
    fn secret_of(&self, plain: &[u8]) -> Result<Zeroizing<[u8; SECRET_BYTES]>, KeystoreError> {
        let text = (plain.len() > SECRET_BYTES + 1)
            .then(|| std::str::from_utf8(plain).ok())
            .flatten();
        match text {
            Some(text) if text.split_whitespace().count() >= 12 => Err(Foreign::PhraseInside.into()),
            _ => secp256k1::of_32_bytes(plain, self.address.is_some()),
        }
    }
}

/// A whole number, however it is written: `3`, `3.0` and `"3"` are the same to other programs.
fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::String(digits) => digits.parse().ok(),
        number => number.as_u64().or_else(|| {
            let float = number.as_f64()?;
            // Whole numbers below 2^53 have one float each.
            (float.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&float)).then_some(float as u64)
        }),
    }
}

fn apply(derived: &[u8; 32], iv: &[u8; 16], data: &mut [u8]) {
    let mut key = Zeroizing::new([0; 16]);
    key.copy_from_slice(&derived[..16]);
    ctr::Ctr128BE::<Aes128>::new((&*key).into(), iv.into()).apply_keystream(data);
}

fn mac_of(derived: &[u8; 32], ciphertext: &[u8]) -> [u8; 32] {
    let mut input = Zeroizing::new(derived[16..].to_vec());
    input.extend_from_slice(ciphertext);
    keccak256(&input).0
}

/// A field, whatever the case of its name: old files have `Crypto`. A file with the same field twice is rejected.
pub(super) fn get<'a>(object: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a Value>, KeystoreError> {
    let mut found = object.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let first = found.next().map(|(_, value)| value);
    match found.next() {
        None => Ok(first),
        Some(_) => Err(damaged(name)),
    }
}

fn object<'a>(value: Option<&'a Value>, field: &'static str) -> Result<&'a Map<String, Value>, KeystoreError> {
    value.and_then(Value::as_object).ok_or(damaged(field))
}

fn text<'a>(value: Option<&'a Value>, field: &'static str) -> Result<&'a str, KeystoreError> {
    value.and_then(Value::as_str).ok_or(damaged(field))
}

/// Hex of either case, with or without 0x; its length is compared before it is decoded.
fn bytes(value: Option<&Value>, field: &'static str, min: usize, max: usize) -> Result<Vec<u8>, KeystoreError> {
    let text = text(value, field)?;
    let digits = text.strip_prefix("0x").or(text.strip_prefix("0X")).unwrap_or(text);
    length(field, digits.len().div_ceil(2), min, max)?;
    hex::decode(digits).map_err(|_| damaged(field))
}

fn known(field: &'static str, found: &str, expected: &'static str) -> Result<(), KeystoreError> {
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(unknown(field, found, expected))
}

fn unknown(field: &'static str, found: &str, known: &'static str) -> KeystoreError {
    KeystoreError::UnknownAlgorithm {
        field,
        found: names::of_text(found),
        known,
    }
}

#[derive(Serialize)]
struct Wire {
    version: u64,
    id: String,
    address: String,
    crypto: WireCrypto,
}

#[derive(Serialize)]
struct WireCrypto {
    cipher: &'static str,
    cipherparams: WireIv,
    ciphertext: String,
    kdf: &'static str,
    kdfparams: WireScrypt,
    mac: String,
}

#[derive(Serialize)]
struct WireIv {
    iv: String,
}

#[derive(Serialize)]
struct WireScrypt {
    dklen: u64,
    n: u64,
    p: u64,
    r: u64,
    salt: String,
}

/// Writes a file under scrypt, aes-128-ctr and a keccak mac. Rule: docs/protocol.md#W20
pub(super) fn write<R: CryptoRng + ?Sized>(
    key: &Secp256k1Key,
    password: &[u8],
    costs: NewCosts,
    rng: &mut R,
) -> Result<String, KeystoreError> {
    write_plain(&*key.secret(), hex::encode(key.address()), password, costs, rng)
}

/// The same of any bytes: other programs put more into this form than keys of 32 bytes.
pub(super) fn write_plain<R: CryptoRng + ?Sized>(
    plain: &[u8],
    address: String,
    password: &[u8],
    costs: NewCosts,
    rng: &mut R,
) -> Result<String, KeystoreError> {
    let (mut salt, mut iv, mut id) = ([0; 32], [0; 16], [0; 16]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut iv);
    rng.fill_bytes(&mut id);
    let kdf = Kdf::scrypt(costs.n, costs.r, costs.p)?;
    let mut derived = Zeroizing::new([0; 32]);
    kdf.derive(password, &salt, derived.as_mut_slice())?;
    let mut ciphertext = plain.to_vec();
    apply(&derived, &iv, &mut ciphertext);
    let wire = Wire {
        version: VERSION,
        id: uuid(id),
        address,
        crypto: WireCrypto {
            cipher: CIPHER,
            cipherparams: WireIv { iv: hex::encode(iv) },
            ciphertext: hex::encode(&ciphertext),
            kdf: "scrypt",
            kdfparams: WireScrypt {
                dklen: KEY_BYTES,
                n: costs.n,
                p: costs.p,
                r: costs.r,
                salt: hex::encode(salt),
            },
            mac: hex::encode(mac_of(&derived, &ciphertext)),
        },
    };
    Ok(serde_json::to_string(&wire).expect("strings and numbers are JSON"))
}

/// A random UUID (version 4).
fn uuid(mut random: [u8; 16]) -> String {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let digits = hex::encode(random);
    let parts = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    parts.join("-")
}
