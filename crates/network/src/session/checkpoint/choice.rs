//! Checkpoint sync: which chain's. The one of most total work among those shown, not the first that sent hello;
//! then its state, part by part (`parts.rs`). Rules: docs/protocol.md#Q1 to #Q5

use tally_chain::history::{History, Node as HistoryNode};
use tally_chain::{BlockId, Header, HeaderTip, Height, Weight};
use tally_node::Checkpoint;

use super::taken::CheckpointSync;
use super::walk::{Offer, Walk};
use crate::session::name::PeerName;
use crate::session::offence::Offence;
use crate::session::peer::{Peer, Request};
use crate::session::state::Session;
use crate::session::sync::attempt::{Ended, own_fault};
use crate::wire::Message;
use crate::wire::limits::{CLAIMS_MS, MAX_SYNCS, NAMED_MS, STUCK_MS};

impl Session {
    /// Peers that the operator named: a newcomer waits for them, if not for long, before it decides for a chain.
    pub fn expect_named(&mut self, count: usize) {
        self.named = count;
    }

    /// Peers of its own dialling for which a newcomer waits in the same way.
    pub fn expect_outbound(&mut self, count: usize) {
        self.outbound = count;
    }

    /// Goes on with the checkpoint sync; returns whether this node is in one.
    pub(crate) fn advance_checkpoint_sync(&mut self) -> bool {
        if !self.node.awaits_checkpoint() {
            self.checkpoint_sync = None;
            self.walks.clear();
            return false;
        }
        if self.begun.is_none() && self.peers.values().any(Peer::ready) {
            self.begun = Some(self.now);
        }
        self.begin_walk();
        self.request_of_walks();
        self.advance_state();
        self.node.awaits_checkpoint() && self.expects_checkpoint()
    }

    /// Total work of the chain that is being taken, or of ours.
    fn taken_work(&self) -> Weight {
        self.checkpoint_sync
            .as_ref()
            .map_or(self.weight(), |sync| sync.walk.end.weight)
    }

    /// Whether peers that are still to be looked at may change which chain this node begins with: not the one of `taken`.
    fn is_undecided(&self, taken: Weight) -> bool {
        let begun = self.begun.unwrap_or(self.now);
        let ready = || self.peers.values().filter(|peer| peer.ready());
        let named = ready().filter(|peer| peer.origin.configured).count();
        let outbound = ready().filter(|peer| peer.outbound).count();
        let misses = named < self.named || outbound < self.outbound;
        let waits = misses && self.now < begun + NAMED_MS;
        // One that has shown a chain with more total work is tried again, though it failed just now: it is no mere claim.
        let failed = |peer: &Peer| peer.offers && peer.shown > taken;
        let open = |peer: &Peer| self.needs_work_check(peer, taken) || failed(peer);
        waits || !self.walks.is_empty() || self.peers.values().any(open)
    }

    /// Whether a peer claims a chain with more total work than the one of `taken`, and was not checked yet.
    fn needs_work_check(&self, peer: &Peer, taken: Weight) -> bool {
        self.may_be_source(peer) && peer.weight() > taken && peer.shown_work.is_none()
    }

    /// Whether a checkpoint and all headers of its chain can be requested from a peer now.
    pub(crate) fn may_be_source(&self, peer: &Peer) -> bool {
        peer.offers && peer.first <= Height(1) && peer.may_follow(self.now, self.node.now())
    }

    /// Whether the state may be taken now: no claim of more total work is left to check, or that took too long since
    /// `complete`.
    pub(crate) fn has_decided(&self, taken: Weight, complete: u64) -> bool {
        !self.is_undecided(taken) || self.now >= complete + CLAIMS_MS
    }

    /// Whether this node waits for a checkpoint. A chain that is too short to have one is simply fetched; a tall claim counts
    /// until it was looked at, and then for what was shown.
    fn expects_checkpoint(&self) -> bool {
        if self.checkpoint_sync.is_some()
            || self.node.checkpoints().trusted.is_some()
            || self.is_undecided(self.taken_work())
        {
            return true;
        }
        let best = self.peers.values().filter_map(|peer| peer.shown_work).max();
        best.is_some_and(|(_, height)| !self.is_too_short(height))
    }

    /// Whether a chain of this height has no checkpoint yet.
    fn is_too_short(&self, height: Height) -> bool {
        let config = self.node.checkpoints();
        height.0 < config.every.saturating_add(config.depth)
    }

    /// Begins to check the work of another chain: one after the other as long as they go on, several beside each other where
    /// they do not. One of an outbound peer is always beside those of inbound peers, however many and busy.
    fn begin_walk(&mut self) {
        let now = self.now;
        let taken = self.taken_work();
        let running: Vec<_> = self.walks.iter().map(|walk| walk.source.clone()).collect();
        let able = |peer: &Peer| self.needs_work_check(peer, taken);
        let stuck = self.walks.iter().all(|walk| walk.progress + STUCK_MS <= now);
        let beside = self.wants_outbound(&running, able);
        if !(stuck || beside) || self.walks.len() >= MAX_SYNCS + usize::from(beside) {
            return;
        }
        let Some(source) = self.choose_source(&running, MAX_SYNCS, able) else {
            return;
        };
        let compares = self.checkpoint_sync.is_some();
        match self.new_walk(source) {
            Ok(mut walk) => {
                walk.compares = compares;
                self.walks.push(walk);
            }
            Err(ended) => tracing::error!(?ended, "genesis cannot be read"),
        }
    }

