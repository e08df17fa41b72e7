//! Public keys from outside, for accounts that are only watched. Rule: docs/protocol.md#W22

use alloy_primitives::hex;
use tally_chain::{KeyKind, PublicKey};

use super::der::{self, BIT_STRING, OID, Reader, SEQUENCE};
use super::pkcs8::{EC, RSA, check_no_parameters, ec_algorithm, rsa_algorithm, unknown_key};
use super::{KeystoreError, rsa, secp256k1};

const DAMAGED: KeystoreError = KeystoreError::Damaged {
    field: "the public key (SPKI)",
};

/// Reads `SubjectPublicKeyInfo`.
pub(super) fn read_spki(spki: &[u8]) -> Result<PublicKey, KeystoreError> {
    let mut reader = Reader::inside(SEQUENCE, spki).ok_or(DAMAGED)?;
    let mut algorithm = reader.sequence().ok_or(DAMAGED)?;
    let key = reader.bit_string().filter(|_| reader.is_empty()).ok_or(DAMAGED)?;
    let name = algorithm.take(OID).ok_or(DAMAGED)?;
    if name == RSA {
        check_no_parameters(algorithm)?;
        return Ok(PublicKey::from(&rsa::read_public(key)?));
    }
    if name == EC {
        secp256k1::check_parameters(algorithm)?;
        return secp256k1::read_public(key);
    }
    Err(unknown_key(name))
}

/// Writes `SubjectPublicKeyInfo`.
pub(super) fn write_spki(key: &PublicKey) -> Vec<u8> {
    match key.kind() {
        KeyKind::Secp256k1 => {
            let point = secp256k1::uncompressed(key.bytes());
            let point = der::item(BIT_STRING, &[&[0], &point]);
            der::item(SEQUENCE, &[&ec_algorithm(), &point]).to_vec()
        }
        _ => {
            debug_assert!(key.bytes()[4..].starts_with(&rsa_algorithm()));
            key.bytes().to_vec()
        }
    }
}

/// Raw bytes: a point of the curve (33 or 65) or the SPKI of an RSA key (294, 422 or 550).
pub(super) fn read_raw(bytes: &[u8]) -> Result<PublicKey, KeystoreError> {
    match bytes.len() {
        33 | 65 => secp256k1::read_public(bytes),
        _ => read_spki(bytes),
    }
}

/// Raw hex: the compressed point, or the SPKI of an RSA key.
pub(super) fn write_hex(key: &PublicKey) -> String {
    hex::encode_prefixed(key.bytes())
}
