//! What is known of one peer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use serde::{Deserialize, Serialize};
use tally_chain::{B256, BlockId, CheckedTransaction, Height, TxId, Work};

use super::answers::{Unread, Waiting};
use super::limits::{IDS_A_SECOND, IDS_AT_ONCE, MAX_KNOWN, MESSAGES_A_SECOND, MESSAGES_AT_ONCE};
use super::offence::{Budget, Score};
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
}

/// Something asked of a peer.
#[derive(Debug, Clone)]
pub(super) enum Question {
    Ping {
        sent: u64,
    },
    /// Headers of the running synchronisation.
    Headers,
    Blocks {
        ids: Vec<BlockId>,
    },
    Transactions {
        ids: Vec<TxId>,
    },
    BlockTransactions(Box<Rebuild>),
    /// The newest checkpoint of whom this node begins with, and the headers of its chain.
    Checkpoint,
    JoinHeaders,
    Manifests {
        ids: Vec<BlockId>,
    },
    /// A part of the checkpoint's state.
    Part {
        part: u32,
    },
    /// The whole of a block whose compact form did not fit together.
    WholeBlock {
        id: BlockId,
        weight: Work,
    },
}

/// A compact block of which some transactions are still to come.
#[derive(Debug, Clone)]
pub(super) struct Rebuild {
    pub(super) block: CompactBlock,
    /// Of its branch, work checked.
    pub(super) weight: Work,
    pub(super) transactions: Vec<Option<CheckedTransaction>>,
    pub(super) missing: Vec<u32>,
}

#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) question: Question,
    pub(super) deadline: u64,
}

/// What went over a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    pub messages_in: u64,
    pub messages_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

pub(super) struct Peer {
    pub(super) outbound: bool,
    pub(super) connected: u64,
    /// Our tip as it was told in our hello.
    pub(super) told: BlockId,
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
    pub(super) messages: Budget,
    pub(super) ids: Budget,
    pub(super) open: BTreeMap<u64, Open>,
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
    /// Blocks that it did not have when asked.
    pub(super) lacks: Remembered<BlockId>,
    pub(super) next_ping: u64,
    /// Not to be synchronised from before this moment.
    pub(super) sync_after: u64,
}

impl Peer {
    pub(super) fn new(outbound: bool, told: BlockId, now: u64) -> Self {
        Self {
            outbound,
            connected: now,
            told,
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
            messages: Budget::new(MESSAGES_A_SECOND, MESSAGES_AT_ONCE, now),
            ids: Budget::new(IDS_A_SECOND, IDS_AT_ONCE, now),
            open: BTreeMap::new(),
            waiting: Waiting::default(),
            unread: Unread::default(),
            known_transactions: Remembered::new(MAX_KNOWN),
            known_blocks: Remembered::new(MAX_KNOWN / 64),
            told_blocks: VecDeque::new(),
            compact: Remembered::new(64),
            inventory: Vec::new(),
            lacks: Remembered::new(MAX_KNOWN / 64),
            next_ping: now,
            sync_after: now,
        }
    }

    pub(super) fn ready(&self) -> bool {
        self.claim.is_some()
    }

    pub(super) fn weight(&self) -> Work {
        self.claim.map_or(Work::default(), |claim| claim.weight)
    }

    /// Block and weight of what it is asked for one by one.
    fn rebuilds(&self) -> impl Iterator<Item = (BlockId, Work)> + '_ {
        self.open.values().filter_map(|open| match &open.question {
            Question::BlockTransactions(rebuild) => Some((rebuild.block.header.id(), rebuild.weight)),
            Question::WholeBlock { id, weight } => Some((*id, *weight)),
            _ => None,
        })
    }

    pub(super) fn rebuilding(&self, id: &BlockId) -> bool {
        self.rebuilds().any(|(block, _)| block == *id)
    }

    /// Weight of the heaviest block that is being put together from what this peer sends.
    pub(super) fn coming(&self) -> Work {
        self.rebuilds().map(|(_, weight)| weight).max().unwrap_or_default()
    }

    pub(super) fn body_questions(&self) -> usize {
        let asks = |open: &&Open| matches!(open.question, Question::Blocks { .. });
        self.open.values().filter(asks).count()
    }
}

/// A peer as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeerStatus {
    pub name: PeerName,
    pub outbound: bool,
    /// Seconds since it connected.
    pub connected_secs: u64,
    /// `None` until it said hello.
    pub height: Option<Height>,
    pub agent: String,
    /// Round trip, milliseconds.
    pub latency_ms: Option<u64>,
    /// This machine's clock less the peer's, seconds, if the peer tells its time.
    pub clock_offset_secs: Option<i64>,
    pub score: u32,
    pub traffic: Traffic,
}
