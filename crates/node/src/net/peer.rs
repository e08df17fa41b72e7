//! What is known of one peer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use serde::{Deserialize, Serialize};
use tally_chain::{Address, B256, BlockId, CheckedTransaction, Height, TxId, UnixSecs, Weight};

use super::answers::{Unread, Waiting};
use super::backoff::Backoff;
use super::flow::Flow;
use super::limits::{BLOCKS_MS, COMING_MS, MAX_KNOWN, MAX_LATE};
use super::offence::Score;
use super::rates::Rates;
use super::wire::{Claim, CompactBlock};
use crate::peers::range::Origin;

/// Who a peer is, as the transport has made sure of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PeerName(pub String);

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for PeerName {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// A set that forgets its oldest members.
#[derive(Debug)]
pub(super) struct Remembered<T> {
    members: BTreeSet<T>,
    order: VecDeque<T>,
    max: usize,
}

impl<T: Ord + Copy> Remembered<T> {
    pub(super) fn new(max: usize) -> Self {
        Self {
            members: BTreeSet::new(),
            order: VecDeque::new(),
            max,
        }
    }

    pub(super) fn contains(&self, member: &T) -> bool {
        self.members.contains(member)
    }

    /// The first member from `low` to `high`.
    pub(super) fn range(&self, low: &T, high: &T) -> Option<&T> {
        self.members.range(low..=high).next()
    }

    /// Says whether it is new.
    pub(super) fn insert(&mut self, member: T) -> bool {
        let new = self.members.insert(member);
        if new {
            self.order.push_back(member);
            if self.order.len() > self.max
                && let Some(oldest) = self.order.pop_front()
            {
                self.members.remove(&oldest);
            }
        }
        new
    }

    pub(super) fn remove(&mut self, member: &T) {
        if self.members.remove(member) {
            self.order.retain(|other| other != member);
        }
    }
}

/// Something asked of a peer.
#[derive(Debug, Clone)]
pub(super) enum Question {
    /// `told` is the heaviest weight of our own chain that the peer had been sent before: its answer shows that it read it.
    Ping {
        sent: u64,
        told: Weight,
    },
    /// Headers after one of `locator`, for one attempt to synchronise.
    Headers {
        attempt: u64,
        locator: Vec<BlockId>,
    },
    Blocks {
        ids: Vec<BlockId>,
    },
    Transactions {
        ids: Vec<TxId>,
    },
    BlockTransactions(Box<Rebuild>),
    /// The newest checkpoint that a peer can show, for one attempt to begin with it; and the headers of its chain.
    Checkpoint {
        attempt: u64,
    },
    JoinHeaders {
        attempt: u64,
        locator: Vec<BlockId>,
    },
    Manifests {
        attempt: u64,
        ids: Vec<BlockId>,
    },
    /// A part of the state of the checkpoint that `attempt` takes.
    Part {
        attempt: u64,
        part: u32,
    },
    /// The whole of a block whose compact form did not fit together.
    WholeBlock {
        id: BlockId,
        weight: Weight,
    },
}

/// A compact block of which some transactions are still to come.
#[derive(Debug, Clone)]
pub(super) struct Rebuild {
    pub(super) block: CompactBlock,
    /// Of its branch, work checked.
    pub(super) weight: Weight,
    pub(super) transactions: Vec<Option<CheckedTransaction>>,
    /// Places that the sender was asked for.
    pub(super) missing: Vec<u32>,
    /// Places filled from this node's own pool: one transaction has many envelopes (T13), and the block another of them.
    pub(super) pooled: Vec<u32>,
}

/// A block that is too far ahead of this node's clock (B4), of which nobody knows whether it or the block is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead {
    /// This node's clock at which the block is taken.
    pub(super) at: UnixSecs,
    /// When the chain is looked at again in any case, for it may have changed: driver's milliseconds.
    pub(super) again: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) question: Question,
    /// When it was asked, milliseconds.
    pub(super) asked: u64,
    /// Milliseconds; later the answer is not waited for.
    pub(super) deadline: u64,
    /// Whether that was put off once because this node itself stood still.
    pub(super) extended: bool,
}

