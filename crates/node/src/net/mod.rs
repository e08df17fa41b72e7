//! Many nodes, one ledger: what is said to peers and what is made of what they say. Rules: docs/protocol.md#N1 to #N9
//!
//! [`Network`] does no input and output of its own: a driver tells it who is connected, what came and what time it is, and
//! carries out the [`Output`]s. So the very code that runs on sockets runs in a simulation, too, the same way each time.
//! Blocks and transactions enter the node by the doors that everybody uses: [`Node::import_block`], [`Node::submit_batch`].

mod admission;
mod answers;
mod clock;
mod join;
pub mod limits;
pub mod offence;
mod peer;
mod relay;
mod serve;
mod sync;
pub mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use tally_chain::{Height, TxId, UnixSecs};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use crate::events::{ChainEvent, Numbered};
use crate::node::Node;
use crate::peers::bans::Bans;
use crate::peers::clock::ClockReading;
use crate::peers::range::Origin;
use limits::{ANSWER_MS, BLOCKS_MS, HELLO_MS, MAX_BANS, PING_MS};
use offence::{Offence, Score};
use peer::{Open, Peer, Question};
use wire::{Claim, Frame, Hello, Message, OLDEST_VERSION, PROTOCOL_VERSION};

pub use crate::peers::bans::{Ban, RangeBan};
pub use answers::Unread;
pub use peer::{PeerName, PeerStatus, Traffic};
pub use relay::short_id;
pub use sync::SyncStatus;

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes as one frame.
    Send { peer: PeerName, frame: Vec<u8> },
    /// End the connection.
    Disconnect { peer: PeerName, reason: String },
}

/// Counters since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// By the name of the offence.
    pub offences: BTreeMap<&'static str, u64>,
    pub bans: u64,
    /// Compact blocks that the pool sufficed for, that needed some transactions, and that needed all of the block.
    pub compact_whole: u64,
    pub compact_partly: u64,
    pub compact_failed: u64,
    pub traffic: Traffic,
}

/// The conversation with all peers.
pub struct Network {
    node: Node,
    agent: String,
    peers: BTreeMap<PeerName, Peer>,
    bans: Bans,
    /// This machine's clock beside its peers'.
    clock: Option<ClockReading>,
    /// When the log last said that it is off.
    clock_logged: Option<u64>,
    /// The node's own number for the choice of inbound peers.
    secret: [u8; 32],
    /// Points of peers that are gone, until they are forgiven: coming again wipes nothing out.
    scores: BTreeMap<PeerName, Score>,
    sync: Option<sync::Sync>,
    join: Option<join::Join>,
    /// Transactions on their way to us, with those who have them.
    wanted: BTreeMap<TxId, relay::Wanted>,
    /// Ids that peers told of, to keep their order.
    heard: u64,
    next_question: u64,
    events: Receiver<Arc<Numbered>>,
    counters: Counters,
    outputs: VecDeque<Output>,
    /// Bytes of frames in `outputs`: the driver does not count them yet.
    outgoing: usize,
    /// Bytes of frames to all peers that are still to be written, as the driver counts them.
    unread: Unread,
    now: u64,
}

impl Network {
    /// `agent` is what peers are told of the program.
    pub fn new(node: Node, agent: impl Into<String>) -> Self {
        Self {
            events: node.events().subscribe(),
            node,
            agent: agent.into(),
            peers: BTreeMap::new(),
            bans: Bans::default(),
            clock: None,
            clock_logged: None,
            secret: [0; 32],
            scores: BTreeMap::new(),
            sync: None,
            join: None,
            wanted: BTreeMap::new(),
            heard: 0,
            next_question: 1,
            counters: Counters::default(),
            outputs: VecDeque::new(),
            outgoing: 0,
            unread: Unread::default(),
            now: 0,
        }
    }

    /// A peer of unknown origin is connected: no limit per address applies to it.
    pub fn connected(&mut self, name: PeerName, outbound: bool, now: u64) {
        self.connected_from(name, outbound, Origin::default(), now);
    }

