use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{
    query::{href, page_number, page_value, row_count},
    tables::{Fullness, TransactionTable},
};
use crate::{
    base::at_base,
    format,
    light::Light,
    live::Live,
    model::BlockPage,
    not_found::Missing,
    reads,
    ui::{
        AddressLink, Amount, BlockLink, Claimed, Elapsed, Empty, Fact, Facts, Id, Loaded, Notice, NoticeKind, PageHead,
        Stat, Time, branch, held_title,
    },
    verify::{BLOCK_CHECKS, CheckPanel, Checks, block_subject, proofs},
};

/// The page at `/block/{height|id}`.
#[component]
pub fn Block() -> impl IntoView {
    let live = Live::get();
    let params = use_params_map();
    let key = Memo::new(move |_| params.with(|params| params.get("key").unwrap_or_default()));
    let (page, rows) = (page_number(), row_count());
    let block = Resource::new(
        move || (key.get(), page.get(), rows.get(), live.on_chain()),
        |(key, page, rows, _)| reads::block(key, page, rows),
    );
    let checks = Checks::default();
    let show = move |block: Option<BlockPage>| {
        match block {
        Some(block) => branch(move || view! { <Content block=block checks=checks /> }),
        None => branch(move || view! {
            <Missing
                what="Block"
                key=key.get_untracked()
                why="This node has no block of this height or id. It may not exist yet, belong to another chain, or be older than the state that this node began with."
            />
        }),
    }
    .into_any()
    };
    view! {
        {held_title()}
        <Loaded what="The block" resource=block show=show lines=14 />
    }
    .into_any()
}

#[component]
fn Content(block: BlockPage, checks: Checks) -> impl IntoView {
    let subject = block.clone();
    let light = Light::get();
    checks.run(block_subject(&block), move || proofs::block(light, subject.clone()));
    let confirmations = block.confirmations();
    let height = block.row.height;
    let path = format!("/block/{}", block.row.id);
    let pager = block
        .transactions
        .pager(move |page| href(&path, &[("page", page_value(page))]));
    let (row, kept) = (block.row, block.kept);
    let (time, interval, transactions) = (row.time, row.interval, row.transactions);
    let (fullness, bytes) = (row.fullness(), row.bytes);
    let gas = format!("{} of {}", format::count(row.gas_used), format::count(row.gas_limit));
    let (id, producer, burned) = (row.id, row.producer, row.burned);
    let standing = if block.canonical {
        format::plural(confirmations, "confirmation", "confirmations")
    } else {
        "not on the main chain".to_owned()
    };
    view! {
        <PageHead title=format!("Block {}", format::count(height))>
            <p class="page-id"><Id value=id full=true /></p>
            <nav class="neighbours" aria-label="Neighbouring blocks">
                {(height > 0).then(|| view! { <a class="button" rel="prev" href=at_base(format!("/block/{}", height - 1))>"‹ Older"</a> })}
                {(height < block.tip).then(|| view! { <a class="button" rel="next" href=at_base(format!("/block/{}", height + 1))>"Newer ›"</a> })}
            </nav>
        </PageHead>
        {(!block.canonical)
            .then(|| {
                view! {
                    <Notice kind=NoticeKind::Warning title="This block lost">
                        <p>"Another branch carries more work. Its transactions count only if they are in the other branch too. They are listed as pending below, whether they wait, are in the other branch, or can no longer happen: the page of each transaction shows which."</p>
                    </Notice>
                }
            })}
        {(!block.kept)
            .then(|| {
                view! {
                    <Notice kind=NoticeKind::Info title="Only the header of this block is here">
                        <p>"This node began with the state of a checkpoint. Transactions up to it are kept by nodes that have the whole chain."</p>
                    </Notice>
                }
            })}
        <dl class="stats">
            <Stat name="Standing" note=format!("tip is {}", format::count(block.tip))>{standing}</Stat>
            <Stat name="Sealed" note=interval.map(|seconds| format!("{} after its parent", format::duration(seconds as f64))).unwrap_or_default()>
                <Time at=time />
            </Stat>
            {kept
                .then(|| {
                    view! {
                        <Stat name="Transactions" note=format!("move {}", format::exact_coins(&block.moved))>
                            {format::count(transactions)}
                        </Stat>
                    }
                })}
            <Stat name="Gas" note=gas><Fullness share=fullness /></Stat>
        </dl>
        <div class="two-columns">
            <section class="card" aria-labelledby="block-facts">
                <h2 id="block-facts">"Block"</h2>
                <Facts>
                    <Fact name="Producer"><AddressLink address=producer /></Fact>
                    <Fact name="Subsidy"><Amount value=block.subsidy /></Fact>
                    {block.tips.filter(|_| kept).map(|tips| view! { <Fact name="Priority fees"><Amount value=tips /></Fact> })}
                    {kept.then(|| view! { <Fact name="Burned"><Amount value=burned /></Fact> })}
                    <Fact name="Base fee per gas"><Amount value=block.manifest.base_fee exact=true /></Fact>
                    {kept
                        .then(|| view! { <Fact name="Size">{format!("{} ({} bytes)", format::bytes(bytes), format::count(bytes))}</Fact> })}
                    <Fact name="Time"><Time at=time both=true /></Fact>
                    {interval.map(|seconds| view! { <Fact name="Interval"><Elapsed seconds=seconds as f64 /></Fact> })}
                    <Fact name="Difficulty">{format::hashes(block.difficulty)}</Fact>
                </Facts>
                <Claimed />
            </section>
            <CheckPanel
                checks=checks
                titles=&BLOCK_CHECKS
                remains="That no other chain has more total work, and that its transactions were executed correctly."
            />
        </div>
        <details class="card more">
            <summary>"Header and manifest"</summary>
            <Facts>
                <Fact name="Version">{block.header.version.to_string()}</Fact>
                <Fact name="Parent"><BlockLink id=block.header.parent full=true /></Fact>
                <Fact name="Manifest root"><Id value=block.header.manifest_root full=true /></Fact>
                <Fact name="Time">{block.header.time.to_string()}</Fact>
                <Fact name="Bits"><code>{block.header.bits}</code></Fact>
                <Fact name="Target"><Id value=block.header.target full=true bare=true /></Fact>
                <Fact name="Nonce">{block.header.nonce.to_string()}</Fact>
                <Fact name="State root"><Id value=block.manifest.state_root full=true /></Fact>
                <Fact name="Transactions root"><Id value=block.manifest.transactions_root full=true /></Fact>
                <Fact name="Receipts root"><Id value=block.manifest.receipts_root full=true /></Fact>
                <Fact name="History root"><Id value=block.manifest.history_root full=true /></Fact>
                <Fact name="Extra"><code class="wrap">{block.manifest.extra}</code></Fact>
            </Facts>
        </details>
        <section aria-labelledby="block-transactions">
            <h2 id="block-transactions">"Transactions"</h2>
            {if !kept {
                view! {
                    <Empty title="Not kept here">
                        <p>"Another node may have them."</p>
                    </Empty>
                }
                    .into_any()
            } else if block.transactions.items.is_empty() {
                view! {
                    <Empty title="An empty block">
                        <p>"It confirms the blocks before it, and pays its producer the subsidy."</p>
                    </Empty>
                }
                    .into_any()
            } else {
                view! {
                    <TransactionTable transactions=block.transactions.items caption="Transactions of this block" one_block=true />
                    {pager}
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}
