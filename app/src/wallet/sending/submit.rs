//! Handing a signed envelope to the node: kept before it is sent; in doubt the same bytes are sent again, never a new payment.
//! Rules: docs/protocol.md#W54, #W56

use leptos::{prelude::*, task::spawn_local};

use super::error::{Handing, SendError, SendErrorNotice};
use crate::{
    format,
    live::Live,
    model::ChainInfo,
    reads,
    ui::{Button, ButtonKind, ButtonLink},
    wallet::{
        client::node::{self, Handed, Refusal},
        storage::journal::{self, Earlier, NotKept, Sent},
    },
};

/// Problems of a node that a wrong clock on either side explains.
const OF_CLOCKS: [&str; 2] = ["transaction-from-the-future", "transaction-expired"];
/// The problem of a nonce that is used on the chain: by these bytes or by others.
const NONCE_TOO_LOW: &str = "nonce-too-low";
/// A difference of clocks that is named, in seconds. Rule: docs/protocol.md#T7
const CLOCK_DIFFERS: u64 = 120;

/// One envelope on its way to the node: what a page that signs holds of it.
#[derive(Clone, Copy)]
pub struct HandIn {
    genesis: StoredValue<String>,
    /// Whether others have what is handed in, and may send it.
    shared: bool,
    /// What was known of it when the page showed it, whatever becomes of the journal.
    known: Earlier,
    pub busy: RwSignal<bool>,
    pub failure: RwSignal<Option<SendError>>,
    /// Signed and sent, but without an answer that shows whether it was accepted.
    doubt: RwSignal<Option<Sent>>,
    /// Whether the node rejected the last one because of its nonce.
    other_nonce: StoredValue<bool>,
}

impl HandIn {
    /// One for this page. Needs the chain in context.
    pub fn new() -> Self {
        Self::of(false, Earlier::Never)
    }

    /// One for what was sent before, as the journal has it.
    pub fn of_sent(sent: &Sent) -> Self {
        Self::of(false, journal::known(sent))
    }

    /// One for a payment that others have as well.
    pub fn of_proposal() -> Self {
        Self::of(true, Earlier::Never)
    }

    fn of(shared: bool, known: Earlier) -> Self {
        let chain = expect_context::<ChainInfo>();
        Self {
            genesis: StoredValue::new(chain.genesis_id),
            shared,
            known,
            busy: RwSignal::new(false),
            failure: RwSignal::new(None),
            doubt: RwSignal::new(None),
            other_nonce: StoredValue::new(false),
        }
    }

    /// Whether the node rejected the last one because its nonce is taken: another program signs with the same key.
    pub fn nonce_was_taken(self) -> bool {
        self.other_nonce.try_get_value() == Some(true)
    }

    /// Whether it is not known if the node accepted it, reactively.
    pub fn in_doubt(self) -> bool {
        self.doubt.with(Option::is_some)
    }

    /// Keeps the envelope, sends it, and finds out what became of it. True if the node has it; else the failure is set.
    pub async fn send(self, sent: Sent) -> bool {
        let Some(genesis) = self.genesis.try_get_value() else {
            return false;
        };
        let handing = Handing::of(sent.purpose, self.shared);
        let doubted = self.doubt.try_get_untracked().flatten();
        let is_doubted = doubted.is_some_and(|doubted| doubted.id == sent.id);
        let at_least = |journal| at_least(journal, self.known, is_doubted);
        let (handed, earlier) = match hand_in(&genesis, sent.clone(), at_least).await {
            Ok(handed) => handed,
            Err(why) => {
                let earlier = at_least(journal::earlier(&genesis, &sent.id));
                let _ = self.other_nonce.try_set_value(false);
                let failure = SendError::not_kept(&why.to_string(), &sent.id, earlier, handing);
                let _ = self.failure.try_set(Some(failure));
                return false;
            }
        };
        let _ = self.other_nonce.try_set_value(is_other_nonce(&handed));
        let failure = failure(&handed, earlier, &sent.id, handing);
        let (taken, doubt) = (failure.is_none(), is_open(&handed).then_some(sent));
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
        if look_up(&sent.id).await != Lookup::Has || self.doubt.try_get_untracked().flatten().as_ref() != Some(&sent) {
            return;
        }
        let Some(genesis) = self.genesis.try_get_value() else {
            return;
        };
        journal::acknowledge(&genesis, &sent.id).await;
        // The page may be gone by now, or another look may have been quicker.
        if self.doubt.try_get_untracked().flatten().as_ref() != Some(&sent) {
            return;
        }
        self.doubt.set(None);
        self.failure.set(None);
        on_taken.run(sent.id);
    }
}

/// What is known before a sending: by the journal, by what the page was `shown`, and by whether it `is_doubted` here. What was
/// taken out of the journal since, in another tab as well, or cannot be read there, is on its way none the less.
fn at_least(journal: Earlier, shown: Earlier, is_doubted: bool) -> Earlier {
    match (journal, shown) {
        (Earlier::Never, Earlier::Never) if is_doubted => Earlier::Open,
        (Earlier::Never, shown) => shown,
        (known, _) => known,
    }
}

