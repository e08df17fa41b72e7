//! Public keys and signature checks. Rules: docs/protocol.md#A4 to #A6; policies of several keys are in [`crate::multisig`].

use std::fmt;

use alloy_primitives::Address;
use k256::ecdsa::signature::hazmat::PrehashVerifier;

use crate::address;

/// Accepted RSA modulus sizes in bits. Rule: docs/protocol.md#A4
pub const RSA_BITS: [usize; 3] = [2048, 3072, 4096];
/// The only accepted RSA exponent.
pub const RSA_EXPONENT: u32 = 65_537;
/// Length of the PSS salt in bytes. Rule: docs/protocol.md#A5
pub const PSS_SALT_BYTES: usize = 32;

/// Why a public key or signature is rejected before any arithmetic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum KeyError {
    #[error("RSA public key is not SubjectPublicKeyInfo DER with rsaEncryption")]
    NotRsaSpki,
    #[error("RSA modulus has {bits} bits; 2048, 3072 and 4096 are allowed")]
    RsaModulusSize { bits: usize },
    #[error("RSA modulus is even")]
    RsaModulusEven,
    #[error("RSA exponent is not 65537")]
    RsaExponent,
    #[error("RSA public key is not in its one DER encoding")]
    RsaNotCanonical,
    #[error("RSA signature has {len} bytes, the modulus has {expected}")]
    RsaSignatureLength { len: usize, expected: usize },
    #[error("RSA signature is not smaller than the modulus")]
    RsaSignatureRange,
    #[error("secp256k1 public key is not a compressed point of the curve")]
    NotSecp256k1Point,
    #[error("secp256k1 signature has {len} bytes, expected 64")]
    Secp256k1SignatureLength { len: usize },
    #[error("secp256k1 signature has r or s outside 1..n-1")]
    Secp256k1Range,
    #[error("secp256k1 signature has a high s; only s <= n/2 is allowed")]
    Secp256k1HighS,
}

/// An RSA public key of the one accepted form. Rule: docs/protocol.md#A4
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RsaPublicKey {
    spki: Vec<u8>,
}

const SPKI_ALGORITHM: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

impl RsaPublicKey {
    /// Takes SubjectPublicKeyInfo DER. Rule: docs/protocol.md#A4
    pub fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let (modulus, exponent) = read_spki(spki).ok_or(KeyError::NotRsaSpki)?;
        let significant = strip_zeros(modulus);
        let bits = significant
            .first()
            .map_or(0, |top| significant.len() * 8 - top.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            return Err(KeyError::RsaModulusSize { bits });
        }
        if significant[significant.len() - 1] & 1 == 0 {
            return Err(KeyError::RsaModulusEven);
        }
        // The gas of a signature follows from the modulus alone (X2); a long exponent would make its check many times as slow.
        if strip_zeros(exponent) != [1, 0, 1] {
            return Err(KeyError::RsaExponent);
        }
        let key = Self::from_modulus(significant)?;
        // DER as it is written in the wild has many forms of one key. An address is a hash of these bytes (A3), so there is
        // one.
        if key.spki == spki {
            Ok(key)
        } else {
            Err(KeyError::RsaNotCanonical)
        }
    }

    /// Builds the key from a big-endian modulus; leading zeros do not count.
    pub fn from_modulus(modulus: &[u8]) -> Result<Self, KeyError> {
        let modulus = strip_zeros(modulus);
        let bits = modulus
            .first()
            .map_or(0, |top| modulus.len() * 8 - top.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            return Err(KeyError::RsaModulusSize { bits });
        }
        if modulus[modulus.len() - 1] & 1 == 0 {
            return Err(KeyError::RsaModulusEven);
        }
        let n = modulus.len();
        #[allow(
            clippy::cast_possible_truncation,
            reason = "an RSA key of 4096 bits has 550 bytes at most"
        )]
        let long = |tag: u8, len: usize| [tag, 0x82, (len >> 8) as u8, len as u8];
        let mut spki = Vec::with_capacity(n + 38);
        spki.extend(long(0x30, n + 34));
        spki.extend(SPKI_ALGORITHM);
        spki.extend(long(0x03, n + 15));
        spki.push(0);
        spki.extend(long(0x30, n + 10));
        spki.extend(long(0x02, n + 1));
        spki.push(0);
        spki.extend(modulus);
        spki.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
        Ok(Self { spki })
    }

    /// The SubjectPublicKeyInfo DER: 294, 422 or 550 bytes.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The PKCS#1 `RSAPublicKey` DER inside the SPKI, as crypto libraries take it.
    pub fn pkcs1(&self) -> &[u8] {
        &self.spki[24..]
    }

    /// Big-endian modulus: 256, 384 or 512 bytes.
    pub fn modulus(&self) -> &[u8] {
        &self.spki[33..self.spki.len() - 5]
    }

    /// Bits of the modulus: 2048, 3072 or 4096.
    pub fn bits(&self) -> usize {
        self.modulus().len() * 8
    }

    /// The account of this key alone. Rule: docs/protocol.md#A3
    pub fn address(&self) -> Address {
        address::of_rsa(&self.spki)
    }

    /// Gas of one of its signatures. Rule: docs/protocol.md#X2
    pub fn signature_gas(&self) -> u64 {
        match self.bits() {
            2048 => 1_000,
            3072 => 2_000,
            _ => 4_000,
        }
    }

    /// Length and range of a signature. Rule: docs/protocol.md#A5
    pub fn check_signature_form(&self, signature: &[u8]) -> Result<(), KeyError> {
        let expected = self.modulus().len();
        if signature.len() != expected {
            return Err(KeyError::RsaSignatureLength {
                len: signature.len(),
                expected,
            });
        }
        // Same length, so comparing the bytes compares the integers.
        if signature >= self.modulus() {
            Err(KeyError::RsaSignatureRange)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublicKey({} bits, {})", self.bits(), self.address())
    }
}

