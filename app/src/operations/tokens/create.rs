//! The form that creates a token.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use tally_api::tokens::{CreateTokenBody, MAX_NAME, NewTokenBody};

use super::state::{AdminState, TOKENS_PATH};
use crate::{
    browser,
    operations::failed::ActionFailed,
    ui::{Button, ButtonKind, Field, Select},
};

const NAME: &str = "token-name";
/// What a token may do: the word, and what it stands for.
const SCOPES: [(&str, &str); 8] = [
    ("mining", "switch the miner"),
    ("peers", "add, remove and ban peers"),
    ("load", "load that the node makes"),
    ("lab", "experiments"),
    ("audit", "audits of the store"),
    ("metrics", "figures for monitors"),
    ("tokens", "tokens and this log"),
    ("read", "reading"),
];
/// How long a token may live: the word of the choice, seconds, and the text.
const LIVES: [(&str, Option<u64>, &str); 5] = [
    ("day", Some(86_400), "1 day"),
    ("month", Some(2_592_000), "30 days"),
    ("quarter", Some(7_776_000), "90 days"),
    ("year", Some(31_536_000), "1 year"),
    ("never", None, "Until it is revoked"),
];
const USUAL_LIFE: &str = "month";

/// What was typed.
#[derive(Clone, Copy)]
struct Form {
    name: RwSignal<String>,
    scopes: RwSignal<Vec<&'static str>>,
    life: RwSignal<String>,
    range: RwSignal<String>,
    rate: RwSignal<String>,
}

impl Form {
    fn new() -> Self {
        Self {
            name: RwSignal::new(String::new()),
            scopes: RwSignal::new(Vec::new()),
            life: RwSignal::new(USUAL_LIFE.to_owned()),
            range: RwSignal::new(String::new()),
            rate: RwSignal::new(String::new()),
        }
    }

    fn lacks_something(self) -> bool {
        self.name.with(|name| name.trim().is_empty()) || self.scopes.with(Vec::is_empty)
    }

    /// As a request; an error is a sentence.
    fn body(self) -> Result<CreateTokenBody, String> {
        let life = self.life.get_untracked();
        let rate = self.rate.get_untracked();
        let rate = match rate.trim() {
            "" => None,
            text => Some(
                text.parse()
                    .map_err(|_| "The limit is no number of requests a second".to_owned())?,
            ),
        };
        Ok(CreateTokenBody {
            name: self.name.get_untracked().trim().to_owned(),
            scopes: self.scopes.get_untracked().into_iter().map(str::to_owned).collect(),
            lifetime_secs: LIVES
                .into_iter()
                .find(|(word, ..)| *word == life)
                .and_then(|(_, secs, _)| secs),
            requests_per_second: rate,
            range: Some(self.range.get_untracked().trim().to_owned()).filter(|range| !range.is_empty()),
        })
    }

    fn clear(self) {
        let _ = self.name.try_set(String::new());
        let _ = self.scopes.try_set(Vec::new());
        let _ = self.range.try_set(String::new());
        let _ = self.rate.try_set(String::new());
    }
}

#[component]
pub fn CreateToken(state: AdminState) -> impl IntoView {
    let form = Form::new();
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(String::new());
    let lacks = Signal::derive(move || form.lacks_something());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let body = match form.body() {
            Ok(body) => body,
            Err(why) => return failure.set(why),
        };
        busy.set(true);
        spawn_local(async move {
            let made = state.operator.ask::<_, NewTokenBody>(TOKENS_PATH, Some(&body)).await;
            let _ = busy.try_set(false);
            match made {
                Ok(new) => {
                    let _ = failure.try_set(String::new());
                    form.clear();
                    state.show(new);
                }
                Err(why) => {
                    let _ = failure.try_set(why);
                    browser::focus(NAME);
                }
            }
        });
    };
    let lives = LIVES.map(|(word, _, text)| (word.to_owned(), text.to_owned())).to_vec();
    view! {
        <form class="card" aria-labelledby="create-token" on:submit=submit>
            <h2 id="create-token">"Create a token"</h2>
            <div class="form-grid">
                <Field
                    label="Name"
                    name=NAME
                    placeholder="rig 7"
                    hint=format!("Whom or what it is for, up to {MAX_NAME} characters.")
                    value=form.name
                    on_input=Callback::new(move |text| form.name.set(text))
                />
                <Select
                    label="Valid for"
                    name="token-life"
                    options=lives
                    value=form.life
                    on_change=Callback::new(move |word| form.life.set(word))
                />
                <Field
                    label="Only from (optional)"
                    name="token-range"
                    placeholder="192.168.1.0/24"
                    hint="An address, or a range of them."
                    value=form.range
                    on_input=Callback::new(move |text| form.range.set(text))
                />
                <Field
                    label="Requests a second (optional)"
                    name="token-rate"
                    placeholder="10"
                    value=form.rate
                    on_input=Callback::new(move |text| form.rate.set(text))
                />
            </div>
            <fieldset class="choices">
                <legend>"It may"</legend>
                {SCOPES.map(|(word, text)| view! { <ScopeChoice word=word text=text scopes=form.scopes /> })}
            </fieldset>
            <ActionFailed title="The token was not created" why=failure />
            <div class="actions">
                <Button kind=ButtonKind::Primary submit=true disabled=lacks busy=busy>"Create the token"</Button>
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn ScopeChoice(word: &'static str, text: &'static str, scopes: RwSignal<Vec<&'static str>>) -> impl IntoView {
    let chosen = move || scopes.with(|scopes| scopes.contains(&word));
    let change = move |event| {
        let on = event_target_checked(&event);
        scopes.update(|scopes| {
            scopes.retain(|scope| *scope != word);
            if on {
                scopes.push(word);
            }
        });
    };
    view! {
        <label class="check">
            <input type="checkbox" name="token-scope" value=word prop:checked=chosen on:change=change />
            <span><code>{word}</code> ": " {text}</span>
        </label>
    }
    .into_any()
}
