//! Every path of the API gives what its description promises.

use serde_json::{Value, json};
use tally_chain::state_tree::{PathEnd, StateProof};
use tally_chain::{Header, Manifest, merkle};

use crate::common::{ECC, FEE, RSA, TestServer, coin, hex};

fn bytes(value: &Value) -> Vec<u8> {
    alloy_primitives::hex::decode(value.as_str().unwrap()).unwrap()
}

/// Three blocks: one empty, one with an RSA and an ECC payment, one with a failing call's kin: a second ECC payment.
fn chain() -> (TestServer, Vec<String>) {
    let server = TestServer::start();
    let identity = server.identity();
    server.mine();
    let mut memo = coin(0);
    memo.memo = "rent, November".to_owned();
    let mut ids = vec![
        server.send(&RSA.sign(&identity, &memo)),
        server.send(&ECC[0].coin(&identity, 0)),
    ];
    server.mine();
    ids.push(server.send(&ECC[0].coin(&identity, 1)));
    server.mine();
    (server, ids)
}

#[test]
fn status_names_the_chain_and_its_tip() {
    let (server, _) = chain();
    let status = server.json("/api/v1/status");
    assert_eq!(status["chain"], "test");
    assert_eq!(status["chain_id"], 8548);
    assert_eq!(status["genesis_id"], server.identity().genesis.to_string());
    assert_eq!(status["height"], 3);
    assert_eq!(status["transactions"], 3);
    assert_eq!(status["pending"], 0);
    assert_eq!(status["mining"]["on"], false);
    assert_eq!(status["supply"], server.node.tip().record.supply.to_string());
    assert_eq!(status["sync"], json!({ "complete": true, "peers": 0 }));
}

