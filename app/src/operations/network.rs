mod bans;
mod operate;
mod ranges;

use leptos::prelude::*;

use crate::{
    base::at_base,
    format,
    live::Live,
    model::{ChainInfo, ClockView, HeavierForkView, NetworkView, PeerView, SyncView},
    operations::{failed::ActionFailed, operator::Operator},
    reads,
    ui::{BlockLink, Claimed, Empty, Fact, Facts, Followed, Id, Notice, NoticeKind, PageHead, Table, Time, branch},
};
use bans::{PeerBans, RangeBans};
use operate::{AddPeer, BanDialog, Banning, PeerActions};
use ranges::BanRange;

/// Seconds after which peers are looked at again, blocks or not.
const BEAT_SECS: u64 = 3;

/// The page at `/network`.
#[component]
pub fn Network() -> impl IntoView {
    let live = Live::get();
    // Peers come and go without a block.
    let beat = Memo::new(move |before: Option<&u64>| match (live.paused.get(), before) {
        (true, Some(before)) => *before,
        _ => live.now.get().map_or(0, |now| now / BEAT_SECS),
    });
    let network = Resource::new(move || (live.on_chain(), beat.get()), |_| reads::network());
    // What the operator types or presses stays where it is while figures change.
    let show = |network: Signal<NetworkView>| view! { <Content network=network /> }.into_any();
    view! {
        <PageHead title="Network" lead="This node, and the nodes it is connected to." />
        <Followed what="The network" resource=network show=show />
    }
    .into_any()
}

#[component]
fn Content(network: Signal<NetworkView>) -> impl IntoView {
    let operator = Operator::get();
    let banning = Banning::new();
    let not_removed = RwSignal::new(String::new());
    let networked = Memo::new(move |_| network.with(|network| network.peer_id.is_some()));
    let alone = Memo::new(move |_| network.with(|network| network.peers.is_empty()));
    let bans = Memo::new(move |_| network.with(|network| !network.bans.is_empty()));
    let ranges = Memo::new(move |_| network.with(|network| !network.range_bans.is_empty()));
    let clock = Memo::new(move |_| network.with(|network| network.clock.clone()));
    let behind = Memo::new(move |_| network.with(|network| network.behind_chain_secs));
    let fork = Memo::new(move |_| network.with(|network| network.heavier_fork.clone()));
    let sync = move || network.with(|network| network.sync.clone());
    view! {
        {move || branch(move || view! { <ThisNode network=network.get() /> })}
        {move || clock.get().filter(|clock| clock.off).map(|clock| view! { <ClockOff clock=clock /> })}
        {move || behind.get().map(|secs| view! { <ClockBehind secs=secs /> })}
        {move || fork.get().map(|fork| view! { <HeavierFork fork=fork /> })}
        {move || sync().map(|sync| view! { <Syncing sync=sync /> })}
        <section aria-labelledby="peers">
            <h2 id="peers">"Peers"</h2>
            <Show when=move || networked.get() && operator.is_present()>
                <AddPeer />
            </Show>
            <ActionFailed title="The peer was not removed" why=not_removed />
            <Show
                when=move || alone.get()
                fallback=move || view! { <Peers network=network banning=banning not_removed=not_removed /> }
            >
                <Empty title="This node is alone">
                    <p>"It is connected to no other node. Start it with " <code>"--p2p-listen ADDR:PORT"</code> " to accept connections, or with " <code>"--peer ADDRESS"</code> " to dial another node."</p>
                    <p>"No other node checks its chain. It still checks every block and transaction itself, and this page can check some of them again."</p>
                </Empty>
            </Show>
        </section>
        <Show when=move || bans.get()>
            <PeerBans network=network />
        </Show>
        <Show when=move || ranges.get()>
            <RangeBans network=network />
        </Show>
        <Show when=move || networked.get() && operator.is_present()>
            <BanRange />
        </Show>
        <BanDialog banning=banning />
    }
    .into_any()
}

