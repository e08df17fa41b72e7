//! Native mining: threads that search nonces for the newest job.
//!
//! Jobs come through a `watch` channel: a new one makes every thread drop the old. What is found goes to a callback.
//! Each round of a thread takes an extra nonce of its own (docs/protocol.md#M2), so no two try the same header.

mod meter;
mod scan;
#[cfg(target_arch = "x86_64")]
mod sha_ni;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use parking_lot::Mutex;
use tally_chain::manifest::EXTRA_NONCE_BYTES;
use tally_chain::pow::Target;
use tally_chain::{CheckedTransaction, Header, Manifest, UnixSecs};
use tokio::sync::watch;

use meter::Meter;
use scan::Scan;

/// Most threads of one miner.
pub const MAX_THREADS: usize = 256;
/// Threads that make sense on this machine: one for each processor that the process may use.
pub fn threads_here() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
}

/// Nonces between two looks at the world: some milliseconds. Divides 2^32.
const BATCH: u32 = 1 << 16;

/// Gives the time, in Unix seconds.
pub type Clock = Arc<dyn Fn() -> UnixSecs + Send + Sync>;

/// A block that lacks only its seal.
#[derive(Debug, Clone)]
pub struct MiningJob {
    /// Grows from job to job.
    pub id: u64,
    /// The header to seal; the search varies its nonce.
    pub header: Header,
    /// Its `extra` ends in 8 bytes for the extra nonce.
    pub manifest: Manifest,
    /// The last time, in Unix seconds, that the header may have: a later one would change what the block does.
    pub latest_time: u32,
    /// Shared by the templates of many producers.
    pub transactions: Arc<Vec<CheckedTransaction>>,
    /// The target of `header.bits`.
    pub target: Target,
}

/// What seals a job: header and manifest as they were found, with the transactions of the job.
#[derive(Debug, Clone)]
pub struct Solved {
    /// The job that it solves.
    pub job: Arc<MiningJob>,
    /// The header with the nonce that meets the target.
    pub header: Header,
    /// The manifest with the extra nonce that the header commits to.
    pub manifest: Manifest,
}

type Jobs = watch::Receiver<Option<Arc<MiningJob>>>;

/// A miner; dropping it stops its threads.
pub struct Miner {
    shared: Arc<Shared>,
    workers: Mutex<Vec<Worker>>,
}

struct Shared {
    jobs: Jobs,
    clock: Clock,
    solved: Box<dyn Fn(Solved) + Send + Sync>,
    /// Rounds begun: each has its own extra nonce.
    rounds: AtomicU64,
    hashes: AtomicU64,
    /// Jobs with a lower id are solved or outdated.
    first_open: AtomicU64,
}

struct Worker {
    stop: watch::Sender<bool>,
    meter: Arc<Mutex<Meter>>,
    thread: JoinHandle<()>,
}

impl Miner {
    /// A miner without threads; [`Self::set_threads`] gives it some.
    ///
    /// `solved` is called by the thread that found the seal, once for a job at most; that thread goes on when it returns.
    /// No thread works on a job after its seal was found: the next job must come through `jobs`.
    pub fn start(jobs: Jobs, clock: Clock, solved: impl Fn(Solved) + Send + Sync + 'static) -> Self {
        let shared = Shared {
            jobs,
            clock,
            solved: Box::new(solved),
            rounds: AtomicU64::new(0),
            hashes: AtomicU64::new(0),
            first_open: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
            workers: Mutex::new(Vec::new()),
        }
    }

    /// Starts or stops threads until there are `count`, at most [`MAX_THREADS`]. Waits for those that stop: some
    /// milliseconds, or until a callback under way returns.
    pub fn set_threads(&self, count: usize) {
        let count = count.min(MAX_THREADS);
        let surplus = {
            let mut workers = self.workers.lock();
            while workers.len() < count {
                match Worker::start(Arc::clone(&self.shared)) {
                    Ok(worker) => workers.push(worker),
                    Err(error) => {
                        tracing::warn!(%error, started = workers.len(), wanted = count, "no more mining threads");
                        break;
                    }
                }
            }
            let keep = count.min(workers.len());
            workers.split_off(keep)
        };
        for worker in &surplus {
            worker.stop.send_replace(true);
        }
        let caller = thread::current().id();
        for worker in surplus {
            // A callback may stop the miner; its own thread ends after it.
            if worker.thread.thread().id() != caller && worker.thread.join().is_err() {
                tracing::error!("a mining thread panicked");
            }
        }
    }