#[test]
fn blocks_are_paged_and_checkable() {
    let (server, ids) = chain();
    let first = server.json("/api/v1/blocks?limit=3");
    let heights = |page: &Value| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| b["height"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(heights(&first), [3, 2, 1]);
    let next = first["next"].as_str().unwrap();
    let second = server.json(&format!("/api/v1/blocks?limit=3&cursor={next}"));
    assert_eq!(heights(&second), [0]);
    assert_eq!(second.get("next"), None);

    let block = server.json("/api/v1/blocks/2");
    let by_id = server.json(&format!("/api/v1/blocks/{}", block["id"].as_str().unwrap()));
    assert_eq!(block, by_id);
    let header = Header::decode(&bytes(&block["header_hex"]).try_into().unwrap());
    assert_eq!(header.id().to_string(), block["id"]);
    let manifest = Manifest::decode(&bytes(&block["manifest_hex"])).unwrap();
    assert_eq!(manifest.root(), header.manifest_root);
    assert_eq!(block["transactions"].as_array().unwrap().len(), 2);
    assert_eq!(block["confirmations"], 2);
    let (reward, subsidy, fees) = (&block["reward"], &block["subsidy"], &block["fees"]);
    let number = |value: &Value| value.as_str().unwrap().parse::<u128>().unwrap();
    assert_eq!(number(reward), number(subsidy) + number(fees));
    assert!(number(fees) > 0 && number(&block["burned"]) > 0);

    let raw = server.get("/api/v1/blocks/2?format=raw");
    assert_eq!(raw.header("content-type"), "application/octet-stream");
    let decoded = tally_chain::RawBlock::decode(&raw.body, u64::MAX).unwrap();
    assert_eq!(decoded.header, header);
    assert_eq!(decoded.transactions.len(), 2);

    let page = server.json("/api/v1/blocks/2/transactions?limit=1");
    let rest = server.json(&format!(
        "/api/v1/blocks/2/transactions?limit=1&cursor={}",
        page["next"].as_str().unwrap()
    ));
    assert_eq!(rest.get("next"), None);
    let mut found = [&page, &rest].map(|page| page["items"][0]["id"].as_str().unwrap().to_owned());
    found.sort();
    let mut expected = [ids[0].clone(), ids[1].clone()];
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_latest_transactions_come_in_pages_over_empty_blocks() {
    let (server, _) = chain();
    server.mine();
    server.mine();
    let mut seen = Vec::new();
    let mut path = "/api/v1/transactions?limit=2".to_owned();
    loop {
        let page = server.json(&path);
        for item in page["items"].as_array().unwrap() {
            seen.push((
                item["block"]["height"].as_u64().unwrap(),
                item["block"]["index"].as_u64().unwrap(),
            ));
        }
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/transactions?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [(3, 0), (2, 1), (2, 0)]);
}

#[test]
fn a_transaction_proves_itself() {
    let (server, ids) = chain();
    let detail = server.json(&format!("/api/v1/transactions/{}?proof=true", ids[0]));
    assert_eq!(detail["status"], "included");
    assert_eq!(detail["scheme"], "rsa-pss-sha256");
    assert_eq!(detail["sender"], RSA.address().to_string());
    assert_eq!(detail["to"], ECC[1].address().to_string());
    assert_eq!(detail["value"], "1000000000000000000");
    assert_eq!(detail["memo"], "rent, November");
    assert_eq!(detail["block"]["height"], 2);
    assert_eq!(detail["block"]["confirmations"], 2);
    assert_eq!(detail["receipt"]["success"], true);
    let manifest = Manifest::decode(&bytes(&detail["manifest_hex"])).unwrap();
    let proof: merkle::InclusionProof = serde_json::from_value(detail["inclusion_proof"].clone()).unwrap();
    let leaf = merkle::leaf_hash(&bytes(&detail["raw"]));
    assert_eq!(merkle::verify(&proof, leaf, manifest.transactions_root), Ok(()));
    assert_eq!(detail["history_proof"]["number"], 2);
    assert_eq!(detail["history_proof"]["blocks"], 3);
}

#[test]
fn a_waiting_transaction_is_pending_or_queued() {
    let server = TestServer::start();
    let identity = server.identity();
    let queued = server.send(&ECC[0].coin(&identity, 1));
    assert_eq!(
        server.json(&format!("/api/v1/transactions/{queued}"))["status"],
        "queued"
    );
    let pending = server.send(&ECC[0].coin(&identity, 0));
    let detail = server.json(&format!("/api/v1/transactions/{pending}"));
    assert_eq!(detail["status"], "pending");
    assert_eq!(
        (&detail["block"], &detail["inclusion_proof"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        server.json(&format!("/api/v1/transactions/{queued}"))["status"],
        "pending",
        "nothing is missing now"
    );
    let account = server.json(&format!("/api/v1/accounts/{}", ECC[0].address()));
    let costs = [&pending, &queued].map(|id| {
        let raw = bytes(&server.json(&format!("/api/v1/transactions/{id}"))["raw"]);
        let transaction = tally_chain::RawTransaction::decode(raw).unwrap();
        let checked = server.node.checker().check_one(transaction).unwrap();
        checked.max_cost()
    });
    let cost = costs[0].checked_add(costs[1]).unwrap().to_string();
    assert_eq!(
        (&account["pending"], &account["pending_cost"]),
        (&json!(2), &json!(cost))
    );
    let pool = server.json("/api/v1/mempool?limit=1");
    assert_eq!((&pool["count"], &pool["pending"]), (&json!(2), &json!(2)));
    let rest = server.json(&format!(
        "/api/v1/mempool?limit=1&cursor={}",
        pool["next"].as_str().unwrap()
    ));
    assert_eq!(rest.get("next"), None);
    assert_ne!(rest["items"][0]["id"], pool["items"][0]["id"]);
}

#[test]
fn accounts_prove_their_balance_and_their_absence() {
    let (server, ids) = chain();
    for (address, known) in [
        (ECC[1].address().to_string(), true),
        (format!("0x{}", "ab".repeat(20)), false),
    ] {
        let account = server.json(&format!("/api/v1/accounts/{address}?proof=true"));
        let proof = &account["proof"];
        let manifest = Manifest::decode(&bytes(&proof["manifest_hex"])).unwrap();
        let end = match &proof["leaf"] {
            Value::Null => PathEnd::Empty,
            leaf => PathEnd::Leaf {
                key: leaf["key"].as_str().unwrap().parse().unwrap(),
                value_hash: leaf["value_hash"].as_str().unwrap().parse().unwrap(),
            },
        };
        let siblings = serde_json::from_value(proof["siblings"].clone()).unwrap();
        let value = (!proof["value"].is_null()).then(|| bytes(&proof["value"]));
        assert_eq!(value.is_some(), known);
        let key = proof["key"].as_str().unwrap().parse().unwrap();
        assert_eq!(
            StateProof { siblings, end }.verify(&key, value.as_deref(), manifest.state_root),
            Ok(())
        );
    }
    let account = server.json(&format!("/api/v1/accounts/{}", ECC[0].address()));
    assert_eq!((&account["nonce"], &account["next_nonce"]), (&json!(2), &json!(2)));
    assert!(account["label"].as_str().unwrap().starts_with("PUBLIC"));
    assert_eq!(account.get("proof"), None);

    let first = server.json(&format!("/api/v1/accounts/{}/transactions?limit=2", ECC[1].address()));
    assert_eq!(first["items"][0]["id"], ids[2].as_str());
    let next = first["next"].as_str().unwrap();
    let second = server.json(&format!(
        "/api/v1/accounts/{}/transactions?limit=2&cursor={next}",
        ECC[1].address()
    ));
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
}

#[test]
fn transactions_are_taken_as_hex_as_bytes_and_in_batches() {
    let server = TestServer::start();
    let identity = server.identity();
    let plain = server.client.post_with(
        "/api/v1/transactions",
        "application/octet-stream",
        &ECC[0].coin(&identity, 0),
        &[],
    );
    assert_eq!((plain.status, &plain.json()["status"]), (202, &json!("pending")));
    let batch = json!({ "raw": [hex(&ECC[0].coin(&identity, 1)), "0xzz", hex(&ECC[2].coin(&identity, 0)), "0x7f"] });
    let answer = server.client.post("/api/v1/transactions/batch", &batch);
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(2), &json!(2)));
    assert_eq!(answer["results"][0]["status"], "pending");
    assert_eq!(answer["results"][1]["problem"]["type"], "/problems/invalid-hex");
    assert_eq!(answer["results"][2]["status"], "pending");
    assert_eq!(
        answer["results"][3]["problem"]["type"],
        "/problems/unknown-transaction-type"
    );
    assert_eq!(server.json("/api/v1/mempool")["count"], 3);
}

#[test]
fn fees_peers_and_spec_are_answered() {
    let server = TestServer::start();
    let fees = server.json("/api/v1/fees");
    assert_eq!(fees["base_fee"], "1000000000");
    for level in ["low", "normal", "high"] {
        assert_eq!(fees[level]["expected_seconds"], 1, "the pool is empty: the next block");
        assert!(
            fees[level]["max_priority_fee"]
                .as_str()
                .unwrap()
                .parse::<u128>()
                .unwrap()
                <= FEE.max_priority_fee
        );
    }
    let peers = server.json("/api/v1/peers");
    assert_eq!((&peers["peers"], &peers["networking"]), (&json!([]), &json!(false)));
    assert_eq!(server.json("/api/v1/spec")["chain_id"], 8548);
    let toml = server.get("/api/v1/spec?format=toml");
    assert_eq!(
        tally_chain::ChainSpec::from_toml(&toml.text()).as_ref(),
        Ok(server.node.spec())
    );
}

#[test]
fn documentation_health_and_metrics_are_served() {
    let (server, _) = chain();
    let document = server.json("/api/openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    let page = server.get("/api/docs");
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert!(page.text().contains("/api/v1/transactions/batch"));
    assert_eq!(
        server.get("/api/docs.css").header("content-type"),
        "text/css; charset=utf-8"
    );
    assert!(server.get("/problems").text().contains("nonce-too-low"));
    assert!(server.get("/problems/nonce-too-low").text().contains("next_nonce"));
    assert_eq!(server.get("/problems/nothing").problem(), "unknown-problem");
    assert_eq!(server.json("/healthz")["status"], "alive");
    assert_eq!(
        server.json("/readyz"),
        json!({ "ready": true, "status": "ready", "height": 3, "reasons": [] })
    );
    let metrics = server.get("/metrics").text();
    for line in [
        "tally_chain_height 3",
        "tally_transactions_included_total 3",
        "tally_mempool_transactions 0",
    ] {
        assert!(
            metrics.lines().any(|found| found.starts_with(line)),
            "{line} is not in\n{metrics}"
        );
    }
    assert!(
        metrics.contains("route=\"/api/openapi.json\",status=\"200\""),
        "{metrics}"
    );
}

#[test]
fn pages_are_rendered_and_unknown_ones_are_404() {
    let (server, ids) = chain();
    for path in [
        "/",
        "/blocks",
        "/block/2",
        "/transactions",
        &format!("/tx/{}", ids[0]),
        "/mempool",
        "/mining",
        "/security",
        "/lab",
        "/lab/tx-replay",
        "/wallet",
    ] {
        let page = server.get(path);
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        let policy = page.header("content-security-policy");
        assert!(policy.contains("script-src 'self' 'nonce-"), "{path}: {policy}");
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        let html = page.text();
        for script in html.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap();
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{tag}>");
        }
        assert!(!html.contains(" style=\""), "{path}: the policy forbids inline styles");
    }
    for path in ["/nothing", "/block/999999", &format!("/tx/0x{}", "00".repeat(32))] {
        let page = server.get(path);
        assert_eq!(
            (page.status, page.header("content-type")),
            (404, "text/html; charset=utf-8"),
            "{path}"
        );
    }
}

#[test]
fn what_waits_is_listed_by_nonce_with_the_first_gap() {
    let server = TestServer::start();
    let identity = server.identity();
    let path = format!("/api/v1/accounts/{}/pending", ECC[0].address());
    let empty = server.json(&path);
    assert_eq!(empty, json!({ "nonce": 0, "next_nonce": 0, "count": 0, "items": [] }));
    let ids: Vec<_> = [3, 0, 1]
        .into_iter()
        .map(|nonce| server.send(&ECC[0].coin(&identity, nonce)))
        .collect();
    let waiting = server.json(&path);
    assert_eq!(
        (&waiting["nonce"], &waiting["next_nonce"], &waiting["count"]),
        (&json!(0), &json!(2), &json!(3))
    );
    let items: Vec<_> = waiting["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (
                item["nonce"].as_u64().unwrap(),
                item["pending"].as_bool().unwrap(),
                item["id"].clone(),
            )
        })
        .collect();
    assert_eq!(
        items,
        [
            (0, true, json!(ids[1])),
            (1, true, json!(ids[2])),
            (3, false, json!(ids[0]))
        ]
    );
    server.mine();
    let waiting = server.json(&path);
    assert_eq!(
        (&waiting["nonce"], &waiting["next_nonce"], &waiting["count"]),
        (&json!(2), &json!(2), &json!(1))
    );
    assert_eq!(server.get("/api/v1/accounts/nobody/pending").status, 422);
}

