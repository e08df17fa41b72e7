//! Tables of blocks and transactions.

use leptos::prelude::*;

use crate::{
    base::at_base,
    format,
    model::{BlockRow, HistoryLine, RewardRow, TransactionKind, TransactionRow},
    ui::{
        AddressLink, Amount, BlockLink, Elapsed, Mark, MarkState, SchemeBadge, StatusBadge, Table, Time,
        TransactionLink,
    },
};

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

/// Blocks as table rows.
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

/// A table of transactions, or `empty` where there are none.
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

/// A reward among transactions. Its amount is only what the node reports.
fn reward_row(row: RewardRow, of: &str) -> impl IntoView + use<> {
    let block = format!("/block/{}", row.block);
    let name = format!("Block reward, block {}", format::count(row.height));
    view! {
        <tr>
            <td data-label="Id"><a href=at_base(&block)>{name}</a></td>
            <td data-label="Status"><Mark state=MarkState::Claimed /></td>
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
