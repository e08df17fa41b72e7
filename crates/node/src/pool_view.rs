//! One view of the pool for all who read it (API, pages), made beside it.
//!
//! A full pool has 100,000 transactions. Looked through under its lock, it would make submissions and blocks wait each time that
//! a reader needs it; so it is looked through in parts, by one reader at a time, and the others share what that one has made.

mod read;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tally_chain::{BlockId, UnixSecs};

use crate::mempool::PoolView;

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
    /// `Mempool::changes`, before the first part was read.
    changes: u64,
    time: UnixSecs,
}

/// Whether a view of `count` transactions, made `age` ago of one moment, serves at another.
fn serves(count: usize, of: &Moment, age: Duration, now: &Moment) -> bool {
    let is_large = count > PART;
    of == now || (is_large && of.tip == now.tip && age < SHARED)
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
