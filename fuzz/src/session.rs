//! Peers: frames, and whole conversations of scripted peers with a node's session.

use std::cell::RefCell;
use std::sync::Arc;

use tally_chain::pow::Search;
use tally_chain::{Address, BlockId, Bytes, ChainSpec, Height, UnixSecs, Weight, genesis};
use tally_network::session::{Output, PeerName, Session};
use tally_network::wire::{Claim, Frame, Hello, Message, PROTOCOL_VERSION};
use tally_node::{Node, NodeConfig};
use tally_wallet::{Secp256k1Key, SigningKey, payment, system_rng};

use crate::target::Target;
use crate::wallet::samples;

pub const TARGETS: &[Target] = &[
    Target {
        name: "frame",
        run: frame,
        seeds: frames,
    },
    Target {
        name: "session",
        run: session,
        seeds: session_seeds,
    },
];

/// Blocks of the node that peers connect to.
const BLOCKS: u32 = 8;

/// One encoding, but for the name that a program gives itself: what is no text in it is replaced.
fn frame(data: &[u8]) {
    let Ok(frame) = Frame::decode(data, 1 << 20) else {
        return;
    };
    let encoded = frame.encode();
    assert_eq!(Frame::decode(&encoded, 1 << 20).as_ref(), Ok(&frame));
    if !matches!(frame.message, Message::Hello(_)) {
        assert_eq!(encoded, data, "one encoding");
    }
}

fn config(folder: &tempfile::TempDir) -> NodeConfig {
    NodeConfig {
        max_reorg_depth: 100,
        ..NodeConfig::new(folder.path().to_owned(), samples::spec())
    }
}

/// The same every time: a clock that stands still some time after genesis.
fn clock(spec: &ChainSpec) -> tally_node::Clock {
    let now = UnixSecs(u64::from(spec.genesis_time) + 1_000);
    Arc::new(move || now)
}

/// A node with a short chain, in a folder that lasts as long.
pub struct Fixture {
    pub node: Node,
    _folder: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let spec = samples::spec();
        let node = Node::open(config(&folder), clock(&spec)).expect("a new node");
        for _ in 0..BLOCKS {
            mine(&node);
        }
        Self { node, _folder: folder }
    }
}

fn mine(node: &Node) {
    let job = node.template(Address::ZERO).expect("a template");
    let mut header = job.header;
    let nonce = loop {
        if let Some(nonce) = Search::new(&header, job.target).scan(0, 1 << 20) {
            break nonce;
        }
        header.time += 1;
    };
    header.nonce = nonce;
    let block = tally_chain::block::encode_block(
        &header,
        &job.manifest,
        job.transactions.iter().map(|transaction| transaction.envelope()),
    );
    node.import_block(&block)
        .expect("a sealed block of the node's own template");
}

thread_local! {
    static FIXTURE: RefCell<Option<Fixture>> = const { RefCell::new(None) };
}

/// Runs with a node that was made once.
pub fn with_node<T>(work: impl FnOnce(&Node) -> T) -> T {
    FIXTURE.with_borrow_mut(|fixture| work(&fixture.get_or_insert_with(Fixture::new).node))
}

fn hello(node: &Node, ahead: u64) -> Message {
    let tip = node.tip();
    Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        genesis: node.identity().genesis,
        claim: Claim {
            tip: BlockId(tally_chain::hash::sha256(&[&ahead.to_be_bytes()])),
            height: Height(tip.record.height().0 + ahead),
            weight: tip.record.weight.plus(Weight(tally_chain::U256::from(ahead))),
        },
        first: Height(1),
        agent: "fuzz".to_owned(),
    })
}

/// Messages with what is true in this chain, for a fuzzer to change: ids, headers, blocks.
fn messages(node: &Node) -> Vec<Message> {
    let tip = node.tip();
    let ids: Vec<BlockId> = (1..=u64::from(BLOCKS))
        .filter_map(|height| tip.snapshot.id_at(Height(height)).ok().flatten())
        .collect();
    let mut all = vec![hello(node, 0), hello(node, 3), Message::Ping, Message::Pong];
    all.push(Message::GetHeaders { locator: ids.clone() });
    all.push(Message::GetBlocks(ids.clone()));
    all.push(Message::GetManifests(ids.clone()));
    all.push(Message::GetCheckpoint);
    all.push(Message::Checkpoint(None));
    all.push(Message::Transactions(vec![Bytes::from(samples::envelope())]));
    all.push(Message::Blocks(Vec::new()));
    if let Some(block) = ids.first() {
        all.push(Message::GetPart { block: *block, part: 0 });
        all.push(Message::GetBlockTransactions {
            block: *block,
            indexes: vec![0],
        });
    }
    all.push(Message::Inventory(vec![tally_chain::TxId(
        tally_chain::B256::repeat_byte(3),
    )]));
    all
}

