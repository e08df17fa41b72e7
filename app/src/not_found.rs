use leptos::prelude::*;

use crate::ui::{ButtonKind, ButtonLink, PageHead};

/// Sets the status 404 before the first byte.
fn answer_not_found() {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(axum::http::StatusCode::NOT_FOUND);
    }
}

/// An address that leads nowhere.
#[component]
pub fn NotFound() -> impl IntoView {
    answer_not_found();
    view! {
        <PageHead title="There is no such page" lead="The address leads nowhere on this node." />
        <WaysOn />
    }
    .into_any()
}

/// A block, transaction or account that this node does not know.
#[component]
pub fn Missing(
    /// What was looked for, to begin a sentence with: `Block`.
    what: &'static str,
    /// The key as it stands in the address.
    #[prop(into)]
    key: String,
    /// What may be the reason.
    #[prop(into)]
    why: String,
) -> impl IntoView {
    answer_not_found();
    view! {
        <PageHead title=format!("{what} not found") lead=why />
        <p class="missing-key">{key}</p>
        <WaysOn />
    }
    .into_any()
}

#[component]
fn WaysOn() -> impl IntoView {
    view! {
        <p class="actions">
            <ButtonLink href="/" kind=ButtonKind::Primary>"Dashboard"</ButtonLink>
            <ButtonLink href="/blocks">"Latest blocks"</ButtonLink>
            <ButtonLink href="/transactions">"Latest transactions"</ButtonLink>
        </p>
    }
    .into_any()
}
