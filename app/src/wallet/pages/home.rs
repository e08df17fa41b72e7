//! The accounts with their balances.

use leptos::{prelude::*, task::spawn_local};
use tally_chain::KeyKind;

use super::{contacts::NameAddress, discover::FindAccounts, manage::Manage};
use crate::{
    format,
    model::ChainInfo,
    ui::{AddressLink, Button, ButtonKind, ButtonLink, Notice, NoticeKind, PageHead},
    wallet::{
        access::{gate::Gate, password::SearchBar, unlock::Forget},
        client::balances::Balances,
        parts::{
            account::{BalanceLine, KindBadge},
            notice::ErrorNotice,
        },
        protocol::{AccountOrigin, AccountSummary, Edit, Request, WalletError},
        sending::test_coins::TestCoins,
        session::Wallet,
    },
};

/// The wallet's first page.
#[component]
pub fn Home() -> impl IntoView {
    view! {
        <PageHead title="Wallet" lead="Keys are made, kept and used in this browser only. The node never sees them." />
        <Gate>
            <Overview />
        </Gate>
    }
}

#[component]
fn Overview() -> impl IntoView {
    let (wallet, balances) = (Wallet::get(), Balances::get());
    let chain = expect_context::<ChainInfo>();
    balances.refresh();
    let total = Memo::new(move |_| {
        // What is only watched is not the user's; what is archived is.
        let accounts = wallet.accounts();
        let own = accounts.iter().filter(|account| account.can_sign());
        balances.total(own.map(|account| account.address.as_str()))
    });
    let empty = Memo::new(move |_| total.get().is_some_and(|total| total.amount.is_zero()));
    // It is read aloud: not again with each block.
    let failure = Memo::new(move |_| balances.failure());
    view! {
        {move || {
            failure
                .get()
                .map(|why| {
                    view! {
                        <Notice kind=NoticeKind::Error title="Balances could not be read">
                            <p>{why}</p>
                            <p>"This may be out of date. It is read again with the next block."</p>
                        </Notice>
                    }
                })
        }}
        <section class="card wallet-total" aria-label="Total">
            <span class="wallet-total-name">"All accounts together"</span>
            <BalanceLine balance=total large=true />
            <div class="actions">
                <ButtonLink href="/wallet/send" kind=ButtonKind::Primary>"Send"</ButtonLink>
                <ButtonLink href="/wallet/receive">"Receive"</ButtonLink>
            </div>
        </section>
        {chain
            .playground
            .then(|| {
                let first = Signal::derive(move || wallet.signing_accounts().into_iter().next());
                view! { <TestCoins account=first prominent=empty /> }
            })}
        <section aria-labelledby="accounts">
            <h2 id="accounts">"Accounts"</h2>
            <ul class="wallet-accounts">
                <For each=move || wallet.current_accounts() key=AccountSummary::clone let:account>
                    <AccountCard account=account />
                </For>
            </ul>
            <Standing />
            <AddAccount />
            <FindAccounts />
            <Watch />
            <Archived />
        </section>
        <footer class="wallet-end">
            <Forget />
        </footer>
    }
}

/// What the marks of the balances stand for.
#[component]
fn Standing() -> impl IntoView {
    let balances = Balances::get();
    let words = move || {
        balances.witnessed.get().map(|height| {
            format!(
                "Verified here means: against block {}, which is on the chain that this tab has verified from genesis on.",
                format::count(height)
            )
        })
    };
    let older = Memo::new(move |_| balances.older());
    let unverified = Memo::new(move |_| balances.unverified());
    view! {
        <p class="field-hint wallet-standing">{words}</p>
        {move || {
            older
                .get()
                .map(|why| {
                    view! {
                        <Notice kind=NoticeKind::Warning title="The node shows an older state than before">
                            <p>{format!("For these balances {why}. It may still be catching up, follow another branch, or hide what has happened since.")}</p>
                        </Notice>
                    }
                })
        }}
        {move || {
            unverified.get()
                .map(|why| {
                    view! {
                        <Notice kind=NoticeKind::Warning title="These balances are as told by the node">
                            <p>{format!("This tab has no verified chain to compare them with: {why}")}</p>
                            <p>"The seal in the header of the page shows what was found."</p>
                        </Notice>
                    }
                })
        }}
    }
}

