//! An address to be paid at: text, copy, QR.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use qrcode::{Color, EcLevel, QrCode};

use super::{frame::Gate, home::KindBadge, protocol::AccountSummary, requests, state::Wallet, test_coins::TestCoins};
use crate::{
    format,
    model::ChainInfo,
    prefs::Unit,
    ui::{ButtonLink, CopyButton, Field, Select},
};

/// Modules of quiet around a code, as its standard asks.
const QUIET: usize = 4;

/// The page at `/wallet/receive`.
#[component]
pub fn Receive() -> impl IntoView {
    view! {
        <Title text="Receive" />
        <header class="page-head">
            <h1>"Receive"</h1>
            <p class="page-lead">"Give this address to the person who pays you. There is nothing to register."</p>
        </header>
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
    move || {
        let accounts = match signing {
            true => wallet.signing_accounts(),
            false => wallet.current_accounts(),
        };
        let options = accounts
            .into_iter()
            .map(|account| (account.address.clone(), title(&account)))
            .collect();
        view! {
            <Select
                label=label
                name=name
                options=options
                value=chosen
                on_change=Callback::new(move |address| chosen.set(address))
            />
        }
    }
}

fn title(account: &AccountSummary) -> String {
    format!("{} ({})", account.label, format::shortened(&account.address, 8, 4))
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
    let asked = Memo::new(move |_| {
        let coins = coins.get();
        let amount = || unit.read(&coins).ok();
        (!coins.trim().is_empty()).then(|| amount().and_then(|amount| requests::link(&of, chain.chain_id, amount)))
    });
    let wrong = Signal::derive(move || match asked.get() {
        Some(None) => coins.with(|typed| unit.read(typed)).err().unwrap_or_default(),
        _ => String::new(),
    });
    let picture = move || match asked.get().flatten() {
        Some(link) => view! { <QrPicture text=link label="QR code of the payment link" /> },
        None => view! { <QrPicture text=plain.clone() label="QR code of the address" /> },
    };
    let link = move || {
        asked.get().flatten().map(|link| {
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
                    label=format!("Ask for an amount in {}", unit.word(&chain.symbol))
                    name="ask-for"
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

/// A QR code as one path, dark on light in every theme.
#[component]
pub fn QrPicture(text: String, #[prop(into)] label: String) -> impl IntoView {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M);
    // A long text in the form that holds most.
    let code = code.or_else(|_| QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L));
    code.ok().map(|code| {
        let (width, path) = outline(&code);
        let side = width + 2 * QUIET;
        view! {
            <svg class="qr" viewBox=format!("0 0 {side} {side}") role="img" aria-label=label shape-rendering="crispEdges">
                <rect class="qr-paper" width=side.to_string() height=side.to_string() />
                <path class="qr-ink" d=path />
            </svg>
        }
    })
}

/// Width in modules, and the dark ones as runs.
fn outline(code: &QrCode) -> (usize, String) {
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|module| **module == Color::Dark).count();
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET));
            }
            x += run.max(1);
        }
    }
    (width, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_starts_with_its_finder_pattern() {
        let code = QrCode::with_error_correction_level(b"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", EcLevel::M)
            .expect("it fits");
        let (width, path) = outline(&code);
        assert_eq!(width, 29);
        assert!(path.starts_with("M4 4h7v1h-7z"), "{path}");
    }
}
