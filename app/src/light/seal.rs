//! The seal in the header of every page.

use leptos::prelude::*;

use super::{
    Audited, Light,
    panel::Panel,
    words::{Words, words},
};
use crate::{live::Live, ui::Dialog};

/// Shows in two lines how the light client stands, and opens the panel. Its place and width never change.
#[component]
pub fn Seal() -> impl IntoView {
    let (light, live) = (Light::get(), Live::get());
    let open = RwSignal::new(false);
    let words = Memo::new(move |_| match light.audited.get() {
        // Whatever its headers show: a block of this chain does what no block may.
        Audited::Fault(place) => Words {
            head: "Does not hold",
            short: place.clone(),
            line: place,
            class: "seal seal-failed",
        },
        _ => light.state.with(|state| words(state, live.now.get())),
    });
    view! {
        <button
            class=move || words.get().class
            type="button"
            id="seal"
            aria-haspopup="dialog"
            disabled=move || live.now.get().is_none()
            on:click=move |_| open.set(true)
        >
            <span class="seal-head">{move || words.get().head}</span>
            <span class="visually-hidden">": "</span>
            <span class="seal-line">{move || words.get().line}</span>
            <span class="seal-short" aria-hidden="true">{move || words.get().short}</span>
        </button>
        <Dialog open=open title="What this tab has verified">
            {move || open.get().then(|| view! { <Panel /> })}
        </Dialog>
    }
    .into_any()
}