    /// A peer is connected; both sides say hello at once. `now` is in milliseconds on any clock that never goes back.
    pub fn connected_from(&mut self, name: PeerName, outbound: bool, origin: Origin, now: u64) {
        self.now = now;
        if let Some(reason) = self.bans.reason(&name, &origin, now) {
            let reason = format!("banned: {reason}");
            self.outputs.push_back(Output::Disconnect { peer: name, reason });
            return;
        }
        if !outbound && let Err(error) = self.make_slot(&origin) {
            let reason = error.to_string();
            self.outputs.push_back(Output::Disconnect { peer: name, reason });
            return;
        }
        let claim = self.own_claim();
        let hello = Message::Hello(Hello {
            version: PROTOCOL_VERSION,
            genesis: self.node.identity().genesis,
            claim,
            first: self.first(),
            agent: self.agent.clone(),
        });
        let mut peer = Peer::new(outbound, claim.tip, now);
        peer.origin = origin;
        peer.score = self.scores.remove(&name).unwrap_or_default();
        self.peers.insert(name.clone(), peer);
        self.send(&name, 0, hello);
    }

    /// The connection is gone, whoever ended it.
    pub fn disconnected(&mut self, name: &PeerName, now: u64) {
        self.now = now;
        self.forget(name);
        self.turn();
    }

    /// A whole frame came.
    pub fn received(&mut self, name: &PeerName, frame: &[u8], now: u64) {
        self.now = now;
        let block_bytes = self.node.spec().limits.block_bytes;
        let Some(peer) = self.peers.get_mut(name) else { return };
        for traffic in [&mut peer.traffic, &mut self.counters.traffic] {
            traffic.messages_in += 1;
            traffic.bytes_in += frame.len() as u64;
        }
        match Frame::decode(frame, block_bytes) {
            Ok(Frame { question, message }) => self.hear(name, question, message),
            Err(error) => self.offend(name, error.into()),
        }
        self.turn();
    }

    /// The driver could not take a frame whole: too long, or too slow.
    pub fn broken(&mut self, name: &PeerName, offence: Offence, now: u64) {
        self.now = now;
        self.offend(name, offence);
        self.turn();
    }

    /// Time has gone on, or the node has news; to be called at least once a second.
    pub fn poll(&mut self, now: u64) {
        self.now = now;
        self.overdue();
        self.turn();
    }

