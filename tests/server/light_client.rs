//! `tally light` against real nodes, and against servers that send what they like.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tally::exit::Exit;
use tally_chain::light::TipClaim;
use tally_chain::{BlockId, Height, U256, Weight};

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
        "no heavier chain",
        "none was executed",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_long_chain_is_sampled_unless_all_headers_are_asked_for() {
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

/// What a server sends for a path below `/api/v1`: an answer, or nothing until its client goes.
type Answers = dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync;

/// A server that answers every request as it likes, one a connection; its URL.
fn hostile(answers: Arc<Answers>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answers = answers.clone();
            std::thread::spawn(move || answer(stream, &*answers));
        }
    });
    url
}

fn answer(mut stream: TcpStream, answers: &Answers) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|len| len == 1) {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    match answers(path.trim_start_matches("/api/v1/")) {
        // Its client may have gone already.
        Some(bytes) => drop(stream.write_all(&bytes)),
        None => drop(stream.read(&mut byte)),
    }
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The true answers of a server, but where `change` has another.
fn changed(server: &TestServer, change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>> + Send + Sync + 'static) -> String {
    let paths = ["spec?format=toml".to_owned(), "light/tip".to_owned()];
    let proof = format!("light/chain?tip={}", server.node.tip().record.id);
    let known: Vec<_> = paths
        .into_iter()
        .chain([proof])
        .map(|path| (path.clone(), server.get(&format!("/api/v1/{path}")).body))
        .collect();
    hostile(Arc::new(move |path: &str| {
        let (_, body) = known.iter().find(|(known, _)| known == path)?;
        change(path, body.clone())
    }))
}

#[test]
fn what_does_not_hold_is_named_with_its_rule() {
    let server = mined(3);
    let tip = server.node.tip().record.clone();
    let refuted = |url: &str, why: &str| {
        let output = run(&[url], &["--json"]);
        let found = json(&output, Exit::Refuted);
        let node = found["nodes"][0].clone();
        let reason = node["reason"].as_str().unwrap();
        assert!(reason.contains(why), "{why} is not in {reason}");
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
        assert_eq!((&node["verified"], &node["refuted"]), (&false.into(), &true.into()));
        node
    };
    // A bit of the nonce of the last header.
    let nonce = changed(&server, |path, mut body| {
        if path.starts_with("light/chain") {
            let at = body.len() - 3;
            body[at] ^= 1;
        }
        Some(ok(&body))
    });
    let node = refuted(&nonce, "rule ");
    assert_eq!(node["height"], 3);
    assert!(["H5", "F3"].contains(&node["rule"].as_str().unwrap()), "{node}");
    let shorter = changed(&server, |path, mut body| {
        if path.starts_with("light/chain") {
            body.pop();
        }
        Some(ok(&body))
    });
    refuted(&shorter, "ends among its headers too early");
    let weight = tip.weight.to_string();
    let heavier = changed(&server, |path, body| {
        let mut body = body;
        if path == "light/tip" {
            let mut claim = TipClaim::decode(&body).unwrap();
            claim.weight = Weight(claim.weight.0 + U256::ONE);
            body = claim.encode();
        }
        Some(ok(&body))
    });
    refuted(&heavier, &format!("the chain weighs {weight}, the node claims"));
    let other = changed(&server, |path, mut body| {
        if path == "light/tip" {
            body[40] ^= 1;
        }
        Some(ok(&body))
    });
    refuted(&other, "manifest root is");
}

#[test]
fn answers_are_bounded_in_size_and_in_time() {
    let server = mined(2);
    let begun = Instant::now();
    let endless = changed(&server, |path, body| {
        Some(match path.starts_with("light/tip") {
            true => ok(&vec![0; 1_000_000]),
            false => ok(&body),
        })
    });
    let silent = changed(&server, |path, body| {
        (!path.starts_with("light/chain")).then(|| ok(&body))
    });
    let cut = changed(&server, |path, body| {
        let whole = ok(&body);
        let len = if path.starts_with("light/chain") {
            whole.len() - 5
        } else {
            whole.len()
        };
        Some(whole[..len].to_vec())
    });
    let redirected = changed(&server, |path, body| {
        Some(match path {
            "light/tip" => b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec(),
            _ => ok(&body),
        })
    });
    for (url, why) in [
        (endless, "sends more than the 626 bytes that this answer can have"),
        (silent, "timeout"),
        (cut, "breaks off"),
        (redirected, "status 302"),
    ] {
        let output = run(&[&url], &["--json", "--answer-secs", "2"]);
        let found = json(&output, Exit::Failure);
        let node = &found["nodes"][0];
        let reason = node["reason"].as_str().unwrap();
        assert!(reason.contains(why), "{why} is not in {reason}");
        assert_eq!((&node["verified"], &node["refuted"]), (&false.into(), &false.into()));
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
