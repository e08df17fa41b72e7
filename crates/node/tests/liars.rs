//! Liars by name: one peer that speaks the protocol and breaks it, two honest nodes that are connected with each other.
//! Each story ends with the liar's penalty, both honest nodes at the honest tip, and an audit of both that agrees.
//! Rule: docs/protocol.md#N9; what only sockets can do (frames too long, too slow) is in `crates/node/src/p2p/link.rs`.

mod support;

use std::collections::VecDeque;

use support::{HandClock, assert_sound, audit_folder, forged_block, mine, payment, spec};
use tally_chain::block::{Ancestors, RawBlock};
use tally_chain::hash::sha256;
use tally_chain::pow::{Search, Target};
use tally_chain::{Address, B256, BlockId, Bytes, Header, Height, TxId, U256, Work};
use tally_node::Node;
use tally_node::net::limits::{MAX_HEADERS, MAX_PLANNED};
use tally_node::net::wire::{Claim, CompactBlock, Frame, Hello, Message, PROTOCOL_VERSION, max_frame_bytes};
use tally_node::net::{Network, Output, PeerName, short_id};

const LIAR: &str = "liar";
/// Who mines honestly.
const HONEST: Address = Address::repeat_byte(1);
/// Seconds after genesis at which the stories begin: room for many blocks of one second each.
const BEGIN: u64 = 100_000;

struct Honest {
    dir: tempfile::TempDir,
    network: Network,
}

/// Two honest nodes and a liar, who is connected with the first.
struct Town {
    honest: [Honest; 2],
    clock: HandClock,
    /// Milliseconds, for the conversations.
    now: u64,
    /// What the first node said to the liar and he has not looked at.
    heard: VecDeque<Frame>,
    /// Why the first node ended the connection with the liar.
    ended: Option<String>,
}

fn headers_of(node: &Node, from: u64) -> Vec<Header> {
    let tip = node.tip();
    let records = tip.snapshot.records_from(Height(from));
    records.map(|record| record.unwrap().header).collect()
}

fn ancestors_of(node: &Node) -> Ancestors {
    node.tip().ancestors.clone()
}

/// A node of the liar's own, on the same chain, with its own blocks.
fn other_branch(clock: &HandClock, blocks: usize) -> (tempfile::TempDir, Node) {
    let dir = tempfile::tempdir().unwrap();
    let node = support::open(dir.path(), clock).unwrap();
    for _ in 0..blocks {
        support::mine_now(&node, Address::repeat_byte(0xba));
    }
    (dir, node)
}

impl Town {
    /// Both honest nodes have `blocks` blocks.
    fn new(blocks: usize) -> Self {
        let clock = HandClock::at(u64::from(spec().genesis_time) + BEGIN);
        let honest = [(); 2].map(|()| {
            let dir = tempfile::tempdir().unwrap();
            let node = support::open(dir.path(), &clock).unwrap();
            let network = Network::new(node, "honest");
            Honest { dir, network }
        });
        let mut town = Self {
            honest,
            clock,
            now: 1_000_000,
            heard: VecDeque::new(),
            ended: None,
        };
        let now = town.now;
        town.honest[0].network.connected("1".into(), true, now);
        town.honest[1].network.connected("0".into(), false, now);
        town.carry();
        for _ in 0..blocks {
            town.mine_honestly();
        }
        town
    }

    fn node(&self) -> &Node {
        self.honest[0].network.node()
    }

    fn mine_honestly(&mut self) {
        mine(self.honest[1].network.node(), &self.clock, HONEST);
        self.pass(0);
        let tips = self
            .honest
            .each_ref()
            .map(|member| member.network.node().tip().record.id);
        assert_eq!(tips[0], tips[1], "the honest agree at once");
    }

    /// Lets time pass and everything be said and heard that follows from it.
    fn pass(&mut self, millis: u64) {
        self.now += millis;
        let now = self.now;
        for member in &mut self.honest {
            member.network.poll(now);
        }
        self.carry();
    }

