//! The panel's view of an audit.

use leptos::prelude::*;
use tally_api::worker::audit::{AuditAhead, AuditEnd, AuditProgress, AuditTip, ToAudit};

use super::{
    super::Light,
    run::{self, Run},
    words,
};
use crate::{
    browser, format,
    ui::{Button, ButtonKind, Fact, Facts, Id, Notice, NoticeKind, branch},
};

/// The state without its figures: what decides which view is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    Running,
    Done,
}

#[component]
pub fn AuditView(light: Light) -> impl IntoView {
    let state = RwSignal::from(run::state());
    let stage = Memo::new(move |_| {
        state.with(|run| match run {
            Run::Idle => Stage::Idle,
            Run::Running(_) => Stage::Running,
            Run::Done(_) => Stage::Done,
        })
    });
    view! {
        {move || match stage.get() {
            Stage::Idle => branch(move || view! {
                <p>"Stopped. Nothing is known by it."</p>
                <Again light=light />
            }),
            Stage::Running => branch(|| view! { <Running /> }),
            Stage::Done => branch(move || {
                let end = match state.get_untracked() {
                    Run::Done(end) => Some(*end),
                    Run::Idle | Run::Running(_) => None,
                };
                end.map(|end| view! { <Ended light=light end=end /> })
            }),
        }}
    }
    .into_any()
}

#[component]
fn Again(light: Light) -> impl IntoView {
    view! {
        <div class="actions">
            <Button on:click=move |_| run::begin(light)>"Audit again"</Button>
        </div>
    }
    .into_any()
}

#[component]
fn Running() -> impl IntoView {
    let state = RwSignal::from(run::state());
    let progress = Memo::new(move |_| {
        state.with(|run| match run {
            Run::Running(progress) => progress.clone(),
            _ => AuditProgress::default(),
        })
    });
    let paused = Memo::new(move |_| progress.with(|progress| progress.paused));
    let pause_or_resume = move |_| {
        let message = if paused.get_untracked() {
            ToAudit::Resume
        } else {
            ToAudit::Pause
        };
        #[cfg(feature = "hydrate")]
        super::worker::send(&message);
        #[cfg(not(feature = "hydrate"))]
        drop(message);
    };
    view! {
        <p id="audit-done">{move || progress.with(words::done)}</p>
        <progress
            class="audit-progress"
            aria-labelledby="audit-done"
            max=move || progress.with(|progress| progress.of.max(1))
            prop:value=move || progress.with(|progress| progress.blocks as f64)
        ></progress>
        <p class="faint">
            {move || match paused.get() {
                true => "Paused".to_owned(),
                false => progress.with(words::speed).unwrap_or_else(|| "\u{a0}".to_owned()),
            }}
        </p>
        {move || progress.with(|progress| progress.waits.clone()).map(|why| view! {
            <Notice kind=NoticeKind::Warning title="The node gives no blocks at present">
                <p>{why}". It is tried again."</p>
            </Notice>
        })}
        <div class="actions">
            <Button on:click=pause_or_resume>{move || if paused.get() { "Resume" } else { "Pause" }}</Button>
            <Button kind=ButtonKind::Quiet on:click=|_| run::stop()>"Stop the audit"</Button>
        </div>
    }
    .into_any()
}

#[component]
fn Ended(light: Light, end: AuditEnd) -> impl IntoView {
    match end {
        AuditEnd::Executed {
            tip,
            claimed,
            ahead,
            progress,
            report,
        } => view! { <Executed light=light tip=tip claimed=claimed ahead=ahead progress=progress report=report /> }
            .into_any(),
        AuditEnd::Fault {
            height,
            rule,
            what,
            report,
            evidence,
        } => {
            let place = words::place(height, rule.as_deref());
            view! {
                <Notice kind=NoticeKind::Error title="The audit found a fault">
                    <p>{format!("It breaks {place}: {what}")}</p>
                    <p>"Nothing that pages show is marked as verified now. Compare with another node before you rely on it."</p>
                </Notice>
                <div class="actions">
                    <Button on:click=move |_| browser::download("tally-audit-evidence.json", evidence.as_bytes())>"Save what was found"</Button>
                    <Button on:click=move |_| browser::download("tally-audit.json", report.as_bytes())>"Save the report"</Button>
                </div>
                <Again light=light />
            }
            .into_any()
        }
        AuditEnd::Ended(why) => view! {
            <Notice kind=NoticeKind::Warning title="The audit could not go on">
                <p>{why}</p>
                <p>"Nothing is known by it."</p>
            </Notice>
            <Again light=light />
        }
        .into_any(),
    }
}

#[component]
fn Executed(
    light: Light,
    tip: AuditTip,
    claimed: bool,
    ahead: Option<AuditAhead>,
    progress: AuditProgress,
    report: String,
) -> impl IntoView {
    let AuditTip { height, id } = tip;
    let agrees = match ahead {
        None => "Every block was executed, every signature checked; everything agrees.",
        Some(_) => "Every block was executed, every signature checked; everything agrees but the clock.",
    };
    let ahead = ahead.map(|ahead| {
        view! {
            <Notice kind=NoticeKind::Warning title="Blocks from the future">
                <p>{words::clock(&ahead)}". A node with this clock would not take them yet. If the clock is right, the chain is not valid now."</p>
            </Notice>
        }
    });
    let claimed = claimed.then(|| {
        view! {
            <p class="prose">"This tab had verified no tip when the audit began. That this block is the newest of the chain is as told by the node."</p>
        }
    });
    let took = format::duration(progress.millis as f64 / 1_000.0);
    view! {
        {ahead}
        {claimed}
        <Facts>
            <Fact name="Level">
                <strong>"Executed"</strong>" "
                <span class="faint">{agrees}</span>
            </Fact>
            <Fact name="Up to block">{format::count(height)}" "<Id value=id bare=true head=6 tail=10 /></Fact>
            <Fact name="Executed">
                {format::plural(progress.blocks, "block", "blocks")}", "
                {format::plural(progress.transactions, "transaction", "transactions")}
            </Fact>
            <Fact name="Received">{format::bytes(progress.bytes)}</Fact>
            <Fact name="Time, memory">{took}", "{format::bytes(progress.memory)}</Fact>
        </Facts>
        <div class="actions">
            <Button on:click=move |_| browser::download("tally-audit.json", report.as_bytes())>"Save the report"</Button>
        </div>
        <Again light=light />
    }
    .into_any()
}