impl Open {
    /// A block that is being put together, with its weight and the moment at which it was asked for.
    fn rebuild(&self) -> Option<(BlockId, Weight, u64)> {
        let asked = self.deadline.saturating_sub(BLOCKS_MS);
        match &self.question {
            Question::BlockTransactions(rebuild) => Some((rebuild.block.header.id(), rebuild.weight, asked)),
            Question::WholeBlock { id, weight } => Some((*id, *weight, asked)),
            _ => None,
        }
    }
}

/// A pool that is announced to a peer, a part in each turn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Offer {
    /// Sender and nonce of the last transaction that was looked at.
    pub(super) after: Option<(Address, u64)>,
}

/// What went over a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Messages from the peer.
    pub messages_in: u64,
    /// Messages to the peer.
    pub messages_out: u64,
    /// Bytes from the peer.
    pub bytes_in: u64,
    /// Bytes to the peer.
    pub bytes_out: u64,
}

pub(super) struct Peer {
    pub(super) outbound: bool,
    pub(super) connected: u64,
    /// Our tip as it was told in our hello.
    pub(super) told: BlockId,
    /// The heaviest weight of our chain that it was sent, and the heaviest that it has certainly read.
    pub(super) told_weight: Weight,
    pub(super) acknowledged: Weight,
    /// `None` until it said hello.
    pub(super) claim: Option<Claim>,
    /// The lowest block that it can be asked for.
    pub(super) first: Height,
    /// Whether it may have a checkpoint to show.
    pub(super) offers: bool,
    pub(super) agent: String,
    pub(super) latency: Option<u64>,
    /// Our clock less its own, seconds.
    pub(super) clock_offset: Option<i64>,
    /// The version that its hello named.
    pub(super) version: u64,
    /// The shortest round trip, milliseconds.
    pub(super) least_latency: Option<u64>,
    /// Where it is.
    pub(super) origin: Origin,
    /// When it last brought a block, and a transaction, that was new and right.
    pub(super) brought_block: Option<u64>,
    pub(super) brought_transaction: Option<u64>,
    pub(super) traffic: Traffic,
    pub(super) score: Score,
    pub(super) rates: Rates,
    pub(super) open: BTreeMap<u64, Open>,
    /// Questions whose answers are not waited for any more; one that still comes is checked like any other.
    pub(super) late: BTreeMap<u64, Question>,
    /// Questions in a row that it left unanswered: 1 for each, 4 where nothing else came either, 0 where they may not have
    /// gone out.
    pub(super) silent: u32,
    /// Whether anything comes from it.
    pub(super) flow: Flow,
    /// Its own questions that wait until it has read earlier answers.
    pub(super) waiting: Waiting,
    /// Bytes of frames to it that are still to be written.
    pub(super) unread: Unread,
    pub(super) known_transactions: Remembered<TxId>,
    pub(super) known_blocks: Remembered<BlockId>,
    /// Blocks that it was told of and has not said to have, each with the moment.
    pub(super) told_blocks: VecDeque<(BlockId, u64)>,
    /// What compact blocks it sent: block and digest of the list, to see two different ones.
    pub(super) compact: Remembered<(BlockId, B256)>,
    /// To be told with the next turn.
    pub(super) inventory: Vec<TxId>,
    /// How far the pool has been looked at for it, while that goes on.
    pub(super) offer: Option<Offer>,
    /// Blocks that it did not have when asked.
    pub(super) lacks: Remembered<BlockId>,
    pub(super) next_ping: u64,
    /// Whether it is synchronised from.
    pub(super) backoff: Backoff,
    /// Whether it is asked for blocks whose headers others sent.
    pub(super) bodies: Backoff,
    /// Blocks and transactions that it sent when asked, each of which this node wanted.
    pub(super) blocks_sent: u64,
    pub(super) transactions_sent: u64,
    /// What its chain weighs and how high it is as its headers showed, while this node begins with a checkpoint.
    pub(super) weighed: Option<(Weight, Height)>,
    /// What its chain weighs, where its headers showed so much and its state was begun to be taken.
    pub(super) shown: Weight,
    /// Where its next block was too far ahead of this node's clock: when it is not any more.
    pub(super) ahead: Option<Ahead>,
}

