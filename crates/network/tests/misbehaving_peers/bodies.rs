//! Blocks that are held until those before them come: how many bytes of them, whichever peer sends them. Rule: docs/protocol.md#N6

use std::collections::BTreeMap;

use tally_chain::block::encode_block;
use tally_chain::{BlockId, Bytes, Header, Height, Manifest, merkle};
use tally_network::session::{Output, PeerName, Session};
use tally_network::wire::limits::{MAX_HELD_BYTES, MAX_HELD_OF_A_CHAIN, MAX_SYNCS};
use tally_network::wire::{Claim, Frame, Hello, Message, PROTOCOL_VERSION};
use tally_node::Node;

use crate::support::{self, HandClock, assert_sound, spec};
use crate::town::{BEGIN, HONEST, genesis_header, headers_of, sealed, weight_of};

/// Bytes of one large block: one of them fits into a chain's part of the room, two do not.
const LARGE: usize = 25 << 20;
const _: () = assert!(LARGE < MAX_HELD_OF_A_CHAIN && 2 * LARGE > MAX_HELD_OF_A_CHAIN);

/// What a scripted peer answers to a request for blocks; nothing where it stays silent.
type Answer = Box<dyn Fn(&[BlockId]) -> Option<Vec<Bytes>>>;

struct Scripted {
    headers: Vec<Header>,
    blocks: Answer,
}

/// Work behind every header, and large blocks that are what the headers name. Of those that are requested it sends one in each
/// answer, and never the first of its chain, so that none of them is imported.
fn hostile(node: &Node, number: u8, count: usize) -> Scripted {
    let genesis = genesis_header(node);
    let envelope = Bytes::from(vec![number; LARGE]);
    let record = node.tip().snapshot.known(&genesis.id()).unwrap();
    let manifest = Manifest {
        transactions_root: merkle::root(&[merkle::leaf_hash(&envelope)]),
        ..record.manifest
    };
    let mut headers: Vec<Header> = Vec::new();
    for _ in 0..count {
        let parent = headers.last().copied().unwrap_or(genesis);
        headers.push(sealed(Header {
            version: 1,
            parent: parent.id(),
            manifest_root: manifest.root(),
            time: parent.time + 1,
            bits: parent.bits,
            nonce: 0,
        }));
    }
    let own = headers.clone();
    let blocks = move |ids: &[BlockId]| -> Option<Vec<Bytes>> {
        if ids == [own[0].id()] {
            return None;
        }
        let later = own[1..].iter().find(|header| ids.contains(&header.id()));
        let block = |header: &Header| Bytes::from(encode_block(header, &manifest, std::iter::once(&envelope)));
        Some(later.map(block).into_iter().collect())
    };
    Scripted {
        headers,
        blocks: Box::new(blocks),
    }
}

/// Sends all that it has of what is requested.
fn honest(node: &Node) -> Scripted {
    let headers = headers_of(node, 1);
    let blocks = support::blocks(node);
    let by_id: BTreeMap<_, _> = headers.iter().map(Header::id).zip(blocks).collect();
    let blocks = move |ids: &[BlockId]| -> Option<Vec<Bytes>> {
        let known = ids.iter().filter_map(|id| by_id.get(id).cloned());
        Some(known.collect())
    };
    Scripted {
        headers,
        blocks: Box::new(blocks),
    }
}

struct Stage {
    network: Session,
    peers: BTreeMap<PeerName, Scripted>,
    now: u64,
    most_held: usize,
}

impl Stage {
    fn enter(&mut self, name: &str, outbound: bool, peer: Scripted) {
        let tip = peer.headers.last().unwrap().id();
        let claim = Claim {
            tip,
            height: Height(peer.headers.len() as u64),
            weight: weight_of(self.network.node(), &peer.headers),
        };
        let hello = Hello {
            version: PROTOCOL_VERSION,
            genesis: self.network.node().identity().genesis,
            claim,
            first: Height(1),
            agent: "scripted".to_owned(),
        };
        let name = PeerName::from(name);
        self.peers.insert(name.clone(), peer);
        self.network.connected(name.clone(), outbound, self.now);
        self.send_message(&name, 0, Message::Hello(hello));
    }

    fn send_message(&mut self, name: &PeerName, request: u64, message: Message) {
        let frame = Frame { request, message }.encode();
        self.network.received(name, &frame, self.now);
        self.most_held = self.most_held.max(self.network.held_bytes());
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.network.poll(self.now);
        loop {
            let outputs: Vec<_> = self.network.outputs().collect();
            if outputs.is_empty() && !self.network.busy() {
                return;
            }
            for output in outputs {
                match output {
                    Output::Send { peer, frame } => {
                        let frame = Frame::decode(&frame, spec().limits.block_bytes).unwrap();
                        self.answer(&peer, frame.request, &frame.message);
                    }
                    Output::Disconnect { peer, reason } => panic!("{peer} is disconnected: {reason}"),
                }
            }
            self.network.poll(self.now);
        }
    }

    fn answer(&mut self, name: &PeerName, request: u64, requested: &Message) {
        let peer = &self.peers[name];
        let answer = match requested {
            Message::Ping => Some(Message::Pong),
            Message::GetHeaders { locator } => {
                let known = peer.headers.iter().rposition(|header| locator.contains(&header.id()));
                let next = known.map_or(0, |at| at + 1);
                Some(Message::Headers(peer.headers[next..].to_vec()))
            }
            Message::GetBlocks(ids) => (peer.blocks)(ids).map(Message::Blocks),
            _ => None,
        };
        if let Some(answer) = answer {
            self.send_message(name, request, answer);
        }
    }
}

#[test]
fn hostile_sources_with_real_work_fill_no_more_than_their_part_and_an_honest_chain_comes() {
    let clock = HandClock::at(u64::from(spec().genesis_time) + BEGIN);
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [own, other] = [&dirs[0], &dirs[1]].map(|dir| support::open(dir.path(), &clock).unwrap());
    for _ in 0..40 {
        support::mine(&other, &clock, HONEST);
    }
    let mut stage = Stage {
        network: Session::new(own.clone(), "own"),
        peers: BTreeMap::new(),
        now: 1_000_000,
        most_held: 0,
    };
    for number in 0..MAX_SYNCS as u8 {
        let name = format!("hostile-{number}");
        stage.enter(&name, false, hostile(&own, number, 200));
    }
    for _ in 0..20 {
        stage.pass(500);
    }
    assert!(
        stage.most_held >= MAX_SYNCS * LARGE,
        "each fills what it can: {} bytes",
        stage.most_held
    );
    stage.enter("honest", true, honest(&other));
    while own.tip().record.id != other.tip().record.id {
        assert!(stage.now < 1_120_000, "the honest chain comes within two minutes");
        stage.pass(500);
    }
    assert!(stage.most_held <= MAX_HELD_BYTES, "{} bytes are held", stage.most_held);
    assert_eq!(stage.network.bans().count(), 0);
    let scores: Vec<_> = stage.network.peers().map(|peer| (peer.name, peer.score)).collect();
    assert!(scores.iter().all(|(_, score)| *score == 0), "{scores:?}");
    assert_sound(&own);
}
