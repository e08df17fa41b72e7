//! `tally light` against servers that send anything else than a node does: bounded, and with the right exit code.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tally::exit::Exit;
use tally_chain::light::TipClaim;
use tally_chain::{Header, Height, Manifest, U256, Weight};

use super::{copy, id, json, mine, mined, run, stderr};
use crate::common::TestServer;
use crate::long;

/// What a server sends for a path below `/api/v1`.
enum Sent {
    Whole(Vec<u8>),
    /// Byte by byte, each after this time.
    Slowly(Vec<u8>, Duration),
    /// The answer, and then zeros without an end.
    Endless(Vec<u8>),
    /// Nothing until its client goes.
    Nothing,
}

type Answers = dyn Fn(&str) -> Sent + Send + Sync;

/// A server with these answers, one a connection; its URL.
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
    // Its client may go before the end.
    match answers(path.trim_start_matches("/api/v1/")) {
        Sent::Whole(bytes) => drop(stream.write_all(&bytes)),
        Sent::Slowly(bytes, pause) => {
            for byte in bytes {
                if stream.write_all(&[byte]).is_err() {
                    break;
                }
                std::thread::sleep(pause);
            }
        }
        Sent::Endless(bytes) => {
            let mut next = bytes;
            while stream.write_all(&next).is_ok() {
                next = vec![0; 65_536];
            }
        }
        Sent::Nothing => drop(stream.read(&mut byte)),
    }
}

/// The head of an answer, with its length where it has an end.
fn head(status: &str, media: &str, len: Option<usize>) -> Vec<u8> {
    let len = len.map_or_else(String::new, |len| format!("content-length: {len}\r\n"));
    format!("HTTP/1.1 {status}\r\ncontent-type: {media}\r\n{len}connection: close\r\n\r\n").into_bytes()
}

const BINARY: &str = "application/octet-stream";

/// The media type of a node's answer.
fn media_of(path: &str) -> &'static str {
    if path.starts_with("spec") {
        "application/toml"
    } else {
        BINARY
    }
}

fn whole(status: &str, media: &str, body: &[u8]) -> Vec<u8> {
    [head(status, media, Some(body.len())), body.to_vec()].concat()
}

fn ok(path: &str, body: &[u8]) -> Sent {
    Sent::Whole(whole("200 OK", media_of(path), body))
}

/// The true answers of a server, but where `change` has another.
fn changed(server: &TestServer, change: impl Fn(&str, Vec<u8>) -> Sent + Send + Sync + 'static) -> String {
    let paths = ["spec?format=toml".to_owned(), "light/tip".to_owned()];
    let proof = format!("light/chain?tip={}", server.node.tip().record.id);
    let known: Vec<_> = paths
        .into_iter()
        .chain([proof])
        .map(|path| (path.clone(), server.get(&format!("/api/v1/{path}")).body))
        .collect();
    hostile(Arc::new(move |path: &str| {
        match known.iter().find(|(known, _)| known == path) {
            Some((_, body)) => change(path, body.clone()),
            None => Sent::Nothing,
        }
    }))
}

/// The same, where only the answer to paths that begin so is another.
fn only(server: &TestServer, prefix: &'static str, sent: impl Fn(Vec<u8>) -> Sent + Send + Sync + 'static) -> String {
    changed(server, move |path, body| match path.starts_with(prefix) {
        true => sent(body),
        false => ok(path, &body),
    })
}