fn frames() -> Vec<Vec<u8>> {
    with_node(|node| {
        let all = messages(node).into_iter().enumerate();
        all.map(|(request, message)| {
            Frame {
                request: request as u64,
                message,
            }
            .encode()
        })
        .collect()
    })
}

/// Steps of a script: which peer, what it does, how long a frame, the frame.
fn session_seeds() -> Vec<Vec<u8>> {
    let mut script = Vec::new();
    for (number, frame) in frames().into_iter().enumerate() {
        script.push(vec![number as u8 % 3, 0]);
        script.push(step(number as u8 % 3, &frame));
    }
    let whole = script.concat();
    vec![whole, script[..4].concat()]
}

fn step(peer: u8, frame: &[u8]) -> Vec<u8> {
    [&[peer, 1], &(frame.len() as u16).to_be_bytes()[..], frame].concat()
}

/// Three peers connect, send, fall silent and leave in any order. The node answers without panic, keeps its own chain, and
/// never bans the peer that only connected and sent its hello.
fn session(data: &[u8]) {
    with_node(|node| {
        let tip = node.tip().record.id;
        let honest = PeerName("honest".to_owned());
        let mut network = Session::new(node.clone(), "fuzzed");
        let mut now = 1_000_000;
        network.connected(honest.clone(), true, now);
        network.received(
            &honest,
            &Frame {
                request: 0,
                message: hello(node, 0),
            }
            .encode(),
            now,
        );
        let mut rest = data;
        while let Some((head, after)) = rest.split_first_chunk::<2>() {
            rest = after;
            let peer = PeerName(format!("peer-{}", head[0] % 3));
            match head[1] % 5 {
                0 => network.connected(peer, head[0] & 4 != 0, now),
                1 => {
                    let Some((length, after)) = rest.split_first_chunk::<2>() else {
                        break;
                    };
                    let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
                    let (frame, after) = after.split_at(length);
                    rest = after;
                    network.received(&peer, frame, now);
                }
                2 => network.disconnected(&peer, now),
                3 => now += u64::from(head[0]) * 100,
                _ => network.poll(now),
            }
            answer_pings(&mut network, &honest, now);
        }
        assert!(
            network.ban_of(&honest).is_none(),
            "a peer that did nothing wrong is banned"
        );
        assert_eq!(node.tip().record.id, tip, "nothing here has more work");
    });
}

/// The honest peer answers the requests that it can: pings.
fn answer_pings(network: &mut Session, honest: &PeerName, now: u64) {
    let outputs: Vec<Output> = network.outputs().collect();
    for output in outputs {
        let Output::Send { peer, frame } = output else { continue };
        if peer != *honest {
            continue;
        }
        let Ok(Frame {
            request,
            message: Message::Ping,
        }) = Frame::decode(&frame, 1 << 20)
        else {
            continue;
        };
        network.received(
            honest,
            &Frame {
                request,
                message: Message::Pong,
            }
            .encode(),
            now,
        );
    }
}

/// A receipt as the node gives it out, of a payment in a block of its own.
pub fn receipt_of_a_payment() -> Vec<u8> {
    let fixture = Fixture::new();
    let chain = genesis::identity(&samples::spec());
    // PUBLIC: account 0 of the phrase of the samples.
    let secret = alloy_primitives::hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    let key = SigningKey::Secp256k1(Secp256k1Key::from_secret(&secret).expect("a key in range"));
    let payload = tally_chain::transaction::Payload {
        chain_id: chain.chain_id,
        nonce: 0,
        timestamp: UnixSecs(u64::from(samples::spec().genesis_time) + 1_000),
        max_priority_fee: 1,
        max_fee: 20_000_000_000,
        gas_limit: 50_000,
        to: Some(Address::repeat_byte(7)),
        value: tally_chain::Amount(tally_chain::U256::from(5)),
        data: Bytes::new(),
    };
    let signed = payment::sign(&chain, key.address(), &key, &payload.encode(), &mut system_rng());
    let signed = signed.expect("a signature");
    fixture.node.submit(signed.envelope).expect("a payment");
    mine(&fixture.node);
    mine(&fixture.node);
    let tip = fixture.node.tip();
    let place = tip
        .snapshot
        .place(&signed.id)
        .expect("a read")
        .expect("it is in a block");
    let receipt = fixture
        .node
        .portable_receipt(&tip, place)
        .expect("a read")
        .expect("its block is kept");
    receipt.write().into_bytes()
}
