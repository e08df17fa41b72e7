//! The audit of this tab, in the panel of the seal.

mod run;
mod view;
mod words;
#[cfg(feature = "hydrate")]
mod worker;

use leptos::prelude::*;

use super::auditing::Auditing;
use crate::ui::{Button, branch};

/// The audit in the panel of the seal: an offer, or how it stands.
#[component]
pub fn Audit(auditing: Auditing) -> impl IntoView {
    view! {
        <h3>"Audit"</h3>
        {move || match auditing.begun.get() {
            true => branch(move || view! { <view::AuditView auditing=auditing /> }),
            false => branch(move || view! {
                <p>"Executes every block since genesis in this tab, and checks every signature."</p>
                <div class="actions">
                    <Button on:click=move |_| run::begin(auditing)>"Audit"</Button>
                </div>
            }),
        }}
    }
    .into_any()
}
