use leptos::{prelude::*, task::spawn_local};
use tally_api::mining::SwitchBody;

use super::settings::OperatorToken;
use crate::{
    base::at_base,
    explorer::dashboard::{difficulty_chart, interval_chart},
    format,
    live::{Change, Live},
    model::{ChainInfo, MinerView, MiningView, WorkerView},
    operations::{browser_miner::BrowserMiner, operator::Operator},
    reads,
    ui::{
        AddressLink, Amount, Button, ButtonKind, Claimed, Fact, Facts, Followed, Notice, NoticeKind, PageHead, Stat,
        Table, Time, branch,
    },
};

/// The operator's request that switches the native miner.
const SWITCH_PATH: &str = "/api/v1/mining";

/// The page at `/mining`.
#[component]
pub fn Mining() -> impl IntoView {
    let live = Live::get();
    let mining = Resource::new(move || live.on_mining(), |_| reads::mining());
    // What the operator presses, and why the node rejected it, stay where they are while figures change.
    let show = |mining: Signal<MiningView>| view! { <Content mining=mining /> }.into_any();
    view! {
        <PageHead title="Mining" lead="Work seals a block: its hash must be below the target. Anyone may mine, this browser too." />
        <Followed what="Mining" resource=mining show=show />
        <BrowserMiner />
        <OperatorToken />
    }
    .into_any()
}

#[component]
fn Content(mining: Signal<MiningView>) -> impl IntoView {
    let spacing = expect_context::<ChainInfo>().spacing;
    let miner = Memo::new(move |_| mining.with(|mining| mining.miner.clone()));
    let workers = move || mining.with(|mining| (mining.workers.clone(), mining.connected));
    let charts = move || {
        let series = mining.with(|mining| mining.series.clone());
        branch(move || {
            view! {
                {difficulty_chart(&series, spacing)}
                {interval_chart(&series, spacing)}
            }
        })
    };
    view! {
        {move || branch(move || view! { <Figures mining=mining.get() /> })}
        <NativeMiner miner=miner />
        {move || {
            let (workers, connected) = workers();
            branch(move || view! { <Connected workers=workers connected=connected /> })
        }}
        <section class="charts" aria-label="Charts">{charts}</section>
    }
    .into_any()
}

/// The figures of mining on this chain.
#[component]
fn Figures(mining: MiningView) -> impl IntoView {
    let halving = mining.halving_in.map_or_else(
        || "stays the same for ever".to_owned(),
        |blocks| format!("halves in {}", format::plural(blocks, "block", "blocks")),
    );
    let waiting = format!(
        "{} waiting",
        format::plural(mining.pending, "transaction", "transactions")
    );
    view! {
        <dl class="stats">
            <Stat name="Network hash rate" note="estimated from the last blocks">{format::hash_rate(mining.network_hash_rate)}</Stat>
            <Stat name="Difficulty" note=format!("target bits {}", mining.bits)>{format::hashes(mining.difficulty)}</Stat>
            <Stat name="Next block" note=waiting>{format::count(mining.next_height)}</Stat>
            <Stat name="Subsidy" note=halving><Amount value=mining.subsidy /></Stat>
        </dl>
        {mining
            .begins
            .map(|begins| {
                view! {
                    <Notice kind=NoticeKind::Info title="The chain has not begun">
                        <p>{format!("It begins at {}. Miners wait until then.", format::utc(begins))}</p>
                    </Notice>
                }
            })}
        <Claimed />
    }
    .into_any()
}

/// External miners, if there are any.
#[component]
fn Connected(workers: Vec<WorkerView>, connected: u64) -> impl IntoView {
    if workers.is_empty() {
        return ().into_any();
    }
    let rows = workers.into_iter().map(|worker| {
        view! {
            <tr>
                <td data-label="Worker"><code class="wrap">{worker.name}</code></td>
                <td data-label="Software">{worker.agent}</td>
                <td data-label="Hash rate" class="numeric">{format::hash_rate(worker.hash_rate)}</td>
                <td data-label="Shares" class="numeric">{format::count(worker.shares)}</td>
                <td data-label="Rejected" class="numeric">{format::count(worker.rejected)}</td>
                <td data-label="Blocks" class="numeric">{format::count(worker.blocks)}</td>
                <td data-label="Since"><Time at=worker.since /></td>
            </tr>
        }
    });
    let head = view! {
        <th scope="col">"Worker"</th>
        <th scope="col">"Software"</th>
        <th scope="col" class="numeric">"Hash rate"</th>
        <th scope="col" class="numeric">"Shares"</th>
        <th scope="col" class="numeric">"Rejected"</th>
        <th scope="col" class="numeric">"Blocks"</th>
        <th scope="col">"Since"</th>
    }
    .into_any();
    view! {
        <section aria-labelledby="workers-title">
            <h2 id="workers-title">{format!("Connected miners: {}", format::count(connected))}</h2>
            <Table caption="Connected miners" head=head>
                {rows.collect_view()}
            </Table>
        </section>
    }
    .into_any()
}

