//! Many nodes, one ledger: what is said to peers and what is made of what they say. Rules: docs/protocol.md#N1 to #N9
//!
//! [`Network`] does no input and output of its own: a driver tells it who is connected, what came and what time it is, and
//! carries out the [`Output`]s. So the very code that runs on sockets runs in a simulation, too, the same way each time.
//! Blocks and transactions enter the node by the doors that everybody uses: [`Node::import_block`], [`Node::submit_batch`].

mod admission;
mod answers;
mod backoff;
mod bodies;
mod budget;
mod clock;
mod compact;
mod cost;
mod early;
mod flow;
mod hello;
mod join;
mod late;
mod lines;
pub mod offence;
mod parts;
mod peer;
pub mod peers;
mod rates;
mod relay;
mod rival;
mod serve;
mod sources;
mod status;
mod storing;
mod sync;
mod walk;
mod wanted;
mod whole;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use tally_chain::{TxId, UnixSecs};
use tally_node::events::{ChainEvent, Numbered};
use tally_node::{ClockReading, Node};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use crate::session::peers::bans::Bans;
use crate::session::peers::range::Origin;
use crate::wire::limits::{ANSWER_MS, BLOCKS_MS, MAX_BANS};
use crate::wire::{Frame, Hello, Message, PROTOCOL_VERSION};
use backoff::Backoff;
use offence::{Offence, Score};
use peer::{Open, Peer, Question};
use rates::KeptRates;

pub use crate::session::peers::bans::{Ban, RangeBan};
pub use answers::Unread;
pub use compact::short_id;
pub use flow::Arrived;
pub use peer::{PeerName, PeerStatus, Traffic};
pub use rival::HeavierFork;
pub use sync::SyncStatus;

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes as one frame.
    Send {
        /// To this peer.
        peer: PeerName,
        /// An encoded [`Frame`].
        frame: Vec<u8>,
    },
    /// End the connection.
    Disconnect {
        /// With this peer.
        peer: PeerName,
        /// Why, for the log.
        reason: String,
    },
}

