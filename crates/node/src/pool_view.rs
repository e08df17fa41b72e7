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
    /// When its making began: how old it is counts from there.
    began: Instant,
    /// When it was there.
    ended: Instant,
}

impl Made {
    fn age(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.began)
    }

    /// Whether it serves a reader at `at`.
    fn serves(&self, now: &Moment, at: Instant) -> bool {
        serves(self.view.len(), &self.of, self.age(at), now)
    }

    /// Whether no other is made at `at`.
    fn is_fresh(&self, now: &Moment, at: Instant) -> bool {
        is_fresh(self.view.len(), &self.of, self.age(at), now)
    }

    /// Whether it is of a large pool on the same tip, and was made while a reader waited that came at `arrived`: however long that
    /// took, the next one would not be there sooner, and all who wait would make one each.
    fn came_after(&self, arrived: Instant, now: &Moment) -> bool {
        self.ended >= arrived && self.view.len() > PART && self.of.tip == now.tip
    }
}

impl SharedView {
    /// The last view, where `takes` allows it.
    fn last(&self, takes: impl FnOnce(&Made) -> bool) -> Option<Arc<PoolView>> {
        let made = self.made.lock();
        let made = made.as_ref()?;
        takes(made).then(|| made.view.clone())
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
    use std::ops::Range;
    use std::path::Path;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::sync::mpsc;

    use tally_chain::{Address, B256, Bytes, ChainSpec};
    use tally_testkit::keys::{self, TestKey};

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
        let chain = node.identity();
        let payload = keys::payment(&chain, nonce, node.now(), Address::repeat_byte(7), 1);
        TestKey::public(0).envelope(&chain, payload)
    }

    /// A node of the test chain, on which the PUBLIC accounts have coins.
    fn node(dir: &Path) -> Node {
        let spec = ChainSpec::built_in("test").unwrap();
        let now = UnixSecs(u64::from(spec.genesis_time) + 1_000);
        Node::open(NodeConfig::new(dir.to_owned(), spec), Arc::new(move || now)).unwrap()
    }

    fn pay(node: &Node, nonces: Range<u64>) {
        let envelopes = nonces.map(|nonce| payment(node, nonce)).collect();
        assert!(node.submit_batch(envelopes).iter().all(Result::is_ok));
    }

    /// Transactions of which a view is shared.
    const LARGE: u64 = PART as u64 + 1;

    #[test]
    fn readers_take_the_last_view_of_a_large_pool_while_one_of_them_makes_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let node = node(dir.path());
        pay(&node, 0..LARGE);
        let (tip, begin) = (node.tip(), Instant::now());
        let view = |age: Duration| node.pool_view_by(&tip, || begin + age, |time| node.make_view(&tip, time));
        let first = view(Duration::ZERO);
        pay(&node, LARGE..LARGE + 1);
        let id = node.with_pool(|pool| pool.iter().last().map(|last| last.id())).unwrap();
        assert_eq!(node.pooled(&[id]).len(), 1, "it is found whatever view is shared");
        let is_first = |age: Duration| Arc::ptr_eq(&first, &view(age));
        assert!(is_first(RENEWED - Duration::from_millis(1)));
        let making = node.shared_view().making.lock();
        // Behind the reader that makes the next one, this would wait for ever.
        assert!(is_first(RENEWED) && is_first(SHARED - Duration::from_millis(1)));
        drop(making);
        let second = view(RENEWED);
        assert_eq!((first.len() as u64, second.len() as u64), (LARGE, LARGE + 1));
        assert!(Arc::ptr_eq(&second, &view(RENEWED)));
    }

    /// The reader came 400 ms before it could look at the pool: its view is of the later moment.
    #[test]
    fn a_view_is_as_old_as_its_making_and_not_as_the_arrival_of_its_reader() {
        let dir = tempfile::tempdir().unwrap();
        let node = node(dir.path());
        pay(&node, 0..LARGE);
        let (tip, begin) = (node.tip(), Instant::now());
        let looks = AtomicU64::new(0);
        let waited = || match looks.fetch_add(1, SeqCst) {
            0 => begin,
            _ => begin + Duration::from_millis(400),
        };
        let first = node.pool_view_by(&tip, waited, |time| node.make_view(&tip, time));
        pay(&node, LARGE..LARGE + 1);
        let later = begin + Duration::from_millis(600);
        let second = node.pool_view_by(&tip, || later, |time| node.make_view(&tip, time));
        assert!(Arc::ptr_eq(&first, &second), "it is 200 ms old");
    }

    /// Each comes more than [`RENEWED`] after the one before, and the view takes a second.
    #[test]
    fn readers_take_the_view_that_they_have_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let node = node(dir.path());
        pay(&node, 0..LARGE);
        let (tip, begin) = (node.tip(), Instant::now());
        let (millis, makings) = (AtomicU64::new(0), AtomicU64::new(0));
        let now = || begin + Duration::from_millis(millis.load(SeqCst));
        let (begins, has_begun) = mpsc::channel();
        let (ends, may_end) = mpsc::channel::<()>();
        let may_end = Mutex::new(may_end);
        let slow = |time| {
            makings.fetch_add(1, SeqCst);
            begins.send(()).unwrap();
            // Only the first one waits: for any other the sender is gone.
            let _ = may_end.lock().recv();
            node.make_view(&tip, time)
        };
        let (node, tip, now, slow) = (&node, &tip, &now, &slow);
        let views: Vec<_> = std::thread::scope(|scope| {
            let mut readers = Vec::new();
            for at in [0, 400, 800] {
                millis.store(at, SeqCst);
                let (arrives, has_arrived) = mpsc::channel();
                readers.push(scope.spawn(move || {
                    let clock = || {
                        let at = now();
                        // The test waits for the first look only.
                        let _ = arrives.send(());
                        at
                    };
                    node.pool_view_by(tip, clock, slow)
                }));
                has_arrived.recv().unwrap();
                if at == 0 {
                    has_begun.recv().unwrap();
                }
            }
            millis.store(1_000, SeqCst);
            ends.send(()).unwrap();
            drop(ends);
            readers.into_iter().map(|reader| reader.join().unwrap()).collect()
        });
        assert_eq!(makings.load(SeqCst), 1);
        assert!(views.iter().all(|view| Arc::ptr_eq(view, &views[0])));
    }
}
