//! `tally light` against real nodes.

mod hostile;

use std::net::TcpListener;
use std::process::Output;

use serde_json::Value;
use tally::exit::Exit;
use tally_chain::{BlockId, Height};

use crate::binary;
use crate::common::{ECC, TestServer};
use crate::long;

fn run(nodes: &[&str], args: &[&str]) -> Output {
    let mut command = binary::tally();
    command.arg("light").args(args);
    for node in nodes {
        command.args(["--node", node]);
    }
    command.output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What the command prints as JSON, with this exit code.
#[track_caller]
fn json(output: &Output, exit: Exit) -> Value {
    assert_eq!(output.status.code(), Some(exit as i32), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

fn mined(blocks: u64) -> TestServer {
    let server = TestServer::start();
    mine(&server, blocks);
    server
}

fn mine(server: &TestServer, blocks: u64) {
    for _ in 0..blocks {
        server.mine();
    }
}

/// Another chain than that of any [`mined`] server: its first block has a payment.
fn other() -> TestServer {
    let server = TestServer::start();
    server.send(&ECC[0].coin(&server.identity(), 0));
    mine(&server, 2);
    server
}

/// Gives a node the blocks of another from this height on.
fn copy(from: &TestServer, to: &TestServer, first: u64) {
    let tip = from.node.tip();
    for record in tip.snapshot.records_from(Height(first)) {
        let bytes = tip.snapshot.block_bytes(&record.unwrap().id).unwrap().unwrap();
        to.node.import_block(&bytes).unwrap();
    }
}

fn id(server: &TestServer, height: u64) -> String {
    server
        .node
        .tip()
        .snapshot
        .id_at(Height(height))
        .unwrap()
        .unwrap()
        .to_string()
}

#[test]
fn a_node_is_verified_from_the_genesis_id_on() {
    let server = mined(4);
    let genesis = server.identity().genesis.to_string();
    let found = json(&run(&[&server.url], &["--json", "--genesis", &genesis]), Exit::Success);
    assert_eq!(
        (&found["genesis_id"], &found["genesis_given"]),
        (&genesis.into(), &true.into())
    );
    let node = &found["nodes"][0];
    assert_eq!(node["node"], server.url);
    assert_eq!(
        (&node["verified"], &node["level"], &node["relation"]),
        (&true.into(), &"all-headers".into(), &"same".into())
    );
    assert_eq!((&node["height"], &node["tip"]), (&4.into(), &id(&server, 4).into()));
    assert_eq!(node["weight"], server.node.tip().record.weight.to_string());
    assert_eq!(node["checked"]["headers"], 4);
    let text = run(&[&server.url], &[]);
    assert_eq!(text.status.code(), Some(0), "{}", stderr(&text));
    let text = String::from_utf8(text.stdout).unwrap();
    for part in [
        "all headers",
        &id(&server, 4),
        "--genesis",
        "no chain has more total work",
        "none was executed",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_long_chain_is_sampled_unless_all_headers_are_wanted() {
    let server = long::server(long::sampled(), 10_010);
    for (args, level, headers) in [
        (&["--json"][..], "sampled", None),
        (&["--json", "--headers"][..], "all-headers", Some(10_010)),
    ] {
        let found = json(&run(&[&server.url], args), Exit::Success);
        let node = &found["nodes"][0];
        assert_eq!((&node["level"], &node["height"]), (&level.into(), &10_010.into()));
        if let Some(headers) = headers {
            assert_eq!(node["checked"]["headers"], headers);
        }
    }
    // From the middle of it headers lead to the tip.
    let trusted = id(&server, 5_000);
    let found = json(&run(&[&server.url], &["--json", "--trusted", &trusted]), Exit::Success);
    assert_eq!(found["trusted"], trusted);
}

#[test]
fn nodes_are_compared() {
    let (ahead, behind, other) = (mined(3), TestServer::start(), other());
    copy(&ahead, &behind, 1);
    mine(&ahead, 2);
    let relations = |output: &Output, exit: Exit| {
        let found = json(output, exit);
        let nodes = found["nodes"].as_array().unwrap();
        nodes
            .iter()
            .map(|node| node["relation"].as_str().unwrap_or("none").to_owned())
            .collect::<Vec<_>>()
    };
    let both = [behind.url.as_str(), &ahead.url];
    let output = run(&both, &["--json"]);
    assert_eq!(json(&output, Exit::Success)["nodes"][0]["behind"], 2);
    assert_eq!(relations(&output, Exit::Success), ["behind", "same"]);
    let output = run(&[&other.url, &ahead.url], &["--json"]);
    assert_eq!(relations(&output, Exit::NodesDiffer), ["different", "same"]);
    let expected = format!("tally: nodes show different chains: {}, {}\n", ahead.url, other.url);
    assert_eq!(stderr(&output), expected);
    // A node that is not there spoils nothing that is known of the others.
    let gone = format!("http://{}", free_address());
    let output = run(&[&gone, &ahead.url], &["--json"]);
    assert_eq!(relations(&output, Exit::Failure), ["none", "same"]);
}

fn free_address() -> std::net::SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

#[test]
fn a_trusted_block_has_to_lead_to_the_tip() {
    let (server, other) = (mined(5), other());
    copy(&other, &server, 1);
    let with = |trusted: &str| run(&[&server.url], &["--json", "--trusted", trusted]);
    for height in 0..=5 {
        json(&with(&id(&server, height)), Exit::Success);
    }
    // A block beside the chain, and one that the node does not have.
    let unknown = BlockId::ZERO.to_string();
    for (trusted, why) in [
        (id(&other, 1), "is not among the ancestors of the tip"),
        (unknown, "the node does not have block"),
    ] {
        let output = with(&trusted);
        let found = json(&output, Exit::Refuted);
        let reason = found["nodes"][0]["reason"].as_str().unwrap();
        assert!(reason.contains(why) && reason.contains(&trusted), "{reason}");
    }
}

#[test]
fn another_genesis_is_named() {
    let server = mined(1);
    let meant = BlockId::ZERO.to_string();
    let output = run(&[&server.url], &["--genesis", &meant]);
    assert_eq!(output.status.code(), Some(Exit::Refuted as i32), "{}", stderr(&output));
    let expected = format!("genesis {}, expected {meant}", server.identity().genesis);
    assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
}
