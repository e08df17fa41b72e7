//! Peers that request much and read nothing, on real sockets: memory for answers has a limit, and others are answered.
//! Rule: docs/protocol.md#N8

mod support;

use std::time::Duration;

use support::{ENVELOPES, clock, mine, spec};
use tally_chain::{Address, BlockId, Height, Weight};
use tally_network::Multiaddr;
use tally_network::raw::RawPeer;
use tally_network::wire::limits::{MAX_UNREAD, MAX_UNREAD_ALL};
use tally_network::wire::{Claim, Frame, Hello, Message, PROTOCOL_VERSION};
use tally_node::Node;

const READERS_OF_NOTHING: usize = 63;
/// Blocks of a megabyte: an answer holds eight of them.
const BLOCKS: u64 = 8;

/// Makes blocks with data worth a megabyte each.
fn fill(node: &Node, clock: &support::HandClock) {
    for block in 0..BLOCKS {
        support::fill(node, block * ENVELOPES);
        mine(node, clock, Address::repeat_byte(1));
    }
}

fn hello(node: &Node) -> Vec<u8> {
    let genesis = node.identity().genesis;
    let claim = Claim {
        tip: genesis,
        height: Height(0),
        weight: Weight::default(),
    };
    let message = Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        genesis,
        claim,
        first: Height(1),
        agent: "reader".to_owned(),
    });
    Frame { request: 0, message }.encode()
}

async fn connect(address: &Multiaddr, hello: &[u8]) -> RawPeer {
    let mut peer = RawPeer::connect(address.clone()).await.unwrap();
    peer.send(hello).await.unwrap();
    peer
}

/// The answer to request 9, whatever else comes before it.
async fn answer(peer: &mut RawPeer) -> Message {
    loop {
        let bytes = peer.recv().await.unwrap();
        let frame = Frame::decode(&bytes, spec().limits.block_bytes).unwrap();
        if frame.request == 9 {
            return frame.message;
        }
    }
}

#[test]
fn answers_that_no_peer_reads_have_a_limit_and_others_are_answered() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let node = support::open(dir.path(), &clock).unwrap();
    fill(&node, &clock);
    let tip = node.tip();
    let records = tip.snapshot.records_from(Height(1));
    let ids: Vec<BlockId> = records.map(|record| record.unwrap().id).collect();
    let encoded = |request, message| Frame { request, message }.encode();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let network = support::listen(&node, dir.path()).await;
        let (address, hello) = (network.addresses()[0].clone(), hello(&node));
        let mut readers_of_nothing = Vec::new();
        for _ in 0..READERS_OF_NOTHING {
            let mut peer = connect(&address, &hello).await;
            for request in 1..=4 {
                let frame = encoded(request, Message::GetBlocks(ids.clone()));
                peer.send(&frame).await.unwrap();
            }
            readers_of_nothing.push(peer);
        }
        let limit = MAX_UNREAD_ALL + (READERS_OF_NOTHING + 1) * MAX_UNREAD;
        let full = MAX_UNREAD_ALL - (9 << 20);
        let begun = std::time::Instant::now();
        loop {
            let unread = network.status().unread_bytes;
            assert!(unread <= limit, "{unread} bytes wait to be read, at most {limit} may");
            if unread >= full {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "only {unread} bytes wait");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }

        let mut honest = connect(&address, &hello).await;
        let genesis = node.identity().genesis;
        honest
            .send(&encoded(9, Message::GetHeaders { locator: vec![genesis] }))
            .await
            .unwrap();
        let Message::Headers(headers) = answer(&mut honest).await else {
            panic!("no headers")
        };
        assert_eq!(headers.len(), ids.len(), "short answers go at once");

        // Blocks wait until there is room: here because the others go away.
        honest.send(&encoded(9, Message::GetBlocks(ids.clone()))).await.unwrap();
        let unread = network.status().unread_bytes;
        assert!(unread <= limit, "{unread} bytes wait to be read, at most {limit} may");
        drop(readers_of_nothing);
        let Message::Blocks(blocks) = answer(&mut honest).await else {
            panic!("no blocks")
        };
        assert!(!blocks.is_empty());
        assert!(network.status().bans.is_empty(), "a slow reader is not banned");
        network.stop().await;
    });
}
