//! Tokens for others, and the log of what was done with tokens: for a tab that holds one with the scope `tokens`.

mod create;
mod list;
mod log;
mod state;

use leptos::prelude::*;

use crate::{
    base::at_base,
    operations::operator::Operator,
    ui::{CopyButton, Dialog, Notice, PageHead},
};
use create::CreateToken;
use list::TokenList;
use log::ActionLog;
use state::AdminState;

/// Said where no script runs.
const NO_SCRIPT: &str = "<div class=\"notice notice-info\" role=\"note\"><span class=\"notice-sign\" aria-hidden=\"true\">i</span>\
<div class=\"notice-text\"><strong>Tokens need scripts</strong>\
<div><p>The page sends a token that this browser keeps for one tab. <code>tally token</code> does the same on the command line.</p></div></div></div>";

/// The page at `/tokens`.
#[component]
pub fn Tokens() -> impl IntoView {
    let operator = Operator::get();
    view! {
        <PageHead title="Tokens" lead="Who else may do what with this node, and what was done." />
        <noscript inner_html=NO_SCRIPT></noscript>
        <Show when=move || operator.is_present() fallback=|| view! { <SignIn /> }>
            <Content />
        </Show>
    }
    .into_any()
}

/// Shown to readers who are no operators.
#[component]
fn SignIn() -> impl IntoView {
    view! {
        <Notice title="This page is for operators">
            <p>"It needs a token with the scope " <code>"tokens"</code> ", such as the one of an operator link. Open a link, or paste a token under " <a href=at_base("/settings")>"Settings"</a> "."</p>
        </Notice>
    }
    .into_any()
}

#[component]
fn Content() -> impl IntoView {
    let state = AdminState::new();
    Effect::new(move |_| state.read());
    view! {
        <CreateToken state=state />
        <TokenList state=state />
        <ActionLog state=state />
        <NewToken state=state />
    }
    .into_any()
}

/// The text of a new token, once.
#[component]
fn NewToken(state: AdminState) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move |_| {
        if state.new.with(Option::is_some) {
            open.set(true);
        }
    });
    Effect::new(move |before: Option<bool>| {
        let now = open.get();
        // The text goes with the dialog.
        if before == Some(true) && !now {
            state.new.set(None);
        }
        now
    });
    let shown = move || {
        state.new.get().map(|new| {
            let secret = new.secret.expose().to_owned();
            view! {
                <p class="prose">
                    "This is the token " <strong>{new.token.name.clone()}</strong> ". Copy it now: the node keeps a hash of it and cannot show it again."
                </p>
                <p><code class="wrap" data-secret="token">{secret.clone()}</code></p>
                <div class="actions">
                    <CopyButton text=secret label="Copy the token" words=true />
                    <button class="button" type="button" on:click=move |_| open.set(false)>"Done"</button>
                </div>
            }
        })
    };
    view! {
        <Dialog open=open title="A new token">{shown}</Dialog>
    }
    .into_any()
}
