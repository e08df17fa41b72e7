//! What this browser sent and what neither waits nor stands in a block: what is known of it, and the ways on.
//! Rules: docs/protocol.md#W54, #W56

use leptos::{ev::MouseEvent, prelude::*, task::spawn_local};

use super::{Pending, look::Missing};
use crate::{
    ui::{AddressLink, Button, Notice, NoticeKind, Time, TransactionLink},
    wallet::{
        sending::{error::SendErrorNotice, submit::HandIn},
        storage::journal::{self, Fate},
    },
};

impl Missing {
    /// A word for it, and what is known of it.
    fn words(&self) -> (&'static str, &'static str) {
        match (&self.fate, self.sent.acknowledged) {
            (Fate::Dropped, false) if self.expired => (
                "In doubt",
                "No answer came when it was sent, and this node does not know it. It is more than a day old, so no block can include it any more.",
            ),
            (Fate::Dropped, false) => (
                "In doubt",
                "No answer came when it was sent, and this node does not know it. Sent again, the same bytes pay once.",
            ),
            (Fate::Dropped, true) => (
                "Dropped",
                "A node had it, and this one does not know it now: its pool dropped it, or the node was restarted with an empty store. It is not in the chain that this node shows; another node may still hold it.",
            ),
            (_, false) if self.used => (
                "In doubt",
                "No answer came when it was sent. Its nonce is used by now: another payment took it, unless this one is in a block in which the node does not find it.",
            ),
            (_, false) => (
                "In doubt",
                "No answer came when it was sent, and another payment of the same nonce was sent after it. Only one of the two can happen.",
            ),
            (fate, true) if self.used => (
                // Only of its own the wallet knows that there is another.
                if *fate == (Fate::Replaced { by: None }) {
                    "Nonce used"
                } else {
                    "Replaced"
                },
                "Its nonce is used on the chain that this node shows: another payment took its place, unless this one is in a block in which the node does not find it, as one that began with a later state does not.",
            ),
            (_, true) => (
                "Replaced",
                "Another payment of the same nonce was sent after it. Only one of the two can happen.",
            ),
        }
    }

    /// Whether the same bytes may still do something.
    fn can_be_sent(&self) -> bool {
        self.fate == Fate::Dropped && !self.expired && !self.sent.envelope.is_empty()
    }
}

/// A list of them with its title; nothing where there is none. A line that stays the same is drawn once: a button in it stays that of
/// its payment, and a question in it is not gone.
#[component]
pub fn LostList(
    id: &'static str,
    title: &'static str,
    lost: Memo<Vec<Missing>>,
    again: RwSignal<u32>,
    /// Their accounts are not the one that the page shows: they are named.
    #[prop(optional)]
    of_other: bool,
) -> impl IntoView {
    view! {
        <Show when=move || lost.with(|lost| !lost.is_empty())>
            <section class="card" aria-labelledby=id>
                <h2 id=id>{title}</h2>
                <ol class="lines lost">
                    <For each=move || lost.get() key=Missing::clone let:missing>
                        <Lost missing=missing again=again of_other=of_other />
                    </For>
                </ol>
            </section>
        </Show>
    }
}

