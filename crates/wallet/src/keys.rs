//! Private keys that sign, and what the world may know of them.

use std::fmt;

use crypto_bigint::BoxedUint;
use rsa::RsaPrivateKey;
use rsa::pkcs8::EncodePublicKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use thiserror::Error;
use zeroize::Zeroizing;

/// Sizes of RSA keys that the chain accepts. Rule: docs/protocol.md#A4
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RsaBits {
    B2048,
    B3072,
    B4096,
}

impl RsaBits {
    /// Bits of the modulus.
    pub const fn get(self) -> u32 {
        match self {
            Self::B2048 => 2048,
            Self::B3072 => 3072,
            Self::B4096 => 4096,
        }
    }
}

impl fmt::Display for RsaBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RSA-{}", self.get())
    }
}

/// Why given primes are not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("the primes do not make a valid {bits} key")]
    Primes { bits: RsaBits },
}

/// An RSA private key. Wiped when dropped, shows nothing of itself.
pub struct RsaKey {
    bits: RsaBits,
    key: Box<RsaPrivateKey>,
    spki: Vec<u8>,
}

impl RsaKey {
    /// The key of two primes, big-endian, with e = 65537. Rule: docs/protocol.md#W4
    pub fn from_primes(bits: RsaBits, p: &[u8], q: &[u8]) -> Result<Self, KeyError> {
        let refused = KeyError::Primes { bits };
        let half = bits.get() / 2;
        let read = |bytes| BoxedUint::from_be_slice(bytes, half).map_err(|_| refused);
        let key = RsaPrivateKey::from_p_q(read(p)?, read(q)?, BoxedUint::from(65_537u64)).map_err(|_| refused)?;
        if key.n().bits_vartime() != bits.get() {
            return Err(refused);
        }
        let spki = key.to_public_key().to_public_key_der().map_err(|_| refused)?.into_vec();
        Ok(Self {
            bits,
            key: Box::new(key),
            spki,
        })
    }

    pub fn bits(&self) -> RsaBits {
        self.bits
    }

    /// SubjectPublicKeyInfo DER. Rule: docs/protocol.md#A4
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The larger and the smaller prime, big-endian, each half the size of the modulus.
    pub(crate) fn primes(&self) -> [Zeroizing<Vec<u8>>; 2] {
        let primes = self.key.primes();
        [0, 1].map(|i| Zeroizing::new(primes[i].to_be_bytes().into_vec()))
    }

    pub(crate) fn private(&self) -> &RsaPrivateKey {
        &self.key
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaKey({}, hidden)", self.bits)
    }
}

/// A secp256k1 private key. Wiped when dropped, shows nothing of itself.
pub struct Secp256k1Key(k256::ecdsa::SigningKey);

impl Secp256k1Key {
    pub(crate) fn new(key: k256::ecdsa::SigningKey) -> Self {
        Self(key)
    }

    /// SEC1 compressed public key, 33 bytes. Rule: docs/protocol.md#A6
    pub fn public(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        bytes.copy_from_slice(self.0.verifying_key().to_sec1_point(true).as_bytes());
        bytes
    }

    pub(crate) fn private(&self) -> &k256::ecdsa::SigningKey {
        &self.0
    }
}

impl fmt::Debug for Secp256k1Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secp256k1Key(hidden)")
    }
}
