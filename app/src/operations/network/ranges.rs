//! Banned address ranges: which there are, and what the operator does with them.

use leptos::{ev::SubmitEvent, prelude::*};
use tally_api::peers::RangeBanRequest;

use super::operate::{Act, Refused, TERMS, USUAL_TERM};
use crate::{
    browser,
    model::NetworkView,
    ui::{Button, ButtonKind, Field, Select, Table},
};

const BANS_PATH: &str = "/api/v1/bans";
const RANGE: &str = "ban-range";

/// The banned ranges.
#[component]
pub fn RangeBans(network: Signal<NetworkView>) -> impl IntoView {
    let not_lifted = RwSignal::new(String::new());
    let bans = move || network.with(|network| network.range_bans.clone());
    let head = view! {
        <th scope="col">"Addresses"</th>
        <th scope="col">"Reason"</th>
    }
    .into_any();
    view! {
        <section aria-labelledby="banned-ranges">
            <h2 id="banned-ranges">"Banned addresses"</h2>
            <Refused title="The ban was not lifted" why=not_lifted />
            <Table caption="Banned addresses" head=head>
                <For each=bans key=|ban| (ban.range.clone(), ban.reason.clone()) let:ban>
                    <tr>
                        <td data-label="Addresses">
                            <code class="wrap">{ban.range.clone()}</code>
                            <LiftRangeBan range=ban.range failure=not_lifted />
                        </td>
                        <td data-label="Reason">{ban.reason}</td>
                    </tr>
                </For>
            </Table>
        </section>
    }
    .into_any()
}

/// Ends the ban of a range; `failure` is for why it did not.
#[component]
fn LiftRangeBan(range: String, failure: RwSignal<String>) -> impl IntoView {
    let act = Act::new(failure);
    let range = StoredValue::new(range);
    let lift = move |_| {
        // A range has digits, letters a to f, dots, colons and one slash.
        let path = format!("{BANS_PATH}?range={}", range.get_value().replace('/', "%2F"));
        let done = format!("{} is not banned any more", range.get_value());
        act.go(async move { act.operator.delete(&path).await }, done, |_| ());
    };
    view! {
        <Show when=move || act.operator.is_present()>
            <div class="actions">
                <Button busy=act.busy attr:aria-label=format!("Lift the ban of {}", range.get_value()) on:click=lift>
                    "Lift the ban"
                </Button>
            </div>
        </Show>
    }
    .into_any()
}

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
                hint="Connections with peers there end, and none is made until the ban is over, or lifted. Peers that you named yourself stay."
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