#[test]
fn rewards_are_lines_of_a_history_and_a_cursor_belongs_to_one_list() {
    let (server, ids) = chain();
    let miner = server.node.producer().to_string();
    let list = format!("/api/v1/accounts/{miner}/history");
    let mut lines = Vec::new();
    let mut path = format!("{list}?limit=2");
    loop {
        let page = server.json(&path);
        lines.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => path = format!("{list}?limit=2&cursor={next}"),
            None => break,
        }
    }
    // The PUBLIC account mines and is the sender of two payments.
    let shown: Vec<_> = lines
        .iter()
        .map(|line| match line["kind"].as_str().unwrap() {
            "reward" => format!("reward {}", line["reward"]["height"]),
            "transaction" => line["transaction"]["id"].as_str().unwrap().to_owned(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(shown, ["reward 3", &ids[2], "reward 2", &ids[1], "reward 1"]);
    let reward = &lines[2]["reward"];
    let block = server.json("/api/v1/blocks/2");
    for (field, of_block) in [
        ("block", "id"),
        ("height", "height"),
        ("time", "time"),
        ("confirmations", "confirmations"),
        ("value", "reward"),
        ("subsidy", "subsidy"),
        ("fees", "fees"),
    ] {
        assert_eq!(reward[field], block[of_block], "{field}");
    }
    assert_eq!(reward["proof"], "none");
    assert_eq!(lines[2].get("transaction"), None);
    assert_eq!(lines[1].get("reward"), None);

    let first = server.json(&format!("{list}?limit=1"));
    let cursor = first["next"].as_str().unwrap();
    for other in [
        format!("/api/v1/accounts/{miner}/transactions?cursor={cursor}"),
        format!("/api/v1/accounts/{}/history?cursor={cursor}", RSA.address()),
        format!("{list}?cursor=YgAAAAAAAAAXAAAAAA"),
    ] {
        let answer = server.get(&other);
        assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid-cursor"));
    }
    // As after a reorg: the cursor names another block than the one that stands at this height.
    let gone = "ab".repeat(32);
    let moved = format!("{}{gone}{}", &cursor[..58], &cursor[122..]);
    let answer = server.get(&format!("{list}?cursor={moved}"));
    assert_eq!((answer.status, answer.problem().as_str()), (410, "history-changed"));
    let problem = answer.json();
    assert_eq!((&problem["block"], &problem["height"]), (&json!(gone), &json!(3)));
}

#[test]
fn every_mark_and_every_acknowledgement_is_explained() {
    let server = TestServer::start();
    let readme = include_str!("../../README.md");
    let readme = readme.split("## What a mark and an answer mean").nth(1).unwrap();
    let readme = readme.split("\n## ").next().unwrap().to_lowercase();
    let page = server.get("/security").text().to_lowercase();
    for (place, text) in [("README.md", readme), ("/security", page)] {
        for word in [
            // The marks of the pages.
            "verified here",
            "as told by the node",
            "checking…",
            "older than seen before",
            "does not hold",
            // The words of the API, the command line and the pages for a payment.
            "202",
            "409",
            "pending",
            "included",
            "confirmations",
            "no number makes it final",
            "failed",
            "may have been accepted",
            // What a browser knows that comes for the first time.
            "a first visit",
            "within moments",
        ] {
            assert!(text.contains(word), "{word:?} is not in {place}");
        }
    }
    // The panel beside the marks has it where a reader looks.
    server.mine();
    let block = server.get("/block/1").text();
    assert!(block.contains("That no other chain has more total work"));
}
