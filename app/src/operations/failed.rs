//! What an operator's action came to, where it failed.

use leptos::prelude::*;

use crate::ui::{Notice, NoticeKind};

/// Why an action failed; nothing while none has.
#[component]
pub fn ActionFailed(title: &'static str, why: RwSignal<String>) -> impl IntoView {
    view! {
        <Show when=move || why.with(|why| !why.is_empty())>
            <Notice kind=NoticeKind::Error title=title>
                <p>{move || why.get()}</p>
            </Notice>
        </Show>
    }
    .into_any()
}
