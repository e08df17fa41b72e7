use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{
    query::{FilterForm, href, page_number, page_value, row_count},
    tables::TransactionTable,
};
use crate::{
    base::at_base,
    live::Live,
    model::{Listing, Scheme, StatusFilter, TransactionQuery, TransactionRow},
    reads,
    ui::{Claimed, Empty, Loaded, PageHead},
};

const PATH: &str = "/transactions";

const STATUSES: [(StatusFilter, &str, &str); 4] = [
    (StatusFilter::Any, "any", "Any status"),
    (StatusFilter::Pending, "pending", "Pending"),
    (StatusFilter::Succeeded, "confirmed", "Confirmed"),
    (StatusFilter::Failed, "failed", "Failed"),
];

const SCHEMES: [(Option<Scheme>, &str, &str); 5] = [
    (None, "any", "Any signature"),
    (Some(Scheme::Rsa), "rsa", "RSA"),
    (Some(Scheme::Ecc), "ecc", "ECC"),
    (Some(Scheme::Ethereum), "evm", "Ethereum"),
    (Some(Scheme::Multisig), "multisig", "Shared accounts"),
];

/// The page at `/transactions`. All of the table's state is in the URL.
#[component]
pub fn Transactions() -> impl IntoView {
    let live = Live::get();
    let map = use_query_map();
    let (page, rows) = (page_number(), row_count());
    let query = Memo::new(move |_| {
        let word = |name: &str| map.with(|map| map.get(name)).unwrap_or_default();
        let (status, scheme) = (word("status"), word("kind"));
        TransactionQuery {
            status: STATUSES
                .iter()
                .find(|entry| entry.1 == status)
                .map_or_else(StatusFilter::default, |entry| entry.0),
            scheme: SCHEMES.iter().find(|entry| entry.1 == scheme).and_then(|entry| entry.0),
            page: page.get(),
            rows: rows.get(),
        }
    });
    let listing = Resource::new(
        move || (query.get(), live.on_pool()),
        |(query, _)| reads::transactions(query),
    );
    view! {
        <PageHead title="Transactions" lead="The latest payments and contract calls, in blocks and waiting." />
        {move || view! { <Filters query=query.get() /> }}
        <Loaded
            what="The transactions"
            resource=listing
            show=move |listing| view! { <Content listing=listing query=query.get() /> }.into_any()
        />
    }
    .into_any()
}

fn link(query: &TransactionQuery, page: u32) -> String {
    let status = STATUSES
        .iter()
        .find(|entry| entry.0 == query.status && entry.0 != StatusFilter::Any);
    let scheme = SCHEMES
        .iter()
        .find(|entry| entry.0 == query.scheme && entry.0.is_some());
    href(
        PATH,
        &[
            ("status", status.map(|entry| entry.1.to_owned())),
            ("kind", scheme.map(|entry| entry.1.to_owned())),
            ("page", page_value(page)),
        ],
    )
}

#[component]
fn Filters(query: TransactionQuery) -> impl IntoView {
    let statuses = STATUSES
        .into_iter()
        .map(|(status, word, title)| view! { <option value=word selected=status == query.status>{title}</option> })
        .collect_view();
    let schemes = SCHEMES
        .into_iter()
        .map(|(scheme, word, title)| view! { <option value=word selected=scheme == query.scheme>{title}</option> })
        .collect_view();
    view! {
        <FilterForm action=PATH>
                <div class="field">
                    <label for="status">"Status"</label>
                    <select id="status" name="status">{statuses}</select>
                </div>
                <div class="field">
                    <label for="kind">"Signed with"</label>
                    <select id="kind" name="kind">{schemes}</select>
                </div>
                <button class="button" type="submit">"Apply"</button>
        </FilterForm>
    }
    .into_any()
}

#[component]
fn Content(listing: Listing<TransactionRow>, query: TransactionQuery) -> impl IntoView {
    let pager = listing.pager(move |page| link(&query, page));
    if listing.items.is_empty() {
        return view! {
            <Empty title="No transaction fits">
                <p>"Nothing here fits these filters. " <a href=at_base(PATH)>"Show all transactions"</a> " or " <a href=at_base("/wallet")>"send one"</a> "."</p>
            </Empty>
        }
        .into_any();
    }
    view! {
        <TransactionTable transactions=listing.items caption="Transactions" />
        {pager}
        <Claimed />
    }
    .into_any()
}