/// The same with another body.
fn body(server: &TestServer, prefix: &'static str, change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> String {
    only(server, prefix, move |mut body| {
        change(&mut body);
        ok(prefix, &body)
    })
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
    let nonce = body(&server, "light/chain", |body| {
        let at = body.len() - 3;
        body[at] ^= 1;
    });
    let node = refuted(&nonce, "rule ");
    assert_eq!(node["height"], 3);
    assert!(["H5", "F3"].contains(&node["rule"].as_str().unwrap()), "{node}");
    let shorter = body(&server, "light/chain", |body| body.truncate(body.len() - 1));
    refuted(&shorter, "ends among its headers too early");
    let longer = only(&server, "light/chain", |body| {
        Sent::Endless([head("200 OK", BINARY, None), body].concat())
    });
    refuted(&longer, "the proof goes on after its end");
    let weight = tip.weight.to_string();
    let overstated = body(&server, "light/tip", |body| {
        let mut claim = TipClaim::decode(body).unwrap();
        claim.weight = Weight(claim.weight.0 + U256::ONE);
        *body = claim.encode();
    });
    refuted(
        &overstated,
        &format!("the total work of the chain is {weight}, the node claims"),
    );
    let damaged = body(&server, "light/tip", |body| body[40] ^= 1);
    refuted(&damaged, "manifest root is");
    // The true proof of an older tip.
    let older = id(&server, 2);
    let proof = server.get(&format!("/api/v1/light/chain?tip={older}")).body;
    let other = body(&server, "light/chain", move |body| body.clone_from(&proof));
    refuted(
        &other,
        &format!("the proof is of block {older}, the node's tip is {}", tip.id),
    );
    // A height that no chain has, and a proof that claims it too.
    let manifest = Manifest {
        number: Height(u64::MAX),
        ..tip.manifest.clone()
    };
    let too_high = TipClaim {
        header: Header {
            manifest_root: manifest.root(),
            ..tip.header
        },
        manifest,
        weight: tip.weight,
    };
    let proof = high_proof(&server, &too_high);
    let spec = server.get("/api/v1/spec?format=toml").body;
    let high = hostile(Arc::new(move |path: &str| {
        if path.starts_with("spec") {
            ok(path, &spec)
        } else if path == "light/tip" {
            ok(path, &too_high.encode())
        } else {
            Sent::Endless([head("200 OK", BINARY, None), proof.clone()].concat())
        }
    }));
    let node = refuted(&high, "the tip has height 18446744073709551615");
    assert_eq!(node["rule"], "F1");
}

/// The beginning of a proof with all headers of this claim's tip. Rule: docs/protocol.md#F3
fn high_proof(server: &TestServer, claim: &TipClaim) -> Vec<u8> {
    let manifest = claim.manifest.encode();
    let len = u16::try_from(manifest.len()).unwrap();
    let ids = [server.identity().genesis, claim.id()].map(|id| id.as_bytes().to_vec());
    [&b"tlylight\x01\x01"[..], &ids.concat(), &len.to_be_bytes(), &manifest].concat()
}

/// What is no answer of a node to this request shows nothing about its chain: exit code 1, and not 7.
#[track_caller]
fn unanswered(url: &str, why: &str) {
    let output = run(&[url], &["--json", "--answer-secs", "2"]);
    let found = json(&output, Exit::Failure);
    let node = &found["nodes"][0];
    let reason = node["reason"].as_str().unwrap();
    assert!(reason.contains(why), "{why} is not in {reason}");
    assert_eq!((&node["verified"], &node["refuted"]), (&false.into(), &false.into()));
}

