//! The checkpoint that is being taken: its chain, and the parts of its state. Rules: docs/protocol.md#Q1 to #Q4

use std::collections::{BTreeMap, BTreeSet};

use tally_chain::{BlockId, Manifest};
use tally_ledger::PartRoots;

use super::walk::Walk;
use crate::session::name::PeerName;
use crate::session::sync::attempt::SyncStatus;

/// The chain whose state is becoming ours.
pub(crate) struct CheckpointSync {
    /// All its headers, their work checked; who offers the checkpoint answers for both.
    pub(crate) walk: Walk,
    /// When it became the one that is taken, milliseconds.
    pub(crate) begun: u64,
    pub(crate) manifests: BTreeMap<BlockId, Manifest>,
    pub(crate) state: Option<State>,
}

/// The parts of the state: which are still to come, and from whom.
pub(crate) struct State {
    pub(crate) roots: PartRoots,
    pub(crate) missing: BTreeSet<u32>,
    pub(crate) requested: BTreeMap<u32, PeerName>,
    pub(crate) lacking: BTreeSet<PeerName>,
    /// When the last part came.
    pub(crate) complete: Option<u64>,
}

impl CheckpointSync {
    pub(crate) fn new(walk: Walk, now: u64) -> Self {
        Self {
            walk,
            begun: now,
            manifests: BTreeMap::new(),
            state: None,
        }
    }

    pub(crate) fn status(&self, now: u64) -> SyncStatus {
        let parts = self.state.as_ref();
        SyncStatus {
            parts: parts.map(|state| (state.roots.len() - state.missing.len(), state.roots.len())),
            ..self.walk.status(now)
        }
    }

    /// Whether all parts are here.
    pub(crate) fn is_complete(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.missing.is_empty())
    }

    /// For so many milliseconds nothing could be stored: that is not the time of its source, or of others' claims.
    pub(crate) fn put_off(&mut self, millis: u64) {
        self.begun = self.begun.saturating_add(millis);
        if let Some(complete) = self.state.as_mut().and_then(|state| state.complete.as_mut()) {
            *complete = complete.saturating_add(millis);
        }
    }

    /// Nothing more comes from a peer.
    pub(crate) fn forget(&mut self, name: &PeerName) {
        if let Some(state) = &mut self.state {
            state.requested.retain(|_, requested| requested != name);
        }
    }
}