fn strip_zeros(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len())..]
}

/// Reads modulus and exponent leniently, so that a wrong value is named before a wrong encoding is.
fn read_spki(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (outer, rest) = read_tlv(0x30, der)?;
    let (algorithm, outer) = read_tlv(0x30, outer)?;
    let (bit_string, outer) = read_tlv(0x03, outer)?;
    let (key, after) = read_tlv(0x30, bit_string.strip_prefix(&[0])?)?;
    let (modulus, key) = read_tlv(0x02, key)?;
    let (exponent, key) = read_tlv(0x02, key)?;
    let ends = rest.is_empty() && outer.is_empty() && after.is_empty() && key.is_empty();
    (ends && algorithm == &SPKI_ALGORITHM[2..]).then_some((modulus, exponent))
}

fn read_tlv(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => (
            usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])),
            &rest[2..],
        ),
        _ => return None,
    };
    rest.split_at_checked(len)
}

/// Gas of a secp256k1 signature. Rule: docs/protocol.md#X2
pub const SECP256K1_SIGNATURE_GAS: u64 = 1_500;

/// Half of the curve order, the largest allowed s. Rule: docs/protocol.md#A6
const SECP256K1_HALF_ORDER: [u8; 32] =
    alloy_primitives::hex!("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
const SECP256K1_ORDER: [u8; 32] =
    alloy_primitives::hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");

/// Range of `r || s`. Rule: docs/protocol.md#A6
pub fn check_secp256k1_form(signature: &[u8; 64]) -> Result<(), KeyError> {
    let (r, s) = signature.split_at(32);
    let in_range = |x: &[u8]| x.iter().any(|b| *b != 0) && x < &SECP256K1_ORDER[..];
    if !in_range(r) || !in_range(s) {
        return Err(KeyError::Secp256k1Range);
    }
    // `n - s` verifies as `s` does: with both allowed, anyone could give another's Ethereum-type payment another id (T4).
    if s > &SECP256K1_HALF_ORDER[..] {
        Err(KeyError::Secp256k1HighS)
    } else {
        Ok(())
    }
}

/// A public key of either kind as a policy holds it, and in its order; its form is checked. Rule: docs/protocol.md#A7
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RawPublicKey {
    /// Its modulus and exponent are checked. Rule: docs/protocol.md#A4
    Rsa(RsaPublicKey),
    /// SEC1 compressed; whether it is a point of the curve is for [`RawPublicKey::address`].
    Secp256k1([u8; 33]),
}

impl RawPublicKey {
    /// SPKI DER (RSA) or the compressed point (secp256k1).
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Rsa(key) => key.spki(),
            Self::Secp256k1(key) => key,
        }
    }

    /// The kind of authenticator that one such key makes. Rule: docs/protocol.md#T2
    pub fn kind(&self) -> u64 {
        match self {
            Self::Rsa(_) => 1,
            Self::Secp256k1(_) => 2,
        }
    }

    /// `RSA-2048`, `secp256k1` and the like.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rsa(key) => match key.bits() {
                2048 => "RSA-2048",
                3072 => "RSA-3072",
                _ => "RSA-4096",
            },
            Self::Secp256k1(_) => "secp256k1",
        }
    }

    /// The account of this key alone. Rules: docs/protocol.md#A2, #A3
    pub fn address(&self, verifier: &dyn SignatureVerifier) -> Result<Address, KeyError> {
        match self {
            Self::Rsa(key) => Ok(key.address()),
            Self::Secp256k1(key) => {
                check_secp256k1_tag(key)?;
                let point = verifier.decompress_secp256k1(key).ok_or(KeyError::NotSecp256k1Point)?;
                Ok(address::of_secp256k1(&point))
            }
        }
    }

    /// Gas of one of its signatures. Rule: docs/protocol.md#X2
    pub fn signature_gas(&self) -> u64 {
        match self {
            Self::Rsa(key) => key.signature_gas(),
            Self::Secp256k1(_) => SECP256K1_SIGNATURE_GAS,
        }
    }

    /// Length of each of its signatures in bytes.
    pub fn signature_bytes(&self) -> usize {
        match self {
            Self::Rsa(key) => key.modulus().len(),
            Self::Secp256k1(_) => 64,
        }
    }

    /// Length and range of a signature. Rules: docs/protocol.md#A5, #A6
    pub fn check_signature_form(&self, signature: &[u8]) -> Result<(), KeyError> {
        match self {
            Self::Rsa(key) => key.check_signature_form(signature),
            Self::Secp256k1(_) => check_secp256k1_form(secp256k1_signature(signature)?),
        }
    }

    /// Whether this key signed `message`; a signature of a wrong form is an error.
    pub fn verify(&self, verifier: &dyn SignatureVerifier, message: &[u8], signature: &[u8]) -> Result<bool, KeyError> {
        self.check_signature_form(signature)?;
        Ok(match self {
            Self::Rsa(key) => verifier.verify_rsa_pss(key, message, signature),
            Self::Secp256k1(key) => {
                check_secp256k1_tag(key)?;
                let digest = crate::hash::sha256(&[message]);
                verifier.verify_secp256k1(key, &digest.0, secp256k1_signature(signature)?)
            }
        })
    }
}

