//! Why a key file is not read or written.

use tally_chain::{Address, KeyKind};
use thiserror::Error;

use super::{Foreign, Format};

/// Why a key file was rejected. Rule: docs/protocol.md#W20
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum KeystoreError {
    #[error("this file has {len} bytes, a key file has at most {max}")]
    TooLarge { len: usize, max: usize },
    #[error("this is no key file of a known form: neither Web3 JSON, PEM nor hex")]
    Unknown,
    #[error("{0}")]
    Foreign(Foreign),
    #[error("this is a Tally vault, not the file of one key")]
    Vault,
    #[error("a key in hex has 64 digits (private), or 66, 130, 588, 844 or 1100 (public); this one has {digits}")]
    HexDigits { digits: usize },
    #[error("the private key has {len} bytes, {expected} are needed")]
    SecretLength { len: usize, expected: usize },
    #[error("the curve is written out in numbers (explicit parameters); only a named curve is read, secp256k1")]
    ExplicitCurve,
    #[error("the file's version is {found}; only {supported} is read")]
    UnknownVersion { found: u64, supported: u64 },
    #[error("{field} is {found:?}; what is read: {known}")]
    UnknownAlgorithm {
        field: &'static str,
        found: String,
        known: &'static str,
    },
    #[error("the file is damaged: {field} is missing or cannot be read")]
    Damaged { field: &'static str },
    #[error("the file is damaged: {field} has {len} bytes, allowed is {min} to {max}")]
    Length {
        field: &'static str,
        len: usize,
        min: usize,
        max: usize,
    },
    #[error("{field} is {found}, allowed is {min} to {max}")]
    OutOfBounds {
        field: &'static str,
        found: u64,
        min: u64,
        max: u64,
    },
    #[error("scrypt's n is {found}, which is no power of two")]
    NotPowerOfTwo { found: u64 },
    #[error("the file needs {bytes} bytes of memory to be opened, at most {max} are given")]
    Memory { bytes: u64, max: u64 },
    #[error("the file needs {work} steps of scrypt (n * r * p) to be opened, at most {max} are done")]
    Work { work: u64, max: u64 },
    #[error("there is not enough memory here to derive the key ({bytes} bytes)")]
    OutOfMemory { bytes: u64 },
    #[error("the password is wrong")]
    WrongPassword,
    #[error("the password is empty")]
    EmptyPassword,
    #[error("the file states that its key belongs to {stated}, but it holds the key of {found}")]
    OtherAddress { stated: Address, found: Address },
    #[error("the public key in the file does not belong to its private key")]
    OtherPublicKey,
    #[error("the file is encrypted in the old way of OpenSSL, which protects badly")]
    LegacyEncryption,
    #[error("{format} holds no {kind} key")]
    NotForKind { format: Format, kind: KeyKind },
    #[error("the key is rejected: {0}")]
    Weak(#[from] WeakKey),
}

impl KeystoreError {
    /// What to do next.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::WrongPassword => {
                "Type the password of the file again. If it is surely right, the file was damaged where its format has no checksum: take another copy."
            }
            Self::EmptyPassword => "Choose a password for the file.",
            Self::Vault => "Restore it as a backup of the wallet.",
            Self::LegacyEncryption => {
                "Convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -scrypt -in old.pem -out new.pem"
            }
            Self::Foreign(foreign) => foreign.advice(),
            Self::HexDigits { digits: 48..=63 } | Self::SecretLength { len: 24..=31, .. } => {
                "A zero may be missing at the left: some programs leave zeros out there. Write zeros before the digits until there are 64, import that, and compare the address with the one you expect."
            }
            Self::HexDigits { digits: 128 } => {
                "A public key without its first two digits, 04, has as many, and so has a seed. Write 04 before a public key; restore a seed from its phrase."
            }
            Self::HexDigits { .. } | Self::SecretLength { .. } => {
                "A digit was lost or stands there once too often: copy the key again from where it is kept."
            }
            Self::UnknownAlgorithm {
                field: "the encryption" | "the cipher" | "PBKDF2's hash" | "the key derivation",
                ..
            } => "Convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem",
            Self::UnknownAlgorithm { field: "the curve", .. } => {
                "A key of another curve has no account here. Make a new account."
            }
            Self::ExplicitCurve => {
                "Write the curve by its name with: openssl ec -param_enc named_curve -in old.pem -out new.pem (a public key: with -pubin)"
            }
            Self::UnknownAlgorithm {
                field: "the key's algorithm",
                ..
            } => "A key of this kind has no account here. Make a new account.",
            Self::UnknownAlgorithm { .. } | Self::UnknownVersion { .. } | Self::Unknown => {
                "Export the key again from where it is kept: as a Web3 keystore (version 3), or as PEM with openssl pkcs8 -topk8."
            }
            Self::TooLarge { .. }
            | Self::OutOfBounds { .. }
            | Self::Memory { .. }
            | Self::Work { .. }
            | Self::NotPowerOfTwo { .. } => {
                "No common program writes such a file: be careful where it came from. Export the key again from where it is kept."
            }
            Self::OutOfMemory { .. } => "Close other tabs or programs, or import the file with the command line.",
            Self::Damaged { .. }
            | Self::Length { .. }
            | Self::OtherAddress { .. }
            | Self::OtherPublicKey
            | Self::Weak(WeakKey::RsaInconsistent { .. }) => "Take another copy of the file.",
            Self::NotForKind { .. } => "Choose another format: PKCS#8 takes every key.",
            Self::Weak(_) => "Do not use this key anywhere. If it holds coins elsewhere, move them to a new account.",
        }
    }
}

impl From<Foreign> for KeystoreError {
    fn from(foreign: Foreign) -> Self {
        Self::Foreign(foreign)
    }
}

/// Why a key is too weak, or no key at all. Rules: docs/protocol.md#W23, #W24
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum WeakKey {
    #[error("its modulus has {bits} bits; 2048, 3072 and 4096 are taken")]
    RsaSize { bits: u32 },
    #[error("its modulus is even")]
    RsaEven,
    #[error("its public exponent is not 65537")]
    RsaExponent,
    #[error("its modulus is divisible by {factor}")]
    RsaSmallFactor { factor: u32 },
    #[error("it was made by chips with the ROCA fault (CVE-2017-15361), and can be factored")]
    RsaRoca,
    #[error("its {name} has a pattern that no random number has")]
    RsaPattern { name: &'static str },
    #[error("it is printed in a standard or part of a public library: anyone can have it")]
    RsaPublished,
    #[error("its modulus is a prime number")]
    RsaPrimeModulus,
    #[error("its two primes are the same")]
    RsaEqualPrimes,
    #[error("its two primes are so close that Fermat's method finds them")]
    RsaClosePrimes,
    #[error("it has more than two primes")]
    RsaMultiPrime,
    #[error("its prime {name} has {bits} bits; half of the modulus is {expected}")]
    RsaPrimeSize {
        name: &'static str,
        bits: u32,
        expected: u32,
    },
    #[error("its {name} is not a prime number")]
    RsaNotPrime { name: &'static str },
    #[error("its numbers contradict each other: {name} is wrong")]
    RsaInconsistent { name: &'static str },
    #[error("its secret number is zero")]
    Secp256k1Zero,
    #[error("its secret number is not below the order of the curve")]
    Secp256k1Range,
    #[error("its secret number has only {bits} significant bits and can be found by trying")]
    Secp256k1Guessable { bits: u32 },
}