    /// A walk from genesis on, over the chain of a peer that claims so much total work.
    pub(crate) fn new_walk(&mut self, source: (PeerName, Weight)) -> Result<Walk, Ended> {
        let genesis = self.node.identity().genesis;
        let record = self
            .node
            .tip()
            .snapshot
            .known(&genesis)
            .map_err(|error| own_fault(&error))?;
        let end = HeaderTip {
            id: genesis,
            height: Height::GENESIS,
            recent_times: vec![record.header.time],
            anchor_time: None,
            weight: record.weight,
        };
        let weight = self.node.spec().engine().weight(&record.header);
        let mut history = History::default();
        history.push(HistoryNode::leaf(genesis, &record.header, weight));
        let trusted = self.node.checkpoints().trusted.is_none();
        let number = self.next_attempt();
        let mut walk = Walk::new(number, source, end, history, self.now);
        walk.trusted = trusted;
        Ok(walk)
    }

    fn request_of_walks(&mut self) {
        for at in 0..self.walks.len() {
            let walk = &mut self.walks[at];
            if std::mem::replace(&mut walk.requesting, true) {
                continue;
            }
            let (source, attempt) = (walk.source.clone(), walk.number);
            let compared = self.checkpoint_sync.as_ref().filter(|_| walk.compares);
            if compared.is_none() && matches!(walk.offer, Offer::Unknown) {
                self.send_request(&source, Request::Checkpoint { attempt }, Message::GetCheckpoint);
                continue;
            }
            let locator = compared.map_or_else(|| walk.locator(), |sync| sync.walk.locator());
            let request = Request::CheckpointHeaders {
                attempt,
                locator: locator.clone(),
            };
            self.send_request(&source, request, Message::GetHeaders { locator });
        }
    }

    /// Takes out a walk for which an answer came.
    fn answered_walk(&mut self, attempt: u64) -> Option<Walk> {
        let at = self.walks.iter().position(|walk| walk.number == attempt)?;
        let mut walk = self.walks.remove(at);
        walk.requesting = false;
        walk.progress = self.now;
        Some(walk)
    }

    /// A peer names the checkpoint that it offers.
    pub(crate) fn checkpoint(&mut self, name: &PeerName, attempt: u64, offer: Option<Checkpoint>) {
        if offer.as_ref().is_some_and(|offer| offer.height == Height::GENESIS) {
            let reason = "genesis is none".to_owned();
            return self.offend(name, Offence::InvalidCheckpoint { reason });
        }
        let Some(mut walk) = self.answered_walk(attempt) else {
            return;
        };
        walk.offer = offer.map_or(Offer::None, Offer::Some);
        self.walks.push(walk);
    }

    /// Headers of a chain whose work is checked.
    pub(crate) fn checkpoint_headers(
        &mut self,
        name: &PeerName,
        attempt: u64,
        locator: &[BlockId],
        headers: &[Header],
    ) {
        if let Some(walk) = self.take_rival(attempt) {
            return self.rival_headers(walk, locator, headers);
        }
        let Some(mut walk) = self.answered_walk(attempt) else {
            if let Err(offence) = self.check_apart(locator, headers) {
                self.offend(name, offence);
            }
            return;
        };
        let taken = match &self.checkpoint_sync {
            Some(sync) if walk.compares => self.compare(&walk, sync, locator, headers),
            _ => walk
                .take(locator, headers, &self.node)
                .map(|all| if all { Look::Whole } else { Look::More }),
        };
        walk.compares = false;
        match taken {
            Ok(Look::More) => self.walks.push(walk),
            Ok(Look::Same) => {
                let shown = self.checkpoint_sync.as_ref().map(|sync| sync.walk.end.clone());
                self.work_shown(name, shown.as_ref());
            }
            Ok(Look::Whole) => self.conclude_walk(walk),
            Err(ended) => self.conclude(name, ended),
        }
    }

    /// Where a chain that is claimed to have more total work leaves the one that is being taken. The claim alone is nothing: if
    /// that is below the checkpoint, its work is checked from genesis on.
    fn compare(
        &self,
        walk: &Walk,
        sync: &CheckpointSync,
        locator: &[BlockId],
        headers: &[Header],
    ) -> Result<Look, Ended> {
        if let Err(offence) = self.check_apart(locator, headers) {
            return Err(offence.into());
        }
        let Some(first) = headers.first() else {
            // Its end is a block that we named: no more total work than ours.
            let shown = sync.walk.end.weight.to_string();
            let claimed = walk.claimed.to_string();
            return Err(Offence::LowWork { shown, claimed }.into());
        };
        let same = sync.walk.is_from_checkpoint_on(&first.parent);
        Ok(if same { Look::Same } else { Look::More })
    }

