use alloy_primitives::hex;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaPssSaltLength, RsaSignatureEncoding,
};
use proptest::prelude::*;
use serde_json::Value;
use tally_chain::keys::{KeyError, ReferenceVerifier, check_secp256k1_form};
use tally_chain::transaction::Payload;

use super::fixture::{Signer, identity, payment};
use super::*;

fn corpus(file: &str) -> Option<Value> {
    let path = tally_testkit::corpora(&format!("wycheproof/{file}"))?;
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn cases(corpus: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let groups = corpus["testGroups"].as_array().unwrap();
    groups
        .iter()
        .flat_map(|group| group["tests"].as_array().unwrap().iter().map(move |case| (group, case)))
}

/// The rule: form first, then the arithmetic, about which both verifiers must agree.
fn rsa_verdict(native: &NativeVerifier, key: &RsaPublicKey, message: &[u8], signature: &[u8]) -> bool {
    let verdict = native.verify_rsa_pss(key, message, signature);
    assert_eq!(verdict, ReferenceVerifier.verify_rsa_pss(key, message, signature));
    verdict && key.check_signature_form(signature).is_ok()
}

#[test]
fn wycheproof_rsa_pss() {
    let Some(corpus) = corpus("rsa_pss_2048_sha256_mgf1_32_test.json") else {
        return;
    };
    let native = NativeVerifier::default();
    let mut valid = 0;
    for (group, case) in cases(&corpus) {
        let key = RsaPublicKey::from_spki(&bytes(&group["publicKeyDer"])).unwrap();
        let verdict = rsa_verdict(&native, &key, &bytes(&case["msg"]), &bytes(&case["sig"]));
        assert_eq!(verdict, case["result"] == "valid", "tcId {}", case["tcId"]);
        valid += usize::from(verdict);
    }
    assert!(valid > 0);
}

#[test]
fn wycheproof_pkcs1_signatures_are_refused() {
    let Some(corpus) = corpus("rsa_signature_2048_sha256_test.json") else {
        return;
    };
    let native = NativeVerifier::default();
    for (group, case) in cases(&corpus) {
        // Some groups have exponents and encodings that A4 rejects already.
        if let Ok(key) = RsaPublicKey::from_spki(&bytes(&group["publicKeyDer"])) {
            let verdict = rsa_verdict(&native, &key, &bytes(&case["msg"]), &bytes(&case["sig"]));
            // One case is labelled PSS by mistake: here that is the right primitive.
            assert_eq!(verdict, case["tcId"] == 257, "tcId {}", case["tcId"]);
        }
    }
}

#[test]
fn wycheproof_ecdsa() {
    let Some(corpus) = corpus("ecdsa_secp256k1_sha256_p1363_test.json") else {
        return;
    };
    let native = NativeVerifier::default();
    let (mut valid, mut high) = (0, 0);
    for (group, case) in cases(&corpus) {
        let expected = case["result"] == "valid";
        let Ok(signature) = <[u8; 64]>::try_from(bytes(&case["sig"])) else {
            assert!(!expected, "only signatures of 64 bytes exist here");
            continue;
        };
        let point = bytes(&group["publicKey"]["uncompressed"]);
        let mut key = [0; 33];
        key[0] = 2 + (point[64] & 1);
        key[1..].copy_from_slice(&point[1..33]);
        let digest = sha256(&[&bytes(&case["msg"])]).0;
        match check_secp256k1_form(&signature) {
            Ok(()) => {
                let verdict = native.verify_secp256k1(&key, &digest, &signature);
                assert_eq!(verdict, ReferenceVerifier.verify_secp256k1(&key, &digest, &signature));
                assert_eq!(verdict, expected, "tcId {}", case["tcId"]);
                let recovered = [false, true].map(|odd| native.recover_secp256k1(&digest, &signature, odd));
                let reference = [false, true].map(|odd| ReferenceVerifier.recover_secp256k1(&digest, &signature, odd));
                assert_eq!(recovered, reference, "tcId {}", case["tcId"]);
                valid += usize::from(verdict);
            }
            Err(KeyError::Secp256k1HighS) => high += usize::from(expected),
            Err(error) => assert_eq!((error, expected), (KeyError::Secp256k1Range, false)),
        }
    }
    assert!(
        valid > 0 && high > 0,
        "{valid} valid, {high} valid elsewhere but with a high s"
    );
}

const NO_SALT: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(0));
const SHORT_SALT: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(31));
const LONG_SALT: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(33));
const LONGEST_SALT: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Max);

