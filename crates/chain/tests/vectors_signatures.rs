//! Signature and hash vectors of others: Wycheproof, NIST, and collections of broken keys.

mod support;

use serde_json::Value;
use support::{base64, der_integers, hex, json, json_hex, keys, spki_of, spki_of_pkcs1, text};
use tally_chain::hash::sha256;
use tally_chain::keys::{KeyError, RsaPublicKey, check_secp256k1_form};
use tally_chain::{ReferenceVerifier, SignatureVerifier};
use tally_testkit::corpora;

/// The verdict of a node: form first, then arithmetic.
fn accepts(key: &RsaPublicKey, message: &[u8], signature: &[u8]) -> bool {
    key.check_signature_form(signature).is_ok() && ReferenceVerifier.verify_rsa_pss(key, message, signature)
}

fn wycheproof(file: &str) -> Option<Vec<Value>> {
    let vectors = json(corpora("wycheproof")?.join(file));
    Some(vectors["testGroups"].as_array().unwrap().clone())
}

fn cases(group: &Value) -> impl Iterator<Item = (&Value, Vec<u8>, Vec<u8>, &str)> {
    group["tests"].as_array().unwrap().iter().map(|case| {
        let (message, signature) = (json_hex(&case["msg"]), json_hex(&case["sig"]));
        (case, message, signature, case["result"].as_str().unwrap())
    })
}

#[test]
fn wycheproof_pss_verdicts() {
    let Some(groups) = wycheproof("rsa_pss_2048_sha256_mgf1_32_test.json") else {
        return;
    };
    let mut seen = 0;
    for group in &groups {
        let key = RsaPublicKey::from_spki(&json_hex(&group["publicKeyDer"])).unwrap();
        assert_eq!(key.pkcs1(), json_hex(&group["publicKeyAsn"]));
        for (case, message, signature, result) in cases(group) {
            assert_eq!(accepts(&key, &message, &signature), result == "valid", "{case}");
            seen += 1;
        }
    }
    assert!(seen > 100);
}

#[test]
fn wycheproof_pkcs1v15_signatures_are_no_pss_signatures() {
    let Some(groups) = wycheproof("rsa_signature_2048_sha256_test.json") else {
        return;
    };
    let (mut refused, mut accepted, mut refused_keys) = (0, Vec::new(), Vec::new());
    for group in &groups {
        match RsaPublicKey::from_spki(&json_hex(&group["publicKeyDer"])) {
            Ok(key) => {
                for (case, message, signature, _) in cases(group) {
                    if accepts(&key, &message, &signature) {
                        accepted.push((case["tcId"].as_u64(), case["comment"].as_str()));
                    } else {
                        refused += 1;
                    }
                }
            }
            Err(error) => refused_keys.push(error),
        }
    }
    assert!(refused > 250);
    // Of the collection's three traps for others, signatures by PSS, one is of our very scheme.
    assert_eq!(accepted, [(Some(257), Some("RSASSA-PSS signature"))]);
    // Two groups have keys with a small exponent.
    assert_eq!(refused_keys, [KeyError::RsaExponent, KeyError::RsaExponent]);
}

#[test]
fn wycheproof_ecdsa_low_s_only() {
    let Some(groups) = wycheproof("ecdsa_secp256k1_sha256_p1363_test.json") else {
        return;
    };
    let (mut valid, mut high) = (0, 0);
    for group in &groups {
        let point = json_hex(&group["publicKey"]["uncompressed"]);
        let mut key = [2 + (point[64] & 1); 33];
        key[1..].copy_from_slice(&point[1..33]);
        assert_eq!(
            ReferenceVerifier.decompress_secp256k1(&key).unwrap().to_vec(),
            point[1..]
        );
        for (case, message, signature, result) in cases(group) {
            // An envelope carries exactly 64 bytes; anything else does not decode.
            let Ok(signature) = <[u8; 64]>::try_from(signature) else {
                assert_eq!(result, "invalid", "{case}");
                continue;
            };
            let digest = sha256(&[&message]).0;
            let verifies = |s: &[u8; 64]| ReferenceVerifier.verify_secp256k1(&key, &digest, s);
            match (check_secp256k1_form(&signature), result) {
                (Ok(()), "valid") => {
                    assert!(verifies(&signature), "{case}");
                    let recovered =
                        [false, true].map(|odd| ReferenceVerifier.recover_secp256k1(&digest, &signature, odd));
                    // r may have lost the curve's order: then no parity leads back to the key.
                    if !case["comment"].as_str().unwrap().contains("r,s are large") && signature[..16] != [0; 16] {
                        assert!(
                            recovered.iter().flatten().any(|found| found[..] == point[1..]),
                            "{case}"
                        );
                    }
                    valid += 1;
                }
                (Err(error), "valid") => {
                    assert_eq!(error, KeyError::Secp256k1HighS, "{case}");
                    let low = keys::negate_s(&signature);
                    assert_eq!(check_secp256k1_form(&low), Ok(()));
                    assert!(verifies(&low), "its low twin is the valid one: {case}");
                    high += 1;
                }
                (Ok(()), "invalid") => assert!(!verifies(&signature), "{case}"),
                (Err(error), "invalid") => {
                    let known = [KeyError::Secp256k1Range, KeyError::Secp256k1HighS];
                    assert!(known.contains(&error), "{case}");
                }
                (_, other) => panic!("{other} is not a known result"),
            }
        }
    }
    assert!(valid > 60 && high > 40, "{valid} valid, {high} with a high s");
}

