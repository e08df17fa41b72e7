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
        AddressLink, Amount, Button, ButtonKind, Claimed, Fact, Facts, Loaded, Notice, NoticeKind, PageHead, Stat,
        Table, Time,
    },
};

/// The operator's request that switches the native miner.
const SWITCH_PATH: &str = "/api/v1/mining";

/// The page at `/mining`.
#[component]
pub fn Mining() -> impl IntoView {
    let live = Live::get();
    let mining = Resource::new(move || live.on_mining(), |_| reads::mining());
    view! {
        <PageHead title="Mining" lead="A block is sealed by work: a hash below the target. Anyone may try, this browser too." />
        <Loaded what="Mining" resource=mining show=|mining| view! { <Content mining=mining /> }.into_any() />
        <BrowserMiner />
        <OperatorToken />
    }
    .into_any()
}

#[component]
fn Content(mining: MiningView) -> impl IntoView {
    let chain = expect_context::<ChainInfo>();
    let MiningView {
        begins,
        workers,
        connected,
        miner,
        network_hash_rate,
        difficulty,
        bits,
        next_height,
        pending,
        subsidy,
        halving_in,
        series,
    } = mining;
    let halving = halving_in.map_or_else(
        || "stays the same for ever".to_owned(),
        |blocks| format!("halves in {}", format::plural(blocks, "block", "blocks")),
    );
    view! {
        <dl class="stats">
            <Stat name="Network hash rate" note="estimated from the last blocks">{format::hash_rate(network_hash_rate)}</Stat>
            <Stat name="Difficulty" note=format!("target bits {bits}")>{format::hashes(difficulty)}</Stat>
            <Stat name="Next block" note=format!("{} waiting", format::plural(pending, "transaction", "transactions"))>
                {format::count(next_height)}
            </Stat>
            <Stat name="Subsidy" note=halving><Amount value=subsidy /></Stat>
        </dl>
        {begins
            .map(|begins| {
                view! {
                    <Notice kind=NoticeKind::Info title="The chain has not begun">
                        <p>{format!("It begins at {}. Miners wait until then.", format::utc(begins))}</p>
                    </Notice>
                }
            })}
        <Claimed />
        <NativeMiner miner=miner />
        <Connected workers=workers connected=connected />
        <section class="charts" aria-label="Charts">
            {difficulty_chart(&series, chain.spacing)}
            {interval_chart(&series, chain.spacing)}
        </section>
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

/// The node's own miner, and its switch for the operator.
#[component]
fn NativeMiner(miner: MinerView) -> impl IntoView {
    let live = Live::get();
    let operator = Operator::get();
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(String::new()));
    let running = miner.running;
    let works = running && miner.paused.is_none();
    let state = match (running, works) {
        (true, true) => "Running",
        (true, false) => "Paused",
        (false, _) => "Stopped",
    };
    let switch = move |_| {
        busy.set(true);
        spawn_local(async move {
            let switch = SwitchBody {
                on: Some(!running),
                ..SwitchBody::default()
            };
            let outcome = operator.post(SWITCH_PATH, &switch).await;
            let _ = failure.try_set(outcome.err().unwrap_or_default());
            let _ = busy.try_set(false);
            live.refresh(Change::Mining);
        });
    };
    let locked = Signal::derive(move || !operator.is_present());
    view! {
        <section class="card" aria-labelledby="native">
            <header class="card-head">
                <h2 id="native">"This node's miner"</h2>
                <span class=if works { "badge badge-ok" } else { "badge" }>{state}</span>
            </header>
            {miner.paused.map(|reason| view! {
                <Notice kind=NoticeKind::Error title="The miner makes no blocks now">
                    <p>{reason}</p>
                </Notice>
            })}
            <Facts>
                <Fact name="Hash rate">{format::hash_rate(miner.hash_rate)}</Fact>
                <Fact name="Threads">{format::count(miner.threads)}</Fact>
                <Fact name="Pays"><AddressLink address=miner.producer full=true /></Fact>
                <Fact name="Last block found">
                    {match miner.last_block {
                        Some(height) => view! { <a href=at_base(format!("/block/{height}"))>{format::count(height)}</a> }.into_any(),
                        None => view! { <span class="faint">"none yet"</span> }.into_any(),
                    }}
                </Fact>
            </Facts>
            <div class="actions">
                <Button
                    kind=if running { ButtonKind::Plain } else { ButtonKind::Primary }
                    disabled=locked
                    busy=busy
                    on:click=switch
                >
                    {if running { "Stop the miner" } else { "Start the miner" }}
                </Button>
                <Show when=move || locked.get()>
                    <span class="field-hint">"Needs the operator token, below."</span>
                </Show>
            </div>
            <Show when=move || failure.with(|failure| !failure.is_empty())>
                <Notice kind=NoticeKind::Error title="The miner was not switched">
                    <p>{move || failure.get()}</p>
                </Notice>
            </Show>
        </section>
    }
    .into_any()
}
