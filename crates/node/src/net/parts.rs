//! The state of the checkpoint that this node begins with, part by part, from all who have it. Rules: docs/protocol.md#Q1 to #Q4

use std::collections::{BTreeMap, BTreeSet};

use tally_chain::{B256, BlockId, Bytes, Manifest};
use tally_ledger::{ChangeSet, PartError, PartRoots};

use super::limits::{JOIN_MS, MAX_JOIN_DOUBLINGS, MAX_PART_QUESTIONS, MAX_PARTS_ASKED};
use super::offence::Offence;
use super::peer::Question;
use super::sync::{Ended, SyncStatus};
use super::walk::Walk;
use super::wire::Message;
use super::{Network, PeerName};
use crate::checkpoint::{Checkpoint, StateSnapshot};
use crate::store::StoreError;

/// The chain whose state is becoming ours.
pub(super) struct Join {
    /// All its headers, weighed; who offers the checkpoint answers for both.
    pub(super) walk: Walk,
    /// When it became the one that is taken, milliseconds.
    begun: u64,
    manifests: BTreeMap<BlockId, Manifest>,
    state: Option<State>,
}

/// The parts of the state: which are still to come, and from whom.
struct State {
    roots: PartRoots,
    missing: BTreeSet<u32>,
    asked: BTreeMap<u32, PeerName>,
    lacking: BTreeSet<PeerName>,
    /// When the last part came.
    complete: Option<u64>,
}

fn broken(error: &StoreError) -> Ended {
    match error {
        StoreError::NoRoom { needed, .. } => Ended::NoRoom { needed: *needed },
        _ => Ended::Again(format!("a checkpoint cannot be kept: {error}")),
    }
}

impl Join {
    pub(super) fn new(walk: Walk, now: u64) -> Self {
        Self {
            walk,
            begun: now,
            manifests: BTreeMap::new(),
            state: None,
        }
    }

    pub(super) fn status(&self, now: u64) -> SyncStatus {
        let parts = self.state.as_ref();
        SyncStatus {
            parts: parts.map(|state| (state.roots.len() - state.missing.len(), state.roots.len())),
            ..self.walk.status(now)
        }
    }

    /// Whether all parts are here.
    fn is_complete(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.missing.is_empty())
    }

    /// For so many milliseconds nothing could be stored: that is not the time of its source, or of others' claims.
    pub(super) fn put_off(&mut self, millis: u64) {
        self.begun = self.begun.saturating_add(millis);
        if let Some(complete) = self.state.as_mut().and_then(|state| state.complete.as_mut()) {
            *complete = complete.saturating_add(millis);
        }
    }

    /// Nothing more comes from a peer.
    pub(super) fn forget(&mut self, name: &PeerName) {
        if let Some(state) = &mut self.state {
            state.asked.retain(|_, asked| asked != name);
        }
    }
}

impl Walk {
    pub(super) fn status(&self, now: u64) -> SyncStatus {
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
}

/// What is next.
enum Step {
    Waits,
    Begins,
}

fn wrong(reason: impl ToString) -> Ended {
    let reason = reason.to_string();
    Offence::InvalidCheckpoint { reason }.into()
}

impl Network {
    /// Asks for what is missing next, and begins once all is here and no other chain is to be preferred.
    pub(super) fn advance_state(&mut self) {
        let Some(mut join) = self.join.take() else { return };
        let begun = match self.step(&mut join) {
            Ok(Step::Begins) => self.begin_at_checkpoint(&join).map(|()| true),
            Ok(Step::Waits) => Ok(false),
            Err(ended) => Err(ended),
        };
        if matches!(begun, Ok(true)) {
            return;
        }
        self.join = Some(join);
        match begun {
            Ok(_) => {}
            // The source is still the one; it goes on once there is room.
            Err(Ended::NoRoom { needed }) => self.needs_room = Some(needed),
            Err(ended) => self.end_join(ended),
        }
    }