/// Of the 33-byte SEC1 forms only the compressed ones: some libraries know a third, some do not. Rule: docs/protocol.md#A6
pub(crate) fn check_secp256k1_tag(key: &[u8; 33]) -> Result<(), KeyError> {
    matches!(key[0], 2 | 3).then_some(()).ok_or(KeyError::NotSecp256k1Point)
}

fn secp256k1_signature(signature: &[u8]) -> Result<&[u8; 64], KeyError> {
    let len = signature.len();
    signature
        .try_into()
        .map_err(|_| KeyError::Secp256k1SignatureLength { len })
}

/// The arithmetic of signatures. Forms are checked before it runs, so that every implementation gives the same verdict.
pub trait SignatureVerifier: Send + Sync {
    /// RSASSA-PSS over `message`, hashed once with SHA-256. Rule: docs/protocol.md#A5
    fn verify_rsa_pss(&self, key: &RsaPublicKey, message: &[u8], signature: &[u8]) -> bool;
    /// ECDSA of `digest` by the compressed key `key`. Rule: docs/protocol.md#A6
    fn verify_secp256k1(&self, key: &[u8; 33], digest: &[u8; 32], signature: &[u8; 64]) -> bool;
    /// `x || y` of the compressed point, if it is one.
    fn decompress_secp256k1(&self, key: &[u8; 33]) -> Option<[u8; 64]>;
    /// `x || y` of the key that signed `digest`. Rule: docs/protocol.md#T10
    fn recover_secp256k1(&self, digest: &[u8; 32], signature: &[u8; 64], y_odd: bool) -> Option<[u8; 64]>;
}

/// Portable Rust implementation: the reference, and the browser's.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReferenceVerifier;

impl SignatureVerifier for ReferenceVerifier {
    fn verify_rsa_pss(&self, key: &RsaPublicKey, message: &[u8], signature: &[u8]) -> bool {
        use rsa::signature::Verifier as _;
        #[allow(clippy::cast_possible_truncation, reason = "a checked key has 4096 bits at most")]
        let bits = key.bits() as u32;
        let n = rsa::BoxedUint::from_be_slice(key.modulus(), bits);
        let parsed = n.ok().and_then(|n| rsa::RsaPublicKey::new(n, RSA_EXPONENT.into()).ok());
        let (Some(parsed), Ok(signature)) = (parsed, rsa::pss::Signature::try_from(signature)) else {
            return false;
        };
        rsa::pss::VerifyingKey::<sha2::Sha256>::new_with_salt_len(parsed, PSS_SALT_BYTES)
            .verify(message, &signature)
            .is_ok()
    }

    fn verify_secp256k1(&self, key: &[u8; 33], digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        let signature = k256::ecdsa::Signature::from_slice(signature);
        matches!((compressed(key), signature), (Some(key), Ok(signature)) if key.verify_prehash(digest, &signature).is_ok())
    }

    fn decompress_secp256k1(&self, key: &[u8; 33]) -> Option<[u8; 64]> {
        compressed(key).map(|key| uncompressed(&key))
    }

    fn recover_secp256k1(&self, digest: &[u8; 32], signature: &[u8; 64], y_odd: bool) -> Option<[u8; 64]> {
        let signature = k256::ecdsa::Signature::from_slice(signature).ok()?;
        let id = k256::ecdsa::RecoveryId::new(y_odd, false);
        let key = k256::ecdsa::VerifyingKey::recover_from_prehash(digest, &signature, id).ok()?;
        Some(uncompressed(&key))
    }
}

/// The key of a compressed point: first byte 2 or 3. k256 would also take the compact form, 5, of an x alone.
fn compressed(key: &[u8; 33]) -> Option<k256::ecdsa::VerifyingKey> {
    matches!(key[0], 2 | 3)
        .then(|| k256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok())
        .flatten()
}

fn uncompressed(key: &k256::ecdsa::VerifyingKey) -> [u8; 64] {
    let point = key.to_sec1_point(false);
    let mut out = [0; 64];
    out.copy_from_slice(&point.as_bytes()[1..]);
    out
}
