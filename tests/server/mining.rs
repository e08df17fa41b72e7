//! Mining over HTTP as a browser does it, and the operator's switch.

use serde_json::{Value, json};
use tally_chain::hash::sha256d;
use tally_chain::pow::{Search, Target};
use tally_chain::{B256, Header, U256};

use crate::common::{ECC, MINING_TOKEN, PEERS_TOKEN, TestServer, until};

const ADDRESS: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

fn template(server: &TestServer) -> Value {
    server.json(&format!("/api/v1/mining/template?address={ADDRESS}"))
}

/// Seals a template by its documentation, with this extra nonce.
fn seal(template: &Value, extra_nonce: [u8; 8]) -> Value {
    let bytes = |name: &str| alloy_primitives::hex::decode(template[name].as_str().unwrap()).unwrap();
    let mut manifest = bytes("manifest_hex");
    let at = template["extra_nonce_offset"].as_u64().unwrap() as usize;
    manifest[at..at + 8].copy_from_slice(&extra_nonce);
    let mut header = bytes("header_hex");
    header[36..68].copy_from_slice(sha256d(&manifest).as_slice());
    let header = Header::decode(&header.try_into().unwrap());
    let target = Target(U256::from_str_radix(template["target"].as_str().unwrap(), 16).unwrap());
    let nonce = Search::new(&header, target).scan(0, u32::MAX).unwrap();
    json!({
        "template": template["template"],
        "extra_nonce": alloy_primitives::hex::encode_prefixed(extra_nonce),
        "time": header.time,
        "nonce": nonce,
    })
}

#[test]
fn a_block_is_mined_over_http() {
    let server = TestServer::start();
    let id = server.send(&ECC[0].coin(&server.identity(), 0));
    let work = seal(&template(&server), *b"\x01\x02\x03\x04\x05\x06\x07\x08");
    let answer = server.client.post("/api/v1/mining/submit", &work);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let found = answer.json();
    assert_eq!((&found["outcome"], &found["height"]), (&json!("tip"), &json!(1)));
    let block = server.json("/api/v1/blocks/1");
    assert_eq!(block["id"], found["id"]);
    assert_eq!(block["producer"], ADDRESS);
    assert_eq!(block["transactions"], json!([id]));
    assert_eq!(
        server.client.post("/api/v1/mining/submit", &work).json()["outcome"],
        "known"
    );
}

#[test]
fn each_kind_of_invalid_work_has_its_error() {
    let server = TestServer::start();
    let good = seal(&template(&server), [0; 8]);
    let with = |name: &str, value: Value| {
        let mut work = good.clone();
        work[name] = value;
        server.client.post("/api/v1/mining/submit", &work)
    };
    assert_eq!(with("template", json!(4_000_000)).problem(), "unknown-template");
    assert_eq!(with("extra_nonce", json!("0x00")).problem(), "invalid-hex");
    assert_eq!(with("nonce", json!(1u64 << 32)).problem(), "invalid-field");
    // Another extra nonce is another header: one of eight fails the minimal difficulty with near certainty.
    let refused = (1..=64u8).find_map(|n| {
        let answer = with("extra_nonce", json!(format!("0x00000000000000{n:02x}")));
        (answer.status != 200).then(|| answer.problem())
    });
    assert_eq!(refused.as_deref(), Some("not-enough-work"));
}

#[test]
fn only_the_right_token_switches_the_miner() {
    let server = TestServer::start();
    let switch = |headers: &[(&str, &str)]| {
        let body = json!({ "on": true, "threads": 1, "address": ADDRESS }).to_string();
        server
            .client
            .post_with("/api/v1/mining", "application/json", body.as_bytes(), headers)
    };
    let bearer = |token: &str| format!("Bearer {token}");
    let answer = switch(&[]);
    assert_eq!((answer.status, answer.problem().as_str()), (401, "token-missing"));
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"tally\"");
    let answer = switch(&[("authorization", &bearer("0123456789abcdef-minin"))]);
    assert_eq!((answer.status, answer.problem().as_str()), (401, "token-unknown"));
    let answer = switch(&[("authorization", &bearer(PEERS_TOKEN))]);
    assert_eq!((answer.status, answer.problem().as_str()), (403, "scope-missing"));
    assert_eq!(answer.json()["scope"], "mining");
    // A token anywhere else is none.
    let path = format!("/api/v1/mining?token={MINING_TOKEN}");
    let elsewhere = server.client.post_with(
        &path,
        "application/json",
        b"{}",
        &[("cookie", &format!("token={MINING_TOKEN}"))],
    );
    assert_eq!(elsewhere.problem(), "token-missing");
    assert_eq!(server.json("/api/v1/mining")["on"], false);

    let answer = switch(&[("authorization", &bearer(MINING_TOKEN))]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        (&answer.json()["on"], &answer.json()["address"]),
        (&json!(true), &json!(ADDRESS))
    );
    until("a block by the native miner", || {
        (server.json("/api/v1/status")["height"].as_u64()? > 0).then_some(())
    });
    assert_eq!(server.json("/api/v1/blocks/1")["producer"], ADDRESS);
    let off = server.client.post_with(
        "/api/v1/mining",
        "application/json",
        b"{\"enabled\":false}",
        &[("authorization", &bearer(MINING_TOKEN))],
    );
    assert_eq!(off.json()["on"], false);
}

