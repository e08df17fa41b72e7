use leptos::prelude::*;

use super::{
    query::{href, page_number, page_value, row_count},
    tables::TransactionTable,
};
use crate::{
    base::at_base,
    format,
    live::Live,
    model::{FeeBand, MempoolView},
    reads,
    ui::{Amount, Claimed, Empty, Loaded, PageHead, Stat, Table},
};

/// The page at `/mempool`.
#[component]
pub fn Mempool() -> impl IntoView {
    let live = Live::get();
    let (page, rows) = (page_number(), row_count());
    let pool = Resource::new(
        move || (page.get(), rows.get(), live.on_pool()),
        |(page, rows, _)| reads::mempool(page, rows),
    );
    view! {
        <PageHead title="Mempool" lead="Payments that wait in this node's pool for a block; those that pay the most come first." />
        <Loaded what="The mempool" resource=pool show=|pool| view! { <Content pool=pool /> }.into_any() />
    }
    .into_any()
}

#[component]
fn Content(pool: MempoolView) -> impl IntoView {
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let count_note = format!(
        "{} of {}",
        format::percent(share(pool.count, pool.max_count)),
        format::count(pool.max_count)
    );
    let bytes_note = format!(
        "{} of {}",
        format::percent(share(pool.bytes, pool.max_bytes)),
        format::bytes(pool.max_bytes)
    );
    let pager = pool
        .transactions
        .pager(|page| href("/mempool", &[("page", page_value(page))]));
    let waiting = pool.transactions.items;
    view! {
        <dl class="stats">
            <Stat name="Waiting" note=count_note>{format::count(pool.count)}</Stat>
            <Stat name="Size" note=bytes_note>{format::bytes(pool.bytes)}</Stat>
            <Stat name="Base fee" note="per gas, next block"><Amount value=pool.base_fee exact=true /></Stat>
        </dl>
        <Claimed />
        {(!pool.bands.is_empty()).then(|| view! { <Bands bands=pool.bands /> })}
        {if waiting.is_empty() {
            view! {
                <Empty title="Nothing waits">
                    <p>"Every payment this node knows of is in a block. " <a href=at_base("/wallet")>"Send one"</a> " and watch it pass through."</p>
                </Empty>
            }
                .into_any()
        } else {
            view! {
                <TransactionTable transactions=waiting caption="Waiting transactions" one_block=true />
                {pager}
            }
                .into_any()
        }}
    }
    .into_any()
}

/// How many offer how much, as bars in a table.
#[component]
fn Bands(bands: Vec<FeeBand>) -> impl IntoView {
    let most = bands.iter().map(|band| band.count).max().unwrap_or(1).max(1);
    let rows = bands
        .into_iter()
        .map(|band| {
            let width = format!("{:.1}", band.count as f64 / most as f64 * 200.0);
            view! {
                <tr>
                    <td data-label="Priority fee from"><Amount value=band.from exact=true /></td>
                    <td data-label="Transactions" class="numeric">{format::count(band.count)}</td>
                    <td data-label="Size" class="numeric">{format::bytes(band.bytes)}</td>
                    <td class="band-cell">
                        <svg class="band" viewBox="0 0 200 12" preserveAspectRatio="none" aria-hidden="true">
                            <rect class="band-bar" x="0" y="0" width=width height="12" rx="2" />
                        </svg>
                    </td>
                </tr>
            }
        })
        .collect_view();
    let head = view! {
        <th scope="col">"Priority fee from"</th>
        <th scope="col" class="numeric">"Transactions"</th>
        <th scope="col" class="numeric">"Size"</th>
        <th><span class="visually-hidden">"Share"</span></th>
    }
    .into_any();
    view! {
        <section aria-labelledby="bands">
            <h2 id="bands">"What they offer"</h2>
            <Table caption="Waiting transactions by priority fee" head=head>
                {rows}
            </Table>
        </section>
    }
    .into_any()
}
