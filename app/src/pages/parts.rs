//! What several pages share.

use leptos::{ev::SubmitEvent, prelude::*, reactive::computed::ScopedFuture};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    base::at_base,
    browser, format,
    model::{BlockRow, HistoryLine, MAX_ROWS, RewardRow, Scheme, Status, TransactionKind, TransactionRow},
    prefs::Prefs,
    reads::Read,
    ui::{AddressLink, Amount, BlockLink, Elapsed, Failure, Mark, MarkState, Skeleton, Table, Time, TransactionLink},
};

/// The title of a page and the one sentence that says what it is for.
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    #[prop(optional, into)] lead: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <Title text=title.clone() />
        <header class="page-head">
            <h1>{title}</h1>
            {(!lead.is_empty()).then(|| view! { <p class="page-lead">{lead}</p> })}
            {children.map(|children| children())}
        </header>
    }
    .into_any()
}

/// Shows a resource: a skeleton until it first arrives, then the value, drawn anew whenever it changes.
/// See [`Followed`].
#[component]
pub fn Loaded<T>(
    /// What is read, to begin a sentence with.
    what: &'static str,
    resource: Resource<Read<T>>,
    show: impl Fn(T) -> AnyView + Clone + Send + Sync + 'static,
    #[prop(default = 8)] lines: usize,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    let follow = move |value: Signal<T>| {
        let show = show.clone();
        (move || show(value.get())).into_any()
    };
    view! { <Followed what=what resource=resource show=follow lines=lines /> }.into_any()
}

