//! Test coins: a transfer from the public account of the playground, signed in this browser.

use leptos::{prelude::*, task::spawn_local};

use super::{
    fees::prices,
    follow::Follow,
    node,
    protocol::{AccountSummary, Answer, Order, Request},
    state::Wallet,
};
use crate::{
    browser,
    prefs::FeeLevel,
    ui::{Button, ButtonKind, Notice, NoticeKind, SymbolContext},
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
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<String>);
    let sent = RwSignal::new(None::<String>);
    let get = move |_| {
        let Some(account) = account.get_untracked() else { return };
        busy.set(true);
        failure.set(None);
        sent.set(None);
        spawn_local(async move {
            match take(wallet, &account.address).await {
                Ok(id) => drop(sent.try_set(Some(id))),
                Err(why) => drop(failure.try_set(Some(why))),
            }
            let _ = busy.try_set(false);
        });
    };
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
            <Button kind=ButtonKind::Primary busy=busy on:click=get>"Get test coins"</Button>
            {move || sent.get().map(|id| view! { <Follow id=id /> })}
            {move || {
                failure
                    .get()
                    .map(|why| {
                        view! {
                            <Notice kind=NoticeKind::Error title="No test coins came">
                                <p>{why}</p>
                                <p>"Try again in a moment: someone else may be taking from the same account."</p>
                            </Notice>
                        }
                    })
            }}
        </section>
    }
}

/// Signs and sends the transfer. The id of the transaction.
async fn take(wallet: Wallet, to: &str) -> Result<String, String> {
    let fees = node::fees().await?;
    let prices = prices(FeeLevel::Normal, &fees).ok_or("the node's fees cannot be read")?;
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let order = Order {
            from: PUBLIC_ACCOUNT.to_owned(),
            to: to.to_owned(),
            coins: GIFT.to_owned(),
            memo: String::new(),
            nonce: node::account(PUBLIC_ACCOUNT).await?.next_nonce,
            timestamp: browser::now().unwrap_or_default(),
            prices: prices.clone(),
        };
        let (id, envelope) = match wallet.ask(Request::SignTestCoins { order }).await {
            Ok(Answer::Signed { id, envelope }) => (id, envelope),
            Ok(_) => return Err("the wallet's worker answered something else".to_owned()),
            Err(trouble) => return Err(trouble.to_string()),
        };
        match node::submit(envelope).await {
            Ok(()) => return Ok(id),
            Err(why) => last = why,
        }
    }
    Err(last)
}
