//! Nodes that find each other: no operator names them all.

use std::net::TcpListener;
use std::path::Path;

use serde_json::json;

use crate::child::FAST_CHAIN;
use crate::common::until;
use crate::network::Member;

fn start(folder: &Path, peer: Option<&Member>, args: &[&str]) -> Member {
    let named: Vec<_> = peer.iter().flat_map(|peer| ["--peer", &peer.addresses[0]]).collect();
    Member::start(folder, FAST_CHAIN, &[&named, args].concat())
}

fn connected_to(member: &Member, other: &Member) -> bool {
    let peers = member.peers();
    peers["peers"]
        .as_array()
        .unwrap()
        .iter()
        .any(|peer| peer["id"] == json!(other.id()))
}

#[test]
fn nodes_that_know_one_find_the_others_and_still_know_them_when_it_is_gone() {
    let folders = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let mut first = start(folders[0].path(), None, &["--p2p-lan"]);
    let second = start(folders[1].path(), Some(&first), &["--p2p-lan"]);
    let mut third = start(folders[2].path(), Some(&first), &["--p2p-lan"]);
    until("the second and the third have met", || {
        (connected_to(&second, &third) && connected_to(&third, &second)).then_some(())
    });

    // Without the configured one the rest goes on: a newcomer finds all of them through any of them.
    first.kill();
    let fourth = start(folders[3].path(), Some(&second), &["--p2p-lan"]);
    until("the fourth has found the third", || {
        (connected_to(&fourth, &third) && connected_to(&third, &fourth)).then_some(())
    });

    // What was found is remembered: no peer is named at the next start.
    until("the third has written down where another is", || {
        let kept = std::fs::read_to_string(folders[2].path().join("network/peers")).ok()?;
        (kept.contains(&second.id()) || kept.contains(&fourth.id())).then_some(())
    });
    third.kill();
    let third = start(folders[2].path(), None, &["--p2p-lan"]);
    // Not at once with all: by QUIC the others notice only after a while that the old connection is dead.
    until("the third is back among them", || {
        (connected_to(&third, &second) || connected_to(&third, &fourth)).then_some(())
    });
}

#[test]
fn private_addresses_that_peers_announce_are_not_dialled() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let first = start(folders[0].path(), None, &[]);
    // The second announces an address where no node of this chain listens.
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let announced = format!("/ip4/127.0.0.1/tcp/{}", trap.local_addr().unwrap().port());
    let second = start(folders[1].path(), Some(&first), &["--p2p-announce", &announced]);
    let third = start(folders[2].path(), Some(&first), &[]);
    until(
        "the third has queried its peers, and left out the announced address",
        || {
            let found = &third.peers()["found"];
            (found["rounds"].as_u64().unwrap() >= 3 && found["refused"].as_u64().unwrap() > 0).then_some(())
        },
    );
    assert!(
        !connected_to(&third, &second),
        "only what its operator named is dialled"
    );
    assert!(connected_to(&third, &first) && connected_to(&second, &first));
    let dialled = trap.accept().map(|(_, from)| from);
    assert_eq!(dialled.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn no_peer_is_queried_for_nodes_where_discovery_is_off() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let first = start(folders[0].path(), None, &["--p2p-lan"]);
    let second = start(folders[1].path(), Some(&first), &["--p2p-lan"]);
    let third = start(
        folders[2].path(),
        Some(&first),
        &["--p2p-lan", "--p2p-discover", "false"],
    );
    until("the third is connected to the first", || {
        connected_to(&third, &first).then_some(())
    });
    until("the second has queried its peers", || {
        (second.peers()["found"]["rounds"].as_u64().unwrap() >= 3).then_some(())
    });
    assert_eq!(third.peers()["found"]["rounds"], 0);
    assert!(!connected_to(&third, &second));
}
