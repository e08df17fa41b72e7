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
/// After how much of that the next one is made. A view of a full pool takes some tens of milliseconds: for so long one reader
/// waits, and the others take the last view, which is still young enough.
const RENEWED: Duration = Duration::from_millis(300);

/// The view that readers share.
#[derive(Default)]
pub(crate) struct SharedView {
    /// The last one. Not locked while the next one is made.
    made: Mutex<Option<Made>>,
    /// Locked by the reader that makes the next one.
    making: Mutex<()>,
}

struct Made {
    view: Arc<PoolView>,
    of: Moment,
    /// When its making began.
    at: Instant,
}

impl SharedView {
    /// The last view, where `serves` allows it by its count of transactions, its moment, and its age at `at`.
    fn last(&self, at: Instant, serves: impl FnOnce(usize, &Moment, Duration) -> bool) -> Option<Arc<PoolView>> {
        let made = self.made.lock();
        let made = made.as_ref()?;
        let age = at.saturating_duration_since(made.at);
        serves(made.view.len(), &made.of, age).then(|| made.view.clone())
    }
}

/// What a view depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    tip: BlockId,
    /// `Mempool::changes`, before the first part was read.
    changes: u64,
    time: UnixSecs,
}

/// Whether a view of `count` transactions, made `age` ago of one moment, serves at another. A payment that was acknowledged is
/// found by its id at once, whatever view is shared: that is looked up in the pool itself.
fn serves(count: usize, of: &Moment, age: Duration, now: &Moment) -> bool {
    let is_large = count > PART;
    of == now || (is_large && of.tip == now.tip && age < SHARED)
}

/// Whether no other is made meanwhile.
fn is_fresh(count: usize, of: &Moment, age: Duration, now: &Moment) -> bool {
    of == now || (serves(count, of, age, now) && age < RENEWED)
}

#[cfg(test)]
mod tests {
    use tally_chain::transaction::Payload;
    use tally_chain::{Address, Amount, B256, Bytes, ChainSpec, U256};
    use tally_testkit::keys::TestKey;

    use super::*;
    use crate::config::NodeConfig;
    use crate::node::Node;

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

    /// A payment of a PUBLIC account.
    fn payment(node: &Node, nonce: u64) -> Bytes {
        let payload = Payload {
            chain_id: node.spec().chain_id,
            nonce,
            timestamp: node.now(),
            max_priority_fee: 1_000_000_000,
            max_fee: 3_000_000_000,
            gas_limit: 50_000,
            to: Some(Address::repeat_byte(7)),
            value: Amount(U256::from(1)),
            data: Bytes::new(),
        };
        TestKey::public(0).envelope(&node.identity(), payload)
    }

    #[test]
    fn readers_take_the_last_view_of_a_large_pool_while_one_of_them_makes_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let spec = ChainSpec::built_in("test").unwrap();
        let now = UnixSecs(u64::from(spec.genesis_time) + 1_000);
        let config = NodeConfig::new(dir.path().to_owned(), spec);
        let node = Node::open(config, Arc::new(move || now)).unwrap();
        let pay = |nonces: std::ops::Range<u64>| {
            let envelopes = nonces.map(|nonce| payment(&node, nonce)).collect();
            assert!(node.submit_batch(envelopes).iter().all(Result::is_ok));
        };
        let large = PART as u64 + 1;
        pay(0..large);
        let (tip, begin) = (node.tip(), Instant::now());
        let view = |age: Duration| node.pool_view_at(&tip, begin + age);
        let first = view(Duration::ZERO);
        pay(large..large + 1);
        let id = node.with_pool(|pool| pool.iter().last().map(|last| last.id())).unwrap();
        assert_eq!(node.pooled(&[id]).len(), 1, "it is found whatever view is shared");
        let is_first = |age: Duration| Arc::ptr_eq(&first, &view(age));
        assert!(is_first(RENEWED - Duration::from_millis(1)));
        let making = node.shared_view().making.lock();
        // Behind the reader that makes the next one, this would wait for ever.
        assert!(is_first(RENEWED) && is_first(SHARED - Duration::from_millis(1)));
        drop(making);
        let second = view(RENEWED);
        assert_eq!((first.len() as u64, second.len() as u64), (large, large + 1));
        assert!(Arc::ptr_eq(&second, &view(RENEWED)));
    }
}
