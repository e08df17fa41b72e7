//! The gates of the wallet's pages: before what needs an open wallet, and before what makes a new vault.

use leptos::{prelude::*, task::spawn_local};

use super::unlock::Unlock;
use crate::{
    format,
    model::ChainInfo,
    ui::{Button, ButtonKind, ButtonLink, Notice, NoticeKind, Skeleton, branch},
    wallet::{
        parts::notice::ErrorNotice,
        protocol::{OtherVault, Request, WalletError},
        session::{Phase, Wallet},
    },
};

/// Shows what needs an open wallet, or the way to one.
#[component]
pub fn Gate(children: ChildrenFn) -> impl IntoView {
    let stage = Wallet::get().stage();
    view! {
        {move || match stage.get() {
            Phase::Unknown => branch(|| view! { <div class="needs-script"><Skeleton lines=5 /></div> }),
            Phase::Missing { others } => branch(move || view! { <Welcome others=others /> }),
            Phase::Locked => branch(|| view! { <Unlock /> }),
            Phase::Open => {
                let children = children.clone();
                branch(move || children())
            }
            Phase::Broken(failure) => branch(move || view! { <Broken failure=failure /> }),
        }}
    }
}

/// Shows what makes a new vault, unless there is one already. A phrase that became no vault does not outlive it in the worker.
#[component]
pub fn WithoutVault(children: ChildrenFn) -> impl IntoView {
    let wallet = Wallet::get();
    let stage = wallet.stage();
    view! {
        {move || match stage.get() {
            Phase::Missing { .. } => {
                // Only browsers come to this phase, so nothing of this runs on the server.
                on_cleanup(move || drop_phrase(wallet));
                let children = children.clone();
                branch(move || children())
            }
            Phase::Unknown => branch(|| view! { <div class="needs-script"><Skeleton lines=6 /></div> }),
            Phase::Broken(failure) => branch(move || view! { <Broken failure=failure /> }),
            Phase::Locked | Phase::Open => {
                branch(|| view! {
                    <Notice title="This browser already keeps a wallet for this chain">
                        <p>"One vault holds all accounts of a phrase. Use it, or remove it first if its phrase is written down."</p>
                        <ButtonLink href="/wallet" kind=ButtonKind::Primary>"To the wallet"</ButtonLink>
                    </Notice>
                })
            }
        }}
    }
}

/// Has the worker wipe a phrase that has no vault yet.
pub fn drop_phrase(wallet: Wallet) {
    spawn_local(async move {
        // A worker that does not answer is gone, and the phrase with it.
        let _ = wallet.request(Request::DropPhrase).await;
    });
}

/// The first visit.
#[component]
fn Welcome(others: Vec<OtherVault>) -> impl IntoView {
    let chain = expect_context::<ChainInfo>();
    view! {
        <section class="card wallet-welcome" aria-labelledby="welcome">
            <h2 id="welcome">"Your keys, in this browser"</h2>
            <p class="prose">
                "A wallet is a recovery phrase: twelve or twenty-four words, from which all your accounts are derived. It is made here, encrypted under your password and kept in this browser. The node never sees it, and no one can reset it."
            </p>
            <div class="actions">
                <ButtonLink href="/wallet/create" kind=ButtonKind::Primary>"Create a wallet"</ButtonLink>
                <ButtonLink href="/wallet/restore">"Restore from a phrase or a file"</ButtonLink>
            </div>
            <ul class="wallet-points">
                <li>"One RSA and one ECC account at first; add more with one click."</li>
                <li>"What you confirm is decoded from the bytes that are signed."</li>
                <li>"It locks itself when you are away, and then drops all keys from memory."</li>
            </ul>
        </section>
        <OtherChains others=others here=chain.name />
    }
}

/// Names the chains of vaults that do not fit this one.
#[component]
fn OtherChains(others: Vec<OtherVault>, here: String) -> impl IntoView {
    let lines = others
        .iter()
        .map(|other| {
            let text = format!(
                "{} (chain {}, genesis {}), kept since {}",
                other.chain.name,
                other.chain.chain_id,
                format::shortened(&other.chain.genesis, 6, 10),
                format::utc(other.created_at)
            );
            view! { <li>{text}</li> }
        })
        .collect_view();
    (!others.is_empty()).then(|| {
        view! {
            <Notice kind=NoticeKind::Warning title="A vault in this browser belongs to another chain">
                <p>{format!("This node serves {here}. These vaults were made for another genesis, perhaps before the chain was started again:")}</p>
                <ul>{lines}</ul>
                <p>"They stay unchanged. The same recovery phrase gives the same accounts here: restore it."</p>
            </Notice>
        }
    })
}

#[component]
fn Broken(failure: WalletError) -> impl IntoView {
    let wallet = Wallet::get();
    let chain = expect_context::<ChainInfo>();
    view! {
        <ErrorNotice title="The wallet cannot work in this browser" error=failure />
        <Button on:click=move |_| wallet.lock(&chain, None)>"Try again"</Button>
    }
}
