//! The blocks behind headers that were checked, from all who have them. Rule: docs/protocol.md#N6

use std::cmp::Reverse;

use tally_chain::{BlockId, Bytes, Weight};
use tally_node::{ImportError, Imported, Moved, Status, StoreError};

use super::attempt::{Ended, Sync};
use super::held::BodyRequest;
use crate::session::name::PeerName;
use crate::session::offence::Offence;
use crate::session::peer::{Peer, Request};
use crate::session::state::Session;
use crate::session::whole::{belongs, blame, block_id};
use crate::wire::Message;
use crate::wire::limits::{
    HEDGE_MS, HEDGE_UNPROVEN_MS, IMPORTS_A_TURN, MAX_BLOCKS, MAX_BODY_REQUESTS, MAX_HELD_OF_A_CHAIN,
};

/// A peer that can get requests for blocks, and how many more.
struct Giver {
    name: PeerName,
    left: usize,
    /// Whether it has sent blocks before, and answers now.
    proven: bool,
}

impl Giver {
    /// Whether blocks of a chain are requested from it. From a peer that has sent none yet only those of the chain that it
    /// showed itself: one that claims much and sends nothing holds up no block of another's chain.
    fn gives(&self, sync: &Sync) -> bool {
        self.proven || self.name == sync.source
    }
}

impl Session {
    /// Whether the next block of some chain is here.
    pub(crate) fn has_next_body(&self) -> bool {
        let next = |sync: &Sync| sync.plan.front().is_some_and(|id| self.bodies.held.contains_key(id));
        self.syncs.iter().any(next)
    }

    /// Requests the next blocks from all peers that may have them, those of the chain with the most total work first.
    pub(crate) fn request_bodies(&mut self) {
        let ours = self.weight();
        let mut ripe: Vec<_> = self.syncs.iter().filter(|sync| sync.is_ripe(ours)).collect();
        if ripe.is_empty() {
            return;
        }
        ripe.sort_by_key(|sync| Reverse(sync.shown()));
        let mut givers = self.givers(ours);
        let mut requests = Vec::new();
        for sync in &ripe {
            let wanted = self.wanted_of(sync, &requests);
            self.share_out(sync, wanted, &mut givers, &mut requests);
        }
        requests.extend(ripe.iter().filter_map(|sync| self.second_request(sync)));
        requests.extend(self.probes(ours, &requests));
        let lost: Vec<_> = ripe
            .iter()
            .filter_map(|sync| self.lost_block(sync, &givers).map(|id| (sync.number, id)))
            .collect();
        for (name, ids) in requests {
            for id in &ids {
                let since = self.now;
                let requested = self
                    .bodies
                    .requested
                    .entry(*id)
                    .or_insert(BodyRequest { by: Vec::new(), since });
                requested.by.push(name.clone());
            }
            if let Some(peer) = self.peers.get_mut(&name) {
                // A second request goes in any case: there are few.
                peer.rates.requesting.spend(1, self.now);
            }
            self.send_request(&name, Request::Blocks { ids: ids.clone() }, Message::GetBlocks(ids));
        }
        for (number, id) in lost {
            // The source showed the header as one of its own chain, and answers that it does not have the block.
            self.end_sync(number, Offence::WithheldBlock { id }.into());
        }
    }

    /// Who can be sent requests: sources of headers, and peers with more total work than ours that have sent blocks before, as
    /// long as they answer.
    fn givers(&self, ours: Weight) -> Vec<Giver> {
        let proven = |peer: &Peer| peer.weight() > ours && peer.blocks_sent > 0 && peer.gives_bodies(self.now);
        let left = |peer: &Peer| {
            let may = usize::try_from(peer.rates.requesting.left(self.now)).unwrap_or(usize::MAX);
            MAX_BODY_REQUESTS.saturating_sub(peer.body_requests()).min(may)
        };
        let givers = self.peers.iter().map(|(name, peer)| Giver {
            name: name.clone(),
            left: left(peer),
            proven: proven(peer),
        });
        givers
            .filter(|giver| giver.proven || self.is_source(&giver.name))
            .collect()
    }

    fn is_source(&self, name: &PeerName) -> bool {
        self.syncs.iter().any(|sync| sync.source == *name)
    }

    /// From peers that only claim more total work one block is requested that is requested from another anyway: one that sends it
    /// gets requests for more, and one that does not has held up nothing.
    fn probes(&self, ours: Weight, requests: &[(PeerName, Vec<BlockId>)]) -> Vec<(PeerName, Vec<BlockId>)> {
        let Some(id) = requests.first().and_then(|(_, ids)| ids.last()) else {
            return Vec::new();
        };
        let unproven = |(name, peer): &(&PeerName, &Peer)| {
            let claims = peer.weight() > ours && peer.blocks_sent == 0 && !self.is_source(name);
            let may = peer.gives_bodies(self.now) && peer.rates.requesting.left(self.now) > 0;
            claims && may && peer.body_requests() == 0 && !peer.lacks.contains(id)
        };
        let unproven = self.peers.iter().filter(unproven);
        unproven.map(|(name, _)| (name.clone(), vec![*id])).collect()
    }

