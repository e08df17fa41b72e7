use leptos::{prelude::*, task::spawn_local};

use super::Toasts;
use crate::{base::at_base, browser, format};

/// Copies a text on click, and shows that it did.
#[component]
pub fn CopyButton(
    #[prop(into)] text: String,
    #[prop(default = "Copy")] label: &'static str,
    /// Shown in words, not as a picture: where several stand together.
    #[prop(optional)]
    words: bool,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let toasts = Toasts::get();
    let on_click = move |_| {
        let text = text.clone();
        spawn_local(async move {
            if browser::copy(&text).await {
                copied.set(true);
                toasts.show("Copied");
                browser::sleep(1_500).await;
                let _ = copied.try_set(false);
            } else {
                toasts.show("This browser does not allow the page to copy; select the text instead");
            }
        });
    };
    if words {
        return view! { <button class="button" type="button" on:click=on_click>{label}</button> }.into_any();
    }
    view! {
        <button class="copy" class:copied=copied type="button" aria-label=label title=label on:click=on_click>
            <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
                <path class="copy-sheets" d="M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z" />
                <path class="copy-tick" d="M3 8.5l3.5 3.5L13 4.5" />
            </svg>
        </button>
    }
    .into_any()
}

/// An id or address in monospace: shortened in the middle unless `full`, linked where `href` is
/// given, with a button that copies all of it.
#[component]
pub fn Id(
    #[prop(into)] value: String,
    #[prop(optional, into)] href: Option<String>,
    /// Show every character, wrapping where needed.
    #[prop(optional)]
    full: bool,
    /// Leave the copy button out, for dense tables.
    #[prop(optional)]
    bare: bool,
    /// Characters kept at the start.
    #[prop(default = 8)]
    head: usize,
    /// Characters kept at the end.
    #[prop(default = 6)]
    tail: usize,
) -> impl IntoView {
    let shown = if full {
        value.clone()
    } else {
        format::shortened(&value, head, tail)
    };
    let text = match href {
        Some(href) => view! { <a class="id-text" href=at_base(href) title=value.clone()>{shown}</a> }.into_any(),
        None => view! { <span class="id-text" title=value.clone()>{shown}</span> }.into_any(),
    };
    view! {
        <span class="id" class:id-full=full translate="no">
            {text} {(!bare).then(|| view! { <CopyButton text=value /> })}
        </span>
    }
    .into_any()
}

/// A block id that leads to its page. Ids begin with zeros, so the end distinguishes more than the start.
#[component]
pub fn BlockLink(
    #[prop(into)] id: String,
    #[prop(optional)] full: bool,
    #[prop(optional)] bare: bool,
) -> impl IntoView {
    let href = format!("/block/{id}");
    view! { <Id value=id href=href full=full bare=bare head=6 tail=10 /> }.into_any()
}

/// A transaction id that leads to its page.
#[component]
pub fn TransactionLink(
    #[prop(into)] id: String,
    #[prop(optional)] full: bool,
    #[prop(optional)] bare: bool,
) -> impl IntoView {
    let href = format!("/tx/{id}");
    view! { <Id value=id href=href full=full bare=bare head=10 tail=6 /> }.into_any()
}

/// An address that leads to its account.
#[component]
pub fn AddressLink(
    #[prop(into)] address: String,
    #[prop(optional)] full: bool,
    #[prop(optional)] bare: bool,
) -> impl IntoView {
    let href = format!("/account/{address}");
    view! { <Id value=address href=href full=full bare=bare head=8 tail=6 /> }.into_any()
}