/// Whether it is still not known what became of it. Only a rejection of the first sending ends the doubt, besides an answer
/// that it was accepted.
fn is_open(handed: &Handed) -> bool {
    matches!(handed, Handed::Unknown(_) | Handed::RejectedAgain(_))
}

/// Keeps the envelope in the journal, sends it, and finds out what became of it; with what was known of it before, which is
/// `at_least` what the journal had when it was kept. What was not kept is not sent.
async fn hand_in(
    genesis: &str,
    sent: Sent,
    at_least: impl Fn(Earlier) -> Earlier,
) -> Result<(Handed, Earlier), NotKept> {
    let id = sent.id.clone();
    let envelope = sent.envelope.clone();
    let earlier = at_least(journal::add(genesis, sent).await?);
    let mut handed = node::submit(&id, envelope, earlier).await;
    if handed != Handed::Accepted {
        handed = settled(handed, look_up(&id).await);
    }
    match handed {
        Handed::Accepted => journal::acknowledge(genesis, &id).await,
        Handed::Rejected(refusal) => {
            // It never was on its way, unless another tab has sent it meanwhile.
            let earlier = journal::forget_rejected(genesis, &id).await;
            return Ok((rejected(refusal, earlier), earlier));
        }
        Handed::RejectedAgain(_) | Handed::Unknown(_) => {}
    }
    Ok((handed, earlier))
}

/// What a rejection comes to, by what is known of the bytes without it.
fn rejected(refusal: Refusal, earlier: Earlier) -> Handed {
    match earlier {
        Earlier::Never => Handed::Rejected(refusal),
        Earlier::Open | Earlier::Accepted => Handed::RejectedAgain(refusal),
    }
}

/// What becomes of an outcome after a request for the id. A rejection shows nothing of a copy that came from another tab
/// or another person with the same proposal: where the nonce is used, by that copy perhaps, and the node does not answer whether it
/// has it, it stays open. Rule: docs/protocol.md#W56
fn settled(handed: Handed, found: Lookup) -> Handed {
    match (handed, found) {
        (_, Lookup::Has) => Handed::Accepted,
        (Handed::Rejected(refusal), Lookup::NoAnswer) if refusal.name == NONCE_TOO_LOW => Handed::Unknown(format!(
            "the node rejected it ({}), and did not answer the request for the payment by its id",
            refusal.text.trim_end_matches('.')
        )),
        (handed, _) => handed,
    }
}

/// The words for an outcome; none where the node has the transaction.
fn failure(handed: &Handed, earlier: Earlier, id: &str, handing: Handing) -> Option<SendError> {
    match handed {
        Handed::Accepted => None,
        Handed::Rejected(refusal) => Some(refused(refusal, handing)),
        Handed::RejectedAgain(refusal) => {
            let why = clock_words(refusal).unwrap_or_else(|| format!("{}{}", refusal.text, refusal.leaves_open));
            Some(SendError::refused_again(&why, id, earlier))
        }
        Handed::Unknown(why) => Some(SendError::unknown(why, id, earlier)),
    }
}

/// Whether another payment took the nonce, so that it may be made again: never of what may have been accepted itself.
fn is_other_nonce(handed: &Handed) -> bool {
    matches!(handed, Handed::Rejected(refusal) if refusal.is_about_nonce())
}

/// What the node answers to a request for an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lookup {
    /// The transaction waits, or is in a block.
    Has,
    HasNot,
    /// No answer came, or one about another transaction.
    NoAnswer,
}

/// Looks a transaction up at the node, by its id.
async fn look_up(id: &str) -> Lookup {
    match reads::transaction(id.to_owned()).await {
        Ok(Some(page)) if page.row.id == id => Lookup::Has,
        Ok(None) => Lookup::HasNot,
        Ok(Some(_)) | Err(_) => Lookup::NoAnswer,
    }
}

/// A rejection in words; the clock is named where it explains it.
fn refused(refusal: &Refusal, handing: Handing) -> SendError {
    match clock_words(refusal) {
        Some(why) => SendError::clocks(why, handing),
        None => SendError::refused(refusal.text.clone(), handing),
    }
}

/// What a rejection shows of this device's clock; none where the clock is not what it is about.
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
    /// Whether another try with a fresh nonce may succeed: another program signed with the same key in the meantime.
    pub fn is_about_nonce(&self) -> bool {
        matches!(
            self.name.as_str(),
            NONCE_TOO_LOW | "nonce-too-high" | "replacement-underpriced"
        )
    }
}

/// What went wrong, and the ways on while it is not known whether the node accepted the payment.
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
        <SendErrorNotice failure=hand_in.failure />
        {ways}
    }
}

#[cfg(test)]
mod tests;
