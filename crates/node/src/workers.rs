//! External miners that are connected right now: who they work for, their shares, and how fast they are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tally_chain::{Address, UnixSecs};

/// After this long the past counts for about a third of a worker's hash rate.
const MEMORY: Duration = Duration::from_secs(300);
/// Hashes that a share of difficulty 1 takes on average.
const HASHES_PER_DIFFICULTY: f64 = 4_294_967_296.0;

/// All workers of this node.
#[derive(Default)]
pub struct Workers {
    next: AtomicU64,
    shares: AtomicU64,
    rejected: AtomicU64,
    blocks: AtomicU64,
    connected: Mutex<BTreeMap<u64, Entry>>,
}

/// A worker as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Worker {
    /// As it named itself, hidden characters escaped.
    pub name: String,
    /// Who is paid for its blocks.
    pub address: Address,
    /// The miner's program, as it named itself, hidden characters escaped.
    pub agent: String,
    /// Of a share; 1 is Bitcoin's.
    pub difficulty: f64,
    /// Shares that were accepted.
    pub shares: u64,
    /// Shares that were rejected.
    pub rejected: u64,
    /// Blocks that it found.
    pub blocks: u64,
    /// Hashes a second, estimated from the shares of the last minutes.
    pub hash_rate: f64,
    /// When it connected.
    pub since: UnixSecs,
    /// When its last share was accepted.
    pub last_share: Option<UnixSecs>,
}

/// Shares since the start, and hashes a second of all who are connected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkersTotal {
    /// Workers that are connected now.
    pub connected: usize,
    /// Hashes a second of those, estimated.
    pub hash_rate: f64,
    /// Shares that were accepted.
    pub shares: u64,
    /// Shares that were rejected.
    pub rejected: u64,
    /// Blocks that were found.
    pub blocks: u64,
}

struct Entry {
    worker: Worker,
    meter: ShareMeter,
}

/// A worker's entry; it leaves the list when this is dropped.
pub struct Seat {
    workers: Arc<Workers>,
    id: u64,
}

impl Workers {
    /// Lists a worker until the seat is dropped. `now` in Unix seconds.
    pub fn enter(self: &Arc<Self>, name: String, agent: String, address: Address, now: UnixSecs) -> Seat {
        let id = self.next.fetch_add(1, Relaxed);
        let worker = Worker {
            name,
            address,
            agent,
            difficulty: 0.0,
            shares: 0,
            rejected: 0,
            blocks: 0,
            hash_rate: 0.0,
            since: now,
            last_share: None,
        };
        let meter = ShareMeter::new(Instant::now());
        self.connected.lock().insert(id, Entry { worker, meter });
        Seat {
            workers: self.clone(),
            id,
        }
    }

    /// All of them, the fastest first.
    pub fn list(&self) -> Vec<Worker> {
        let now = Instant::now();
        // Shares that come meanwhile wait for the copy, and not for the order.
        let mut list: Vec<_> = self
            .connected
            .lock()
            .values()
            .map(|entry| Worker {
                hash_rate: entry.meter.rate(now),
                ..entry.worker.clone()
            })
            .collect();
        list.sort_by(|a, b| b.hash_rate.total_cmp(&a.hash_rate));
        list
    }

    /// All of them together.
    pub fn total(&self) -> WorkersTotal {
        let now = Instant::now();
        let connected = self.connected.lock();
        WorkersTotal {
            connected: connected.len(),
            hash_rate: connected.values().map(|entry| entry.meter.rate(now)).sum(),
            shares: self.shares.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            blocks: self.blocks.load(Relaxed),
        }
    }
}

impl Seat {
    fn change(&self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.workers.connected.lock().get_mut(&self.id) {
            change(entry);
        }
    }

    /// A share of this difficulty was accepted at `now` (Unix seconds).
    pub fn share(&self, difficulty: f64, now: UnixSecs) {
        self.workers.shares.fetch_add(1, Relaxed);
        self.change(|entry| {
            entry.worker.shares += 1;
            entry.worker.last_share = Some(now);
            entry.worker.difficulty = difficulty;
            entry.meter.add(difficulty * HASHES_PER_DIFFICULTY, Instant::now());
        });
    }

    /// Counts a share that was rejected.
    pub fn rejected(&self) {
        self.workers.rejected.fetch_add(1, Relaxed);
        self.change(|entry| entry.worker.rejected += 1);
    }

    /// Counts a block that it found.
    pub fn block(&self) {
        self.workers.blocks.fetch_add(1, Relaxed);
        self.change(|entry| entry.worker.blocks += 1);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.workers.connected.lock().remove(&self.id);
    }
}

/// Hashes a second from shares that come now and then: work that fades with time, over the time that it stands for.
struct ShareMeter {
    begun: Instant,
    last: Instant,
    work: f64,
}

impl ShareMeter {
    fn new(now: Instant) -> Self {
        Self {
            begun: now,
            last: now,
            work: 0.0,
        }
    }

    fn add(&mut self, hashes: f64, now: Instant) {
        self.work = self.faded(now) + hashes;
        self.last = now;
    }

    fn faded(&self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.last).as_secs_f64();
        self.work * (-passed / MEMORY.as_secs_f64()).exp()
    }

    fn rate(&self, now: Instant) -> f64 {
        let memory = MEMORY.as_secs_f64();
        // Of a worker that has just come, its own time counts and not all of the memory.
        let since = now.saturating_duration_since(self.begun).as_secs_f64();
        let weight = memory * (1.0 - (-since / memory).exp());
        if weight < 1.0 { 0.0 } else { self.faded(now) / weight }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_give_the_hash_rate_and_silence_fades_it() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let mut meter = ShareMeter::new(start);
        assert_eq!(meter.rate(start), 0.0);
        for share in 1..=100 {
            meter.add(6e6, at(share * 6));
            if share == 10 {
                assert!((meter.rate(at(60)) / 1e6 - 1.0).abs() < 0.1, "{}", meter.rate(at(60)));
            }
        }
        assert!(
            (meter.rate(at(600)) / 1e6 - 1.0).abs() < 0.05,
            "{}",
            meter.rate(at(600))
        );
        assert!(meter.rate(at(3_600)) < 100.0);
    }

    #[test]
    fn a_worker_is_listed_until_it_leaves() {
        let workers = Arc::new(Workers::default());
        let address = Address::repeat_byte(7);
        let seat = workers.enter("0x…7.rig".to_owned(), "cpuminer".to_owned(), address, UnixSecs(5));
        seat.share(0.5, UnixSecs(9));
        seat.rejected();
        seat.block();
        let list = workers.list();
        assert_eq!(list.len(), 1);
        let counts = (list[0].shares, list[0].rejected, list[0].blocks);
        assert_eq!(
            (counts, list[0].last_share, list[0].difficulty),
            ((1, 1, 1), Some(UnixSecs(9)), 0.5)
        );
        drop(seat);
        assert_eq!(workers.list(), []);
        let total = workers.total();
        assert_eq!(
            (total.connected, total.shares, total.rejected, total.blocks),
            (0, 1, 1, 1)
        );
    }
}
