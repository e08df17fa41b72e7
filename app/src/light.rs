//! The light client of this tab: a worker verifies the chain from the genesis id on, the seal in the header of every page shows
//! how it stands, and every mark is earned by a block that leads to the verified tip. Rules: docs/protocol.md#F1 to #F11, #W57

mod audit;
mod outcome;
mod panel;
mod seal;
mod words;
#[cfg(feature = "hydrate")]
mod worker;

use leptos::prelude::*;
use tally_api::worker::light::{BlockVerdict, State, Tip, ToLight};

use crate::{
    live::Live,
    model::{BlockEvidence, ChainInfo},
};

use outcome::Audited;
pub use outcome::Unproved;
pub use seal::LightSeal;
pub use words::{checked, level};

/// How the light client stands, as the pages of this tab see it.
#[derive(Clone, Copy)]
pub struct Light {
    pub state: RwSignal<State>,
    /// Rises whenever verdicts of before no longer count, or may be better now: then all is checked again.
    revision: RwSignal<u32>,
    /// What an audit of this tab has shown.
    audited: RwSignal<Audited>,
    /// Whether an audit was begun.
    begun: RwSignal<bool>,
    /// Id of genesis, as it is shown.
    #[cfg_attr(
        not(feature = "hydrate"),
        allow(dead_code, reason = "the server renders, and executes nothing for a reader")
    )]
    genesis: StoredValue<String>,
    live: Live,
}

impl Light {
    /// Makes the context; once the page runs, starts the worker.
    pub fn provide(chain: &ChainInfo) -> Self {
        let (live, genesis) = (Live::get(), chain.genesis_id.clone());
        let light = Self {
            state: RwSignal::default(),
            revision: RwSignal::new(0),
            audited: RwSignal::default(),
            begun: RwSignal::new(false),
            genesis: StoredValue::new(genesis.clone()),
            live,
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
    pub async fn check(self, block: &BlockEvidence) -> BlockVerdict {
        // The tip that it leads to is that of a chain which breaks the rules.
        if let Some(Audited::Fault(place)) = self.audited.try_get_untracked() {
            return BlockVerdict::Unknown(format!("the audit of this tab found a fault: {place}"));
        }
        #[cfg(feature = "hydrate")]
        return worker::check(block).await;
        #[cfg(not(feature = "hydrate"))]
        {
            let _ = block;
            BlockVerdict::Unknown("only a browser verifies".to_owned())
        }
    }

    /// Verifies the proof that a receipt carries from a genesis id on, up to the tip that it leads to. `chain`: spec and proof as
    /// JSON. Rule: docs/protocol.md#P8
    ///
    /// # Errors
    /// What is wrong with the proof, or why it could not be verified here.
    pub async fn prove(self, genesis: String, chain: String) -> Result<Tip, Unproved> {
        #[cfg(feature = "hydrate")]
        return worker::prove(genesis, chain).await;
        #[cfg(not(feature = "hydrate"))]
        {
            let _ = (genesis, chain);
            Err(Unproved::NotHere("only a browser verifies".to_owned()))
        }
    }

    /// Height of the verified tip.
    pub fn height(self) -> Option<u64> {
        let state = self.state.try_get_untracked()?;
        state.tip.map(|tip| tip.height)
    }

    /// Changes when verdicts of before no longer count, or may be better now, reactively.
    pub fn revision(self) -> u32 {
        self.revision.get()
    }

    /// The same for a check that is under way: whether its verdict still counts.
    pub fn revision_now(self) -> Option<u32> {
        self.revision.try_get_untracked()
    }

    /// What an audit has shown by now: the seal shows it, and what was checked is checked again where that changes it.
    fn audited_is(self, audited: Audited) {
        let had_fault = matches!(self.audited.try_get_untracked(), Some(Audited::Fault(_)));
        let has_fault = matches!(audited, Audited::Fault(_));
        let _ = self.audited.try_set(audited);
        if had_fault != has_fault {
            let _ = self
                .revision
                .try_update(|revision| *revision = revision.wrapping_add(1));
        }
    }

    /// Announces something to screen readers.
    fn announce(self, text: String) {
        let _ = self.live.announcement.try_set(text);
    }

    /// Takes what the worker reports.
    #[cfg_attr(
        not(feature = "hydrate"),
        allow(dead_code, reason = "the server renders, and never calls it")
    )]
    fn show(self, live: Live, state: State) {
        let before = self.state.try_get_untracked().unwrap_or_default();
        let outdates = outcome::outdates(&state, &before);
        // Once for each change of phase, not for each block.
        if let Some(text) = words::announcement(&before, &state) {
            let _ = live.announcement.try_set(text);
        }
        let _ = self.state.try_set(state);
        // After the state: who checks again sees what is verified now.
        if outdates {
            let _ = self
                .revision
                .try_update(|revision| *revision = revision.wrapping_add(1));
        }
    }
}

#[cfg(feature = "hydrate")]
fn start(light: Light, live: Live, genesis: &str) {
    worker::start(genesis, move |state| light.show(live, state));
}

/// The server verifies nothing for a reader.
#[cfg(not(feature = "hydrate"))]
fn start(_light: Light, _live: Live, _genesis: &str) {}
