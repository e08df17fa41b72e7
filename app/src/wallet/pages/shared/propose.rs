//! A payment of a shared account, before anyone has signed.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;
use tally_chain::address;

use super::Table;
use crate::{
    browser,
    prefs::{Prefs, Unit},
    ui::{Button, ButtonKind, Field, Select, SymbolContext},
    wallet::{
        client::{balances::Balances, node},
        parts::account::BalanceLine,
        protocol::{AccountSummary, PaymentDraft, SharedRequest},
        sending::{
            error::{SendError, SendErrorNotice},
            fees::prices,
        },
        session::Wallet,
    },
};

#[component]
pub fn Propose(accounts: Memo<Vec<AccountSummary>>, table: Table) -> impl IntoView {
    let (wallet, balances) = (Wallet::get(), Balances::get());
    let symbol = use_context::<SymbolContext>()
        .map(|symbol| symbol.0)
        .unwrap_or_default();
    let wanted = use_query_map().with_untracked(|query| query.get("from").unwrap_or_default());
    let first = accounts.with_untracked(|accounts| {
        let known = accounts
            .iter()
            .find(|account| account.address == wanted)
            .or(accounts.first());
        known.map(|account| account.address.clone()).unwrap_or_default()
    });
    let from = RwSignal::new(first);
    let (to, coins, memo) = (
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
    );
    let (tried, busy) = (RwSignal::new(false), RwSignal::new(false));
    let failure = RwSignal::new(None::<SendError>);
    balances.refresh();
    let balance = Memo::new(move |_| from.with(|from| balances.of(from)));
    let unit = Unit::chosen();
    let to_error = move || {
        to.with(|to| {
            address::parse(to.trim())
                .err()
                .map(|error| format!("This is not an address: {error}."))
        })
    };
    let coins_error = move || coins.with(|typed| unit.read(typed)).err();
    let shown = move |error: Option<String>| tried.get().then_some(error).flatten().unwrap_or_default();
    let propose = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        failure.set(None);
        if untrack(to_error).is_some() {
            return browser::focus("propose-to");
        }
        let Ok(value) = coins.with_untracked(|typed| unit.read(typed)) else {
            return browser::focus("propose-coins");
        };
        busy.set(true);
        let level = untrack(|| Prefs::get().read(|prefs| prefs.fee));
        let (payer, receiver, text) = (from.get_untracked(), to.get_untracked(), memo.get_untracked());
        spawn_local(async move {
            let draft = async {
                let fees = node::fees().await.map_err(SendError::node)?;
                let prices =
                    prices(level, &fees).ok_or_else(|| SendError::node("its fees cannot be read".to_owned()))?;
                let account = node::account(&payer).await.map_err(SendError::node)?;
                Ok::<_, SendError>(PaymentDraft {
                    from: payer,
                    to: receiver,
                    value,
                    memo: text,
                    nonce: account.next_nonce,
                    timestamp: browser::now().unwrap_or_default(),
                    prices,
                })
            };
            match draft.await {
                Ok(draft) => drop(table.request(wallet, SharedRequest::Propose { draft }).await),
                Err(error) => drop(failure.try_set(Some(error))),
            }
            let _ = busy.try_set(false);
        });
    };
    let choice = move || {
        let options = accounts
            .get()
            .into_iter()
            .map(|account| (account.address, account.label))
            .collect();
        view! {
            <Select label="From" name="propose-from" options=options value=from on_change=Callback::new(move |address| from.set(address)) />
        }
    };
    view! {
        <form class="card wallet-form wallet-narrow" on:submit=propose aria-labelledby="propose">
            <h2 id="propose">"Propose a payment"</h2>
            <div>{choice} <BalanceLine balance=balance /></div>
            <Field
                label="To"
                name="propose-to"
                placeholder="0x…"
                value=to
                error=Signal::derive(move || shown(to_error()))
                on_input=Callback::new(move |text| to.set(text))
            />
            <Field
                label=format!("Amount in {}", unit.word(&symbol))
                name="propose-coins"
                placeholder=unit.example()
                value=coins
                error=Signal::derive(move || shown(coins_error()))
                on_input=Callback::new(move |text| coins.set(text))
            />
            <Field
                label="Memo"
                name="propose-memo"
                value=memo
                hint="Public on the chain, for ever. Leave it empty for no memo."
                on_input=Callback::new(move |text| memo.set(text))
            />
            <div class="actions">
                <Button kind=ButtonKind::Primary submit=true busy=busy>"Write the proposal"</Button>
                <span class="field-hint">"Nothing is signed yet. It can enter a block within 24 hours."</span>
            </div>
            <SendErrorNotice failure=failure />
        </form>
    }
    .into_any()
}
