//! Keeps the native miner supplied: a new template on each new tip, and at most once a second for better fees.

mod run;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::config::MiningConfig;
use crate::miner::{Miner, MiningJob};

enum Signal {
    Refresh,
    PoolChanged,
    Stop,
}

/// The native miner with its switch.
pub struct Mining {
    config: Mutex<MiningConfig>,
    jobs: watch::Sender<Option<Arc<MiningJob>>>,
    signals: mpsc::Sender<Signal>,
    inbox: Mutex<Option<mpsc::Receiver<Signal>>>,
    /// Locked for moments only, since every read of the status takes it.
    miner: Mutex<Option<Arc<Miner>>>,
    /// Held while threads start and end, which may take as long as an import.
    switching: Mutex<()>,
    templates: Mutex<Option<JoinHandle<()>>>,
}

/// What the miner does right now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MiningStatus {
    /// The settings as they are now.
    pub config: MiningConfig,
    /// Hashes per second; 0 when off.
    pub hash_rate: f64,
}

impl Mining {
    pub(crate) fn new(config: MiningConfig) -> Self {
        let (signals, inbox) = mpsc::channel();
        Self {
            config: Mutex::new(config),
            jobs: watch::Sender::new(None),
            signals,
            inbox: Mutex::new(Some(inbox)),
            miner: Mutex::default(),
            switching: Mutex::default(),
            templates: Mutex::default(),
        }
    }

    /// Settings at this moment.
    pub fn config(&self) -> MiningConfig {
        *self.config.lock()
    }

    /// Settings and hash rate at this moment. Does not wait for threads that end.
    pub fn status(&self) -> MiningStatus {
        let config = self.config();
        let hash_rate = self.miner.lock().as_ref().map_or(0.0, |miner| miner.hash_rate());
        MiningStatus {
            config,
            hash_rate: if config.on { hash_rate } else { 0.0 },
        }
    }

    fn send(&self, signal: Signal) {
        // The loop is gone only when the node closes.
        let _ = self.signals.send(signal);
    }

    pub(crate) fn tip_changed(&self) {
        self.send(Signal::Refresh);
    }

    /// Whether this machine's clock can be mined by has changed.
    pub(crate) fn clock_changed(&self) {
        self.send(Signal::Refresh);
    }

    pub(crate) fn pool_changed(&self) {
        self.send(Signal::PoolChanged);
    }

    /// Gives the miner the threads of the settings as they are now, and waits for those that end.
    fn switch(&self) {
        let _one_at_a_time = self.switching.lock();
        let (config, miner) = (self.config(), self.miner.lock().clone());
        if let Some(miner) = miner {
            miner.set_threads(if config.on { config.threads } else { 0 });
        }
    }

    /// Ends all threads and waits for them, also for those that a switch under way ends.
    pub(crate) fn stop(&self) {
        self.send(Signal::Stop);
        let _one_at_a_time = self.switching.lock();
        let (miner, templates) = (self.miner.lock().take(), self.templates.lock().take());
        if let Some(miner) = miner {
            miner.stop();
        }
        if templates.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the template thread panicked");
        }
    }
}
