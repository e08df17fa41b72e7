//! A proposal as it is looked at: what it pays, who has signed, and what can be done with it.

use leptos::{prelude::*, task::spawn_local};

use super::{HandOn, Table, TextForm};
use crate::{
    browser,
    model::ChainInfo,
    ui::{AddressLink, Button, ButtonKind, Mark, MarkState, branch},
    wallet::{
        parts::notice::ErrorNotice,
        protocol::{Answer, ProposalView, Request, SharedRequest},
        sending::{
            caution::{Caution, Cautions, look},
            confirm::Unreadable,
            error::SendError,
            follow::Follow,
            review::Review,
            submit::{HandIn, InDoubt},
        },
        session::Wallet,
        storage::journal::{Purpose, Sent},
    },
};

#[component]
pub fn Proposal(view: ProposalView, table: Table) -> impl IntoView {
    let wallet = Wallet::get();
    let chain = expect_context::<ChainInfo>();
    let (cautions, ready) = (
        RwSignal::new(None::<Result<Vec<Caution>, String>>),
        RwSignal::new(false),
    );
    let sent = RwSignal::new(None::<String>);
    let hand_in = HandIn::of_proposal();
    let HandIn { busy, failure, .. } = hand_in;
    let taken = Callback::new(move |id| sent.set(Some(id)));
    let (complete, ours, signed, required) = (view.is_complete(), view.waits_for_us(), view.signed(), view.required);
    let (from, payload) = (view.review.from.clone(), view.payload.clone());
    Effect::new(move |_| {
        let (chain, from, payload) = (chain.clone(), from.clone(), payload.clone());
        spawn_local(async move {
            let found = look(wallet, &chain, &from, &payload, None).await;
            let _ = cautions.try_set(Some(found));
        });
    });
    let shown = StoredValue::new(view.text.clone());
    let sign = move |_| {
        let text = shown.get_value();
        busy.set(true);
        spawn_local(async move {
            table.request(wallet, SharedRequest::Sign { text }).await;
            let _ = busy.try_set(false);
        });
    };
    let (payer, nonce) = (view.review.from.clone(), view.review.nonce);
    let send = Callback::new(move |()| {
        let (text, from) = (shown.get_value(), payer.clone());
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            match wallet.request(Request::Shared(SharedRequest::Complete { text })).await {
                Ok(Answer::Signed { id, envelope }) => {
                    let complete = Sent {
                        id: id.clone(),
                        from,
                        nonce,
                        at: browser::now().unwrap_or_default(),
                        purpose: Purpose::Payment,
                        replaces: None,
                        envelope,
                        acknowledged: false,
                        again: false,
                    };
                    if hand_in.send(complete).await {
                        taken.run(id);
                    }
                }
                Ok(_) => drop(failure.try_set(Some(SendError::confused()))),
                Err(error) => drop(failure.try_set(Some(error.into()))),
            }
            let _ = busy.try_set(false);
        });
    });
    let back = move |_| {
        table.failure.set(None);
        table.proposal.set(None);
    };
    let signers = view
        .signers
        .iter()
        .map(|signer| {
            let word = match (signer.signed, signer.own) {
                (true, _) => "signed",
                (false, true) => "yours, not signed yet",
                (false, false) => "not signed yet",
            };
            let state = if signer.signed { Some(MarkState::Verified) } else { None };
            view! {
                <li class="policy-key">
                    <AddressLink address=signer.address.clone() />
                    <span class="faint">{format!("{} · {word}", signer.kind.title())}</span>
                    {state.map(|state| view! { <Mark state=state /> })}
                </li>
            }
        })
        .collect_view();
    let warned = move || match cautions.get() {
        _ if !ours => branch(|| ()),
        None => branch(|| view! { <p class="faint" role="status">"Looking at the recipient and the fee…"</p> }),
        Some(Ok(cautions)) => branch(move || view! { <Cautions cautions=cautions ready=ready /> }),
        Some(Err(why)) => branch(move || view! { <Unreadable why=why /> }),
    };
    let next = match (complete, ours) {
        (true, _) => "It has enough signatures: anyone who has it can send it.",
        (false, true) => "Your key can sign. Check every line before you sign.",
        (false, false) => "Give it to the holders who have not signed yet, and add their signed copies.",
    };
    let file = format!("proposal-{signed}-of-{required}.txt");
    let (text, review) = (view.text.clone(), view.review.clone());
    view! {
        <section class="card wallet-review" aria-labelledby="proposal">
            <h2 id="proposal">"The proposal"</h2>
            <p class="prose">"Decoded from the bytes that are signed; every signature in it was checked here."</p>
            <Review review=review />
            <h3>{format!("Signed by {signed} of {required} needed")}</h3>
            <ul class="plain" aria-label="Signers">{signers}</ul>
            <p class="prose" role="status">{next}</p>
            {move || match sent.get() {
                Some(id) => branch(move || view! { <Follow id=id /> }),
                None => {
                    branch(move || view! {
                        {warned}
                        <div class="actions">
                            {ours
                                .then(|| {
                                    view! {
                                        <Button kind=ButtonKind::Primary busy=busy disabled=Signal::derive(move || !ready.get()) on:click=sign>
                                            "Sign it"
                                        </Button>
                                    }
                                })}
                            {complete
                                .then(|| {
                                    view! {
                                        <Show when=move || !hand_in.in_doubt()>
                                            <Button kind=ButtonKind::Primary busy=busy on:click=move |_| send.run(())>"Send it"</Button>
                                        </Show>
                                    }
                                })}
                            <Button on:click=back>"Put it away"</Button>
                        </div>
                    })
                }
            }}
            {move || {
                table.failure.get().map(|failure| view! { <ErrorNotice title="The proposal stays as it was" error=failure /> })
            }}
            <InDoubt hand_in=hand_in on_taken=taken />
        </section>
        <div class="two-columns">
            <section class="card" aria-labelledby="hand-on">
                <h2 id="hand-on">"Hand it on"</h2>
                <HandOn what="proposal" text=text file=file />
            </section>
            {(!complete)
                .then(|| {
                    view! {
                        <section class="card" aria-labelledby="add-copy">
                            <h2 id="add-copy">"Add what came back"</h2>
                            <TextForm
                                name="copy"
                                label="Text of the signed copy"
                                button="Add its signatures"
                                then=move |text| {
                                    spawn_local(async move {
                                        table.request(wallet, SharedRequest::Combine { text }).await;
                                    });
                                }
                            />
                        </section>
                    }
                })}
        </div>
    }
    .into_any()
}
