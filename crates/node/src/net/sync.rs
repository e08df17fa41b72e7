//! Headers first, their work checked before anything is kept; then the blocks, from all who have them.
//! Rules: docs/protocol.md#N5, #N6

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use tally_chain::{BlockError, BlockId, Bytes, Header, HeaderTip, Height, Work};

use super::limits::{
    BODY_WINDOW, IMPORTS_A_TURN, MAX_BLOCKS, MAX_BODY_QUESTIONS, MAX_HEADERS, MAX_HELD_BYTES, MAX_PLANNED,
};
use super::offence::Offence;
use super::peer::Question;
use super::wire::Message;
use super::{Network, PeerName, serve};
use crate::pipeline::ImportError;
use crate::store::Status;

/// Milliseconds until a peer is tried again from which a synchronisation led nowhere.
const PAUSE_MS: u64 = 10_000;

/// One chain of headers that is becoming ours.
pub(super) struct Sync {
    /// Who sends the headers, and answers for them.
    source: PeerName,
    /// What the source said its chain weighs.
    claimed: Work,
    /// The end of the headers; `None` before the first answer.
    end: Option<HeaderTip>,
    /// Whether a question for headers is open, and whether there may be more.
    asking: bool,
    more: bool,
    /// Blocks to import, the next one first.
    plan: VecDeque<BlockId>,
    /// Blocks that came before their turn, with who sent them.
    held: BTreeMap<BlockId, (Bytes, PeerName)>,
    held_bytes: usize,
    asked: BTreeMap<BlockId, PeerName>,
    started: u64,
    imported: u64,
    transactions: u64,
}

/// How far a synchronisation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncStatus {
    pub source: PeerName,
    /// Height that the headers reach; `None` before the first of them.
    pub headers: Option<Height>,
    /// Blocks to go, as far as headers are known.
    pub blocks_left: usize,
    pub blocks_done: u64,
    pub transactions_done: u64,
    /// Parts of a checkpoint's state that are here, and all of them, while this node begins with one.
    pub parts: Option<(usize, usize)>,
    pub millis: u64,
}

impl Sync {
    /// Whether the next block is here.
    pub(super) fn has_next(&self) -> bool {
        self.plan.front().is_some_and(|id| self.held.contains_key(id))
    }

