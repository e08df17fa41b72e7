//! One attempt to follow a peer's chain of headers: how far it is, and what it came to. Rules: docs/protocol.md#N5, #N6

use std::collections::VecDeque;

use serde::Serialize;
use tally_chain::{BlockId, HeaderTip, Height, UnixSecs, Weight};
use tally_node::StoreError;

use crate::session::name::PeerName;
use crate::session::offence::Offence;
use crate::wire::limits::{BODY_WINDOW, MIN_EXPECTED_BYTES};

/// One chain of headers that may become ours.
pub(crate) struct Sync {
    /// Which attempt this is: answers to another one are not for it.
    pub(crate) number: u64,
    /// Who sends the headers, and answers for them.
    pub(crate) source: PeerName,
    /// Total work that the source claimed for its chain.
    pub(crate) claimed: Weight,
    /// The end of the headers; `None` before the first answer.
    pub(crate) end: Option<HeaderTip>,
    /// The most total work of its headers in this attempt.
    pub(crate) most: Weight,
    /// Whether an answer has gone back behind the end before: a chain changes, but not again and again.
    pub(crate) went_back: bool,
    /// Whether a request for headers is open, and whether there may be more.
    pub(crate) requesting: bool,
    pub(crate) more: bool,
    /// Where the next header was too far ahead of this node's clock: when it is not any more.
    pub(crate) ahead: Option<UnixSecs>,
    /// Blocks to import, the next one first.
    pub(crate) plan: VecDeque<BlockId>,
    /// Bytes of the longest of its blocks that came lately, smaller with each shorter one.
    pub(crate) longest: usize,
    pub(crate) imported: u64,
    pub(crate) transactions: u64,
    pub(crate) started: u64,
    /// When it last went on: a block was imported, or headers showed more work than before and than ours.
    pub(crate) progress: u64,
}

/// How far a synchronisation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncStatus {
    /// The peer whose chain is followed.
    pub source: PeerName,
    /// Height that the headers reach; `None` before the first of them.
    pub headers: Option<Height>,
    /// Blocks to go, as far as headers are known.
    pub blocks_left: usize,
    /// Blocks imported so far.
    pub blocks_done: u64,
    /// Transactions of those blocks.
    pub transactions_done: u64,
    /// Parts of a checkpoint's state that are here, and all of them, while this node begins with one.
    pub parts: Option<(usize, usize)>,
    /// Milliseconds since it began.
    pub millis: u64,
}

/// What an attempt to follow a peer's chain came to.
#[derive(Debug)]
pub(crate) enum Ended {
    /// All that it showed is here.
    Done,
    /// It led nowhere. Only what the peer itself certainly did is an offence.
    Failed(Option<Offence>),
    /// A header is too far ahead of this node's clock (B4), until that is `at`: it may be the clock which is wrong.
    AheadOfClock { at: UnixSecs },
    /// Its chain leaves ours deeper than this node follows (B9).
    TooDeep { depth: u64 },
    /// Its chain leaves ours below the block with whose state this node began (Q4).
    BelowBase,
    /// It changed while it was looked at. Once that is nothing; again and again it leads nowhere.
    Changed,
    /// This node's own store could not be read or written, for this reason: no peer's doing.
    Again(String),
    /// Nor is it that there are not so many bytes free on the disk.
    NoRoom { needed: u64 },
}

impl From<Offence> for Ended {
    fn from(offence: Offence) -> Self {
        Self::Failed(Some(offence))
    }
}

/// A failure of this node's own.
pub(crate) fn own_fault(error: &StoreError) -> Ended {
    Ended::Again(format!("a peer's chain cannot be compared with the store: {error}"))
}

/// The clock at which a header's time is not too far ahead any more. Rule: docs/protocol.md#B4
pub(crate) fn not_ahead_at(time: UnixSecs, max_ahead: u64) -> UnixSecs {
    UnixSecs(time.0.saturating_sub(max_ahead))
}

impl Sync {
    /// Weight of the headers.
    pub(crate) fn shown(&self) -> Weight {
        self.end.as_ref().map_or(Weight::default(), |end| end.weight)
    }

    /// Whether its blocks are fetched: once its headers have more total work than `ours`, and then to the end.
    pub(crate) fn is_ripe(&self, ours: Weight) -> bool {
        self.imported > 0 || self.shown() > ours
    }

    pub(crate) fn status(&self, now: u64) -> SyncStatus {
        SyncStatus {
            source: self.source.clone(),
            headers: self.end.as_ref().map(|end| end.height),
            blocks_left: self.plan.len(),
            blocks_done: self.imported,
            transactions_done: self.transactions,
            parts: None,
            millis: now.saturating_sub(self.started),
        }
    }
}

impl Sync {
    /// The next blocks, which may be requested and held.
    pub(crate) fn window(&self) -> impl Iterator<Item = &BlockId> {
        self.plan.iter().take(BODY_WINDOW)
    }

    pub(crate) fn waits_for(&self, id: &BlockId) -> bool {
        self.window().any(|next| next == id)
    }

    /// A block of so many bytes came. Headers do not show how long their blocks are; blocks that came do.
    pub(crate) fn came(&mut self, len: usize) {
        self.longest = len.max(self.longest / 2);
    }

    /// Bytes that a block on its way is expected to have.
    pub(crate) fn expected_bytes(&self) -> usize {
        self.longest.max(MIN_EXPECTED_BYTES)
    }
}
