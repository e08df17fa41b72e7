//! Headers first, their work checked before anything is kept; then the blocks, from all who have them.
//! Rules: docs/protocol.md#N5, #N6

use std::collections::VecDeque;

use tally_chain::{BlockError, BlockId, Header, Height, Weight};
use tally_node::Status;

use super::attempt::{Ended, Sync, SyncStatus, not_ahead_at, own_fault};
use crate::session::name::PeerName;
use crate::session::offence::Offence;
use crate::session::peer::{Ahead, Peer, Request};
use crate::session::serving::serve;
use crate::session::state::Session;
use crate::wire::Message;
use crate::wire::limits::{MAX_HEADERS, MAX_PLANNED, MAX_SYNCS, STUCK_MS};

/// Milliseconds for which a peer is left alone whose chain this node does not follow, though nothing is wrong with it.
const APART_MS: u64 = 60_000;
/// The same where this node's own store failed, and where it has no room for the peer's next block.
const AGAIN_MS: u64 = 1_000;
const ROOM_AGAIN_MS: u64 = 10_000;

impl Session {
    pub(crate) fn weight(&self) -> Weight {
        self.node.tip().record.weight
    }

    /// Does the next step of all synchronisations, or begins one.
    pub(crate) fn advance_sync(&mut self) {
        if !self.can_store() || self.advance_checkpoint_sync() {
            return;
        }
        self.begin_sync();
        self.import_held();
        self.request_headers();
        self.end_without_room();
        self.request_bodies();
        self.finish_syncs();
        self.advance_rivals();
    }

    /// Follows a peer that claims a chain with more total work than ours; several beside each other while none of them goes on,
    /// so that silence holds up nothing but itself.
    fn begin_sync(&mut self) {
        let now = self.now;
        let stuck = self.syncs.iter().all(|sync| sync.progress + STUCK_MS <= now);
        if !stuck || self.syncs.len() >= MAX_SYNCS {
            return;
        }
        // A block that is being put together needs no synchronisation.
        let coming = self.peers.values().map(|peer| peer.coming(now)).max();
        let ours = self.weight().max(coming.unwrap_or_default());
        let next = self.node.tip().record.height().next();
        let sources: Vec<_> = self.syncs.iter().map(|sync| sync.source.clone()).collect();
        let able = |peer: &Peer| peer.weight() > ours && peer.first <= next;
        let Some((source, claimed)) = self.choose_source(&sources, MAX_SYNCS, able) else {
            return;
        };
        let number = self.next_attempt();
        self.syncs.push(Sync {
            number,
            source,
            claimed,
            end: None,
            most: Weight::default(),
            went_back: false,
            requesting: false,
            more: true,
            ahead: None,
            plan: VecDeque::new(),
            longest: 0,
            imported: 0,
            transactions: 0,
            started: now,
            progress: now,
        });
    }

    fn request_headers(&mut self) {
        for at in 0..self.syncs.len() {
            let sync = &mut self.syncs[at];
            if sync.requesting || !sync.more || sync.plan.len() + MAX_HEADERS > MAX_PLANNED {
                continue;
            }
            // Our own chain after the end: should the peer's have changed meanwhile, its answer still connects.
            let mut locator: Vec<_> = sync.end.iter().map(|end| end.id).collect();
            match serve::locator(&self.node) {
                Ok(own) => locator.extend(own),
                Err(error) => return tracing::error!(%error, "no locator"),
            }
            sync.requesting = true;
            let (source, attempt) = (sync.source.clone(), sync.number);
            let request = Request::Headers {
                attempt,
                locator: locator.clone(),
            };
            self.send_request(&source, request, Message::GetHeaders { locator });
        }
    }

    /// Headers came, after one of the ids in the request's locator.
    pub(crate) fn headers(&mut self, name: &PeerName, attempt: u64, locator: &[BlockId], headers: &[Header]) {
        let Some(at) = self.syncs.iter().position(|sync| sync.number == attempt) else {
            // Too late to be of use; wrong is wrong.
            if let Err(offence) = self.check_apart(locator, headers) {
                self.offend(name, offence);
            }
            return;
        };
        if let Some(peer) = self.peers.get_mut(name) {
            // What it lacked at the earlier request may have come to it since: now it shows it as its own.
            headers.iter().for_each(|header| peer.lacks.remove(&header.id()));
        }
        let mut sync = self.syncs.remove(at);
        sync.requesting = false;
        let planned = self
            .plan(&mut sync, locator, headers)
            .and_then(|()| self.note_progress(&mut sync));
        self.syncs.insert(at, sync);
        if let Err(ended) = planned {
            self.end_sync(attempt, ended);
        }
    }

