//! What a session holds, and what all of it uses: requests, frames, offences, ends. Rules: docs/protocol.md#N8, #N9

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use tally_chain::TxId;
use tally_node::{ClockReading, Node, Numbered};
use tokio::sync::broadcast::Receiver;

use super::checkpoint::heavier_fork::HeavierFork;
use super::checkpoint::taken::CheckpointSync;
use super::checkpoint::walk::Walk;
use super::lines::Lines;
use super::name::PeerName;
use super::offence::{Offence, Score};
use super::peer::{Open, Peer, Request, Traffic};
use super::peers::bans::Bans;
use super::rates::KeptRates;
use super::relay::early::EarlyTransactions;
use super::relay::wanted::Wanted;
use super::serving::cost::Costs;
use super::serving::waiting::Unread;
use super::sync::attempt::Sync;
use super::sync::backoff::Backoff;
use super::sync::held::Bodies;
use crate::wire::limits::{ANSWER_MS, BLOCKS_MS, MAX_BANS};
use crate::wire::{Frame, Message};

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes as one frame.
    Send {
        /// To this peer.
        peer: PeerName,
        /// An encoded [`Frame`](crate::wire::Frame).
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
    /// Requests that were not answered in time.
    pub unanswered: u64,
    /// Compact blocks that the pool sufficed for, that needed some transactions, and that needed all of the block.
    pub compact_whole: u64,
    /// Compact blocks of which some transactions were requested.
    pub compact_partly: u64,
    /// Compact blocks that were requested as a whole.
    pub compact_failed: u64,
    /// Of all peers together.
    pub traffic: Traffic,
}

/// What this node knows of its peers, and what it does with them.
pub struct Session {
    pub(crate) node: Node,
    pub(crate) agent: String,
    pub(crate) peers: BTreeMap<PeerName, Peer>,
    pub(crate) bans: Bans,
    /// This machine's clock beside its peers'.
    pub(crate) clock: Option<ClockReading>,
    /// The node's own number for the choice of inbound peers.
    pub(crate) secret: [u8; 32],
    /// Points of peers that are gone, until they are forgiven: coming again wipes nothing out.
    pub(crate) scores: BTreeMap<PeerName, Score>,
    /// The same of what they may send and are sent.
    pub(crate) rates: KeptRates,
    /// The same of attempts to synchronise from them that led nowhere.
    pub(crate) backoffs: BTreeMap<PeerName, Backoff>,
    /// Chains that are looked at beside each other, and blocks that they wait for.
    pub(crate) syncs: Vec<Sync>,
    pub(crate) bodies: Bodies,
    /// During the checkpoint sync: chains whose work is checked, and the one that is taken.
    pub(crate) walks: Vec<Walk>,
    pub(crate) checkpoint_sync: Option<CheckpointSync>,
    /// Sources whose state took too long, one after the other.
    pub(crate) slow_checkpoints: u32,
    /// Since when this node has a peer to begin with, and for how many named peers, and peers of its own dialling, it waits.
    pub(crate) begun: Option<u64>,
    pub(crate) named: usize,
    pub(crate) outbound: usize,
    /// Chains that leave ours deeper than this node goes back, how many in a row took too long to be checked,
    /// and when they are looked at again.
    pub(crate) rivals: Vec<Walk>,
    pub(crate) slow_rivals: u32,
    pub(crate) rival_after: u64,
    pub(crate) heavier_fork: Option<HeavierFork>,
    /// Transactions on their way to us, with those who have them.
    pub(crate) wanted: Wanted,
    /// Transactions that came before the block on which they build.
    pub(crate) early: EarlyTransactions,
    /// Transactions of our pool that left a block, and wait for coins or a nonce since then.
    pub(crate) returned: BTreeSet<TxId>,
    pub(crate) costs: Costs,
    /// Whether nothing can be stored now, and since when; how many bytes have to be free to go on with a checkpoint.
    pub(crate) full: bool,
    pub(crate) full_since: Option<u64>,
    pub(crate) needs_room: Option<u64>,
    pub(crate) lines: Lines,
    pub(crate) next_request: u64,
    pub(crate) attempts: u64,
    pub(crate) events: Receiver<Arc<Numbered>>,
    pub(crate) counters: Counters,
    pub(crate) outputs: VecDeque<Output>,
    /// Bytes of frames in `outputs`: the driver does not count them yet.
    pub(crate) outgoing: usize,
    /// Bytes of frames to all peers that are still to be written, as the driver counts them.
    pub(crate) unread: Unread,
    pub(crate) now: u64,
    /// When the time was last looked at for answers that are late.
    pub(crate) looked: Option<u64>,
}

