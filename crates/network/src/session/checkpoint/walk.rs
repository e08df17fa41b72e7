//! A chain from genesis on: the work of its headers is checked, and only the last of them kept. Rules: docs/protocol.md#N5, #Q3

use std::collections::VecDeque;

use tally_chain::history::{History, Node as HistoryNode};
use tally_chain::{B256, BlockError, BlockId, Header, HeaderTip, UnixSecs, Weight};
use tally_node::{Checkpoint, Node};

use crate::session::name::PeerName;
use crate::session::offence::Offence;
use crate::session::sync::attempt::{Ended, SyncStatus, not_ahead_at};
use crate::wire::limits::{MAX_HEADERS, MAX_LOCATOR};

/// Blocks whose ids a contract can read: they come with the checkpoint. Rule: docs/protocol.md#Q4
const ANCESTORS: usize = 256;

/// A header with the total work of its branch.
pub(crate) type Weighed = (Header, Weight);

/// One peer's chain on the way from genesis to its end.
pub(crate) struct Walk {
    /// Which attempt this is: answers to another one are not for it.
    pub(crate) number: u64,
    /// Who sends the headers, and answers for them.
    pub(crate) source: PeerName,
    /// Total work that the source claimed for its chain.
    pub(crate) claimed: Weight,
    pub(crate) started: u64,
    /// When it last went on.
    pub(crate) progress: u64,
    /// Whether a request to the source is open.
    pub(crate) requesting: bool,
    /// Whether it is first looked at where its chain leaves the one that is being taken.
    pub(crate) compares: bool,
    pub(crate) offer: Offer,
    genesis: BlockId,
    pub(crate) end: HeaderTip,
    history: History,
    first: Option<Weighed>,
    /// The last headers up to the end.
    recent: VecDeque<Weighed>,
    /// What stood at the checkpoint's block.
    pub(crate) mark: Option<Mark>,
    /// Whether the block that the operator trusts is in it; true where none is named.
    pub(crate) trusted: bool,
    /// A block of ours that is looked for in it, and whether it was there.
    pub(crate) sought: Option<BlockId>,
    pub(crate) has_sought: bool,
    /// Where the next header was too far ahead of this node's clock: when it is not any more.
    pub(crate) ahead: Option<UnixSecs>,
}

/// The checkpoint that a source can show.
pub(crate) enum Offer {
    Unknown,
    None,
    Some(Checkpoint),
}

/// The chain as it was when the headers reached the checkpoint.
pub(crate) struct Mark {
    /// `history_root` of the checkpoint's block.
    pub(crate) history_root: B256,
    pub(crate) history: History,
    /// Block 1 and the last ones, as [`StateSnapshot`](tally_node::StateSnapshot) wants them.
    pub(crate) blocks: Vec<Weighed>,
}

impl Walk {
    /// From genesis on, over which `history` is the range, and where `end` stands.
    pub(crate) fn new(number: u64, source: (PeerName, Weight), end: HeaderTip, history: History, now: u64) -> Self {
        let (source, claimed) = source;
        Self {
            number,
            source,
            claimed,
            started: now,
            progress: now,
            requesting: false,
            compares: false,
            offer: Offer::Unknown,
            genesis: end.id,
            end,
            history,
            first: None,
            recent: VecDeque::new(),
            mark: None,
            trusted: true,
            sought: None,
            has_sought: false,
            ahead: None,
        }
    }

    pub(crate) fn status(&self, now: u64) -> SyncStatus {
        SyncStatus {
            source: self.source.clone(),
            headers: Some(self.end.height),
            blocks_left: 0,
            blocks_done: 0,
            transactions_done: 0,
            parts: None,
            millis: now.saturating_sub(self.started),
        }
    }

    /// The checkpoint that its source offers.
    pub(crate) fn checkpoint(&self) -> Option<&Checkpoint> {
        match &self.offer {
            Offer::Some(checkpoint) => Some(checkpoint),
            Offer::Unknown | Offer::None => None,
        }
    }