    fn work_shown(&mut self, name: &PeerName, end: Option<&HeaderTip>) {
        if let Some(peer) = self.peers.get_mut(name) {
            peer.shown_work = end.map(|end| (end.weight, end.height));
            peer.backoff.succeeded();
        }
    }

    /// All headers of a chain are here: it is the one to begin with if it has the most total work.
    fn conclude_walk(&mut self, walk: Walk) {
        let (name, height) = (walk.source.clone(), walk.end.height);
        if !walk.trusted {
            let trusted = self.node.checkpoints().trusted.map(|id| id.to_string());
            tracing::warn!(peer = %name, trusted, "its chain does not have the block that --checkpoint names");
            return self.conclude(&name, Ended::Failed(None));
        }
        self.work_shown(&name, Some(&walk.end));
        if let Some(at) = walk.ahead {
            self.conclude(&name, Ended::AheadOfClock { at });
        }
        let Some(offer) = walk.checkpoint() else {
            tracing::info!(peer = %name, "offers no checkpoint");
            if let Some(peer) = self.peers.get_mut(&name) {
                peer.offers = false;
            }
            if self.is_too_short(height) {
                self.leave_for_more_work(walk.end.weight);
            }
            return;
        };
        // Other nodes may be configured for another depth: that is no offence.
        let (above, depth) = (height.0.saturating_sub(offer.height.0), self.node.checkpoints().depth);
        if above < depth || walk.mark.is_none() {
            tracing::warn!(peer = %name, above, depth, "too few blocks are on top of the offered checkpoint");
            return;
        }
        if self
            .checkpoint_sync
            .as_ref()
            .is_some_and(|sync| sync.walk.end.weight >= walk.end.weight)
        {
            return;
        }
        let (block, weight) = (offer.block, walk.end.weight);
        // It has a checkpoint, and is another chain than one that has more total work and no checkpoint.
        let mut shown = self.peers.values().filter_map(|peer| peer.shown_work);
        if shown.any(|(other, height)| other > weight && self.is_too_short(height)) {
            return;
        }
        tracing::info!(source = %name, %block, height = %offer.height, %weight, "the chain with the most total work shown so far");
        self.drop_checkpoint_sync();
        self.work_shown(&name, Some(&walk.end));
        if let Some(peer) = self.peers.get_mut(&name) {
            peer.shown = weight;
        }
        self.checkpoint_sync = Some(CheckpointSync::new(walk, self.now));
    }

    /// A chain was shown that is too short for a checkpoint and has so much total work: with one of less, however tall, this
    /// node does not begin.
    fn leave_for_more_work(&mut self, weight: Weight) {
        if self
            .checkpoint_sync
            .as_ref()
            .is_some_and(|sync| sync.walk.end.weight < weight)
        {
            self.drop_checkpoint_sync();
        }
        for peer in self.peers.values_mut().filter(|peer| peer.shown < weight) {
            peer.shown = Weight::default();
        }
    }

    /// Gives up the chain that was being taken; the others are looked at again.
    pub(crate) fn drop_checkpoint_sync(&mut self) -> Option<PeerName> {
        let sync = self.checkpoint_sync.take()?;
        self.walks.iter_mut().for_each(|walk| walk.compares = false);
        for peer in self.peers.values_mut().filter(|peer| peer.offers) {
            peer.shown_work = None;
        }
        Some(sync.walk.source)
    }

    pub(crate) fn end_checkpoint_sync(&mut self, ended: Ended) {
        if let Some(source) = self.drop_checkpoint_sync() {
            self.conclude(&source, ended);
        }
    }

    /// A request for one attempt was not answered in time.
    pub(crate) fn checkpoint_late(&mut self, attempt: u64) {
        if self
            .checkpoint_sync
            .as_ref()
            .is_some_and(|sync| sync.walk.number == attempt)
        {
            return self.end_checkpoint_sync(Ended::Failed(None));
        }
        self.rival_late(attempt);
        if let Some(walk) = self.answered_walk(attempt) {
            self.conclude(&walk.source, Ended::Failed(None));
        }
    }

    /// A peer is gone: another source is looked for. Parts that came are kept.
    pub(crate) fn checkpoint_source_lost(&mut self, name: &PeerName) {
        self.walks.retain(|walk| walk.source != *name);
        self.rivals.retain(|walk| walk.source != *name);
        if self
            .checkpoint_sync
            .as_ref()
            .is_some_and(|sync| sync.walk.source == *name)
        {
            self.drop_checkpoint_sync();
        } else if let Some(sync) = &mut self.checkpoint_sync {
            sync.forget(name);
        }
    }
}

/// What headers of a walk came to.
enum Look {
    /// It goes on; after a comparison, from genesis on.
    More,
    /// All of the chain is here.
    Whole,
    /// It is the chain that is being taken, and grew.
    Same,
}
