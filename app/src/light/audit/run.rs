//! How an audit of this tab stands. It goes on while its panel is closed, and ends with the tab.

use leptos::prelude::*;
use tally_api::worker::audit::{AuditEnd, AuditProgress, FromAudit};

use super::words;
use crate::light::auditing::{Audited, Auditing};

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
pub fn begin(auditing: Auditing) {
    let _ = auditing.begun.try_set(true);
    auditing.is(Audited::Nothing);
    let _ = state().try_set(Run::Running(AuditProgress::default()));
    #[cfg(feature = "hydrate")]
    {
        let tip = auditing.tip();
        super::worker::start(&auditing.genesis(), tip, move |message| take(auditing, message));
    }
}

/// Ends it. What it has shown so far says nothing.
pub fn stop() {
    #[cfg(feature = "hydrate")]
    super::worker::stop();
    let _ = state().try_set(Run::Idle);
}

#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "the server renders, and executes nothing for a reader")
)]
fn take(auditing: Auditing, message: FromAudit) {
    match message {
        FromAudit::Ready => {}
        FromAudit::Progress(progress) => drop(state().try_set(Run::Running(progress))),
        FromAudit::Done(end) => {
            auditing.is(words::audited(&end));
            auditing.say(words::announcement(&end));
            let _ = state().try_set(Run::Done(end));
        }
    }
}