/// What counts is this machine, in the answer and in the document that clients are made from.
#[test]
fn more_threads_than_processors_are_rejected_with_field_and_limit() {
    let server = TestServer::start();
    let most = std::thread::available_parallelism().unwrap().get();
    let switch = |threads: usize| {
        let body = json!({ "threads": threads });
        server
            .client
            .operate("POST", "/api/v1/mining", MINING_TOKEN, Some(&body))
    };
    for threads in [0, most + 1, 256 + most, usize::MAX] {
        let answer = switch(threads);
        assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid-mining"));
        let problem = answer.json();
        assert_eq!(
            (&problem["field"], &problem["found"], &problem["limit"]),
            (&json!("threads"), &json!(threads), &json!(most))
        );
        let detail = format!("threads is {threads}, this machine has processors for 1 to {most}");
        assert_eq!(problem["detail"], detail);
    }
    assert_eq!(server.json("/api/v1/mining")["threads"], 1, "nothing has changed");
    let answer = switch(most);
    assert_eq!((answer.status, &answer.json()["threads"]), (200, &json!(most)));

    let document = server.json("/api/openapi.json");
    let threads = &document["components"]["schemas"]["SwitchBody"]["properties"]["threads"];
    assert_eq!((&threads["minimum"], &threads["maximum"]), (&json!(1), &json!(most)));
}

#[test]
fn a_flood_of_addresses_costs_no_honest_miner_its_block() {
    let server = TestServer::start();
    server.send(&ECC[0].coin(&server.identity(), 0));
    let honest = seal(&template(&server), [7; 8]);
    let before = server.node.templates_assembled();
    let begun = std::time::Instant::now();
    for n in 0..1_000_u64 {
        let address = format!("{:#042x}", n + 1_000);
        let template = server.json(&format!("/api/v1/mining/template?address={address}"));
        assert_eq!(template["transactions"], 1);
    }
    // At most one assembly a second, however many clients request one.
    let made = server.node.templates_assembled() - before;
    assert!(made <= begun.elapsed().as_secs() + 2, "{made} assemblies");
    let answer = server.client.post("/api/v1/mining/submit", &honest);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["outcome"], "tip");
    assert_eq!(
        server.json("/api/v1/blocks/1")["transactions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // One client cannot name addresses without end, and one that has a template keeps it.
    let kept = template(&server);
    let many = (0..2_000_u64).find_map(|n| {
        let answer = server.get(&format!("/api/v1/mining/template?address={:#042x}", n + 1_000));
        (answer.status != 200).then(|| (n, answer.problem(), answer.json()["limit"].clone()))
    });
    assert_eq!(many, Some((1_023, "too-many-producers".to_owned(), json!(1_024))));
    let again = seal(&template(&server), [7; 8]);
    assert_eq!(again["template"], kept["template"]);
    assert_eq!(
        server.client.post("/api/v1/mining/submit", &again).json()["outcome"],
        "tip"
    );
}

#[test]
fn a_stale_template_gets_the_reason() {
    let server = TestServer::start();
    let old = seal(&template(&server), [0; 8]);
    for _ in 0..6 {
        server.mine();
    }
    let answer = server.client.post("/api/v1/mining/submit", &old);
    assert_eq!(answer.problem(), "unknown-template");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.ends_with("is for an earlier block: the chain is at height 6 now"),
        "{detail}"
    );
}

#[test]
fn a_template_is_of_this_tip() {
    let server = TestServer::start();
    server.mine();
    let template = template(&server);
    assert_eq!(template["height"], 2);
    let header: [u8; 80] = alloy_primitives::hex::decode(template["header_hex"].as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap();
    let header = Header::decode(&header);
    assert_eq!(header.parent, server.node.tip().record.id);
    assert_ne!(header.manifest_root, B256::ZERO);
    assert!(template["min_time"].as_u64().unwrap() <= template["time"].as_u64().unwrap());
}
