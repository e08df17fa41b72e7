//! Sending: a form, a review of the very bytes, a signature, and the way into the chain.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;
use tally_api::fees::FeesBody;
use tally_chain::limits::MAX_MEMO_BYTES;
use tally_chain::{Amount, KeyKind, address};

use crate::{
    browser, format,
    live::Live,
    model::ChainInfo,
    prefs::{FeeLevel, Prefs, Unit},
    ui::{Button, ButtonKind, ButtonLink, Field, PageHead, SymbolContext, branch},
    wallet::{
        access::gate::Gate,
        client::{
            balances::{Balance, Balances},
            node,
        },
        parts::{
            account::{AccountSelect, BalanceLine, chosen_account},
            requests,
            scan::Scan,
        },
        protocol::{PaymentDraft, Request},
        sending::{
            confirm::{Confirm, Prepared},
            error::{SendError, SendErrorNotice},
            fees::{FeeChoice, prices},
            follow::Follow,
        },
        session::Wallet,
    },
};

/// How far the payment has come.
#[derive(Clone, PartialEq, Eq)]
enum Stage {
    Form,
    Review(Prepared),
    Sent { id: String },
}

/// The payment that is being made.
#[derive(Clone, Copy)]
struct Draft {
    from: RwSignal<String>,
    to: RwSignal<String>,
    coins: RwSignal<String>,
    memo: RwSignal<String>,
    level: RwSignal<FeeLevel>,
    fees: RwSignal<Option<FeesBody>>,
    stage: RwSignal<Stage>,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<SendError>>,
    /// Whether errors of fields are shown: not before the first try.
    tried: RwSignal<bool>,
    /// In what amounts are typed.
    unit: Unit,
    /// What is wrong with the payment link that was pasted.
    link_error: RwSignal<Option<String>>,
    /// Whether the form was filled in from a payment link.
    from_link: RwSignal<bool>,
}

impl Draft {
    fn new() -> Self {
        let to = use_query_map().with_untracked(|query| query.get("to").unwrap_or_default());
        Self {
            from: sender(),
            to: RwSignal::new(to),
            coins: RwSignal::default(),
            memo: RwSignal::default(),
            level: RwSignal::new(untrack(|| Prefs::get().read(|prefs| prefs.fee))),
            fees: RwSignal::new(None),
            stage: RwSignal::new(Stage::Form),
            busy: RwSignal::new(false),
            failure: RwSignal::new(None),
            tried: RwSignal::new(false),
            unit: Unit::chosen(),
            link_error: RwSignal::new(None),
            from_link: RwSignal::new(false),
        }
    }

    /// Takes what was typed or pasted as the recipient; a payment link fills in the amount as well.
    fn take_recipient(self, text: String, chain_id: u64) {
        let (link, error) = match requests::read(&text, chain_id) {
            None => (None, None),
            Some(Ok(request)) => (Some(request), None),
            Some(Err(why)) => (None, Some(why)),
        };
        self.from_link.set(link.is_some());
        if error.is_some() {
            self.tried.set(true);
        }
        self.link_error.set(error);
        match link {
            Some((to, amount)) => {
                self.to.set(to);
                if let Some(amount) = amount {
                    self.coins.set(self.unit.write(amount));
                }
            }
            None => self.to.set(text),
        }
    }

    fn recipient_error(self) -> Option<String> {
        if let Some(why) = self.link_error.get() {
            return Some(format!("Nothing was filled in: {why}."));
        }
        self.to.with(|to| match to.trim() {
            "" => Some("Paste or type the address to pay.".to_owned()),
            to => address::parse(to)
                .err()
                .map(|error| format!("This is not an address: {error}.")),
        })
    }

    fn amount_error(self, available: Option<Amount>) -> Option<String> {
        self.coins.with(|typed| match self.unit.read(typed) {
            Err(_) if typed.trim().is_empty() => Some(format!("How much? For instance {}", self.unit.example())),
            Err(error) => Some(error),
            Ok(amount) if amount.is_zero() => Some("The amount is zero.".to_owned()),
            Ok(amount) => match available {
                Some(available) if amount > available => {
                    Some(format!("The account holds {} only.", self.unit.write(available)))
                }
                _ => None,
            },
        })
    }

    fn memo_error(self) -> Option<String> {
        let bytes = self.memo.with(String::len);
        (bytes > MAX_MEMO_BYTES).then(|| format!("{bytes} bytes; at most {MAX_MEMO_BYTES} fit."))
    }

