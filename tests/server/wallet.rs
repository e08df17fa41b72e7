//! `tally wallet` against a running node.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::common::{ECC, PUBLIC_PHRASE, RSA, TestServer};

struct Cli<'a> {
    server: &'a TestServer,
    folder: tempfile::TempDir,
}

impl Cli<'_> {
    fn run(&self, args: &[&str], password: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tally"))
            .arg("wallet")
            .args(args)
            .env("TALLY_NODE", &self.server.url)
            .env("TALLY_WALLET", self.folder.path().join("wallet.json"))
            .env("TALLY_WALLET_PASSWORD", password)
            .env("TALLY_WALLET_PHRASE", PUBLIC_PHRASE)
            .output()
            .unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
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
    let cli = Cli {
        server: &server,
        folder: tempfile::tempdir().unwrap(),
    };
    let restored = cli.run(&["restore"], "correct horse");
    assert_eq!(
        restored.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&restored.stderr)
    );
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
        addresses.iter().map(|a| a.to_lowercase()).collect::<Vec<_>>(),
        [lower(RSA.address()), lower(ECC[0].address())]
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

    let wrong = cli.run(&["list"], "wrong horse");
    assert_eq!(
        wrong.status.code(),
        Some(6),
        "{}",
        String::from_utf8_lossy(&wrong.stderr)
    );
    let again = cli.run(&["new"], "correct horse");
    assert_eq!(again.status.code(), Some(1), "an existing vault is not overwritten");
    let asked = cli.run(&pay[..pay.len() - 2], "correct horse");
    assert_eq!(asked.status.code(), Some(1), "nobody said yes");
    assert!(
        String::from_utf8_lossy(&asked.stdout).contains("amount   1.5 TALLY"),
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
