//! An address to be paid at: text, copy, QR.

use leptos::prelude::*;

use crate::{
    model::ChainInfo,
    prefs::Unit,
    ui::{ButtonLink, CopyButton, Field, PageHead, branch},
    wallet::{
        access::gate::Gate,
        parts::{
            account::{AccountSelect, KindBadge, chosen_account},
            qr::QrPicture,
            requests,
        },
        protocol::AccountSummary,
        sending::test_coins::TestCoins,
        session::Wallet,
    },
};

/// The page at `/wallet/receive`.
#[component]
pub fn Receive() -> impl IntoView {
    view! {
        <PageHead title="Receive" lead="Give this address to the person who pays you. There is nothing to register." />
        <Gate>
            <Content />
        </Gate>
    }
}

#[component]
fn Content() -> impl IntoView {
    let wallet = Wallet::get();
    let chain = expect_context::<ChainInfo>();
    let chosen = chosen_account("account");
    let account = Signal::derive(move || {
        let accounts = wallet.current_accounts();
        let wanted = accounts.iter().find(|account| account.address == chosen.get());
        wanted.or(accounts.first()).cloned()
    });
    view! {
        <AccountSelect label="Account" name="receive-account" chosen=chosen />
        {move || account.get().map(|account| view! { <Card account=account /> })}
        {chain.playground.then(|| view! { <TestCoins account=account prominent=false /> })}
    }
}

#[component]
fn Card(account: AccountSummary) -> impl IntoView {
    let AccountSummary {
        kind, label, address, ..
    } = account;
    let chain = expect_context::<ChainInfo>();
    let (coins, unit) = (RwSignal::new(String::new()), Unit::chosen());
    let (of, plain) = (address.clone(), address.clone());
    // Without an amount the picture is the plain address, which any wallet reads.
    let request = Memo::new(move |_| {
        let coins = coins.get();
        let amount = || unit.read(&coins).ok();
        (!coins.trim().is_empty()).then(|| amount().and_then(|amount| requests::link(&of, chain.chain_id, amount)))
    });
    let wrong = Signal::derive(move || match request.get() {
        Some(None) => coins.with(|typed| unit.read(typed)).err().unwrap_or_default(),
        _ => String::new(),
    });
    let picture = move || match request.get().flatten() {
        Some(link) => branch(move || view! { <QrPicture text=link label="QR code of the payment link" /> }),
        None => {
            let address = plain.clone();
            branch(move || view! { <QrPicture text=address label="QR code of the address" /> })
        }
    };
    let link = move || {
        request.get().flatten().map(|link| {
            view! {
                <p class="receive-address">
                    <span class="id-text" translate="no">{link.clone()}</span>
                    <CopyButton text=link label="Copy the payment link" />
                </p>
            }
        })
    };
    view! {
        <section class="card receive" aria-label="Address">
            {picture}
            <div class="receive-text">
                <p><KindBadge kind=kind /> " " <strong>{label}</strong></p>
                <p class="receive-address">
                    <span class="id-text" translate="no">{address.clone()}</span>
                    <CopyButton text=address.clone() label="Copy the address" />
                </p>
                <p class="field-hint">
                    "Upper and lower case are its checksum (EIP-55): a mistyped letter is noticed. RSA and ECC accounts can pay each other."
                </p>
                <Field
                    label=format!("Request an amount in {}", unit.word(&chain.symbol))
                    name="request-amount"
                    placeholder=unit.example()
                    value=coins
                    error=wrong
                    hint="Makes a payment link (EIP-681) that names this chain, and its picture."
                    on_input=Callback::new(move |text| coins.set(text))
                />
                {link}
                <ButtonLink href=format!("/account/{address}")>"Show it in the explorer"</ButtonLink>
            </div>
        </section>
    }
}
