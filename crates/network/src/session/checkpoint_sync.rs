//! The checkpoint that is being taken: its chain, and the parts of its state. Rules: docs/protocol.md#Q1 to #Q4

use std::collections::{BTreeMap, BTreeSet};

use tally_chain::{BlockId, Manifest};
use tally_ledger::PartRoots;

use super::attempt::SyncStatus;
use super::name::PeerName;
use super::walk::Walk;

/// The chain whose state is becoming ours.
pub(super) struct CheckpointSync {
    /// All its headers, weighed; who offers the checkpoint answers for both.
    pub(super) walk: Walk,
    /// When it became the one that is taken, milliseconds.
    pub(super) begun: u64,
    pub(super) manifests: BTreeMap<BlockId, Manifest>,
    pub(super) state: Option<State>,
}

/// The parts of the state: which are still to come, and from whom.
pub(super) struct State {
    pub(super) roots: PartRoots,
    pub(super) missing: BTreeSet<u32>,
    pub(super) asked: BTreeMap<u32, PeerName>,
    pub(super) lacking: BTreeSet<PeerName>,
    /// When the last part came.
    pub(super) complete: Option<u64>,
}

impl CheckpointSync {
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
    pub(super) fn is_complete(&self) -> bool {
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
