//! Test coins: a transfer from the public account of the playground, signed in this browser.

use leptos::{prelude::*, task::spawn_local};
use tally_chain::Amount;

use super::{
    caution::{look, needs_consent},
    confirm::{Confirm, Prepared},
    error::SendError,
    fees::prices,
    follow::Follow,
    submit::{HandIn, InDoubt},
};
use crate::{
    browser,
    model::ChainInfo,
    prefs::FeeLevel,
    ui::{Button, ButtonKind, SymbolContext},
    wallet::{
        client::node,
        protocol::{AccountSummary, PaymentDraft, Request, WalletError},
        session::Wallet,
    },
};

/// The first account of the phrase that everyone knows. Rule: docs/protocol.md#W6
const PUBLIC_ACCOUNT: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
/// How much one click gives, in coins.
const GIFT: &str = "100";
/// Others may take from the same account at the same moment: then the nonce is read again.
const ATTEMPTS: u32 = 3;

/// What a click came to.
enum Gift {
    /// Id of the transaction.
    Sent(String),
    /// It is signed only after a yes. Rules: docs/protocol.md#W51, #W58
    NeedsConsent(Prepared),
}

/// Offers test coins to an account.
#[component]
pub fn TestCoins(
    #[prop(into)] account: Signal<Option<AccountSummary>>,
    /// Whether it is the one clear way on.
    #[prop(into)]
    prominent: Signal<bool>,
) -> impl IntoView {
    let wallet = Wallet::get();
    let symbol = use_context::<SymbolContext>()
        .map(|symbol| symbol.0)
        .unwrap_or_default();
    let chain = expect_context::<ChainInfo>();
    let hand_in = HandIn::new();
    let HandIn { busy, failure, .. } = hand_in;
    let sent = RwSignal::new(None::<String>);
    let to_confirm = RwSignal::new(None::<Prepared>);
    let get = Callback::new(move |()| {
        let Some(account) = account.get_untracked() else { return };
        busy.set(true);
        failure.set(None);
        sent.set(None);
        let chain = chain.clone();
        spawn_local(async move {
            match take(wallet, &chain, hand_in, &account.address).await {
                Ok(Some(Gift::Sent(id))) => drop(sent.try_set(Some(id))),
                Ok(Some(Gift::NeedsConsent(prepared))) => drop(to_confirm.try_set(Some(prepared))),
                Ok(None) => {}
                Err(why) => drop(failure.try_set(Some(why))),
            }
            let _ = busy.try_set(false);
        });
    });
    let class = move || {
        if prominent.get() {
            "card test-coins test-coins-first"
        } else {
            "card test-coins"
        }
    };
    let to = move || account.get().map(|account| account.label);
    let on_back = Callback::new(move |()| to_confirm.set(None));
    let on_sent = Callback::new(move |id| {
        to_confirm.set(None);
        sent.set(Some(id));
    });
    view! {
        <section class=class aria-labelledby="test-coins">
            <div class="test-coins-text">
                <h2 id="test-coins">"Test coins" <span class="badge badge-public">"PUBLIC"</span></h2>
                <p class="prose">
                    {format!("This chain is a playground: its first account has a key that everyone knows. This browser signs a transfer of {GIFT} {symbol} from it to your ")}
                    {to} ". The coins are worth nothing."
                </p>
            </div>
            <Show when=move || !hand_in.in_doubt() && to_confirm.with(Option::is_none)>
                <Button kind=ButtonKind::Primary busy=busy on:click=move |_| get.run(())>"Get test coins"</Button>
            </Show>
            {move || sent.get().map(|id| view! { <Follow id=id /> })}
            <InDoubt hand_in=hand_in on_taken=Callback::new(move |id| sent.set(Some(id))) />
        </section>
        {move || to_confirm.get().map(|prepared| view! { <Confirm prepared=prepared on_back=on_back on_sent=on_sent /> })}
    }
}

/// Makes the transfer, and signs and sends it where nothing needs a yes. None where `hand_in` has what went wrong.
async fn take(wallet: Wallet, chain: &ChainInfo, hand_in: HandIn, to: &str) -> Result<Option<Gift>, SendError> {
    let fees = node::fees().await.map_err(SendError::node)?;
    let unreadable = || SendError::node("its fees cannot be read".to_owned());
    let prices = prices(FeeLevel::Normal, &fees).ok_or_else(unreadable)?;
    for _ in 0..ATTEMPTS {
        let account = node::account(PUBLIC_ACCOUNT).await.map_err(SendError::node)?;
        let draft = PaymentDraft {
            from: PUBLIC_ACCOUNT.to_owned(),
            to: to.to_owned(),
            value: Amount::from_coins(GIFT).expect("GIFT is written as an amount"),
            memo: String::new(),
            nonce: account.next_nonce,
            timestamp: browser::now().unwrap_or_default(),
            prices: prices.clone(),
        };
        let prepared = Prepared::payment(wallet, Request::PrepareTestCoins { draft }).await?;
        let found = look(wallet, chain, PUBLIC_ACCOUNT, &prepared.payload, None).await;
        if needs_consent(&found.map_err(WalletError::Payment)?) {
            return Ok(Some(Gift::NeedsConsent(prepared)));
        }
        let transfer = prepared.sign(wallet).await?;
        let id = transfer.id.clone();
        if hand_in.send(transfer).await {
            return Ok(Some(Gift::Sent(id)));
        }
        // Another payment took the nonce in the meantime: then the transfer is made again. Nothing else is tried again by
        // itself.
        if !hand_in.nonce_was_taken() {
            break;
        }
    }
    Ok(None)
}