    /// What an answer has brought. Headers that this node knows, or of little work, cost their sender nothing: as progress
    /// they would keep all other chains waiting for ever.
    fn note_progress(&self, sync: &mut Sync) -> Result<(), Ended> {
        let (shown, ours) = (sync.shown(), self.weight());
        let raised = shown > sync.most;
        sync.most = sync.most.max(shown);
        if shown > ours {
            if raised {
                sync.progress = self.now;
            }
            return Ok(());
        }
        // Where our branch forked deep in the chain, the first full answers of an honest peer show nothing new, but each shows more.
        if sync.more && !raised {
            return Err(Ended::Failed(None));
        }
        Ok(())
    }

    /// Headers by themselves: whether they continue what was requested, and each shows its work.
    pub(crate) fn check_apart(&self, locator: &[BlockId], headers: &[Header]) -> Result<(), Offence> {
        let mut parent: Option<BlockId> = None;
        for header in headers {
            let connects = parent.map_or(locator.contains(&header.parent), |parent| parent == header.parent);
            if !connects {
                return Err(Offence::UnconnectedHeaders);
            }
            match tally_chain::header_chain::check_alone(header, self.node.spec(), self.node.now()) {
                Ok(()) | Err(BlockError::FromTheFuture { .. }) => {}
                Err(error) => {
                    let reason = error.to_string();
                    return Err(Offence::InvalidHeader { reason });
                }
            }
            parent = Some(header.id());
        }
        Ok(())
    }

    /// Checks headers and plans their blocks. An error ends the attempt.
    fn plan(&self, sync: &mut Sync, locator: &[BlockId], headers: &[Header]) -> Result<(), Ended> {
        sync.more = headers.len() == MAX_HEADERS;
        if let Some(first) = headers.first() {
            self.connect(sync, locator, first)?;
        }
        let (snapshot, now) = (self.node.snapshot(), self.node.now());
        for header in headers {
            let Some(end) = &mut sync.end else { break };
            match end.extend(header, self.node.spec(), now) {
                Ok(()) => {}
                Err(BlockError::FromTheFuture { time, max_ahead, .. }) => {
                    sync.more = false;
                    sync.ahead = Some(not_ahead_at(time, max_ahead));
                    break;
                }
                Err(BlockError::WrongParent { .. }) => return Err(Offence::UnconnectedHeaders.into()),
                Err(error) => {
                    let reason = error.to_string();
                    return Err(Offence::InvalidHeader { reason }.into());
                }
            }
            let id = end.id;
            match self
                .node
                .sound_step(&snapshot, &id)
                .map_err(|error| own_fault(&error))?
            {
                Some(record) if record.status == Status::Invalid => {
                    let reason = "it was found invalid before".to_owned();
                    return Err(Offence::InvalidBlock { id, reason }.into());
                }
                Some(_) if sync.plan.is_empty() => {}
                _ => sync.plan.push_back(id),
            }
        }
        self.check_work(sync, headers.is_empty())
    }

    /// Where an answer begins: after the end of the headers, or after a block of ours.
    fn connect(&self, sync: &mut Sync, locator: &[BlockId], first: &Header) -> Result<(), Ended> {
        if !locator.contains(&first.parent) {
            return Err(Offence::UnconnectedHeaders.into());
        }
        if sync.end.as_ref().is_some_and(|end| end.id == first.parent) {
            return Ok(());
        }
        let parent = self.node.header_tip(&first.parent);
        let Some(base) = parent.map_err(|error| own_fault(&error))? else {
            let below = self.node.tip().snapshot.base().map_err(|error| own_fault(&error))? > Height::GENESIS;
            let missing = || Ended::Again(format!("block {} of the locator is missing", first.parent));
            return Err(if below { Ended::BelowBase } else { missing() });
        };
        let depth = self.node.tip().record.height().0.saturating_sub(base.height.0);
        if depth > self.node.max_reorg_depth() {
            return Err(Ended::TooDeep { depth });
        }
        let goes_back = sync.end.as_ref().is_some_and(|end| base.weight <= end.weight);
        if goes_back && std::mem::replace(&mut sync.went_back, true) {
            return Err(Ended::Failed(None));
        }
        sync.plan.clear();
        sync.end = Some(base);
        Ok(())
    }

