//! Shared accounts: several people's keys vouch for one account. They are made and taken up here; payments of them are
//! proposals, which go from hand to hand until enough have signed.

mod hand_on;
mod proposal;
mod propose;

use leptos::{prelude::*, task::spawn_local};
use tally_chain::limits::MAX_TEXT_BYTES;

use crate::{
    browser, format,
    ui::{AddressLink, Button, ButtonKind, Empty, Field, Notice, NoticeKind, PageHead, branch},
    wallet::{
        access::gate::Gate,
        parts::{notice::ErrorNotice, scan::Scan},
        protocol::{AccountOrigin, AccountSummary, Answer, ProposalView, Request, SharedRequest, WalletError},
        session::Wallet,
    },
};
use hand_on::HandOn;
use proposal::Proposal;
use propose::Propose;

/// What stands on the page, beyond what the vault keeps.
#[derive(Clone, Copy)]
struct Table {
    /// The proposal that is looked at.
    proposal: RwSignal<Option<ProposalView>>,
    /// The text of an account that a link brought.
    account: RwSignal<String>,
    /// The text of a proposal that a link brought, until the wallet is open.
    brought: RwSignal<Option<String>>,
    failure: RwSignal<Option<WalletError>>,
}

impl Table {
    /// Requests a proposal from the worker and shows it; whether that went well.
    async fn request(self, wallet: Wallet, request: SharedRequest) -> bool {
        self.failure.set(None);
        match wallet.request(Request::Shared(request)).await {
            Ok(Answer::Proposal(view)) => {
                self.proposal.set(Some(*view));
                true
            }
            Ok(_) => false,
            Err(failure) => {
                let _ = self.failure.try_set(Some(failure));
                false
            }
        }
    }
}

/// The page at `/wallet/shared`.
#[component]
pub fn Shared() -> impl IntoView {
    let table = Table {
        proposal: RwSignal::new(None),
        account: RwSignal::default(),
        brought: RwSignal::new(None),
        failure: RwSignal::new(None),
    };
    // What a link brings stands in its fragment, which no server sees; the address bar does not keep it.
    let read = move || {
        let fragment = browser::fragment();
        if let Some(text) = fragment.strip_prefix("account=") {
            table.account.set(text.to_owned());
        } else if let Some(text) = fragment.strip_prefix("proposal=") {
            table.brought.set(Some(text.to_owned()));
        } else {
            return;
        }
        browser::clear_fragment();
    };
    Effect::new(move |_| {
        read();
        // A link may be opened while the page is already here.
        let listening = window_event_listener(leptos::ev::hashchange, move |_| read());
        on_cleanup(move || listening.remove());
    });
    view! {
        <PageHead
            title="Shared accounts"
            lead="An account that several keys control: for example two of three, RSA and ECC in any mix. Each person signs with their own key; no one can pay alone."
        />
        <Gate>
            <Content table=table />
        </Gate>
    }
}

#[component]
fn Content(table: Table) -> impl IntoView {
    let wallet = Wallet::get();
    Effect::new(move |_| {
        if let Some(text) = table.brought.get() {
            table.brought.set(None);
            spawn_local(async move {
                table.request(wallet, SharedRequest::Read { text }).await;
            });
        }
    });
    let accounts = Memo::new(move |_| {
        let mut shared = wallet.current_accounts();
        shared.retain(|account| account.origin == AccountOrigin::Shared);
        shared
    });
    let none = Memo::new(move |_| accounts.with(Vec::is_empty));
    view! {
        {move || match table.proposal.get() {
            Some(view) => branch(move || view! { <Proposal view=view table=table /> }),
            None => {
                branch(move || view! {
                    <section aria-labelledby="shared-list">
                        <h2 id="shared-list">"Yours"</h2>
                        <Show when=move || none.get()>
                            <Empty title="None yet">
                                <p>"Make one from the public keys of its members, or add one that someone else has made."</p>
                            </Empty>
                        </Show>
                        <ul class="wallet-accounts">
                            <For each=move || accounts.get() key=AccountSummary::clone let:account>
                                <Card account=account />
                            </For>
                        </ul>
                    </section>
                    <Show when=move || !none.get()>
                        <Propose accounts=accounts table=table />
                    </Show>
                    <Read table=table />
                    <div class="two-columns">
                        <Make />
                        <TakeUp text=table.account />
                    </div>
                })
            }
        }}
    }
    .into_any()
}