#[test]
fn only_a_salt_of_32_bytes_under_pss_verifies() {
    let native = NativeVerifier::default();
    let message = b"the count of the tally";
    for size in [KeySize::Rsa2048, KeySize::Rsa3072, KeySize::Rsa4096] {
        let pair = KeyPair::generate(size).unwrap();
        // PKCS#1: nine bytes of headers before the modulus, five of the exponent behind it.
        let der = pair.public_key().as_ref();
        let modulus = der[9..der.len() - 5].to_vec();
        let key = RsaPublicKey::from_modulus(&modulus).unwrap();
        let sign = |encoding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; modulus.len()];
            let random = SystemRandom::new();
            pair.sign(encoding, &random, message, &mut signature).unwrap();
            signature
        };
        for _ in 0..4 {
            let good = sign(&RSA_PSS_SHA256);
            assert!(rsa_verdict(&native, &key, message, &good));
            assert!(!rsa_verdict(&native, &key, b"another message", &good));
            for at in [0, 1, modulus.len() / 2, modulus.len() - 1] {
                let mut bad = good.clone();
                bad[at] ^= 1;
                assert!(!rsa_verdict(&native, &key, message, &bad));
            }
            let mut padded = vec![0];
            padded.extend(&good);
            assert_eq!(
                key.check_signature_form(&padded),
                Err(KeyError::RsaSignatureLength {
                    len: modulus.len() + 1,
                    expected: modulus.len()
                })
            );
            assert!(!rsa_verdict(&native, &key, message, &good[1..]));
        }
        let others: [&'static dyn RsaEncoding; 5] =
            [&NO_SALT, &SHORT_SALT, &LONG_SALT, &LONGEST_SALT, &RSA_PKCS1_SHA256];
        for encoding in others {
            assert!(!rsa_verdict(&native, &key, message, &sign(encoding)), "{encoding:?}");
        }
        assert!(!rsa_verdict(&native, &key, message, &modulus));
        assert!(!rsa_verdict(&native, &key, message, &vec![0; modulus.len()]));
        assert_eq!(key.check_signature_form(&modulus), Err(KeyError::RsaSignatureRange));
    }
}

const ORDER: [u8; 32] = hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");

