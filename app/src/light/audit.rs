//! The audit of this tab, in the panel of the seal.

mod run;
mod view;
mod words;
#[cfg(feature = "hydrate")]
mod worker;

use leptos::prelude::*;

use super::Light;
use crate::ui::{Button, branch};

/// The audit in the panel of the seal: an offer, or how it stands.
#[component]
pub fn Audit() -> impl IntoView {
    let light = Light::get();
    view! {
        <h3>"Audit"</h3>
        {move || match light.begun.get() {
            true => branch(move || view! { <view::AuditView light=light /> }),
            false => branch(move || view! {
                <p>"Executes every block since genesis in this tab, and checks every signature."</p>
                <div class="actions">
                    <Button on:click=move |_| run::begin(light)>"Audit"</Button>
                </div>
            }),
        }}
    }
    .into_any()
}
