use leptos::prelude::*;

use crate::base::at_base;

/// A table whose rows become cards on a phone. Cells carry their column's name as `data-label`.
#[component]
pub fn Table(
    /// What the table holds; read aloud, not shown.
    #[prop(into)]
    caption: String,
    /// The `<th>` cells.
    head: AnyView,
    /// The `<tr>` rows.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table class="table">
                <caption class="visually-hidden">{caption}</caption>
                <thead>
                    <tr>{head}</tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// A column title that sorts by a link, so that it works without scripts and shows in the URL.
#[component]
pub fn SortHeader(
    #[prop(into)] title: String,
    #[prop(into)] href: String,
    /// `None` where the table is not sorted by this column, else whether ascending.
    sorted: Option<bool>,
    #[prop(optional)] numeric: bool,
) -> impl IntoView {
    let (order, arrow) = match sorted {
        Some(true) => (Some("ascending"), "↑"),
        Some(false) => (Some("descending"), "↓"),
        None => (None, ""),
    };
    view! {
        <th scope="col" aria-sort=order class:numeric=numeric>
            <a class="sort" href=at_base(href)>
                {title}
                <span class="sort-arrow" aria-hidden="true">{arrow}</span>
            </a>
        </th>
    }
    .into_any()
}