#[component]
fn Card(account: AccountSummary) -> impl IntoView {
    let wallet = Wallet::get();
    let (text, failure) = (RwSignal::new(None::<String>), RwSignal::new(None::<WalletError>));
    let address = account.address.clone();
    let hand_on = move |_| {
        let address = address.clone();
        spawn_local(async move {
            match wallet.request(Request::Shared(SharedRequest::HandOn { address })).await {
                Ok(Answer::SharedText { text: answer }) => text.set(Some(answer)),
                Ok(_) => {}
                Err(error) => drop(failure.try_set(Some(error))),
            }
        });
    };
    let name = account.label.clone();
    view! {
        <li class="card wallet-account">
            <strong>{account.label.clone()}</strong>
            <AddressLink address=account.address.clone() />
            <div class="actions">
                <Button on:click=hand_on>"Give it to the others"</Button>
            </div>
            {move || {
                text.get()
                    .map(|text| {
                        view! { <HandOn what="account" text=text file=format!("{}.txt", format::file_name(&name)) /> }
                    })
            }}
            {move || failure.get().map(|failure| view! { <ErrorNotice title="It was not written" error=failure /> })}
        </li>
    }
}

/// A proposal that came from another person.
#[component]
fn Read(table: Table) -> impl IntoView {
    let wallet = Wallet::get();
    view! {
        <section class="card wallet-narrow" aria-labelledby="read-proposal">
            <h2 id="read-proposal">"Look at a proposal"</h2>
            <TextForm
                name="proposal"
                label="Text of the proposal"
                button="Look at it"
                then=move |text| {
                    spawn_local(async move {
                        table.request(wallet, SharedRequest::Read { text }).await;
                    });
                }
            />
            {move || {
                table.failure.get().map(|failure| view! { <ErrorNotice title="The proposal is not shown" error=failure /> })
            }}
        </section>
    }
}

/// A text to paste, or the file that holds it.
#[component]
fn TextForm(
    name: &'static str,
    label: &'static str,
    button: &'static str,
    #[prop(optional)] text: RwSignal<String>,
    then: impl Fn(String) + Clone + Send + 'static,
) -> impl IntoView {
    let input = NodeRef::<leptos::html::Input>::new();
    let wrong = RwSignal::new(None::<String>);
    let file = format!("{name}-file");
    let chosen = move |_| {
        let Some(input) = input.get_untracked() else { return };
        spawn_local(async move {
            match browser::read_text(&input, MAX_TEXT_BYTES).await {
                Ok(read) => {
                    text.set(read);
                    wrong.set(None);
                }
                Err(why) => wrong.set(Some(why)),
            }
        });
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        // A link holds the same as its text.
        let typed = text.get_untracked();
        let inner = typed.split_once('=').filter(|(start, _)| start.contains('#'));
        then(inner.map_or(typed.as_str(), |(_, text)| text).trim().to_owned());
    };
    view! {
        <form class="wallet-form" on:submit=submit>
            <div class="field">
                <label for=name>{label}</label>
                <textarea
                    id=name
                    rows="3"
                    spellcheck="false"
                    autocapitalize="off"
                    prop:value=move || text.get()
                    on:input=move |event| text.set(event_target_value(&event))
                ></textarea>
                <span class="field-hint">"Paste the text or the link."</span>
            </div>
            <div class="field">
                <label for=file.clone()>"Or its file"</label>
                <input id=file.clone() type="file" accept=".txt,text/plain" node_ref=input on:change=chosen />
                {move || wrong.get().map(|why| view! { <span class="field-error" role="alert">{why}</span> })}
            </div>
            <Scan name=name on_text=Callback::new(move |read| text.set(read)) />
            <div class="actions">
                <Button submit=true disabled=Signal::derive(move || text.with(|text| text.trim().is_empty()))>{button}</Button>
            </div>
        </form>
    }
    .into_any()
}

