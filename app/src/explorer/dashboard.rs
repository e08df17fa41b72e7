//! The dashboard: the ribbon, the figures, the charts, and the newcomer's way on.

mod charts;
mod ribbon;

use leptos::prelude::*;
use leptos_meta::Title;

use super::tables::Fullness;
use crate::{
    base::at_base,
    format,
    live::Live,
    model::{BlockRow, ChainInfo, Overview, TransactionRow},
    reads,
    ui::{
        Amount, ButtonKind, ButtonLink, Claimed, Empty, Followed, Id, Stat, StatusBadge, Time, TransactionLink, branch,
    },
};

pub use charts::{confirmation_chart, difficulty_chart, interval_chart, transactions_chart};
use ribbon::Ribbon;

/// The page at `/`.
#[component]
pub fn Dashboard() -> impl IntoView {
    let live = Live::get();
    let overview = Resource::new(move || live.on_pool(), |_| reads::overview());
    let playground = expect_context::<ChainInfo>().playground;
    // The ribbon is drawn once and moves; what is below it is drawn again.
    let show = move |overview: Signal<Overview>| {
        view! {
            <Ribbon overview=overview />
            <FirstMinute playground=playground />
            {move || branch(move || view! { <Content overview=overview.get() /> })}
        }
        .into_any()
    };
    view! {
        <Title text="" />
        <h1 class="visually-hidden">"Dashboard"</h1>
        <Followed what="The dashboard" resource=overview show=show lines=16 />
    }
    .into_any()
}

#[component]
fn Content(overview: Overview) -> impl IntoView {
    let chain = expect_context::<ChainInfo>();
    let Overview {
        tip,
        hash_rate,
        difficulty,
        interval,
        pending,
        supply,
        throughput,
        confirmation,
        base_fee,
        transactions,
        blocks,
        latest,
        series,
        waits,
        ..
    } = overview;
    let confirmation_text = confirmation.map_or_else(|| "none seen yet".to_owned(), format::duration);
    let aim = format!("the chain aims at {} s", chain.spacing);
    view! {
        <section aria-label="Figures">
            <dl class="stats">
                <Stat name="Tip" note=format!("{} in all", format::plural(transactions, "transaction", "transactions"))>
                    <a href=at_base(format!("/block/{}", tip.height))>{format::count(tip.height)}</a>
                </Stat>
                <Stat name="Hash rate" note="estimated from the last blocks">{format::hash_rate(hash_rate)}</Stat>
                <Stat name="Difficulty" note="expected for the next block">{format::hashes(difficulty)}</Stat>
                <Stat name="Block interval" note=aim>{interval.map_or_else(|| "no blocks yet".to_owned(), format::duration)}</Stat>
                <Stat name="Pending" note="wait in this node's pool">
                    <a href=at_base("/mempool")>{format::count(pending)}</a>
                </Stat>
                <Stat name="Throughput" note="over the last blocks">{format!("{} tx/s", format::decimal(throughput, 2))}</Stat>
                <Stat name="Confirmation" note="median, from seen to in a block">{confirmation_text}</Stat>
                <Stat name="Supply" note="issued less burned"><Amount value=supply /></Stat>
                <Stat name="Base fee" note="per gas, burned, next block"><Amount value=base_fee exact=true /></Stat>
            </dl>
            <Claimed />
        </section>
        <section class="charts" aria-label="Charts">
            {interval_chart(&series, chain.spacing)}
            {transactions_chart(&series)}
            {difficulty_chart(&series, chain.spacing)}
            {confirmation_chart(&waits)}
        </section>
        <div class="two-columns">
            <LatestBlocks blocks=blocks />
            <LatestTransactions transactions=latest />
        </div>
    }
    .into_any()
}

/// The newcomer's way on, in four steps.
#[component]
fn FirstMinute(playground: bool) -> impl IntoView {
    let coins = if playground { "Get test coins" } else { "Receive coins" };
    view! {
        <section class="first-minute card" aria-label="First steps">
            <ol class="steps">
                <li>"Create a wallet"</li>
                <li>{coins}</li>
                <li>"Send a payment"</li>
                <li>"Watch it become a notch"</li>
            </ol>
            <ButtonLink href="/wallet" kind=ButtonKind::Primary>"Open your wallet"</ButtonLink>
        </section>
    }
    .into_any()
}

#[component]
fn LatestBlocks(blocks: Vec<BlockRow>) -> impl IntoView {
    let rows = blocks
        .into_iter()
        .take(8)
        .map(|block| {
            let fullness = block.fullness();
            view! {
                <li class="line">
                    <span class="line-main">
                        <a class="strong" href=at_base(format!("/block/{}", block.height))>{format::count(block.height)}</a>
                        <Time at=block.time />
                    </span>
                    <span class="line-side">
                        <span>{format::plural(u64::from(block.transactions), "transaction", "transactions")}</span>
                        <Fullness share=fullness />
                    </span>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="latest-blocks">
            <header class="card-head">
                <h2 id="latest-blocks">"Latest blocks"</h2>
                <a href=at_base("/blocks")>"All blocks"</a>
            </header>
            <ul class="lines">{rows}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn LatestTransactions(transactions: Vec<TransactionRow>) -> impl IntoView {
    let none = transactions.is_empty();
    let rows = transactions
        .into_iter()
        .take(8)
        .map(|row| {
            let to = row.to.clone().map_or_else(
                || view! { <span class="faint">"a new contract"</span> }.into_any(),
                |to| {
                    let href = format!("/account/{to}");
                    view! { <Id value=to href=href bare=true head=6 tail=4 /> }.into_any()
                },
            );
            let from = format!("/account/{}", row.from);
            view! {
                <li class="line">
                    <span class="line-main">
                        <TransactionLink id=row.id bare=true />
                        <StatusBadge status=row.status />
                    </span>
                    <span class="line-side">
                        <span class="from-to">
                            <Id value=row.from href=from bare=true head=6 tail=4 />
                            <span aria-label="to">" → "</span>
                            {to}
                        </span>
                        <Amount value=row.value />
                    </span>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="latest-transactions">
            <header class="card-head">
                <h2 id="latest-transactions">"Latest transactions"</h2>
                <a href=at_base("/transactions")>"All transactions"</a>
            </header>
            {if none {
                view! {
                    <Empty title="No transactions yet">
                        <p>"The first payment will stand here. " <a href=at_base("/wallet")>"Send it"</a> "."</p>
                    </Empty>
                }
                    .into_any()
            } else {
                view! { <ul class="lines">{rows}</ul> }.into_any()
            }}
        </section>
    }
    .into_any()
}
