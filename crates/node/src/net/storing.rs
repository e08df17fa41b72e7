//! While nothing can be written nothing is fetched: it would be dropped, and fetched again, for ever. What was learnt of peers
//! stays, and all goes on once there is room. Rule: docs/protocol.md#N6

use super::Network;
use crate::store::StoreError;

impl Network {
    /// Looks whether what would be fetched now could be kept; ends what is under way if not.
    pub(super) fn can_store(&mut self) -> bool {
        let store = self.node.store();
        let room = self.needs_room.is_none_or(|needed| store.has_room(needed));
        self.full = !room || store.not_ready().is_some();
        if room {
            self.needs_room = None;
        }
        if self.full && !self.syncs.is_empty() {
            // Nobody's fault: their sources are asked anew later. Answers that still come are dropped.
            self.syncs.clear();
            self.drop_bodies();
        }
        !self.full
    }

    /// Remembers how much room it takes to go on: less lets the node look ready, and the same write would fail again.
    pub(super) fn note_room(&mut self, error: &StoreError) {
        if let StoreError::NoRoom { needed, .. } = error {
            self.needs_room = Some(*needed);
        }
    }
}
