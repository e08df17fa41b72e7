//! Blocks that synchronisations wait for: those that came before their turn, and those that are requested.
//! Rule: docs/protocol.md#N6

use std::collections::BTreeMap;

use tally_chain::{BlockId, Bytes};

use super::attempt::Sync;
use crate::session::name::PeerName;
use crate::wire::limits::MAX_HELD_OF_A_CHAIN;

/// What all synchronisations wait for together.
#[derive(Default)]
pub(crate) struct Bodies {
    /// Blocks that came before their turn: bytes that are what their headers name.
    pub(crate) held: BTreeMap<BlockId, (Bytes, PeerName)>,
    /// Which peer has a request for which block.
    pub(crate) requested: BTreeMap<BlockId, BodyRequest>,
    /// Blocks that came and that there was no room for on the disk, each with the bytes that have to be free for it.
    pub(crate) too_long: BTreeMap<BlockId, u64>,
}

/// Peers with a request for one block, and since when, milliseconds.
pub(crate) struct BodyRequest {
    pub(crate) by: Vec<PeerName>,
    pub(crate) since: u64,
}

impl Bodies {
    pub(crate) fn is_idle(&self, id: &BlockId) -> bool {
        !self.held.contains_key(id) && !self.requested.contains_key(id)
    }

    /// Bytes held of the next blocks of a chain.
    pub(crate) fn held_of(&self, sync: &Sync) -> usize {
        let held = sync.window().filter_map(|id| self.held.get(id));
        held.map(|(bytes, _)| bytes.len()).sum()
    }

    /// Whether a block that came is kept. The next one of a chain always is, for it is imported at once; what comes before
    /// its turn has the chain's part of the room, however much its header or its sender made of it.
    pub(crate) fn has_room(&self, syncs: &[Sync], id: &BlockId, len: usize) -> bool {
        let keeps = |sync: &Sync| sync.plan.front() == Some(id) || self.held_of(sync) + len <= MAX_HELD_OF_A_CHAIN;
        syncs.iter().any(|sync| sync.waits_for(id) && keeps(sync))
    }
}
