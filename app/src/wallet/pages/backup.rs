//! What to keep so that no accident costs the coins; the backup file; another password.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    browser, format,
    model::ChainInfo,
    ui::{Button, ButtonKind, Field, Notice, NoticeKind, PageHead, branch},
    wallet::{
        access::{gate::Gate, password::NewPassword, secret},
        parts::notice::ErrorNotice,
        protocol::{AccountOrigin, Answer, Request, SecretText, WalletError},
        session::Wallet,
    },
};

/// The page at `/wallet/backup`.
#[component]
pub fn Backup() -> impl IntoView {
    view! {
        <PageHead title="Back up" lead="If a phone is lost, a browser cleared or a house burnt, two things restore your accounts." />
        <Gate>
            <Content />
        </Gate>
    }
}

#[component]
fn Content() -> impl IntoView {
    let wallet = Wallet::get();
    let imported = Memo::new(move |_| {
        let accounts = wallet.accounts();
        accounts.iter().any(|account| account.origin == AccountOrigin::Imported)
    });
    view! {
        <section class="card wallet-narrow" aria-labelledby="the-phrase">
            <h2 id="the-phrase">"1. The phrase, on paper"</h2>
            <p class="prose">
                "You wrote it down when the wallet was made. It restores every account that the wallet made itself, on any device, without a password. Keep it where no one else can read it, if possible in two places. No picture, no cloud, no e-mail."
            </p>
            <p class="prose">
                "Was a passphrase added to it? Then the phrase alone gives other, empty accounts: write the passphrase down as well, and keep it apart."
            </p>
            <p class="prose">
                "The phrase does not restore imported keys, names, the address book or watched accounts. The file does."
            </p>
        </section>
        <Show when=move || imported.get()>
            <Notice kind=NoticeKind::Warning title="Some of your accounts are only in the file">
                <p>"The phrase does not restore their imported keys. Keep a backup file made after the last import."</p>
            </Notice>
        </Show>
        <StoragePromise />
        <File />
        <section class="card wallet-narrow" aria-labelledby="try-it">
            <h2 id="try-it">"3. Try it once"</h2>
            <p class="prose">
                "Test your backup. Open a private window, choose Restore, and use your paper or the file: the same addresses must appear. Then close the window."
            </p>
        </section>
        <ChangePassword />
    }
    .into_any()
}

/// Whether the browser has promised to keep the vault.
#[component]
fn StoragePromise() -> impl IntoView {
    let kept = Wallet::get().kept;
    move || match kept.get() {
        Some(true) => branch(|| {
            view! {
                <Notice kind=NoticeKind::Info title="This browser keeps the vault until you delete it">
                    <p>"The browser has agreed to keep it. If you clear the site's data, or use a new profile or another browser, you still have only your backup."</p>
                </Notice>
            }
        }),
        _ => branch(|| {
            view! {
                <Notice kind=NoticeKind::Warning title="This browser may delete the vault">
                    <p>"The browser has not agreed to keep what this site stores: browsers delete such data when space is short, Safari after seven days without a visit, private windows when they close. Keep the phrase and a backup file."</p>
                </Notice>
            }
        }),
    }
}

/// A request of a form to the wallet: whether it is on its way, and why it failed.
#[derive(Clone, Copy)]
struct Sending {
    wallet: Wallet,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<WalletError>>,
}

impl Sending {
    fn new() -> Self {
        Self {
            wallet: Wallet::get(),
            busy: RwSignal::new(false),
            failure: RwSignal::new(None),
        }
    }

    /// Sends a request; its answer goes to `done`. The page may be gone by then.
    fn go(self, request: Request, done: impl FnOnce(Answer) + 'static) {
        self.busy.set(true);
        self.failure.set(None);
        spawn_local(async move {
            let outcome = self.wallet.request(request).await;
            let _ = self.busy.try_set(false);
            match outcome {
                Ok(answer) => done(answer),
                Err(error) => drop(self.failure.try_set(Some(error))),
            }
        });
    }
}

/// The sealed vault, as a download.
#[component]
fn File() -> impl IntoView {
    let chain = expect_context::<ChainInfo>();
    let sending = Sending::new();
    let kept = RwSignal::new(None::<String>);
    let download = move |_| {
        let name = file_name(&chain.name, browser::now().unwrap_or_default());
        sending.go(Request::Backup, move |answer| {
            if let Answer::Backup { file } = answer {
                browser::download(&name, &file);
                let _ = kept.try_set(Some(name));
            }
        });
    };
    view! {
        <section class="card wallet-narrow" aria-labelledby="the-file">
            <h2 id="the-file">"2. The backup file"</h2>
            <p class="prose">
                "The whole vault: keys, names, address book. It is encrypted and opens with the password that you have now; a later change of password does not change the file. Make a new one after each import."
            </p>
            <div class="actions">
                <Button kind=ButtonKind::Primary busy=sending.busy on:click=download>"Download the backup file"</Button>
            </div>
            {move || {
                kept.get()
                    .map(|name| {
                        view! { <p role="status">{format!("Saved as {name}. Copy it to a second device or a USB stick.")}</p> }
                    })
            }}
            {move || sending.failure.get().map(|failure| view! { <ErrorNotice title="There is no file" error=failure /> })}
        </section>
    }
    .into_any()
}

/// `tally-wallet-local-2026-11-24.json`
fn file_name(chain: &str, now: u64) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let chain: String = chain.chars().map(plain).collect();
    let time = format::utc(now);
    let day = time.split_whitespace().next().unwrap_or_default();
    format!("tally-wallet-{chain}-{day}.json")
}

#[component]
fn ChangePassword() -> impl IntoView {
    let current = secret::typed();
    let sending = Sending::new();
    let done = RwSignal::new(false);
    let change = Callback::new(move |new: SecretText| {
        let typed = secret::take(current);
        done.set(false);
        let request = Request::ChangePassword { current: typed, new };
        sending.go(request, move |_| {
            let _ = done.try_set(true);
        });
    });
    view! {
        <section class="card wallet-narrow" aria-labelledby="another-password">
            <h2 id="another-password">"Another password"</h2>
            <p class="prose">
                "The vault in this browser is encrypted anew. Older backup files still open with the password of their time: make a new file, and delete the old ones if others know that password."
            </p>
            <Field
                label="The password you have now"
                name="current-password"
                kind="password"
                autocomplete="current-password"
                value=current
                on_input=Callback::new(move |text| current.set(text))
            />
            <NewPassword submit="Change the password" busy=sending.busy on_submit=change />
            <Show when=move || done.get()>
                <p role="status">"The password was changed."</p>
            </Show>
            {move || sending.failure.get().map(|failure| view! { <ErrorNotice title="The password was not changed" error=failure /> })}
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_is_named_by_chain_and_day() {
        assert_eq!(
            super::file_name("Our Class/7", 1_800_000_000),
            "tally-wallet-our-class-7-2027-01-15.json"
        );
    }
}