    /// Compares what was shown with what was claimed, once all of it was shown.
    fn check_work(&self, sync: &Sync, empty: bool) -> Result<(), Ended> {
        let (shown, ours) = (sync.shown(), self.weight());
        if let Some(at) = sync.ahead {
            return if shown > ours {
                Ok(())
            } else {
                Err(Ended::AheadOfClock { at })
            };
        }
        if sync.more {
            let over = sync.plan.len() + MAX_HEADERS > MAX_PLANNED;
            return if over && shown <= ours {
                Err(Ended::Failed(None))
            } else {
                Ok(())
            };
        }
        // Total work only grows: an answer that reaches the chain's end has what was claimed before, or the claim was
        // false. An empty one means that the end is a block which we named; unless the peer has no blocks so low.
        let most = if empty { shown.max(ours) } else { shown };
        if most < sync.claimed {
            let whole = self.peers.get(&sync.source).is_some_and(|peer| peer.first <= Height(1));
            let offence = Offence::LowWork {
                shown: most.to_string(),
                claimed: sync.claimed.to_string(),
            };
            return Err(Ended::Failed((!empty || whole).then_some(offence)));
        }
        if shown > ours || sync.imported > 0 {
            Ok(())
        } else {
            Err(Ended::Done)
        }
    }

    fn finish_syncs(&mut self) {
        let ours = self.weight();
        let over = |sync: &&Sync| {
            let idle = !sync.requesting && !sync.more;
            idle && (sync.plan.is_empty() || !sync.is_ripe(ours))
        };
        let over: Vec<_> = self.syncs.iter().filter(over).map(|sync| sync.number).collect();
        for number in over {
            let Some(sync) = self.syncs.iter().find(|sync| sync.number == number) else {
                continue;
            };
            if sync.imported > 0 {
                let SyncStatus {
                    blocks_done, millis, ..
                } = sync.status(self.now);
                tracing::info!(source = %sync.source, blocks = blocks_done, millis, "synchronised");
            }
            let ended = match sync.ahead {
                Some(at) => Ended::AheadOfClock { at },
                None if sync.claimed <= ours => Ended::Done,
                None => Ended::Failed(None),
            };
            self.end_sync(number, ended);
        }
    }

    /// Ends an attempt, and draws from it what follows for its source.
    pub(crate) fn end_sync(&mut self, number: u64, ended: Ended) {
        let Some(at) = self.syncs.iter().position(|sync| sync.number == number) else {
            return;
        };
        let source = self.syncs.remove(at).source;
        self.drop_bodies();
        self.conclude(&source, ended);
    }

    /// What follows for a peer from an attempt to follow its chain.
    pub(crate) fn conclude(&mut self, name: &PeerName, ended: Ended) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(name) else { return };
        peer.ahead = None;
        match ended {
            Ended::Done => peer.backoff.succeeded(),
            Ended::Failed(offence) => {
                peer.backoff.failed(now);
                if let Some(offence) = offence {
                    self.offend(name, offence);
                }
            }
            Ended::AheadOfClock { at } => {
                let secs = at.0.saturating_sub(self.node.now().0);
                let again = now + APART_MS;
                peer.ahead = Some(Ahead { at, again });
                if self.lines.is_due("ahead", now) {
                    tracing::info!(peer = %name, secs, "its next block is too far ahead of this node's clock; it is taken when it is not");
                }
            }
            Ended::TooDeep { depth } => {
                peer.backoff.wait(now + APART_MS);
                let max = self.node.max_reorg_depth();
                if self.lines.is_due("deep", now) {
                    tracing::warn!(peer = %name, depth, max, "its chain forks deeper than this node follows");
                }
                self.leaves_too_deep(name);
            }
            Ended::BelowBase => {
                peer.backoff.wait(now + APART_MS);
                self.leaves_too_deep(name);
            }
            Ended::Changed => peer.backoff.changed(now),
            Ended::Again(reason) => {
                peer.backoff.wait(now + AGAIN_MS);
                if self.lines.is_due("again", now) {
                    tracing::error!(peer = %name, reason, "this node could not go on with a peer's chain, and tries again");
                }
            }
            Ended::NoRoom { needed } => {
                peer.backoff.wait(now + ROOM_AGAIN_MS);
                if self.lines.is_due("room", now) {
                    tracing::error!(peer = %name, needed, "no room for the next block of a peer's chain, which is tried again");
                }
            }
        }
    }

    /// A request for headers was not answered in time.
    pub(crate) fn headers_late(&mut self, attempt: u64) {
        self.end_sync(attempt, Ended::Failed(None));
    }

    /// A peer is gone: its attempts end, and others are looked for.
    pub(crate) fn sync_lost(&mut self, name: &PeerName) {
        self.syncs.retain(|sync| sync.source != *name);
        self.drop_bodies();
    }

    pub(crate) fn next_attempt(&mut self) -> u64 {
        self.attempts += 1;
        self.attempts
    }
}