    /// Ids that the next headers may continue, the newest first; the checkpoint's block and genesis last.
    pub(crate) fn locator(&self) -> Vec<BlockId> {
        let recent = self.recent.iter().rev().take(MAX_LOCATOR - 2);
        let mut ids: Vec<_> = recent.map(|(header, _)| header.id()).collect();
        ids.extend(
            self.mark
                .iter()
                .filter_map(|_| self.checkpoint())
                .map(|offer| offer.block),
        );
        ids.push(self.genesis);
        ids
    }

    /// Whether a block of this chain's [`Self::locator`] is the checkpoint's or above it.
    pub(crate) fn is_from_checkpoint_on(&self, id: &BlockId) -> bool {
        let Some(offer) = self.checkpoint() else { return false };
        let end = self.end.height.0;
        let above = (0_u64..)
            .zip(self.recent.iter().rev())
            .take_while(|(back, _)| end - back >= offer.height.0);
        offer.block == *id || above.map(|(_, (header, _))| header.id()).any(|above| above == *id)
    }

    /// Checks the next headers, which follow one of `locator`; returns whether all are here.
    pub(crate) fn take(&mut self, locator: &[BlockId], headers: &[Header], node: &Node) -> Result<bool, Ended> {
        if let Some(first) = headers.first()
            && first.parent != self.end.id
        {
            // Its chain may have changed its end meanwhile: then it is looked at again from the beginning.
            let known = locator.contains(&first.parent);
            return Err(if known {
                Ended::Changed
            } else {
                Offence::UnconnectedHeaders.into()
            });
        }
        for header in headers {
            match self.extend(header, node) {
                Ok(()) => {}
                Err(BlockError::FromTheFuture { time, max_ahead, .. }) => {
                    self.ahead = Some(not_ahead_at(time, max_ahead));
                    return Ok(true);
                }
                Err(BlockError::WrongParent { .. }) => return Err(Offence::UnconnectedHeaders.into()),
                Err(error) => {
                    let reason = error.to_string();
                    return Err(Offence::InvalidHeader { reason }.into());
                }
            }
            let at = self.checkpoint().filter(|offer| offer.height == self.end.height);
            if at.is_some_and(|offer| offer.block != self.end.id) {
                // It offered what its chain does not have, or has no more: which of the two does not show.
                tracing::info!(peer = %self.source, height = %self.end.height, "the offered checkpoint is not in its chain");
                return Err(Ended::Failed(None));
            }
        }
        if headers.len() == MAX_HEADERS {
            return Ok(false);
        }
        // Its chain is here to the end, and total work only grows: it has what was claimed before.
        let offence = Offence::LowWork {
            shown: self.end.weight.to_string(),
            claimed: self.claimed.to_string(),
        };
        if self.end.weight < self.claimed {
            Err(offence.into())
        } else {
            Ok(true)
        }
    }

    /// Moves on to the next header; its work is checked.
    fn extend(&mut self, header: &Header, node: &Node) -> Result<(), BlockError> {
        let spec = node.spec();
        self.end.extend(header, spec, node.now())?;
        let before = self.history.root();
        self.history
            .push(HistoryNode::leaf(self.end.id, header, spec.engine().weight(header)));
        self.trusted |= node.checkpoints().trusted == Some(self.end.id);
        self.has_sought |= self.sought == Some(self.end.id);
        let with_work = (*header, self.end.weight);
        self.first.get_or_insert(with_work);
        self.recent.push_back(with_work);
        if self.recent.len() > ANCESTORS {
            self.recent.pop_front();
        }
        if self.checkpoint().is_some_and(|offer| offer.height == self.end.height) {
            self.mark = Some(self.mark_here(before));
        }
        Ok(())
    }

    fn mark_here(&self, history_root: B256) -> Mark {
        let mut blocks: Vec<_> = self.recent.iter().copied().collect();
        if self.end.height.0 > ANCESTORS as u64 {
            blocks.splice(0..0, self.first);
        }
        Mark {
            history_root,
            history: self.history.clone(),
            blocks,
        }
    }
}
