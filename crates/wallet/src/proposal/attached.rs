//! Signatures that other programs made: taken in the forms they have, and named where they are of another kind.
//! Rule: docs/protocol.md#W66

use alloy_primitives::{B256, hex};
use base64ct::{Base64, Encoding as _};
use crypto_bigint::BoxedUint;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use k256::ecdsa::Signature;
use k256::ecdsa::signature::hazmat::PrehashVerifier as _;
use tally_chain::keys::{PSS_SALT_BYTES, RSA_EXPONENT, RawPublicKey, RsaPublicKey};
use tally_chain::{Address, ReferenceVerifier};

use super::ProposalError;
use crate::file_text::decode;
use tally_chain::hash::sha256;

/// Longest signature of secp256k1 in DER, in bytes.
const MAX_DER: usize = 72;
/// Shortest that is looked at: both numbers may be short.
const MIN_DER: usize = 8;
/// SHA-256's digest in PKCS#1 v1.5, before the digest itself.
const DIGEST_INFO: [u8; 19] = hex!("3031300d060960864801650304020105000420");

/// Which of the keys signed the message, and its signature as the chain takes it. The signature is raw bytes, or those in
/// hex or base64.
pub(super) fn find(
    keys: &[RawPublicKey],
    account: Address,
    message: &[u8],
    given: &[u8],
) -> Result<(usize, Vec<u8>), ProposalError> {
    let text = of_text(given);
    let mut ways = [Some(given), text.as_deref()].into_iter().flatten();
    if let Some(found) = ways.find_map(|way| verified(keys, message, way)) {
        return Ok(found);
    }
    Err(why_not(keys, account, message, text.as_deref().unwrap_or(given)))
}

fn verified(keys: &[RawPublicKey], message: &[u8], given: &[u8]) -> Option<(usize, Vec<u8>)> {
    keys.iter().enumerate().find_map(|(place, key)| {
        let signature = match key {
            RawPublicKey::Rsa(_) => given.to_vec(),
            RawPublicKey::Secp256k1(_) => low_s(given)?,
        };
        key.check_signature_form(&signature).ok()?;
        let verifies = key.verify(&ReferenceVerifier, message, &signature) == Ok(true);
        verifies.then_some((place, signature))
    })
}

/// A secp256k1 signature as the chain takes it, from `r || s` or DER, with either s; none if it is neither.
fn low_s(signature: &[u8]) -> Option<Vec<u8>> {
    Some(ecdsa(signature)?.normalize_s().to_bytes().to_vec())
}

fn ecdsa(signature: &[u8]) -> Option<Signature> {
    match signature.len() {
        64 => Signature::from_slice(signature).ok(),
        _ => Signature::from_der(signature).ok(),
    }
}

/// The bytes of a text in hex or base64.
fn of_text(given: &[u8]) -> Option<Vec<u8>> {
    let text = decode(given);
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let digits = plain.strip_prefix("0x").unwrap_or(&plain);
    if digits.is_empty() {
        return None;
    }
    hex::decode(digits).ok().or_else(|| Base64::decode_vec(&plain).ok())
}

