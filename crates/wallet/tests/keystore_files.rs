//! Key files that other programs wrote, and the published vectors.

use std::path::PathBuf;

use serde_json::Value;
use tally_chain::KeyKind;
use tally_wallet::keystore::{self, Format, Found, Imported, KeystoreError, Warning, WeakKey};
use tally_wallet::system_rng;

const PASSWORD: &str = "testpassword";

fn file(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/keystore"));
    std::fs::read(folder.join(name)).unwrap()
}

fn read(name: &str) -> Result<Imported, KeystoreError> {
    keystore::read(&file(name), PASSWORD)
}

fn corpus(name: &str) -> Option<Vec<u8>> {
    tally_testkit::corpora(name).map(|path| std::fs::read(path).unwrap())
}

#[test]
fn openssl_files_of_one_rsa_key() {
    let address = read("rsa-2048.pem").unwrap().address();
    for (name, format, warnings) in [
        ("rsa-2048.pem", Format::Pkcs8, &[Warning::NotEncrypted][..]),
        ("rsa-2048-pkcs1.pem", Format::Pkcs1, &[Warning::NotEncrypted]),
        ("rsa-2048-openssl3-default.pem", Format::EncryptedPkcs8, &[]),
        ("rsa-2048-sha1-aes128.pem", Format::EncryptedPkcs8, &[]),
        ("rsa-2048-one-round.pem", Format::EncryptedPkcs8, &[]),
        ("rsa-2048-spki.pem", Format::Spki, &[]),
        ("rsa-2048-pkcs1-public.pem", Format::Pkcs1Public, &[]),
    ] {
        let found = read(name).unwrap();
        assert_eq!((found.format, &*found.warnings), (format, warnings), "{name}");
        assert_eq!((found.kind(), found.address()), (KeyKind::Rsa2048, address), "{name}");
        let private = matches!(found.key, Found::Private(_));
        assert_eq!(private, !name.contains("public") && !name.contains("spki"), "{name}");
    }
}

#[test]
fn openssl_files_of_one_ec_key() {
    let address = read("ec.pem").unwrap().address();
    for (name, format) in [
        ("ec.pem", Format::Pkcs8),
        ("ec-sec1.pem", Format::Sec1),
        ("ec-sha512-aes192.pem", Format::EncryptedPkcs8),
        ("ec-scrypt.pem", Format::EncryptedPkcs8),
        ("ec-one-round.pem", Format::EncryptedPkcs8),
        ("ec-spki.pem", Format::Spki),
        ("ec-spki-compressed.pem", Format::Spki),
    ] {
        let found = read(name).unwrap();
        assert_eq!(
            (found.format, found.kind(), found.address()),
            (format, KeyKind::Secp256k1, address),
            "{name}"
        );
        assert!(!found.warnings.contains(&Warning::NotChecked), "{name}");
    }
    assert_eq!(read("ec-with-parameters.pem").unwrap().format, Format::Sec1);
}

#[test]
fn what_is_not_read_is_named() {
    let unknown = |field, found: &str, known| {
        let found = found.to_owned();
        KeystoreError::UnknownAlgorithm { field, found, known }
    };
    let keys = "RSA (rsaEncryption) and EC (secp256k1)";
    let ciphers = "AES-128-CBC, AES-192-CBC, AES-256-CBC";
    for (name, expected) in [
        (
            "ec-des3.pem",
            unknown("the cipher", "DES-EDE3-CBC (1.2.840.113549.3.7)", ciphers),
        ),
        (
            "ec-pbes1.pem",
            unknown(
                "the encryption",
                "PBE with SHA-1 and DES-EDE3-CBC (1.2.840.113549.1.12.1.3)",
                "PBES2",
            ),
        ),
        ("rsa-2048-legacy.pem", KeystoreError::LegacyEncryption),
        (
            "ed25519.pem",
            unknown("the key's algorithm", "Ed25519 (1.3.101.112)", keys),
        ),
        (
            "rsa-pss.pem",
            unknown("the key's algorithm", "RSASSA-PSS (1.2.840.113549.1.1.10)", keys),
        ),
        (
            "p256.pem",
            unknown("the curve", "P-256 (1.2.840.10045.3.1.7)", "secp256k1 (1.3.132.0.10)"),
        ),
        ("ec-explicit-curve.pem", KeystoreError::ExplicitCurve),
        ("ec-spki-explicit-curve.pem", KeystoreError::ExplicitCurve),
        ("rsa-1024.pem", WeakKey::RsaSize { bits: 1024 }.into()),
        ("rsa-e3.pem", WeakKey::RsaExponent.into()),
        ("rsa-three-primes.pem", WeakKey::RsaMultiPrime.into()),
    ] {
        assert_eq!(read(name).map(drop), Err(expected.clone()), "{name}");
        assert!(!expected.advice().is_empty());
    }
}

