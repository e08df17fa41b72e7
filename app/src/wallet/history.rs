//! What was sent and received, by account.

use leptos::prelude::*;
use leptos_meta::Title;

use super::{
    frame::Gate,
    receive::{AccountSelect, chosen_account},
};
use crate::{
    live::Live,
    model::AccountView,
    pages::{Loaded, TransactionTable},
    reads,
    ui::{ButtonLink, Empty, Mark, MarkState},
};

/// Rows shown here; the account's own page has them all.
const ROWS: u32 = 20;

/// The page at `/wallet/history`.
#[component]
pub fn History() -> impl IntoView {
    view! {
        <Title text="History" />
        <header class="page-head">
            <h1>"History"</h1>
            <p class="page-lead">"Pending payments first, then the newest blocks."</p>
        </header>
        <Gate>
            <Content />
        </Gate>
    }
}

#[component]
fn Content() -> impl IntoView {
    let live = Live::get();
    let chosen = chosen_account("account");
    let account = Resource::new(
        move || (chosen.get(), live.on_pool()),
        |(address, _)| reads::account(address, 1, ROWS),
    );
    view! {
        <AccountSelect label="Account" name="history-account" chosen=chosen />
        <Loaded what="The history" resource=account show=|account| view! { <Rows account=account /> }.into_any() />
    }
}

#[component]
fn Rows(account: Option<AccountView>) -> impl IntoView {
    let Some(account) = account.filter(|account| !account.history.items.is_empty()) else {
        return view! {
            <Empty title="Nothing yet">
                <p>"Payments from and to this account appear here as soon as the node knows them."</p>
                <ButtonLink href="/wallet/receive">"Receive"</ButtonLink>
            </Empty>
        }
        .into_any();
    };
    let href = format!("/account/{}", account.address);
    view! {
        <TransactionTable transactions=account.history.items caption="History of the account" of=account.address />
        <p class="told">
            <Mark state=MarkState::Told />
            <span class="faint">"Open a payment to have this tab check its signature, its path and its block."</span>
        </p>
        {account.history.more.then(|| view! { <ButtonLink href=href>"All of it in the explorer"</ButtonLink> })}
    }
    .into_any()
}
