//! Accounts of the wallet on its pages: a choice among them, their balance, their kind.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use tally_chain::KeyKind;

use crate::{
    format,
    ui::{Amount, Mark, Select, branch},
    wallet::{
        client::balances::{Balance, units},
        protocol::AccountSummary,
        session::Wallet,
    },
};

/// The address that a query value names, else that of the first account.
pub fn chosen_account(name: &'static str) -> RwSignal<String> {
    let wanted = use_query_map().with_untracked(|query| query.get(name).unwrap_or_default());
    let accounts = untrack(|| Wallet::get().current_accounts());
    let known = accounts
        .iter()
        .find(|account| account.address == wanted)
        .or(accounts.first());
    RwSignal::new(known.map(|account| account.address.clone()).unwrap_or_default())
}

/// A choice among the wallet's accounts that are not archived.
#[component]
pub fn AccountSelect(
    label: &'static str,
    name: &'static str,
    chosen: RwSignal<String>,
    /// Only those that the wallet can sign for.
    #[prop(optional)]
    signing: bool,
) -> impl IntoView {
    let wallet = Wallet::get();
    let accounts = Memo::new(move |_| match signing {
        true => wallet.signing_accounts(),
        false => wallet.current_accounts(),
    });
    // Another tab can put the chosen one away. The browser shows the first then, so the first is what counts.
    Effect::new(move |_| {
        let other = accounts.with(|accounts| chosen.with(|chosen| instead(accounts, chosen)));
        if let Some(other) = other {
            chosen.set(other);
        }
    });
    move || {
        let options = accounts.with(|accounts| {
            let options = accounts.iter();
            options
                .map(|account| (account.address.clone(), title(account)))
                .collect::<Vec<_>>()
        });
        branch(move || {
            view! {
                <Select
                    label=label
                    name=name
                    options=options
                    value=chosen
                    on_change=Callback::new(move |address| chosen.set(address))
                />
            }
        })
    }
}

/// The account that counts in place of the chosen one, where that is not among these any more.
fn instead(accounts: &[AccountSummary], chosen: &str) -> Option<String> {
    let is_there = accounts.iter().any(|account| account.address == chosen);
    accounts
        .first()
        .filter(|_| !is_there)
        .map(|account| account.address.clone())
}

fn title(account: &AccountSummary) -> String {
    format!("{} ({})", account.label, format::shortened(&account.address, 8, 4))
}

/// A balance with its mark, or a quiet line of the same height.
#[component]
pub fn BalanceLine(#[prop(into)] balance: Signal<Option<Balance>>, #[prop(optional)] large: bool) -> impl IntoView {
    let class = if large { "balance" } else { "wallet-balance" };
    let shown = move || match balance.get() {
        Some(balance) => branch(move || {
            view! {
                <Amount value=units(balance.amount) />
                <Mark state=balance.mark />
            }
        }),
        None => branch(|| view! { <span class="faint">"reading…"</span> }),
    };
    view! { <p class=class>{shown}</p> }
}

/// RSA or ECC, as a word; nothing where the key is not known.
#[component]
pub fn KindBadge(kind: Option<KeyKind>) -> impl IntoView {
    kind.map(|kind| {
        let (class, word) = match kind.is_rsa() {
            true => ("badge badge-rsa", "RSA"),
            false => ("badge badge-ecc", "ECC"),
        };
        view! { <span class=class title=kind.title()>{word}</span> }
    })
}
