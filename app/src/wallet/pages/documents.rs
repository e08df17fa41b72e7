//! Documents: their SHA-256 goes on the chain, signed; they themselves stay where they are. Rule: docs/protocol.md#P6

use leptos::{html, prelude::*, task::spawn_local};
use tally_chain::{Amount, B256, document};

use crate::{
    browser,
    prefs::Prefs,
    ui::{Button, ButtonKind, ButtonLink, Fact, Facts, PageHead, branch},
    wallet::{
        access::gate::Gate,
        client::node,
        parts::account::{AccountSelect, chosen_account},
        protocol::{PaymentDraft, Request},
        sending::{
            confirm::{Confirm, Prepared},
            error::{SendError, SendErrorNotice},
            fees::prices,
            follow::Follow,
        },
        session::Wallet,
    },
};

const FILE: &str = "document-file";

/// How far the document has come.
#[derive(Clone, PartialEq, Eq)]
enum Stage {
    Choose,
    Review(Prepared),
    Sent { id: String },
}

#[derive(Clone, Copy)]
struct Draft {
    from: RwSignal<String>,
    /// Name and SHA-256.
    hashed: RwSignal<Option<(String, B256)>>,
    stage: RwSignal<Stage>,
    failure: RwSignal<Option<SendError>>,
}

impl Draft {
    async fn prepare(self, wallet: Wallet, sha256: B256) -> Result<Prepared, SendError> {
        let level = untrack(|| Prefs::get().read(|prefs| prefs.fee));
        let fees = node::fees().await.map_err(SendError::node)?;
        let prices = prices(level, &fees).ok_or_else(|| SendError::node("its fees cannot be read".to_owned()))?;
        let from = self.from.get_untracked();
        let account = node::account(&from).await.map_err(SendError::node)?;
        let draft = PaymentDraft {
            to: from.clone(),
            from,
            value: Amount::ZERO,
            memo: document::anchor(&sha256),
            nonce: account.next_nonce,
            timestamp: browser::now().unwrap_or_default(),
            prices,
        };
        Prepared::payment(wallet, Request::Prepare { draft }).await
    }
}

/// The page at `/wallet/documents`.
#[component]
pub fn Documents() -> impl IntoView {
    view! {
        <PageHead
            title="Documents"
            lead="Sign a file's fingerprint and put it on the chain: later anyone can verify that this key signed exactly this file at that time. The file itself stays with you."
        />
        <Gate>
            <Content />
        </Gate>
    }
}

#[component]
fn Content() -> impl IntoView {
    let draft = Draft {
        from: RwSignal::new(untrack(|| {
            let signing = Wallet::get().signing_accounts();
            let wanted = chosen_account("from").get_untracked();
            let known = signing
                .iter()
                .find(|account| account.address == wanted)
                .or(signing.first());
            known.map(|account| account.address.clone()).unwrap_or_default()
        })),
        hashed: RwSignal::new(None),
        stage: RwSignal::new(Stage::Choose),
        failure: RwSignal::new(None),
    };
    let stage = Memo::new(move |_| draft.stage.get());
    view! {
        {move || match stage.get() {
            Stage::Choose => branch(move || view! { <Choose draft=draft /> }),
            Stage::Review(prepared) => {
                let on_back = Callback::new(move |()| draft.stage.set(Stage::Choose));
                let on_sent = Callback::new(move |id| draft.stage.set(Stage::Sent { id }));
                branch(move || view! { <Confirm prepared=prepared on_back=on_back on_sent=on_sent /> })
            }
            Stage::Sent { id } => branch(move || view! { <Sent draft=draft id=id /> }),
        }}
        <SendErrorNotice failure=draft.failure />
    }
    .into_any()
}

#[component]
fn Choose(draft: Draft) -> impl IntoView {
    let wallet = Wallet::get();
    let input = NodeRef::<html::Input>::new();
    let (progress, busy) = (RwSignal::new(None::<u8>), RwSignal::new(false));
    let wrong = RwSignal::new(None::<String>);
    let latest = StoredValue::new(0_u32);
    let hash = move |_| {
        let Some(input) = input.get_untracked() else { return };
        // Of two files the one that was chosen later counts, whichever is hashed first.
        let generation = latest.get_value().wrapping_add(1);
        latest.set_value(generation);
        let is_latest = move || latest.try_get_value() == Some(generation);
        draft.hashed.set(None);
        wrong.set(None);
        progress.set(Some(0));
        spawn_local(async move {
            let report = move |part| {
                if is_latest() {
                    let _ = progress.try_set(Some(part));
                }
            };
            let done = browser::hash_file(&input, report).await;
            if !is_latest() {
                return;
            }
            let _ = progress.try_set(None);
            match done {
                Ok(hashed) => draft.hashed.set(Some(hashed)),
                Err(why) => wrong.set(Some(why)),
            }
        });
    };
    let review = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some((_, sha256)) = draft.hashed.get_untracked() else {
            return browser::focus(FILE);
        };
        busy.set(true);
        draft.failure.set(None);
        spawn_local(async move {
            match draft.prepare(wallet, sha256).await {
                Ok(prepared) => draft.stage.set(Stage::Review(prepared)),
                Err(failure) => draft.failure.set(Some(failure)),
            }
            let _ = busy.try_set(false);
        });
    };
    view! {
        <form class="card wallet-form wallet-narrow" on:submit=review>
            <div class="field">
                <label for=FILE>"Document"</label>
                <input id=FILE type="file" node_ref=input on:change=hash aria-describedby="document-hint" />
                <span class="field-hint" id="document-hint" role="status">
                    {move || match progress.get() {
                        Some(part) => format!("Hashing in this tab: {part} %"),
                        None => "Of any size. It is hashed in this tab and sent nowhere.".to_owned(),
                    }}
                </span>
                {move || wrong.get().map(|why| view! { <span class="field-error" role="alert">{why}</span> })}
            </div>
            {move || {
                draft
                    .hashed
                    .get()
                    .map(|(name, sha256)| {
                        view! {
                            <Facts>
                                <Fact name="File">{name}</Fact>
                                <Fact name="SHA-256"><code class="wrap">{format!("{sha256:x}")}</code></Fact>
                            </Facts>
                        }
                    })
            }}
            <AccountSelect label="Signed by" name="document-from" chosen=draft.from signing=true />
            <div class="actions">
                <Button kind=ButtonKind::Primary submit=true busy=busy disabled=Signal::derive(move || draft.hashed.with(Option::is_none))>
                    "Review"
                </Button>
                <span class="field-hint">"It costs the fee only."</span>
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn Sent(draft: Draft, id: String) -> impl IntoView {
    let another = move |_| {
        draft.hashed.set(None);
        draft.stage.set(Stage::Choose);
    };
    view! {
        <section class="card wallet-sent" aria-labelledby="anchored">
            <h2 id="anchored">"On its way"</h2>
            <Follow id=id.clone() />
            <p class="prose">"Once it is confirmed, download the receipt on the transaction's page and keep it with the document: together they prove what was signed and when, without this node."</p>
            <div class="actions">
                <ButtonLink href=format!("/tx/{id}") kind=ButtonKind::Primary>"To the transaction and its receipt"</ButtonLink>
                <Button on:click=another>"Another document"</Button>
            </div>
        </section>
    }
    .into_any()
}
