//! The state of the checkpoint that this node begins with, part by part, from all who have it. Rules: docs/protocol.md#Q1 to #Q4

use std::collections::{BTreeMap, BTreeSet};

use tally_chain::{B256, BlockId, Bytes, Manifest};
use tally_ledger::{ChangeSet, PartError, PartRoots};
use tally_node::{Checkpoint, StateSnapshot, StoreError};

use super::taken::{CheckpointSync, State};
use crate::session::name::PeerName;
use crate::session::offence::Offence;
use crate::session::peer::Request;
use crate::session::state::Session;
use crate::session::sync::attempt::Ended;
use crate::wire::Message;
use crate::wire::limits::{CHECKPOINT_MS, MAX_CHECKPOINT_DOUBLINGS, MAX_PART_REQUESTS, MAX_PARTS_REQUESTED};

fn broken(error: &StoreError) -> Ended {
    match error {
        StoreError::NoRoom { needed, .. } => Ended::NoRoom { needed: *needed },
        _ => Ended::Again(format!("a checkpoint cannot be kept: {error}")),
    }
}

/// What is next.
enum Step {
    Waits,
    Complete,
}

fn wrong(reason: impl ToString) -> Ended {
    let reason = reason.to_string();
    Offence::InvalidCheckpoint { reason }.into()
}

impl Session {
    /// Requests what is missing next, and finishes once all is here and no other chain is to be preferred.
    pub(crate) fn advance_state(&mut self) {
        let Some(mut sync) = self.checkpoint_sync.take() else {
            return;
        };
        let finished = match self.step(&mut sync) {
            Ok(Step::Complete) => self.finish_checkpoint_sync(&sync).map(|()| true),
            Ok(Step::Waits) => Ok(false),
            Err(ended) => Err(ended),
        };
        if matches!(finished, Ok(true)) {
            return;
        }
        self.checkpoint_sync = Some(sync);
        match finished {
            Ok(_) => {}
            // The source is still the one; it goes on once there is room.
            Err(Ended::NoRoom { needed }) => self.needs_room = Some(needed),
            Err(ended) => self.end_checkpoint_sync(ended),
        }
    }

    fn step(&mut self, sync: &mut CheckpointSync) -> Result<Step, Ended> {
        if self.takes_too_long(sync) {
            self.slow_checkpoints = self.slow_checkpoints.saturating_add(1);
            tracing::info!(source = %sync.walk.source, "its state takes too long: another peer's is taken");
            return Err(Ended::Failed(None));
        }
        let (Some(offer), Some(mark)) = (sync.walk.checkpoint(), &sync.walk.mark) else {
            return Err(Ended::Failed(None));
        };
        let attempt = sync.walk.number;
        let Some(state) = &mut sync.state else {
            let ids = mark.blocks.iter().map(|(header, _)| header.id());
            let ids: Vec<_> = ids.filter(|id| !sync.manifests.contains_key(id)).collect();
            if ids.is_empty() {
                sync.state = Some(self.expect(sync)?);
            } else if !std::mem::replace(&mut sync.walk.requesting, true) {
                let request = Request::Manifests {
                    attempt,
                    ids: ids.clone(),
                };
                self.send_request(&sync.walk.source.clone(), request, Message::GetManifests(ids));
            }
            return Ok(Step::Waits);
        };
        if state.missing.is_empty() {
            let complete = *state.complete.get_or_insert(self.now);
            let decided = self.has_decided(sync.walk.end.weight, complete);
            return Ok(if decided { Step::Complete } else { Step::Waits });
        }
        let (block, requested) = (offer.block, self.part_requests(state));
        for (name, part) in requested {
            self.send_request(&name, Request::Part { attempt, part }, Message::GetPart { block, part });
        }
        Ok(Step::Waits)
    }