    fn step(&mut self, join: &mut Join) -> Result<Step, Ended> {
        if self.takes_too_long(join) {
            self.slow_joins = self.slow_joins.saturating_add(1);
            tracing::info!(source = %join.walk.source, "its state takes too long: another peer's is taken");
            return Err(Ended::Failed(None));
        }
        let (Some(offer), Some(mark)) = (join.walk.checkpoint(), &join.walk.mark) else {
            return Err(Ended::Failed(None));
        };
        let attempt = join.walk.number;
        let Some(state) = &mut join.state else {
            let ids = mark.blocks.iter().map(|(header, _)| header.id());
            let ids: Vec<_> = ids.filter(|id| !join.manifests.contains_key(id)).collect();
            if ids.is_empty() {
                join.state = Some(self.expect(join)?);
            } else if !std::mem::replace(&mut join.walk.asking, true) {
                let question = Question::Manifests {
                    attempt,
                    ids: ids.clone(),
                };
                self.ask(&join.walk.source.clone(), question, Message::GetManifests(ids));
            }
            return Ok(Step::Waits);
        };
        if state.missing.is_empty() {
            let complete = *state.complete.get_or_insert(self.now);
            let decided = self.has_decided(join.walk.end.weight, complete);
            return Ok(if decided { Step::Begins } else { Step::Waits });
        }
        let (block, asked) = (offer.block, self.part_questions(state));
        for (name, part) in asked {
            self.ask(
                &name,
                Question::Part { attempt, part },
                Message::GetPart { block, part },
            );
        }
        Ok(Step::Waits)
    }

    /// Whether the state takes longer than it may while another peer claims as heavy a chain. A source with a division of its
    /// own is the only one that has the parts: it could send one a minute, for a day. Parts of the same division are kept.
    fn takes_too_long(&self, join: &Join) -> bool {
        let most = JOIN_MS << self.slow_joins.min(MAX_JOIN_DOUBLINGS);
        if join.is_complete() || self.now < join.begun.saturating_add(most) {
            return false;
        }
        let weight = join.walk.end.weight;
        let others = self.peers.iter().filter(|(name, _)| **name != join.walk.source);
        others
            .filter(|(_, peer)| peer.weight() >= weight)
            .any(|(_, peer)| self.may_be_source(peer))
    }