    /// Blocks of one chain to request now. Each chain has its part of the room, in which blocks on their way count as well as
    /// those that are here: one of which blocks are missing does not keep others out.
    fn wanted_of(&self, sync: &Sync, requests: &[(PeerName, Vec<BlockId>)]) -> Vec<BlockId> {
        let is_requested = |id: &BlockId| requests.iter().any(|(_, ids)| ids.contains(id));
        let comes = |id: &&BlockId| self.bodies.requested.contains_key(*id) || is_requested(id);
        let new = |id: &&BlockId| self.bodies.is_idle(id) && !is_requested(id);
        let each = sync.expected_bytes();
        let used = self.bodies.held_of(sync) + sync.window().filter(comes).count() * each;
        let most = MAX_HELD_OF_A_CHAIN.saturating_sub(used) / each;
        // Without room only the next block is fetched: it makes room.
        let next = sync.plan.front().filter(new);
        let later = sync.window().skip(1).filter(new);
        let most = most.saturating_sub(usize::from(next.is_some()));
        next.into_iter().chain(later.take(most)).copied().collect()
    }

    fn share_out(
        &self,
        sync: &Sync,
        mut wanted: Vec<BlockId>,
        givers: &mut [Giver],
        requests: &mut Vec<(PeerName, Vec<BlockId>)>,
    ) {
        let mut requested_any = true;
        while requested_any && !wanted.is_empty() {
            requested_any = false;
            for giver in givers.iter_mut().filter(|giver| giver.left > 0 && giver.gives(sync)) {
                let lacks = |id: &BlockId| self.peers.get(&giver.name).is_none_or(|peer| peer.lacks.contains(id));
                let ids: Vec<_> = wanted
                    .iter()
                    .filter(|id| !lacks(id))
                    .take(MAX_BLOCKS)
                    .copied()
                    .collect();
                if ids.is_empty() {
                    continue;
                }
                giver.left -= 1;
                requested_any = true;
                wanted.retain(|id| !ids.contains(id));
                requests.push((giver.name.clone(), ids));
            }
        }
    }

    /// Where another peer does not send the next block, its source gets the request as well: soon, and for those after it, too,
    /// where that peer has never sent one.
    fn second_request(&self, sync: &Sync) -> Option<(PeerName, Vec<BlockId>)> {
        let next = sync.plan.front()?;
        let peer = self.peers.get(&sync.source)?;
        let again = |id: &&BlockId| {
            let requested = self.bodies.requested.get(*id);
            let late = requested.is_some_and(|requested| requested.since + self.hedge_after(requested) <= self.now);
            late && requested.is_some_and(|requested| !requested.by.contains(&sync.source)) && !peer.lacks.contains(id)
        };
        if !again(&next) {
            return None;
        }
        let unproven = self
            .bodies
            .requested
            .get(next)
            .is_some_and(|requested| !self.requested_of_proven(requested));
        let most = if unproven { MAX_BLOCKS } else { 1 };
        let ids = sync.window().filter(again).take(most);
        Some((sync.source.clone(), ids.copied().collect()))
    }

    /// Whether one of the peers with a request for a block has sent blocks before.
    fn requested_of_proven(&self, requested: &BodyRequest) -> bool {
        let proven = |name: &PeerName| self.peers.get(name).is_some_and(|peer| peer.blocks_sent > 0);
        requested.by.iter().any(proven)
    }

    /// Milliseconds until the source gets the request for a block that another does not send.
    fn hedge_after(&self, requested: &BodyRequest) -> u64 {
        if self.requested_of_proven(requested) {
            HEDGE_MS
        } else {
            HEDGE_UNPROVEN_MS
        }
    }

    /// The next block of a chain that neither its source nor another peer has.
    fn lost_block(&self, sync: &Sync, givers: &[Giver]) -> Option<BlockId> {
        let id = sync.plan.front().filter(|id| self.bodies.is_idle(id))?;
        let lacks = |name: &PeerName| self.peers.get(name).is_some_and(|peer| peer.lacks.contains(id));
        let mut others = givers.iter().filter(|giver| giver.gives(sync));
        (lacks(&sync.source) && others.all(|giver| lacks(&giver.name))).then_some(*id)
    }

    /// Blocks came from a peer.
    pub(crate) fn bodies(&mut self, name: &PeerName, ids: &[BlockId], blocks: Vec<Bytes>) {
        let mut left: Vec<_> = ids.to_vec();
        for bytes in blocks {
            let offence: Offence = match block_id(&bytes) {
                Err(error) => error.into(),
                Ok(id) if !left.contains(&id) => Offence::Unrequested,
                Ok(id) if !belongs(&bytes) => {
                    let reason = "its parts are not those that its header names".to_owned();
                    Offence::InvalidBlock { id, reason }
                }
                Ok(id) => {
                    left.retain(|wanted| *wanted != id);
                    self.take_body(name, id, bytes);
                    continue;
                }
            };
            self.forget_requested(name, &left);
            return self.offend(name, offence);
        }
        self.forget_requested(name, &left);
        // An answer has an end: what did not fit is requested again, if there was anything at all.
        if left.len() == ids.len()
            && let Some(peer) = self.peers.get_mut(name)
        {
            left.iter().for_each(|id| {
                peer.lacks.insert(*id);
            });
        }
    }

