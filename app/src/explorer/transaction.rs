use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::{
    base::at_base,
    format,
    light::Light,
    live::Live,
    model::{ChainInfo, LogView, PolicyView, Status, TransactionPage, TransactionRow},
    not_found::Missing,
    reads,
    ui::{
        AddressLink, Amount, BlockLink, Claimed, Fact, Facts, Followed, Id, Notice, NoticeKind, PageHead, SchemeBadge,
        Stat, StatusBadge, Time, branch, held_title,
    },
    verify::{CheckPanel, Checks, TRANSACTION_CHECKS, proofs, transaction_subject},
};

/// The page at `/tx/{id}`.
#[component]
pub fn Transaction() -> impl IntoView {
    let live = Live::get();
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    let transaction = Resource::new(move || (id.get(), live.on_pool()), |(id, _)| reads::transaction(id));
    let checks = Checks::default();
    let show = move |transaction: Signal<Option<TransactionPage>>| {
        let is_failed = |page: &TransactionPage| page.row.status == Status::Failed;
        // Apart from what each block redraws: it is read aloud.
        let failed = Memo::new(move |_| transaction.with(|page| page.as_ref().is_some_and(is_failed)));
        let head = move || {
            let row = transaction.with(|page| page.as_ref().map(|page| page.row.clone()));
            row.map(|row| branch(move || view! { <Head row=row /> }))
        };
        let content = move || match transaction.get() {
            Some(transaction) => branch(move || view! { <Content transaction=transaction checks=checks /> }),
            None => branch(move || {
                view! {
                    <Missing
                        what="Transaction"
                        key=id.get_untracked()
                        why="This node does not know this transaction. It may never have arrived, may have expired while it waited, or may belong to another chain."
                    />
                }
            }),
        };
        view! {
            {head}
            {move || failed.get().then(|| view! { <ExecutionFailed /> })}
            {content}
        }
        .into_any()
    };
    view! {
        {held_title()}
        <Followed what="The transaction" resource=transaction show=show lines=14 />
    }
    .into_any()
}

#[component]
fn Head(row: TransactionRow) -> impl IntoView {
    view! {
        <PageHead title=row.kind.label()>
            <p class="page-id"><Id value=row.id full=true /></p>
        </PageHead>
    }
    .into_any()
}

#[component]
fn ExecutionFailed() -> impl IntoView {
    view! {
        <Notice kind=NoticeKind::Error title="Execution failed">
            <p>"The fee was paid and the nonce used; nothing else changed. The value stayed with the sender."</p>
        </Notice>
    }
    .into_any()
}