    /// Stops all threads; [`Self::set_threads`] starts again.
    pub fn stop(&self) {
        self.set_threads(0);
    }

    /// Threads that search now.
    pub fn threads(&self) -> usize {
        self.workers.lock().len()
    }

    /// Hashes per second, averaged over some seconds.
    pub fn hash_rate(&self) -> f64 {
        let now = Instant::now();
        self.workers
            .lock()
            .iter()
            .map(|worker| worker.meter.lock().rate(now))
            .sum()
    }

    /// Hashes tried since the start.
    pub fn hashes(&self) -> u64 {
        self.shared.hashes.load(Ordering::Relaxed)
    }
}

impl Drop for Miner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Worker {
    fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let meter = Arc::new(Mutex::new(Meter::new(Instant::now())));
        // Only channels are waited for: neither timers nor sockets.
        let waiting = tokio::runtime::Builder::new_current_thread().build()?;
        let metered = Arc::clone(&meter);
        let thread = crate::supervise::thread("miner", move || shared.work(stopped, &metered, &waiting))?;
        Ok(Self { stop, meter, thread })
    }
}

impl Shared {
    fn work(&self, mut stopped: watch::Receiver<bool>, meter: &Mutex<Meter>, waiting: &tokio::runtime::Runtime) {
        let mut jobs = self.jobs.clone();
        while !*stopped.borrow() {
            let job = jobs.borrow_and_update().clone();
            if let Some(job) = job
                && self.is_open(&job)
            {
                self.search(
                    &job,
                    &|| *stopped.borrow() || jobs.has_changed().unwrap_or(true) || !self.is_open(&job),
                    meter,
                );
                if jobs.has_changed().is_err() {
                    return;
                }
                continue;
            }
            let goes_on = waiting.block_on(async {
                tokio::select! {
                    biased;
                    _ = stopped.wait_for(|stop| *stop) => false,
                    changed = jobs.changed() => changed.is_ok(),
                }
            });
            if !goes_on {
                return;
            }
        }
    }

    fn is_open(&self, job: &MiningJob) -> bool {
        job.id >= self.first_open.load(Ordering::Acquire)
    }

    /// Searches until the job is solved or `interrupted`.
    fn search(&self, job: &Arc<MiningJob>, interrupted: &dyn Fn() -> bool, meter: &Mutex<Meter>) {
        loop {
            let round = self.rounds.fetch_add(1, Ordering::Relaxed);
            let manifest = with_extra_nonce(&job.manifest, round);
            let mut header = Header {
                manifest_root: manifest.root(),
                ..job.header
            };
            let mut scan = Scan::new(&header, job.target);
            let mut first = 0;
            loop {
                // A newer time makes another header, whose nonces are all untried.
                let now = u32::try_from((self.clock)().0).unwrap_or(u32::MAX).min(job.latest_time);
                if now > header.time {
                    header.time = now;
                    scan = Scan::new(&header, job.target);
                    first = 0;
                }
                let found = scan.scan(first, BATCH);
                let tried = found.map_or(BATCH, |nonce| nonce - first + 1).into();
                self.hashes.fetch_add(tried, Ordering::Relaxed);
                meter.lock().record(tried, Instant::now());
                if let Some(nonce) = found {
                    header.nonce = nonce;
                    return self.solve(Arc::clone(job), header, manifest);
                }
                if interrupted() {
                    return;
                }
                first = first.wrapping_add(BATCH);
                if first == 0 {
                    break;
                }
            }
        }
    }

    /// Hands a seal over, unless another thread was first.
    fn solve(&self, job: Arc<MiningJob>, header: Header, manifest: Manifest) {
        let next = job.id.saturating_add(1);
        if self.first_open.fetch_max(next, Ordering::AcqRel) < next {
            (self.solved)(Solved { job, header, manifest });
        }
    }
}

/// The manifest with `round` added to the extra nonce at the end of `extra`, which is lengthened if it has no room.
/// Rule: docs/protocol.md#M2
fn with_extra_nonce(manifest: &Manifest, round: u64) -> Manifest {
    let mut extra = manifest.extra.to_vec();
    extra.resize(extra.len().max(EXTRA_NONCE_BYTES), 0);
    let mut nonce = [0; EXTRA_NONCE_BYTES];
    let at = extra.len() - EXTRA_NONCE_BYTES;
    nonce.copy_from_slice(&extra[at..]);
    let nonce = u64::from_be_bytes(nonce).wrapping_add(round);
    extra[at..].copy_from_slice(&nonce.to_be_bytes());
    Manifest {
        extra: extra.into(),
        ..manifest.clone()
    }
}