    /// Whether the state takes longer than it may while another peer claims a chain of as much work. A source with a division of its
    /// own is the only one that has the parts: it could send one a minute, for a day. Parts of the same division are kept.
    fn takes_too_long(&self, sync: &CheckpointSync) -> bool {
        let most = CHECKPOINT_MS << self.slow_checkpoints.min(MAX_CHECKPOINT_DOUBLINGS);
        if sync.is_complete() || self.now < sync.begun.saturating_add(most) {
            return false;
        }
        let weight = sync.walk.end.weight;
        let others = self.peers.iter().filter(|(name, _)| **name != sync.walk.source);
        others
            .filter(|(_, peer)| peer.weight() >= weight)
            .any(|(_, peer)| self.may_be_source(peer))
    }

    /// Checks what the source offers against the checkpoint's block, and sees which parts are here already.
    fn expect(&self, sync: &CheckpointSync) -> Result<State, Ended> {
        let (Some(offer), Some(mark)) = (sync.walk.checkpoint(), &sync.walk.mark) else {
            return Err(Ended::Failed(None));
        };
        let manifest = sync.manifests.get(&offer.block).ok_or(Ended::Failed(None))?;
        if manifest.history_root != mark.history_root {
            return Err(wrong("its block names other ancestors"));
        }
        let roots = PartRoots::check(offer.roots.clone(), manifest.state_root).map_err(wrong)?;
        self.node.expect_checkpoint(offer).map_err(|error| broken(&error))?;
        let snapshot = self.node.snapshot();
        let mut missing = BTreeSet::new();
        for number in (0..).take(roots.len()) {
            let part = snapshot.part(offer.height, number).map_err(|error| broken(&error))?;
            let content = part.and_then(|part| ChangeSet::decode(&part).ok());
            if content.is_none_or(|content| roots.check_part(number as usize, &content).is_err()) {
                missing.insert(number);
            }
        }
        Ok(State {
            roots,
            missing,
            requested: BTreeMap::new(),
            lacking: BTreeSet::new(),
            complete: None,
        })
    }

    /// Which parts to request from which peers.
    fn part_requests(&self, state: &mut State) -> Vec<(PeerName, u32)> {
        let mut requests = Vec::new();
        for (name, peer) in &self.peers {
            if !peer.ready() || state.lacking.contains(name) {
                continue;
            }
            let open = state.requested.values().filter(|requested| *requested == name).count();
            for _ in open..MAX_PART_REQUESTS {
                let mut wanted = state.missing.iter().filter(|part| !state.requested.contains_key(*part));
                let Some(part) = wanted
                    .next()
                    .copied()
                    .filter(|_| state.requested.len() < MAX_PARTS_REQUESTED)
                else {
                    return requests;
                };
                state.requested.insert(part, name.clone());
                requests.push((name.clone(), part));
            }
        }
        requests
    }

    /// Puts everything together and installs it as the tip.
    fn finish_checkpoint_sync(&mut self, sync: &CheckpointSync) -> Result<(), Ended> {
        let (Some(checkpoint), Some(mark), Some(parts)) = (sync.walk.checkpoint(), &sync.walk.mark, &sync.state) else {
            return Err(Ended::Failed(None));
        };
        let state = self.whole_state(checkpoint, parts).map_err(|error| broken(&error))?;
        let manifest = |id: &BlockId| sync.manifests.get(id).cloned();
        let blocks = mark.blocks.iter();
        let blocks = blocks.filter_map(|(header, weight)| Some((*header, manifest(&header.id())?, *weight)));
        let snapshot = StateSnapshot {
            blocks: blocks.collect(),
            history: mark.history.clone(),
            state,
            checkpoint: checkpoint.clone(),
        };
        self.node.install_snapshot(&snapshot).map_err(|error| broken(&error))?;
        let (height, millis) = (checkpoint.height, self.now.saturating_sub(sync.walk.started));
        tracing::info!(source = %sync.walk.source, %height, parts = parts.roots.len(), millis, "checkpoint sync complete");
        Ok(())
    }