    /// What the driver has to do, in this order.
    pub fn outputs(&mut self) -> impl Iterator<Item = Output> + '_ {
        self.outgoing = 0;
        self.outputs.drain(..)
    }

    /// Whether [`Self::poll`] has work even without news.
    pub fn busy(&self) -> bool {
        self.sync.as_ref().is_some_and(sync::Sync::has_next)
    }

    fn hear(&mut self, name: &PeerName, question: u64, message: Message) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        if let Message::Hello(hello) = message {
            return self.hello(name, hello);
        }
        if !peer.ready() {
            return self.offend(name, Offence::NoHello);
        }
        if message.is_answer() {
            return match peer.open.remove(&question) {
                Some(open) => self.answered(name, open.question, message),
                None => self.offend(name, Offence::Unrequested),
            };
        }
        if !peer.messages.spend(1, self.now) {
            return self.offend(name, Offence::Flood { what: "messages" });
        }
        match message {
            Message::Inventory(ids) => self.inventory(name, ids),
            Message::CompactBlock(block) => self.compact_block(name, *block),
            Message::Tip { claim, first } => {
                peer.first = first;
                self.taken(name, &claim.tip);
                self.claim(name, claim);
            }
            asked => self.asked(name, question, asked),
        }
    }

    fn answered(&mut self, name: &PeerName, question: Question, answer: Message) {
        match (question, answer) {
            (Question::Ping { sent }, Message::Pong) => self.ponged(name, sent, None),
            (Question::Ping { sent }, Message::TimedPong(UnixSecs(time))) => self.ponged(name, sent, Some(time)),
            (Question::Headers, Message::Headers(headers)) => self.headers(name, &headers),
            (Question::Blocks { ids }, Message::Blocks(blocks)) => self.bodies(name, &ids, blocks),
            (Question::Transactions { ids }, Message::Transactions(items)) => self.transactions(name, &ids, items),
            (Question::BlockTransactions(rebuild), Message::BlockTransactions(items)) => {
                self.missing_transactions(name, *rebuild, items);
            }
            (Question::WholeBlock { id, .. }, Message::Blocks(blocks)) => self.whole_block(name, id, blocks),
            (Question::Checkpoint, Message::Checkpoint(offer)) => self.checkpoint(name, offer),
            (Question::JoinHeaders, Message::Headers(headers)) => self.join_headers(name, &headers),
            (Question::Manifests { ids }, Message::Manifests(manifests)) => self.manifests(name, &ids, manifests),
            (Question::Part { part }, Message::Part(bytes)) => self.part(name, part, &bytes),
            (question, _) => {
                self.unanswered(name, question);
                self.offend(name, Offence::Unrequested);
            }
        }
    }

    /// A question that will not be answered any more: what it was for is asked of others.
    fn unanswered(&mut self, name: &PeerName, question: Question) {
        match question {
            Question::Ping { .. } => {}
            Question::Headers => self.sync_lost(name),
            Question::Checkpoint | Question::JoinHeaders | Question::Manifests { .. } => self.join_lost(name),
            Question::Part { part } => self.part_missing(name, part),
            Question::Blocks { ids } => self.bodies_missing(name, &ids),
            Question::Transactions { ids } => self.transactions_missing(&ids),
            // The sender's claim stands: a synchronisation follows it.
            Question::BlockTransactions(_) | Question::WholeBlock { .. } => {}
        }
    }

    fn hello(&mut self, name: &PeerName, hello: Hello) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        if peer.ready() {
            return self.offend(name, Offence::Unrequested);
        }
        let (found, expected) = (hello.genesis, self.node.identity().genesis);
        if found != expected {
            return self.offend(name, Offence::WrongGenesis { found, expected });
        }
        let (found, expected) = (hello.version, PROTOCOL_VERSION);
        if !(OLDEST_VERSION..=PROTOCOL_VERSION).contains(&found) {
            return self.offend(name, Offence::WrongVersion { found, expected });
        }
        tracing::info!(peer = %name, agent = hello.agent, height = %hello.claim.height, "peer");
        peer.version = hello.version;
        peer.agent = hello.agent;
        peer.claim = Some(hello.claim);
        peer.first = hello.first;
        let told = peer.told;
        // First of all, so that its clock is known before its blocks are judged: docs/protocol.md#N13
        peer.next_ping = self.now + PING_MS;
        self.ask(name, Question::Ping { sent: self.now }, Message::Ping);
        let claim = self.own_claim();
        if claim.tip != told {
            // Ours has moved since our hello, and nothing was told to a peer that had not said its own.
            self.send_tip(name, claim);
        }
        self.offer_pool(name);
    }

    fn send_tip(&mut self, name: &PeerName, claim: Claim) {
        let first = self.first();
        self.send(name, 0, Message::Tip { claim, first });
    }

    /// The lowest block that this node can be asked for.
    fn first(&self) -> Height {
        let tip = self.node.tip();
        // Where that cannot be read now, nothing is promised but what comes after the tip.
        let base = tip.snapshot.base().unwrap_or(tip.record.height());
        base.next()
    }

    /// What this node says of its own chain.
    fn own_claim(&self) -> Claim {
        let tip = self.node.tip();
        Claim {
            tip: tip.record.id,
            height: tip.record.height(),
            weight: tip.record.weight,
        }
    }

    /// What follows from everything that was heard: blocks, questions, announcements.
    fn turn(&mut self) {
        self.advance_sync();
        self.hear_node();
        self.advance_sync();
        self.ask_for_transactions();
        self.tell_inventory();
        self.answer_waiting();
        self.tidy();
    }

    /// Follows what happened on the node, whoever caused it.
    fn hear_node(&mut self) {
        let mut tip_moved = false;
        let mut lagged = false;
        loop {
            match self.events.try_recv() {
                Ok(numbered) => match &numbered.event {
                    ChainEvent::Block { .. } => tip_moved = true,
                    ChainEvent::Reorg { transactions, .. } => self.offer_again(transactions),
                    ChainEvent::Transaction { id, .. } => self.offer(*id),
                    ChainEvent::Dropped { .. } | ChainEvent::Mining { .. } => {}
                },
                Err(TryRecvError::Lagged(_)) => (tip_moved, lagged) = (true, true),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if lagged {
            let names: Vec<_> = self.peers.keys().cloned().collect();
            names.iter().for_each(|name| self.offer_pool(name));
        }
        if tip_moved {
            self.tell_tip();
        }
    }

    /// Questions that took too long, peers that never said hello, bans that are over; pings.
    fn overdue(&mut self) {
        let now = self.now;
        self.bans.expire(now);
        let names: Vec<_> = self.peers.keys().cloned().collect();
        for name in names {
            let Some(peer) = self.peers.get_mut(&name) else {
                continue;
            };
            if !peer.ready() {
                if now >= peer.connected + HELLO_MS {
                    // Its wire may be dead one way: silence is no lie.
                    self.offend(&name, Offence::Timeout);
                    self.end(&name, "did not say hello in time".to_owned());
                }
                continue;
            }
            let late: Vec<_> = peer
                .open
                .iter()
                .filter(|(_, open)| open.deadline <= now)
                .map(|(id, _)| *id)
                .collect();
            let late: Vec<_> = late.iter().filter_map(|id| peer.open.remove(id)).collect();
            let ping = now >= peer.next_ping;
            for open in late {
                self.unanswered(&name, open.question);
                self.offend(&name, Offence::Timeout);
            }
            if ping && let Some(peer) = self.peers.get_mut(&name) {
                peer.next_ping = now + PING_MS;
                self.ask(&name, Question::Ping { sent: now }, Message::Ping);
            }
        }
    }

    fn tidy(&mut self) {
        let now = self.now;
        self.scores.retain(|_, score| score.at(now) > 0);
        while self.scores.len() > MAX_BANS {
            self.scores.pop_first();
        }
    }

    fn ask(&mut self, name: &PeerName, question: Question, message: Message) {
        let number = self.next_question;
        self.next_question += 1;
        let patience = match question {
            Question::Blocks { .. }
            | Question::WholeBlock { .. }
            | Question::BlockTransactions(_)
            | Question::Checkpoint
            | Question::Part { .. } => BLOCKS_MS,
            _ => ANSWER_MS,
        };
        let deadline = self.now + patience;
        if let Some(peer) = self.peers.get_mut(name) {
            peer.open.insert(number, Open { question, deadline });
            self.send(name, number, message);
        }
    }

    fn send(&mut self, name: &PeerName, question: u64, message: Message) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        let frame = Frame { question, message }.encode();
        for traffic in [&mut peer.traffic, &mut self.counters.traffic] {
            traffic.messages_out += 1;
            traffic.bytes_out += frame.len() as u64;
        }
        self.outgoing += frame.len();
        let peer = name.clone();
        self.outputs.push_back(Output::Send { peer, frame });
    }

    /// Puts an offence on a peer's score, and ends it where that is enough.
    fn offend(&mut self, name: &PeerName, offence: Offence) {
        let points = if self.may_be_our_clock(&offence) {
            0
        } else {
            offence.points()
        };
        let Some(peer) = self.peers.get_mut(name) else { return };
        let enough = peer.score.add(points, self.now) && points > 0;
        *self.counters.offences.entry(offence.name()).or_default() += 1;
        tracing::warn!(peer = %name, score = peer.score.at(self.now), %offence, "peer misbehaves");
        if enough {
            self.ban_for(name, &offence);
        } else if offence.ends() {
            self.end(name, offence.to_string());
        }
    }

    /// Ends the conversation with a peer.
    pub fn end(&mut self, name: &PeerName, reason: String) {
        if self.forget(name) {
            let peer = name.clone();
            self.outputs.push_back(Output::Disconnect { peer, reason });
        }
    }

    /// Forgets a peer but for its points; says whether it was there.
    fn forget(&mut self, name: &PeerName) -> bool {
        let Some(peer) = self.peers.remove(name) else {
            return false;
        };
        self.scores.insert(name.clone(), peer.score);
        for open in peer.open.into_values() {
            self.unanswered(name, open.question);
        }
        self.sync_lost(name);
        self.join_lost(name);
        true
    }

    /// The session's clock: the last moment that the driver named, milliseconds.
    pub fn now(&self) -> u64 {
        self.now
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub fn node(&self) -> &Node {
        &self.node
    }

    /// All peers, by name.
    pub fn peers(&self) -> impl Iterator<Item = PeerStatus> + '_ {
        self.peers.iter().map(|(name, peer)| PeerStatus {
            name: name.clone(),
            outbound: peer.outbound,
            connected_secs: self.now.saturating_sub(peer.connected) / 1_000,
            height: peer.claim.map(|claim| claim.height),
            agent: peer.agent.clone(),
            latency_ms: peer.latency,
            clock_offset_secs: peer.clock_offset,
            score: peer.score.at(self.now),
            traffic: peer.traffic,
        })
    }

    /// How far the running synchronisation is.
    pub fn sync_status(&self) -> Option<SyncStatus> {
        let joining = self.join.as_ref().map(|join| join.status(self.now));
        joining.or_else(|| self.sync.as_ref().map(|sync| sync.status(self.now)))
    }

    /// The height that peers speak of, and ours if that is higher.
    pub fn best_height(&self) -> Height {
        let ours = self.node.tip().record.height();
        let theirs = self
            .peers
            .values()
            .filter_map(|peer| peer.claim)
            .map(|claim| claim.height)
            .max();
        theirs.map_or(ours, |theirs| theirs.max(ours))
    }
}
