//! What a receipt that holds shows.

use leptos::prelude::*;
use tally_api::worker::light::Tip;
use tally_chain::document;
use tally_chain::light::Level;
use tally_chain::portable::Proven;

use super::Bench;
use crate::{
    format, light,
    live::Live,
    model::{BaseUnits, ChainInfo},
    ui::{AddressLink, Amount, BlockLink, Fact, Facts, Id, Notice, NoticeKind, Time, branch},
};

/// What a receipt that holds shows.
#[component]
pub fn Shown(proven: Proven, bench: Bench) -> impl IntoView {
    let chain = expect_context::<ChainInfo>();
    let genesis = bench
        .receipt
        .with_untracked(|receipt| receipt.as_ref().map(|receipt| receipt.genesis.to_string()));
    let same = genesis.as_deref() == Some(&chain.genesis_id);
    let view = proven.transaction.view();
    let anchored = document::anchored(view.data);
    let to = match view.to {
        Some(to) => view! { <AddressLink address=to.to_checksum(None) full=true /> }.into_any(),
        None => view! { <span class="faint">"a new contract"</span> }.into_any(),
    };
    let (failed, confirmations) = (!proven.receipt.success, proven.confirmations());
    let (value, sender) = (view.value, proven.transaction.sender().to_checksum(None));
    let id = proven.transaction.id().to_string();
    let confirmed = match confirmations {
        Some(count) => format!(
            "{} at that block",
            format::plural(count, "confirmation", "confirmations")
        ),
        None => "not known: only the transaction's own block is trusted, and later blocks of the file prove nothing"
            .to_owned(),
    };
    let document = move || {
        bench.document.get().map(|hashed| match anchored {
            Some(sha256) if sha256 == hashed.sha256 => branch(move || view! {
                <Notice kind=NoticeKind::Success title="The document is the one that was anchored">
                    <p>{format!("{} has the SHA-256 that the sender signed.", hashed.name)}</p>
                </Notice>
            }),
            Some(_) => branch(move || view! {
                <Notice kind=NoticeKind::Error title="This is another document">
                    <p>{format!("{} is not the file that the transaction anchors: the hashes differ.", hashed.name)}</p>
                </Notice>
            }),
            None => branch(|| view! {
                <Notice kind=NoticeKind::Error title="The transaction anchors no document">
                    <p>"Its data is something else."</p>
                </Notice>
            }),
        })
    };
    view! {
        <section class="card" aria-labelledby="receipt-shows" aria-live="polite">
            <h2 id="receipt-shows">"What the receipt shows"</h2>
            {document}
            {failed
                .then(|| {
                    view! {
                        <Notice kind=NoticeKind::Error title="Execution failed">
                            <p>"The transaction is on the chain, but nothing was paid except the fee."</p>
                        </Notice>
                    }
                })}
            <Facts>
                <Fact name="Transaction"><Id value=id full=true /></Fact>
                <Fact name="From"><AddressLink address=sender full=true /></Fact>
                <Fact name="To">{to}</Fact>
                <Fact name="Value">{if same {
                    view! { <Amount value=BaseUnits::new(value.to_string()) /> }.into_any()
                } else {
                    view! { <span>{format!("{} coins of that chain", value.to_coins())}</span> }.into_any()
                }}</Fact>
                {anchored.map(|sha256| view! { <Fact name="Document"><code class="wrap">{format!("SHA-256 {sha256:x}")}</code></Fact> })}
                <Fact name="Time"><Time at=u64::from(proven.time) both=true /></Fact>
                <Fact name="In block"><BlockLink id=proven.block.to_string() /> {format!(" at height {}", format::count(proven.height.0))}</Fact>
                <Fact name="Confirmed">{confirmed}</Fact>
                <Fact name="Chain">{if same { "this one".to_owned() } else { format!("another one, genesis {}", genesis.unwrap_or_default()) }}</Fact>
            </Facts>
            {bench.chain.get_untracked().map(|tip| view! { <FromGenesis tip=tip /> })}
        </section>
    }
    .into_any()
}

/// How much of the chain was checked, and what is taken on trust.
#[component]
fn FromGenesis(tip: Tip) -> impl IntoView {
    let (live, (name, meaning)) = (Live::get(), light::level(tip.level));
    let (time, height) = (tip.time, format::count(tip.height));
    let (checked, id) = (light::checked(&tip), tip.id.clone());
    let old = move || {
        let seconds = live.now.get()?.saturating_sub(time);
        Some(format!(
            ", {} old by this device's clock",
            format::duration(seconds as f64)
        ))
    };
    let took = tip
        .millis
        .map(|millis| format!(", verified in {} ms", format::count(millis)));
    let trust = assumptions(tip.level)
        .into_iter()
        .map(|line| view! { <li>{line}</li> })
        .collect_view();
    view! {
        <h3>"The chain, from genesis on"</h3>
        <Facts>
            <Fact name="Level"><strong>{name}</strong>" "<span class="faint">{meaning}</span></Fact>
            <Fact name="Checked">{checked}{took}</Fact>
            <Fact name="Leads to">{format!("height {height}")}{old}" "<Id value=id bare=true head=6 tail=10 /></Fact>
        </Facts>
        <h3>"Taken on trust"</h3>
        <ul class="prose">{trust}</ul>
    }
    .into_any()
}

/// What a receipt that holds from genesis takes on trust.
fn assumptions(level: Level) -> Vec<&'static str> {
    let mut all = vec![
        "That the genesis id is that of the chain you mean.",
        "That no chain has more work: the receipt shows one, up to a block that may be old.",
        "That blocks do what the rules allow: they are not executed here.",
        "That this device's clock is right, and that this page is honest: it comes from a server.",
    ];
    if level == Level::Sampled {
        all.insert(
            0,
            "That no forger has a third of all miners' power: a sample proves no more.",
        );
    }
    all
}
