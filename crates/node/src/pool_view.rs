//! One view of the pool for all who read it (API, pages), made beside it.
//!
//! A full pool has 100,000 transactions. Looked through under its lock, it would make submissions and blocks wait each time that
//! a reader needs it; so it is looked through in parts, by one reader at a time, and the others share what that one has made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tally_chain::{BlockId, TxId, UnixSecs};

use crate::mempool::{Mempool, PoolView, Pooled, gather};
use crate::node::Node;
use crate::pipeline::Tip;

/// Transactions that are looked at under the pool's lock at a time: some tens of microseconds.
const PART: usize = 512;

/// How long a view of more than [`PART`] transactions is shared though the pool has changed: a client that reads all the time
/// keeps a part of one processor busy, and not all of it.
const SHARED: Duration = Duration::from_millis(500);

/// The view that readers share.
#[derive(Default)]
pub(crate) struct SharedView(Mutex<Option<Made>>);

struct Made {
    view: Arc<PoolView>,
    of: Moment,
    at: Instant,
}

/// What a view depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    tip: BlockId,
    /// [`Mempool::changes`], before the first part was read.
    changes: u64,
    time: UnixSecs,
}

/// Whether a view of `count` transactions, made `age` ago of one moment, serves at another.
fn serves(count: usize, of: &Moment, age: Duration, now: &Moment) -> bool {
    let is_large = count > PART;
    of == now || (is_large && of.tip == now.tip && age < SHARED)
}

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

#[cfg(test)]
mod tests {
    use tally_chain::B256;

    use super::*;

    #[test]
    fn a_view_serves_its_own_moment_and_that_of_a_large_pool_a_little_longer() {
        let moment = Moment {
            tip: BlockId(B256::repeat_byte(1)),
            changes: 7,
            time: UnixSecs(1_800_000_000),
        };
        let changed = Moment { changes: 8, ..moment };
        let later = Moment {
            time: UnixSecs(1_800_000_001),
            ..moment
        };
        let next_block = Moment {
            tip: BlockId(B256::repeat_byte(2)),
            ..moment
        };
        let (young, old) = (Duration::from_millis(499), SHARED);
        for (count, age, now, expected) in [
            (0, old, &moment, true),
            (PART, young, &changed, false),
            (PART, young, &later, false),
            (PART + 1, young, &changed, true),
            (PART + 1, young, &later, true),
            (PART + 1, old, &changed, false),
            (PART + 1, old, &moment, true),
            (PART + 1, young, &next_block, false),
        ] {
            assert_eq!(serves(count, &moment, age, now), expected, "{count}, {age:?}, {now:?}");
        }
    }
}
