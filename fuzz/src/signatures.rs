//! Signatures: the node's arithmetic and the browser's give the same verdict on the same bytes.

use tally_chain::keys::{RawPublicKey, RsaPublicKey, SignatureVerifier as _};
use tally_chain::{PublicKey, ReferenceVerifier};
use tally_node::verifier::NativeVerifier;

use crate::target::Target;
use crate::wallet::samples;

pub const TARGETS: &[Target] = &[
    Target {
        name: "rsa",
        run: rsa,
        seeds: || vec![samples::rsa_signature()],
    },
    Target {
        name: "ecdsa",
        run: ecdsa,
        seeds: || vec![samples::ecdsa_signature()],
    },
    Target {
        name: "recover",
        run: recover,
        seeds: || vec![samples::ecdsa_signature()],
    },
    Target {
        name: "public-key",
        run: public_key,
        seeds: || vec![samples::rsa_key(), samples::ecc_key()],
    },
];

fn native() -> NativeVerifier {
    NativeVerifier::default()
}

/// Key, signature of 256 bytes, message.
fn rsa(data: &[u8]) {
    let Some((spki, rest)) = data.split_at_checked(294) else {
        return;
    };
    let Ok(key) = RsaPublicKey::from_spki(spki) else { return };
    let Some((signature, message)) = rest.split_at_checked(key.bits() / 8) else {
        return;
    };
    if key.check_signature_form(signature).is_err() {
        return;
    }
    let found = native().verify_rsa_pss(&key, message, signature);
    assert_eq!(found, ReferenceVerifier.verify_rsa_pss(&key, message, signature));
}

fn split(data: &[u8]) -> Option<([u8; 33], [u8; 64], [u8; 32])> {
    let (key, rest) = data.split_first_chunk::<33>()?;
    let (signature, rest) = rest.split_first_chunk::<64>()?;
    Some((*key, *signature, *rest.first_chunk::<32>()?))
}

fn ecdsa(data: &[u8]) {
    let Some((key, signature, digest)) = split(data) else {
        return;
    };
    let (ours, reference) = (native(), ReferenceVerifier);
    let point = ours.decompress_secp256k1(&key);
    assert_eq!(point, reference.decompress_secp256k1(&key));
    if point.is_some() && tally_chain::keys::check_secp256k1_form(&signature).is_ok() {
        let found = ours.verify_secp256k1(&key, &digest, &signature);
        assert_eq!(found, reference.verify_secp256k1(&key, &digest, &signature));
    }
}

fn recover(data: &[u8]) {
    let Some((key, signature, digest)) = split(data) else {
        return;
    };
    if tally_chain::keys::check_secp256k1_form(&signature).is_err() {
        return;
    }
    let odd = key[0] & 1 == 1;
    let found = native().recover_secp256k1(&digest, &signature, odd);
    assert_eq!(found, ReferenceVerifier.recover_secp256k1(&digest, &signature, odd));
}

fn public_key(data: &[u8]) {
    if let Ok(key) = PublicKey::from_bytes(data) {
        assert_eq!(&key.bytes()[..], data, "one encoding");
    }
    if let Ok(key) = RsaPublicKey::from_spki(data) {
        assert_eq!(key.spki(), data, "one encoding");
        assert_eq!(
            RawPublicKey::Rsa(key.clone()).address(&ReferenceVerifier),
            Ok(key.address())
        );
    }
}
