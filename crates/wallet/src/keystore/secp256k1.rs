//! secp256k1 keys in their SEC1 form. Rules: docs/protocol.md#W21, #W24

use k256::ecdsa::VerifyingKey;
use tally_chain::PublicKey;
use zeroize::Zeroizing;

use super::KeystoreError;
use super::der::{self, BIT_STRING, CONTEXT_0, CONTEXT_1, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE};
use super::weak::secp256k1_secret;
use crate::keys::Secp256k1Key;

/// 1.3.132.0.10
pub(super) const CURVE: [u8; 5] = [0x2b, 0x81, 0x04, 0x00, 0x0a];
const DAMAGED: KeystoreError = KeystoreError::Damaged {
    field: "the EC key (SEC1)",
};

/// A private key, and whether the file names its public key, so that an accident would have been found.
pub(super) struct Found {
    pub key: Secp256k1Key,
    pub checked: bool,
}

/// The key of 32 secret bytes. Rule: docs/protocol.md#W24
pub(super) fn from_secret(secret: &[u8]) -> Result<Secp256k1Key, KeystoreError> {
    Ok(Secp256k1Key::new(secp256k1_secret(secret)?))
}

/// Refuses every curve but secp256k1.
pub(super) fn check_curve(oid: &[u8]) -> Result<(), KeystoreError> {
    if oid == CURVE {
        return Ok(());
    }
    Err(KeystoreError::UnknownAlgorithm {
        field: "the curve",
        found: der::oid_text(oid),
        known: "secp256k1 (1.3.132.0.10)",
    })
}

/// Reads `ECPrivateKey`; alone in a file it names its curve itself.
pub(super) fn read_private(sec1: &[u8], alone: bool) -> Result<Found, KeystoreError> {
    let mut reader = Reader::inside(SEQUENCE, sec1).ok_or(DAMAGED)?;
    match reader.small().ok_or(DAMAGED)? {
        1 => {}
        found => return Err(KeystoreError::UnknownVersion { found, supported: 1 }),
    }
    let secret = reader.take(OCTET_STRING).ok_or(DAMAGED)?;
    if reader.next_is(CONTEXT_0) {
        let parameters = reader.take(CONTEXT_0).ok_or(DAMAGED)?;
        check_curve(curve_of(parameters)?)?;
    } else if alone {
        return Err(KeystoreError::Damaged { field: "the curve" });
    }
    let stated = match reader.next_is(CONTEXT_1) {
        true => {
            let mut inside = Reader::new(reader.take(CONTEXT_1).ok_or(DAMAGED)?);
            let point = inside.bit_string().ok_or(DAMAGED)?;
            inside.is_empty().then_some(Some(point)).ok_or(DAMAGED)?
        }
        false => None,
    };
    if !reader.is_empty() || secret.len() != 32 {
        return Err(DAMAGED);
    }
    let key = from_secret(secret)?;
    if let Some(point) = stated
        && compress(point)? != key.public()
    {
        return Err(KeystoreError::OtherPublicKey);
    }
    let checked = stated.is_some();
    Ok(Found { key, checked })
}

/// The named curve; written-out parameters are refused, they could be of another curve that looks alike.
pub(super) fn curve_of(parameters: &[u8]) -> Result<&[u8], KeystoreError> {
    let mut reader = Reader::new(parameters);
    let oid = reader.take(OID).filter(|_| reader.is_empty());
    oid.ok_or(KeystoreError::Damaged { field: "the curve" })
}

/// Writes `ECPrivateKey` with its public key and without the curve, as PKCS#8 has it.
pub(super) fn write_private(key: &Secp256k1Key) -> Zeroizing<Vec<u8>> {
    let secret = der::item(OCTET_STRING, &[key.secret().as_slice()]);
    let point = der::item(BIT_STRING, &[&[0], &uncompressed(&key.public())]);
    let point = der::item(CONTEXT_1, &[&point]);
    der::item(SEQUENCE, &[&[INTEGER, 1, 1], &secret, &point])
}

/// A point of the curve from its compressed or full form. Rule: docs/protocol.md#W22
pub(super) fn read_public(point: &[u8]) -> Result<PublicKey, KeystoreError> {
    let damaged = KeystoreError::Damaged {
        field: "the point of the public key",
    };
    PublicKey::from_bytes(&compress(point)?).map_err(|_| damaged)
}

fn compress(point: &[u8]) -> Result<[u8; 33], KeystoreError> {
    let damaged = KeystoreError::Damaged {
        field: "the point of the public key",
    };
    // k256 would take other forms as well.
    let known = matches!((point.first(), point.len()), (Some(2 | 3), 33) | (Some(4), 65));
    let key = VerifyingKey::from_sec1_bytes(point)
        .ok()
        .filter(|_| known)
        .ok_or(damaged)?;
    let mut bytes = [0; 33];
    bytes.copy_from_slice(key.to_sec1_point(true).as_bytes());
    Ok(bytes)
}

/// The full form of a compressed point.
pub(super) fn uncompressed(compressed: &[u8]) -> Vec<u8> {
    let key = VerifyingKey::from_sec1_bytes(compressed).expect("a public key is a point of the curve");
    key.to_sec1_point(false).as_bytes().to_vec()
}
