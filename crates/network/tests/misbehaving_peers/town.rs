//! The stage of the stories of one hostile peer: two honest nodes, and the frames between them and the hostile peer.

use crate::support::{self, HandClock, assert_sound, audit_folder, mine, spec};
use std::collections::VecDeque;
use tally_chain::block::{Ancestors, RawBlock};
use tally_chain::pow::{Search, Target};
use tally_chain::{Address, B256, BlockId, Header, Height, U256, Weight};
use tally_network::session::{Output, PeerName, Session, short_id};
use tally_network::wire::limits::MAX_HEADERS;
use tally_network::wire::{Claim, CompactBlock, Frame, Hello, Message, PROTOCOL_VERSION};
use tally_node::Node;

pub const HOSTILE: &str = "hostile";
/// The member that mines honestly.
pub const HONEST: Address = Address::repeat_byte(1);
/// Seconds after genesis at which the stories begin: room for many blocks of one second each.
pub const BEGIN: u64 = 100_000;

pub struct Honest {
    pub dir: tempfile::TempDir,
    pub network: Session,
}

/// Two honest nodes and a hostile peer, which is connected with the first.
pub struct Town {
    pub honest: [Honest; 2],
    pub clock: HandClock,
    /// Milliseconds, for the conversations.
    pub now: u64,
    /// What the first node sent to the hostile peer and it has not looked at.
    pub inbox: VecDeque<Frame>,
    /// Why the first node ended the connection with the hostile peer.
    pub ended: Option<String>,
}

pub fn headers_of(node: &Node, from: u64) -> Vec<Header> {
    let tip = node.tip();
    let records = tip.snapshot.records_from(Height(from));
    records.map(|record| record.unwrap().header).collect()
}

pub fn ancestors_of(node: &Node) -> Ancestors {
    node.tip().ancestors.clone()
}

/// A node of the hostile peer's own, on the same chain, with its own blocks.
pub fn other_branch(clock: &HandClock, blocks: usize) -> (tempfile::TempDir, Node) {
    let dir = tempfile::tempdir().unwrap();
    let node = support::open(dir.path(), clock).unwrap();
    for _ in 0..blocks {
        support::mine_now(&node, Address::repeat_byte(0xba));
    }
    (dir, node)
}

