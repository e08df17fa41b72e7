//! What is known of one peer.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use tally_chain::header::HEADER_BYTES;
use tally_chain::manifest::MAX_MANIFEST_BYTES;
use tally_chain::{Address, B256, BlockId, CheckedTransaction, Height, TxId, UnixSecs, Weight};
use tally_node::MAX_PART_BYTES;

use super::flow::Flow;
use super::name::PeerName;
use super::offence::Score;
use super::rates::Rates;
use super::remembered::Remembered;
use super::serving::waiting::{Unread, Waiting};
use super::sync::backoff::Backoff;
use crate::session::peers::range::Origin;
use crate::wire::limits::{
    BLOCKS_MS, COMING_MS, FRAME_OVERHEAD, MAX_BODY_BYTES, MAX_HEADERS, MAX_KNOWN, MAX_LATE, MAX_POOLED_BYTES, MIN_FLOW,
};
use crate::wire::{Claim, CompactBlock};

/// Bytes of the longest answer that names a checkpoint: 4,096 roots of up to 64 bytes.
const CHECKPOINT_BYTES: usize = 320 << 10;

/// A request to a peer.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// `weight` is the most total work of our own chain that the peer had been sent before: its answer shows that it read it.
    Ping {
        sent: u64,
        weight: Weight,
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
    CheckpointHeaders {
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

impl Request {
    /// Bytes that its answer has at most, or nearly: a block that is longer than several together may be needs a faster link.
    fn longest_answer(&self) -> usize {
        FRAME_OVERHEAD
            + match self {
                Self::Ping { .. } => 0,
                Self::Headers { .. } | Self::CheckpointHeaders { .. } => MAX_HEADERS * HEADER_BYTES,
                Self::Blocks { .. } | Self::WholeBlock { .. } | Self::BlockTransactions(_) => MAX_BODY_BYTES,
                Self::Transactions { .. } => MAX_POOLED_BYTES,
                Self::Checkpoint { .. } => CHECKPOINT_BYTES,
                Self::Manifests { ids, .. } => ids.len() * MAX_MANIFEST_BYTES,
                Self::Part { .. } => MAX_PART_BYTES,
            }
    }
}

/// A compact block of which some transactions are still to come.
#[derive(Debug, Clone)]
pub(crate) struct Rebuild {
    pub(crate) block: CompactBlock,
    /// Of its branch, work checked.
    pub(crate) weight: Weight,
    pub(crate) transactions: Vec<Option<CheckedTransaction>>,
    /// Places that were requested from the sender.
    pub(crate) missing: Vec<u32>,
    /// Places filled from this node's own pool: one transaction has many envelopes (T13), and the block another of them.
    pub(crate) pooled: Vec<u32>,
}

/// A block that is too far ahead of this node's clock (B4), of which it is not known whether it or the block is wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead {
    /// This node's clock at which the block is taken.
    pub(crate) at: UnixSecs,
    /// When the chain is looked at again in any case, for it may have changed: driver's milliseconds.
    pub(crate) again: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) request: Request,
    /// When the request was sent, milliseconds.
    pub(crate) requested: u64,
    /// Milliseconds; later the answer is not waited for.
    pub(crate) deadline: u64,
    /// Whether that was put off once because this node itself stood still.
    pub(crate) extended: bool,
}

impl Open {
    /// A block that is being put together, with the total work of its branch and the moment of the request.
    fn rebuild(&self) -> Option<(BlockId, Weight, u64)> {
        let requested = self.deadline.saturating_sub(BLOCKS_MS);
        match &self.request {
            Request::BlockTransactions(rebuild) => Some((rebuild.block.header.id(), rebuild.weight, requested)),
            Request::WholeBlock { id, weight } => Some((*id, *weight, requested)),
            _ => None,
        }
    }
}

/// A pool that is announced to a peer, a part in each turn.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Offer {
    /// Sender and nonce of the last transaction that was looked at.
    pub(crate) after: Option<(Address, u64)>,
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

