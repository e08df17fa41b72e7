//! A node process whose clock differs from its peers': it reports whose clock is wrong, makes no blocks, punishes no peer.
//! Rule: docs/protocol.md#N13

use std::path::Path;

use serde_json::{Value, json};
use tally_node::CheckpointConfig;

use crate::common::until;
use crate::inside::Inside;
use crate::log::Log;
use crate::network::Member;

/// Seconds by which clocks differ: 60 minutes for as long as a test runs.
const OFF_SECS: i64 = 3_630;

/// Three named peers on hosts of their own, each so many seconds ahead of the system's clock.
fn peers(ahead_secs: [i64; 3]) -> [Inside; 3] {
    let mut host = 1;
    ahead_secs.map(|secs| {
        let mut peer = Inside::new(host, CheckpointConfig::default());
        peer.set_ahead(secs);
        peer.listen([127, 0, 0, host]);
        host += 1;
        peer
    })
}

/// A mining node that has these peers, once it has read their clocks.
fn beside(peers: &[Inside; 3], log: &Log, folder: &Path) -> Member {
    let named = peers.iter().flat_map(|peer| ["--peer", &peer.address]);
    let args: Vec<_> = ["--mine", "--p2p-discover", "false"].into_iter().chain(named).collect();
    let member = Member::logging(log, folder, "test", &args);
    until("three clocks are read", || {
        (member.json("/api/v1/status")["clock"]["peers"] == 3).then_some(())
    });
    member
}

/// What readiness, API, page and log report of a clock that is `words` the median of its peers'.
fn names_the_clock(ahead_secs: i64, words: &str) {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::new(folder.path());
    let peers = peers([ahead_secs; 3]);
    let member = beside(&peers, &log, &folder.path().join("data"));
    let ready = until("the node is not ready", || {
        let ready = member.get("/readyz");
        (ready.status == 503).then(|| ready.json())
    });
    let reason = &ready["reasons"][0];
    let offset = reason["offset_secs"].as_i64().unwrap();
    assert!((-ahead_secs - 2..=-ahead_secs + 2).contains(&offset), "{ready}");
    let detail = format!("this machine's clock differs by {offset} s from those of 3 peers");
    assert_eq!(
        ready["reasons"],
        json!([{ "kind": "clock_off", "detail": detail, "offset_secs": offset, "peers": 3 }])
    );

    let message = format!("this machine's clock is {words} the median of 3 peers");
    let status = member.json("/api/v1/status");
    let clock = &status["clock"];
    assert_eq!(
        (&clock["off"], &clock["peers"], &clock["allowance_secs"]),
        (&json!(true), &json!(3), &json!(12))
    );
    assert_eq!(status["mining"]["paused"], message);
    let page = member.get("/network").text();
    for part in [
        "The clock of this machine is wrong",
        // Without the apostrophe, which HTML may write in two ways.
        message.split_once(' ').unwrap().1.split_once(' ').unwrap().1,
        "Blocks may be 12 s ahead of it at most",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }

    // There may be one before it of the first clock that was read, which is not certain.
    let line = log.wait(&message);
    assert_eq!(
        (&line["level"], &line["certain"], &line["allowed_secs"]),
        (&json!("WARN"), &json!(true), &json!(12))
    );
    assert_eq!(log.wait("the miner pauses")["reason"], message);
    // A block that was sealed at that moment may still come; after it there is nothing to search.
    let (mut height, mut same) = (member.height(), 0);
    until("blocks stop", || {
        let now = member.height();
        same = if now == height { same + 1 } else { 0 };
        height = now;
        (same >= 100).then_some(())
    });
    // Of theirs it rejects none, and of its own they reject none for good: no peer is punished for a clock.
    let shown = member.peers();
    assert_eq!(shown["bans"], json!([]));
    let connected = shown["peers"].as_array().unwrap();
    assert_eq!(connected.len(), 3);
    assert!(connected.iter().all(|peer| peer["score"] == 0), "{shown}");
    for peer in &peers {
        let status = peer.network.status().unwrap();
        assert_eq!(status.bans.len(), 0);
        assert!(status.peers.iter().all(|peer| peer.score == 0), "{status:?}");
    }
}

#[test]
fn a_node_whose_clock_is_behind_names_it_everywhere_and_pauses() {
    names_the_clock(OFF_SECS, "60 min behind");
}

#[test]
fn a_node_whose_clock_is_ahead_names_it_everywhere_and_pauses() {
    names_the_clock(-OFF_SECS, "60 min ahead of");
}

/// One peer that sends another time is the one whose clock is wrong.
#[test]
fn a_peer_whose_clock_is_wrong_is_shown_as_such_and_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::new(folder.path());
    let peers = peers([0, 0, OFF_SECS]);
    let member = beside(&peers, &log, &folder.path().join("data"));
    let status = member.json("/api/v1/status");
    assert_eq!(
        (&status["clock"]["off"], &status["mining"]["paused"]),
        (&json!(false), &Value::Null)
    );
    let ready = member.get("/readyz");
    assert_eq!(ready.status, 200, "{}", ready.text());
    let wrong = until("the peer is shown", || {
        let shown = member.peers();
        let mut shown = shown["peers"].as_array().unwrap().iter();
        shown.find(|peer| peer["id"] == peers[2].id()).cloned()
    });
    let offset = wrong["clock_offset_secs"].as_i64().unwrap();
    assert!((-OFF_SECS - 2..=-OFF_SECS + 2).contains(&offset), "{wrong}");
    assert!(
        !member
            .get("/network")
            .text()
            .contains("The clock of this machine is wrong")
    );
    let before = member.height();
    until("the miner goes on", || (member.height() > before).then_some(()));
    assert_eq!(log.found("the miner pauses"), Vec::<Value>::new());
}
