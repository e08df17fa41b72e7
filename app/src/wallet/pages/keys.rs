//! Keys from outside and for outside: a file is read, shown, kept; a key goes out encrypted.

mod export;

use leptos::{html, prelude::*, task::spawn_local};
use tally_chain::limits::MAX_KEY_FILE_BYTES;

use crate::{
    browser,
    ui::{Button, ButtonKind, Fact, Facts, Field, Notice, NoticeKind, PageHead, branch},
    wallet::{
        access::{
            gate::Gate,
            secret::{take, typed},
        },
        parts::{account::KindBadge, notice::ErrorNotice},
        protocol::{Answer, FoundKey, Request, SecretText, WalletError},
        session::Wallet,
    },
};
use export::{PrivateKey, PublicKey};

const FILE: &str = "key-file";
const PASSWORD: &str = "key-file-password";

/// The page at `/wallet/keys`.
#[component]
pub fn Keys() -> impl IntoView {
    view! {
        <PageHead
            title="Keys"
            lead="Import a key that another program made, or export one of yours. Files are read and written in this browser only."
        />
        <Gate>
            <Import />
            <PrivateKey />
            <PublicKey />
        </Gate>
    }
}

/// A key file is read, and what it holds is shown before it is kept.
#[component]
fn Import() -> impl IntoView {
    let found = RwSignal::new(None::<FoundKey>);
    let kept = RwSignal::new(None::<String>);
    view! {
        <section class="card wallet-narrow" aria-labelledby="bring-key">
            <h2 id="bring-key">"Bring a key"</h2>
            {move || match found.get() {
                Some(key) => branch(move || view! { <Keep key=key found=found kept=kept /> }),
                None => branch(move || view! { <Read found=found kept=kept /> }),
            }}
        </section>
    }
}

#[component]
fn Read(found: RwSignal<Option<FoundKey>>, kept: RwSignal<Option<String>>) -> impl IntoView {
    let wallet = Wallet::get();
    let input = NodeRef::<html::Input>::new();
    let (password, chosen) = (typed(), RwSignal::new(false));
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<WalletError>);
    let read = move |_| {
        let Some(input) = input.get_untracked() else { return };
        let typed = take(password);
        busy.set(true);
        failure.set(None);
        kept.set(None);
        spawn_local(async move {
            let outcome = match browser::read_text(&input, MAX_KEY_FILE_BYTES).await {
                Ok(file) => {
                    wallet
                        .request(Request::ReadKey {
                            file: SecretText::new(file),
                            password: typed,
                        })
                        .await
                }
                Err(why) => Err(WalletError::KeyFile(format!(
                    "{why} Choose a Web3 keystore, a PEM file or a key in hex."
                ))),
            };
            let _ = busy.try_set(false);
            match outcome {
                Ok(Answer::KeyFound(key)) => {
                    // The page was left meanwhile: no question about this key is open any more.
                    if found.try_set(Some(key)).is_some() {
                        let _ = wallet.request(Request::DropKey).await;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    let wrong = error == WalletError::WrongFilePassword;
                    let _ = failure.try_set(Some(error));
                    if wrong {
                        browser::focus(PASSWORD);
                    }
                }
            }
        });
    };
    let wrong = Signal::derive(move || match failure.get() {
        Some(failure @ WalletError::WrongFilePassword) => format!("{failure} {}", failure.advice()),
        _ => String::new(),
    });
    let other = move || {
        failure
            .get()
            .filter(|failure| *failure != WalletError::WrongFilePassword)
    };
    view! {
        <p class="prose">
            "A Web3 keystore (JSON), PEM (PKCS#8 as OpenSSL writes it, PKCS#1, SEC1) or a secp256k1 key in hex. A public key (PEM or hex) becomes an account that is only watched."
        </p>
        {move || {
            kept.get()
                .map(|address| {
                    view! {
                        <Notice kind=NoticeKind::Success title="The account was added">
                            <p class="review-address" translate="no">{address}</p>
                        </Notice>
                    }
                })
        }}
        <form
            class="wallet-form"
            on:submit=move |event| {
                event.prevent_default();
                read(());
            }
        >
            <div class="field">
                <label for=FILE>"Key file"</label>
                <input
                    id=FILE
                    type="file"
                    node_ref=input
                    aria-describedby="key-file-hint"
                    on:change=move |_| {
                        chosen.set(input.get_untracked().is_some_and(|input| !input.value().is_empty()));
                    }
                />
                <span class="field-hint" id="key-file-hint">"Choose it, or drop it here. It is read by the wallet in this browser and sent nowhere."</span>
            </div>
            <Field
                label="Password of the file"
                name=PASSWORD
                kind="password"
                value=password
                error=wrong
                hint="Not the wallet's password. Leave it empty if the file is not encrypted."
                on_input=Callback::new(move |text| password.set(text))
            />
            <div class="actions">
                <Button kind=ButtonKind::Primary submit=true busy=busy disabled=Signal::derive(move || !chosen.get())>
                    {move || if busy.get() { "Reading…" } else { "Read the file" }}
                </Button>
            </div>
            <Working busy=busy text="Deriving the file's key from its password, then checking the key. This takes some seconds on purpose." />
        </form>
        {move || other().map(|failure| view! { <ErrorNotice title="The key was not taken" error=failure /> })}
    }
}