/// One that was replaced, dropped, or is in doubt.
#[component]
fn Lost(
    missing: Missing,
    again: RwSignal<u32>,
    /// Its account is not the one that the page shows: it is named.
    of_other: bool,
) -> impl IntoView {
    let pending = expect_context::<Pending>();
    let (word, why) = missing.words();
    let can_send = missing.can_be_sent();
    let Missing { sent, fate, .. } = missing;
    let by = match fate {
        Fate::Replaced { by: Some(by) } => {
            Some(view! { <span class="cell-row">"by " <TransactionLink id=by bare=true /></span> })
        }
        _ => None,
    };
    let from = of_other.then(|| {
        let address = sent.from.clone();
        view! { <span class="cell-row">"from " <AddressLink address=address bare=true /></span> }
    });
    let (id, kept) = (sent.id.clone(), sent.clone());
    let hand_in = HandIn::of_sent(&sent);
    let renewed = Callback::new(move |_: String| again.update(|again| *again = again.wrapping_add(1)));
    let send = move |_| {
        let kept = kept.clone();
        hand_in.busy.set(true);
        spawn_local(async move {
            let id = kept.id.clone();
            if hand_in.send(kept).await {
                renewed.run(id);
            }
            let _ = hand_in.busy.try_set(false);
        });
    };
    let dismiss = Callback::new(move |()| {
        let (genesis, id) = (pending.genesis(), id.clone());
        spawn_local(async move {
            journal::forget(&genesis, &id).await;
            let _ = again.try_update(|again| *again = again.wrapping_add(1));
        });
    });
    // What may have been accepted is given up only after a yes.
    let in_doubt = !sent.acknowledged;
    let confirming = RwSignal::new(false);
    let on_dismiss = move |click: MouseEvent| match (click.detail(), in_doubt) {
        // The second click of two may find this line where another was that the first has dismissed.
        (2.., _) => {}
        (_, true) => confirming.set(true),
        (_, false) => dismiss.run(()),
    };
    view! {
        <li class="line">
            <div class="line-main">
                <span class="cell-row">
                    <strong>{word}</strong>
                    {format!("{}, nonce {}", sent.purpose.words(), sent.nonce)}
                    <Time at=sent.at />
                </span>
                {from}
                <span class="cell-row"><TransactionLink id=sent.id bare=true /> {by}</span>
                <span class="field-hint">{why}</span>
            </div>
            <div class="line-side">
                {can_send.then(|| view! { <Button busy=hand_in.busy on:click=send>"Send it again"</Button> })}
                <Button on:click=on_dismiss>"Dismiss"</Button>
            </div>
            <Show when=move || confirming.get()>
                <GiveUp confirming=confirming dismiss=dismiss />
            </Show>
            <SendErrorNotice failure=hand_in.failure />
        </li>
    }
}

/// Confirms before a payment of unknown outcome is taken off the list: nothing warns of it from then on.
#[component]
fn GiveUp(confirming: RwSignal<bool>, dismiss: Callback<()>) -> impl IntoView {
    view! {
        <Notice kind=NoticeKind::Warning title="Give this payment up?">
            <p>"It may have been accepted. If you dismiss it, it is no longer listed, its bytes cannot be sent again, and nothing warns you when you make the same payment again."</p>
            <div class="actions">
                <Button on:click=move |_| dismiss.run(())>"Dismiss it"</Button>
                <Button on:click=move |_| confirming.set(false)>"Keep it"</Button>
            </div>
        </Notice>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wallet::storage::journal::Sent;

    fn missing(fate: Fate, acknowledged: bool, used: bool, expired: bool) -> Missing {
        let sent = Sent {
            acknowledged,
            ..Sent::in_doubt("0x07")
        };
        Missing {
            sent,
            fate,
            used,
            expired,
        }
    }

    #[test]
    fn what_is_missing_is_named_as_far_as_it_is_known() {
        let other = || Fate::Replaced {
            by: Some("0x08".to_owned()),
        };
        for (missing, word, part, can_be_sent) in [
            (
                missing(Fate::Dropped, false, false, false),
                "In doubt",
                "the same bytes pay once",
                true,
            ),
            (
                missing(Fate::Dropped, false, false, true),
                "In doubt",
                "no block can include it any more",
                false,
            ),
            (
                missing(Fate::Dropped, true, false, false),
                "Dropped",
                "another node may still hold it",
                true,
            ),
            (
                missing(other(), false, true, false),
                "In doubt",
                "another payment took it, unless",
                false,
            ),
            (
                missing(Fate::Replaced { by: None }, false, true, true),
                "In doubt",
                "unless this one is in a block",
                false,
            ),
            (
                missing(other(), false, false, false),
                "In doubt",
                "Only one of the two can happen",
                false,
            ),
            (
                missing(other(), true, false, false),
                "Replaced",
                "Only one of the two can happen",
                false,
            ),
            (
                missing(Fate::Replaced { by: None }, true, true, false),
                "Nonce used",
                "unless this one is in a block",
                false,
            ),
            (
                missing(other(), true, true, false),
                "Replaced",
                "another payment took its place, unless this one is in a block",
                false,
            ),
        ] {
            let (shown, why) = missing.words();
            assert_eq!(shown, word, "{missing:?}");
            assert!(why.contains(part), "{missing:?}: {why}");
            assert_eq!(missing.can_be_sent(), can_be_sent, "{missing:?}");
        }
    }
}
