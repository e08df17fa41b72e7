//! The tokens there are, another text for one, and its end.

use leptos::{prelude::*, task::spawn_local};
use tally_api::tokens::{NewTokenBody, TokenBody};

use super::state::{AdminState, Reading, TOKENS_PATH};
use crate::operations::failed::ActionFailed;
use crate::ui::{Button, ButtonKind, Dialog, Empty, ReadError, Skeleton, Table, Time, branch};

/// What is about to be done with a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Rotate,
    Revoke,
}

/// The question before a token changes. It stands beside the table, whose rows come and go.
#[derive(Clone, Copy)]
struct Question {
    open: RwSignal<bool>,
    change: RwSignal<Change>,
    id: RwSignal<String>,
    name: RwSignal<String>,
    failure: RwSignal<String>,
    busy: RwSignal<bool>,
}

impl Question {
    fn new() -> Self {
        Self {
            open: RwSignal::new(false),
            change: RwSignal::new(Change::Revoke),
            id: RwSignal::new(String::new()),
            name: RwSignal::new(String::new()),
            failure: RwSignal::new(String::new()),
            busy: RwSignal::new(false),
        }
    }

    fn ask(self, change: Change, id: String, name: String) {
        self.change.set(change);
        self.id.set(id);
        self.name.set(name);
        self.failure.set(String::new());
        self.open.set(true);
    }
}

#[component]
pub fn TokenList(state: AdminState) -> impl IntoView {
    let question = Question::new();
    let retry = Callback::new(move |()| state.read());
    let shown = move || match state.tokens.get() {
        Reading::Waiting => branch(|| view! { <Skeleton lines=3 /> }),
        Reading::Failed(why) => branch(move || view! { <ReadError what="The list of tokens" why=why retry=retry /> }),
        Reading::Read(tokens) if tokens.items.is_empty() => branch(|| {
            view! {
                <Empty title="No tokens yet">
                    <p>"The operator's own token is in the data directory and is not listed."</p>
                </Empty>
            }
        }),
        Reading::Read(tokens) => branch(move || view! { <Rows tokens=tokens.items question=question /> }),
    };
    view! {
        <section aria-labelledby="token-list">
            <h2 id="token-list">"Tokens"</h2>
            {shown}
        </section>
        <AskFirst state=state question=question />
    }
    .into_any()
}

#[component]
fn Rows(tokens: Vec<TokenBody>, question: Question) -> impl IntoView {
    let head = view! {
        <th scope="col">"Token"</th>
        <th scope="col">"May"</th>
        <th scope="col">"Ends"</th>
        <th scope="col">"Limits"</th>
        <th scope="col">"Last used"</th>
    }
    .into_any();
    let rows = tokens
        .into_iter()
        .map(|token| view! { <Row token=token question=question /> })
        .collect_view();
    view! { <Table caption="Tokens" head=head>{rows}</Table> }.into_any()
}

#[component]
fn Row(token: TokenBody, question: Question) -> impl IntoView {
    let ends = match token.expires {
        Some(at) if token.expired => view! { "Expired " <Time at=at /> }.into_any(),
        Some(at) => view! { <Time at=at /> }.into_any(),
        None => "When it is revoked".into_any(),
    };
    let used = match token.last_used {
        Some(used) => {
            view! { <Time at=used.time /> " from " <code class="wrap">{used.address.to_string()}</code> }.into_any()
        }
        None => "Never".into_any(),
    };
    let (id, name) = (StoredValue::new(token.id.clone()), StoredValue::new(token.name.clone()));
    let ask = move |change| question.ask(change, id.get_value(), name.get_value());
    view! {
        <tr>
            <td data-label="Token">
                <strong>{token.name}</strong>
                " "
                <code>{token.id}</code>
                <div class="actions">
                    <Button attr:aria-label=format!("Rotate {}", name.get_value()) on:click=move |_| ask(Change::Rotate)>"Rotate"</Button>
                    <Button
                        kind=ButtonKind::Danger
                        attr:aria-label=format!("Revoke {}", name.get_value())
                        on:click=move |_| ask(Change::Revoke)
                    >
                        "Revoke"
                    </Button>
                </div>
            </td>
            <td data-label="May">{token.scopes.join(", ")}</td>
            <td data-label="Ends">{ends}</td>
            <td data-label="Limits">{limits(token.range, token.requests_per_second)}</td>
            <td data-label="Last used">{used}</td>
        </tr>
    }
    .into_any()
}

/// The limits of a token in words.
fn limits(range: Option<String>, rate: Option<u32>) -> String {
    let range = range.map(|range| format!("only from {range}"));
    let rate = rate.map(|rate| format!("{rate} requests a second"));
    let limits: Vec<String> = range.into_iter().chain(rate).collect();
    match limits.is_empty() {
        true => "None".to_owned(),
        false => limits.join("; "),
    }
}

#[component]
fn AskFirst(state: AdminState, question: Question) -> impl IntoView {
    let rotates = move || question.change.get() == Change::Rotate;
    let go = move |_| {
        let (change, id, name) = (
            question.change.get_untracked(),
            question.id.get_untracked(),
            question.name.get_untracked(),
        );
        question.busy.set(true);
        spawn_local(async move {
            let path = format!("{TOKENS_PATH}/{id}");
            let done = match change {
                Change::Revoke => state.operator.delete(&path).await.map(|()| {
                    state.toasts.show(format!("{name} is revoked"));
                    state.read();
                }),
                Change::Rotate => {
                    let new = state
                        .operator
                        .ask::<(), NewTokenBody>(&format!("{path}/rotate"), None)
                        .await;
                    new.map(|new| {
                        // One dialog at a time: the new text comes after this one.
                        let _ = question.open.try_set(false);
                        state.show(new);
                    })
                }
            };
            let _ = question.busy.try_set(false);
            let _ = match done {
                Ok(()) => question.open.try_set(false).is_some(),
                Err(why) => question.failure.try_set(why).is_some(),
            };
        });
    };
    view! {
        <Dialog open=question.open title="Change this token?">
            <p><strong>{move || question.name.get()}</strong> " " <code>{move || question.id.get()}</code></p>
            <p class="prose">
                {move || if rotates() {
                    "It gets another text, which is shown once. The one that is in use now is not taken any more."
                } else {
                    "It is not taken any more from now on. This cannot be taken back."
                }}
            </p>
            <ActionFailed title="The token was not changed" why=question.failure />
            <div class="actions">
                <Button kind=ButtonKind::Danger busy=question.busy on:click=go>
                    {move || if rotates() { "Rotate it" } else { "Revoke it" }}
                </Button>
                <Button on:click=move |_| question.open.set(false)>"Keep it"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_named_in_words() {
        assert_eq!(limits(None, None), "None");
        assert_eq!(limits(Some("10.0.0.0/8".to_owned()), None), "only from 10.0.0.0/8");
        assert_eq!(
            limits(Some("10.0.0.0/8".to_owned()), Some(5)),
            "only from 10.0.0.0/8; 5 requests a second"
        );
    }
}