    fn take_body(&mut self, name: &PeerName, id: BlockId, bytes: Bytes) {
        self.gave_block(name);
        let Self { bodies, syncs, .. } = self;
        bodies.requested.remove(&id);
        let waiting = syncs.iter_mut().filter(|sync| sync.waits_for(&id));
        waiting.for_each(|sync| sync.came(bytes.len()));
        // What does not fit is no fault of its sender: it is requested again when its turn comes.
        if bodies.has_room(syncs, &id, bytes.len()) {
            bodies.held.insert(id, (bytes, name.clone()));
        }
    }

    /// Bytes of blocks that came before their turn.
    pub fn held_bytes(&self) -> usize {
        self.bodies.held.values().map(|(bytes, _)| bytes.len()).sum()
    }

    /// These are not expected of a peer any more.
    pub(crate) fn forget_requested(&mut self, name: &PeerName, ids: &[BlockId]) {
        for id in ids {
            if let Some(requested) = self.bodies.requested.get_mut(id) {
                requested.by.retain(|by| by != name);
                if requested.by.is_empty() {
                    self.bodies.requested.remove(id);
                }
            }
        }
    }

    /// A peer did not answer a request for blocks in time: it gets no requests for those of other chains for a while, and what
    /// waited for the next block of its own ends.
    pub(crate) fn bodies_late(&mut self, name: &PeerName, ids: &[BlockId]) {
        let now = self.now;
        self.forget_requested(name, ids);
        if let Some(peer) = self.peers.get_mut(name) {
            peer.bodies.failed(now);
        }
        let stuck = |sync: &&Sync| {
            let next = sync.plan.front();
            sync.source == *name && next.is_some_and(|id| ids.contains(id) && self.bodies.is_idle(id))
        };
        let stuck: Vec<_> = self.syncs.iter().filter(stuck).map(|sync| sync.number).collect();
        stuck
            .into_iter()
            .for_each(|number| self.end_sync(number, Ended::Failed(None)));
    }

    /// Lets go of what no chain waits for any more.
    pub(crate) fn drop_bodies(&mut self) {
        let Self { bodies, syncs, .. } = self;
        if syncs.is_empty() {
            bodies.held.clear();
        } else {
            bodies
                .held
                .retain(|id, _| syncs.iter().any(|sync| sync.plan.contains(id)));
        }
    }

    /// Imports what is here, in order.
    pub(crate) fn import_held(&mut self) {
        for _ in 0..IMPORTS_A_TURN {
            let Some((number, id)) = self.next_import() else { return };
            let Some((bytes, sender)) = self.bodies.held.remove(&id) else {
                self.imported(number, None);
                continue;
            };
            match self.node.import_block(&bytes) {
                Ok(imported) => {
                    self.brought_block(&sender);
                    self.imported(number, Some(&imported));
                }
                Err(error) => {
                    if let ImportError::Store(StoreError::NoRoom { needed, .. }) = &error {
                        self.bodies.too_long.insert(id, *needed);
                    }
                    let ended = match blame(id, &error) {
                        Some(offence) => offence.into(),
                        None => import_ended(&error),
                    };
                    return self.end_sync(number, ended);
                }
            }
        }
    }

    /// The next block that is here, of the chain with the most total work that has one; or that came another way.
    fn next_import(&self) -> Option<(u64, BlockId)> {
        let snapshot = self.node.snapshot();
        let stored = |id: &BlockId| {
            let record = snapshot.record(id);
            record.is_ok_and(|record| record.is_some_and(|record| record.status != Status::Invalid))
        };
        let here = self.syncs.iter().filter_map(|sync| {
            let id = sync.plan.front()?;
            (self.bodies.held.contains_key(id) || stored(id)).then_some((sync, *id))
        });
        let best = here.max_by_key(|(sync, _)| sync.shown())?;
        Some((best.0.number, best.1))
    }

    /// The next block of a chain is stored; `None` if it was before.
    fn imported(&mut self, number: u64, imported: Option<&Imported>) {
        let now = self.now;
        let Some(sync) = self.syncs.iter_mut().find(|sync| sync.number == number) else {
            return;
        };
        sync.plan.pop_front();
        sync.progress = now;
        sync.imported += u64::from(imported.is_some());
        if let Some(Imported::Tip(advance)) = imported {
            let count = |moved: &Moved| u64::from(moved.record.transaction_count);
            sync.transactions += advance.joined.iter().map(count).sum::<u64>();
        }
    }
}

/// What ends an attempt whose block is not imported for a reason of this node's own.
fn import_ended(error: &ImportError) -> Ended {
    match error {
        ImportError::TooDeep { depth, .. } => Ended::TooDeep { depth: *depth },
        ImportError::Store(StoreError::NoRoom { needed, .. }) => Ended::NoRoom { needed: *needed },
        _ => Ended::Again(error.to_string()),
    }
}