/// A new shared account from its keys.
#[component]
fn Make() -> impl IntoView {
    let wallet = Wallet::get();
    let (name, required, keys) = (
        RwSignal::new(String::new()),
        RwSignal::new("2".to_owned()),
        RwSignal::new(String::new()),
    );
    let (busy, made) = (RwSignal::new(false), RwSignal::new(false));
    let failure = RwSignal::new(None::<WalletError>);
    let own = move || {
        let accounts = wallet.signing_accounts().into_iter();
        accounts
            .map(|account| {
                let address = account.address.clone();
                let add = move |_| {
                    keys.update(|keys| {
                        if !keys.contains(&address) {
                            if !keys.is_empty() && !keys.ends_with('\n') {
                                keys.push('\n');
                            }
                            keys.push_str(&address);
                            keys.push('\n');
                        }
                    });
                };
                let short = format::shortened(&account.address, 6, 4);
                view! {
                    <button class="chip" type="button" on:click=add>
                        {account.label} <span class="faint">{short}</span>
                    </button>
                }
            })
            .collect_view()
    };
    let make = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let lines = keys.get_untracked();
        let keys_given: Vec<String> = lines.split_whitespace().map(str::to_owned).collect();
        let Ok(number) = required.get_untracked().trim().parse::<usize>() else {
            return browser::focus("shared-required");
        };
        let name_given = name.get_untracked();
        busy.set(true);
        failure.set(None);
        made.set(false);
        spawn_local(async move {
            let request = SharedRequest::Create {
                name: name_given,
                required: number,
                keys: keys_given,
            };
            let outcome = wallet.request(Request::Shared(request)).await;
            let _ = busy.try_set(false);
            match outcome {
                Ok(_) => {
                    let _ = name.try_set(String::new());
                    let _ = keys.try_set(String::new());
                    let _ = made.try_set(true);
                }
                Err(error) => drop(failure.try_set(Some(error))),
            }
        });
    };
    view! {
        <section class="card" aria-labelledby="make-shared">
            <h2 id="make-shared">"Make one"</h2>
            <form class="wallet-form" on:submit=make>
                <Field
                    label="Name"
                    name="shared-name"
                    value=name
                    hint="The others see it when you give them the account."
                    on_input=Callback::new(move |text| name.set(text))
                />
                <div class="field">
                    <label for="shared-keys">"Public keys"</label>
                    <textarea
                        id="shared-keys"
                        rows="5"
                        spellcheck="false"
                        autocapitalize="off"
                        prop:value=move || keys.get()
                        on:input=move |event| keys.set(event_target_value(&event))
                    ></textarea>
                    <span class="field-hint">"One a line, at most 16: in hex, as the page “Keys” shows them, or an own account's address. Their order does not matter."</span>
                    <div class="chips" role="group" aria-label="Add an own key">{own}</div>
                </div>
                <Field
                    label="How many have to sign"
                    name="shared-required"
                    kind="number"
                    value=required
                    on_input=Callback::new(move |text| required.set(text))
                />
                <div class="actions">
                    <Button kind=ButtonKind::Primary submit=true busy=busy>"Make the account"</Button>
                </div>
            </form>
            {move || {
                made.get()
                    .then(|| {
                        view! {
                            <Notice kind=NoticeKind::Success title="The account was made">
                                <p>"Give it to the others, so that they see it, too, and can check that their keys are in it."</p>
                            </Notice>
                        }
                    })
            }}
            {move || failure.get().map(|failure| view! { <ErrorNotice title="The account was not made" error=failure /> })}
        </section>
    }
    .into_any()
}

/// A shared account that another person made.
#[component]
fn TakeUp(text: RwSignal<String>) -> impl IntoView {
    let wallet = Wallet::get();
    let failure = RwSignal::new(None::<WalletError>);
    let take_up = move |given: String| {
        failure.set(None);
        spawn_local(async move {
            match wallet
                .request(Request::Shared(SharedRequest::TakeUp { text: given }))
                .await
            {
                Ok(_) => drop(text.try_set(String::new())),
                Err(error) => drop(failure.try_set(Some(error))),
            }
        });
    };
    view! {
        <section class="card" aria-labelledby="take-up">
            <h2 id="take-up">"Take one up"</h2>
            <TextForm name="account" label="Text of the account" button="Take it up" text=text then=take_up />
            {move || failure.get().map(|failure| view! { <ErrorNotice title="The account was not taken up" error=failure /> })}
        </section>
    }
    .into_any()
}
