//! Both ways with programs that others wrote: `openssl`, npm `ethers`, PyPI `eth-keyfile`. Where one is missing, the
//! test prints that; `scripts/setup.sh test` installs them.

mod common;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::chain;
use serde_json::{Value, json};
use tally_chain::keys::RsaPublicKey;
use tally_chain::transaction::{Authenticator, Payload, Transaction};
use tally_chain::{Amount, RawTransaction, ReferenceVerifier, SignatureVerifier, UnixSecs};
use tally_wallet::keystore::{self, Format, Found};
use tally_wallet::{SigningKey, payment, system_rng};

const PASSWORD: &str = "harbour violin 17";
const SECRET: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const ADDRESS: &str = "0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b";

/// Whether a program answers; prints where it does not.
fn there(program: &Path, arguments: &[&str]) -> bool {
    let answers = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let there = answers.is_ok_and(|output| output.status.success());
    if !there {
        eprintln!(
            "SKIP: {} is missing; scripts/setup.sh test installs it",
            program.display()
        );
    }
    there
}

fn run(program: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {arguments:?}: {errors}", program.display());
    output.stdout
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    run(Path::new("openssl"), arguments, input)
}

fn private(bytes: &[u8], password: &str) -> SigningKey {
    match keystore::read(bytes, password).unwrap().key {
        Found::Private(key) => key,
        Found::Public(_) => panic!("this file holds a private key"),
    }
}

fn fixture(name: &str) -> SigningKey {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/keystore"));
    private(&std::fs::read(folder.join(name)).unwrap(), "")
}

#[test]
fn openssl_opens_our_files_and_we_open_its() {
    if !there(Path::new("openssl"), &["version"]) {
        return;
    }
    let pass = format!("pass:{PASSWORD}");
    for name in ["rsa-2048.pem", "ec.pem"] {
        let key = fixture(name);
        let ours = keystore::write_pkcs8(&key, PASSWORD, &mut system_rng()).unwrap();
        let plain = openssl(&["pkey", "-passin", &pass, "-check"], ours.as_bytes());
        assert!(String::from_utf8_lossy(&plain).contains("Key is valid"));
        let public = openssl(&["pkey", "-passin", &pass, "-pubout"], ours.as_bytes());
        assert_eq!(
            String::from_utf8(public).unwrap(),
            keystore::write_spki(&key.public_key()),
            "{name}"
        );

        let plain = openssl(&["pkey", "-passin", &pass], ours.as_bytes());
        for ways in [
            &["-v2", "aes-256-cbc"][..],
            &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512"],
            &["-scrypt"],
        ] {
            let arguments = [&["pkcs8", "-topk8", "-passout", &pass], ways].concat();
            let theirs = openssl(&arguments, &plain);
            let found = keystore::read(&theirs, PASSWORD).unwrap();
            assert_eq!(
                (found.format, found.address()),
                (Format::EncryptedPkcs8, key.address()),
                "{ways:?}"
            );
        }
    }
    let arguments = [
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:3072",
        "-aes256",
        "-pass",
        &pass,
    ];
    let fresh = openssl(&arguments, b"");
    assert_eq!(keystore::read(&fresh, PASSWORD).unwrap().kind().name(), "rsa-3072");
}

#[test]
fn openssl_signs_with_our_file_and_checks_what_we_signed() {
    if !there(Path::new("openssl"), &["version"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let key = fixture("rsa-2048.pem");
    let SigningKey::Rsa(rsa) = &key else {
        unreachable!("the file holds an RSA key")
    };
    let pem = put(
        "key.pem",
        keystore::write_pkcs8(&key, PASSWORD, &mut system_rng())
            .unwrap()
            .as_bytes(),
    );
    let pass = format!("pass:{PASSWORD}");
    const PSS: [&str; 4] = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
    let arguments = [&["dgst", "-sha256", "-sign", &pem, "-passin", &pass][..], &PSS].concat();
    let signature = openssl(&arguments, b"what openssl signs");
    let public: &RsaPublicKey = rsa.public();
    assert!(ReferenceVerifier.verify_rsa_pss(public, b"what openssl signs", &signature));
    assert!(!ReferenceVerifier.verify_rsa_pss(public, b"another text", &signature));

    // The other way: a transaction that we sign.
    let payload = Payload {
        chain_id: chain().chain_id,
        nonce: 0,
        timestamp: UnixSecs(1_800_000_000),
        max_priority_fee: 1,
        max_fee: 1_000,
        gas_limit: 100_000,
        to: Some(key.address()),
        value: Amount::from_coins("1").unwrap(),
        data: Vec::new().into(),
    };
    let signed = payment::sign(&chain(), key.address(), &key, &payload.encode(), &mut system_rng()).unwrap();
    let transaction = RawTransaction::decode(signed.envelope).unwrap();
    let Transaction::Tally(transaction) = transaction.transaction() else {
        unreachable!("the wallet signs its own type");
    };
    let Authenticator::RsaPssSha256 { signature, .. } = &transaction.authenticator else {
        unreachable!("an RSA key signs as RSA");
    };
    let message = transaction.payload.signed_message(&chain().genesis, &key.address());
    let public = put("public.pem", keystore::write_spki(&key.public_key()).as_bytes());
    let signature = put("signature", signature);
    let arguments = [
        &["dgst", "-sha256", "-verify", &public, "-signature", &signature][..],
        &PSS,
    ]
    .concat();
    let verdict = openssl(&arguments, &message);
    assert_eq!(String::from_utf8_lossy(&verdict).trim(), "Verified OK");
}

/// Runs a script with one JSON request; its one JSON answer.
fn reply(program: &Path, arguments: &[&str], request: &Value) -> Value {
    let answer = run(program, arguments, request.to_string().as_bytes());
    serde_json::from_slice(&answer).unwrap()
}

/// A keystore of ours opens there, and theirs here.
fn both_ways(program: &Path, arguments: &[&str]) {
    let key = private(SECRET.as_bytes(), "");
    for password in [PASSWORD, "Pässwort für 東京"] {
        let ours = keystore::write_web3(&key, password, &mut system_rng()).unwrap();
        let request = json!({ "open": ours, "password": password });
        assert_eq!(reply(program, arguments, &request), json!({ "secret": SECRET }));
        for kdf in ["scrypt", "pbkdf2"] {
            let request = json!({ "keep": SECRET, "password": password, "kdf": kdf });
            let theirs = reply(program, arguments, &request);
            let Some(theirs) = theirs["file"].as_str() else {
                assert_eq!(theirs, json!({ "cannot": kdf }));
                continue;
            };
            let found = keystore::read(theirs.as_bytes(), password).unwrap();
            assert_eq!(
                (found.format, found.address().to_string().as_str()),
                (Format::Web3, ADDRESS)
            );
        }
    }
}

#[test]
fn ethers_opens_our_keystores_and_we_open_its() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../end2end/support/ethers-keystore.mjs");
    if there(Path::new("node"), &[script, "--there"]) {
        both_ways(Path::new("node"), &[script]);
    }
}

#[test]
fn eth_keyfile_opens_our_keystores_and_we_open_its() {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let Some(cache) = cache.or_else(home) else {
        eprintln!("SKIP: no cache folder");
        return;
    };
    let python = cache.join("tally/python-tests/bin/python");
    if there(&python, &["-c", "import eth_keyfile"]) {
        both_ways(&python, &["-c", include_str!("data/keystore/keystore.py")]);
    }
}