    /// Builds the bytes for this amount and reads them back; with what the account may spend right now.
    async fn prepare(self, wallet: Wallet, value: Amount) -> Result<(Prepared, Amount), SendError> {
        let fees = node::fees().await.map_err(SendError::node)?;
        let prices = prices(self.level.get_untracked(), &fees)
            .ok_or_else(|| SendError::node("its fees cannot be read".to_owned()))?;
        self.fees.set(Some(fees));
        let from = self.from.get_untracked();
        let account = node::account(&from).await.map_err(SendError::node)?;
        let free = account.free();
        let to = self.to.get_untracked();
        let draft = PaymentDraft {
            from,
            to: to.clone(),
            value,
            memo: self.memo.get_untracked(),
            nonce: account.next_nonce,
            timestamp: browser::now().unwrap_or_default(),
            prices,
        };
        let payment = Prepared::payment(wallet, Request::Prepare { draft }).await?;
        let prepared = Prepared {
            typed: Some(to),
            ..payment
        };
        Ok((prepared, free))
    }

    /// From the form to the review.
    async fn to_review(self, wallet: Wallet) {
        let Ok(value) = self.coins.with_untracked(|typed| self.unit.read(typed)) else {
            // Beside its field stands what is wrong with it.
            return;
        };
        let prepared = self.prepare(wallet, value).await;
        let checked = prepared.and_then(|(prepared, free)| {
            let needed = prepared.review.max_total;
            if needed > free {
                return Err(SendError {
                    what: "The account does not hold enough",
                    why: format!(
                        "With its highest fee the payment needs {}; the account holds {} that no waiting payment may need.",
                        needed.to_coins(),
                        free.to_coins()
                    ),
                    next: "Send less, or press “All of it” to leave just the fee.",
                });
            }
            Ok(Stage::Review(prepared))
        });
        match checked {
            Ok(stage) => self.stage.set(stage),
            Err(failure) => self.failure.set(Some(failure)),
        }
    }

    /// The highest amount that leaves room for the highest fee.
    async fn fill_all(self, wallet: Wallet, available: Amount) {
        let outcome = self.prepare(wallet, available).await.and_then(|(prepared, free)| {
            free.checked_sub(prepared.review.max_fee).ok_or(SendError {
                what: "The account does not hold enough",
                why: "Not even the fee can be paid.".to_owned(),
                next: "Receive some coins first.",
            })
        });
        match outcome {
            Ok(amount) => self.coins.set(self.unit.write(amount)),
            Err(failure) => self.failure.set(Some(failure)),
        }
    }

    fn again(self) {
        self.failure.set(None);
        self.tried.set(false);
        self.stage.set(Stage::Form);
    }
}

/// The account that the query names, if the wallet can sign for it; else the first that it can sign for.
fn sender() -> RwSignal<String> {
    let wanted = chosen_account("from").get_untracked();
    let accounts = untrack(|| Wallet::get().signing_accounts());
    let known = accounts.iter().find(|account| account.address == wanted);
    let known = known.or(accounts.first());
    RwSignal::new(known.map(|account| account.address.clone()).unwrap_or_default())
}

/// The page at `/wallet/send`.
#[component]
pub fn SendCoins() -> impl IntoView {
    view! {
        <PageHead title="Send" />
        <Gate>
            <Content />
        </Gate>
    }
}

#[component]
fn Content() -> impl IntoView {
    let draft = Draft::new();
    let live = Live::get();
    // Apart from what went wrong with an order: it goes once the fees are read again.
    let unread = RwSignal::new(None::<SendError>);
    Effect::new(move |_| {
        live.on_chain();
        spawn_local(async move {
            match node::fees().await {
                Ok(fees) => {
                    let _ = draft.fees.try_set(Some(fees));
                    let _ = unread.try_set(None);
                }
                Err(why) => drop(unread.try_set(Some(SendError::node(why)))),
            }
        });
    });
    let stage = Memo::new(move |_| draft.stage.get());
    view! {
        {move || match stage.get() {
            Stage::Form => branch(move || view! { <Form draft=draft /> }),
            Stage::Review(prepared) => {
                let on_back = Callback::new(move |()| draft.again());
                let on_sent = Callback::new(move |id| draft.stage.set(Stage::Sent { id }));
                branch(move || view! { <Confirm prepared=prepared on_back=on_back on_sent=on_sent /> })
            }
            Stage::Sent { id } => branch(move || view! { <Sent draft=draft id=id /> }),
        }}
        <SendErrorNotice failure=unread />
        <SendErrorNotice failure=draft.failure />
    }
}

