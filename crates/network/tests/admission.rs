//! Which peers a session lets in: a banned address under a new name, honest people behind one address, a full house.
//! Rules: docs/protocol.md#N11, #N12

mod support;

use tally_network::session::offence::BAN_MS;
use tally_network::session::peers::range::Origin;
use tally_network::session::{Output, PeerName, Session};
use tally_network::wire::limits::{MAX_INBOUND_HOST, MAX_INBOUND_RANGE};

fn session() -> (tempfile::TempDir, Session) {
    let dir = tempfile::tempdir().unwrap();
    let node = support::open(dir.path(), &support::clock()).unwrap();
    (dir, Session::new(node, "test"))
}

fn at(host: &str) -> Origin {
    Origin {
        host: Some(host.parse().unwrap()),
        ..Origin::default()
    }
}

/// Connects a peer; why it is sent away, if it is.
fn come(network: &mut Session, name: &str, origin: Origin, now: u64) -> Option<String> {
    let name = PeerName::from(name);
    network.connected_from(name.clone(), false, origin, now);
    ended(network, &name)
}

/// Why the session has ended the conversation with a peer, if it has.
fn ended(network: &mut Session, name: &PeerName) -> Option<String> {
    let outputs: Vec<_> = network.outputs().collect();
    outputs.into_iter().find_map(|output| match output {
        Output::Disconnect { peer, reason } if peer == *name => Some(reason),
        _ => None,
    })
}

#[test]
fn a_banned_peer_that_comes_again_under_a_new_name_stays_banned() {
    let (_dir, mut network) = session();
    assert_eq!(come(&mut network, "a", at("8.8.8.8"), 1_000), None);
    assert_eq!(come(&mut network, "neighbour", at("8.8.8.9"), 1_000), None);
    network.received(&"a".into(), b"no frame", 1_000);
    let reason = ended(&mut network, &"a".into()).unwrap();
    assert!(reason.starts_with("sent bytes that are no message"), "{reason}");
    let banned = Some(format!("banned: {reason}"));
    for (name, host) in [("a", "9.9.9.9"), ("b", "8.8.8.8"), ("c", "::ffff:8.8.8.8")] {
        assert_eq!(come(&mut network, name, at(host), 2_000), banned, "{name} at {host}");
    }
    assert_eq!(come(&mut network, "d", at("8.8.8.10"), 2_000), None);
    let named = Origin {
        configured: true,
        ..at("8.8.8.8")
    };
    assert_eq!(come(&mut network, "named", named, 2_000), None, "the operator named it");
    let names: Vec<_> = network.peers().map(|peer| peer.name.0).collect();
    assert_eq!(names, ["d", "named", "neighbour"]);
    assert_eq!(
        come(&mut network, "b", at("8.8.8.8"), 1_000 + BAN_MS),
        None,
        "it is over"
    );
}

#[test]
fn a_banned_address_lets_no_newcomer_in_and_ends_no_conversation_but_the_offenders() {
    let (_dir, mut network) = session();
    for name in ["offender", "neighbour"] {
        assert_eq!(come(&mut network, name, at("8.8.8.8"), 1_000), None);
    }
    network.connected_from("dialled".into(), true, at("8.8.8.8"), 1_000);
    network.received(&"offender".into(), b"no frame", 2_000);
    let outputs: Vec<_> = network.outputs().collect();
    let ended: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Disconnect { peer, .. } => Some(peer.0.as_str()),
            Output::Send { .. } => None,
        })
        .collect();
    assert_eq!(ended, ["offender"]);
    for second in 3..10 {
        network.poll(second * 1_000);
    }
    let names: Vec<_> = network.peers().map(|peer| peer.name.0).collect();
    assert_eq!(names, ["dialled", "neighbour"], "they go on");
    let third = come(&mut network, "third", at("8.8.8.8"), 10_000).unwrap();
    assert!(third.starts_with("banned: sent bytes that are no message"), "{third}");
    network.connected_from("also-dialled".into(), true, at("8.8.8.8"), 10_000);
    assert_eq!(
        ended_of(&mut network),
        [] as [String; 0],
        "whom this node dials there is another"
    );
    network.connected_from("offender".into(), true, at("8.8.8.8"), 10_000);
    assert_eq!(ended_of(&mut network).len(), 1, "its name is banned either way");
}

