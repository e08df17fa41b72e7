//! Finding accounts of the phrase that were used before. Rule: docs/protocol.md#W15

use leptos::{prelude::*, task::spawn_local};
use tally_chain::KeyKind;

use crate::{
    ui::{Button, Notice, NoticeKind, Select, branch},
    wallet::{
        access::password::SearchBar,
        client::node,
        parts::notice::ErrorNotice,
        protocol::{Answer, Request, WalletError},
        session::Wallet,
    },
};

/// Where a search stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AccountScan {
    Idle,
    /// Addresses looked at so far.
    Looking {
        kind: KeyKind,
        looked_at: usize,
    },
    /// Accounts that were added.
    Done {
        added: usize,
    },
    Failed(WalletError),
}

#[derive(Clone, Copy)]
struct Course {
    wallet: Wallet,
    scan: RwSignal<AccountScan>,
    stop: RwSignal<bool>,
}

impl Course {
    /// Looks through these kinds, one after the other.
    fn go(self, kinds: Vec<(KeyKind, Option<u32>)>) {
        let before = untrack(|| self.wallet.accounts()).len();
        self.stop.set(false);
        spawn_local(async move {
            let mut looked_at = 0;
            for (kind, gap) in kinds {
                if let Err(failure) = self.look(kind, gap, &mut looked_at).await {
                    drop(self.scan.try_set(AccountScan::Failed(failure)));
                    return;
                }
            }
            let after = untrack(|| self.wallet.accounts()).len();
            let added = after.saturating_sub(before);
            drop(self.scan.try_set(AccountScan::Done { added }));
        });
    }

    async fn look(self, kind: KeyKind, gap: Option<u32>, looked_at: &mut usize) -> Result<(), WalletError> {
        let _ = self.scan.try_set(AccountScan::Looking {
            kind,
            looked_at: *looked_at,
        });
        let mut answer = self.wallet.request(Request::Discover { kind, gap }).await?;
        while let Answer::Wanted { addresses } = answer {
            let mut used = Vec::with_capacity(addresses.len());
            for address in addresses {
                if self.stop.try_get_untracked().unwrap_or(true) {
                    return Err(WalletError::Cancelled);
                }
                used.push(node::is_used(&address).await.map_err(WalletError::Node)?);
                *looked_at += 1;
                let _ = self.scan.try_set(AccountScan::Looking {
                    kind,
                    looked_at: *looked_at,
                });
            }
            answer = self.wallet.request(Request::Discovered { used }).await?;
        }
        Ok(())
    }

    fn cancel(self) {
        self.stop.set(true);
        self.wallet.cancel();
    }
}

/// Looks by itself after a phrase was restored, and whenever the user wants it to.
#[component]
pub fn FindAccounts() -> impl IntoView {
    let wallet = Wallet::get();
    let course = Course {
        wallet,
        scan: RwSignal::new(AccountScan::Idle),
        stop: RwSignal::new(false),
    };
    if wallet.restored.get_untracked() {
        wallet.restored.set(false);
        course.go(vec![(KeyKind::Secp256k1, None), (KeyKind::Rsa2048, None)]);
    }
    let kind = RwSignal::new(KeyKind::Secp256k1.name().to_owned());
    let gap = RwSignal::new(String::new());
    let kinds = KeyKind::ALL
        .map(|kind| (kind.name().to_owned(), kind.title().to_owned()))
        .to_vec();
    let gaps = ["", "5", "20", "50", "100"].map(|gap| {
        let text = match gap {
            "" => "As usual".to_owned(),
            gap => format!("{gap} unused in a row"),
        };
        (gap.to_owned(), text)
    });
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Ok(kind) = kind.get_untracked().parse() {
            course.go(vec![(kind, gap.get_untracked().parse().ok())]);
        }
    };
    let looking = Memo::new(move |_| matches!(course.scan.get(), AccountScan::Looking { .. }));
    let outcome = move || match course.scan.get() {
        AccountScan::Idle => branch(|| ()),
        AccountScan::Looking { kind, looked_at } => branch(move || {
            view! {
                <div class="search-bar" role="status">
                    <strong>"Looking for accounts that were used before"</strong>
                    <span class="field-hint">{format!("{}: {looked_at} addresses looked at", kind.title())}</span>
                </div>
            }
        }),
        AccountScan::Done { added } => {
            let text = match added {
                0 => "No further account was used before.".to_owned(),
                1 => "One more account was found.".to_owned(),
                added => format!("{added} more accounts were found."),
            };
            branch(move || {
                view! {
                    <Notice kind=NoticeKind::Info title="All looked at">
                        <p>{text}</p>
                        <p>"ECC accounts were looked for along m/44'/60'/0'/0/i. One of another path comes with its key: “Bring a key”."</p>
                    </Notice>
                }
            })
        }
        AccountScan::Failed(WalletError::Cancelled) => branch(|| {
            view! {
                <Notice kind=NoticeKind::Info title="Stopped">
                    <p>"What was found so far is kept. It can be looked for again under “Find used accounts”."</p>
                </Notice>
            }
        }),
        AccountScan::Failed(failure) => {
            branch(move || view! { <ErrorNotice title="Not all accounts were looked at" error=failure /> })
        }
    };
    view! {
        {outcome}
        <Show when=move || looking.get()>
            <Show when=move || wallet.progress.with(Option::is_some) fallback=move || view! {
                <div class="actions"><Button on:click=move |_| course.cancel()>"Cancel"</Button></div>
            }>
                <SearchBar />
            </Show>
        </Show>
        <details class="more">
            <summary>"Find used accounts"</summary>
            <form class="wallet-form wallet-narrow" on:submit=on_submit>
                <p class="prose">
                    "Your phrase gives any number of accounts. The wallet looks them up at the node, one after the other, and stops after a run of unused ones: 20 for secp256k1, 2 for RSA-2048, 1 for the larger RSA keys, which take long to search. ECC accounts are those of the path m/44'/60'/0'/0/i (i = 0, 1, 2 and so on), as most wallets number them; Ledger Live and others also use m/44'/60'/i'/0/0 and the like: export the key of such an account there and bring it under “Keys”. Have you skipped more? Then look further. The node learns which addresses are requested together."
                </p>
                <div class="form-grid">
                    <Select
                        label="Kind"
                        name="find-kind"
                        options=kinds
                        value=kind
                        on_change=Callback::new(move |word| kind.set(word))
                    />
                    <Select
                        label="Stop after"
                        name="find-gap"
                        options=gaps.to_vec()
                        value=gap
                        on_change=Callback::new(move |word| gap.set(word))
                    />
                </div>
                <div class="actions"><Button submit=true busy=looking>"Look"</Button></div>
            </form>
        </details>
    }
    .into_any()
}
