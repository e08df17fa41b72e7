//! The light client of this tab: a worker verifies the chain from the genesis id on, the seal in the header of every page shows
//! how it stands, and every mark is earned by a block that leads to the verified tip. Rules: docs/protocol.md#F1 to #F11, #W57

mod audit;
mod auditing;
mod panel;
mod seal;
mod words;
#[cfg(feature = "hydrate")]
mod worker;

use leptos::prelude::*;
use tally_api::worker::light::{Phase, State, ToLight, Verdict};

use crate::{
    live::Live,
    model::{BlockEvidence, ChainInfo},
};

use auditing::Auditing;
pub use seal::Seal;

/// How the light client stands, as the pages of this tab see it.
#[derive(Clone, Copy)]
pub struct Light {
    pub state: RwSignal<State>,
    /// Counts how often a tip became verified while none was: what could not be checked is checked again.
    turns: RwSignal<u32>,
    /// What an audit of this tab has shown.
    auditing: Auditing,
}

impl Light {
    /// Makes the context; once the page runs, starts the worker.
    pub fn provide(chain: &ChainInfo) -> Self {
        let (live, genesis) = (Live::get(), chain.genesis_id.clone());
        let (state, turns) = (RwSignal::default(), RwSignal::new(0));
        let light = Self {
            state,
            turns,
            auditing: Auditing::new(state, turns, genesis.clone(), live),
        };
        provide_context(light);
        Effect::new(move |begun: Option<()>| {
            live.tips.track();
            live.on_chain();
            match begun {
                None => start(light, live, &genesis),
                Some(()) => light.send(&ToLight::Look),
            }
        });
        light
    }

    /// The context.
    pub fn get() -> Self {
        use_context().expect("the root component provides the light client")
    }

    /// Sends the worker a wish of the reader, or that the chain may have a new tip.
    pub fn send(self, message: &ToLight) {
        #[cfg(feature = "hydrate")]
        worker::send(message);
        #[cfg(not(feature = "hydrate"))]
        let _ = message;
    }

    /// Whether this block is the verified tip or one of its ancestors. Waits while the first proof is verified.
    pub async fn check(self, block: &BlockEvidence) -> Verdict {
        // The tip that it leads to is that of a chain which breaks the rules.
        if let Some(place) = self.auditing.fault() {
            return Verdict::Unknown(format!("the audit of this tab found a fault: {place}"));
        }
        #[cfg(feature = "hydrate")]
        return worker::check(block).await;
        #[cfg(not(feature = "hydrate"))]
        {
            let _ = block;
            Verdict::Unknown("only a browser verifies".to_owned())
        }
    }

    /// Height of the verified tip.
    pub fn height(self) -> Option<u64> {
        let state = self.state.try_get_untracked()?;
        state.tip.map(|tip| tip.height)
    }

    /// Changes when checking again is worth it, reactively.
    pub fn turn(self) -> u32 {
        self.turns.get()
    }

    /// Takes what the worker reports.
    #[cfg_attr(
        not(feature = "hydrate"),
        allow(dead_code, reason = "the server renders, and never calls it")
    )]
    fn show(self, live: Live, state: State) {
        let is_verified = |state: &State| matches!(state.phase, Phase::Verified);
        let before = self.state.try_get_untracked().unwrap_or_default();
        if is_verified(&state) && !is_verified(&before) {
            let _ = self.turns.try_update(|turns| *turns = turns.wrapping_add(1));
        }
        // Once for each turn, not for each block.
        if let Some(text) = words::announcement(&before, &state) {
            let _ = live.announcement.try_set(text);
        }
        let _ = self.state.try_set(state);
    }
}

#[cfg(feature = "hydrate")]
fn start(light: Light, live: Live, genesis: &str) {
    worker::start(genesis, move |state| light.show(live, state));
}

/// The server verifies nothing for a reader.
#[cfg(not(feature = "hydrate"))]
fn start(_light: Light, _live: Live, _genesis: &str) {}