/// Shows whose clock is wrong: nothing else on the page would.
#[component]
fn ClockOff(clock: ClockView) -> impl IntoView {
    let allowed = format!(
        "Blocks may be {} s ahead of it at most, so this node may reject valid ones. Until the clock is right, it makes no blocks and gives its peers no penalties for this.",
        format::count(clock.allowance_secs)
    );
    view! {
        <Notice kind=NoticeKind::Error title="The clock of this machine is wrong">
            <p>{clock.words}</p>
            <p>{allowed}</p>
        </Notice>
    }
    .into_any()
}

/// Shows that the clock was set back, which peers need not know.
#[component]
fn ClockBehind(secs: u64) -> impl IntoView {
    let words = format!(
        "It is {} behind the newest blocks, which this node has accepted: the clock was set back. The node makes no blocks until the clock is right.",
        format::duration(secs as f64)
    );
    view! {
        <Notice kind=NoticeKind::Error title="The clock of this machine is behind this node's own chain">
            <p>{words}</p>
        </Notice>
    }
    .into_any()
}

/// Warns that what stands on these pages may not count elsewhere.
#[component]
fn HeavierFork(fork: HeavierForkView) -> impl IntoView {
    let words = format!(
        "It has {} blocks and more total work than the chain shown here, and forks from it below block {}, the lowest to which this node can reorg: to follow that chain, start with a fresh data directory. Until then, payments and balances here may not count on other nodes.",
        format::count(fork.height),
        format::count(fork.base)
    );
    view! {
        <Notice kind=NoticeKind::Error title="A peer shows a chain with more total work that this node cannot follow">
            <p>{words}</p>
            <Facts>
                <Fact name="Its newest block"><Id value=fork.tip full=true /></Fact>
                <Fact name="Shown by"><Id value=fork.peer full=true /></Fact>
            </Facts>
        </Notice>
    }
    .into_any()
}

#[component]
fn ThisNode(network: NetworkView) -> impl IntoView {
    let chain = expect_context::<ChainInfo>();
    let peer_id = match network.peer_id {
        Some(id) => view! { <Id value=id /> }.into_any(),
        None => view! { <span class="faint">"none; it is connected to no other node"</span> }.into_any(),
    };
    let clock = network
        .clock
        .map_or_else(|| "not compared yet: too few peers".to_owned(), |clock| clock.words);
    let listening = network
        .listening
        .into_iter()
        .map(|address| view! { <li><code>{address}</code></li> })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="this-node">
            <h2 id="this-node">"This node"</h2>
            <Facts>
                <Fact name="Version">{format!("Tally {}", network.version)}</Fact>
                <Fact name="Chain">{format!("{} (chain id {})", chain.name, chain.chain_id)}</Fact>
                <Fact name="Genesis"><BlockLink id=chain.genesis_id full=true /></Fact>
                <Fact name="Tip">
                    <span class="cell-row">
                        <a href=at_base(format!("/block/{}", network.tip))>{format::count(network.tip)}</a>
                        <BlockLink id=network.tip_id />
                    </span>
                </Fact>
                <Fact name="Clock">{clock}</Fact>
                <Fact name="Peer id">{peer_id}</Fact>
                <Fact name="Listens on"><ul class="plain">{listening}</ul></Fact>
            </Facts>
            <Claimed />
        </section>
    }
    .into_any()
}

