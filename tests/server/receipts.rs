//! Receipts with the proof of their chain: from a node to a file, and from the genesis id alone to a verdict.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tally_chain::PortableReceipt;

use crate::binary;
use crate::common::{ECC, TestServer};

fn run(server: &TestServer, folder: &Path, args: &[&str]) -> Output {
    binary::tally()
        .args(args)
        .current_dir(folder)
        .env("TALLY_NODE", &server.url)
        .output()
        .unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn a_receipt_with_a_proof_needs_the_genesis_id_alone() {
    let server = TestServer::start();
    let genesis = server.json("/api/v1/status")["genesis_id"].as_str().unwrap().to_owned();
    let id = server.send(&ECC[0].coin(&server.identity(), 0));
    for _ in 0..6 {
        server.mine();
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = (folder.path(), folder.path().join("proved.json"));
    let tip = server.json("/api/v1/status")["tip"]["id"].as_str().unwrap().to_owned();
    let got = run(
        &server,
        path,
        &["receipt", "get", &id, "--proof", "--out", "proved.json"],
    );
    assert_eq!(got.status.code(), Some(0), "{}", text(&got.stderr));
    let printed = text(&got.stdout);
    assert!(
        printed.contains(&format!(
            "from genesis {genesis} to block {tip} at height 6: all headers"
        )),
        "{printed}"
    );
    assert!(
        printed.contains(&format!("tally receipt verify proved.json --genesis {genesis}")),
        "{printed}"
    );

    let verify = ["receipt", "verify", "proved.json", "--genesis", &genesis];
    let shown = run(&server, path, &verify);
    let printed = text(&shown.stdout);
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    for part in [
        "The receipt holds.",
        "6 confirmations there",
        "from genesis, all headers: work, time and link of 6 headers",
        "Taken on trust:",
        "that no chain has more work",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let shown = run(&server, path, &[&verify[..], &["--json"]].concat());
    let found: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&found["trusted"], &found["version"]), (&json!("genesis"), &json!(2)));
    assert_eq!(
        (&found["chain"]["level"], &found["chain"]["checked"]["headers"]),
        (&json!("all-headers"), &json!(6))
    );
    assert_eq!((&found["confirmations"], &found["tip"]), (&json!(6), &json!(tip)));
    // By a block nothing is reported of the chain.
    let by_block = run(
        &server,
        path,
        &["receipt", "verify", "proved.json", "--tip", &tip, "--json"],
    );
    let found: Value = serde_json::from_slice(&by_block.stdout).unwrap();
    assert_eq!((&found["trusted"], &found["chain"]), (&json!("tip"), &Value::Null));

    // Another genesis, a proof of another block, a damaged proof, none.
    let receipt = PortableReceipt::read(&std::fs::read(&file).unwrap()).unwrap();
    let rejected = |name: &str, receipt: &PortableReceipt, genesis: &str| {
        std::fs::write(path.join(name), receipt.write()).unwrap();
        let output = run(
            &server,
            path,
            &["receipt", "verify", name, "--genesis", genesis, "--json"],
        );
        assert_eq!(output.status.code(), Some(7), "{name}: {}", text(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["holds"], json!(false), "{name}");
        answer["reason"].as_str().unwrap().to_owned()
    };
    let why = rejected("foreign.json", &receipt, &tip);
    assert_eq!(why, format!("it is of the chain {genesis}, not of {tip}"));
    server.mine();
    let later = run(
        &server,
        path,
        &["receipt", "get", &id, "--proof", "--out", "later.json"],
    );
    assert_eq!(later.status.code(), Some(0), "{}", text(&later.stderr));
    let later = PortableReceipt::read(&std::fs::read(path.join("later.json")).unwrap()).unwrap();
    let mixed = receipt.clone().with_chain(later.chain_proof().unwrap().clone());
    let why = rejected("mixed.json", &mixed, &genesis);
    assert!(
        why.starts_with("chain.proof is of the block") && why.ends_with(&tip),
        "{why}"
    );
    let mut chain = receipt.chain_proof().unwrap().clone();
    let mut bytes = chain.proof.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    chain.proof = bytes.into();
    let why = rejected("damaged.json", &receipt.clone().with_chain(chain), &genesis);
    assert!(why.starts_with("chain.proof: rule "), "{why}");
    let why = rejected("first.json", &receipt.clone().without_chain(), &genesis);
    assert_eq!(
        why,
        "it has no proof of its chain: version 2 has one, this is version 1"
    );

    // One of both ids is needed.
    let neither = run(&server, path, &["receipt", "verify", "proved.json"]);
    assert_eq!(neither.status.code(), Some(2));
}

#[test]
fn a_node_gives_both_versions_of_a_receipt() {
    let server = TestServer::start();
    let id = server.send(&ECC[0].coin(&server.identity(), 0));
    let path = format!("/api/v1/transactions/{id}/receipt");
    for version in ["", "?version=1", "?version=2"] {
        let waits = server.get(&format!("{path}{version}"));
        assert_eq!(
            (waits.status, &waits.json()["type"]),
            (404, &json!("/problems/not-included")),
            "{version}"
        );
    }
    server.mine();
    let (plain, first) = (server.json(&path), server.json(&format!("{path}?version=1")));
    assert_eq!((&plain, &plain["version"]), (&first, &json!(1)));
    assert!(plain.get("chain").is_none(), "{plain}");
    let mut second = server.json(&format!("{path}?version=2"));
    let chain = second.as_object_mut().unwrap().remove("chain").unwrap();
    let proof = server.get("/api/v1/light/chain");
    assert_eq!(
        chain["proof"],
        json!(alloy_primitives::hex::encode_prefixed(&proof.body))
    );
    assert_eq!(chain["spec"], server.json("/api/v1/spec"));
    second["version"] = json!(1);
    assert_eq!(second, plain, "without its proof it is version 1");
    for version in ["0", "3", "x"] {
        let wrong = server.get(&format!("{path}?version={version}"));
        assert_eq!(
            (wrong.status, &wrong.json()["type"]),
            (400, &json!("/problems/invalid-parameter")),
            "{version}"
        );
    }
}
