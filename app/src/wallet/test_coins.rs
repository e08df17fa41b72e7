//! Test coins: a transfer from the public account of the playground, signed in this browser.

use leptos::{prelude::*, task::spawn_local};

use super::{
    failure::Failure,
    fees::prices,
    follow::Follow,
    journal::{Purpose, Sent},
    node,
    protocol::{AccountSummary, Answer, Order, Request},
    state::Wallet,
    submit::{HandIn, InDoubt},
};
use crate::{
    browser,
    prefs::FeeLevel,
    ui::{Button, ButtonKind, SymbolContext},
};

/// The first account of the phrase that everyone knows. Rule: docs/protocol.md#W6
const PUBLIC_ACCOUNT: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
/// How much one click gives, in coins.
const GIFT: &str = "100";
/// Others may take from the same account at the same moment: then the nonce is read again.
const ATTEMPTS: u32 = 3;

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
    let hand_in = HandIn::new();
    let HandIn { busy, failure, .. } = hand_in;
    let sent = RwSignal::new(None::<String>);
    let get = Callback::new(move |()| {
        let Some(account) = account.get_untracked() else { return };
        busy.set(true);
        failure.set(None);
        sent.set(None);
        spawn_local(async move {
            match take(wallet, hand_in, &account.address).await {
                Ok(id) => drop(sent.try_set(id)),
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
    view! {
        <section class=class aria-labelledby="test-coins">
            <div class="test-coins-text">
                <h2 id="test-coins">"Test coins" <span class="badge badge-public">"PUBLIC"</span></h2>
                <p class="prose">
                    {format!("This chain is a playground: its first account has a key that everyone knows. This browser signs a transfer of {GIFT} {symbol} from it to your ")}
                    {to} ". The coins are worth nothing."
                </p>
            </div>
            <Show when=move || !hand_in.in_doubt()>
                <Button kind=ButtonKind::Primary busy=busy on:click=move |_| get.run(())>"Get test coins"</Button>
            </Show>
            {move || sent.get().map(|id| view! { <Follow id=id /> })}
            <InDoubt hand_in=hand_in on_taken=Callback::new(move |id| sent.set(Some(id))) />
        </section>
    }
}

/// Signs and sends the transfer. The id of the transaction; none where `hand_in` says what went wrong.
async fn take(wallet: Wallet, hand_in: HandIn, to: &str) -> Result<Option<String>, Failure> {
    let fees = node::fees().await.map_err(Failure::node)?;
    let unreadable = || Failure::node("its fees cannot be read".to_owned());
    let prices = prices(FeeLevel::Normal, &fees).ok_or_else(unreadable)?;
    for _ in 0..ATTEMPTS {
        let account = node::account(PUBLIC_ACCOUNT).await.map_err(Failure::node)?;
        let order = Order {
            from: PUBLIC_ACCOUNT.to_owned(),
            to: to.to_owned(),
            coins: GIFT.to_owned(),
            memo: String::new(),
            nonce: account.next_nonce,
            timestamp: browser::now().unwrap_or_default(),
            prices: prices.clone(),
        };
        let Answer::Signed { id, envelope } = wallet.ask(Request::SignTestCoins { order }).await? else {
            return Err(Failure::confused());
        };
        let transfer = Sent {
            id: id.clone(),
            from: PUBLIC_ACCOUNT.to_owned(),
            nonce: account.next_nonce,
            at: browser::now().unwrap_or_default(),
            purpose: Purpose::Payment,
            replaces: None,
            envelope,
            acknowledged: false,
        };
        if hand_in.send(transfer).await {
            return Ok(Some(id));
        }
        // Somebody took the nonce in the meantime: then the transfer is made anew. Nothing else is tried again by itself.
        if !hand_in.nonce_was_taken() {
            break;
        }
    }
    Ok(None)
}
