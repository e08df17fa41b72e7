//! `tally wallet` against a running node.

use std::process::Output;

use serde_json::{Value, json};
use tally_chain::Amount;

use crate::binary;
use crate::common::{ECC, PUBLIC_PHRASE, RSA, TestServer};

/// An account that no one has the key of.
pub const SOMEBODY: &str = "0x52908400098527886E0F7030069857D2E4169EE7";

/// A wallet of the PUBLIC phrase's, and its node.
pub struct Cli<'a> {
    pub server: &'a TestServer,
    pub folder: tempfile::TempDir,
}

impl<'a> Cli<'a> {
    /// Without a vault yet.
    pub fn new(server: &'a TestServer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { server, folder }
    }

    /// With the vault of the PUBLIC phrase.
    pub fn restored(server: &'a TestServer) -> Self {
        let cli = Self::new(server);
        let output = cli.run(&["restore"], "correct horse");
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{printed}");
        cli
    }

    pub fn run(&self, args: &[&str], password: &str) -> Output {
        binary::tally()
            .arg("wallet")
            .args(args)
            .env("TALLY_NODE", &self.server.url)
            .env("TALLY_WALLET", self.folder.path().join("wallet.json"))
            .env("TALLY_WALLET_PASSWORD", password)
            .env("TALLY_WALLET_PHRASE", PUBLIC_PHRASE)
            .output()
            .unwrap()
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args, "correct horse");
        assert_eq!(
            output.status.code(),
            Some(0),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn a_restored_wallet_lists_pays_and_keeps_its_secrets() {
    let server = TestServer::start();
    let cli = Cli::restored(&server);
    let vault = std::fs::read(cli.folder.path().join("wallet.json")).unwrap();
    assert!(!String::from_utf8_lossy(&vault).contains("junk"));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(cli.folder.path().join("wallet.json"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);

    let listed = cli.json(&["list", "--json"]);
    let addresses: Vec<_> = listed["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| account["address"].as_str().unwrap())
        .collect();
    let lower = |address: tally_chain::Address| format!("{address:#x}");
    assert_eq!(
        addresses.iter().take(2).map(|a| a.to_lowercase()).collect::<Vec<_>>(),
        [lower(RSA.address()), lower(ECC[0].address())],
        "the first of each kind; used ones that were found come after"
    );

    let (from, to) = (RSA.address().to_string(), ECC[2].address().to_string());
    let pay = [
        "send", "--from", &from, "--to", &to, "--amount", "1.5", "--memo", "tea", "--yes", "--json",
    ];
    let sent = cli.json(&pay);
    assert_eq!(sent["status"], "pending");
    server.mine();
    let detail = server.json(&format!("/api/v1/transactions/{}", sent["id"].as_str().unwrap()));
    assert_eq!(
        (&detail["status"], &detail["memo"], &detail["value"]),
        (&json!("included"), &json!("tea"), &json!("1500000000000000000"))
    );
    assert_eq!(cli.json(&["balance", &to, "--json"])[0]["coins"], "1000001.5");
    let history = cli.json(&["history", &from, "--json"]);
    assert_eq!(
        (&history[0]["memo"], &history[0]["direction"]),
        (&json!("tea"), &json!("sent"))
    );
    let csv = String::from_utf8(cli.run(&["history", &from], "correct horse").stdout).unwrap();
    assert!(csv.contains(&format!(",included,sent,{to},1.5,")), "{csv}");
    assert_eq!(csv.lines().count(), 2, "{csv}");

    // By a name of the address book; what looks like an address is never taken for a name.
    let added = cli.run(&["contacts", "add", &to, "Ann"], "correct horse");
    assert_eq!(added.status.code(), Some(0));
    let named = [
        "send", "--from", &from, "--to", "Ann", "--amount", "0.5", "--yes", "--json",
    ];
    cli.json(&named);
    server.mine();
    assert_eq!(cli.json(&["balance", &to, "--json"])[0]["coins"], "1000002");
    for (name, code, reason) in [("Bob", 1, "has the name"), ("0x12", 2, "40")] {
        let nobody = cli.run(
            &["send", "--from", &from, "--to", name, "--amount", "1", "--yes"],
            "correct horse",
        );
        let text = String::from_utf8_lossy(&nobody.stderr).into_owned();
        assert_eq!(nobody.status.code(), Some(code), "{text}");
        assert!(text.contains(reason), "{text}");
    }

    let wrong = cli.run(&["list"], "wrong horse");
    assert_eq!(
        wrong.status.code(),
        Some(6),
        "{}",
        String::from_utf8_lossy(&wrong.stderr)
    );
    let again = cli.run(&["new"], "correct horse");
    assert_eq!(again.status.code(), Some(1), "an existing vault is not overwritten");
    let unconfirmed = cli.run(&pay[..pay.len() - 2], "correct horse");
    assert_eq!(unconfirmed.status.code(), Some(1), "without a yes");
    assert!(
        String::from_utf8_lossy(&unconfirmed.stdout).contains("amount   1.5 TALLY"),
        "the review is shown first"
    );
    let poor = cli.run(
        &["send", "--from", &from, "--to", &to, "--amount", "99999999", "--yes"],
        "correct horse",
    );
    assert!(
        String::from_utf8_lossy(&poor.stderr).contains("the account holds"),
        "{}",
        String::from_utf8_lossy(&poor.stderr)
    );
}

#[test]
fn what_waits_is_sped_up_cancelled_and_explained() {
    let server = TestServer::start();
    let cli = Cli::restored(&server);
    let (from, to) = (ECC[0].address().to_string(), ECC[2].address().to_string());
    let pay = |amount: &str| {
        let sent = cli.json(&[
            "send", "--from", &from, "--to", &to, "--amount", amount, "--yes", "--json",
        ]);
        sent["id"].as_str().unwrap().to_owned()
    };
    let status = |id: &str| server.json(&format!("/api/v1/transactions/{id}"))["status"].clone();
    assert_eq!(cli.json(&["pending", "--json"]), json!([]));

    // Two wait, one after the other; the first is sped up, the second cancelled.
    let (first, second) = (pay("1"), pay("2"));
    let waiting = cli.json(&["pending", "--json"]);
    let nonces: Vec<_> = waiting
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["nonce"].as_u64().unwrap())
        .collect();
    assert_eq!(nonces, [0, 1]);
    let faster = cli.json(&["speed-up", &first, "--yes", "--json"]);
    let nothing = cli.json(&["cancel", &second, "--yes", "--json"]);
    let known = server.get(&format!("/api/v1/transactions/{first}"));
    assert_eq!(known.status, 404, "it was replaced");
    server.mine();
    assert_eq!(status(faster["id"].as_str().unwrap()), "included");
    assert_eq!(status(nothing["id"].as_str().unwrap()), "included");
    assert_eq!(
        cli.json(&["balance", &to, "--json"])[0]["coins"],
        "1000001",
        "1, and not 2"
    );

    // What is in a block is not replaced, what is no payment of this wallet neither.
    let stderr = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let late = cli.run(&["cancel", faster["id"].as_str().unwrap(), "--yes"], "correct horse");
    assert!(stderr(&late).contains("in a block already"), "{}", stderr(&late));
    let other_wallet = Cli::new(&server);
    assert_eq!(other_wallet.run(&["new"], "correct horse").status.code(), Some(0));
    let others = server.send(&ECC[1].coin(&server.identity(), 0));
    let others = other_wallet.run(&["speed-up", &others, "--yes"], "correct horse");
    assert_eq!(others.status.code(), Some(1), "{}", stderr(&others));

    // A gap is named, with a way to fill it.
    let ahead = ECC[0].coin(&server.identity(), 3);
    server.send(&ahead);
    let listed = cli.run(&["pending"], "correct horse");
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(text.contains("nonce 2 is missing"), "{text}");
    let filled = cli.json(&[
        "send", "--from", &from, "--to", &from, "--amount", "0", "--yes", "--json",
    ]);
    assert_eq!(filled["status"], "pending");
    server.mine();
    assert_eq!(cli.json(&["pending", "--json"]), json!([]));
}

#[test]
fn a_careful_person_gets_every_warning() {
    let server = TestServer::start();
    let cli = Cli::restored(&server);
    let from = ECC[0].address().to_string();
    let titles = |to: &str, amount: &str| {
        let sent = cli.json(&[
            "send", "--from", &from, "--to", to, "--amount", amount, "--yes", "--json",
        ]);
        let warnings = sent["warnings"].as_array().unwrap().clone();
        warnings
            .iter()
            .map(|warning| warning["title"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let friend = "0x52908400098527886E0F7030069857D2E4169EE7";
    assert_eq!(titles(friend, "1"), ["You have not paid this address before"]);
    server.mine();
    assert_eq!(titles(friend, "1"), Vec::<String>::new());
    server.mine();
    let own = RSA.address().to_string();
    let of_own = titles(&own, "1");
    assert_eq!(
        of_own,
        ["Everyone has the key of this account", "This is an account of your own"]
    );

    // A look-alike of the friend is not paid by a mere --yes.
    let alike = "0x5290840000000000000000000000000004169ee7";
    let args = [
        "send", "--from", &from, "--to", alike, "--amount", "1", "--yes", "--json",
    ];
    let refused = cli.run(&args, "correct horse");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains(friend) && text.contains("--despite-warnings"), "{text}");
    assert!(text.contains("--accept look-alike"), "{text}");
    let other = [&args[..], &["--accept", "contract"]].concat();
    assert_eq!(
        cli.run(&other, "correct horse").status.code(),
        Some(1),
        "another yes is none to this"
    );
    let named = [&args[..], &["--accept", "look-alike"]].concat();
    assert_eq!(cli.json(&named)["status"], "pending");
    let despite = [&args[..], &["--despite-warnings", "--again"]].concat();
    assert_eq!(cli.json(&despite)["status"], "pending");

    // Whom the wallet paid is known, however the address is written; of others one case alone carries no checksum.
    assert_eq!(titles(&friend.to_lowercase(), "3"), Vec::<String>::new());
    assert_eq!(
        titles("0x8ba1f109551bd432803012645ac136ddd64dba72", "1"),
        ["The address has no checksum", "You have not paid this address before"]
    );
}

#[test]
fn test_coins_come_from_a_public_account() {
    let server = TestServer::start();
    let cli = Cli::new(&server);
    assert_eq!(cli.run(&["new"], "correct horse").status.code(), Some(0));
    let account = &cli.json(&["list", "--json"])["accounts"][1];
    let address = account["address"].as_str().unwrap();
    let given = cli.json(&["test-coins", "ECC account", "--amount", "7", "--json"]);
    assert_eq!(given["status"], "pending");
    // The first account waits now, so that the next coins come from another.
    cli.json(&["test-coins", address, "--json"]);
    server.mine();
    assert_eq!(cli.json(&["balance", address, "--json"])[0]["coins"], "107");
    let much = cli.run(&["test-coins", "--amount", "99999999"], "correct horse");
    let text = String::from_utf8_lossy(&much.stderr).into_owned();
    assert!(
        text.contains("no PUBLIC account of this chain can give so much"),
        "{text}"
    );
}

#[test]
fn the_history_of_a_miner_adds_up_to_its_balance() {
    let server = TestServer::start();
    let cli = Cli::restored(&server);
    server.mine();
    server.send(&ECC[0].coin(&server.identity(), 0));
    server.mine();
    let miner = ECC[0].address().to_string();
    assert_eq!(miner, server.node.producer().to_string());
    let lines = cli.json(&["history", &miner, "--all", "--json"]);
    let lines = lines.as_array().unwrap();
    let directions: Vec<_> = lines.iter().map(|line| line["direction"].as_str().unwrap()).collect();
    assert_eq!(directions, ["reward", "sent", "reward"]);
    let coins = |text: &str| Amount::from_coins(text).unwrap();
    let mut balance = coins("1000000");
    for line in lines {
        let amount = coins(line["amount"].as_str().unwrap());
        balance = match line["direction"].as_str().unwrap() {
            "sent" => {
                let fee = coins(line["fee"].as_str().unwrap());
                balance.checked_sub(amount).unwrap().checked_sub(fee).unwrap()
            }
            _ => balance.checked_add(amount).unwrap(),
        };
    }
    assert_eq!(cli.json(&["balance", &miner, "--json"])[0]["coins"], balance.to_coins());

    // The output names what does not fit, and how to get it.
    let cut = cli.run(&["history", &miner, "--most", "2"], "correct horse");
    assert_eq!(String::from_utf8_lossy(&cut.stdout).lines().count(), 3);
    let printed = String::from_utf8_lossy(&cut.stderr).into_owned();
    assert!(
        printed.contains("the newest 2 lines; there are more: --all"),
        "{printed}"
    );
    let both = cli.run(&["history", &miner, "--most", "2", "--all"], "correct horse");
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn a_search_for_accounts_prints_what_it_covers() {
    let server = TestServer::start();
    let cli = Cli::new(&server);
    let printed_by = |args: &[&str]| {
        let output = cli.run(args, "correct horse");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let restored = printed_by(&["restore"]);
    let found = printed_by(&["find", "--kinds", "secp256k1"]);
    for text in [&restored, &found] {
        assert!(
            text.contains("along m/44'/60'/0'/0/i (i = 0, 1, 2 and so on)"),
            "{text}"
        );
        assert!(
            text.contains("another path is brought with its key: tally wallet import"),
            "{text}"
        );
    }
    let rsa = printed_by(&["find", "--kinds", "rsa-2048", "--gap", "1"]);
    assert!(!rsa.contains("m/44'"), "nothing was looked for along that path: {rsa}");
    let backup = include_str!("../../docs/backup.md");
    let missing = backup
        .split("- **An account is missing after a restore.**")
        .nth(1)
        .unwrap();
    let missing = missing.split("\n- **").next().unwrap();
    for path in ["`m/44'/60'/0'/0/i`", "`m/44'/60'/i'/0/0`", "`m/44'/60'/0'/i`"] {
        assert!(missing.contains(path), "{path} is not in {missing}");
    }
}

#[test]
fn a_history_opens_in_a_spreadsheet_and_names_what_it_lacks() {
    let server = TestServer::start();
    let cli = Cli::restored(&server);
    let from = RSA.address().to_string();
    cli.json(&[
        "send",
        "--from",
        &from,
        "--to",
        SOMEBODY,
        "--amount",
        "1.5",
        "--memo",
        "Bürö 3 €",
        "--yes",
        "--json",
    ]);
    server.mine();
    let history = |more: &[&str]| {
        let output = cli.run(&[&["history", &from][..], more].concat(), "correct horse");
        assert_eq!(output.status.code(), Some(0), "{more:?}");
        // On standard error, so that a file has nothing but the table.
        let printed = String::from_utf8(output.stderr).unwrap();
        let lacks =
            "Genesis allocations and payments by contracts are no transactions: the list does not contain them.";
        assert!(printed.contains(lacks), "{more:?}: {printed}");
        output.stdout
    };
    let plain = history(&[]);
    let marked = history(&["--bom"]);
    assert_eq!(
        marked.strip_prefix(b"\xef\xbb\xbf"),
        Some(&plain[..]),
        "the mark, and then the same table"
    );
    let lines = String::from_utf8(plain).unwrap();
    let mut lines = lines.split("\r\n");
    let head = "time,height,id,status,direction,counterparty,amount,fee,memo,nonce";
    assert_eq!(
        lines.next(),
        Some(head),
        "comma, CRLF and a point are what Excel reads with UTF-8"
    );
    let line = lines.next().unwrap();
    assert!(
        line.contains(",sent,") && line.contains(",1.5,") && line.contains(",Bürö 3 €,"),
        "{line}"
    );
    assert_eq!((lines.next(), lines.next()), (Some(""), None));
    assert!(history(&["--json"]).starts_with(b"["));
    let both = cli.run(&["history", &from, "--json", "--bom"], "correct horse");
    assert_eq!(both.status.code(), Some(2), "JSON has no mark");
}

#[test]
fn a_payment_sent_and_not_as_deep_as_wanted_is_no_failure() {
    let server = TestServer::start();
    let cli = Cli::restored(&server);
    let from = ECC[0].address().to_string();
    let pay = ["send", "--from", &from, "--to", SOMEBODY, "--amount", "1"];
    // A prompt for a yes shows what it is for, with JSON as well.
    let unconfirmed = cli.run(&[&pay[..], &["--json"]].concat(), "correct horse");
    let printed = String::from_utf8(unconfirmed.stderr).unwrap();
    assert_eq!(
        (unconfirmed.status.code(), unconfirmed.stdout.len()),
        (Some(1), 0),
        "{printed}"
    );
    assert!(
        printed.contains("What will be signed, read back from its bytes:"),
        "{printed}"
    );
    assert!(
        printed.contains(&format!("  to       {SOMEBODY}\n  amount   1 ")),
        "{printed}"
    );

    let output = cli.run(&[&pay[..], &["--yes", "--wait", "0"]].concat(), "correct horse");
    let printed = String::from_utf8(output.stderr).unwrap();
    // A script that takes this for a failure pays a second time.
    assert_eq!(output.status.code(), Some(8), "{printed}");
    for part in [
        " was sent; it is pending with 0 of 1 confirmations after 0 s. Do not pay again",
        "tally wallet resend 0x",
    ] {
        assert!(printed.contains(part), "{part} is not in {printed}");
    }
}
