use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{
    query::{FilterForm, href, page_number, page_value, row_count},
    tables::block_rows,
};
use crate::{
    base::at_base,
    live::Live,
    model::{BlockQuery, BlockRow, BlockSort, Listing},
    reads,
    ui::{Claimed, Empty, Loaded, PageHead, SortHeader, Table},
};

const PATH: &str = "/blocks";

/// The page at `/blocks`. All of the table's state is in the URL.
#[component]
pub fn Blocks() -> impl IntoView {
    let live = Live::get();
    let map = use_query_map();
    let (page, rows) = (page_number(), row_count());
    let query = Memo::new(move |_| {
        map.with(|map| BlockQuery {
            sort: map
                .get("sort")
                .map_or_else(BlockSort::default, |word| BlockSort::from_word(&word)),
            ascending: map.get("order").as_deref() == Some("asc"),
            filled: map.get("filled").as_deref() == Some("yes"),
            producer: map
                .get("producer")
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty()),
            page: page.get(),
            rows: rows.get(),
        })
    });
    let listing = Resource::new(
        move || (query.get(), live.on_chain()),
        |(query, _)| reads::blocks(query),
    );
    view! {
        <PageHead title="Blocks" lead="Every block of this chain, newest first." />
        {move || view! { <Filters query=query.get() /> }}
        <Loaded
            what="The blocks"
            resource=listing
            show=move |listing| view! { <Content listing=listing query=query.get() /> }.into_any()
        />
    }
    .into_any()
}

/// The URL of this table with a change.
fn link(query: &BlockQuery, page: u32) -> String {
    let sort = (query.sort != BlockSort::default()).then(|| query.sort.word().to_owned());
    href(
        PATH,
        &[
            ("sort", sort),
            ("order", query.ascending.then(|| "asc".to_owned())),
            ("filled", query.filled.then(|| "yes".to_owned())),
            ("producer", query.producer.clone()),
            ("page", page_value(page)),
        ],
    )
}

#[component]
fn Filters(query: BlockQuery) -> impl IntoView {
    let sorts = BlockSort::ALL
        .into_iter()
        .map(|(sort, word, title)| view! { <option value=word selected=sort == query.sort>{title}</option> })
        .collect_view();
    view! {
        <FilterForm action=PATH>
                <div class="field">
                    <label for="sort">"Sort by"</label>
                    <select id="sort" name="sort">{sorts}</select>
                </div>
                <div class="field">
                    <label for="order">"Order"</label>
                    <select id="order" name="order">
                        <option value="desc" selected=!query.ascending>"Largest first"</option>
                        <option value="asc" selected=query.ascending>"Smallest first"</option>
                    </select>
                </div>
                <div class="field field-wide">
                    <label for="producer">"Producer"</label>
                    <input id="producer" name="producer" type="text" placeholder="0x…" maxlength="42" autocomplete="off" spellcheck="false" value=query.producer />
                </div>
                <label class="check">
                    <input type="checkbox" name="filled" value="yes" checked=query.filled />
                    "With transactions only"
                </label>
                <button class="button" type="submit">"Apply"</button>
        </FilterForm>
    }
    .into_any()
}

#[component]
fn Content(listing: Listing<BlockRow>, query: BlockQuery) -> impl IntoView {
    let column = |sort: BlockSort, numeric: bool| {
        let sorted = (query.sort == sort).then_some(query.ascending);
        let mut next = query.clone();
        next.ascending = sorted.is_some_and(|ascending| !ascending);
        next.sort = sort;
        let title = BlockSort::ALL[sort as usize].2;
        view! { <SortHeader title=title href=link(&next, 1) sorted=sorted numeric=numeric /> }
    };
    let head = view! {
        {column(BlockSort::Height, false)}
        <th scope="col">"Id"</th>
        <th scope="col">"Time"</th>
        {column(BlockSort::Interval, true)}
        {column(BlockSort::Transactions, true)}
        {column(BlockSort::Gas, true)}
        {column(BlockSort::Bytes, true)}
        <th scope="col">"Producer"</th>
        {column(BlockSort::Burned, true)}
    }
    .into_any();
    let pager = listing.pager({
        let query = query.clone();
        move |page| link(&query, page)
    });
    if listing.items.is_empty() {
        return view! {
            <Empty title="No block fits">
                <p>"Nothing on this page fits these filters. " <a href=at_base(PATH)>"Show all blocks"</a> "."</p>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Table caption="Blocks" head=head>
            {block_rows(listing.items)}
        </Table>
        {pager}
        <Claimed />
    }
    .into_any()
}