/// How far the node is with a chain that it takes over.
#[component]
fn Syncing(sync: SyncView) -> impl IntoView {
    if let Some(height) = sync.headers {
        let (done, all) = sync.parts.unwrap_or((0, 1));
        let words = match sync.parts {
            None => format!("Headers up to {}: their work is checked", format::count(height)),
            Some(_) => format!(
                "{} of {} parts of the state, each checked",
                format::count(done),
                format::count(all)
            ),
        };
        return view! {
            <section class="card" aria-labelledby="syncing">
                <h2 id="syncing">"Checkpoint sync"</h2>
                <progress max=all value=done aria-labelledby="syncing"></progress>
                <p>{words}</p>
                <Facts>
                    <Fact name="Headers from"><Id value=sync.source /></Fact>
                </Facts>
                <Claimed />
            </section>
        }
        .into_any();
    }
    let all = sync.done + sync.left;
    let left = match (sync.left, sync.a_second) {
        (0, _) => "waiting for more headers".to_owned(),
        (_, 0) => "just begun".to_owned(),
        (left, pace) => format!("about {} s left", format::count(left.div_ceil(pace))),
    };
    view! {
        <section class="card" aria-labelledby="syncing">
            <h2 id="syncing">"Catching up"</h2>
            <progress max=all.max(1) value=sync.done aria-labelledby="syncing"></progress>
            <p>
                {format!("{} of {} blocks, {} a second, {left}", format::count(sync.done), format::count(all), format::count(sync.a_second))}
            </p>
            <Facts>
                <Fact name="Headers from"><Id value=sync.source /></Fact>
            </Facts>
            <Claimed />
        </section>
    }
    .into_any()
}

#[component]
fn Peers(network: Signal<NetworkView>, banning: Banning, not_removed: RwSignal<String>) -> impl IntoView {
    let ids = move || {
        network.with(|network| {
            let peers = network.peers.iter();
            peers.map(|peer| peer.id.clone()).collect::<Vec<_>>()
        })
    };
    let head = view! {
        <th scope="col">"Peer"</th>
        <th scope="col">"Address"</th>
        <th scope="col">"Direction"</th>
        <th scope="col">"Software"</th>
        <th scope="col" class="numeric">"Height"</th>
        <th scope="col" class="numeric">"Round trip"</th>
        <th scope="col" class="numeric">"In"</th>
        <th scope="col" class="numeric">"Out"</th>
        <th scope="col" class="numeric">"Offences"</th>
        <th scope="col">"Since"</th>
    }
    .into_any();
    view! {
        <Table caption="Peers" head=head>
            <For each=ids key=String::clone let:id>
                <Peer id=id network=network banning=banning not_removed=not_removed />
            </For>
        </Table>
    }
    .into_any()
}

/// The row of a peer: its name and what may be done with it stay, its figures are drawn again.
#[component]
fn Peer(id: String, network: Signal<NetworkView>, banning: Banning, not_removed: RwSignal<String>) -> impl IntoView {
    let own = id.clone();
    let peer = Memo::new(move |_| {
        network.with(|network| {
            let mut peers = network.peers.iter();
            peers.find(|peer| peer.id == own).cloned()
        })
    });
    view! {
        <tr>
            <td data-label="Peer">
                <Id value=id.clone() bare=true />
                <PeerActions id=id banning=banning failure=not_removed />
            </td>
            {move || peer.get().map(figures)}
        </tr>
    }
    .into_any()
}

/// The cells of a peer's row after its name.
fn figures(peer: PeerView) -> AnyView {
    // Its name stands beside it.
    let end = format!("/p2p/{}", peer.id);
    let address = peer.address.strip_suffix(end.as_str()).unwrap_or(&peer.address);
    let address = address.to_owned();
    let ahead = peer.ahead_secs.map(|secs| {
        let length = format::duration(secs as f64);
        format!("its next block is {length} too far ahead of this clock: one of the two is wrong")
    });
    view! {
        <td data-label="Address"><code class="wrap">{address}</code></td>
        <td data-label="Direction">{if peer.inbound { "in" } else { "out" }}</td>
        <td data-label="Software">{peer.agent}</td>
        <td data-label="Height" class="numeric">
            {peer.height.map_or_else(|| "not yet".to_owned(), format::count)}
            {ahead.map(|words| view! { <span class="field-hint">{words}</span> })}
        </td>
        <td data-label="Round trip" class="numeric">{peer.latency_ms.map_or_else(|| "not yet".to_owned(), |ms| format!("{ms} ms"))}</td>
        <td data-label="In" class="numeric">{format::bytes(peer.bytes_in)}</td>
        <td data-label="Out" class="numeric">{format::bytes(peer.bytes_out)}</td>
        <td data-label="Offences" class="numeric">{peer.score}</td>
        <td data-label="Since"><Time at=peer.connected_since /></td>
    }
    .into_any()
}
