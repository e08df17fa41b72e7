//! Live pages: one stream of events from the node for all tabs, turned into ticks that resources depend on.
//!
//! An event carries no page content. It announces that something changed, and all that show it read it
//! again, at most once a second, so a busy node does not keep the tab busy.

#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "the server renders, and never calls it")
)]
mod election;
#[cfg(feature = "hydrate")]
mod stream;

use leptos::prelude::*;

use crate::browser;

/// Where the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// The page has not begun to listen: it was just rendered, or runs without scripts.
    Still,
    Live,
    Reconnecting,
    /// Not connected for so long that the figures on the page are old.
    Stale,
}

/// Seconds without a connection after which figures count as stale.
#[cfg(feature = "hydrate")]
const STALE_AFTER: u64 = 15;

/// The stream's state and its ticks.
#[derive(Clone, Copy)]
pub struct Live {
    /// Counts new tips and reorgs.
    chain: RwSignal<u32>,
    /// Counts changes of the pool.
    pool: RwSignal<u32>,
    /// Counts changes of mining.
    mining: RwSignal<u32>,
    /// Counts block events the moment they come, paused or not: what a miner in this tab follows.
    pub tips: RwSignal<u32>,
    pub connection: RwSignal<Connection>,
    /// When the stream last was known to be whole, Unix seconds.
    pub contact: RwSignal<Option<u64>>,
    pub paused: RwSignal<bool>,
    /// Whether this tab must follow the chain even out of view, since it mines.
    pub needed: RwSignal<bool>,
    /// This device's clock, once a second; `None` in the first render.
    pub now: RwSignal<Option<u64>>,
    /// The last message for screen readers.
    pub announcement: RwSignal<String>,
}

/// What changed, by the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Chain,
    Pool,
    Mining,
}

impl Live {
    /// Makes the context; once the page runs, starts the clock and the stream.
    pub fn provide() -> Self {
        let live = Self {
            chain: RwSignal::new(0),
            pool: RwSignal::new(0),
            mining: RwSignal::new(0),
            tips: RwSignal::new(0),
            connection: RwSignal::new(Connection::Still),
            contact: RwSignal::new(None),
            paused: RwSignal::new(false),
            needed: RwSignal::new(false),
            now: RwSignal::new(None),
            announcement: RwSignal::new(String::new()),
        };
        provide_context(live);
        Effect::new(move |_| {
            live.now.set(browser::now());
            browser::every(1_000, move || live.now.set(browser::now()));
            #[cfg(feature = "hydrate")]
            stream::follow(live);
        });
        live
    }

    /// The context.
    pub fn get() -> Self {
        use_context().expect("the root component provides the live stream")
    }

    /// Changes with each new tip: what depends on it reads again.
    pub fn on_chain(self) -> u32 {
        self.chain.get()
    }

    /// Changes with each new tip and with the pool.
    pub fn on_pool(self) -> (u32, u32) {
        (self.chain.get(), self.pool.get())
    }

    /// Changes with each new tip and with the miner.
    pub fn on_mining(self) -> (u32, u32) {
        (self.chain.get(), self.mining.get())
    }

    /// Makes all that show this read again now.
    pub fn refresh(self, change: Change) {
        let signal = match change {
            Change::Chain => self.chain,
            Change::Pool => self.pool,
            Change::Mining => self.mining,
        };
        signal.update(|tick| *tick = tick.wrapping_add(1));
    }

    /// Seconds since the stream was last known to be whole.
    pub fn age(self) -> Option<u64> {
        Some(self.now.get()?.saturating_sub(self.contact.get()?))
    }
}
