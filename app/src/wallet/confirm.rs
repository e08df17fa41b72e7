//! The last look before a signature: what the bytes say, what is to be known, and the button.

use leptos::{prelude::*, task::spawn_local};
use tally_chain::Bytes;

use super::{
    balances::Balances,
    caution::{Caution, Cautions, look},
    failure::{Failure, FailureNotice},
    journal::{self, Purpose, Sent},
    node,
    protocol::{Answer, Request, ReviewText},
    review::Review,
    state::Wallet,
};
use crate::{
    browser,
    model::ChainInfo,
    ui::{Button, ButtonKind, Notice, NoticeKind},
};

/// Bytes that were made and read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    pub payload: Bytes,
    pub review: Box<ReviewText>,
    pub purpose: Purpose,
    /// The waiting transaction in whose place it shall stand.
    pub replaces: Option<String>,
    /// The recipient as it was typed.
    pub typed: Option<String>,
}

impl Prepared {
    /// Signs the reviewed bytes in the worker, hands them to the node, and remembers them.
    async fn sign_and_send(self, wallet: Wallet, genesis: String) -> Result<String, Failure> {
        let Self {
            payload,
            review,
            purpose,
            replaces,
            ..
        } = self;
        let from = review.from.clone();
        let (id, envelope) = match wallet.ask(Request::Sign { from, payload }).await? {
            Answer::Signed { id, envelope } => (id, envelope),
            _ => return Err(Failure::confused()),
        };
        node::submit(envelope.clone()).await.map_err(Failure::refused)?;
        let sent = Sent {
            id: id.clone(),
            from: review.from,
            nonce: review.nonce,
            at: browser::now().unwrap_or_default(),
            purpose,
            replaces,
            envelope,
        };
        journal::add(&genesis, sent);
        Ok(id)
    }
}

/// Shows everything that will be signed, with what is to be known of it, and signs it.
#[component]
pub fn Confirm(prepared: Prepared, on_back: Callback<()>, on_sent: Callback<String>) -> impl IntoView {
    let (wallet, balances) = (Wallet::get(), Balances::get());
    let chain = expect_context::<ChainInfo>();
    let genesis = chain.genesis_id.clone();
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let cautions = RwSignal::new(None::<Result<Vec<Caution>, String>>);
    let ready = RwSignal::new(false);
    let looked = prepared.clone();
    Effect::new(move |_| {
        let (chain, bytes) = (chain.clone(), looked.clone());
        spawn_local(async move {
            let found = look(
                wallet,
                &chain,
                &bytes.review.from,
                &bytes.payload,
                bytes.typed.as_deref(),
            )
            .await;
            let _ = cautions.try_set(Some(found));
        });
    });
    let (title, lead) = match prepared.purpose {
        Purpose::Payment => ("Is this what you want to sign?", ""),
        Purpose::SpeedUp => (
            "Pay more, so that it goes faster?",
            "The same payment in the place of the one that waits: only one of the two can happen. ",
        ),
        Purpose::Cancel => (
            "Cancel the payment that waits?",
            "An empty payment to yourself takes its place. If a miner was quicker, the first one stands. ",
        ),
        Purpose::Fill => (
            "Fill the missing nonce?",
            "An empty payment to yourself; what waits behind it can go on then. ",
        ),
    };
    let review = (*prepared.review).clone();
    let sign = move |_| {
        let (prepared, genesis) = (prepared.clone(), genesis.clone());
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            match prepared.sign_and_send(wallet, genesis).await {
                Ok(id) => {
                    balances.refresh();
                    on_sent.run(id);
                }
                Err(error) => drop(failure.try_set(Some(error))),
            }
            let _ = busy.try_set(false);
        });
    };
    let warned = move || {
        match cautions.get() {
        None => view! { <p class="faint" role="status">"Looking at the recipient and the fee…"</p> }.into_any(),
        Some(Ok(cautions)) => view! { <Cautions cautions=cautions ready=ready /> }.into_any(),
        Some(Err(why)) => view! {
            <Notice kind=NoticeKind::Warning title="The recipient could not be looked at">
                <p>{format!("The node did not answer: {why}")}</p>
                <p>"Whether you paid this address before, or it is a contract, is not known now. Compare every digit."</p>
            </Notice>
        }
        .into_any(),
    }
    };
    Effect::new(move |_| {
        if cautions.with(|found| matches!(found, Some(Err(_)))) {
            ready.set(true);
        }
    });
    view! {
        <section class="card wallet-review" aria-labelledby="review">
            <h2 id="review">{title}</h2>
            <p class="prose">{lead} "Read back from the very bytes that your key will sign. Compare the whole address."</p>
            <Review review=review />
            {warned}
            <div class="actions">
                <Button kind=ButtonKind::Primary busy=busy disabled=Signal::derive(move || !ready.get()) on:click=sign>
                    {move || if busy.get() { "Signing…" } else { "Sign and send" }}
                </Button>
                <Button on:click=move |_| on_back.run(())>"Back"</Button>
            </div>
            <FailureNotice failure=failure />
        </section>
    }
}