    fn carry(&mut self) {
        let now = self.now;
        loop {
            let mut quiet = true;
            for at in 0..2 {
                let outputs: Vec<_> = self.honest[at].network.outputs().collect();
                quiet &= outputs.is_empty() && !self.honest[at].network.busy();
                for output in outputs {
                    match output {
                        Output::Send { peer, frame } if peer.0 == LIAR => {
                            let frame = Frame::decode(&frame, spec().limits.block_bytes).unwrap();
                            self.heard.push_back(frame);
                        }
                        Output::Send { frame, .. } => {
                            let from = PeerName(at.to_string());
                            self.honest[1 - at].network.received(&from, &frame, now);
                        }
                        Output::Disconnect { peer, reason } => {
                            assert_eq!(peer.0, LIAR, "an honest node is sent away: {reason}");
                            self.ended = Some(reason);
                        }
                    }
                }
                if self.honest[at].network.busy() {
                    self.honest[at].network.poll(now);
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// The liar comes, and says what his chain weighs.
    fn liar(&mut self, tip: BlockId, height: u64, weight: Work) {
        let hello = Hello {
            version: PROTOCOL_VERSION,
            genesis: self.node().identity().genesis,
            claim: Claim {
                tip,
                height: Height(height),
                weight,
            },
            first: Height(1),
            agent: "liar/1".to_owned(),
        };
        self.liar_says_hello(hello);
    }

    /// The liar comes with a chain that weighs as much as the honest one.
    fn liar_of_equal_weight(&mut self) {
        let record = self.node().tip().record.clone();
        self.liar(record.id, record.height().0, record.weight);
    }

    fn liar_says_hello(&mut self, hello: Hello) {
        let now = self.now;
        self.honest[0].network.connected(LIAR.into(), false, now);
        self.say(Message::Hello(hello));
    }

    fn say(&mut self, message: Message) {
        self.answer(0, message);
    }

    fn answer(&mut self, question: u64, message: Message) {
        self.send(&Frame { question, message }.encode());
    }

    fn send(&mut self, frame: &[u8]) {
        let now = self.now;
        self.honest[0].network.received(&LIAR.into(), frame, now);
        self.carry();
    }

    /// The next thing the first node asks the liar, pings answered meanwhile; `None` if it asks nothing within `millis`.
    fn asked_within(&mut self, millis: u64) -> Option<(u64, Message)> {
        let end = self.now + millis;
        loop {
            while let Some(frame) = self.heard.pop_front() {
                match frame.message {
                    Message::Ping => self.answer(frame.question, Message::Pong),
                    message @ (Message::GetHeaders { .. }
                    | Message::GetBlocks(_)
                    | Message::GetTransactions(_)
                    | Message::GetBlockTransactions { .. }) => return Some((frame.question, message)),
                    _ => {}
                }
            }
            if self.now >= end || self.ended.is_some() {
                return None;
            }
            self.pass(1_000);
        }
    }

    fn asked(&mut self) -> (u64, Message) {
        self.asked_within(30_000).expect("the node asks the liar for something")
    }

    /// Answers questions for headers and blocks from a chain, the headers beginning after the locator's.
    fn serve_headers(&mut self, headers: &[Header]) -> Option<(u64, Message)> {
        loop {
            match self.asked_within(60_000)? {
                (question, Message::GetHeaders { locator }) => {
                    let known = headers.iter().position(|header| locator.contains(&header.id()));
                    let next = known.map_or(0, |at| at + 1);
                    let some = headers[next..].iter().take(MAX_HEADERS).copied().collect();
                    self.answer(question, Message::Headers(some));
                }
                other => return Some(other),
            }
        }
    }

    fn offences(&self, name: &str) -> u64 {
        self.honest[0]
            .network
            .counters()
            .offences
            .get(name)
            .copied()
            .unwrap_or(0)
    }

    /// The liar is banned for this, the honest are not, and go on; audits agree.
    fn banned_for(mut self, offence: &str, reason: &str) {
        assert!(self.offences(offence) > 0, "{:?}", self.honest[0].network.counters());
        let bans: Vec<_> = self.honest[0].network.bans().cloned().collect();
        assert_eq!(bans.len(), 1, "{bans:?}");
        assert_eq!(bans[0].name.0, LIAR);
        assert!(bans[0].reason.contains(reason), "{}", bans[0].reason);
        assert_eq!(
            self.ended.as_deref(),
            Some(&*bans[0].reason),
            "the connection ends with the ban"
        );
        // He is not let in again.
        self.ended = None;
        let now = self.now;
        self.honest[0].network.connected(LIAR.into(), false, now);
        self.carry();
        assert_eq!(self.ended.as_deref(), Some(&*format!("banned: {}", bans[0].reason)));
        self.goes_on();
    }

    /// The honest nodes mine on, agree, are sound, and audits agree.
    fn goes_on(mut self) {
        let before = self.node().tip().record.height();
        self.mine_honestly();
        let record = self.node().tip().record.clone();
        assert_eq!((record.height(), record.manifest.producer), (before.next(), HONEST));
        assert_eq!(self.honest[1].network.bans().count(), 0);
        for Honest { dir, network } in self.honest {
            assert_sound(network.node());
            let node = network.node().clone();
            drop(network);
            node.close().unwrap();
            drop(node);
            audit_folder(dir.path(), self.clock.now());
        }
    }
}

/// The compact form of a block, true in everything.
fn compact(node: &Node, bytes: &[u8], weight: Work) -> CompactBlock {
    let block = RawBlock::decode(bytes, node.spec().limits.block_bytes).unwrap();
    let id = block.header.id();
    let ids = node.checker().check_all(block.transactions).unwrap();
    CompactBlock {
        header: block.header,
        manifest: block.manifest,
        weight,
        transactions: ids.iter().map(|transaction| short_id(&id, &transaction.id())).collect(),
    }
}

/// Headers with work and no block behind them, one second apart.
fn headers_after(parent: &Header, count: usize) -> Vec<Header> {
    let mut headers: Vec<Header> = Vec::with_capacity(count);
    for _ in 0..count {
        let parent = headers.last().unwrap_or(parent);
        let header = Header {
            version: 1,
            parent: parent.id(),
            manifest_root: B256::repeat_byte(0xee),
            time: parent.time + 1,
            bits: parent.bits,
            nonce: 0,
        };
        headers.push(sealed(header));
    }
    headers
}

fn sealed(mut header: Header) -> Header {
    let target = Target::from_bits(header.bits).unwrap();
    header.nonce = Search::new(&header, target).scan(0, 1 << 24).unwrap();
    header
}

fn genesis_header(node: &Node) -> Header {
    headers_of(node, 0)[0]
}

fn huge() -> Work {
    Work(U256::MAX >> 8)
}

#[test]
fn an_invalid_block() {
    let mut town = Town::new(3);
    town.liar_of_equal_weight();
    let node = town.node().clone();
    // Right in all that a header shows, and its base fee is not the one that follows.
    let (_, forged) = forged_block(&node, &ancestors_of(&node), &town.clock);
    let mut manifest = forged.manifest;
    manifest.base_fee += 1;
    let header = sealed(Header {
        manifest_root: manifest.root(),
        ..forged.header
    });
    town.say(Message::CompactBlock(Box::new(CompactBlock {
        header,
        manifest,
        weight: huge(),
        transactions: Vec::new(),
    })));
    let reason = format!("led to the invalid block {}", header.id());
    drop(node);
    town.banned_for("invalid_block", &reason);
}

#[test]
fn an_invalid_state_root_under_a_longer_branch() {
    let mut town = Town::new(2);
    let node = town.node().clone();
    // Blocks of the liar's own after genesis: the second one lies about the state, and two more lie on top of it.
    let (_dir, other) = other_branch(&town.clock, 1);
    let mut bytes = support::blocks(&other);
    let mut ancestors = ancestors_of(&other);
    let mut lie = None;
    for _ in 0..3 {
        let (block, parent) = forged_block(&other, &ancestors, &town.clock);
        ancestors = ancestors.then(parent.clone(), &spec().engine());
        lie.get_or_insert(parent.id);
        bytes.push(block.into());
    }
    let headers: Vec<_> = bytes
        .iter()
        .map(|bytes| RawBlock::decode(bytes, spec().limits.block_bytes).unwrap().header)
        .collect();
    let tip = headers.last().unwrap().id();
    town.liar(tip, 4, huge());
    let honest_tip = node.tip().record.id;
    while let Some((question, Message::GetBlocks(ids))) = town.serve_headers(&headers) {
        let place = |id: &BlockId| headers.iter().position(|header| header.id() == *id).unwrap();
        let some = ids.iter().map(|id| bytes[place(id)].clone()).collect();
        town.answer(question, Message::Blocks(some));
    }
    assert_eq!(node.tip().record.id, honest_tip, "it stays on the valid branch");
    let reason = format!("block {} at height 2 does not execute: state_root is", lie.unwrap());
    drop(node);
    town.banned_for("invalid_block", &reason);
}

#[test]
fn withheld_bodies() {
    let mut town = Town::new(2);
    let (_dir, other) = other_branch(&town.clock, 5);
    let headers = headers_of(&other, 1);
    let record = other.tip().record.clone();
    town.liar(record.id, record.height().0, record.weight);
    let mut withheld = 0;
    while let Some((question, Message::GetBlocks(_))) = town.serve_headers(&headers) {
        withheld += 1;
        town.answer(question, Message::Blocks(Vec::new()));
    }
    assert_eq!(withheld, 1, "nothing is asked for twice that a peer does not have");
    let offences = town.offences("withheld_block");
    assert_eq!(offences, 3, "50 points each, some forgiven until the node tries again");
    town.banned_for("withheld_block", &format!("withheld block {}", headers[0].id()));
}

#[test]
fn coming_again_wipes_nothing_out() {
    let mut town = Town::new(20);
    let old = compact(town.node(), &support::blocks(town.node())[0], huge());
    let mut told = 0;
    while town.ended.is_none() {
        town.liar_of_equal_weight();
        town.say(Message::CompactBlock(Box::new(old.clone())));
        told += 1;
        let now = town.now;
        town.honest[0].network.disconnected(&LIAR.into(), now);
        town.carry();
    }
    assert_eq!(told, 50);
    town.banned_for("stale_block", "long after a heavier one");
}

#[test]
fn endless_headers() {
    let mut town = Town::new(2);
    let node = town.node().clone();
    town.liar(BlockId(B256::repeat_byte(0xaa)), 1 << 40, huge());
    let mut last = genesis_header(&node);
    let mut sent = 0;
    // As many as are asked for; blocks are never sent, nor refused.
    while let Some((question, message)) = town.asked_within(60_000) {
        if let Message::GetHeaders { locator } = message {
            let again = !locator.contains(&last.id());
            if again {
                (last, sent) = (genesis_header(&node), 0);
            }
            let headers = headers_after(&last, MAX_HEADERS);
            (last, sent) = (*headers.last().unwrap(), sent + headers.len());
            assert!(sent <= MAX_PLANNED, "{sent} headers are kept without one block");
            town.answer(question, Message::Headers(headers));
        }
    }
    drop(node);
    town.banned_for("withheld_block", "whose header it had sent");
}

#[test]
fn low_work_headers() {
    let mut town = Town::new(30);
    let node = town.node().clone();
    let headers = headers_after(&genesis_header(&node), 20);
    town.liar(headers[19].id(), 20, huge());
    assert!(town.serve_headers(&headers).is_none(), "no block of it is asked for");
    drop(node);
    town.banned_for("low_work", "claimed a heavier chain than it has shown");
}

#[test]
fn headers_without_work() {
    let mut town = Town::new(2);
    let node = town.node().clone();
    let mut headers = headers_after(&genesis_header(&node), 20);
    let target = Target::from_bits(headers[19].bits).unwrap();
    while target.is_met_by(&headers[19].id()) {
        headers[19].nonce += 1;
    }
    town.liar(headers[19].id(), 20, huge());
    assert!(town.serve_headers(&headers).is_none(), "no block of it is asked for");
    drop(node);
    town.banned_for("invalid_header", "sent a header that breaks a rule");
}

#[test]
fn an_orphan_flood() {
    let mut town = Town::new(3);
    town.liar_of_equal_weight();
    let node = town.node().clone();
    let (_, forged) = forged_block(&node, &ancestors_of(&node), &town.clock);
    let mut told = 0;
    while town.ended.is_none() {
        let parent = BlockId(B256::with_last_byte(told));
        let header = sealed(Header {
            parent,
            ..forged.header
        });
        let block = CompactBlock {
            header,
            manifest: forged.manifest.clone(),
            weight: Work::default(),
            transactions: Vec::new(),
        };
        town.say(Message::CompactBlock(Box::new(block)));
        told += 1;
    }
    assert_eq!(told, 10);
    assert_eq!(town.offences("orphan"), 10);
    drop(node);
    town.banned_for("orphan", "whose parent nobody showed");
}

#[test]
fn an_oversize_message() {
    let mut town = Town::new(2);
    town.liar_of_equal_weight();
    town.send(&vec![0; max_frame_bytes(spec().limits.block_bytes) + 1]);
    town.banned_for("malformed", "sent bytes that are no message: frame");
}

#[test]
fn a_slow_loris() {
    let mut town = Town::new(2);
    town.liar_of_equal_weight();
    // What a driver says of frames that do not go on; and questions that are never answered.
    while town.ended.is_none() {
        town.pass(1_000);
    }
    assert!(town.offences("timeout") > 1, "not for one late answer");
    town.banned_for("timeout", "did not answer in time");
}

#[test]
fn a_wrong_genesis() {
    let mut town = Town::new(2);
    let genesis = BlockId(B256::repeat_byte(0x66));
    let hello = Hello {
        version: PROTOCOL_VERSION,
        genesis,
        claim: Claim {
            tip: genesis,
            height: Height(0),
            weight: huge(),
        },
        first: Height(1),
        agent: "liar/1".to_owned(),
    };
    town.liar_says_hello(hello);
    let expected = town.node().identity().genesis;
    let reason = format!("is of another chain: its genesis is {genesis}, ours is {expected}");
    town.banned_for("wrong_genesis", &reason);
}

#[test]
fn a_stale_tip_spammer() {
    let mut town = Town::new(20);
    town.liar_of_equal_weight();
    let node = town.node().clone();
    let old = compact(&node, &support::blocks(&node)[0], huge());
    let mut told = 0;
    while town.ended.is_none() {
        town.say(Message::CompactBlock(Box::new(old.clone())));
        told += 1;
    }
    assert_eq!(told, 50, "late news costs little, again and again much");
    drop(node);
    town.banned_for("stale_block", "long after a heavier one");
}

#[test]
fn an_invalid_signature_flood() {
    let mut town = Town::new(2);
    town.liar_of_equal_weight();
    let node = town.node().clone();
    let good = payment(&node, 0, 0, Address::repeat_byte(7), 5);
    let mut asked = 0;
    while town.ended.is_none() {
        asked += 1;
        let ids: Vec<_> = (0..100_u8).map(|last| TxId(sha256(&[&[asked, last]]))).collect();
        town.say(Message::Inventory(ids.clone()));
        let (question, Message::GetTransactions(wanted)) = town.asked() else {
            panic!("transactions are asked for")
        };
        assert_eq!(wanted, ids);
        let mut bad = good.to_vec();
        *bad.last_mut().unwrap() ^= asked;
        let flood = vec![Bytes::from(bad); ids.len()];
        town.answer(question, Message::Transactions(flood));
    }
    assert_eq!(asked, 5);
    assert_eq!(node.with_pool(|pool| pool.len()), 0, "nothing invalid is kept");
    assert!(node.submit(good).is_ok(), "what was forged is welcome where it is true");
    drop(node);
    town.banned_for("invalid_transaction", "sent an invalid transaction");
}

#[test]
fn equivocating_compact_blocks() {
    let mut town = Town::new(2);
    town.liar_of_equal_weight();
    let (_dir, other) = other_branch(&town.clock, 3);
    let bytes = support::blocks(&other);
    let mut block = compact(&other, bytes.last().unwrap(), other.tip().record.weight);
    town.say(Message::CompactBlock(Box::new(block.clone())));
    block.transactions.push([9; 6]);
    town.say(Message::CompactBlock(Box::new(block.clone())));
    let reason = format!("told of block {} with two different lists", block.header.id());
    town.banned_for("equivocation", &reason);
}
