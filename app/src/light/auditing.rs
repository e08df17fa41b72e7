//! What an audit of this tab and the light client know of each other.

use leptos::prelude::*;
use tally_api::worker::light::{State, Tip};

use crate::live::Live;

/// What an audit has shown, as the seal and the marks see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Audited {
    /// Nothing so far.
    #[default]
    Nothing,
    /// Everything up to the block with this id.
    Executed(String),
    /// A block breaks a rule; which, and where.
    Fault(String),
}

/// The door between them.
#[derive(Clone, Copy)]
pub struct Auditing {
    pub audited: RwSignal<Audited>,
    /// Whether an audit was begun.
    pub begun: RwSignal<bool>,
    state: RwSignal<State>,
    turns: RwSignal<u32>,
    genesis: StoredValue<String>,
    live: Live,
}

impl Auditing {
    /// Of the light client with this state, whose marks are checked again with each of these turns.
    pub fn new(state: RwSignal<State>, turns: RwSignal<u32>, genesis: String, live: Live) -> Self {
        Self {
            audited: RwSignal::default(),
            begun: RwSignal::new(false),
            state,
            turns,
            genesis: StoredValue::new(genesis),
            live,
        }
    }

    /// Id of genesis, as it is shown.
    pub fn genesis(self) -> String {
        self.genesis.get_value()
    }

    /// The tip that is verified now.
    pub fn tip(self) -> Option<Tip> {
        self.state.with_untracked(|state| state.tip.clone())
    }

    /// Where a block breaks a rule, if an audit has found one.
    pub fn fault(self) -> Option<String> {
        match self.audited.try_get_untracked() {
            Some(Audited::Fault(place)) => Some(place),
            _ => None,
        }
    }

    /// What an audit has shown by now: the seal shows it, and what was checked is checked again where that changes it.
    pub fn is(self, audited: Audited) {
        let had_fault = self.fault().is_some();
        let has_fault = matches!(audited, Audited::Fault(_));
        let _ = self.audited.try_set(audited);
        if had_fault != has_fault {
            let _ = self.turns.try_update(|turns| *turns = turns.wrapping_add(1));
        }
    }

    /// Says something aloud.
    pub fn say(self, text: String) {
        let _ = self.live.announcement.try_set(text);
    }
}