#[test]
fn edges_of_the_scalar_range_get_the_same_verdict() {
    let native = NativeVerifier::default();
    let key = {
        let mut key = [2; 33];
        key[1..].copy_from_slice(&hex!(
            "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        ));
        key
    };
    let mut order_less_one = ORDER;
    order_less_one[31] -= 1;
    let one = {
        let mut one = [0; 32];
        one[31] = 1;
        one
    };
    let edges = [[0; 32], one, order_less_one, ORDER, [0xff; 32]];
    for r in edges {
        for s in edges {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&r);
            signature[32..].copy_from_slice(&s);
            let form = check_secp256k1_form(&signature);
            let bad = |x: &[u8; 32]| *x == [0; 32] || *x >= ORDER;
            if bad(&r) || bad(&s) {
                assert_eq!(form, Err(KeyError::Secp256k1Range));
            } else if s == order_less_one {
                assert_eq!(form, Err(KeyError::Secp256k1HighS));
            } else {
                assert_eq!(form, Ok(()));
                let digest = [7; 32];
                assert_eq!(
                    native.verify_secp256k1(&key, &digest, &signature),
                    ReferenceVerifier.verify_secp256k1(&key, &digest, &signature)
                );
            }
        }
    }
}

#[test]
fn compressed_means_02_or_03() {
    let native = NativeVerifier::default();
    for prefix in 0..=255u8 {
        // Both of these are the x of a point.
        for x in [
            hex!("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
            hex!("c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"),
        ] {
            let mut key = [prefix; 33];
            key[1..].copy_from_slice(&x);
            let point = native.decompress_secp256k1(&key);
            assert_eq!(point.is_some(), matches!(prefix, 2 | 3), "prefix {prefix}");
            assert_eq!(point, ReferenceVerifier.decompress_secp256k1(&key), "prefix {prefix}");
        }
    }
}

proptest! {
    #[test]
    fn secp256k1_verdicts_agree(
        number: u8, digest: [u8; 32], flip in 0usize..65 * 8, prefix in 1u8..6, x: [u8; 32],
    ) {
        let native = NativeVerifier::default();
        let mut key = [prefix; 33];
        key[1..].copy_from_slice(&x);
        prop_assert_eq!(native.decompress_secp256k1(&key), ReferenceVerifier.decompress_secp256k1(&key));

        let signer = Signer::new(number);
        let (key, mut signature) = signer.sign_digest(&digest);
        prop_assert!(native.verify_secp256k1(&key, &digest, &signature));
        // The last eight flips leave the signature as it is.
        if flip < 64 * 8 {
            signature[flip / 8] ^= 1 << (flip % 8);
        }
        if check_secp256k1_form(&signature).is_ok() {
            prop_assert_eq!(
                native.verify_secp256k1(&key, &digest, &signature),
                ReferenceVerifier.verify_secp256k1(&key, &digest, &signature)
            );
            for odd in [false, true] {
                prop_assert_eq!(
                    native.recover_secp256k1(&digest, &signature, odd),
                    ReferenceVerifier.recover_secp256k1(&digest, &signature, odd)
                );
            }
        }
    }
}

#[test]
fn a_batch_comes_back_in_order_and_is_remembered() {
    let checker = TransactionChecker::new(identity());
    let signer = Signer::new(1);
    let raws: Vec<_> = (0..50).map(|nonce| signer.sign(payment(nonce, 1))).collect();
    let checked = checker.check_all(raws.clone()).unwrap();
    let envelopes = |i: usize| (checked[i].envelope(), checked[i].view().nonce);
    for (i, raw) in raws.iter().enumerate() {
        assert_eq!(envelopes(i), (raw.envelope(), i as u64));
    }
    assert_eq!(checker.cache().len(), 50);
    assert_eq!(checker.check_one(raws[7].clone()), Ok(checked[7].clone()));
    assert_eq!(checker.cache().len(), 50);
}

#[test]
fn what_is_remembered_is_not_checked_again() {
    let checker = TransactionChecker::new(identity());
    let good = Signer::new(1).checked(payment(0, 1));
    // Of another chain: only the memory can let it through.
    let foreign = Signer::new(1).sign(Payload {
        chain_id: 1,
        ..payment(0, 1)
    });
    checker.cache().insert(sha256(&[foreign.envelope()]), good.clone());
    assert_eq!(checker.check_one(foreign), Ok(good));
}

#[test]
fn the_first_failure_of_a_batch_is_returned() {
    let checker = TransactionChecker::new(identity());
    let signer = Signer::new(1);
    let wrong = |nonce| {
        let payload = Payload {
            chain_id: 1,
            ..payment(nonce, 1)
        };
        signer.sign(payload)
    };
    for first in [0, 3, 499] {
        let raws = (0..500)
            .map(|i| {
                if i == first || (i > first && i % 3 == 0) {
                    wrong(i)
                } else {
                    signer.sign(payment(i, 1))
                }
            })
            .collect();
        let error = TransactionError::WrongChain {
            found: 1,
            expected: identity().chain_id,
        };
        assert_eq!(checker.check_all(raws), Err((first as usize, error)));
    }
}

#[test]
fn failures_are_not_remembered() {
    let checker = TransactionChecker::new(identity());
    let raw = Signer::new(1).sign(payment(0, 1));
    let mut envelope = raw.envelope().to_vec();
    let last = envelope.len() - 1;
    envelope[last] ^= 1;
    let forged = RawTransaction::decode(envelope).unwrap();
    for _ in 0..2 {
        assert_eq!(checker.check_one(forged.clone()), Err(TransactionError::BadSignature));
    }
    assert!(checker.cache().is_empty());
}
