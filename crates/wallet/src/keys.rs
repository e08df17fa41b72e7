//! Private keys that sign, and what the world may know of them.

use std::fmt;

use crypto_bigint::BoxedUint;
use rsa::RsaPrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use tally_chain::keys::RsaPublicKey;
pub use tally_chain::public_key::RsaBits;
use tally_chain::{Address, KeyKind, PublicKey, address};
use thiserror::Error;
use zeroize::Zeroizing;

/// Why given bytes are not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum KeyError {
    #[error("the primes do not make a valid {bits} key")]
    Primes { bits: RsaBits },
    #[error("a secp256k1 private key is 32 bytes between 1 and the order of the curve")]
    Scalar,
}

/// An RSA private key. Wiped when dropped, shows nothing of itself.
pub struct RsaKey {
    bits: RsaBits,
    key: Box<RsaPrivateKey>,
    public: RsaPublicKey,
}

impl RsaKey {
    /// The key of two primes, big-endian, with e = 65537. Rule: docs/protocol.md#W5
    pub fn from_primes(bits: RsaBits, p: &[u8], q: &[u8]) -> Result<Self, KeyError> {
        let refused = KeyError::Primes { bits };
        let read = |bytes| BoxedUint::from_be_slice(bytes, bits.get() / 2).map_err(|_| refused);
        let key = RsaPrivateKey::from_p_q(read(p)?, read(q)?, BoxedUint::from(65_537u64)).map_err(|_| refused)?;
        let public = RsaPublicKey::from_modulus(&key.n().to_be_bytes()).map_err(|_| refused)?;
        if public.bits() != bits.get() as usize {
            return Err(refused);
        }
        Ok(Self {
            bits,
            key: Box::new(key),
            public,
        })
    }

    /// Size of the modulus.
    pub fn bits(&self) -> RsaBits {
        self.bits
    }

    /// The public half.
    pub fn public(&self) -> &RsaPublicKey {
        &self.public
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

    /// The key of a secret number, big-endian.
    pub fn from_secret(secret: &[u8; 32]) -> Result<Self, KeyError> {
        let key = k256::ecdsa::SigningKey::from_slice(secret);
        key.map(Self).map_err(|_| KeyError::Scalar)
    }

    /// The secret number, big-endian.
    pub(crate) fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// SEC1 compressed public key. Rule: docs/protocol.md#A6
    pub fn public(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        bytes.copy_from_slice(self.0.verifying_key().to_sec1_point(true).as_bytes());
        bytes
    }

    /// Rule: docs/protocol.md#A2
    pub fn address(&self) -> Address {
        let mut point = [0; 64];
        point.copy_from_slice(&self.0.verifying_key().to_sec1_point(false).as_bytes()[1..]);
        address::of_secp256k1(&point)
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

/// A private key of either kind.
#[derive(Debug)]
pub enum SigningKey {
    /// Signs with RSA-PSS. Rule: docs/protocol.md#A5
    Rsa(RsaKey),
    /// Signs with ECDSA and a low s. Rule: docs/protocol.md#A6
    Secp256k1(Secp256k1Key),
}

impl SigningKey {
    /// Scheme and size.
    pub fn kind(&self) -> KeyKind {
        match self {
            Self::Rsa(key) => key.bits().into(),
            Self::Secp256k1(_) => KeyKind::Secp256k1,
        }
    }

    /// Rules: docs/protocol.md#A2, #A3
    pub fn address(&self) -> Address {
        match self {
            Self::Rsa(key) => key.public().address(),
            Self::Secp256k1(key) => key.address(),
        }
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        match self {
            Self::Rsa(key) => key.public().into(),
            Self::Secp256k1(key) => {
                PublicKey::from_bytes(&key.public()).expect("a private key has a point of the curve")
            }
        }
    }
}