/// The node's own miner, and its switch for the operator. It is drawn once; what changes in it is drawn again, part by part.
#[component]
fn NativeMiner(miner: Memo<MinerView>) -> impl IntoView {
    let running = Memo::new(move |_| miner.with(|miner| miner.running));
    let paused = Memo::new(move |_| miner.with(|miner| miner.paused.clone()));
    let works = Memo::new(move |_| running.get() && paused.with(Option::is_none));
    let state = move || match (running.get(), works.get()) {
        (true, true) => "Running",
        (true, false) => "Paused",
        (false, _) => "Stopped",
    };
    view! {
        <section class="card" aria-labelledby="native">
            <header class="card-head">
                <h2 id="native">"This node's miner"</h2>
                <span class=move || if works.get() { "badge badge-ok" } else { "badge" }>{state}</span>
            </header>
            {move || paused.get().map(|reason| view! {
                <Notice kind=NoticeKind::Error title="The miner makes no blocks now">
                    <p>{reason}</p>
                </Notice>
            })}
            <MinerFacts miner=miner />
            <Switch running=running />
        </section>
    }
    .into_any()
}

#[component]
fn MinerFacts(miner: Memo<MinerView>) -> impl IntoView {
    let producer = Memo::new(move |_| miner.with(|miner| miner.producer.clone()));
    let last_block = Memo::new(move |_| miner.with(|miner| miner.last_block));
    let found = move || match last_block.get() {
        Some(height) => branch(move || {
            view! { <a href=at_base(format!("/block/{height}"))>{format::count(height)}</a> }
        }),
        None => branch(|| view! { <span class="faint">"none yet"</span> }),
    };
    view! {
        <Facts>
            <Fact name="Hash rate">{move || miner.with(|miner| format::hash_rate(miner.hash_rate))}</Fact>
            <Fact name="Threads">{move || miner.with(|miner| format::count(miner.threads))}</Fact>
            <Fact name="Pays">
                {move || branch(move || view! { <AddressLink address=producer.get() full=true /> })}
            </Fact>
            <Fact name="Last block found">{found}</Fact>
        </Facts>
    }
    .into_any()
}

/// The operator's switch, and why the node rejected what it was last used for.
#[component]
fn Switch(running: Memo<bool>) -> impl IntoView {
    let live = Live::get();
    let operator = Operator::get();
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(String::new()));
    let switch = move |_| {
        let wanted = !running.get_untracked();
        busy.set(true);
        spawn_local(async move {
            let switch = SwitchBody {
                on: Some(wanted),
                ..SwitchBody::default()
            };
            let outcome = operator.post(SWITCH_PATH, &switch).await;
            let _ = failure.try_set(outcome.err().unwrap_or_default());
            let _ = busy.try_set(false);
            live.refresh(Change::Mining);
        });
    };
    let locked = Signal::derive(move || !operator.is_present());
    let button = move || {
        let (kind, word) = match running.get() {
            true => (ButtonKind::Plain, "Stop the miner"),
            false => (ButtonKind::Primary, "Start the miner"),
        };
        // One branch for both words: the button keeps the focus.
        branch(move || view! { <Button kind=kind disabled=locked busy=busy on:click=switch>{word}</Button> })
    };
    view! {
        <div class="actions">
            {button}
            <Show when=move || locked.get()>
                <span class="field-hint">"Needs the operator token, below."</span>
            </Show>
        </div>
        <Show when=move || failure.with(|failure| !failure.is_empty())>
            <Notice kind=NoticeKind::Error title="The miner was not switched">
                <p>{move || failure.get()}</p>
            </Notice>
        </Show>
    }
    .into_any()
}
