//! Keys from passwords, within bounds: a hostile file cannot demand all memory or a day of work.

use std::hint::black_box;

use pbkdf2::pbkdf2_hmac;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::KeystoreError;

/// Bytes of scrypt's table, `128 * n * r`: geth uses just as much (n 262,144, r 8). Rule: docs/protocol.md#W20
const MAX_SCRYPT_MEMORY: u64 = 256 << 20;
/// Steps of scrypt, `n * r * p`. Rule: docs/protocol.md#W20
const MAX_SCRYPT_WORK: u64 = 1 << 22;
/// Rounds of PBKDF2: ten million are some seconds. Rule: docs/protocol.md#W20
const MAX_ROUNDS: u64 = 10_000_000;
const MAX_N: u64 = 1 << 21;
const MAX_R: u64 = 128;
const MAX_P: u64 = 16;

/// The hash under PBKDF2's HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prf {
    Sha1,
    Sha256,
    Sha512,
}

/// A derivation whose costs were checked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kdf {
    Scrypt { log_n: u8, r: u32, p: u32 },
    Pbkdf2 { prf: Prf, rounds: u32 },
}

impl Kdf {
    /// Rule: docs/protocol.md#W20
    pub fn scrypt(n: u64, r: u64, p: u64) -> Result<Self, KeystoreError> {
        within("scrypt's n", n, 2, MAX_N)?;
        within("scrypt's r", r, 1, MAX_R)?;
        within("scrypt's p", p, 1, MAX_P)?;
        if !n.is_power_of_two() {
            return Err(KeystoreError::NotPowerOfTwo { found: n });
        }
        // Far from overflow: each factor is below 2^22.
        let bytes = 128 * n * r;
        if bytes > MAX_SCRYPT_MEMORY {
            let max = MAX_SCRYPT_MEMORY;
            return Err(KeystoreError::Memory { bytes, max });
        }
        let work = n * r * p;
        if work > MAX_SCRYPT_WORK {
            let max = MAX_SCRYPT_WORK;
            return Err(KeystoreError::Work { work, max });
        }
        Ok(Self::Scrypt {
            log_n: n.ilog2() as u8,
            r: r as u32,
            p: p as u32,
        })
    }

    /// Rule: docs/protocol.md#W20
    pub fn pbkdf2(prf: Prf, rounds: u64) -> Result<Self, KeystoreError> {
        within("the number of PBKDF2 rounds", rounds, 1, MAX_ROUNDS)?;
        let rounds = rounds as u32;
        Ok(Self::Pbkdf2 { prf, rounds })
    }

    /// Fills `key`.
    pub fn derive(self, password: &[u8], salt: &[u8], key: &mut [u8]) -> Result<(), KeystoreError> {
        match self {
            Self::Scrypt { log_n, r, p } => {
                let bytes = (128 * u64::from(r)) << log_n;
                let no_memory = KeystoreError::OutOfMemory { bytes };
                // The library aborts the process where it gets no memory. This reservation of as much fails with an error
                // instead, and is freed for the library at once.
                let mut probe = Vec::<u8>::new();
                let wanted = usize::try_from(bytes).map_err(|_| no_memory.clone())?;
                probe.try_reserve_exact(wanted).map_err(|_| no_memory)?;
                drop(black_box(probe));
                let params = scrypt::Params::new(log_n, r, p).expect("the bounds are narrower than scrypt's own");
                scrypt::scrypt(password, salt, &params, key).expect("a key is neither empty nor long");
            }
            Self::Pbkdf2 { prf, rounds } => match prf {
                Prf::Sha1 => pbkdf2_hmac::<sha1::Sha1>(password, salt, rounds, key),
                Prf::Sha256 => pbkdf2_hmac::<sha2::Sha256>(password, salt, rounds, key),
                Prf::Sha512 => pbkdf2_hmac::<sha2::Sha512>(password, salt, rounds, key),
            },
        }
        Ok(())
    }
}

/// A number within its bounds, or the error that names both.
pub(super) fn within(field: &'static str, found: u64, min: u64, max: u64) -> Result<(), KeystoreError> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(KeystoreError::OutOfBounds { field, found, min, max })
}

/// A length within its bounds, or the error that names both.
pub(super) fn length(field: &'static str, len: usize, min: usize, max: usize) -> Result<(), KeystoreError> {
    if (min..=max).contains(&len) {
        return Ok(());
    }
    Err(KeystoreError::Length { field, len, min, max })
}

/// The password in the form that new files take: NFKC, as UTF-8. Rule: docs/protocol.md#W20
pub(super) fn normalised(password: &str) -> Zeroizing<String> {
    collected(password, password.nfkc())
}

/// Tries `open` with the password as it was typed and in each normal form that differs: programs disagree on it, and so do
/// keyboards. Rule: docs/protocol.md#W20
pub(super) fn with_password<T>(
    password: &str,
    open: impl Fn(&[u8]) -> Result<T, KeystoreError>,
) -> Result<T, KeystoreError> {
    let typed = open(password.as_bytes());
    if password.is_ascii() || !matches!(typed, Err(KeystoreError::WrongPassword)) {
        return typed;
    }
    let mut tried: Vec<Zeroizing<String>> = vec![Zeroizing::new(password.to_owned())];
    for form in [nfc, nfd, normalised, nfkd] {
        let other = form(password);
        if tried.contains(&other) {
            continue;
        }
        match open(other.as_bytes()) {
            Err(KeystoreError::WrongPassword) => tried.push(other),
            outcome => return outcome,
        }
    }
    Err(KeystoreError::WrongPassword)
}

/// Room for every normal form, so that growing leaves no copies behind.
fn collected(password: &str, chars: impl Iterator<Item = char>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(password.len() * 8));
    text.extend(chars);
    text
}

fn nfc(password: &str) -> Zeroizing<String> {
    collected(password, password.nfc())
}

fn nfd(password: &str) -> Zeroizing<String> {
    collected(password, password.nfd())
}

fn nfkd(password: &str) -> Zeroizing<String> {
    collected(password, password.nfkd())
}