/// Accounts that were put away.
#[component]
fn Archived() -> impl IntoView {
    let wallet = Wallet::get();
    let archived = move || {
        let accounts = wallet.accounts().into_iter();
        accounts.filter(|account| account.archived).collect::<Vec<_>>()
    };
    let any = Memo::new(move |_| !archived().is_empty());
    view! {
        <Show when=move || any.get()>
            <details class="more">
                <summary>"Archived accounts"</summary>
                <ul class="wallet-accounts">
                    <For each=archived key=AccountSummary::clone let:account>
                        <AccountCard account=account />
                    </For>
                </ul>
            </details>
        </Show>
    }
}

/// Looking at an account whose key is elsewhere.
#[component]
fn Watch() -> impl IntoView {
    view! {
        <details class="more">
            <summary>"Watch an account without its key"</summary>
            <NameAddress
                title="An account to look at"
                button="Watch"
                failed="The account is not watched"
                edit=|address, label| Edit::Watch { address, label }
            />
        </details>
    }
}

/// What is to know of an account beside its label: kind and number, imported, watched.
fn described(account: &AccountSummary) -> String {
    let kind = account.kind.map(|kind| kind.title().to_owned());
    let origin = match account.origin {
        AccountOrigin::Derived { index } => format!("number {index}"),
        AccountOrigin::Imported => "imported key".to_owned(),
        AccountOrigin::Watched => "watched, no key here".to_owned(),
        AccountOrigin::Shared => "shared, several keys sign".to_owned(),
    };
    kind.into_iter().chain([origin]).collect::<Vec<_>>().join(", ")
}

#[component]
fn AccountCard(account: AccountSummary) -> impl IntoView {
    let balances = Balances::get();
    let described = described(&account);
    let can_sign = account.can_sign();
    let AccountSummary {
        kind, label, address, ..
    } = account.clone();
    let of = address.clone();
    let balance = Signal::derive(move || balances.of(&of));
    let query = format::query_value(&address);
    view! {
        <li class="card wallet-account">
            <div class="wallet-account-head">
                <KindBadge kind=kind />
                <strong>{label}</strong>
                <span class="faint">{described}</span>
            </div>
            <AddressLink address=address />
            <BalanceLine balance=balance />
            <div class="actions">
                {can_sign
                    .then(|| view! { <ButtonLink href=format!("/wallet/send?from={query}")>"Send"</ButtonLink> })}
                {(account.origin == AccountOrigin::Shared)
                    .then(|| view! { <ButtonLink href=format!("/wallet/shared?from={query}")>"Propose a payment"</ButtonLink> })}
                <ButtonLink href=format!("/wallet/receive?account={query}")>"Receive"</ButtonLink>
            </div>
            <Manage account=account />
        </li>
    }
}

/// One click adds another account of either kind.
#[component]
fn AddAccount() -> impl IntoView {
    let wallet = Wallet::get();
    let busy = RwSignal::new(None::<KeyKind>);
    let failure = RwSignal::new(None::<WalletError>);
    let add = move |kind: KeyKind| {
        busy.set(Some(kind));
        failure.set(None);
        spawn_local(async move {
            let outcome = wallet.request(Request::AddAccount { kind }).await;
            let _ = busy.try_set(None);
            if let Err(error) = outcome {
                let _ = failure.try_set(Some(error).filter(|error| *error != WalletError::Cancelled));
            }
        });
    };
    let working = Signal::derive(move || busy.get().is_some());
    view! {
        <div class="actions">
            {[KeyKind::Secp256k1, KeyKind::Rsa2048, KeyKind::Rsa3072, KeyKind::Rsa4096]
                .map(|kind| {
                    let article = if kind.is_rsa() { "an" } else { "a" };
                    let text = format!("Add {article} {} account", kind.title());
                    view! { <Button busy=working on:click=move |_| add(kind)>{text}</Button> }
                })}
        </div>
        <p class="field-hint">"Larger RSA keys take longer: RSA-3072 some seconds, RSA-4096 up to a minute."</p>
        <Show when=move || busy.get().is_some_and(KeyKind::is_rsa)>
            <SearchBar />
        </Show>
        {move || failure.get().map(|failure| view! { <ErrorNotice title="The account was not added" error=failure /> })}
    }
}