#[component]
fn Content(transaction: TransactionPage, checks: Checks) -> impl IntoView {
    let (chain, light) = (expect_context::<ChainInfo>(), Light::get());
    let subject = transaction.clone();
    checks.run(transaction_subject(&transaction), move || {
        proofs::transaction(chain.clone(), light, subject.clone())
    });
    let confirmations = transaction.confirmations();
    let shared = transaction.policy.is_some();
    let row = transaction.row.clone();
    let standing = match &row.block {
        Some(block) => view! {
            <a href=at_base(format!("/block/{}", block.height))>{format!("Block {}", format::count(block.height))}</a>
        }
        .into_any(),
        None => view! { <span>"Waits in the pool"</span> }.into_any(),
    };
    let (receipt, provable) = (row.block.is_some().then(|| row.id.clone()), transaction.provable);
    let to = match row.to.clone() {
        Some(address) => view! { <AddressLink address=address full=true /> }.into_any(),
        None => view! { <span class="faint">"a new contract"</span> }.into_any(),
    };
    view! {
        <dl class="stats">
            <Stat name="Status" note=format::plural(confirmations, "confirmation", "confirmations")><StatusBadge status=row.status /></Stat>
            <Stat name="Value"><Amount value=row.value.clone() /></Stat>
            <Stat name=if row.block.is_some() { "Fee" } else { "Fee at most" }><Amount value=row.fee.clone() /></Stat>
            <Stat name=if row.block.is_some() { "Confirmed" } else { "Seen" }><Time at=row.time /></Stat>
        </dl>
        <div class="two-columns">
            <section class="card" aria-labelledby="transaction-facts">
                <h2 id="transaction-facts">"Transaction"</h2>
                <Facts>
                    <Fact name="From"><AddressLink address=row.from full=true /></Fact>
                    <Fact name="To">{to}</Fact>
                    {transaction.memo.map(|memo| view! { <Fact name="Memo"><span class="memo">{memo}</span></Fact> })}
                    <Fact name="In">{standing}</Fact>
                    {row.block.map(|block| view! { <Fact name="Block id"><BlockLink id=block.id /></Fact> })}
                    <Fact name="Signed with">
                        <span class="cell-row"><SchemeBadge scheme=row.scheme /> {transaction.authenticator.clone()}</span>
                    </Fact>
                    {transaction.policy.clone().map(|policy| view! { <Fact name="Its keys"><PolicyKeys policy=policy /></Fact> })}
                    <Fact name="Nonce">{format::count(transaction.nonce)}</Fact>
                    {transaction.made.map(|made| view! { <Fact name="Made"><Time at=made both=true /></Fact> })}
                </Facts>
                <Claimed />
                {receipt.map(|id| view! { <KeepReceipt id=id provable=provable /> })}
            </section>
            <CheckPanel
                checks=checks
                titles=&TRANSACTION_CHECKS
                remains="How many blocks confirm it, that no other chain has more total work, and that its block was executed correctly."
            />
        </div>
        <details class="card more">
            <summary>"Gas, fees and bytes"</summary>
            <Facts>
                <Fact name="Type"><code>{transaction.type_byte}</code></Fact>
                <Fact name="Size">{format!("{} bytes", format::count(transaction.bytes))}</Fact>
                <Fact name="Gas used">
                    {transaction.gas_used.map_or_else(|| "not yet executed".to_owned(), |used| format!("{} of {}", format::count(used), format::count(transaction.gas_limit)))}
                </Fact>
                <Fact name="Gas limit">{format::count(transaction.gas_limit)}</Fact>
                {transaction.gas_price.map(|price| view! { <Fact name="Price per gas"><Amount value=price exact=true /></Fact> })}
                <Fact name="Most per gas"><Amount value=transaction.max_fee exact=true /></Fact>
                <Fact name="Priority per gas"><Amount value=transaction.max_priority_fee exact=true /></Fact>
                {transaction.burned.map(|burned| view! { <Fact name="Burned"><Amount value=burned exact=true /></Fact> })}
                {transaction.public_key.map(|key| view! { <Fact name=if shared { "Policy" } else { "Public key" }><code class="wrap">{key}</code></Fact> })}
                <Fact name=if shared { "Signatures" } else { "Signature" }><code class="wrap">{transaction.signature}</code></Fact>
                {(!transaction.data.is_empty()).then(|| view! { <Fact name="Data"><code class="wrap">{transaction.data}</code></Fact> })}
            </Facts>
        </details>
        {(!transaction.logs.is_empty()).then(|| view! { <Logs logs=transaction.logs /> })}
    }
    .into_any()
}

/// All of this page that can be shown without the node, as a file.
#[component]
fn KeepReceipt(id: String, provable: bool) -> impl IntoView {
    let file = format!("/api/v1/transactions/{id}/receipt");
    // Two links of one file would save one over the other.
    let proved = provable.then(|| {
        view! {
            <a class="button" href=at_base(format!("{file}?version=2")) download=format!("receipt-{id}-from-genesis.json") rel="external">
                "With the proof of the chain"
            </a>
        }
    });
    let hint = provable.then(|| {
        view! {
            <p class="field-hint">
                "The receipt is checked against a block id that its reader trusts. With the proof of the chain, up to about a megabyte, the genesis id is enough."
            </p>
        }
    });
    view! {
        <p class="actions">
            <a class="button" href=at_base(file) download=format!("receipt-{id}.json") rel="external">"Download the receipt"</a>
            {proved}
            <a href=at_base("/receipt")>"Check one"</a>
        </p>
        {hint}
    }
}

/// The keys of a shared account, and who of them signed.
#[component]
fn PolicyKeys(policy: PolicyView) -> impl IntoView {
    let keys = policy
        .keys
        .into_iter()
        .map(|key| {
            let mark = if key.signed { "signed" } else { "did not sign" };
            view! {
                <li class="policy-key">
                    {if key.address.len() == 42 {
                        view! { <AddressLink address=key.address /> }.into_any()
                    } else {
                        view! { <code class="wrap">{key.address}</code> }.into_any()
                    }}
                    <span class="faint">{format!("{} · {mark}", key.kind)}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="plain">{keys}</ul> }.into_any()
}

#[component]
fn Logs(logs: Vec<LogView>) -> impl IntoView {
    let logs = logs
        .into_iter()
        .map(|log| {
            let topics = log
                .topics
                .into_iter()
                .map(|topic| view! { <li><code class="wrap">{topic}</code></li> })
                .collect_view();
            view! {
                <li class="card">
                    <Facts>
                        <Fact name="Contract"><AddressLink address=log.address full=true /></Fact>
                        <Fact name="Topics"><ol class="plain">{topics}</ol></Fact>
                        <Fact name="Data"><code class="wrap">{log.data}</code></Fact>
                    </Facts>
                </li>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="logs">
            <h2 id="logs">"Events"</h2>
            <ul class="plain">{logs}</ul>
        </section>
    }
    .into_any()
}