/// Why the session has ended conversations, with all peers.
fn ended_of(network: &mut Session) -> Vec<String> {
    let outputs: Vec<_> = network.outputs().collect();
    let reasons = outputs.into_iter().filter_map(|output| match output {
        Output::Disconnect { reason, .. } => Some(reason),
        Output::Send { .. } => None,
    });
    reasons.collect()
}

#[test]
fn a_ban_covers_no_address_behind_which_honest_people_may_be() {
    let (_dir, mut network) = session();
    // A gateway's address, and one where a peer is banned by the operator, by its id.
    for host in ["172.17.0.1", "127.0.0.1", "8.8.8.8"] {
        assert_eq!(come(&mut network, "a", at(host), 1_000), None);
        match host {
            "8.8.8.8" => network.ban(&"a".into(), 10_000, "unwanted".to_owned()),
            _ => network.received(&"a".into(), b"no frame", 1_000),
        }
        assert!(ended(&mut network, &"a".into()).is_some());
        assert_eq!(come(&mut network, "b", at(host), 1_000), None, "{host}");
        network.disconnected(&"b".into(), 1_000);
        assert!(network.unban(&"a".into()));
    }
}

#[test]
fn a_peer_that_the_operator_names_while_it_is_connected_counts_as_named() {
    let (_dir, mut network) = session();
    for (host, names) in [("8.8.8.8", true), ("9.9.9.9", false)] {
        assert_eq!(come(&mut network, "peer", at(host), 1_000), None);
        let named = Origin {
            configured: true,
            ..at(host)
        };
        if names {
            network.place(&"peer".into(), named);
        }
        network.received(&"peer".into(), b"no frame", 1_000);
        assert!(ended(&mut network, &"peer".into()).is_some(), "it is banned");
        // A ban of a named peer never covers its host.
        let other = come(&mut network, "other", at(host), 2_000);
        assert_eq!(other.is_none(), names, "{host}");
        network.disconnected(&"other".into(), 2_000);
        assert!(network.unban(&"peer".into()));
    }
}

#[test]
fn a_banned_range_ends_its_conversations_at_once() {
    let (_dir, mut network) = session();
    assert_eq!(come(&mut network, "a", at("8.8.8.8"), 1_000), None);
    assert_eq!(come(&mut network, "b", at("8.9.8.8"), 1_000), None);
    assert!(network.ban_range("8.8.0.0/16".parse().unwrap(), 5_000, "noise"));
    assert_eq!(ended(&mut network, &"a".into()), Some("banned: noise".to_owned()));
    assert_eq!(network.peers().map(|peer| peer.name.0).collect::<Vec<_>>(), ["b"]);
    let again = come(&mut network, "c", at("8.8.1.1"), 2_000);
    assert_eq!(again, Some("banned: noise".to_owned()));
    assert!(network.unban_range("8.8.0.0/16".parse().unwrap()));
    assert_eq!(come(&mut network, "c", at("8.8.1.1"), 2_000), None);
}

#[test]
fn a_host_and_a_range_have_their_share_and_dialled_peers_stay() {
    let (_dir, mut network) = session();
    network.connected_from("dialled".into(), true, at("8.8.0.1"), 0);
    for number in 0..MAX_INBOUND_HOST {
        let name = format!("host-{number}");
        assert_eq!(come(&mut network, &name, at("8.8.8.8"), 1_000 + number as u64), None);
    }
    let full = come(&mut network, "one-more", at("8.8.8.8"), 2_000);
    assert_eq!(full, Some("there are 4 inbound peers of 8.8.8.8/32 already".to_owned()));
    for number in MAX_INBOUND_HOST..3 * MAX_INBOUND_RANGE {
        let name = format!("range-{number}");
        let host = format!("8.8.9.{number}");
        assert_eq!(
            come(&mut network, &name, at(&host), 3_000 + number as u64),
            None,
            "{name}"
        );
    }
    let (outbound, inbound): (Vec<_>, Vec<_>) = network.peers().partition(|peer| peer.outbound);
    assert_eq!((outbound.len(), inbound.len()), (1, MAX_INBOUND_RANGE));
}