/// Counters since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// By the name of the offence.
    pub offences: BTreeMap<&'static str, u64>,
    /// Bans since the start.
    pub bans: u64,
    /// Questions that were not answered in time.
    pub unanswered: u64,
    /// Compact blocks that the pool sufficed for, that needed some transactions, and that needed all of the block.
    pub compact_whole: u64,
    /// Compact blocks of which some transactions were asked for.
    pub compact_partly: u64,
    /// Compact blocks of which all of the block was asked for.
    pub compact_failed: u64,
    /// Of all peers together.
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
    /// The node's own number for the choice of inbound peers.
    secret: [u8; 32],
    /// Points of peers that are gone, until they are forgiven: coming again wipes nothing out.
    scores: BTreeMap<PeerName, Score>,
    /// The same of what they may send and are sent.
    rates: KeptRates,
    /// The same of attempts to synchronise from them that led nowhere.
    backoffs: BTreeMap<PeerName, Backoff>,
    /// Chains that are looked at beside each other, and blocks that they wait for.
    syncs: Vec<sync::Sync>,
    bodies: bodies::Bodies,
    /// While this node begins with a checkpoint: chains that are weighed, and the one that is taken.
    walks: Vec<walk::Walk>,
    join: Option<parts::Join>,
    /// Sources whose state took too long, one after the other.
    slow_joins: u32,
    /// Since when this node has a peer to begin with, and for how many named peers, and peers of its own dialling, it waits.
    begun: Option<u64>,
    named: usize,
    called: usize,
    /// Chains that leave ours deeper than this node goes back, how many in a row took too long to be weighed,
    /// and when they are looked at again.
    rivals: Vec<walk::Walk>,
    slow_rivals: u32,
    rival_after: u64,
    heavier_fork: Option<HeavierFork>,
    /// Transactions on their way to us, with those who have them.
    wanted: wanted::Wanted,
    /// Transactions that came before the block on which they build.
    early: early::EarlyTransactions,
    /// Transactions of our pool that left a block, and wait for coins or a nonce since then.
    returned: BTreeSet<TxId>,
    costs: cost::Costs,
    /// Whether nothing can be stored now, and since when; how many bytes have to be free to go on with a checkpoint.
    full: bool,
    full_since: Option<u64>,
    needs_room: Option<u64>,
    lines: lines::Lines,
    next_question: u64,
    attempts: u64,
    events: Receiver<Arc<Numbered>>,
    counters: Counters,
    outputs: VecDeque<Output>,
    /// Bytes of frames in `outputs`: the driver does not count them yet.
    outgoing: usize,
    /// Bytes of frames to all peers that are still to be written, as the driver counts them.
    unread: Unread,
    now: u64,
    /// When the time was last looked at for answers that are late.
    looked: Option<u64>,
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
            secret: [0; 32],
            scores: BTreeMap::new(),
            rates: KeptRates::default(),
            backoffs: BTreeMap::new(),
            syncs: Vec::new(),
            bodies: bodies::Bodies::default(),
            walks: Vec::new(),
            join: None,
            slow_joins: 0,
            begun: None,
            named: 0,
            called: 0,
            rivals: Vec::new(),
            slow_rivals: 0,
            rival_after: 0,
            heavier_fork: None,
            wanted: wanted::Wanted::default(),
            early: early::EarlyTransactions::default(),
            returned: BTreeSet::new(),
            costs: cost::Costs::default(),
            full: false,
            full_since: None,
            needs_room: None,
            lines: lines::Lines::default(),
            next_question: 1,
            attempts: 0,
            counters: Counters::default(),
            outputs: VecDeque::new(),
            outgoing: 0,
            unread: Unread::default(),
            now: 0,
            looked: None,
        }
    }

    /// A peer of unknown origin is connected: no limit per address applies to it.
    pub fn connected(&mut self, name: PeerName, outbound: bool, now: u64) {
        self.connected_from(name, outbound, Origin::default(), now);
    }

    /// A peer is connected; both sides say hello at once. `now` is in milliseconds on any clock that never goes back.
    pub fn connected_from(&mut self, name: PeerName, outbound: bool, origin: Origin, now: u64) {
        self.now = now;
        if let Some(reason) = self.ban_reason(&name, &origin, outbound) {
            let reason = format!("banned: {reason}");
            self.outputs.push_back(Output::Disconnect { peer: name, reason });
            return;
        }
        if !outbound && let Err(error) = self.take_in(&origin) {
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
        let mut peer = Peer::new(outbound, claim.tip, claim.weight, now);
        peer.origin = origin;
        peer.score = self.scores.remove(&name).unwrap_or_default();
        peer.backoff = self.backoffs.remove(&name).unwrap_or_default();
        peer.rates = self.rates.take(&name, now);
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
        peer.flow.frame(now);
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
        self.has_next_body()
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
            let open = peer.open.remove(&question).map(|open| open.question);
            // A late answer is none that was not asked for, and a wrong one is wrong however late it comes.
            let Some(question) = open.or_else(|| peer.late.remove(&question)) else {
                return self.offend(name, Offence::Unrequested);
            };
            peer.silent = 0;
            return self.answered(name, question, message);
        }
        if !peer.rates.messages.spend(1, self.now) {
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
            (Question::Ping { sent, told }, pong @ (Message::Pong | Message::TimedPong(_))) => {
                if let Some(peer) = self.peers.get_mut(name) {
                    peer.acknowledged = peer.acknowledged.max(told);
                }
                let time = match pong {
                    Message::TimedPong(UnixSecs(time)) => Some(time),
                    _ => None,
                };
                self.ponged(name, sent, time);
            }
            (Question::Headers { attempt, locator }, Message::Headers(headers)) => {
                self.headers(name, attempt, &locator, &headers);
            }
            (Question::Blocks { ids }, Message::Blocks(blocks)) => self.bodies(name, &ids, blocks),
            (Question::Transactions { ids }, Message::Transactions(items)) => self.transactions(name, &ids, items),
            (Question::BlockTransactions(rebuild), Message::BlockTransactions(items)) => {
                self.missing_transactions(name, *rebuild, items);
            }
            (Question::WholeBlock { id, .. }, Message::Blocks(blocks)) => self.whole_block(name, id, blocks),
            (Question::Checkpoint { attempt }, Message::Checkpoint(offer)) => self.checkpoint(name, attempt, offer),
            (Question::JoinHeaders { attempt, locator }, Message::Headers(headers)) => {
                self.join_headers(name, attempt, &locator, &headers);
            }
            (Question::Manifests { attempt, ids }, Message::Manifests(manifests)) => {
                self.manifests(name, attempt, &ids, manifests);
            }
            (Question::Part { attempt, part }, Message::Part(bytes)) => self.part(name, attempt, part, &bytes),
            (question, _) => {
                self.unanswered(name, &question);
                self.offend(name, Offence::Unrequested);
            }
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
            // After the block that they waited for: peers look at them with its state.
            self.offer_returned();
            self.retry_early();
        }
    }

    fn tidy(&mut self) {
        let now = self.now;
        self.rates.tidy(now);
        self.forgive_costs();
        self.scores.retain(|_, score| score.at(now) > 0);
        while self.scores.len() > MAX_BANS {
            self.scores.pop_first();
        }
        self.backoffs.retain(|_, backoff| !backoff.is_over(now));
        while self.backoffs.len() > MAX_BANS {
            self.backoffs.pop_first();
        }
    }

    fn ask(&mut self, name: &PeerName, question: Question, message: Message) {
        let number = self.next_question;
        self.next_question += 1;
        let patience = match question {
            Question::Blocks { .. }
            | Question::WholeBlock { .. }
            | Question::BlockTransactions(_)
            | Question::Checkpoint { .. }
            | Question::Part { .. } => BLOCKS_MS,
            _ => ANSWER_MS,
        };
        let asked = self.now;
        if let Some(peer) = self.peers.get_mut(name) {
            let open = Open {
                question,
                asked,
                deadline: asked + patience,
                extended: false,
            };
            peer.open.insert(number, open);
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
        match offence.points() {
            0 => tracing::info!(peer = %name, reason = %offence, "the conversation ends"),
            _ => tracing::warn!(peer = %name, score = peer.score.at(self.now), %offence, "peer misbehaves"),
        }
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
        self.backoffs.insert(name.clone(), peer.backoff);
        self.rates.keep(name, peer.rates, self.now);
        for open in peer.open.into_values() {
            if let Question::Blocks { ids } = open.question {
                self.forget_asked(name, &ids);
            }
        }
        self.wanted.forget(name, self.now);
        self.sync_lost(name);
        self.join_lost(name);
        true
    }
}
