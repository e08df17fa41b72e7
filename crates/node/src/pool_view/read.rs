//! Reads of the pool: the shared view of all of it, and single transactions.

use std::sync::Arc;
use std::time::Instant;

use tally_chain::{TxId, UnixSecs};

use super::{Made, Moment, PART, serves};
use crate::mempool::{Mempool, PoolView, Pooled, gather};
use crate::node::Node;
use crate::pipeline::Tip;

impl Node {
    /// The pool as a block on this tip would see it, for readers. It is the pool of now; where more than 512 transactions wait, that
    /// of at most half a second ago. Blocks the thread while a view is made, and no one who changes the pool for longer than a
    /// part of it takes.
    pub fn pool_view(&self, tip: &Tip) -> Arc<PoolView> {
        // Who waits here for a view that is being made shares it.
        let mut made = self.shared_view().0.lock();
        let now = Moment {
            tip: tip.record.id,
            changes: self.with_pool(Mempool::changes),
            time: self.now(),
        };
        let serving = made
            .as_ref()
            .filter(|made| serves(made.view.len(), &made.of, made.at.elapsed(), &now));
        if let Some(made) = serving {
            return made.view.clone();
        }
        let view = Arc::new(self.make_view(tip, now.time));
        *made = Some(Made {
            view: view.clone(),
            of: now,
            at: Instant::now(),
        });
        view
    }

    fn make_view(&self, tip: &Tip, time: UnixSecs) -> PoolView {
        let base_fee = tip.ancestors.next_base_fee(self.spec());
        let lines = gather(PART, |after| {
            self.with_pool(|pool| pool.lines(after, PART, base_fee, time))
        });
        let least = self.with_pool(|pool| pool.config().suggested_priority_fee);
        PoolView::of(&lines, least)
    }

    /// Those of these transactions that wait in the pool, in the order of the ids. Its lock is taken for a part at a time.
    pub fn pooled(&self, ids: &[TxId]) -> Vec<Pooled> {
        let part = |ids: &[TxId]| -> Vec<Pooled> {
            self.with_pool(|pool| ids.iter().filter_map(|id| pool.entry(id).cloned()).collect())
        };
        ids.chunks(PART).flat_map(part).collect()
    }
}