pub(crate) struct Peer {
    pub(crate) outbound: bool,
    pub(crate) connected: u64,
    /// This node's tip in its hello.
    pub(crate) hello_tip: BlockId,
    /// The most total work of our chain that it was sent, and the most that it has certainly read.
    pub(crate) sent_weight: Weight,
    pub(crate) acknowledged: Weight,
    /// `None` until its hello.
    pub(crate) claim: Option<Claim>,
    /// The lowest block that it serves.
    pub(crate) first: Height,
    /// Whether it may have a checkpoint to show.
    pub(crate) offers: bool,
    pub(crate) agent: String,
    pub(crate) latency: Option<u64>,
    /// Our clock less its own, seconds.
    pub(crate) clock_offset: Option<i64>,
    /// The version that its hello named.
    pub(crate) version: u64,
    /// The shortest round trip, milliseconds.
    pub(crate) least_latency: Option<u64>,
    /// Where it is.
    pub(crate) origin: Origin,
    /// When it last brought a block, and a transaction, that was new and right.
    pub(crate) brought_block: Option<u64>,
    pub(crate) brought_transaction: Option<u64>,
    pub(crate) traffic: Traffic,
    pub(crate) score: Score,
    pub(crate) rates: Rates,
    pub(crate) open: BTreeMap<u64, Open>,
    /// Requests whose answers are not waited for any more; one that still comes is checked like any other.
    pub(crate) late: BTreeMap<u64, Request>,
    /// Requests in a row that it left unanswered: 1 for each, 4 where nothing else came either, 0 where they may not have
    /// gone out.
    pub(crate) silent: u32,
    /// Whether anything comes from it.
    pub(crate) flow: Flow,
    /// Its own requests that wait until it has read earlier answers.
    pub(crate) waiting: Waiting,
    /// Bytes of frames to it that are still to be written.
    pub(crate) unread: Unread,
    pub(crate) known_transactions: Remembered<TxId>,
    pub(crate) known_blocks: Remembered<BlockId>,
    /// Blocks that were announced to it and that it has not confirmed, each with the moment, milliseconds.
    pub(crate) announced_blocks: VecDeque<(BlockId, u64)>,
    /// What compact blocks it sent: block and digest of the list, to see two different ones.
    pub(crate) compact: Remembered<(BlockId, B256)>,
    /// Ids to announce after the next input.
    pub(crate) inventory: Vec<TxId>,
    /// How far the pool has been looked at for it, while that goes on.
    pub(crate) offer: Option<Offer>,
    /// Blocks that it did not have when they were requested.
    pub(crate) lacks: Remembered<BlockId>,
    pub(crate) next_ping: u64,
    /// Whether it is synchronised from.
    pub(crate) backoff: Backoff,
    /// Whether blocks are requested from it whose headers others sent.
    pub(crate) bodies: Backoff,
    /// Blocks and transactions that it sent on request, each of which this node wanted.
    pub(crate) blocks_sent: u64,
    pub(crate) transactions_sent: u64,
    /// Total work and height of its chain as its headers showed, during the checkpoint sync.
    pub(crate) shown_work: Option<(Weight, Height)>,
    /// Total work of its chain, where its headers showed it and its state was begun to be taken.
    pub(crate) shown: Weight,
    /// Where its next block was too far ahead of this node's clock: when it is not any more.
    pub(crate) ahead: Option<Ahead>,
}

impl Peer {
    /// `hello_tip` and `weight` are those of this node's tip, as in its hello.
    pub(crate) fn new(outbound: bool, hello_tip: BlockId, weight: Weight, now: u64) -> Self {
        Self {
            outbound,
            connected: now,
            hello_tip,
            sent_weight: weight,
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
            announced_blocks: VecDeque::new(),
            compact: Remembered::new(64),
            inventory: Vec::new(),
            offer: None,
            lacks: Remembered::new(MAX_KNOWN / 64),
            next_ping: now,
            backoff: Backoff::default(),
            bodies: Backoff::default(),
            blocks_sent: 0,
            transactions_sent: 0,
            shown_work: None,
            shown: Weight::default(),
            ahead: None,
        }
    }

    pub(crate) fn ready(&self) -> bool {
        self.claim.is_some()
    }

    pub(crate) fn weight(&self) -> Weight {
        self.claim.map_or(Weight::default(), |claim| claim.weight)
    }