/// Shows a resource as a signal: `show` is called once, when the first value arrives.
///
/// While the resource is read again the value from before stays, and so it does when that fails; then a
/// failure above it says so and offers to ask again.
#[component]
pub fn Followed<T>(
    /// What is read, to begin a sentence with.
    what: &'static str,
    resource: Resource<Read<T>>,
    show: impl Fn(Signal<T>) -> AnyView + Clone + Send + Sync + 'static,
    #[prop(default = 8)] lines: usize,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    let (value, failure) = (RwSignal::new(None::<T>), RwSignal::new(None::<String>));
    let take = move |answer: Read<T>| {
        failure.set(answer.as_ref().err().map(ToString::to_string));
        if let Some(new) = answer
            .ok()
            .filter(|new| value.with_untracked(|old| old.as_ref() != Some(new)))
        {
            value.set(Some(new));
        }
    };
    Effect::new(move |_| {
        if let Some(answer) = resource.get() {
            take(answer);
        }
    });
    let arrived = Memo::new(move |_| value.with(Option::is_some));
    let current = Signal::derive(move || value.get().expect("it is shown only once it has arrived"));
    let failed = move || {
        let retry = Callback::new(move |()| resource.refetch());
        failure
            .get()
            .map(|why| view! { <Failure what=what why=why retry=retry /> })
    };
    view! {
        <Transition fallback=move || view! { <Skeleton lines=lines /> }>
            {move || {
                let show = show.clone();
                // The future is awaited untracked: a second reading must not begin the page anew.
                let first = ScopedFuture::new_untracked(async move { resource.await });
                Suspend::new(async move {
                    take(first.await);
                    view! {
                        {failed}
                        {move || arrived.get().then(|| show(current))}
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

/// A form whose fields go into the URL; the empty ones are left out, as far as a script can see to it.
#[component]
pub fn FilterForm(action: &'static str, children: Children) -> impl IntoView {
    let navigate = use_navigate();
    let on_submit = move |event: SubmitEvent| {
        if let Some(query) = browser::form_query(&event) {
            event.prevent_default();
            navigate(
                &format!("{action}?{query}"),
                NavigateOptions {
                    scroll: false,
                    ..Default::default()
                },
            );
        }
    };
    view! {
        <form class="filters" method="get" action=at_base(action) on:submit=on_submit>
            {children()}
        </form>
    }
    .into_any()
}

/// Says that what stands above is the node's word.
#[component]
pub fn Told() -> impl IntoView {
    view! {
        <p class="told">
            <Mark state=MarkState::Told />
        </p>
    }
    .into_any()
}

/// The page number in the URL, from 1.
pub fn page_number() -> Memo<u32> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1)))
}

/// Rows of a table: what the URL says, else what the reader prefers.
pub fn row_count() -> Memo<u32> {
    let query = use_query_map();
    let prefs = Prefs::get();
    Memo::new(move |_| {
        let asked = query.with(|query| query.get("rows").and_then(|rows| rows.parse::<u32>().ok()));
        asked
            .unwrap_or_else(|| prefs.read(|prefs| prefs.rows))
            .clamp(1, MAX_ROWS)
    })
}

/// An address of this path with those query values that are set.
pub fn href(path: &str, values: &[(&str, Option<String>)]) -> String {
    let mut out = path.to_owned();
    for (name, value) in values.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(&format!("{name}={}", format::query_value(value)));
    }
    out
}

/// A page number for [`href`]; the first page needs none.
pub fn page_value(page: u32) -> Option<String> {
    (page > 1).then(|| page.to_string())
}

/// Where a transaction stands, as word and shape.
#[component]
pub fn StatusBadge(status: Status) -> impl IntoView {
    let (class, sign, word) = match status {
        Status::Pending => ("badge badge-pending", "◌", "Pending"),
        Status::Succeeded => ("badge badge-ok", "✓", "Confirmed"),
        Status::Failed => ("badge badge-failed", "✕", "Failed"),
    };
    view! {
        <span class=class>
            <span aria-hidden="true">{sign}</span>
            {word}
        </span>
    }
    .into_any()
}

/// How it was signed.
#[component]
pub fn SchemeBadge(scheme: Scheme) -> impl IntoView {
    let title = match scheme {
        Scheme::Rsa => "Signed with RSA-PSS",
        Scheme::Ecc => "Signed with secp256k1",
        Scheme::Ethereum => "An Ethereum transaction, signed with secp256k1",
        Scheme::Multisig => "Sent from a shared account, signed by several keys",
    };
    view! { <span class="badge badge-scheme" title=title>{scheme.label()}</span> }.into_any()
}

/// Gas used as a bar and a percentage.
#[component]
pub fn Fullness(share: f64) -> impl IntoView {
    view! {
        <span class="fullness">
            <svg class="fullness-bar" viewBox="0 0 48 8" width="48" height="8" aria-hidden="true">
                <rect class="fullness-room" x="0" y="0" width="48" height="8" rx="2" />
                <rect class="fullness-used" x="0" y="0" width=format!("{:.1}", share * 48.0) height="8" rx="2" />
            </svg>
            <span class="fullness-share">{format::percent(share)}</span>
        </span>
    }
    .into_any()
}

/// Blocks as table rows, under the columns of [`block_columns`].
pub fn block_rows(blocks: Vec<BlockRow>) -> impl IntoView {
    blocks
        .into_iter()
        .map(|block| {
            let fullness = block.fullness();
            let href = format!("/block/{}", block.height);
            view! {
                <tr>
                    <td data-label="Height">
                        <a class="strong" href=at_base(href)>{format::count(block.height)}</a>
                    </td>
                    <td data-label="Id"><BlockLink id=block.id bare=true /></td>
                    <td data-label="Time"><Time at=block.time /></td>
                    <td data-label="Interval" class="numeric">
                        {block.interval.map(|seconds| view! { <Elapsed seconds=seconds as f64 /> })}
                    </td>
                    <td data-label="Transactions" class="numeric">{format::count(block.transactions)}</td>
                    <td data-label="Gas used" class="numeric"><Fullness share=fullness /></td>
                    <td data-label="Size" class="numeric">{format::bytes(block.bytes)}</td>
                    <td data-label="Producer"><AddressLink address=block.producer bare=true /></td>
                    <td data-label="Burned" class="numeric"><Amount value=block.burned /></td>
                </tr>
            }
        })
        .collect_view()
}

/// A table of transactions, or what `empty` says where there are none.
#[component]
pub fn TransactionTable(
    transactions: Vec<TransactionRow>,
    #[prop(into)] caption: String,
    /// Leave out the block, where all rows are of one.
    #[prop(optional)]
    one_block: bool,
) -> impl IntoView {
    let head = transaction_head(one_block, false);
    let rows = transactions
        .into_iter()
        .map(|row| transaction_row(row, one_block, None))
        .collect_view();
    view! {
        <Table caption=caption head=head>
            {rows}
        </Table>
    }
    .into_any()
}

/// The history of an account as a table, seen from its side: transactions, and rewards of blocks that it produced.
#[component]
pub fn HistoryTable(lines: Vec<HistoryLine>, of: String) -> impl IntoView {
    let rows = lines
        .into_iter()
        .map(|line| match line {
            HistoryLine::Transaction(row) => transaction_row(row, false, Some(&of)).into_any(),
            HistoryLine::Reward(row) => reward_row(row, &of).into_any(),
        })
        .collect_view();
    view! {
        <Table caption="History of the account" head=transaction_head(false, true)>
            {rows}
        </Table>
    }
    .into_any()
}

/// The columns of [`transaction_row`].
fn transaction_head(one_block: bool, with_direction: bool) -> AnyView {
    view! {
        <th scope="col">"Id"</th>
        <th scope="col">"Status"</th>
        {(!one_block).then(|| view! { <th scope="col">"Block"</th> })}
        <th scope="col">"Time"</th>
        {with_direction.then(|| view! { <th scope="col">"Direction"</th> })}
        <th scope="col">"From"</th>
        <th scope="col">"To"</th>
        <th scope="col" class="numeric">"Value"</th>
        <th scope="col" class="numeric">"Fee"</th>
    }
    .into_any()
}

/// A reward among transactions. Its amount is the node's word.
fn reward_row(row: RewardRow, of: &str) -> impl IntoView + use<> {
    let block = format!("/block/{}", row.block);
    let name = format!("Block reward, block {}", format::count(row.height));
    view! {
        <tr>
            <td data-label="Id"><a href=at_base(&block)>{name}</a></td>
            <td data-label="Status"><Mark state=MarkState::Told /></td>
            <td data-label="Block"><a href=at_base(&block)>{format::count(row.height)}</a></td>
            <td data-label="Time"><Time at=row.time /></td>
            <td data-label="Direction">
                <span class="direction">
                    <span aria-hidden="true">"↘"</span>
                    "in"
                </span>
            </td>
            <td data-label="From"><span class="faint">"new coins and fees"</span></td>
            <td data-label="To"><AddressLink address=of.to_owned() bare=true /></td>
            <td data-label="Value" class="numeric"><Amount value=row.value /></td>
            <td data-label="Fee" class="numeric"><span class="faint">"none"</span></td>
        </tr>
    }
    .into_any()
}

fn transaction_row(row: TransactionRow, one_block: bool, of: Option<&str>) -> impl IntoView + use<> {
    let direction = of.map(|address| {
        let (word, sign) = match (row.from == address, row.to.as_deref() == Some(address)) {
            (true, true) => ("to itself", "↻"),
            (true, false) => ("out", "↗"),
            _ => ("in", "↘"),
        };
        view! {
            <td data-label="Direction">
                <span class="direction">
                    <span aria-hidden="true">{sign}</span>
                    {word}
                </span>
            </td>
        }
    });
    let block = (!one_block).then(|| {
        let link = row.block.as_ref().map(|block| {
            view! { <a href=at_base(format!("/block/{}", block.height))>{format::count(block.height)}</a> }
        });
        view! { <td data-label="Block">{link.map_or_else(|| view! { <span class="faint">"waiting"</span> }.into_any(), IntoAny::into_any)}</td> }
    });
    let to = match (row.to, row.kind) {
        (Some(address), _) => view! { <AddressLink address=address bare=true /> }.into_any(),
        (None, TransactionKind::Creation) => view! { <span class="faint">"a new contract"</span> }.into_any(),
        (None, _) => view! { <span class="faint">"none"</span> }.into_any(),
    };
    view! {
        <tr>
            <td data-label="Id">
                <span class="cell-row"><TransactionLink id=row.id bare=true /> <SchemeBadge scheme=row.scheme /></span>
            </td>
            <td data-label="Status"><StatusBadge status=row.status /></td>
            {block}
            <td data-label="Time"><Time at=row.time /></td>
            {direction}
            <td data-label="From"><AddressLink address=row.from bare=true /></td>
            <td data-label="To">{to}</td>
            <td data-label="Value" class="numeric"><Amount value=row.value /></td>
            <td data-label="Fee" class="numeric"><Amount value=row.fee /></td>
        </tr>
    }
    .into_any()
}