    pub(super) fn status(&self, now: u64) -> SyncStatus {
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

impl Network {
    fn weight(&self) -> Work {
        self.node.tip().record.weight
    }

    /// Does the next step of the synchronisation, or begins one.
    pub(super) fn advance_sync(&mut self) {
        if self.advance_join() {
            return;
        }
        if self.sync.is_none() {
            self.begin_sync();
        }
        self.import_held();
        self.ask_for_headers();
        self.ask_for_bodies();
        self.finish_sync();
    }

    /// Follows whoever claims the heaviest chain, if it is heavier than ours.
    fn begin_sync(&mut self) {
        // A block that is being put together needs no synchronisation.
        let coming = self
            .peers
            .values()
            .map(super::peer::Peer::coming)
            .max()
            .unwrap_or_default();
        let (ours, now, next) = (
            self.weight().max(coming),
            self.now,
            self.node.tip().record.height().next(),
        );
        let heavier = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.weight() > ours && peer.sync_after <= now && peer.first <= next);
        let Some((name, peer)) = heavier.max_by_key(|(_, peer)| peer.weight()) else {
            return;
        };
        self.sync = Some(Sync {
            source: name.clone(),
            claimed: peer.weight(),
            end: None,
            asking: false,
            more: true,
            plan: VecDeque::new(),
            held: BTreeMap::new(),
            held_bytes: 0,
            asked: BTreeMap::new(),
            started: now,
            imported: 0,
            transactions: 0,
        });
    }

    fn ask_for_headers(&mut self) {
        let Some(sync) = &mut self.sync else { return };
        if sync.asking || !sync.more || sync.plan.len() + MAX_HEADERS > MAX_PLANNED {
            return;
        }
        let locator = match &sync.end {
            Some(end) => vec![end.id],
            None => match serve::locator(&self.node) {
                Ok(locator) => locator,
                Err(error) => {
                    tracing::error!(%error, "no locator");
                    return;
                }
            },
        };
        sync.asking = true;
        let source = sync.source.clone();
        self.ask(&source, Question::Headers, Message::GetHeaders { locator });
    }

    /// Headers came from the source.
    pub(super) fn headers(&mut self, name: &PeerName, headers: &[Header]) {
        let Some(mut sync) = self.sync.take() else { return };
        if sync.source != *name || !sync.asking {
            self.sync = Some(sync);
            return;
        }
        sync.asking = false;
        match self.plan(&mut sync, headers) {
            Ok(()) => {
                // Heavier than ours, if not as heavy as was said: taken, and the claim with it.
                if let Some(claim) = self.peers.get_mut(name).and_then(|peer| peer.claim.as_mut())
                    && !sync.more
                    && let Some(end) = &sync.end
                {
                    claim.weight = claim.weight.min(end.weight);
                    sync.claimed = claim.weight;
                }
                self.sync = Some(sync);
            }
            Err(offence) => {
                self.pause(name);
                if let Some(offence) = offence {
                    self.offend(name, offence);
                }
            }
        }
    }

    /// Checks headers and plans their blocks. An error ends the synchronisation.
    fn plan(&self, sync: &mut Sync, headers: &[Header]) -> Result<(), Option<Offence>> {
        sync.more = headers.len() == MAX_HEADERS;
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "headers cannot be compared with the store");
            None
        };
        let (tip, now) = (self.node.tip(), self.node.now());
        for header in headers {
            let end = match &mut sync.end {
                Some(end) => end,
                None => {
                    let base = self.node.header_tip(&header.parent).map_err(|error| failed(&error))?;
                    let base = base.ok_or(Some(Offence::UnconnectedHeaders))?;
                    if tip.record.height().0.saturating_sub(base.height.0) > self.node.max_reorg_depth() {
                        return Err(Some(Offence::UnconnectedHeaders));
                    }
                    sync.end.insert(base)
                }
            };
            match end.extend(header, self.node.spec(), now) {
                Ok(()) => {}
                // Our clock may be the one that is wrong.
                Err(BlockError::FromTheFuture { .. }) => {
                    sync.more = false;
                    sync.claimed = Work::default();
                    break;
                }
                Err(BlockError::WrongParent { .. }) => return Err(Some(Offence::UnconnectedHeaders)),
                Err(error) => {
                    let reason = error.to_string();
                    return Err(Some(Offence::InvalidHeader { reason }));
                }
            }
            let id = end.id;
            match tip.snapshot.record(&id).map_err(|error| failed(&error))? {
                Some(record) if record.status == Status::Invalid => {
                    let reason = "it was found invalid before".to_owned();
                    return Err(Some(Offence::InvalidBlock { id, reason }));
                }
                Some(_) if sync.plan.is_empty() => {}
                _ => sync.plan.push_back(id),
            }
        }
        let shown = sync.end.as_ref().map_or(Work::default(), |end| end.weight);
        let over = !sync.more || sync.plan.len() + MAX_HEADERS > MAX_PLANNED;
        if over && shown <= self.weight() {
            let low = shown < sync.claimed;
            return Err(low.then(|| Offence::LowWork {
                shown: shown.to_string(),
                claimed: sync.claimed.to_string(),
            }));
        }
        Ok(())
    }

    /// Asks everybody who may have them for the next blocks.
    fn ask_for_bodies(&mut self) {
        let ours = self.weight();
        let Some(sync) = &mut self.sync else { return };
        // Blocks are fetched once their headers outweigh what we have.
        if sync.end.as_ref().is_none_or(|end| end.weight <= ours) && sync.imported == 0 {
            return;
        }
        let mut questions = Vec::new();
        let mut free: Vec<_> = self
            .peers
            .iter()
            .filter(|(name, peer)| **name == sync.source || peer.weight() > ours)
            .map(|(name, peer)| (name, peer, MAX_BODY_QUESTIONS.saturating_sub(peer.body_questions())))
            .collect();
        let mut wanted: Vec<_> = sync
            .plan
            .iter()
            .take(BODY_WINDOW)
            .filter(|id| !sync.held.contains_key(*id) && !sync.asked.contains_key(*id))
            .copied()
            .collect();
        let next_is_asked = sync.plan.front().is_some_and(|id| sync.asked.contains_key(id));
        let mut room = sync.held_bytes < MAX_HELD_BYTES || !next_is_asked && !sync.has_next();
        while room && !wanted.is_empty() {
            room = sync.held_bytes < MAX_HELD_BYTES;
            let mut asked_any = false;
            for (name, peer, left) in &mut free {
                if *left == 0 {
                    continue;
                }
                let ids: Vec<_> = wanted
                    .iter()
                    .filter(|id| !peer.lacks.contains(id))
                    .take(MAX_BLOCKS)
                    .copied()
                    .collect();
                if ids.is_empty() {
                    continue;
                }
                *left -= 1;
                asked_any = true;
                wanted.retain(|id| !ids.contains(id));
                sync.asked.extend(ids.iter().map(|id| (*id, (*name).clone())));
                questions.push(((*name).clone(), ids));
            }
            if !asked_any {
                break;
            }
        }
        // The next block is nowhere: the source answers for it.
        let lost = sync.plan.front().copied().filter(|id| {
            let nobody = free.iter().all(|(_, peer, _)| peer.lacks.contains(id));
            nobody && !sync.held.contains_key(id) && !sync.asked.contains_key(id)
        });
        let source = sync.source.clone();
        for (name, ids) in questions {
            self.ask(&name, Question::Blocks { ids: ids.clone() }, Message::GetBlocks(ids));
        }
        if let Some(id) = lost {
            self.sync = None;
            self.pause(&source);
            self.offend(&source, Offence::WithheldBlock { id });
        }
    }

    /// Blocks came from a peer.
    pub(super) fn bodies(&mut self, name: &PeerName, ids: &[BlockId], blocks: Vec<Bytes>) {
        let mut left: Vec<_> = ids.to_vec();
        for bytes in blocks {
            let id = match super::relay::block_id(&bytes) {
                Ok(id) => id,
                Err(error) => {
                    self.bodies_missing(name, &left);
                    return self.offend(name, error.into());
                }
            };
            let Some(at) = left.iter().position(|wanted| *wanted == id) else {
                self.bodies_missing(name, &left);
                return self.offend(name, Offence::Unrequested);
            };
            left.swap_remove(at);
            if let Some(sync) = &mut self.sync
                && sync.asked.get(&id) == Some(name)
            {
                sync.asked.remove(&id);
                sync.held_bytes += bytes.len();
                sync.held.insert(id, (bytes, name.clone()));
            }
        }
        // An answer has an end: what did not fit is asked for again, if there was anything at all.
        match left.len() < ids.len() {
            true => self.forget_asked(name, &left),
            false => self.bodies_missing(name, &left),
        }
    }

    fn forget_asked(&mut self, name: &PeerName, ids: &[BlockId]) {
        if let Some(sync) = &mut self.sync {
            for id in ids {
                if sync.asked.get(id) == Some(name) {
                    sync.asked.remove(id);
                }
            }
        }
    }

    /// A peer does not have these, or does not say so.
    pub(super) fn bodies_missing(&mut self, name: &PeerName, ids: &[BlockId]) {
        self.forget_asked(name, ids);
        if let Some(peer) = self.peers.get_mut(name) {
            ids.iter().for_each(|id| {
                peer.lacks.insert(*id);
            });
        }
    }

    /// Imports what is here, in order.
    fn import_held(&mut self) {
        for _ in 0..IMPORTS_A_TURN {
            let Some(sync) = &mut self.sync else { return };
            let Some(id) = sync.plan.front().copied() else { return };
            let Some((bytes, sender)) = sync.held.remove(&id) else {
                return;
            };
            sync.held_bytes = sync.held_bytes.saturating_sub(bytes.len());
            let imported = self.node.import_block(&bytes);
            let Some(sync) = &mut self.sync else { return };
            match imported {
                Ok(imported) => {
                    sync.plan.pop_front();
                    sync.imported += 1;
                    if let Some(peer) = self.peers.get_mut(&sender) {
                        peer.brought_block = Some(self.now);
                    }
                    if let crate::pipeline::Imported::Tip(advance) = imported {
                        let count = |moved: &crate::pipeline::Moved| u64::from(moved.record.transaction_count);
                        sync.transactions += advance.joined.iter().map(count).sum::<u64>();
                    }
                }
                // The header is right and the rest is not what it names: whoever sent it has lied, the block may be good.
                Err(ImportError::Block(error)) if is_foreign(&error) => {
                    let reason = error.to_string();
                    self.bodies_missing(&sender, &[id]);
                    return self.offend(&sender, Offence::InvalidBlock { id, reason });
                }
                Err(error) => {
                    let source = sync.source.clone();
                    self.sync = None;
                    self.pause(&source);
                    if let Some(offence) = blame(id, &error) {
                        self.offend(&source, offence);
                    }
                    return;
                }
            }
        }
    }

    fn finish_sync(&mut self) {
        let ours = self.weight();
        let Some(sync) = &self.sync else { return };
        if !sync.plan.is_empty() || sync.asking || sync.more {
            return;
        }
        if sync.imported > 0 {
            let SyncStatus {
                blocks_done, millis, ..
            } = sync.status(self.now);
            tracing::info!(source = %sync.source, blocks = blocks_done, millis, "synchronised");
        }
        let (source, claimed) = (sync.source.clone(), sync.claimed);
        self.sync = None;
        if claimed <= ours {
            return;
        }
        self.pause(&source);
    }

    /// Leaves a peer alone for a while.
    pub(super) fn pause(&mut self, name: &PeerName) {
        let after = self.now + PAUSE_MS;
        if let Some(peer) = self.peers.get_mut(name) {
            peer.sync_after = after;
        }
    }

    /// A peer is gone or silent: another source is looked for.
    pub(super) fn sync_lost(&mut self, name: &PeerName) {
        if self.sync.as_ref().is_some_and(|sync| sync.source == *name) {
            self.sync = None;
            self.pause(name);
        } else if let Some(sync) = &mut self.sync {
            sync.asked.retain(|_, asked| asked != name);
        }
    }
}

/// Whether a block's parts do not belong to its header: a lie of the sender, not of the chain.
pub(super) fn is_foreign(error: &BlockError) -> bool {
    matches!(
        error,
        BlockError::Codec(_)
            | BlockError::TooLarge { .. }
            | BlockError::TooManyTransactions { .. }
            | BlockError::WrongManifestRoot { .. }
            | BlockError::WrongTransactionsRoot { .. }
    )
}

/// What a block that is not imported says of whoever showed its header; nothing if it is our own trouble.
pub(super) fn blame(id: BlockId, error: &ImportError) -> Option<Offence> {
    match error {
        ImportError::Store(_)
        | ImportError::TooDeep { .. }
        | ImportError::UnknownParent { .. }
        | ImportError::Block(BlockError::FromTheFuture { .. }) => None,
        ImportError::Block(_)
        | ImportError::InvalidParent { .. }
        | ImportError::KnownInvalid { .. }
        | ImportError::Execution { .. } => {
            let reason = error.to_string();
            Some(Offence::InvalidBlock { id, reason })
        }
    }
}