    fn rebuilds(&self) -> impl Iterator<Item = (BlockId, Weight, u64)> + '_ {
        self.open.values().filter_map(Open::rebuild)
    }

    pub(crate) fn rebuilding(&self, id: &BlockId) -> bool {
        self.rebuilds().any(|(block, ..)| block == *id)
    }

    /// Blocks that are being put together from what this peer sends.
    pub(crate) fn rebuild_count(&self) -> usize {
        self.rebuilds().count()
    }

    /// Most total work of a block that is being put together from what this peer sends, and was requested just now.
    pub(crate) fn coming(&self, now: u64) -> Weight {
        let fresh = self.rebuilds().filter(|(.., requested)| requested + COMING_MS > now);
        fresh.map(|(_, weight, _)| weight).max().unwrap_or_default()
    }

    /// Remembers a request whose answer is not waited for any more.
    pub(crate) fn too_late(&mut self, number: u64, request: Request) {
        self.late.insert(number, request);
        while self.late.len() > MAX_LATE {
            self.late.pop_first();
        }
    }

    /// Whether its chain may be looked at now: this node's clock is set right while it runs, and seen to be.
    pub(crate) fn may_follow(&self, now: u64, clock: UnixSecs) -> bool {
        let ahead = self.ahead.is_some_and(|ahead| clock < ahead.at && now < ahead.again);
        self.ready() && self.backoff.ready(now) && !ahead
    }

    /// Whether blocks are requested from it whose headers others showed.
    pub(crate) fn gives_bodies(&self, now: u64) -> bool {
        self.ready() && self.silent == 0 && self.bodies.ready(now)
    }

    pub(crate) fn body_requests(&self) -> usize {
        let is_such = |open: &&Open| matches!(open.request, Request::Blocks { .. });
        self.open.values().filter(is_such).count()
    }
}

impl Peer {
    /// Requests that are not waited for any more at `now`. While bytes come steadily a request waits as long as its answer,
    /// and those before it, would take at the least rate that counts as steady: bytes of another kind hold nothing for ever.
    /// Answers come in the order of the requests: none is late before one that was sent earlier and has more time.
    pub(crate) fn late_requests(&self, now: u64) -> Vec<u64> {
        let (mut before, mut deadline) = (0_u64, 0_u64);
        let mut late = Vec::new();
        for (number, open) in &self.open {
            before = before.saturating_add(open.request.longest_answer() as u64);
            deadline = deadline.max(open.deadline);
            let last = deadline.saturating_add(before.saturating_mul(1_000) / MIN_FLOW);
            let comes = self.flow.steady && now < last;
            if open.deadline <= now && !comes {
                late.push(*number);
            }
        }
        late
    }

    /// Requests for announced transactions that are open.
    pub(crate) fn transaction_requests(&self) -> usize {
        let is_such = |open: &&Open| matches!(open.request, Request::Transactions { .. });
        self.open.values().filter(is_such).count()
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
    /// `None` until its hello.
    pub height: Option<Height>,
    /// Program and version, as it claims; empty until it sent hello.
    pub agent: String,
    /// Round trip, milliseconds.
    pub latency_ms: Option<u64>,
    /// This machine's clock less the peer's, seconds, if the peer sends its time.
    pub clock_offset_secs: Option<i64>,
    /// Points against it. Rule: docs/protocol.md#N9
    pub score: u32,
    /// Seconds until its next block is not too far ahead of this node's clock any more (B4), where one was: one of the two
    /// clocks is wrong. `None` where none was at the last attempt.
    pub ahead_secs: Option<u64>,
    /// What went over this connection.
    pub traffic: Traffic,
}

#[cfg(test)]
mod tests {
    use tally_chain::B256;

    use super::*;
    use crate::wire::limits::ANSWER_MS;

    #[test]
    fn a_short_answer_behind_a_long_one_is_not_late_before_it() {
        let mut peer = Peer::new(true, BlockId(B256::ZERO), Weight::default(), 0);
        let open = |request, deadline| Open {
            request,
            requested: 0,
            deadline,
            extended: false,
        };
        let ids = vec![BlockId(B256::ZERO)];
        peer.open.insert(1, open(Request::Blocks { ids }, BLOCKS_MS));
        let (sent, weight) = (0, Weight::default());
        peer.open.insert(2, open(Request::Ping { sent, weight }, ANSWER_MS));
        assert_eq!(
            peer.late_requests(ANSWER_MS),
            [2],
            "where nothing comes each has its own time"
        );
        peer.flow.steady = true;
        let longest = |request: u64| peer.open[&request].request.longest_answer() as u64 * 1_000 / MIN_FLOW;
        let first = BLOCKS_MS + longest(1);
        let second = first + longest(2);
        assert_eq!(peer.late_requests(first - 1), [] as [u64; 0]);
        assert_eq!(peer.late_requests(first), [1]);
        assert_eq!(peer.late_requests(second - 1), [1]);
        assert_eq!(peer.late_requests(second), [1, 2]);
    }
}
