//! How an audit of this tab stands. It goes on while its panel is closed, and ends with the tab.

use leptos::prelude::*;
use tally_api::worker::audit::{AuditEnd, AuditProgress, FromAudit};

use super::{
    super::{Light, outcome::Audited},
    words,
};

/// How it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Run {
    /// None was begun, or it was stopped.
    #[default]
    Idle,
    /// It works.
    Running(AuditProgress),
    /// It is at its end.
    Done(Box<AuditEnd>),
}

thread_local! {
    // Of no owner: panels come and go.
    static RUN: ArcRwSignal<Run> = ArcRwSignal::default();
}

/// The state of the one audit of this tab, whichever panel shows it.
pub fn state() -> ArcRwSignal<Run> {
    RUN.with(Clone::clone)
}

/// Begins one, from genesis to the verified tip; without one to the tip that the node claims.
pub fn begin(light: Light) {
    let _ = light.begun.try_set(true);
    light.audited_is(Audited::Nothing);
    let _ = state().try_set(Run::Running(AuditProgress::default()));
    #[cfg(feature = "hydrate")]
    {
        let tip = light.state.with_untracked(|state| state.tip.clone());
        super::worker::start(&light.genesis.get_value(), tip, move |message| take(light, message));
    }
}

/// Ends it. What it has shown so far counts for nothing.
pub fn stop() {
    #[cfg(feature = "hydrate")]
    super::worker::stop();
    let _ = state().try_set(Run::Idle);
}

#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "the server renders, and executes nothing for a reader")
)]
fn take(light: Light, message: FromAudit) {
    match message {
        FromAudit::Ready => {}
        FromAudit::Progress(progress) => drop(state().try_set(Run::Running(progress))),
        FromAudit::Done(end) => {
            light.audited_is(words::audited(&end));
            light.announce(words::announcement(&end));
            let _ = state().try_set(Run::Done(end));
        }
    }
}
