//! The password before the accounts.

use leptos::{prelude::*, task::spawn_local};

use super::secret;
use crate::{
    browser,
    model::ChainInfo,
    ui::{Button, ButtonKind, Dialog, Field, Notice},
    wallet::{
        parts::notice::ErrorNotice,
        protocol::{Request, WalletError},
        session::Wallet,
        storage::journal,
    },
};

const FIELD: &str = "password";

/// The form that takes the password and unlocks the vault.
#[component]
pub fn Unlock() -> impl IntoView {
    let wallet = Wallet::get();
    let chain = expect_context::<ChainInfo>();
    let password = secret::typed();
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<WalletError>);
    let unlock = move |_| {
        let typed = secret::take(password);
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            let outcome = wallet.request(Request::Unlock { password: typed }).await;
            let _ = busy.try_set(false);
            if let Err(error) = outcome {
                let _ = failure.try_set(Some(error));
                browser::focus(FIELD);
            }
        });
    };
    let wrong = Signal::derive(move || match failure.get() {
        Some(failure @ WalletError::WrongPassword) => format!("{failure} {}", failure.advice()),
        _ => String::new(),
    });
    let other = move || failure.get().filter(|failure| *failure != WalletError::WrongPassword);
    view! {
        {move || {
            wallet.notice.get().map(|why| view! { <Notice title="The wallet was locked"><p>{why}</p></Notice> })
        }}
        <section class="card wallet-narrow" aria-labelledby="unlock">
            <h2 id="unlock">"Unlock"</h2>
            <form
                class="wallet-form"
                on:submit=move |event| {
                    event.prevent_default();
                    unlock(());
                }
            >
                <Field
                    label="Password"
                    name=FIELD
                    kind="password"
                    autocomplete="current-password"
                    value=password
                    error=wrong
                    hint=format!("Opens the wallet for {} in this tab.", chain.name)
                    on_input=Callback::new(move |text| password.set(text))
                />
                <div class="actions">
                    <Button
                        kind=ButtonKind::Primary
                        submit=true
                        busy=busy
                        disabled=Signal::derive(move || password.with(String::is_empty))
                    >
                        {move || if busy.get() { "Unlocking…" } else { "Unlock" }}
                    </Button>
                </div>
            </form>
            {move || other().map(|failure| view! { <ErrorNotice title="The wallet was not unlocked" error=failure /> })}
            <Forget />
        </section>
    }
}

/// Removes the vault from this browser, for those who have the phrase but not the password.
#[component]
pub fn Forget() -> impl IntoView {
    let wallet = Wallet::get();
    let chain = expect_context::<ChainInfo>();
    let open = RwSignal::new(false);
    let sure = RwSignal::new(false);
    let failure = RwSignal::new(None::<WalletError>);
    let forget = move |_| {
        let chain = chain.clone();
        spawn_local(async move {
            match wallet.request(Request::Forget).await {
                Ok(_) => {
                    journal::clear(&chain.genesis_id).await;
                    let _ = open.try_set(false);
                    wallet.lock(&chain, None);
                }
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    view! {
        <Button kind=ButtonKind::Quiet on:click=move |_| open.set(true)>"Remove this wallet from the browser"</Button>
        <Dialog open=open title="Remove this wallet?">
            <p class="prose">
                "The encrypted vault is deleted from this browser. The accounts and their coins stay on the chain, but only the recovery phrase restores them. The list of payments that this browser has sent is deleted too: nothing shows or warns of a payment whose answer was lost."
            </p>
            <label class="check">
                <input type="checkbox" prop:checked=sure on:change=move |event| sure.set(event_target_checked(&event)) />
                <span>"I have the recovery phrase written down"</span>
            </label>
            {move || failure.get().map(|failure| view! { <ErrorNotice title="It was not removed" error=failure /> })}
            <div class="actions">
                <Button kind=ButtonKind::Danger disabled=Signal::derive(move || !sure.get()) on:click=forget.clone()>
                    "Remove it"
                </Button>
                <Button on:click=move |_| open.set(false)>"Keep it"</Button>
            </div>
        </Dialog>
    }
}
