//! The panel's view of an audit.

use leptos::prelude::*;
use tally_api::worker::audit::{AuditEnd, AuditProgress, AuditTip, ToAudit};

use super::{
    run::{self, Run},
    words,
};
use crate::{
    browser, format,
    light::auditing::Auditing,
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
pub fn AuditView(auditing: Auditing) -> impl IntoView {
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
                <Again auditing=auditing />
            }),
            Stage::Running => branch(|| view! { <Running /> }),
            Stage::Done => branch(move || {
                let end = state.with_untracked(|run| match run {
                    Run::Done(end) => Some((**end).clone()),
                    _ => None,
                });
                end.map(|end| view! { <Ended auditing=auditing end=end /> })
            }),
        }}
    }
    .into_any()
}

#[component]
fn Again(auditing: Auditing) -> impl IntoView {
    view! {
        <div class="actions">
            <Button on:click=move |_| run::begin(auditing)>"Audit again"</Button>
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
    let turn = move |_| {
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
            <Button on:click=turn>{move || if paused.get() { "Resume" } else { "Pause" }}</Button>
            <Button kind=ButtonKind::Quiet on:click=|_| run::stop()>"Stop the audit"</Button>
        </div>
    }
    .into_any()
}

#[component]
fn Ended(auditing: Auditing, end: AuditEnd) -> impl IntoView {
    match end {
        AuditEnd::Executed { tip, progress, report } => {
            view! { <Executed auditing=auditing tip=tip progress=progress report=report /> }.into_any()
        }
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
                    <Save name="tally-audit-evidence.json" text=evidence>"Save what was found"</Save>
                    <Save name="tally-audit.json" text=report>"Save the report"</Save>
                </div>
                <Again auditing=auditing />
            }
            .into_any()
        }
        AuditEnd::Ended(why) => view! {
            <Notice kind=NoticeKind::Warning title="The audit could not go on">
                <p>{why}</p>
                <p>"Nothing is known by it."</p>
            </Notice>
            <Again auditing=auditing />
        }
        .into_any(),
    }
}

#[component]
fn Executed(auditing: Auditing, tip: AuditTip, progress: AuditProgress, report: String) -> impl IntoView {
    let AuditTip { height, id } = tip;
    let took = format::duration(progress.millis as f64 / 1_000.0);
    view! {
        <Facts>
            <Fact name="Level">
                <strong>"Executed"</strong>" "
                <span class="faint">"Every block was executed, every signature checked; everything agrees."</span>
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
            <Save name="tally-audit.json" text=report>"Save the report"</Save>
        </div>
        <Again auditing=auditing />
    }
    .into_any()
}

/// Offers a text as a file.
#[component]
fn Save(name: &'static str, text: String, children: Children) -> impl IntoView {
    view! { <Button on:click=move |_| browser::download(name, text.as_bytes())>{children()}</Button> }.into_any()
}
