//! The thread that keeps the store: writes the pool's changes, and looks every second whether the store still works.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tally_chain::TxId;

use crate::events::ChainEvent;
use crate::node::Node;
use crate::pool_writer::{Changes, PoolWriter, Turn};
use crate::store::StoreError;

/// Between two looks at the store.
const PROBE: Duration = Duration::from_secs(1);
/// How long blocks may fail by reads of the store before the node starts anew: too many open files pass within seconds, a
/// bad sector does not.
const LASTING: Duration = Duration::from_secs(60);
/// A failure that has no other within so long has passed: peers and miners try again every second or two, so what is
/// still broken fails again before.
const LAPSE: Duration = Duration::from_secs(10);
/// Least time between two lines of the log about the same trouble.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Whether something keeps failing, and what the log was last told of it.
#[derive(Debug, Default)]
struct Trouble {
    since: Option<Instant>,
    last: Option<Instant>,
    /// It failed again long after the first time, and nothing worked in between. One failure alone never lasts.
    lasts: bool,
    logged: Option<Instant>,
    unlogged: u64,
}

impl Trouble {
    /// It failed at `now`; how many failures a line in the log stands for, if one is due.
    fn failed(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.duration_since(last) > LAPSE) {
            self.since = None;
        }
        self.last = Some(now);
        let since = *self.since.get_or_insert(now);
        self.lasts = now.duration_since(since) >= LASTING;
        self.unlogged += 1;
        if self.logged.is_some_and(|logged| now.duration_since(logged) < LOG_EVERY) {
            return None;
        }
        self.logged = Some(now);
        Some(std::mem::take(&mut self.unlogged))
    }
}

/// What the thread and those who wait for it share.
#[derive(Default)]
pub(crate) struct Keeper {
    writer: PoolWriter,
    thread: Mutex<Option<JoinHandle<()>>>,
    trouble: Mutex<Trouble>,
}

impl Keeper {
    pub(crate) fn writer(&self) -> &PoolWriter {
        &self.writer
    }

    /// A block could not be imported, or a question not be answered, and that says nothing of who asked for it.
    pub(crate) fn store_failed(&self, error: &StoreError) {
        if !error.is_failure() {
            // A full disk has its own lines, and passes.
            return;
        }
        let mut trouble = self.trouble.lock();
        if let Some(failures) = trouble.failed(Instant::now()) {
            tracing::error!(%error, failures, "the store does not work; what needs it will be tried again");
        }
    }

    /// A block became the tip: what it needed could be read and written.
    pub(crate) fn reads_work(&self) {
        *self.trouble.lock() = Trouble::default();
    }

    /// Writes what is waiting, and ends the thread.
    pub(crate) fn stop(&self) {
        self.writer.stop();
        let thread = self.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that keeps the store panicked");
        }
    }
}

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
    /// is stored since its batch, and was to be written only once more: it stays.
    fn forget_unwritten(&self, changes: &Changes) {
        let stored = self.store().snapshot();
        let is_stored = |id: &TxId| stored.has_pooled(id).unwrap_or(false);
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
    }

    fn probe_store(&self) {
        let before = self.store().not_ready();
        self.store().probe();
        if self.keeper().trouble.lock().lasts {
            let detail = format!("it has not worked for {} s", LASTING.as_secs());
            self.store().give_up(detail);
        }
        if before.is_some() && self.store().not_ready().is_none() {
            self.mining().tip_changed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_logged_once_a_minute_and_lasts_after_one() {
        let (begun, mut trouble) = (Instant::now(), Trouble::default());
        let at = |secs| begun + Duration::from_secs(secs);
        assert_eq!(trouble.failed(at(0)), Some(1));
        for second in 1..60 {
            assert_eq!(trouble.failed(at(second)), None);
            assert!(!trouble.lasts);
        }
        assert_eq!(trouble.failed(at(60)), Some(60));
        assert!(trouble.lasts);
    }

    #[test]
    fn failures_that_pass_in_between_never_add_up() {
        let (begun, mut trouble) = (Instant::now(), Trouble::default());
        for minute in 0..60 {
            trouble.failed(begun + minute * Duration::from_secs(60));
            assert!(!trouble.lasts, "minute {minute}");
        }
        // What fails again and again does, however it began.
        let broken = begun + Duration::from_secs(60 * 60);
        for second in 0..6 {
            trouble.failed(broken + second * LAPSE);
            assert!(!trouble.lasts);
        }
        trouble.failed(broken + 6 * LAPSE);
        assert!(trouble.lasts);
    }
}