#[test]
fn a_wrong_password_and_a_damaged_file_are_two_errors() {
    for name in [
        "rsa-2048-one-round.pem",
        "ec-one-round.pem",
        "ec-scrypt.pem",
        "web3-scrypt-cheap.json",
        "web3-pbkdf2-cheap.json",
    ] {
        for wrong in ["", "testpasswore", "Testpassword"] {
            let outcome = keystore::read(&file(name), wrong).map(drop);
            assert_eq!(outcome, Err(KeystoreError::WrongPassword), "{name}");
        }
        assert!(keystore::is_encrypted(&file(name)));
    }
    assert!(!keystore::is_encrypted(&file("rsa-2048.pem")));
    // The last block of the ciphertext, which holds the padding.
    let text = String::from_utf8(file("rsa-2048-one-round.pem")).unwrap();
    let end = text.find("\n-----END").unwrap();
    let mut bytes = text.into_bytes();
    bytes[end - 6] = if bytes[end - 6] == b'A' { b'B' } else { b'A' };
    let outcome = keystore::read(&bytes, PASSWORD).map(drop);
    let field = "the end of the ciphertext";
    assert_eq!(outcome, Err(KeystoreError::Damaged { field }));
}

#[test]
fn published_web3_vectors() {
    // The password of the second is in that project's tests.
    for (name, password, secret) in [
        (
            "key-pbkdf2.json",
            PASSWORD,
            "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d",
        ),
        (
            "key-scrypt.json",
            "grOQ8QDnGHvpYJf",
            "80d3a6ed7b24dcd652949bc2f3827d2f883b3722e3120b15a93a2e0790f03829",
        ),
    ] {
        let Some(bytes) = corpus(&format!("keystore-v3/{name}")) else {
            return;
        };
        let found = keystore::read(&bytes, password).unwrap();
        assert_eq!(
            found.address(),
            keystore::read(secret.as_bytes(), "").unwrap().address(),
            "{name}"
        );
        assert_eq!(
            keystore::read(&bytes, "wrongtestpassword").map(drop),
            Err(KeystoreError::WrongPassword)
        );
    }
    let Some(bytes) = corpus("ethereum-tests/KeyStoreTests/basic_tests.json") else {
        return;
    };
    let tests: Value = serde_json::from_slice(&bytes).unwrap();
    let tests = tests.as_object().unwrap();
    assert_eq!(tests.len(), 5);
    for (name, test) in tests {
        let text = test["json"].to_string();
        let found = keystore::read(text.as_bytes(), test["password"].as_str().unwrap()).unwrap();
        let secret = test["priv"].as_str().unwrap();
        let expected = keystore::read(secret.as_bytes(), "").unwrap().address();
        assert_eq!(found.address(), expected, "{name}");
        let warned = found.warnings.contains(&Warning::NotChecked);
        assert_eq!(warned, test["json"].get("address").is_none(), "{name}");
    }
}

#[test]
fn published_weak_keys() {
    for (name, expected) in [
        ("rsa-ok.key", None),
        ("rsa-roca.key", Some(WeakKey::RsaRoca)),
        ("rsa-e1.key", Some(WeakKey::RsaExponent)),
        ("rsa-small-d.key", Some(WeakKey::RsaExponent)),
        ("rsa-e-larger-n.key", Some(WeakKey::RsaExponent)),
    ] {
        let Some(bytes) = corpus(&format!("weak-rsa-keys/{name}")) else {
            return;
        };
        let outcome = keystore::read(&bytes, "").map(drop);
        assert_eq!(outcome, expected.map_or(Ok(()), |reason| Err(reason.into())), "{name}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    let ec = match read("ec.pem").unwrap().key {
        Found::Private(key) => key,
        Found::Public(_) => unreachable!("the file holds a private key"),
    };
    let mut rng = system_rng();
    let web3 = keystore::write_web3(&ec, "Pässwort", &mut rng).unwrap();
    let other = keystore::write_web3(&ec, "Pässwort", &mut rng).unwrap();
    assert_ne!(web3, other, "salt, IV and id are fresh");
    let pkcs8 = keystore::write_pkcs8(&ec, "Pässwort", &mut rng).unwrap();
    for text in [&web3, &pkcs8] {
        let back = keystore::read(text.as_bytes(), "Pässwort").unwrap();
        assert_eq!((back.address(), &*back.warnings), (ec.address(), &[][..]));
        assert_eq!(
            keystore::read(text.as_bytes(), "Passwort").map(drop),
            Err(KeystoreError::WrongPassword)
        );
    }
    let json: Value = serde_json::from_str(&web3).unwrap();
    let costs = &json["crypto"]["kdfparams"];
    assert_eq!([&costs["n"], &costs["r"], &costs["p"]], [131_072, 8, 1]);
    let public = ec.public_key();
    for text in [keystore::write_spki(&public), keystore::write_hex_public(&public)] {
        let back = keystore::read(text.as_bytes(), "").unwrap();
        assert_eq!(back.public_key(), public);
        assert!(matches!(back.key, Found::Public(_)));
    }
}
