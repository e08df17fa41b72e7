//! The loop that makes templates for the native miner, and what the miner finds.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use tally_chain::Address;

use super::Signal;
use crate::clock::span;
use crate::config::MiningConfig;
use crate::events::ChainEvent;
use crate::miner::{Miner, Solved};
use crate::node::Node;
use crate::pipeline::ImportError;

/// Least time between two templates on the same tip.
const FEE_REFRESH: Duration = Duration::from_secs(1);
/// How often a miner that pauses looks whether it can go on.
const PAUSE_POLL: Duration = Duration::from_secs(1);
/// Between two lines of the log about one pause.
const PAUSE_LOG: Duration = Duration::from_secs(60);

impl Node {
    /// Switches the native miner, or gives it other threads or another producer.
    pub fn set_mining(&self, config: MiningConfig) {
        let mining = self.mining();
        *mining.config.lock() = config;
        mining.switch();
        if !config.on {
            mining.jobs.send_replace(None);
        }
        self.events().publish(ChainEvent::Mining {
            on: config.on,
            threads: config.threads,
        });
        mining.send(Signal::Refresh);
    }

    /// Where the native miner's rewards go.
    pub fn producer(&self) -> Address {
        self.mining().config.lock().producer
    }

    pub(crate) fn start_mining_loop(&self) {
        let mining = self.mining();
        let Some(inbox) = mining.inbox.lock().take() else {
            return;
        };
        let finder = self.clone();
        let miner = Miner::start(mining.jobs.subscribe(), self.clock(), move |solved: Solved| {
            finder.take_solved(&solved)
        });
        *mining.miner.lock() = Some(Arc::new(miner));
        mining.switch();
        let node = self.clone();
        let thread = crate::supervise::thread("templates", move || node.mining_loop(&inbox))
            .expect("a thread can be started while the node starts");
        *mining.templates.lock() = Some(thread);
        mining.send(Signal::Refresh);
    }

    pub(crate) fn take_solved(&self, solved: &Solved) {
        if let Err(error) = self.import_sealed(&solved.job, solved.header, solved.manifest.clone()) {
            // What the store cannot do is logged where it is known, and not for each block.
            if !matches!(error, ImportError::Store(_)) {
                tracing::warn!(%error, "own block not taken");
            }
            // At most once a second: what was wrong with this block may be wrong with the next.
            self.mining().pool_changed();
        }
    }

    /// Why nothing is to be mined now: others would reject the blocks, or no other node would follow their branch.
    pub fn pauses(&self) -> Option<String> {
        if let Some(begins) = self.begins() {
            return Some(format!("the chain begins at {begins}"));
        }
        if let Some(reading) = self.clock_off() {
            return Some(reading.words());
        }
        let secs = self.behind_own_chain()?;
        Some(format!(
            "this machine's clock is {} behind this node's own chain",
            span(secs)
        ))
    }

    fn mining_loop(&self, inbox: &mpsc::Receiver<Signal>) {
        let mut made = Instant::now();
        let mut due: Option<Instant> = None;
        // When the pause was last logged.
        let mut paused: Option<Instant> = None;
        loop {
            let wait = due.map_or(Duration::from_secs(3_600), |due| {
                due.saturating_duration_since(Instant::now())
            });
            match inbox.recv_timeout(wait) {
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Signal::PoolChanged) => {
                    due = due.or(Some(made + FEE_REFRESH));
                    continue;
                }
                Ok(Signal::Refresh) | Err(RecvTimeoutError::Timeout) => {}
            }
            due = None;
            let config = *self.mining().config.lock();
            // A node that waits for a state snapshot would mine on genesis, and could not install it any more.
            if !config.on || self.awaits_checkpoint() {
                continue;
            }
            if let Some(reason) = self.pauses() {
                if paused.is_none_or(|logged| logged.elapsed() >= PAUSE_LOG) {
                    tracing::warn!(%reason, "the miner pauses");
                    paused = Some(Instant::now());
                }
                self.mining().jobs.send_replace(None);
                // No event follows when a clock is set right, so it is polled.
                due = Some(Instant::now() + PAUSE_POLL);
                continue;
            }
            if paused.take().is_some() {
                tracing::info!("the miner goes on");
            }
            made = Instant::now();
            // A block that cannot be stored is not worth a hash. Room is looked for every second; then this goes on.
            if self.store().not_ready().is_some() {
                self.mining().jobs.send_replace(None);
                continue;
            }
            match self.new_template(config.producer) {
                Ok(job) => drop(self.mining().jobs.send_replace(Some(job))),
                Err(error) => tracing::error!(%error, "no template"),
            }
        }
    }
}