impl Peer {
    /// `told` and `weight` are those of this node's tip, as its hello says.
    pub(super) fn new(outbound: bool, told: BlockId, weight: Weight, now: u64) -> Self {
        Self {
            outbound,
            connected: now,
            told,
            told_weight: weight,
            acknowledged: Weight::default(),
            claim: None,
            first: Height(1),
            offers: true,
            agent: String::new(),
            latency: None,
            clock_offset: None,
            version: 0,
            least_latency: None,
            origin: Origin::default(),
            brought_block: None,
            brought_transaction: None,
            traffic: Traffic::default(),
            score: Score::default(),
            rates: Rates::new(now),
            open: BTreeMap::new(),
            late: BTreeMap::new(),
            silent: 0,
            flow: Flow::default(),
            waiting: Waiting::default(),
            unread: Unread::default(),
            known_transactions: Remembered::new(MAX_KNOWN),
            known_blocks: Remembered::new(MAX_KNOWN / 64),
            told_blocks: VecDeque::new(),
            compact: Remembered::new(64),
            inventory: Vec::new(),
            offer: None,
            lacks: Remembered::new(MAX_KNOWN / 64),
            next_ping: now,
            backoff: Backoff::default(),
            bodies: Backoff::default(),
            blocks_sent: 0,
            transactions_sent: 0,
            weighed: None,
            shown: Weight::default(),
            ahead: None,
        }
    }

    pub(super) fn ready(&self) -> bool {
        self.claim.is_some()
    }

    pub(super) fn weight(&self) -> Weight {
        self.claim.map_or(Weight::default(), |claim| claim.weight)
    }

    fn rebuilds(&self) -> impl Iterator<Item = (BlockId, Weight, u64)> + '_ {
        self.open.values().filter_map(Open::rebuild)
    }

    pub(super) fn rebuilding(&self, id: &BlockId) -> bool {
        self.rebuilds().any(|(block, ..)| block == *id)
    }

    /// Blocks that are being put together from what this peer sends.
    pub(super) fn rebuild_count(&self) -> usize {
        self.rebuilds().count()
    }

    /// Weight of the heaviest block that is being put together from what this peer sends, and was asked for just now.
    pub(super) fn coming(&self, now: u64) -> Weight {
        let fresh = self.rebuilds().filter(|(.., asked)| asked + COMING_MS > now);
        fresh.map(|(_, weight, _)| weight).max().unwrap_or_default()
    }

    /// Remembers a question whose answer is not waited for any more.
    pub(super) fn too_late(&mut self, number: u64, question: Question) {
        self.late.insert(number, question);
        while self.late.len() > MAX_LATE {
            self.late.pop_first();
        }
    }

    /// Whether its chain may be looked at now: this node's clock is set right while it runs, and seen to be.
    pub(super) fn may_follow(&self, now: u64, clock: UnixSecs) -> bool {
        let ahead = self.ahead.is_some_and(|ahead| clock < ahead.at && now < ahead.again);
        self.ready() && self.backoff.ready(now) && !ahead
    }

    /// Whether it is asked for blocks that others showed the headers of.
    pub(super) fn gives_bodies(&self, now: u64) -> bool {
        self.ready() && self.silent == 0 && self.bodies.ready(now)
    }

    pub(super) fn body_questions(&self) -> usize {
        let asks = |open: &&Open| matches!(open.question, Question::Blocks { .. });
        self.open.values().filter(asks).count()
    }
}

/// A peer as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeerStatus {
    /// Its peer id.
    pub name: PeerName,
    /// Whether this node dialled it.
    pub outbound: bool,
    /// Seconds since it connected.
    pub connected_secs: u64,
    /// `None` until it said hello.
    pub height: Option<Height>,
    /// Program and version, as it says; empty until it said hello.
    pub agent: String,
    /// Round trip, milliseconds.
    pub latency_ms: Option<u64>,
    /// This machine's clock less the peer's, seconds, if the peer tells its time.
    pub clock_offset_secs: Option<i64>,
    /// Points against it. Rule: docs/protocol.md#N9
    pub score: u32,
    /// Seconds until its next block is not too far ahead of this node's clock any more (B4), where one was: one of the two
    /// clocks is wrong. `None` where none was at the last attempt.
    pub ahead_secs: Option<u64>,
    /// What went over this connection.
    pub traffic: Traffic,
}