/// What the worker is busy with.
#[component]
fn Working(#[prop(into)] busy: Signal<bool>, text: &'static str) -> impl IntoView {
    view! { <p class="field-hint" role="status">{move || busy.get().then_some(text)}</p> }
}

/// What was found, for its owner to confirm.
#[component]
fn Keep(key: FoundKey, found: RwSignal<Option<FoundKey>>, kept: RwSignal<Option<String>>) -> impl IntoView {
    let wallet = Wallet::get();
    let label = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<WalletError>);
    let FoundKey {
        format,
        private,
        kind,
        address,
        warnings,
        held,
    } = key;
    let shown = address.clone();
    let keep = move |_| {
        let (label, address) = (label.get_untracked(), address.clone());
        busy.set(true);
        spawn_local(async move {
            match wallet.request(Request::KeepKey { label }).await {
                Ok(_) => {
                    let _ = kept.try_set(Some(address));
                    let _ = found.try_set(None);
                }
                Err(error) => {
                    let _ = busy.try_set(false);
                    let _ = failure.try_set(Some(error));
                }
            }
        });
    };
    // A key that was neither kept nor dropped does not outlive its page.
    on_cleanup(move || {
        spawn_local(async move {
            let _ = wallet.request(Request::DropKey).await;
        });
    });
    let drop_it = move |_| {
        spawn_local(async move {
            let _ = wallet.request(Request::DropKey).await;
            let _ = found.try_set(None);
        });
    };
    let warnings = warnings
        .into_iter()
        .map(|text| {
            view! { <Notice kind=NoticeKind::Warning title="Mind this"><p>{text}</p></Notice> }
        })
        .collect_view();
    let meaning = match private {
        true => "The recovery phrase does not restore this key: keep the file, or make a backup of the wallet.",
        false => "There is no private key in the file: the account can be watched here, not used.",
    };
    view! {
        <h3>"The file holds"</h3>
        <Facts>
            <Fact name="Form">{format}</Fact>
            <Fact name="Key"><KindBadge kind=Some(kind) />" "{kind.title()}</Fact>
            <Fact name="Address"><span class="review-address" translate="no">{shown}</span></Fact>
        </Facts>
        {warnings}
        {if held {
            view! {
                <Notice title="This account is in the wallet already"><p>"There is nothing to do."</p></Notice>
                <div class="actions"><Button on:click=drop_it>"Back"</Button></div>
            }
                .into_any()
        } else {
            view! {
                <p class="prose">{meaning}</p>
                <form
                    class="wallet-form"
                    on:submit=move |event| {
                        event.prevent_default();
                        keep(());
                    }
                >
                    <Field
                        label="Name of the account"
                        name="key-label"
                        value=label
                        hint="Your own word for it; only you see it."
                        on_input=Callback::new(move |text| label.set(text))
                    />
                    <div class="actions">
                        <Button kind=ButtonKind::Primary submit=true busy=busy>
                            {if private { "Keep this key" } else { "Watch this account" }}
                        </Button>
                        <Button on:click=drop_it>"Do not keep it"</Button>
                    </div>
                </form>
            }
                .into_any()
        }}
        {move || failure.get().map(|failure| view! { <ErrorNotice title="The key was not kept" error=failure /> })}
    }
}
