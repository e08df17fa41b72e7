//! A newcomer's way on the command line: wallet, payment, confirmations, audit.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::binary;
use crate::process::{FAST_CHAIN, NodeProcess, json, stderr, tally};

/// PUBLIC: the keys of this phrase are published.
const PUBLIC_PHRASE: &str = tally_testkit::PUBLIC_PHRASE;
const PUBLIC_RSA: &str = "0x6dbBd9E1099f6e32833374e4F68E1006fAC7f0c7";
const PASSWORD: &str = "correct horse";

/// One vault file.
struct Wallet {
    url: String,
    file: PathBuf,
}

impl Wallet {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = binary::tally();
        command.arg("wallet").args(args);
        command
            .env("TALLY_NODE", &self.url)
            .env("TALLY_WALLET", &self.file)
            .env("TALLY_WALLET_PASSWORD", PASSWORD);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }

    fn restore(&self, phrase: &str) -> Output {
        self.command(&["restore"])
            .env("TALLY_WALLET_PHRASE", phrase)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Kinds and addresses.
    fn accounts(&self) -> Vec<(String, String)> {
        let listed = json(&self.run(&["list", "--json"]));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        listed["accounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| (text(&a["kind"]), text(&a["address"])))
            .collect()
    }

    fn coins(&self, address: &str) -> String {
        json(&self.run(&["balance", address, "--json"]))[0]["coins"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// The line of the recovery phrase in what `wallet new` prints.
fn phrase(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words =
        |line: &&str| line.split_whitespace().count() == 12 && line.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
    text.lines()
        .find(words)
        .unwrap_or_else(|| panic!("no phrase in\n{text}"))
        .trim()
        .to_owned()
}

#[test]
fn a_newcomer_makes_a_wallet_is_paid_and_pays() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let node = NodeProcess::start(&data_dir);
    let wallet = |name: &str| Wallet {
        url: node.url.clone(),
        file: folder.path().join("wallets").join(name),
    };

    let mine = wallet("mine.vault");
    let made = mine.run(&["new"]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let words = phrase(&made);
    let accounts = mine.accounts();
    assert_eq!(
        accounts.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(),
        ["rsa-2048", "secp256k1"]
    );
    assert!(
        !String::from_utf8_lossy(&mine.run(&["list"]).stdout).contains(&words),
        "the phrase is shown once only"
    );

    // The phrase alone brings the same accounts back.
    let restored = wallet("restored.vault");
    let output = restored.restore(&words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(restored.accounts(), accounts);
    let output = wallet("bad.vault").restore("test test test");
    assert_eq!(output.status.code(), Some(1));
    assert!(!wallet("bad.vault").file.exists());

    // Test coins come from the PUBLIC account; the rest of the way is the newcomer's own.
    let bank = wallet("bank.vault");
    assert_eq!(bank.restore(PUBLIC_PHRASE).status.code(), Some(0));
    assert_eq!(bank.accounts()[0].1, PUBLIC_RSA);
    let (rsa, ecc) = (&accounts[0].1, &accounts[1].1);
    let pay = |wallet: &Wallet, from: &str, to: &str, amount: &str| {
        let args = [
            "send",
            "--from",
            from,
            "--to",
            to,
            "--amount",
            amount,
            "--fee",
            "high",
            "--yes",
            "--wait",
            "120",
            "--confirmations",
            "2",
            "--json",
        ];
        json(&wallet.run(&args))
    };
    assert_eq!(mine.coins(rsa), "0");
    let paid = pay(&bank, PUBLIC_RSA, rsa, "5");
    assert!(paid["height"].as_u64().unwrap() > 0, "{paid}");
    assert_eq!(mine.coins(rsa), "5");
    pay(&mine, rsa, ecc, "2.25");
    assert_eq!(mine.coins(ecc), "2.25");
    pay(&mine, ecc, PUBLIC_RSA, "0.25");
    let left: f64 = mine.coins(ecc).parse().unwrap();
    assert!(left > 1.9 && left < 2.0, "{left}");

    // What will be signed is shown; without a yes nothing is sent.
    let mut child = mine
        .command(&["send", "--from", rsa, "--to", ecc, "--amount", "1", "--memo", "tea"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"n\n").unwrap();
    let refused = child.wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stdout).unwrap();
    for part in [rsa.as_str(), ecc.as_str(), "amount   1 TALLY", "memo     tea"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let question = String::from_utf8(refused.stderr).unwrap();
    assert!(question.contains("Sign and send? [y/N]"), "{question}");

    // The node's rejections are readable, with the request they belong to.
    let unknown = mine.run(&["balance", "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266"]);
    assert!(stderr(&unknown).contains("checksum"), "{}", stderr(&unknown));

    // The store is the node's as long as it runs; afterwards everything in it agrees.
    let audit = [
        "audit",
        "--chain",
        FAST_CHAIN,
        "--data-dir",
        data_dir.to_str().unwrap(),
        "--json",
    ];
    let busy = tally(&audit);
    assert_eq!(busy.status.code(), Some(3), "{}", stderr(&busy));
    assert_eq!(node.stop(), Some(0));
    let report = json(&tally(&audit));
    assert_eq!(report["faults"], serde_json::json!([]));
    assert_eq!(report["transactions"], 3);
    assert_eq!(report["supply"], report["balances"]);
    let other = tally(&["audit", "--chain", "test", "--data-dir", data_dir.to_str().unwrap()]);
    assert_eq!(other.status.code(), Some(4), "{}", stderr(&other));
}

#[test]
fn a_wallet_of_another_chain_does_not_sign_here() {
    let folder = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(&folder.path().join("data"));
    let wallet = Wallet {
        url: node.url.clone(),
        file: folder.path().join("local.vault"),
    };
    let made = wallet.run(&["new", "--words", "24", "--chain", "local"]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let from = &wallet.accounts()[0].1;
    for args in [
        &["balance"][..],
        &["send", "--from", from, "--to", PUBLIC_RSA, "--amount", "1", "--yes"],
    ] {
        let output = wallet.run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(stderr(&output).contains("genesis"), "{args:?}: {}", stderr(&output));
    }
    // Without a node, it reports that.
    let alone = Wallet {
        url: "http://127.0.0.1:9".to_owned(),
        file: wallet.file.clone(),
    };
    let output = alone.run(&["balance"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is it running?"), "{}", stderr(&output));
}
