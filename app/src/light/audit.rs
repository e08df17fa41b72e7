//! The audit of this tab, in a part of the code of its own (`parts`): few readers begin one, and none waits for it.

mod run;
mod view;
mod words;
#[cfg(feature = "hydrate")]
mod worker;

use leptos::{
    prelude::*,
    task::spawn_local,
    wasm_split::{SplitLoaderError, wasm_split},
};

use super::Light;
use crate::ui::Button;

/// What an audit has shown, as the seal and the marks see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Audited {
    /// Nothing so far.
    #[default]
    Nothing,
    /// Everything up to the block with this id.
    Executed(String),
    /// A block breaks a rule; which, and where.
    Fault(String),
}

/// Makes the view of an audit, within the owner of the panel that shows it.
type View = Box<dyn FnOnce() -> AnyView>;

/// Loads the part, and begins an audit where a reader requested one.
#[wasm_split(audit, wasm_split_path = leptos::wasm_split, fallible)]
fn open(light: Light, begin: bool) -> Result<View, SplitLoaderError> {
    if begin {
        run::begin(light);
    }
    Ok(Box::new(move || {
        view::AuditView(view::AuditViewProps { light }).into_any()
    }))
}

/// The audit in the panel of the seal: an offer, or how it stands.
#[component]
pub fn Audit() -> impl IntoView {
    let light = Light::get();
    let part = StoredValue::new_local(None::<View>);
    let (ready, busy, lost) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let load = move |begin: bool| {
        busy.set(true);
        spawn_local(async move {
            let opened = open(light, begin).await;
            let _ = busy.try_set(false);
            let _ = lost.try_set(opened.is_err());
            if let Ok(view) = opened
                && part.try_set_value(Some(view)).is_none()
            {
                let _ = ready.try_set(true);
            }
        });
    };
    if light.begun.get_untracked() {
        load(false);
    }
    view! {
        <h3>"Audit"</h3>
        {move || match ready.get().then(|| part.try_update_value(Option::take).flatten()).flatten() {
            Some(view) => view(),
            None => view! {
                <p>"Executes every block since genesis in this tab, and checks every signature."</p>
                <div class="actions">
                    <Button busy=busy on:click=move |_| load(true)>"Audit"</Button>
                </div>
                <p role="status">{move || lost.get().then_some("The node did not send the code of the audit.")}</p>
            }
            .into_any(),
        }}
    }
    .into_any()
}
