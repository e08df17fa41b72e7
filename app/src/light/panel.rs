//! The panel of the seal: what was checked, what is taken on trust, and what a reader can do.

use leptos::prelude::*;
use tally_api::worker::light::{Headers, LightFailure, Phase, State, Tip, ToLight};
use tally_chain::light::Level;

use super::{Audited, Light, audit::Audit, words};
use crate::{
    browser, format,
    live::Live,
    model::ChainInfo,
    ui::{Button, ButtonKind, Fact, Facts, Id, Notice, NoticeKind, branch},
};

/// About so many bytes has a header on its way. Rule: docs/protocol.md#F2
const HEADER_BYTES: u64 = 37;
/// The rule whose failure a reader can settle: the node shows a chain with less total work than this browser has verified.
const LESS_WORK: &str = "F10";

#[component]
pub fn Panel() -> impl IntoView {
    let light = Light::get();
    let phase = Memo::new(move |_| light.state.with(|state| state.phase.clone()));
    let tip = Memo::new(move |_| light.state.with(|state| state.tip.clone()));
    let headers = Memo::new(move |_| light.state.with(|state| state.headers));
    view! {
        {move || match phase.get() {
            Phase::Failed(failure) => branch(move || {
                let failure = *failure;
                view! { <NotHeld failure=failure /> }
            }),
            Phase::Unverified(why) => branch(move || view! {
                <Notice kind=NoticeKind::Info title="Nothing is verified">
                    <p>{why}</p>
                    <p>"Pages show what the node reports, unchecked. It is tried again."</p>
                </Notice>
            }),
            Phase::Idle | Phase::Checking { .. } => branch(|| view! {
                <p class="prose">"The proof of the chain is being read and verified. Until then pages show what the node reports, unchecked."</p>
            }),
            Phase::Verified => branch(|| ()),
        }}
        {move || tip.get().map(|tip| branch(move || view! { <Verified tip=tip /> }))}
        {move || headers.get().map(|headers| branch(move || view! { <AllHeaders headers=headers /> }))}
        <Audit />
    }
    .into_any()
}

/// What does not hold, with the bytes to keep.
#[component]
fn NotHeld(failure: LightFailure) -> impl IntoView {
    let light = Light::get();
    let place = match failure.byte {
        Some(byte) => format!("{}, byte {}", words::place(&failure), format::count(byte)),
        None => words::place(&failure),
    };
    let less_work = failure.rule == LESS_WORK;
    let evidence = failure.evidence.clone();
    view! {
        <Notice kind=NoticeKind::Error title="What this node shows of its chain does not hold">
            <p>{format!("It breaks {place}: {}", failure.what)}</p>
            {less_work.then(|| view! {
                <p>"What it shows holds by itself, and has no more total work than the chain that this browser verified before."</p>
            })}
            <p>"Nothing that pages show is marked as verified now. Compare with another node before you rely on it."</p>
        </Notice>
        <div class="actions">
            <Button on:click=move |_| browser::download("tally-light-evidence.json", evidence.as_bytes())>
                "Save the evidence"
            </Button>
            {less_work.then(|| view! {
                <Button kind=ButtonKind::Danger on:click=move |_| light.send(&ToLight::Forget)>
                    "Forget the chain with more work"
                </Button>
            })}
        </div>
    }
    .into_any()
}

/// The verified tip.
#[component]
fn Verified(tip: Tip) -> impl IntoView {
    let (live, light) = (Live::get(), Light::get());
    let genesis = expect_context::<ChainInfo>().genesis_id;
    let id_of_tip = tip.id.clone();
    let level = move || match light.audited.get() {
        Audited::Executed(id) if id == id_of_tip => Level::Executed,
        _ => tip.level,
    };
    let level = Memo::new(move |_| level());
    let assumptions = move || {
        let lines = words::assumptions(level.get()).into_iter();
        lines.map(|line| view! { <li>{line}</li> }).collect_view()
    };
    let level = move || {
        let (name, meaning) = words::level(level.get());
        view! { <strong>{name}</strong>" "<span class="faint">{meaning}</span> }
    };
    let received = move || light.state.with(|state: &State| format::bytes(state.bytes));
    let time = match tip.millis {
        Some(millis) => format!("{} ms", format::count(millis)),
        None => "on an earlier visit".to_owned(),
    };
    let (checked, weight) = (words::checked(&tip), format::grouped(&tip.weight));
    let (height, id) = (format::count(tip.height), tip.id.clone());
    let age = move || words::age(Some(&tip), live.now.get()).map(|age| format!("{age} old"));
    view! {
        <Facts>
            <Fact name="Level">{level}</Fact>
            <Fact name="Newest block">{height}" "<Id value=id bare=true head=6 tail=10 /></Fact>
            <Fact name="Its age">{age}</Fact>
            <Fact name="From genesis"><Id value=genesis bare=true head=6 tail=10 /></Fact>
            <Fact name="Checked">{checked}</Fact>
            <Fact name="Total work">{weight}" hashes expected"</Fact>
            <Fact name="Received">{received}</Fact>
            <Fact name="Newest block verified in">{time}</Fact>
        </Facts>
        <h3>"Taken on trust"</h3>
        <ul class="prose">{assumptions}</ul>
    }
    .into_any()
}

/// The check of all headers, where a sample was verified.
#[component]
fn AllHeaders(headers: Headers) -> impl IntoView {
    let light = Light::get();
    let Headers { checked, of, running } = headers;
    let stopped = !running;
    let left = format::bytes(of.saturating_sub(checked).saturating_mul(HEADER_BYTES));
    view! {
        <h3>"All headers"</h3>
        <p>{format!("{} of {} checked.", format::count(checked), format::count(of))}</p>
        <div class="actions">
            <Button on:click=move |_| light.send(&ToLight::CheckAll)>{format!("Check all work ({left})")}</Button>
            <Button kind=ButtonKind::Quiet disabled=stopped on:click=move |_| light.send(&ToLight::Stop)>"Stop"</Button>
        </div>
    }
    .into_any()
}
