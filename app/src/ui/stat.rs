use leptos::prelude::*;

/// One figure with its name and, under it, what it means or is compared with.
#[component]
pub fn Stat(#[prop(into)] name: String, #[prop(optional, into)] note: String, children: Children) -> impl IntoView {
    view! {
        <div class="stat">
            <dt>{name}</dt>
            <dd>
                <span class="stat-value">{children()}</span>
                <span class="stat-note">{note}</span>
            </dd>
        </div>
    }
    .into_any()
}

/// A list of names and values, as on detail pages.
#[component]
pub fn Facts(children: Children) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }.into_any()
}

/// One line of [`Facts`].
#[component]
pub fn Fact(#[prop(into)] name: String, children: Children) -> impl IntoView {
    view! {
        <div class="fact">
            <dt>{name}</dt>
            <dd>{children()}</dd>
        </div>
    }
    .into_any()
}
