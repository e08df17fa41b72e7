//! Reads of the pool: the shared view of all of it, and single transactions.

use std::sync::Arc;
use std::time::Instant;

use tally_chain::{TxId, UnixSecs};

use super::{Made, Moment, PART};
use crate::mempool::{Mempool, PoolView, Pooled, gather};
use crate::node::Node;
use crate::pipeline::Tip;

impl Node {
    /// The pool as a block on this tip would see it, for readers. It is the pool of now; where more than 512 transactions wait, that
    /// of at most half a second ago, or of as long ago as it took to make a view of it. Blocks the thread of the reader that makes a
    /// view, and of those for whom the last one does not serve, and no one who changes the pool for longer than a part of it takes.
    pub fn pool_view(&self, tip: &Tip) -> Arc<PoolView> {
        self.pool_view_by(tip, Instant::now, |time| self.make_view(tip, time))
    }

    /// The same. `clock` is read where the age of a view is checked and where its making begins and ends: this reader may wait for the pool,
    /// and for another reader, before that.
    pub(super) fn pool_view_by(
        &self,
        tip: &Tip,
        clock: impl Fn() -> Instant,
        make: impl FnOnce(UnixSecs) -> PoolView,
    ) -> Arc<PoolView> {
        let shared = self.shared_view();
        let arrived = clock();
        let now = self.moment(tip);
        if let Some(view) = shared.last(|made| made.is_fresh(&now, clock())) {
            return view;
        }
        let _making = match shared.making.try_lock() {
            Some(making) => making,
            // Another reader makes the next one.
            None => match shared.last(|made| made.serves(&now, clock())) {
                Some(view) => return view,
                None => shared.making.lock(),
            },
        };
        // The reader that this one waited for may have made what it needs.
        let now = self.moment(tip);
        let began = clock();
        let takes = |made: &Made| made.is_fresh(&now, began) || made.came_after(arrived, &now);
        if let Some(view) = shared.last(takes) {
            return view;
        }
        let view = Arc::new(make(now.time));
        *shared.made.lock() = Some(Made {
            view: view.clone(),
            of: now,
            began,
            ended: clock(),
        });
        view
    }

    fn moment(&self, tip: &Tip) -> Moment {
        Moment {
            tip: tip.record.id,
            changes: self.with_pool(Mempool::changes),
            time: self.now(),
        }
    }

    pub(super) fn make_view(&self, tip: &Tip, time: UnixSecs) -> PoolView {
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
