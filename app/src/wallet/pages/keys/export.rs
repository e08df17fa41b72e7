//! Keys on their way out.

use leptos::{prelude::*, task::spawn_local};

use super::Working;
use crate::{
    browser,
    ui::{Button, CopyButton, Field, Notice, NoticeKind, Select},
    wallet::{
        access::{
            password::NewPassword,
            secret::{take, typed},
        },
        parts::notice::ErrorNotice,
        protocol::{AccountSummary, Answer, KeyFormat, PublicKeyTexts, Request, SecretText, WalletError},
        session::Wallet,
    },
};

const PASSWORD: &str = "wallet-password-again";

/// The forms of private keys that fit an account; the first is the usual one.
fn formats(account: Option<&AccountSummary>) -> &'static [KeyFormat] {
    let ecc = account
        .and_then(|account| account.kind)
        .is_some_and(|kind| !kind.is_rsa());
    if ecc {
        &[KeyFormat::Web3, KeyFormat::Pkcs8]
    } else {
        &[KeyFormat::Pkcs8]
    }
}

/// The word in the form, and the words for its reader.
fn described(format: KeyFormat) -> (String, String) {
    let (word, text) = match format {
        KeyFormat::Web3 => ("web3", "Web3 keystore (JSON), for EVM wallets"),
        KeyFormat::Pkcs8 => ("pkcs8", "Encrypted PKCS#8 (PEM), for OpenSSL and the like"),
    };
    (word.to_owned(), text.to_owned())
}

/// A choice among some of the wallet's accounts.
#[component]
fn AccountChoice(name: &'static str, chosen: RwSignal<String>, accounts: Memo<Vec<AccountSummary>>) -> impl IntoView {
    move || {
        let title = |account: &AccountSummary| {
            let label = if account.label.is_empty() {
                "Account"
            } else {
                account.label.as_str()
            };
            format!("{label}, {}", account.address)
        };
        let accounts = accounts.get();
        let options = accounts
            .iter()
            .map(|account| (account.address.clone(), title(account)))
            .collect();
        let on_change = Callback::new(move |address| chosen.set(address));
        view! { <Select label="Account" name=name options=options value=chosen on_change=on_change /> }
    }
}

/// The chosen account, else the first.
fn pick(accounts: &[AccountSummary], chosen: &str) -> Option<AccountSummary> {
    let found = accounts.iter().find(|account| account.address == chosen);
    found.or(accounts.first()).cloned()
}

/// A private key goes out encrypted, once the wallet's password was given again.
#[component]
pub fn PrivateKey() -> impl IntoView {
    let wallet = Wallet::get();
    let accounts = Memo::new(move |_| wallet.signing_accounts());
    let chosen = RwSignal::new(String::new());
    let account = Memo::new(move |_| accounts.with(|accounts| pick(accounts, &chosen.read())));
    let wanted = RwSignal::new(String::new());
    let format = Memo::new(move |_| {
        let formats = account.with(|account| formats(account.as_ref()));
        let chosen = formats.iter().find(|format| described(**format).0 == *wanted.read());
        *chosen.unwrap_or(&formats[0])
    });
    let password = typed();
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<WalletError>);
    let done = RwSignal::new(None::<String>);
    let export = Callback::new(move |file_password: SecretText| {
        let Some(account) = account.get_untracked() else { return };
        let request = Request::ExportKey {
            address: account.address,
            format: format.get_untracked(),
            vault_password: take(password),
            file_password,
        };
        busy.set(true);
        failure.set(None);
        done.set(None);
        spawn_local(async move {
            let outcome = wallet.request(request).await;
            let _ = busy.try_set(false);
            match outcome {
                Ok(Answer::KeyFile { name, text }) => {
                    browser::download(&name, text.as_bytes());
                    let _ = done.try_set(Some(name));
                }
                Ok(_) => {}
                Err(error) => {
                    let wrong = error == WalletError::WrongPassword;
                    let _ = failure.try_set(Some(error));
                    if wrong {
                        browser::focus(PASSWORD);
                    }
                }
            }
        });
    });
    let wrong = Signal::derive(move || match failure.get() {
        Some(failure @ WalletError::WrongPassword) => failure.to_string(),
        _ => String::new(),
    });
    let other = move || failure.get().filter(|failure| *failure != WalletError::WrongPassword);
    view! {
        <section class="card wallet-narrow" aria-labelledby="take-key">
            <h2 id="take-key">"Take a private key along"</h2>
            <p class="prose">
                "As a file, encrypted under a password of its own. Anyone who has the file and that password can spend everything in the account, here and wherever it is used."
            </p>
            <AccountChoice name="export-account" chosen=chosen accounts=accounts />
            {move || {
                let options = account.with(|account| formats(account.as_ref()).iter().map(|format| described(*format)).collect());
                let value = Signal::derive(move || described(format.get()).0);
                let on_change = Callback::new(move |word| wanted.set(word));
                view! { <Select label="Form" name="export-format" options=options value=value on_change=on_change /> }
            }}
            <Field
                label="The wallet's password"
                name=PASSWORD
                kind="password"
                autocomplete="current-password"
                value=password
                error=wrong
                hint="Again, so that no one can export a key from an unlocked screen."
                on_input=Callback::new(move |text| password.set(text))
            />
            <NewPassword label="New password for the file" submit="Download the encrypted key" busy=busy on_submit=export />
            <Working busy=busy text="Checking the wallet's password and encrypting the key. This takes some seconds on purpose." />
            {move || other().map(|failure| view! { <ErrorNotice title="The key was not written" error=failure /> })}
            {move || {
                done.get()
                    .map(|name| {
                        view! {
                            <Notice kind=NoticeKind::Success title="The key was handed to the browser's downloads">
                                <p class="review-address" translate="no">{name}</p>
                            </Notice>
                        }
                    })
            }}
        </section>
    }
}

