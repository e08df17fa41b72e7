use leptos::prelude::*;

use crate::base::at_base;

/// One of [`Tabs`]: the word in the URL, the title, and where it leads.
#[derive(Clone, Debug)]
pub struct Tab {
    pub title: String,
    pub href: String,
    pub current: bool,
}

/// Tabs as links: the choice is in the URL, so Back works, and so does a page without scripts.
#[component]
pub fn Tabs(#[prop(into)] label: String, tabs: Vec<Tab>) -> impl IntoView {
    let tabs = tabs
        .into_iter()
        .map(|tab| view! { <a class="tab" href=at_base(tab.href) aria-current=tab.current.then_some("page")>{tab.title}</a> })
        .collect_view();
    view! {
        <nav class="tabs" aria-label=label>
            {tabs}
        </nav>
    }
    .into_any()
}
