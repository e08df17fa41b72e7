//! The work of the thread that keeps the store, by the doors of the node.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tally_chain::TxId;

use super::LASTING;
use crate::events::ChainEvent;
use crate::node::Node;
use crate::pool_writer::{Changes, Turn};

/// Between two looks at the store.
const PROBE: Duration = Duration::from_secs(1);

impl Node {
    pub(crate) fn start_keeper(&self) {
        let node = self.clone();
        let thread = crate::supervise::thread("store", move || node.keep_store())
            .expect("a thread can be started while the node starts");
        *self.keeper().thread.lock() = Some(thread);
    }

    fn keep_store(&self) {
        let writer = self.keeper().writer();
        let mut probed = Instant::now();
        loop {
            match writer.next(PROBE) {
                Turn::Write(changes) => {
                    let written = self.store().write_pool(&changes).map_err(Arc::new);
                    if written.is_err() {
                        self.forget_unwritten(&changes);
                    }
                    writer.done(written);
                }
                Turn::Idle => {}
                Turn::Stop => return,
            }
            if probed.elapsed() >= PROBE {
                probed = Instant::now();
                self.probe_store();
            }
        }
    }

    /// What could not be stored is not in the pool either: a second try of the sender's has to be one. What a reorg returned
    /// is stored since its batch, and was to be written only once more: it stays. What had left for others is stored still,
    /// and was acknowledged: it comes back.
    pub(crate) fn forget_unwritten(&self, changes: &Changes) {
        let stored = self.store().snapshot();
        let is_stored = |id: &TxId| stored.pooled(id).is_ok_and(|envelope| envelope.is_some());
        let added = changes.iter().filter(|(_, envelope)| envelope.is_some());
        let added: Vec<_> = added.map(|(id, _)| *id).filter(|id| !is_stored(id)).collect();
        let mut pool = self.pool().lock();
        let gone: Vec<_> = added.iter().filter_map(|id| pool.remove(id)).collect();
        drop(pool);
        for id in gone {
            self.stats().left(&id);
            let reason = "it could not be stored".to_owned();
            self.events().publish(ChainEvent::Dropped { id, reason });
        }
        let left = changes.iter().filter(|(_, envelope)| envelope.is_none());
        for envelope in left.filter_map(|(id, _)| stored.pooled(id).ok().flatten()) {
            self.take_stored(envelope);
        }
    }

    fn probe_store(&self) {
        let before = self.store().not_ready();
        self.store().probe();
        if self.keeper().outages.lock().any_lasts() {
            let detail = format!("it has not worked for {} s", LASTING.as_secs());
            self.store().give_up(detail);
        }
        if before.is_some() && self.store().not_ready().is_none() {
            self.mining().tip_changed();
        }
    }
}
