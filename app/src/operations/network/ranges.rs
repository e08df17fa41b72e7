//! The form with which the operator bans an address range.

use leptos::{ev::SubmitEvent, prelude::*};
use tally_api::peers::RangeBanRequest;

use super::bans::BANS_PATH;
use super::operate::{Act, TERMS, USUAL_TERM};
use crate::{
    browser,
    ui::{Button, ButtonKind, Field, Select},
};

const RANGE: &str = "ban-range";

/// Bans a range.
#[component]
pub fn BanRange() -> impl IntoView {
    let act = Act::new(RwSignal::new(String::new()));
    let range = RwSignal::new(String::new());
    let term = RwSignal::new(USUAL_TERM);
    let empty = Signal::derive(move || range.with(|range| range.trim().is_empty()));
    let chosen = Signal::derive(move || term.get().0.to_string());
    let choose = move |word: String| {
        if let Some(found) = TERMS.into_iter().find(|(secs, _)| secs.to_string() == word) {
            term.set(found);
        }
    };
    let ban = move |event: SubmitEvent| {
        event.prevent_default();
        let (secs, words) = term.get_untracked();
        let body = RangeBanRequest {
            range: range.get_untracked().trim().to_owned(),
            secs: Some(secs),
            reason: None,
        };
        let done = format!("{} is banned for {words}", body.range);
        let then = move |banned: bool| {
            if !banned {
                return browser::focus(RANGE);
            }
            let _ = range.try_set(String::new());
        };
        act.go(async move { act.operator.put(BANS_PATH, &body).await }, done, then);
    };
    let terms = TERMS.map(|(secs, words)| (secs.to_string(), words.to_owned())).to_vec();
    view! {
        <form class="card" aria-labelledby="ban-a-range" on:submit=ban>
            <h2 id="ban-a-range">"Ban addresses"</h2>
            <Field
                label="Address or range"
                name=RANGE
                placeholder="198.51.100.0/24"
                hint="Connections with peers in this range end, and none is made until the ban ends or is lifted. Peers that you configured stay."
                value=range
                error=act.failure
                on_input=Callback::new(move |text| range.set(text))
            />
            <Select label="For how long" name="range-term" options=terms value=chosen on_change=Callback::new(choose) />
            <div class="actions">
                <Button kind=ButtonKind::Danger submit=true disabled=empty busy=act.busy>"Ban them"</Button>
            </div>
        </form>
    }
    .into_any()
}
