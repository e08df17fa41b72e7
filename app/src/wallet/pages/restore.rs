//! A wallet from a phrase that the user already has, or from a backup file.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use tally_chain::Bytes;
use tally_chain::limits::MAX_CONTAINER_BYTES;

use super::create::{LanguageSelect, Protect, Step, chosen};
use crate::{
    browser,
    ui::{Button, ButtonKind, ButtonLink, Field, PageHead, branch},
    wallet::{
        access::{gate::WithoutVault, secret},
        parts::notice::ErrorNotice,
        protocol::{Request, SecretText, WalletError},
        session::Wallet,
    },
};

/// The page at `/wallet/restore`.
#[component]
pub fn Restore() -> impl IntoView {
    let step = RwSignal::new(Step::Write);
    let failure = RwSignal::new(None::<WalletError>);
    let stage = Memo::new(move |_| step.get() >= Step::Password);
    let on_lost = Callback::new(move |()| step.set(Step::Write));
    view! {
        <PageHead title="Restore a wallet" />
        <WithoutVault>
            <section class="card wallet-narrow" aria-label="From the phrase">
                {move || match stage.get() {
                    false => branch(move || view! { <Phrase step=step failure=failure /> }),
                    true => branch(move || view! { <Protect step=step failure=failure on_lost=on_lost restoring=true /> }),
                }}
                {move || failure.get().map(|failure| view! { <ErrorNotice title="That did not work" error=failure /> })}
            </section>
            {move || (!stage.get()).then(|| view! { <FromFile /> })}
        </WithoutVault>
    }
}

#[component]
fn Phrase(step: RwSignal<Step>, failure: RwSignal<Option<WalletError>>) -> impl IntoView {
    let wallet = Wallet::get();
    let typed = secret::typed();
    let language = RwSignal::new(String::new());
    let count = move || typed.with(|text| tally_chain::words::count(text));
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let phrase = SecretText::new(typed.get_untracked());
        let language = chosen(language);
        failure.set(None);
        spawn_local(async move {
            match wallet.request(Request::TakePhrase { phrase, language }).await {
                Ok(_) => {
                    drop(secret::take(typed));
                    step.set(Step::Password);
                }
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    view! {
        <h2>"Type your recovery phrase"</h2>
        <form class="wallet-form" on:submit=on_submit autocomplete="off">
            <div class="field">
                <label for="phrase">"Recovery phrase"</label>
                <textarea
                    id="phrase"
                    rows="4"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    translate="no"
                    aria-describedby="phrase-hint"
                    prop:value=typed
                    on:input=move |event| typed.set(event_target_value(&event))
                ></textarea>
                <span class="field-hint" id="phrase-hint">
                    {move || format!("12, 15, 18, 21 or 24 words; numbers and commas between them do not count. So far: {}.", count())}
                </span>
            </div>
            <LanguageSelect label="Language of the words" value=language detect=true />
            <div class="actions">
                <Button kind=ButtonKind::Primary submit=true disabled=Signal::derive(move || count() == 0)>"Go on"</Button>
                <ButtonLink href="/wallet/create" kind=ButtonKind::Quiet>"I have none"</ButtonLink>
            </div>
        </form>
        <p class="field-hint">"The first RSA and ECC accounts are restored at once; the wallet then looks up at the node which others were used."</p>
    }
}

/// The vault out of a backup file: checked before its password is typed.
#[component]
fn FromFile() -> impl IntoView {
    let wallet = Wallet::get();
    let navigate = use_navigate();
    let input = NodeRef::<leptos::html::Input>::new();
    let file = RwSignal::new(None::<Bytes>);
    let password = secret::typed();
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<WalletError>);
    let on_choice = move |_| {
        let Some(input) = input.get_untracked() else { return };
        file.set(None);
        failure.set(None);
        spawn_local(async move {
            let checked = match browser::read_text(&input, MAX_CONTAINER_BYTES).await {
                Ok(text) => {
                    let bytes = Bytes::from(text.into_bytes());
                    let checked = wallet.request(Request::CheckBackup { file: bytes.clone() }).await;
                    checked.map(|_| bytes)
                }
                Err(why) => Err(WalletError::Backup(why)),
            };
            match checked {
                Ok(bytes) => {
                    let _ = file.try_set(Some(bytes));
                    browser::focus("file-password");
                }
                Err(error) => drop(failure.try_set(Some(error))),
            }
        });
    };
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(bytes) = file.get_untracked() else { return };
        let typed = secret::take(password);
        busy.set(true);
        failure.set(None);
        let navigate = navigate.clone();
        spawn_local(async move {
            let outcome = wallet
                .request(Request::RestoreBackup {
                    file: bytes,
                    password: typed,
                })
                .await;
            let _ = busy.try_set(false);
            match outcome {
                Ok(_) => navigate("/wallet", Default::default()),
                Err(error) => drop(failure.try_set(Some(error))),
            }
        });
    };
    let ready = Signal::derive(move || file.with(Option::is_some) && password.with(|password| !password.is_empty()));
    view! {
        <section class="card wallet-narrow" aria-labelledby="from-file">
            <h2 id="from-file">"Or take a backup file"</h2>
            <form class="wallet-form" on:submit=on_submit>
                <div class="field">
                    <label for="backup-file">"Backup file"</label>
                    <input id="backup-file" type="file" accept=".json,application/json" node_ref=input on:change=on_choice />
                    <span class="field-hint">"The file that “Back up” gave you. It stays on this device."</span>
                </div>
                <Show when=move || file.with(Option::is_some)>
                    <Field
                        label="Password of the file"
                        name="file-password"
                        kind="password"
                        autocomplete="current-password"
                        hint="The password that the wallet had when the file was made."
                        value=password
                        on_input=Callback::new(move |text| password.set(text))
                    />
                </Show>
                <div class="actions">
                    <Button submit=true busy=busy disabled=Signal::derive(move || !ready.get())>"Restore from the file"</Button>
                </div>
            </form>
            {move || failure.get().map(|failure| view! { <ErrorNotice title="The file was not restored" error=failure /> })}
        </section>
    }
    .into_any()
}