    /// Checks what the source offers against the checkpoint's block, and sees which parts are here already.
    fn expect(&self, join: &Join) -> Result<State, Ended> {
        let (Some(offer), Some(mark)) = (join.walk.checkpoint(), &join.walk.mark) else {
            return Err(Ended::Failed(None));
        };
        let manifest = join.manifests.get(&offer.block).ok_or(Ended::Failed(None))?;
        if manifest.history_root != mark.history_root {
            return Err(wrong("its block names other ancestors"));
        }
        let roots = PartRoots::check(offer.roots.clone(), manifest.state_root).map_err(wrong)?;
        let store = self.node.store();
        store.expect_checkpoint(offer).map_err(|error| broken(&error))?;
        let snapshot = store.snapshot();
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
            asked: BTreeMap::new(),
            lacking: BTreeSet::new(),
            complete: None,
        })
    }

    /// Whom to ask for which parts.
    fn part_questions(&self, state: &mut State) -> Vec<(PeerName, u32)> {
        let mut questions = Vec::new();
        for (name, peer) in &self.peers {
            if !peer.ready() || state.lacking.contains(name) {
                continue;
            }
            let open = state.asked.values().filter(|asked| *asked == name).count();
            for _ in open..MAX_PART_QUESTIONS {
                let mut wanted = state.missing.iter().filter(|part| !state.asked.contains_key(*part));
                let Some(part) = wanted.next().copied().filter(|_| state.asked.len() < MAX_PARTS_ASKED) else {
                    return questions;
                };
                state.asked.insert(part, name.clone());
                questions.push((name.clone(), part));
            }
        }
        questions
    }

    /// Puts everything together and begins with it.
    fn begin_at_checkpoint(&mut self, join: &Join) -> Result<(), Ended> {
        let (Some(checkpoint), Some(mark), Some(parts)) = (join.walk.checkpoint(), &join.walk.mark, &join.state) else {
            return Err(Ended::Failed(None));
        };
        let state = self.whole_state(checkpoint, parts).map_err(|error| broken(&error))?;
        let manifest = |id: &BlockId| join.manifests.get(id).cloned();
        let blocks = mark.blocks.iter();
        let blocks = blocks.filter_map(|(header, weight)| Some((*header, manifest(&header.id())?, *weight)));
        let installed = StateSnapshot {
            blocks: blocks.collect(),
            history: mark.history.clone(),
            state,
            checkpoint: checkpoint.clone(),
        };
        self.node.install_snapshot(&installed).map_err(|error| broken(&error))?;
        let (height, millis) = (checkpoint.height, self.now.saturating_sub(join.walk.started));
        tracing::info!(source = %join.walk.source, %height, parts = parts.roots.len(), millis, "began with a checkpoint");
        Ok(())
    }

    /// All parts together, as they are kept.
    fn whole_state(&self, checkpoint: &Checkpoint, parts: &State) -> Result<ChangeSet, StoreError> {
        let snapshot = self.node.store().snapshot();
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
    pub(super) fn manifests(&mut self, name: &PeerName, attempt: u64, ids: &[BlockId], manifests: Vec<Manifest>) {
        let Some(join) = self.join.as_mut().filter(|join| join.walk.number == attempt) else {
            return;
        };
        join.walk.asking = false;
        let blocks = join.walk.mark.iter().flat_map(|mark| &mark.blocks);
        let by_root: BTreeMap<B256, BlockId> = blocks.map(|(header, _)| (header.manifest_root, header.id())).collect();
        for manifest in manifests {
            let Some(id) = by_root.get(&manifest.root()).filter(|id| ids.contains(id)) else {
                self.end_join(Ended::Failed(None));
                return self.offend(name, Offence::Unrequested);
            };
            join.manifests.insert(*id, manifest);
        }
        // The source showed their headers as those of its own chain.
        if let Some(id) = ids.iter().find(|id| !join.manifests.contains_key(*id)).copied() {
            self.end_join(Offence::WithheldBlock { id }.into());
        }
    }

    /// A part of the state.
    pub(super) fn part(&mut self, name: &PeerName, attempt: u64, number: u32, bytes: &Bytes) {
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
        let Some(join) = self.join.as_mut().filter(|join| join.walk.number == attempt) else {
            return;
        };
        let Some(state) = &mut join.state else { return };
        if state.asked.get(&number) == Some(name) {
            state.asked.remove(&number);
        }
        match state.roots.check_part(number as usize, &content) {
            Ok(()) => self.keep_part(number, bytes),
            // The content is right, and the source named its root in a form that no tree has.
            Err(error @ PartError::Form { .. }) => self.end_join(wrong(error)),
            Err(error) if join.walk.source == *name => self.end_join(wrong(error)),
            // Who did not name the roots may divide the same state another way (Q1), and the source may have lied about it.
            Err(error) => {
                tracing::info!(peer = %name, part = number, %error, "has another division of the state");
                state.lacking.insert(name.clone());
            }
        }
    }

    fn keep_part(&mut self, number: u32, bytes: &Bytes) {
        let Some(join) = &mut self.join else { return };
        let (Some(offer), Some(state)) = (join.walk.checkpoint(), &mut join.state) else {
            return;
        };
        match self.node.store().keep_part(offer.height, number, bytes) {
            Ok(()) => {
                state.missing.remove(&number);
            }
            Err(error) => {
                tracing::error!(%error, "a part of the state cannot be kept");
                self.note_room(&error);
            }
        }
    }

    /// A peer does not keep a part, or does not say so. It may have let go of it: a checkpoint is kept only while it is new.
    pub(super) fn part_missing(&mut self, name: &PeerName, attempt: u64, number: u32) {
        let Some(join) = self.join.as_mut().filter(|join| join.walk.number == attempt) else {
            return;
        };
        let Some(state) = &mut join.state else { return };
        if state.asked.get(&number) == Some(name) {
            state.asked.remove(&number);
        }
        state.lacking.insert(name.clone());
        if join.walk.source == *name {
            self.end_join(Ended::Failed(None));
        }
    }
}
