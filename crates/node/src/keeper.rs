//! The thread that keeps the store: writes the pool's changes, and looks every second whether the store still works.

mod run;

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::pool_writer::PoolWriter;
use crate::store::StoreError;

/// How long something may fail without a success in between before the node restarts: too many open files pass within
/// seconds, a bad sector does not.
const LASTING: Duration = Duration::from_secs(60);
/// Failures in a row that it takes for that, however far apart: on a slow link tries come rarely, and two may be hours apart
/// with nothing tried between them.
const MIN_FAILURES: u64 = 3;
/// Least time between two lines of the log about the same failure.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// What reads the store. That one of them works does not show that the other does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Blocks that are to become the tip.
    Import,
    /// The accounts of the pool after a block.
    Pool,
}

/// Whether something keeps failing, and what was last logged of it.
#[derive(Debug, Default)]
struct Outage {
    /// The first failure since it last worked, and how many there were.
    since: Option<Instant>,
    failures: u64,
    /// It failed again long after the first time, and nothing worked in between. One failure alone never lasts.
    lasts: bool,
    logged: Option<Instant>,
    unlogged: u64,
}

impl Outage {
    /// It failed at `now`; how many failures a line in the log stands for, if one is due.
    fn failed(&mut self, now: Instant) -> Option<u64> {
        let since = *self.since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        self.lasts = self.failures >= MIN_FAILURES && now.duration_since(since) >= LASTING;
        self.unlogged += 1;
        if self.logged.is_some_and(|logged| now.duration_since(logged) < LOG_EVERY) {
            return None;
        }
        self.logged = Some(now);
        Some(std::mem::take(&mut self.unlogged))
    }

    /// It worked: what failed before has passed.
    fn worked(&mut self) {
        *self = Self::default();
    }
}

/// The outages of each reader.
#[derive(Debug, Default)]
struct Outages {
    import: Outage,
    pool: Outage,
}

impl Outages {
    fn of(&mut self, reader: Reader) -> &mut Outage {
        match reader {
            Reader::Import => &mut self.import,
            Reader::Pool => &mut self.pool,
        }
    }

    fn any_lasts(&self) -> bool {
        self.import.lasts || self.pool.lasts
    }
}

/// What the thread and those who wait for it share.
#[derive(Default)]
pub(crate) struct Keeper {
    writer: PoolWriter,
    thread: Mutex<Option<JoinHandle<()>>>,
    outages: Mutex<Outages>,
}

impl Keeper {
    pub(crate) fn writer(&self) -> &PoolWriter {
        &self.writer
    }

    /// Something could not be read or written, and the one who requested it is not at fault.
    pub(crate) fn store_failed(&self, reader: Reader, error: &StoreError) {
        if !error.is_failure() {
            // A full disk has its own lines, and passes.
            return;
        }
        let mut outages = self.outages.lock();
        if let Some(failures) = outages.of(reader).failed(Instant::now()) {
            tracing::error!(%error, failures, "the store does not work; what needs it will be tried again");
        }
    }

    /// What a reader needed could be read and written.
    pub(crate) fn store_works(&self, reader: Reader) {
        self.outages.lock().of(reader).worked();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_logged_once_a_minute_and_lasts_after_one() {
        let (begun, mut outage) = (Instant::now(), Outage::default());
        let at = |secs| begun + Duration::from_secs(secs);
        assert_eq!(outage.failed(at(0)), Some(1));
        for second in 1..60 {
            assert_eq!(outage.failed(at(second)), None);
            assert!(!outage.lasts);
        }
        assert_eq!(outage.failed(at(60)), Some(60));
        assert!(outage.lasts);
    }

    #[test]
    fn failures_that_pass_in_between_never_add_up() {
        let (begun, mut outage) = (Instant::now(), Outage::default());
        for minute in 0..60 {
            outage.failed(begun + minute * Duration::from_secs(60));
            assert!(!outage.lasts, "minute {minute}");
            outage.worked();
        }
        // What fails again and again does, however it began.
        let broken = begun + Duration::from_secs(60 * 60);
        for second in 0..6 {
            outage.failed(broken + second * Duration::from_secs(10));
            assert!(!outage.lasts);
        }
        outage.failed(broken + Duration::from_secs(60));
        assert!(outage.lasts);
    }

    #[test]
    fn failures_that_come_rarely_add_up_where_nothing_works_in_between() {
        // On a slow link a block comes every quarter of a minute.
        let (begun, mut outage) = (Instant::now(), Outage::default());
        for secs in [0, 15, 30, 45] {
            outage.failed(begun + Duration::from_secs(secs));
            assert!(!outage.lasts, "after {secs} s");
        }
        outage.failed(begun + Duration::from_secs(60));
        assert!(outage.lasts);
    }

    #[test]
    fn two_failures_hours_apart_do_not_last() {
        let (begun, mut outage) = (Instant::now(), Outage::default());
        outage.failed(begun);
        outage.failed(begun + Duration::from_secs(10_000));
        assert!(!outage.lasts);
        outage.failed(begun + Duration::from_secs(10_001));
        assert!(outage.lasts);
    }

    #[test]
    fn what_one_reader_can_read_shows_nothing_of_the_other() {
        let (begun, mut outages) = (Instant::now(), Outages::default());
        for secs in [0, 30, 60] {
            outages.of(Reader::Pool).failed(begun + Duration::from_secs(secs));
            outages.of(Reader::Import).worked();
        }
        assert!(outages.any_lasts());
        outages.of(Reader::Pool).worked();
        assert!(!outages.any_lasts());
    }
}
