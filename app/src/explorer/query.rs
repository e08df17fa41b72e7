//! The part of an address after the question mark: filters, page numbers, rows.

use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use crate::{base::at_base, browser, format, model::MAX_ROWS, prefs::Prefs};

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

/// The page number in the URL, from 1.
pub fn page_number() -> Memo<u32> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1)))
}

/// Rows of a table: the number in the URL, else what the reader prefers.
pub fn row_count() -> Memo<u32> {
    let query = use_query_map();
    let prefs = Prefs::get();
    Memo::new(move |_| {
        let rows = query.with(|query| query.get("rows").and_then(|rows| rows.parse::<u32>().ok()));
        rows.unwrap_or_else(|| prefs.read(|prefs| prefs.rows))
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