#[component]
fn Form(draft: Draft) -> impl IntoView {
    let (wallet, balances) = (Wallet::get(), Balances::get());
    let chain_id = expect_context::<ChainInfo>().chain_id;
    let symbol = use_context::<SymbolContext>()
        .map(|symbol| symbol.0)
        .unwrap_or_default();
    balances.refresh();
    let balance = Memo::new(move |_| draft.from.with(|from| balances.of(from)));
    let available = move || balance.get_untracked().map(|balance: Balance| balance.amount);
    let kind = Signal::derive(move || {
        let from = draft.from.get();
        wallet
            .accounts()
            .iter()
            .find(|account| account.address == from)
            .and_then(|account| account.kind)
            .unwrap_or(KeyKind::Secp256k1)
    });
    let shown = move |error: Option<String>| {
        if draft.tried.get() {
            error.unwrap_or_default()
        } else {
            String::new()
        }
    };
    let to_error = Signal::derive(move || shown(draft.recipient_error()));
    let coins_error = Signal::derive(move || shown(draft.amount_error(balance.get().map(|balance| balance.amount))));
    let memo_error = Signal::derive(move || shown(draft.memo_error()));
    let memo_hint = "Public on the chain, for ever. Leave it empty for no memo.";
    let begin = move || {
        draft.busy.set(true);
        draft.failure.set(None);
    };
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        draft.tried.set(true);
        let errors = [
            draft.recipient_error(),
            draft.amount_error(available()),
            draft.memo_error(),
        ];
        let fields = ["to", "coins", "memo"];
        if let Some((field, _)) = fields.iter().zip(errors).find(|(_, error)| error.is_some()) {
            return browser::focus(field);
        }
        begin();
        spawn_local(async move {
            draft.to_review(wallet).await;
            let _ = draft.busy.try_set(false);
        });
    };
    let on_all = move |_| {
        if draft.recipient_error().is_some() {
            draft.tried.set(true);
            return browser::focus("to");
        }
        let Some(available) = available() else { return };
        begin();
        spawn_local(async move {
            draft.fill_all(wallet, available).await;
            let _ = draft.busy.try_set(false);
        });
    };
    let chips = move |known: Vec<(String, String)>| {
        let from = draft.from.get();
        known
            .into_iter()
            .filter(|(_, address)| *address != from)
            .map(|(label, address)| {
                let short = format::shortened(&address, 6, 4);
                view! {
                    <button class="chip" type="button" on:click=move |_| draft.take_recipient(address.clone(), chain_id)>
                        {label} <span class="faint">{short}</span>
                    </button>
                }
            })
            .collect_view()
    };
    let own = move || {
        let accounts = wallet.current_accounts().into_iter();
        chips(accounts.map(|account| (account.label, account.address)).collect())
    };
    let contacts = move || {
        let contacts = wallet.contacts().into_iter();
        chips(contacts.map(|contact| (contact.label, contact.address)).collect())
    };
    view! {
        <form class="card wallet-form wallet-narrow" on:submit=on_submit>
            <div>
                <AccountSelect label="From" name="from" chosen=draft.from signing=true />
                <BalanceLine balance=balance />
            </div>
            <div>
                <Field
                    label="To"
                    name="to"
                    placeholder="0x…"
                    value=draft.to
                    error=to_error
                    hint="An address, or a payment link that begins with ethereum:"
                    on_input=Callback::new(move |text| draft.take_recipient(text, chain_id))
                />
                <Scan name="to" on_text=Callback::new(move |text| draft.take_recipient(text, chain_id)) />
                {move || draft.from_link.get().then(|| view! { <p class="field-hint" role="status">"Filled in from the payment link."</p> })}
                <div class="chips" role="group" aria-label="Address book">{contacts}</div>
                <div class="chips" role="group" aria-label="Your own accounts">{own}</div>
            </div>
            <div class="wallet-amount">
                <Field
                    label=format!("Amount in {}", draft.unit.word(&symbol))
                    name="coins"
                    placeholder=draft.unit.example()
                    value=draft.coins
                    error=coins_error
                    on_input=Callback::new(move |text| draft.coins.set(text))
                />
                <Button on:click=on_all>"All of it"</Button>
            </div>
            <Field
                label="Memo"
                name="memo"
                value=draft.memo
                error=memo_error
                hint=memo_hint
                on_input=Callback::new(move |text| draft.memo.set(text))
            />
            <FeeChoice
                level=draft.level
                fees=draft.fees
                kind=kind
                memo=Signal::derive(move || draft.memo.with(String::len))
            />
            <div class="actions">
                <Button kind=ButtonKind::Primary submit=true busy=draft.busy>"Review"</Button>
                <span class="field-hint">"Nothing is signed yet."</span>
            </div>
        </form>
    }
}

#[component]
fn Sent(draft: Draft, id: String) -> impl IntoView {
    let another = move |_| {
        draft.coins.set(String::new());
        draft.memo.set(String::new());
        draft.again();
    };
    view! {
        <section class="card wallet-sent" aria-labelledby="sent">
            <h2 id="sent">"On its way"</h2>
            <Follow id=id />
            <div class="actions">
                <ButtonLink href="/wallet" kind=ButtonKind::Primary>"To the accounts"</ButtonLink>
                <Button on:click=another>"Send another"</Button>
            </div>
        </section>
    }
}