#[test]
fn answers_are_bounded_in_size_and_in_time() {
    let server = mined(2);
    let begun = Instant::now();
    let long = body(&server, "light/tip", |body| body.resize(1_000_000, 0));
    unanswered(&long, "sends more than the 626 bytes that this answer can have");
    let endless = only(&server, "light/tip", |_| Sent::Endless(head("200 OK", BINARY, None)));
    unanswered(&endless, "sends more than the 626 bytes that this answer can have");
    unanswered(&only(&server, "light/chain", |_| Sent::Nothing), "timeout");
    // Each byte comes in time, and the answer does not.
    let slow = only(&server, "light/chain", |body| {
        Sent::Slowly(whole("200 OK", BINARY, &body), Duration::from_millis(50))
    });
    unanswered(&slow, "timeout");
    let cut = only(&server, "light/chain", |body| {
        let mut answer = whole("200 OK", BINARY, &body);
        answer.truncate(answer.len() - 5);
        Sent::Whole(answer)
    });
    unanswered(&cut, "breaks off");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn other_answers_than_those_of_a_node_refute_nothing() {
    let server = mined(2);
    let redirected = only(&server, "light/tip", |_| {
        Sent::Whole(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec())
    });
    unanswered(&redirected, "status 302");
    // Nothing was named that the command has already, and no part was requested.
    let unchanged = only(&server, "light/chain", |_| {
        Sent::Whole(b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_vec())
    });
    unanswered(&unchanged, "status 304");
    let part = only(&server, "light/chain", |body| {
        Sent::Whole(whole("206 Partial Content", BINARY, &body))
    });
    unanswered(&part, "status 206");
    // The page of a provider, with a status as if all were well.
    let page = b"<html>Please log in</html>";
    for path in ["light/tip", "light/chain"] {
        let portal = only(&server, path, |_| {
            Sent::Whole(whole("200 OK", "text/html; charset=utf-8", page))
        });
        unanswered(
            &portal,
            "has the media type \"text/html\", expected application/octet-stream",
        );
    }
    let output = run(
        &[&only(&server, "spec", |_| {
            Sent::Whole(whole("200 OK", "text/html", page))
        })],
        &[],
    );
    assert_eq!(output.status.code(), Some(Exit::Failure as i32), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("expected application/toml"),
        "{}",
        stderr(&output)
    );
    // A node whose tip changes all the time.
    let problem = br#"{"type":"/problems/tip-too-old","title":"a","status":410,"detail":"older than all"}"#;
    let restless = only(&server, "light/chain", |_| {
        Sent::Whole(whole("410 Gone", "application/problem+json", problem))
    });
    unanswered(&restless, "older than all");
}

/// Nodes of two chains: the genesis id decides, and where it is not given the first node does.
#[test]
fn a_node_of_another_chain_is_named() {
    let here = mined(2);
    let elsewhere = long::server(long::sampled(), 3);
    let genesis = |server: &TestServer| server.identity().genesis.to_string();
    for (first, second) in [(&here, &elsewhere), (&elsewhere, &here)] {
        let output = run(&[&first.url, &second.url], &["--json"]);
        let found = json(&output, Exit::Refuted);
        assert_eq!(found["genesis_id"], genesis(first));
        let nodes = &found["nodes"];
        assert_eq!(
            (&nodes[0]["verified"], &nodes[1]["verified"]),
            (&true.into(), &false.into())
        );
        let why = format!(
            "the proof is of the chain with genesis {}, expected {}",
            genesis(second),
            genesis(first)
        );
        assert!(nodes[1]["reason"].as_str().unwrap().contains(&why), "{found}");
        // With the genesis id the order decides nothing.
        let output = run(&[&first.url, &second.url], &["--json", "--genesis", &genesis(&here)]);
        let found = json(&output, Exit::Refuted);
        let verified = |node: &Value| node["verified"] == true;
        let nodes = found["nodes"].as_array().unwrap();
        let urls: Vec<_> = nodes
            .iter()
            .filter(|node| verified(node))
            .map(|node| &node["node"])
            .collect();
        assert_eq!(urls, [&here.url]);
    }
}

/// The node of the chain with the most total work sends nothing, or what is no header, where it is to show that another node's chain leads to
/// its own: that one stays verified.
#[test]
fn a_node_that_shows_no_links_takes_nothing_from_others() {
    let (behind, ahead) = (mined(3), TestServer::start());
    copy(&behind, &ahead, 1);
    mine(&ahead, 2);
    let silent = changed(&ahead, |path, body| ok(path, &body));
    let output = run(&[&behind.url, &silent], &["--json", "--answer-secs", "2"]);
    let found = json(&output, Exit::Failure);
    for node in found["nodes"].as_array().unwrap() {
        assert_eq!(node["verified"], true, "{found}");
    }
    assert_eq!(found["nodes"][0]["relation"], "unknown");
    assert!(
        found["nodes"][0]["relation_unknown"]
            .as_str()
            .unwrap()
            .contains("timeout"),
        "{found}"
    );
    let why = format!("does not show whether that of the node at {} leads to it", behind.url);
    assert!(stderr(&output).contains(&why), "{}", stderr(&output));
    let answers = |path: &str| (path.to_owned(), ahead.get(&format!("/api/v1/{path}")).body);
    let known = ["spec?format=toml", "light/tip"].map(answers);
    let proof = answers(&format!("light/chain?tip={}", ahead.node.tip().record.id));
    let garbled = hostile(Arc::new(move |path: &str| {
        let known = known.iter().chain([&proof]).find(|(known, _)| known == path);
        ok(path, known.map_or(&[0xff; 37][..], |(_, body)| &body[..]))
    }));
    let output = run(&[&behind.url, &garbled], &["--json", "--answer-secs", "2"]);
    let found = json(&output, Exit::Failure);
    assert_eq!(
        (&found["nodes"][0]["verified"], &found["nodes"][0]["relation"]),
        (&true.into(), &"unknown".into())
    );
}
