//! The seal in the header of every page.

use leptos::{
    prelude::*,
    task::spawn_local,
    wasm_split::{SplitLoaderError, wasm_split},
};

use super::{
    Audited, Light,
    panel::Panel,
    words::{Words, words},
};
use crate::{
    live::Live,
    ui::{Dialog, branch},
};

/// Shows in two lines how the light client stands, and opens the panel. Its place and width never change.
#[component]
pub fn LightSeal() -> impl IntoView {
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
            {move || open.get().then(|| view! { <LoadedPanel /> })}
        </Dialog>
    }
    .into_any()
}

/// Makes the panel, within the owner of the dialog that shows it.
type View = Box<dyn FnOnce() -> AnyView>;

/// The panel is a part of the code of its own (`parts`): few readers open it, and no page waits for it.
#[wasm_split(panel, wasm_split_path = leptos::wasm_split, fallible)]
fn load_panel() -> Result<View, SplitLoaderError> {
    Ok(Box::new(|| Panel().into_any()))
}

/// The panel, once its part is there.
#[component]
fn LoadedPanel() -> impl IntoView {
    let part = StoredValue::new_local(None::<View>);
    let here = RwSignal::new(None::<bool>);
    spawn_local(async move {
        let loaded = load_panel().await;
        let _ = part.try_update_value(|part| *part = loaded.ok());
        let _ = here.try_set(Some(part.try_with_value(Option::is_some).unwrap_or_default()));
    });
    move || match here.get() {
        None => branch(|| ()),
        Some(_) => branch(move || {
            part.try_update_value(Option::take)
                .flatten()
                .map_or_else(missing, |view| view())
        }),
    }
}

fn missing() -> AnyView {
    view! { <p role="alert">"The node did not send the code of this panel."</p> }.into_any()
}
