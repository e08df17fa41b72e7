//! A peer that begins its conversation again and again: by name and by host it gets no more than one that stays, and an
//! honest one that comes again is served. Rule: docs/protocol.md#N8

mod support;

use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};

use tally_chain::{Address, Height, Weight};
use tally_network::raw::RawPeer;
use tally_network::session::peers::range::Origin;
use tally_network::session::{Output, PeerName, Session};
use tally_network::wire::limits::{BEGINNINGS_AT_ONCE, MESSAGES_AT_ONCE};
use tally_network::wire::{Claim, Frame, Hello, Message, PROTOCOL_VERSION};
use tally_node::Node;

const PEER: &str = "peer";

fn session() -> (tempfile::TempDir, Node, Session) {
    let dir = tempfile::tempdir().unwrap();
    let node = support::open(dir.path(), &support::clock()).unwrap();
    let network = Session::new(node.clone(), "test");
    (dir, node, network)
}

fn hello(node: &Node) -> Vec<u8> {
    let genesis = node.identity().genesis;
    let message = Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        genesis,
        claim: Claim {
            tip: genesis,
            height: Height(0),
            weight: Weight::default(),
        },
        first: Height(1),
        agent: "again".to_owned(),
    });
    Frame { request: 0, message }.encode()
}

fn request(number: u64) -> Vec<u8> {
    let locator = Vec::new();
    let message = Message::GetHeaders { locator };
    Frame {
        request: number,
        message,
    }
    .encode()
}

/// What the session has sent to the peer.
fn sent(network: &mut Session) -> Vec<Message> {
    let outputs: Vec<_> = network.outputs().collect();
    let frames = outputs.into_iter().filter_map(|output| match output {
        Output::Send { frame, .. } => Some(frame),
        Output::Disconnect { .. } => None,
    });
    let limit = support::spec().limits.block_bytes;
    frames
        .map(|frame| Frame::decode(&frame, limit).unwrap().message)
        .collect()
}

/// Why the session has ended the last conversation, if it has.
fn ended(network: &mut Session) -> Option<String> {
    let outputs: Vec<_> = network.outputs().collect();
    outputs.into_iter().find_map(|output| match output {
        Output::Disconnect { reason, .. } => Some(reason),
        Output::Send { .. } => None,
    })
}

#[test]
fn a_hundred_conversations_of_one_peer_get_the_answers_of_one() {
    let (_dir, node, mut network) = session();
    let (name, now) = (PeerName::from(PEER), 1_000);
    let mut answered = 0;
    for _ in 0..100 {
        network.disconnected(&name, now);
        network.connected(name.clone(), false, now);
        network.received(&name, &hello(&node), now);
        for number in 1..=200 {
            network.received(&name, &request(number), now);
        }
        let answers = sent(&mut network);
        answered += answers
            .iter()
            .filter(|message| matches!(message, Message::Headers(_)))
            .count() as u64;
    }
    assert_eq!(answered, MESSAGES_AT_ONCE);
    assert_eq!(network.counters().offences.get("flood"), Some(&5));
    assert!(network.ban_of(&name).is_some());
}

#[test]
fn an_honest_peer_that_was_cut_off_is_served_again() {
    let (_dir, node, mut network) = session();
    let name = PeerName::from(PEER);
    let id = support::submit(&node, support::payment(&node, 0, 0, Address::repeat_byte(7), 5));
    for cut in 0..10 {
        let now = 1_000 + cut * 1_000;
        network.connected(name.clone(), false, now);
        network.received(&name, &hello(&node), now);
        network.received(&name, &request(1), now);
        let sent = sent(&mut network);
        assert!(
            sent.contains(&Message::Inventory(vec![id])),
            "the pool is offered: {sent:?}"
        );
        assert!(sent.contains(&Message::Headers(Vec::new())), "it is answered: {sent:?}");
        network.disconnected(&name, now);
    }
    assert!(network.counters().offences.is_empty());
}

#[test]
fn a_host_that_makes_up_a_name_for_each_conversation_is_let_in_ever_more_slowly() {
    let (_dir, node, mut network) = session();
    let at = |host: &str| Origin {
        host: Some(host.parse().unwrap()),
        ..Origin::default()
    };
    let mut come = |number: u64, host: &str, now: u64| {
        let name = PeerName(format!("{number}"));
        network.connected_from(name.clone(), false, at(host), now);
        let rejected = ended(&mut network);
        if rejected.is_none() {
            network.received(&name, &hello(&node), now);
            network.disconnected(&name, now);
        }
        rejected
    };
    for number in 0..BEGINNINGS_AT_ONCE {
        assert_eq!(come(number, "8.8.8.8", 1_000), None, "{number}");
    }
    let rejected = Some("8.8.8.8/32 has begun too many conversations: one every 5 s is taken".to_owned());
    assert_eq!(come(100, "8.8.8.8", 1_000), rejected);
    assert_eq!(come(101, "8.8.8.9", 1_000), None, "its neighbours are others");
    assert_eq!(come(102, "8.8.8.8", 6_000), None);
    assert_eq!(come(103, "8.8.8.8", 6_000), rejected);
    assert!(network.bans().next().is_none(), "behind one address there may be many");
}

/// Both are behind one address, whose allowance the first uses up. It names its requests so that they would come first.
#[test]
fn a_peer_that_shares_a_host_with_one_that_requests_much_is_answered_in_turn() {
    let (_dir, node, mut network) = session();
    let host = Some("8.8.8.8".parse().unwrap());
    let names = ["greedy", "honest"].map(PeerName::from);
    for name in &names {
        let origin = Origin {
            host,
            ..Origin::default()
        };
        network.connected_from(name.clone(), false, origin, 1_000);
        network.received(name, &hello(&node), 1_000);
    }
    let costly = Frame {
        request: 1,
        message: Message::GetCheckpoint,
    };
    for _ in 0..40 {
        network.received(&names[0], &costly.encode(), 1_000);
    }
    network.received(&names[1], &request(2), 1_000);
    let answered = |message: &Message| matches!(message, Message::Headers(_));
    assert!(!sent(&mut network).iter().any(answered), "the allowance is used up");
    network.poll(2_000);
    network.poll(3_000);
    assert!(sent(&mut network).iter().any(answered));
    assert!(network.counters().offences.is_empty());
}

/// On real sockets: another substream neither begins a new conversation nor ends the one that is there.
#[test]
fn another_substream_does_not_begin_a_young_conversation_anew() {
    let dir = tempfile::tempdir().unwrap();
    let node = support::open(dir.path(), &support::clock()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let network = support::listen(&node, dir.path()).await;
        let mut peer = RawPeer::connect(network.addresses()[0].clone()).await.unwrap();
        peer.send(&hello(&node)).await.unwrap();
        peer.recv().await.unwrap();
        for _ in 0..20 {
            peer.begin_again().await.unwrap();
            // Written or not: the node closes it without a word.
            let _ = peer.send(&hello(&node)).await;
            // The substream ends, in order or not, and nothing is sent on it.
            let ended = peer.recv().await.expect_err("no second conversation").kind();
            assert!(matches!(ended, UnexpectedEof | ConnectionReset), "{ended:?}");
            peer.go_back();
        }
        peer.send(&request(9)).await.unwrap();
        loop {
            let bytes = peer.recv().await.unwrap();
            let frame = Frame::decode(&bytes, support::spec().limits.block_bytes).unwrap();
            if frame.request == 9 {
                assert_eq!(frame.message, Message::Headers(Vec::new()));
                break;
            }
        }
        network.stop().await;
    });
}