    /// All parts together, as they are kept.
    fn whole_state(&self, checkpoint: &Checkpoint, parts: &State) -> Result<ChangeSet, StoreError> {
        let snapshot = self.node.snapshot();
        let mut state = ChangeSet::default();
        for number in (0..).take(parts.roots.len()) {
            let part = snapshot.part(checkpoint.height, number)?;
            let part = part.ok_or_else(|| StoreError::Missing {
                what: format!("part {number} of the checkpoint"),
            })?;
            let what = "part of the checkpoint";
            state.merge(ChangeSet::decode(&part).map_err(|source| StoreError::Damaged { what, source })?);
        }
        Ok(state)
    }

    /// Manifests of the blocks around the checkpoint.
    pub(crate) fn manifests(&mut self, name: &PeerName, attempt: u64, ids: &[BlockId], manifests: Vec<Manifest>) {
        let Some(sync) = self.checkpoint_sync.as_mut().filter(|sync| sync.walk.number == attempt) else {
            return;
        };
        sync.walk.requesting = false;
        let blocks = sync.walk.mark.iter().flat_map(|mark| &mark.blocks);
        let by_root: BTreeMap<B256, BlockId> = blocks.map(|(header, _)| (header.manifest_root, header.id())).collect();
        for manifest in manifests {
            let Some(id) = by_root.get(&manifest.root()).filter(|id| ids.contains(id)) else {
                self.end_checkpoint_sync(Ended::Failed(None));
                return self.offend(name, Offence::Unrequested);
            };
            sync.manifests.insert(*id, manifest);
        }
        // The source showed their headers as those of its own chain.
        if let Some(id) = ids.iter().find(|id| !sync.manifests.contains_key(*id)).copied() {
            self.end_checkpoint_sync(Offence::WithheldBlock { id }.into());
        }
    }

    /// A part of the state.
    pub(crate) fn part(&mut self, name: &PeerName, attempt: u64, number: u32, bytes: &Bytes) {
        if bytes.is_empty() {
            return self.part_missing(name, attempt, number);
        }
        let content = match ChangeSet::decode(bytes) {
            Ok(content) => content,
            Err(error) => {
                self.part_missing(name, attempt, number);
                let reason = error.to_string();
                return self.offend(name, Offence::InvalidCheckpoint { reason });
            }
        };
        let Some(sync) = self.checkpoint_sync.as_mut().filter(|sync| sync.walk.number == attempt) else {
            return;
        };
        let Some(state) = &mut sync.state else { return };
        if state.requested.get(&number) == Some(name) {
            state.requested.remove(&number);
        }
        match state.roots.check_part(number as usize, &content) {
            Ok(()) => self.keep_part(number, bytes),
            // The content is right, and the source named its root in a form that no tree has.
            Err(error @ PartError::Form { .. }) => self.end_checkpoint_sync(wrong(error)),
            Err(error) if sync.walk.source == *name => self.end_checkpoint_sync(wrong(error)),
            // Who did not name the roots may divide the same state another way (Q1), and the source's roots may be false.
            Err(error) => {
                tracing::info!(peer = %name, part = number, %error, "has another division of the state");
                state.lacking.insert(name.clone());
            }
        }
    }

    fn keep_part(&mut self, number: u32, bytes: &Bytes) {
        let Some(sync) = &mut self.checkpoint_sync else { return };
        let (Some(offer), Some(state)) = (sync.walk.checkpoint(), &mut sync.state) else {
            return;
        };
        match self.node.keep_part(offer.height, number, bytes) {
            Ok(()) => {
                state.missing.remove(&number);
            }
            Err(error) => {
                tracing::error!(%error, "a part of the state cannot be kept");
                self.note_room(&error);
            }
        }
    }

    /// A peer does not keep a part, or does not answer. It may have let go of it: a checkpoint is kept only while it is new.
    pub(crate) fn part_missing(&mut self, name: &PeerName, attempt: u64, number: u32) {
        let Some(sync) = self.checkpoint_sync.as_mut().filter(|sync| sync.walk.number == attempt) else {
            return;
        };
        let Some(state) = &mut sync.state else { return };
        if state.requested.get(&number) == Some(name) {
            state.requested.remove(&number);
        }
        state.lacking.insert(name.clone());
        if sync.walk.source == *name {
            self.end_checkpoint_sync(Ended::Failed(None));
        }
    }
}
