use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use crate::{
    base::at_base,
    model::SearchAnswer,
    reads,
    ui::{ButtonLink, Empty, Loaded, PageHead},
};

/// The page at `/search?q=`: leads on where the text is a height, an id or an address, and helps
/// where it is none.
#[component]
pub fn Search() -> impl IntoView {
    let map = use_query_map();
    let text = Memo::new(move |_| map.with(|map| map.get("q").unwrap_or_default().trim().to_owned()));
    let answer = Resource::new(move || text.get(), reads::search);
    view! {
        <PageHead title="Search" />
        <Loaded what="The search" resource=answer show=|answer| view! { <Answer answer=answer /> }.into_any() lines=3 />
    }
    .into_any()
}

#[component]
fn Answer(answer: SearchAnswer) -> impl IntoView {
    if let Some(destination) = answer.destination {
        let path = destination.path();
        #[cfg(feature = "ssr")]
        leptos_axum::redirect(&at_base(&path));
        let navigate = use_navigate();
        let (target, link) = (path.clone(), path.clone());
        Effect::new(move |_| {
            navigate(
                &target,
                NavigateOptions {
                    replace: true,
                    ..Default::default()
                },
            )
        });
        return view! { <p>"Found: " <a href=at_base(link)>{path}</a></p> }.into_any();
    }
    if answer.query.is_empty() {
        return view! {
            <Empty title="What do you look for?">
                <Hints />
            </Empty>
        }
        .into_any();
    }
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(axum::http::StatusCode::NOT_FOUND);
    }
    view! {
        <Empty title="Nothing found">
            <p class="missing-key">{answer.query}</p>
            <p>{answer.reason.unwrap_or_default()}</p>
            <Hints />
        </Empty>
    }
    .into_any()
}

#[component]
fn Hints() -> impl IntoView {
    view! {
        <ul class="hints">
            <li>"a block by its height, such as " <a href=at_base("/block/0")>"0"</a> ", or by its id of 64 hex digits"</li>
            <li>"a transaction by its id: 0x and 64 hex digits"</li>
            <li>"an account by its address: 0x and 40 hex digits"</li>
        </ul>
        <p class="actions">
            <ButtonLink href="/blocks">"Latest blocks"</ButtonLink>
            <ButtonLink href="/transactions">"Latest transactions"</ButtonLink>
        </p>
    }
    .into_any()
}