impl Session {
    /// `agent`: name and version of the program, as peers see it.
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
            bodies: Bodies::default(),
            walks: Vec::new(),
            checkpoint_sync: None,
            slow_checkpoints: 0,
            begun: None,
            named: 0,
            outbound: 0,
            rivals: Vec::new(),
            slow_rivals: 0,
            rival_after: 0,
            heavier_fork: None,
            wanted: Wanted::default(),
            early: EarlyTransactions::default(),
            returned: BTreeSet::new(),
            costs: Costs::default(),
            full: false,
            full_since: None,
            needs_room: None,
            lines: Lines::default(),
            next_request: 1,
            attempts: 0,
            counters: Counters::default(),
            outputs: VecDeque::new(),
            outgoing: 0,
            unread: Unread::default(),
            now: 0,
            looked: None,
        }
    }

    pub(crate) fn prune_scores_and_bans(&mut self) {
        let now = self.now;
        self.rates.prune(now);
        self.costs.forgive(now);
        self.scores.retain(|_, score| score.at(now) > 0);
        while self.scores.len() > MAX_BANS {
            self.scores.pop_first();
        }
        self.backoffs.retain(|_, backoff| !backoff.is_over(now));
        while self.backoffs.len() > MAX_BANS {
            self.backoffs.pop_first();
        }
    }

    pub(crate) fn send_request(&mut self, name: &PeerName, request: Request, message: Message) {
        let number = self.next_request;
        self.next_request += 1;
        let patience = match request {
            Request::Blocks { .. }
            | Request::WholeBlock { .. }
            | Request::BlockTransactions(_)
            | Request::Checkpoint { .. }
            | Request::Part { .. } => BLOCKS_MS,
            _ => ANSWER_MS,
        };
        let requested = self.now;
        if let Some(peer) = self.peers.get_mut(name) {
            let open = Open {
                request,
                requested,
                deadline: requested + patience,
                extended: false,
            };
            peer.open.insert(number, open);
            self.send(name, number, message);
        }
    }

    pub(crate) fn send(&mut self, name: &PeerName, request: u64, message: Message) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        let frame = Frame { request, message }.encode();
        for traffic in [&mut peer.traffic, &mut self.counters.traffic] {
            traffic.messages_out += 1;
            traffic.bytes_out += frame.len() as u64;
        }
        self.outgoing += frame.len();
        let peer = name.clone();
        self.outputs.push_back(Output::Send { peer, frame });
    }

    /// Puts an offence on a peer's score, and ends it where that is enough.
    pub(crate) fn offend(&mut self, name: &PeerName, offence: Offence) {
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

    /// Forgets a peer but for its points; returns whether it was there.
    pub(crate) fn forget(&mut self, name: &PeerName) -> bool {
        let Some(peer) = self.peers.remove(name) else {
            return false;
        };
        self.scores.insert(name.clone(), peer.score);
        self.backoffs.insert(name.clone(), peer.backoff);
        self.rates.keep(name, peer.rates, self.now);
        for open in peer.open.into_values() {
            if let Request::Blocks { ids } = open.request {
                self.forget_requested(name, &ids);
            }
        }
        self.wanted.forget(name, self.now);
        self.sync_lost(name);
        self.checkpoint_source_lost(name);
        true
    }
}
