//! Public keys of either kind, and the names of the kinds. Rules: docs/protocol.md#A2 to #A6, #W7

use std::fmt;
use std::str::FromStr;

use alloy_primitives::{Address, Bytes};
use serde::{Deserialize, Serialize};

use crate::address;
use crate::keys::{KeyError, RawPublicKey, ReferenceVerifier, RsaPublicKey, SignatureVerifier};

/// Sizes of RSA keys that the chain accepts. Rule: docs/protocol.md#A4
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RsaBits {
    /// A modulus of 2048 bits.
    B2048,
    /// A modulus of 3072 bits.
    B3072,
    /// A modulus of 4096 bits.
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

/// The kinds of keys that accounts have, written as everywhere. Rule: docs/protocol.md#W7
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyKind {
    /// RSA-PSS with a modulus of 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// RSA-PSS with a modulus of 3072 bits.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA-PSS with a modulus of 4096 bits.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    /// ECDSA on secp256k1.
    #[serde(rename = "secp256k1")]
    Secp256k1,
}

/// A kind that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("account kind {found:?} is unknown; rsa-2048, rsa-3072, rsa-4096 and secp256k1 exist")]
pub struct UnknownKind {
    /// The text as it was given.
    pub found: String,
}

impl KeyKind {
    /// Every kind that exists.
    pub const ALL: [Self; 4] = [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::Secp256k1];

    /// The name in files, flags and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::Secp256k1 => "secp256k1",
        }
    }

    /// The name as a page shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA-2048",
            Self::Rsa3072 => "RSA-3072",
            Self::Rsa4096 => "RSA-4096",
            Self::Secp256k1 => "secp256k1",
        }
    }

    /// Whether keys of this kind are RSA keys.
    pub const fn is_rsa(self) -> bool {
        !matches!(self, Self::Secp256k1)
    }

    /// Size of the key, if it is an RSA key.
    pub const fn rsa_bits(self) -> Option<RsaBits> {
        match self {
            Self::Rsa2048 => Some(RsaBits::B2048),
            Self::Rsa3072 => Some(RsaBits::B3072),
            Self::Rsa4096 => Some(RsaBits::B4096),
            Self::Secp256k1 => None,
        }
    }
}

impl From<RsaBits> for KeyKind {
    fn from(bits: RsaBits) -> Self {
        match bits {
            RsaBits::B2048 => Self::Rsa2048,
            RsaBits::B3072 => Self::Rsa3072,
            RsaBits::B4096 => Self::Rsa4096,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownKind { found: text.to_owned() })
    }
}

/// A public key of either kind that was checked: SPKI DER (RSA) or the compressed point (secp256k1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey {
    kind: KeyKind,
    bytes: Bytes,
    address: Address,
}

impl PublicKey {
    /// Takes SPKI DER of an accepted RSA key or 33 bytes of a compressed point. Rules: docs/protocol.md#A4, #A6
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        if let Ok(compressed) = <&[u8; 33]>::try_from(bytes) {
            let point = ReferenceVerifier
                .decompress_secp256k1(compressed)
                .ok_or(KeyError::NotSecp256k1Point)?;
            return Ok(Self {
                kind: KeyKind::Secp256k1,
                bytes: Bytes::copy_from_slice(bytes),
                address: address::of_secp256k1(&point),
            });
        }
        RsaPublicKey::from_spki(bytes).map(|key| Self::from(&key))
    }

    /// Scheme and size.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// SPKI DER (RSA) or the compressed point (secp256k1).
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Rules: docs/protocol.md#A2, #A3
    pub fn address(&self) -> Address {
        self.address
    }
}

impl From<&RsaPublicKey> for PublicKey {
    fn from(key: &RsaPublicKey) -> Self {
        Self {
            kind: match key.bits() {
                2048 => KeyKind::Rsa2048,
                3072 => KeyKind::Rsa3072,
                // An RSA public key has one of three sizes. Rule: docs/protocol.md#A4
                _ => KeyKind::Rsa4096,
            },
            bytes: Bytes::copy_from_slice(key.spki()),
            address: key.address(),
        }
    }
}

impl From<&PublicKey> for RawPublicKey {
    fn from(key: &PublicKey) -> Self {
        match <[u8; 33]>::try_from(key.bytes.as_ref()) {
            Ok(point) => Self::Secp256k1(point),
            Err(_) => {
                Self::Rsa(RsaPublicKey::from_spki(&key.bytes).expect("a public key was checked when it was read"))
            }
        }
    }
}

impl TryFrom<&RawPublicKey> for PublicKey {
    type Error = KeyError;

    /// Fails where 33 bytes are no point of the curve.
    fn try_from(key: &RawPublicKey) -> Result<Self, KeyError> {
        Self::from_bytes(key.bytes())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.kind, self.address)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    #[test]
    fn kinds_are_written_in_one_way() {
        for kind in KeyKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
            assert_eq!(kind.is_rsa(), kind.rsa_bits().is_some());
            assert!(kind.rsa_bits().is_none_or(|bits| KeyKind::from(bits) == kind));
            assert!(kind.title().eq_ignore_ascii_case(kind.name()));
        }
        let found = "RSA-2048".to_owned();
        assert_eq!("RSA-2048".parse::<KeyKind>(), Err(UnknownKind { found }));
    }

    #[test]
    fn public_keys_are_distinguished_by_their_form() {
        // The generator of the curve, the public key of the number one.
        let point = hex!("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
        let key = PublicKey::from_bytes(&point).unwrap();
        assert_eq!((key.kind(), key.bytes().as_ref()), (KeyKind::Secp256k1, &point[..]));
        let address = key.address().to_checksum(None);
        assert_eq!(address, "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");

        let mut modulus = [0x5a; 384];
        (modulus[0], modulus[383]) = (0xc0, 1);
        let rsa = RsaPublicKey::from_modulus(&modulus).unwrap();
        let key = PublicKey::from_bytes(rsa.spki()).unwrap();
        assert_eq!((key.kind(), key.address()), (KeyKind::Rsa3072, rsa.address()));
        assert_eq!(key, PublicKey::from(&rsa));

        let mut off = point;
        off[0] = 5;
        assert_eq!(PublicKey::from_bytes(&off), Err(KeyError::NotSecp256k1Point));
        assert_eq!(PublicKey::from_bytes(&[]), Err(KeyError::NotRsaSpki));
        assert_eq!(PublicKey::from_bytes(&rsa.spki()[1..]), Err(KeyError::NotRsaSpki));
    }
}