impl Town {
    /// Both honest nodes have `blocks` blocks.
    pub fn new(blocks: usize) -> Self {
        let clock = HandClock::at(u64::from(spec().genesis_time) + BEGIN);
        let honest = [(); 2].map(|()| {
            let dir = tempfile::tempdir().unwrap();
            let node = support::open(dir.path(), &clock).unwrap();
            let network = Session::new(node, "honest");
            Honest { dir, network }
        });
        let mut town = Self {
            honest,
            clock,
            now: 1_000_000,
            inbox: VecDeque::new(),
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

    pub fn node(&self) -> &Node {
        self.honest[0].network.node()
    }

    pub fn mine_honestly(&mut self) {
        mine(self.honest[1].network.node(), &self.clock, HONEST);
        self.pass(0);
        let tips = self
            .honest
            .each_ref()
            .map(|member| member.network.node().tip().record.id);
        assert_eq!(tips[0], tips[1], "the honest agree at once");
    }

    /// Lets time pass, and delivers all frames that follow from it.
    pub fn pass(&mut self, millis: u64) {
        self.now += millis;
        let now = self.now;
        for member in &mut self.honest {
            member.network.poll(now);
        }
        self.carry();
    }

    pub fn carry(&mut self) {
        let now = self.now;
        loop {
            let mut quiet = true;
            for at in 0..2 {
                let outputs: Vec<_> = self.honest[at].network.outputs().collect();
                quiet &= outputs.is_empty() && !self.honest[at].network.busy();
                for output in outputs {
                    match output {
                        Output::Send { peer, frame } if peer.0 == HOSTILE => {
                            let frame = Frame::decode(&frame, spec().limits.block_bytes).unwrap();
                            self.inbox.push_back(frame);
                        }
                        Output::Send { frame, .. } => {
                            let from = PeerName(at.to_string());
                            self.honest[1 - at].network.received(&from, &frame, now);
                        }
                        Output::Disconnect { peer, reason } => {
                            assert_eq!(peer.0, HOSTILE, "an honest node is sent away: {reason}");
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

    /// The hostile peer connects, and claims this total work.
    pub fn connect_hostile(&mut self, tip: BlockId, height: u64, weight: Weight) {
        let hello = Hello {
            version: PROTOCOL_VERSION,
            genesis: self.node().identity().genesis,
            claim: Claim {
                tip,
                height: Height(height),
                weight,
            },
            first: Height(1),
            agent: "hostile/1".to_owned(),
        };
        self.connect_hostile_with(hello);
    }

    /// The hostile peer connects with a chain of as much total work as the honest one.
    pub fn connect_hostile_of_equal_weight(&mut self) {
        let record = self.node().tip().record.clone();
        self.connect_hostile(record.id, record.height().0, record.weight);
    }

    pub fn connect_hostile_with(&mut self, hello: Hello) {
        let now = self.now;
        self.honest[0].network.connected(HOSTILE.into(), false, now);
        self.send_message(Message::Hello(hello));
    }

    pub fn send_message(&mut self, message: Message) {
        self.answer(0, message);
    }

    pub fn answer(&mut self, request: u64, message: Message) {
        self.send(&Frame { request, message }.encode());
    }

    pub fn send(&mut self, frame: &[u8]) {
        let now = self.now;
        self.honest[0].network.received(&HOSTILE.into(), frame, now);
        self.carry();
    }

    /// The next request of the first node to the hostile peer, pings answered meanwhile; `None` if there is none within
    /// `millis`.
    pub fn request_within(&mut self, millis: u64) -> Option<(u64, Message)> {
        let end = self.now + millis;
        loop {
            while let Some(frame) = self.inbox.pop_front() {
                match frame.message {
                    Message::Ping => self.answer(frame.request, Message::Pong),
                    message @ (Message::GetHeaders { .. }
                    | Message::GetBlocks(_)
                    | Message::GetTransactions(_)
                    | Message::GetBlockTransactions { .. }) => return Some((frame.request, message)),
                    _ => {}
                }
            }
            if self.now >= end || self.ended.is_some() {
                return None;
            }
            self.pass(1_000);
        }
    }

    pub fn next_request(&mut self) -> (u64, Message) {
        self.request_within(30_000).expect("the node sends a request")
    }

    /// Answers requests for headers and blocks from a chain, the headers beginning after the locator's.
    pub fn serve_headers(&mut self, headers: &[Header]) -> Option<(u64, Message)> {
        loop {
            match self.request_within(60_000)? {
                (request, Message::GetHeaders { locator }) => {
                    let known = headers.iter().position(|header| locator.contains(&header.id()));
                    let next = known.map_or(0, |at| at + 1);
                    let some = headers[next..].iter().take(MAX_HEADERS).copied().collect();
                    self.answer(request, Message::Headers(some));
                }
                other => return Some(other),
            }
        }
    }

    pub fn offences(&self, name: &str) -> u64 {
        self.honest[0]
            .network
            .counters()
            .offences
            .get(name)
            .copied()
            .unwrap_or(0)
    }

    /// The hostile peer is banned for this, the honest are not, and go on; audits agree.
    pub fn banned_for(mut self, offence: &str, reason: &str) {
        assert!(self.offences(offence) > 0, "{:?}", self.honest[0].network.counters());
        let bans: Vec<_> = self.honest[0].network.bans().cloned().collect();
        assert_eq!(bans.len(), 1, "{bans:?}");
        assert_eq!(bans[0].name.0, HOSTILE);
        assert!(bans[0].reason.contains(reason), "{}", bans[0].reason);
        // The reason of a ban is kept shortened.
        let kept = bans[0].reason.trim_end_matches('…');
        assert!(
            self.ended.as_deref().is_some_and(|ended| ended.starts_with(kept)),
            "the connection ends with the ban: {:?}",
            self.ended
        );
        // It is not let in again.
        self.ended = None;
        let now = self.now;
        self.honest[0].network.connected(HOSTILE.into(), false, now);
        self.carry();
        assert_eq!(self.ended.as_deref(), Some(&*format!("banned: {}", bans[0].reason)));
        self.goes_on();
    }

    /// The conversation ended for this reason: no points, no ban.
    pub fn ended_for(self, reason: &str) {
        assert_eq!(self.ended.as_deref(), Some(reason));
        self.not_punished();
    }

    /// No peer has points or is banned, the hostile one included: nothing that it did is certainly its own doing.
    pub fn not_punished(self) {
        let network = &self.honest[0].network;
        assert_eq!(network.bans().count(), 0);
        let scores: Vec<_> = network.peers().map(|peer| (peer.name, peer.score)).collect();
        assert!(scores.iter().all(|(_, score)| *score == 0), "{scores:?}");
        self.goes_on();
    }

    /// The hostile peer answers the requests so far with pongs: it has read all that it was sent.
    pub fn reads_all(&mut self) {
        self.pass(0);
        assert_eq!(self.request_within(0), None);
    }

    /// The honest nodes mine on, agree, are sound, and audits agree.
    pub fn goes_on(mut self) {
        let before = self.node().tip().record.height();
        self.mine_honestly();
        let record = self.node().tip().record.clone();
        assert_eq!((record.height(), record.manifest.producer), (before.next(), HONEST));
        assert_eq!(self.honest[1].network.bans().count(), 0);
        for (at, other) in [(0, "1"), (1, "0")] {
            let mut peers = self.honest[at].network.peers();
            let peer = peers.find(|peer| peer.name.0 == other).unwrap();
            assert_eq!(peer.score, 0, "the honest are not punished");
        }
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
pub fn compact(node: &Node, bytes: &[u8], weight: Weight) -> CompactBlock {
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
pub fn headers_after(parent: &Header, count: usize) -> Vec<Header> {
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

/// Total work of a chain of genesis and these headers.
pub fn weight_of(node: &Node, headers: &[Header]) -> Weight {
    let genesis = node.tip().snapshot.known(&node.identity().genesis).unwrap();
    let engine = spec().engine();
    headers
        .iter()
        .fold(genesis.weight, |sum, header| sum.plus(engine.weight(header)))
}

pub fn sealed(mut header: Header) -> Header {
    let target = Target::from_bits(header.bits).unwrap();
    header.nonce = Search::new(&header, target).scan(0, 1 << 24).unwrap();
    header
}

pub fn genesis_header(node: &Node) -> Header {
    headers_of(node, 0)[0]
}

pub fn huge() -> Weight {
    Weight(U256::MAX >> 8)
}
