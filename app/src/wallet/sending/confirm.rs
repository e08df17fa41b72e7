//! The last look before a signature: the content of the bytes, what is to be known, and the button.

use leptos::{prelude::*, task::spawn_local};
use tally_chain::Bytes;

use super::{
    caution::{Caution, Cautions, look},
    error::SendError,
    review::Review,
    submit::{HandIn, InDoubt},
};
use crate::{
    browser,
    model::ChainInfo,
    ui::{Button, ButtonKind, Notice, NoticeKind, branch},
    wallet::{
        client::balances::Balances,
        protocol::{Answer, Request, ReviewText},
        session::Wallet,
        storage::journal::{Purpose, Sent},
    },
};

/// Bytes that were made and read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    pub payload: Bytes,
    pub review: Box<ReviewText>,
    pub purpose: Purpose,
    /// The waiting transaction that it replaces.
    pub replaces: Option<String>,
    /// The recipient as it was typed.
    pub typed: Option<String>,
}

impl Prepared {
    /// Has the worker make the bytes of a payment, and read them back; `request` is one of those that prepare something.
    pub async fn payment(wallet: Wallet, request: Request) -> Result<Self, SendError> {
        let Answer::Prepared { payload, review } = wallet.request(request).await? else {
            return Err(SendError::confused());
        };
        Ok(Self {
            payload,
            review,
            purpose: Purpose::Payment,
            replaces: None,
            typed: None,
        })
    }

    /// Signs the reviewed bytes in the worker: what is to be handed to the node.
    pub async fn sign(self, wallet: Wallet) -> Result<Sent, SendError> {
        let from = self.review.from.clone();
        let payload = self.payload;
        let Answer::Signed { id, envelope } = wallet.request(Request::Sign { from, payload }).await? else {
            return Err(SendError::confused());
        };
        Ok(Sent {
            id,
            from: self.review.from,
            nonce: self.review.nonce,
            at: browser::now().unwrap_or_default(),
            purpose: self.purpose,
            replaces: self.replaces,
            envelope,
            acknowledged: false,
            again: false,
        })
    }
}

/// Shows everything that will be signed, with what is to be known of it, and signs it.
#[component]
pub fn Confirm(prepared: Prepared, on_back: Callback<()>, on_sent: Callback<String>) -> impl IntoView {
    let (wallet, balances) = (Wallet::get(), Balances::get());
    let chain = expect_context::<ChainInfo>();
    let hand_in = HandIn::new();
    let HandIn { busy, failure, .. } = hand_in;
    // Reviewed bytes are signed once; what was rejected is made again.
    let spent = RwSignal::new(false);
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
            "The same payment, to replace the one that waits: only one of the two can happen. ",
        ),
        Purpose::Cancel => (
            "Cancel the payment that waits?",
            "An empty payment to yourself replaces it. If a miner is quicker, the first payment is in a block. ",
        ),
        Purpose::Fill => (
            "Fill the missing nonce?",
            "An empty payment to yourself; the payments that wait for this nonce can then proceed. ",
        ),
    };
    let review = (*prepared.review).clone();
    let taken = Callback::new(move |id| {
        balances.refresh();
        on_sent.run(id);
    });
    let sign = Callback::new(move |()| {
        let prepared = prepared.clone();
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            match prepared.sign(wallet).await {
                Ok(sent) => {
                    let _ = spent.try_set(true);
                    let id = sent.id.clone();
                    if hand_in.send(sent).await {
                        taken.run(id);
                    }
                }
                Err(error) => drop(failure.try_set(Some(error))),
            }
            let _ = busy.try_set(false);
        });
    });
    let blocked = Signal::derive(move || !ready.get() || spent.get());
    let warned = move || {
        match cautions.get() {
            None => branch(|| view! { <p class="faint" role="status">"Looking at the recipient and the fee…"</p> }),
            Some(Ok(cautions)) => branch(move || view! { <Cautions cautions=cautions ready=ready /> }),
            // Bytes that cannot be read are not signed.
            Some(Err(why)) => branch(move || view! { <Unreadable why=why /> }),
        }
    };
    view! {
        <section class="card wallet-review" aria-labelledby="review">
            <h2 id="review">{title}</h2>
            <p class="prose">{lead} "Decoded from the bytes that your key will sign. Compare the whole address."</p>
            <Review review=review />
            {warned}
            <div class="actions">
                <Show when=move || !hand_in.in_doubt()>
                    <Button kind=ButtonKind::Primary busy=busy disabled=blocked on:click=move |_| sign.run(())>
                        {move || if busy.get() { "Signing…" } else { "Sign and send" }}
                    </Button>
                </Show>
                <Button on:click=move |_| on_back.run(())>"Back"</Button>
            </div>
            <InDoubt hand_in=hand_in on_taken=taken />
        </section>
    }
}

/// In the place of the warnings, where the bytes could not be read: then nothing is signed.
#[component]
pub fn Unreadable(why: String) -> impl IntoView {
    view! {
        <Notice kind=NoticeKind::Error title="What would be signed cannot be read">
            <p>{why}</p>
            <p>"It is not signed."</p>
        </Notice>
    }
}