#[test]
fn nist_pss_signatures_verify_where_key_digest_and_salt_are_ours() {
    let Some(folder) = corpora("nist-rsa-ring") else { return };
    let text = text(folder.join("rsa_pss_sign_tests.txt"));
    let mut seen = 0;
    for block in text.split("\n\n") {
        let field = |name: &str| {
            block
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))
        };
        let Some(digest) = field("Digest") else { continue };
        let [private, message, salt, signature] = ["Key", "Msg", "Salt", "Sig"].map(|name| hex(field(name).unwrap()));
        // RSAPrivateKey: version, n, e, …
        let numbers = der_integers(&private);
        let (modulus, exponent) = (&numbers[1], &numbers[2]);
        let key = RsaPublicKey::from_modulus(modulus).unwrap();
        let ours = exponent == &[1, 0, 1];
        let expected = if ours {
            Ok(key.clone())
        } else {
            Err(KeyError::RsaExponent)
        };
        assert_eq!(RsaPublicKey::from_spki(&spki_of(modulus, exponent)), expected);
        let fits = ours && digest == "SHA256" && salt.len() == 32;
        assert_eq!(accepts(&key, &message, &signature), fits);
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn weak_rsa_keys_get_the_verdict_of_the_plain_rule() {
    let Some(folder) = corpora("weak-rsa-keys") else { return };
    let pem = |file: &str| {
        let text = text(folder.join(file));
        let body = text
            .split_once("-----BEGIN RSA PUBLIC KEY-----")
            .and_then(|(_, rest)| rest.split_once("-----END"))
            .expect("a PEM block")
            .0;
        RsaPublicKey::from_spki(&spki_of_pkcs1(&base64(body)))
    };
    assert_eq!(pem("rsa-e1.key"), Err(KeyError::RsaExponent));
    assert_eq!(pem("rsa-e-larger-n.key"), Err(KeyError::RsaModulusSize { bits: 512 }));
    assert_eq!(pem("rsa-small-d.key"), Err(KeyError::RsaExponent));
    // Weak in another way, which only the wallet looks for.
    assert_eq!(pem("rsa-roca.key").unwrap().bits(), 2048);
    let good = pem("rsa-ok.key").unwrap();
    let jwk = json(folder.join("jwk-rsa-ok.json"));
    assert_eq!(
        RsaPublicKey::from_modulus(&base64(jwk["n"].as_str().unwrap())),
        Ok(good)
    );
}

#[test]
fn nist_sha256_short_messages() {
    let Some(folder) = corpora("nist-cavp") else { return };
    let text = text(folder.join("SHA256ShortMsg.rsp"));
    let fields: Vec<_> = text.lines().filter_map(|line| line.split_once(" = ")).collect();
    let mut seen = 0;
    for window in fields.windows(3) {
        let [("Len", bits), ("Msg", message), ("MD", digest)] = window else {
            continue;
        };
        let message = &hex(message)[..bits.parse::<usize>().unwrap() / 8];
        assert_eq!(sha256(&[message]).to_vec(), hex(digest));
        let (front, back) = message.split_at(message.len() / 2);
        assert_eq!(sha256(&[front, back]).to_vec(), hex(digest), "parts are concatenated");
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
}
