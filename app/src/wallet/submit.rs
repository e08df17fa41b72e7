//! Handing a signed envelope to the node: kept before it is sent, and in doubt sent again as it is, never made anew.
//! Rules: docs/protocol.md#W54, #W56

use leptos::{prelude::*, task::spawn_local};

use super::{
    failure::{Failure, FailureNotice},
    journal::{self, Sent},
    node::{self, Handed, Refusal},
};
use crate::{
    format,
    live::Live,
    model::ChainInfo,
    reads,
    ui::{Button, ButtonKind, ButtonLink},
};

/// Problems of a node that a wrong clock on either side explains.
const OF_CLOCKS: [&str; 2] = ["transaction-from-the-future", "transaction-expired"];
/// A difference of clocks that is named, in seconds. Rule: docs/protocol.md#T7
const CLOCK_DIFFERS: u64 = 120;

/// One envelope on its way to the node: what a page that signs holds of it.
#[derive(Clone, Copy)]
pub struct HandIn {
    genesis: StoredValue<String>,
    pub busy: RwSignal<bool>,
    pub failure: RwSignal<Option<Failure>>,
    /// Signed and sent, but without an answer that says whether it was taken.
    doubt: RwSignal<Option<Sent>>,
    /// Whether the node refused the last one because of its nonce.
    other_nonce: StoredValue<bool>,
}

impl HandIn {
    /// One for this page. Needs the chain in context.
    pub fn new() -> Self {
        let chain = expect_context::<ChainInfo>();
        Self {
            genesis: StoredValue::new(chain.genesis_id),
            busy: RwSignal::new(false),
            failure: RwSignal::new(None),
            doubt: RwSignal::new(None),
            other_nonce: StoredValue::new(false),
        }
    }

    /// Whether the node refused the last one because its nonce is taken: somebody else signs with the same key.
    pub fn nonce_was_taken(self) -> bool {
        self.other_nonce.try_get_value() == Some(true)
    }

    /// Whether it is not known if the node took it, reactively.
    pub fn in_doubt(self) -> bool {
        self.doubt.with(Option::is_some)
    }

    /// Keeps the envelope, sends it, and finds out what became of it. True if the node has it; else the failure is set.
    pub async fn send(self, sent: Sent) -> bool {
        let Some(genesis) = self.genesis.try_get_value() else {
            return false;
        };
        let handed = hand_in(&genesis, sent.clone()).await;
        let about_nonce = matches!(&handed, Handed::Refused(refusal) if refusal.is_about_nonce());
        let _ = self.other_nonce.try_set_value(about_nonce);
        let (doubt, failure) = match handed {
            Handed::Taken => (None, None),
            // Refused now; whether an earlier try was taken stays open.
            Handed::Refused(refusal) => (self.doubt.try_get_untracked().flatten(), Some(refused(&refusal))),
            Handed::Unknown(why) => {
                let failure = Failure::unknown(&why, &sent.id);
                (Some(sent), Some(failure))
            }
        };
        let taken = failure.is_none();
        let _ = self.doubt.try_set(doubt);
        let _ = self.failure.try_set(failure);
        taken
    }

    /// Sends what is in doubt once more, byte for byte.
    fn again(self, on_taken: Callback<String>) {
        let Some(sent) = self.doubt.get_untracked() else { return };
        self.busy.set(true);
        spawn_local(async move {
            let id = sent.id.clone();
            let taken = self.send(sent).await;
            let _ = self.busy.try_set(false);
            if taken {
                on_taken.run(id);
            }
        });
    }

    /// Looks whether the node has what is in doubt.
    async fn look(self, on_taken: Callback<String>) {
        let Some(sent) = self.doubt.try_get_untracked().flatten() else {
            return;
        };
        if !knows(&sent.id).await || self.doubt.try_get_untracked().flatten().as_ref() != Some(&sent) {
            return;
        }
        self.genesis
            .with_value(|genesis| journal::acknowledge(genesis, &sent.id));
        self.doubt.set(None);
        self.failure.set(None);
        on_taken.run(sent.id);
    }
}

