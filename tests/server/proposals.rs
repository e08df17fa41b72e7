//! Payments that several people sign, on machines without a network, and with `openssl`; receipts that need no node.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tally_chain::portable::{Claim, FileError};
use tally_chain::{Amount, BlockId, PortableReceipt, ReferenceVerifier, address};
use tally_wallet::Payment;

use crate::binary;
use crate::common::{ECC, PUBLIC_PHRASE, RSA, TestServer, coin};

/// A person with a vault and some files.
struct Person {
    node: String,
    folder: tempfile::TempDir,
}

impl Person {
    fn new(node: &str) -> Self {
        Self {
            node: node.to_owned(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn try_run(&self, args: &[&str]) -> Output {
        binary::tally()
            .args(args)
            .current_dir(self.folder.path())
            .env("TALLY_NODE", &self.node)
            .env("TALLY_WALLET", self.file("wallet.json"))
            .env("TALLY_WALLET_PASSWORD", "correct horse")
            .env("TALLY_WALLET_PHRASE", PUBLIC_PHRASE)
            .output()
            .unwrap()
    }

    /// What it prints; it must succeed.
    fn run(&self, args: &[&str]) -> String {
        let output = self.try_run(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.run(args)).unwrap()
    }

    /// Its standard error; it must fail.
    fn refused(&self, args: &[&str]) -> String {
        let output = self.try_run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?} went through");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Hands a file on, as a message would.
    fn give(&self, name: &str, to: &Self) {
        std::fs::copy(self.file(name), to.file(name)).unwrap();
    }
}

fn openssl(folder: &Path, args: &[&str]) {
    let output = Command::new("openssl").args(args).current_dir(folder).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {args:?}: {errors}");
}

#[test]
fn two_of_three_sign_with_rsa_secp256k1_and_openssl() {
    let server = TestServer::start();
    let ann = Person::new(&server.url);
    // Bob's machine has no network, Carol's key is not in any wallet.
    let bob = Person::new("http://127.0.0.1:1");
    let carol = Person::new(&server.url);
    ann.run(&["wallet", "restore", "--chain", "test"]);
    bob.run(&["wallet", "new", "--chain", "test"]);
    let size = "rsa_keygen_bits:2048";
    openssl(
        carol.folder.path(),
        &["genpkey", "-algorithm", "RSA", "-pkeyopt", size, "-out", "key.pem"],
    );
    openssl(
        carol.folder.path(),
        &["pkey", "-in", "key.pem", "-pubout", "-out", "carol.pem"],
    );
    carol.give("carol.pem", &ann);
    let ecc = bob.json(&["wallet", "list", "--json"])["accounts"][1].clone();
    let (rsa, ecc) = (
        RSA.address().to_string(),
        ecc["public_key"].as_str().unwrap().to_owned(),
    );

    let made = [
        "wallet",
        "shared",
        "create",
        "Club",
        "--required",
        "2",
        "--key",
        &rsa,
        "--key",
        &ecc,
        "--key",
        "carol.pem",
    ];
    let made = ann.run(&made);
    let club = made.split_whitespace().next().unwrap().to_owned();
    assert!(made.contains("2 of 3 keys"), "{made}");
    ann.run(&["wallet", "shared", "export", "Club", "--out", "club.txt"]);
    ann.give("club.txt", &bob);
    assert!(bob.run(&["wallet", "shared", "import", "club.txt"]).starts_with(&club));
    assert!(
        bob.refused(&["wallet", "shared", "import", "club.txt"])
            .contains("already has the account")
    );
    assert!(
        bob.refused(&["wallet", "send", "--from", "Club", "--to", &rsa, "--amount", "1"])
            .contains("http")
    );

    let payment = Payment {
        to: address::parse(&club).unwrap(),
        value: Amount::from_coins("10").unwrap(),
        ..coin(0)
    };
    server.send(&ECC[0].sign(&server.identity(), &payment));
    server.mine();

    // Ann proposes and signs, Bob signs his copy, one of them puts both together.
    let to = ECC[3].address().to_string();
    let pay = [
        "wallet", "propose", "--from", "Club", "--to", &to, "--amount", "1.5", "--memo", "roof",
    ];
    ann.run(&[&pay[..], &["--out", "proposal.txt"]].concat());
    ann.give("proposal.txt", &bob);
    ann.run(&[
        "wallet",
        "sign",
        "proposal.txt",
        "--yes",
        "--despite-warnings",
        "--out",
        "ann.txt",
    ]);
    bob.run(&[
        "wallet",
        "sign",
        "--offline",
        "proposal.txt",
        "--yes",
        "--out",
        "bob.txt",
    ]);
    bob.give("bob.txt", &ann);
    let early = ann.refused(&["wallet", "submit", "ann.txt"]);
    assert!(early.contains("1 of 2 signatures are there"), "{early}");
    ann.run(&["wallet", "combine", "ann.txt", "bob.txt", "--out", "both.txt"]);
    let shown = ann.json(&["wallet", "show", "both.txt", "--json"]);
    assert_eq!((&shown["complete"], &shown["required"]), (&json!(true), &json!(2)));
    let again = ann.refused(&["wallet", "sign", "--offline", "both.txt", "--yes"]);
    assert!(again.contains("has signed already"), "{again}");
    let sent = ann.json(&["wallet", "submit", "both.txt", "--json"]);
    server.mine();
    let detail = server.json(&format!("/api/v1/transactions/{}", sent["id"].as_str().unwrap()));
    assert_eq!(
        (&detail["status"], &detail["memo"]),
        (&json!("included"), &json!("roof"))
    );
    assert_eq!(
        (&detail["scheme"], &detail["sender"]),
        (&json!("multisig"), &json!(club))
    );

    // Carol signs the digest with openssl; Ann adds it to hers.
    ann.run(&[&pay[..], &["--out", "second.txt"]].concat());
    ann.give("second.txt", &carol);
    let digest = carol.run(&[
        "wallet",
        "digest",
        "second.txt",
        "--raw",
        "digest.bin",
        "--message",
        "message.bin",
    ]);
    let pss = [
        "-pkeyopt",
        "digest:sha256",
        "-pkeyopt",
        "rsa_padding_mode:pss",
        "-pkeyopt",
        "rsa_pss_saltlen:32",
    ];
    let sign = [
        "pkeyutl",
        "-sign",
        "-inkey",
        "key.pem",
        "-in",
        "digest.bin",
        "-out",
        "carol.sig",
    ];
    openssl(carol.folder.path(), &[&sign[..], &pss].concat());
    let hashed = Command::new("openssl")
        .args(["dgst", "-sha256", "-r", "message.bin"])
        .current_dir(carol.folder.path())
        .output()
        .unwrap();
    let hashed = String::from_utf8(hashed.stdout).unwrap();
    assert_eq!(
        hashed.split_whitespace().next(),
        Some(digest.trim()),
        "the digest is that of the message"
    );
    carol.give("carol.sig", &ann);
    let other = ann.refused(&["wallet", "attach", "proposal.txt", "--signature", "carol.sig"]);
    assert!(other.contains("verifies under none of the keys"), "{other}");
    ann.run(&[
        "wallet",
        "attach",
        "second.txt",
        "--signature",
        "carol.sig",
        "--out",
        "third.txt",
    ]);
    ann.run(&[
        "wallet",
        "sign",
        "third.txt",
        "--yes",
        "--despite-warnings",
        "--out",
        "fourth.txt",
    ]);
    let differ = ann.refused(&["wallet", "combine", "both.txt", "fourth.txt"]);
    assert!(differ.contains("not of the same payment"), "{differ}");
    let sent = ann.json(&["wallet", "submit", "fourth.txt", "--json"]);
    server.mine();
    let detail = server.json(&format!("/api/v1/transactions/{}", sent["id"].as_str().unwrap()));
    assert_eq!(detail["status"], "included");
}

#[test]
fn one_key_signs_without_a_network() {
    let server = TestServer::start();
    let desk = Person::new(&server.url);
    let vault = Person::new("http://127.0.0.1:1");
    vault.run(&["wallet", "restore", "--chain", "test"]);
    // The desk only knows the public key.
    desk.run(&["wallet", "new", "--chain", "test"]);
    let (from, to) = (RSA.address().to_string(), ECC[3].address().to_string());
    let key = tally_chain::PublicKey::clone(RSA.account.key.as_ref().unwrap())
        .bytes()
        .to_string();
    desk.run(&["wallet", "watch", &from, "--label", "Cold", "--public-key", &key]);
    desk.run(&[
        "wallet",
        "propose",
        "--from",
        "Cold",
        "--to",
        &to,
        "--amount",
        "2",
        "--out",
        "proposal.txt",
    ]);
    desk.give("proposal.txt", &vault);
    vault.run(&[
        "wallet",
        "sign",
        "--offline",
        "proposal.txt",
        "--yes",
        "--out",
        "signed.txt",
    ]);
    vault.give("signed.txt", &desk);
    let sent = desk.json(&["wallet", "submit", "signed.txt", "--json"]);
    server.mine();
    let detail = server.json(&format!("/api/v1/transactions/{}", sent["id"].as_str().unwrap()));
    assert_eq!(
        (&detail["status"], &detail["sender"]),
        (&json!("included"), &json!(from))
    );

    // Without any node, the figures are given.
    let offline = [
        "wallet",
        "propose",
        "--from",
        "RSA account",
        "--to",
        &to,
        "--amount",
        "1",
        "--nonce",
        "1",
        "--max-fee",
        "20000000000",
        "--priority-fee",
        "1000000000",
        "--out",
        "alone.txt",
    ];
    vault.run(&offline);
    vault.run(&[
        "wallet",
        "sign",
        "--offline",
        "alone.txt",
        "--yes",
        "--out",
        "alone-signed.txt",
    ]);
    vault.give("alone-signed.txt", &desk);
    desk.run(&["wallet", "submit", "alone-signed.txt"]);
    server.mine();
    assert_eq!(server.json(&format!("/api/v1/accounts/{from}"))["nonce"], 2);
}

#[test]
fn a_receipt_holds_without_a_node_and_no_other_does() {
    let server = TestServer::start();
    let ann = Person::new(&server.url);
    ann.run(&["wallet", "restore", "--chain", "test"]);
    std::fs::write(ann.file("contract.pdf"), b"the contract").unwrap();
    std::fs::write(ann.file("other.pdf"), b"another one").unwrap();
    let from = RSA.address().to_string();
    let sent = ann.json(&["wallet", "anchor", "contract.pdf", "--from", &from, "--yes", "--json"]);
    let id = sent["id"].as_str().unwrap();
    let waits = server.get(&format!("/api/v1/transactions/{id}/receipt"));
    assert_eq!(
        (waits.status, &waits.json()["type"]),
        (404, &json!("/problems/not-included"))
    );
    let early = ann.refused(&["receipt", "get", id]);
    assert!(early.contains("waits for a block"), "{early}");
    server.send(&ECC[0].coin(&server.identity(), 0));
    server.mine();
    for _ in 0..5 {
        server.mine();
    }
    ann.run(&["receipt", "get", id, "--out", "receipt.json"]);
    let tip = server.json("/api/v1/status")["tip"]["id"].as_str().unwrap().to_owned();

    // Another person, on another machine.
    let bob = Person::new("http://127.0.0.1:1");
    for name in ["receipt.json", "contract.pdf", "other.pdf"] {
        ann.give(name, &bob);
    }
    let verify = ["receipt", "verify", "receipt.json", "--tip", &tip];
    let proven = bob.json(&[&verify[..], &["--document", "contract.pdf", "--json"]].concat());
    assert_eq!((&proven["transaction"], &proven["sender"]), (&json!(id), &json!(from)));
    assert_eq!(
        (&proven["success"], &proven["confirmations"]),
        (&json!(true), &json!(6))
    );
    let own_block = proven["block"].as_str().unwrap();
    assert_eq!((&proven["trusted"], &proven["tip"]), (&json!("tip"), &json!(tip)));
    assert!(proven["time_iso"].as_str().unwrap().ends_with('Z'), "{proven}");
    // Trusting only the transaction's block proves nothing of later ones: anyone can put easy blocks on top in a file.
    let own = bob.json(&["receipt", "verify", "receipt.json", "--tip", own_block, "--json"]);
    assert_eq!((&own["holds"], &own["trusted"]), (&json!(true), &json!("block")));
    for unknown in ["confirmations", "tip", "tip_height"] {
        assert_eq!(own[unknown], Value::Null, "{unknown}");
    }
    let own = bob.run(&["receipt", "verify", "receipt.json", "--tip", own_block]);
    assert!(!own.contains("confirmations"), "{own}");
    let code = |args: &[&str]| bob.try_run(args).status.code();
    assert_eq!(code(&[&verify[..], &["--document", "other.pdf"]].concat()), Some(7));
    let genesis = server.json("/api/v1/status")["genesis_id"].as_str().unwrap().to_owned();
    assert_eq!(code(&["receipt", "verify", "receipt.json", "--tip", &genesis]), Some(7));
    assert_eq!(code(&[&verify[..], &["--genesis", &tip]].concat()), Some(7));
    let rejected = bob.try_run(&["receipt", "verify", "receipt.json", "--tip", &genesis, "--json"]);
    let answer: Value = serde_json::from_slice(&rejected.stdout).unwrap();
    assert_eq!((rejected.status.code(), &answer["holds"]), (Some(7), &json!(false)));
    assert!(
        answer["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
        "{answer}"
    );

    // Whatever is changed in it is found, and where.
    let text = std::fs::read_to_string(bob.file("receipt.json")).unwrap();
    let (tip, receipt): (BlockId, Value) = (tip.parse().unwrap(), serde_json::from_str(&text).unwrap());
    let refuted = |changed: &Value| {
        let read = PortableReceipt::read(changed.to_string().as_bytes()).unwrap();
        read.check(None, tip, &ReferenceVerifier).unwrap_err().claim
    };
    let flip = |path: &str| {
        let mut changed = receipt.clone();
        let field = changed.pointer_mut(path).unwrap();
        let text = field.as_str().unwrap();
        let last = if text.ends_with('0') { "1" } else { "0" };
        *field = json!(format!("{}{last}", &text[..text.len() - 1]));
        refuted(&changed)
    };
    for (path, claims) in [
        ("/envelope", &[Claim::Signature][..]),
        ("/genesis", &[Claim::Signature]),
        // On this chain a changed header may have enough work by chance; then it is another block.
        ("/block/header", &[Claim::Block, Claim::History]),
        ("/block/manifest", &[Claim::Block]),
        ("/transaction_path/path/0", &[Claim::Inclusion]),
        ("/receipt", &[Claim::Execution]),
        ("/receipt_path/path/0", &[Claim::Execution]),
        ("/tip/header", &[Claim::History, Claim::Trust]),
        ("/tip/manifest", &[Claim::History]),
        ("/history/0", &[Claim::History]),
    ] {
        let found = flip(path);
        assert!(claims.contains(&found), "{path}: {found:?}");
    }
    let mut shorter = receipt.clone();
    shorter["history"].as_array_mut().unwrap().pop();
    assert_eq!(refuted(&shorter), Claim::History);
    let upper = |path: &str| {
        let mut changed = receipt.clone();
        let field = changed.pointer_mut(path).unwrap();
        *field = json!(field.as_str().unwrap().to_uppercase().replace("0X", "0x"));
        PortableReceipt::read(changed.to_string().as_bytes())
    };
    for (path, field) in [
        ("/envelope", "envelope"),
        ("/genesis", "genesis"),
        ("/block/header", "block.header"),
        ("/transaction_path/path/0", "transaction_path.path[0]"),
        ("/history/0", "history[0]"),
    ] {
        let field = field.to_owned();
        assert_eq!(upper(path), Err(FileError::NotCanonical { field }), "{path}");
    }
    let bare = text.replacen("\"0x", "\"", 1);
    let field = "envelope".to_owned();
    assert_eq!(
        PortableReceipt::read(bare.as_bytes()),
        Err(FileError::NotCanonical { field })
    );
    for (changed, why) in [
        (text.replace("\"version\": 1", "\"version\": 2"), "version 2"),
        (text.replace("tally-receipt", "tally-vault"), "not a Tally receipt"),
        (text[..text.len() / 2].to_owned(), "not a Tally receipt"),
        (text.replacen('{', "{\"more\": 1,", 1), "not a Tally receipt"),
        (format!("{text}{}", " ".repeat(1 << 20)), "at most 1048576"),
    ] {
        let error = PortableReceipt::read(changed.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