/// Public keys are no secret.
#[component]
pub fn PublicKey() -> impl IntoView {
    let wallet = Wallet::get();
    let accounts = Memo::new(move |_| {
        let all = wallet.accounts().into_iter();
        all.filter(|account| account.kind.is_some()).collect::<Vec<_>>()
    });
    let chosen = RwSignal::new(String::new());
    let account = Memo::new(move |_| accounts.with(|accounts| pick(accounts, &chosen.read())));
    let texts = RwSignal::new(None::<PublicKeyTexts>);
    let failure = RwSignal::new(None::<WalletError>);
    let show = move |_| {
        let Some(account) = account.get_untracked() else { return };
        spawn_local(async move {
            match wallet
                .request(Request::PublicKey {
                    address: account.address,
                })
                .await
            {
                Ok(Answer::PublicKey(found)) => {
                    let _ = texts.try_set(Some(found));
                }
                Ok(_) => {}
                Err(error) => {
                    let _ = failure.try_set(Some(error));
                }
            }
        });
    };
    // What is shown belongs to the account that is chosen.
    Effect::new(move |_| {
        account.track();
        texts.set(None);
        failure.set(None);
    });
    let shown = move || {
        let (texts, account) = (texts.get()?, account.get()?);
        let (pem, name) = (texts.pem.clone(), format!("tally-public-{}.pem", account.address));
        Some(view! {
            <div class="field">
                <span>"PEM (SPKI)"</span>
                <pre class="key-text" tabindex="0">{texts.pem}</pre>
            </div>
            <div class="field">
                <span>"Hex "<CopyButton text=texts.hex.clone() label="Copy the public key in hex" /></span>
                <pre class="key-text" tabindex="0">{texts.hex}</pre>
            </div>
            <div class="actions">
                <Button on:click=move |_| browser::download(&name, pem.as_bytes())>"Download the PEM file"</Button>
            </div>
        })
    };
    view! {
        <section class="card wallet-narrow" aria-labelledby="public-key">
            <h2 id="public-key">"Public key"</h2>
            <p class="prose">"For people who check your signatures, or make a shared account with you. No one can spend with it."</p>
            <AccountChoice name="public-account" chosen=chosen accounts=accounts />
            <div class="actions"><Button on:click=show>"Show the public key"</Button></div>
            {shown}
            {move || failure.get().map(|failure| view! { <ErrorNotice title="There is nothing to show" error=failure /> })}
        </section>
    }
}