/// Keeps the envelope in the journal, sends it, and finds out what became of it.
async fn hand_in(genesis: &str, sent: Sent) -> Handed {
    let id = sent.id.clone();
    let before = journal::load(genesis).into_iter().any(|kept| kept.id == id);
    let envelope = sent.envelope.clone();
    journal::add(genesis, sent);
    let mut handed = node::submit(&id, envelope).await;
    if matches!(handed, Handed::Unknown(_)) && knows(&id).await {
        handed = Handed::Taken;
    }
    match &handed {
        Handed::Taken => journal::acknowledge(genesis, &id),
        // What was refused at the first try never was on its way.
        Handed::Refused(_) if !before => journal::forget(genesis, &id),
        Handed::Refused(_) | Handed::Unknown(_) => {}
    }
    handed
}

/// Whether the node has this transaction, waiting or in a block.
async fn knows(id: &str) -> bool {
    matches!(reads::transaction(id.to_owned()).await, Ok(Some(page)) if page.row.id == id)
}

/// A refusal in words; the clock is named where it explains it.
fn refused(refusal: &Refusal) -> Failure {
    match clock_words(refusal) {
        Some(why) => Failure {
            what: "The clocks differ",
            why,
            next: "No coins moved. Set the clock that is wrong, then go back and review the payment again.",
        },
        None => Failure::refused(refusal.text.clone()),
    }
}

/// What a refusal says of this device's clock; none where the clock is not what it is about.
fn clock_words(refusal: &Refusal) -> Option<String> {
    let ahead = refusal.ahead.filter(|_| OF_CLOCKS.contains(&refusal.name.as_str()))?;
    if ahead.unsigned_abs() < CLOCK_DIFFERS {
        return None;
    }
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let length = format::duration(ahead.unsigned_abs() as f64);
    Some(format!(
        "This device's clock is {length} {way} the node's. {}",
        refusal.text
    ))
}

impl Refusal {
    /// Whether another try with a fresh nonce may succeed: somebody else signed with the same key in the meantime.
    pub fn is_about_nonce(&self) -> bool {
        matches!(
            self.name.as_str(),
            "nonce-too-low" | "nonce-too-high" | "replacement-underpriced"
        )
    }
}

/// What went wrong, and the ways on while it is not known whether the node took the payment.
#[component]
pub fn InDoubt(hand_in: HandIn, on_taken: Callback<String>) -> impl IntoView {
    let live = Live::get();
    // Once the node answers again, the page finds it by its id.
    Effect::new(move |_| {
        live.on_pool();
        if hand_in.in_doubt() {
            spawn_local(hand_in.look(on_taken));
        }
    });
    let ways = move || {
        hand_in.doubt.get().map(|sent| {
            view! {
                <div class="actions">
                    <Button kind=ButtonKind::Primary busy=hand_in.busy on:click=move |_| hand_in.again(on_taken)>
                        "Send the same bytes again"
                    </Button>
                    <ButtonLink href=format!("/tx/{}", sent.id)>"Look for it"</ButtonLink>
                </div>
            }
        })
    };
    view! {
        <FailureNotice failure=hand_in.failure />
        {ways}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, ahead: Option<i64>) -> Refusal {
        Refusal {
            name: name.to_owned(),
            text: "Its time is wrong.".to_owned(),
            ahead,
        }
    }

    #[test]
    fn a_wrong_clock_is_named_and_nothing_else_is_blamed() {
        let words = |name, ahead| refused(&refusal(name, ahead)).why;
        let ahead = "This device's clock is 20 min ahead of the node's. Its time is wrong.";
        assert_eq!(words("transaction-from-the-future", Some(1_200)), ahead);
        let behind = "This device's clock is 25 h behind the node's. Its time is wrong.";
        assert_eq!(words("transaction-expired", Some(-90_000)), behind);
        for (name, ahead) in [
            ("transaction-from-the-future", Some(30)),
            ("transaction-from-the-future", None),
            ("insufficient-funds", Some(1_200)),
        ] {
            assert_eq!(words(name, ahead), "Its time is wrong.");
        }
        assert!(refusal("nonce-too-low", None).is_about_nonce());
        assert!(!refusal("transaction-from-the-future", Some(1_200)).is_about_nonce());
    }
}