/// What is wrong with a signature that verifies under no key.
fn why_not(keys: &[RawPublicKey], account: Address, message: &[u8], given: &[u8]) -> ProposalError {
    let digest = sha256(&[message]);
    let rsa = keys.iter().filter_map(|key| match key {
        RawPublicKey::Rsa(key) => Some(key),
        RawPublicKey::Secp256k1(_) => None,
    });
    if let Some(error) = rsa.clone().find_map(|key| of_rsa(key, &digest, given)) {
        return error;
    }
    let twice = sha256(&[digest.as_slice()]);
    let signed_twice = keys.iter().any(|key| match key {
        RawPublicKey::Secp256k1(point) => ecdsa_verifies(point, &twice, given),
        RawPublicKey::Rsa(_) => false,
    });
    if signed_twice {
        return ProposalError::HashedTwice;
    }
    if let Some((_, shorter)) = given.split_last()
        && verified(keys, message, shorter).is_some()
    {
        return ProposalError::OneByteTooMany { found: given.len() };
    }
    let curve = keys.iter().any(|key| matches!(key, RawPublicKey::Secp256k1(_)));
    let fits_curve = curve && (MIN_DER..=MAX_DER).contains(&given.len());
    if fits_curve || rsa.clone().any(|key| key.modulus().len() == given.len()) {
        return ProposalError::NobodysSignature { account };
    }
    let mut expected: Vec<usize> = rsa.map(|key| key.modulus().len()).collect();
    expected.extend(curve.then_some(64));
    expected.sort_unstable();
    expected.dedup();
    let found = given.len();
    ProposalError::SignatureLength { found, expected }
}

fn ecdsa_verifies(point: &[u8; 33], digest: &B256, given: &[u8]) -> bool {
    let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(point);
    let (Ok(key), Some(signature)) = (key, ecdsa(given)) else {
        return false;
    };
    key.verify_prehash(digest.as_slice(), &signature.normalize_s()).is_ok()
}

/// What another RSA signature of this key is; none if it is none of this key.
fn of_rsa(key: &RsaPublicKey, digest: &B256, given: &[u8]) -> Option<ProposalError> {
    key.check_signature_form(given).ok()?;
    let encoded = opened(key, given)?;
    let twice = sha256(&[digest.as_slice()]);
    for (hash, once) in [(digest, true), (&twice, false)] {
        if encoded.ends_with(&[&DIGEST_INFO[..], hash.as_slice()].concat()) {
            return Some(ProposalError::Pkcs1Padding);
        }
        match pss_salt(&encoded, hash) {
            Some(found) if once => {
                return Some(ProposalError::PssSalt {
                    found,
                    expected: PSS_SALT_BYTES,
                });
            }
            Some(_) => return Some(ProposalError::HashedTwice),
            None => {}
        }
    }
    None
}

/// The encoded message that a signature covers: `signature ^ 65537 mod n`.
fn opened(key: &RsaPublicKey, signature: &[u8]) -> Option<Vec<u8>> {
    let bits = key.bits() as u32;
    let modulus = BoxedUint::from_be_slice(key.modulus(), bits).ok()?;
    let params = BoxedMontyParams::new_vartime(modulus.to_odd().into_option()?);
    let number = BoxedUint::from_be_slice(signature, bits).ok()?;
    let power = BoxedMontyForm::new(number, &params).pow(&BoxedUint::from(RSA_EXPONENT));
    Some(power.retrieve().to_be_bytes().into_vec())
}

/// The length of the salt in an encoded message of PSS over this hash, with SHA-256 in its mask (RFC 8017, 9.1.2).
fn pss_salt(encoded: &[u8], hash: &B256) -> Option<usize> {
    let (masked, rest) = encoded.split_at_checked(encoded.len().checked_sub(33)?)?;
    let (seed, trailer) = rest.split_at(32);
    if trailer != [0xbc] {
        return None;
    }
    let mut block: Vec<u8> = masked.iter().zip(mask(seed)).map(|(byte, mask)| byte ^ mask).collect();
    // The modulus has a whole number of bytes, the encoded message one bit less.
    *block.first_mut()? &= 0x7f;
    let start = block.iter().position(|byte| *byte != 0)?;
    let (one, salt) = block[start..].split_first()?;
    let expected = sha256(&[&[0; 8], hash.as_slice(), salt]);
    (*one == 1 && expected.as_slice() == seed).then_some(salt.len())
}

/// MGF1 with SHA-256.
fn mask(seed: &[u8]) -> impl Iterator<Item = u8> + '_ {
    (0u32..).flat_map(move |counter| sha256(&[seed, &counter.to_be_bytes()]).0)
}
