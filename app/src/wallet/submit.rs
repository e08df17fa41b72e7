//! Handing a signed envelope to the node: kept before it is sent, and in doubt sent again as it is, never made anew.
//! Rules: docs/protocol.md#W54, #W56

use leptos::{prelude::*, task::spawn_local};

use super::{
    failure::{Failure, FailureNotice, Handing},
    journal::{self, Earlier, NotKept, Sent},
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
    /// Whether others have what is handed in, and may send it.
    shared: bool,
    /// What was known of it when the page showed it, whatever becomes of the journal.
    known: Earlier,
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
        let handing = Handing::of(sent.purpose, self.shared);
        let doubted = self.doubt.try_get_untracked().flatten();
        let is_doubted = doubted.is_some_and(|doubted| doubted.id == sent.id);
        let at_least = |journal| at_least(journal, self.known, is_doubted);
        let (handed, earlier) = match hand_in(&genesis, sent.clone(), at_least).await {
            Ok(handed) => handed,
            Err(why) => {
                let earlier = at_least(journal::earlier(&genesis, &sent.id));
                let _ = self.other_nonce.try_set_value(false);
                let failure = Failure::not_kept(&why.to_string(), &sent.id, earlier, handing);
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
        if !knows(&sent.id).await || self.doubt.try_get_untracked().flatten().as_ref() != Some(&sent) {
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
/// that it was taken.
fn is_open(handed: &Handed) -> bool {
    matches!(handed, Handed::Unknown(_) | Handed::RefusedAgain(_))
}

/// Keeps the envelope in the journal, sends it, and finds out what became of it; with what was known of it before, which is
/// `at_least` what the journal said when it was kept. What was not kept is not sent.
async fn hand_in(
    genesis: &str,
    sent: Sent,
    at_least: impl Fn(Earlier) -> Earlier,
) -> Result<(Handed, Earlier), NotKept> {
    let id = sent.id.clone();
    let envelope = sent.envelope.clone();
    let earlier = at_least(journal::add(genesis, sent).await?);
    let mut handed = node::submit(&id, envelope, earlier).await;
    if is_open(&handed) && knows(&id).await {
        handed = Handed::Taken;
    }
    match &handed {
        Handed::Taken => journal::acknowledge(genesis, &id).await,
        // It never was on its way.
        Handed::Refused(_) => journal::forget(genesis, &id).await,
        Handed::RefusedAgain(_) | Handed::Unknown(_) => {}
    }
    Ok((handed, earlier))
}

/// The words for an outcome; none where the node has the transaction.
fn failure(handed: &Handed, earlier: Earlier, id: &str, handing: Handing) -> Option<Failure> {
    match handed {
        Handed::Taken => None,
        Handed::Refused(refusal) => Some(refused(refusal, handing)),
        Handed::RefusedAgain(refusal) => {
            let why = clock_words(refusal).unwrap_or_else(|| refusal.text.clone());
            Some(Failure::refused_again(&why, id, earlier))
        }
        Handed::Unknown(why) => Some(Failure::unknown(why, id, earlier)),
    }
}

/// Whether somebody else took the nonce, so that it may be made anew: never of what may have been taken itself.
fn is_other_nonce(handed: &Handed) -> bool {
    matches!(handed, Handed::Refused(refusal) if refusal.is_about_nonce())
}

/// Whether the node has this transaction, waiting or in a block.
async fn knows(id: &str) -> bool {
    matches!(reads::transaction(id.to_owned()).await, Ok(Some(page)) if page.row.id == id)
}

/// A refusal in words; the clock is named where it explains it.
fn refused(refusal: &Refusal, handing: Handing) -> Failure {
    match clock_words(refusal) {
        Some(why) => Failure::clocks(why, handing),
        None => Failure::refused(refusal.text.clone(), handing),
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
    use serde_json::json;
    use tally_chain::{B256, TxId};
    use tally_wallet::Outcome;

    use super::*;
    use crate::wallet::journal::Purpose;

    const ID: TxId = TxId(B256::repeat_byte(7));
    const OPEN: &str = "The payment may have been taken";
    const TAKEN: &str = "A node had the payment before";

    /// What an outcome is shown as: the headline, and whether it says that no coins moved.
    fn shown(handed: &Handed, earlier: Earlier, purpose: Purpose, shared: bool) -> Option<(&'static str, bool)> {
        let failure = failure(handed, earlier, &ID.to_string(), Handing::of(purpose, shared))?;
        let text = format!("{} {} {}", failure.what, failure.why, failure.next);
        if [OPEN, TAKEN].contains(&failure.what) {
            assert!(text.contains(&ID.to_string()), "the id is named: {text}");
        }
        Some((failure.what, text.contains("o coins moved")))
    }

    /// A row of the table that the library and the command line read as well.
    #[derive(serde::Deserialize)]
    struct Row {
        status: u16,
        problem: String,
        first: String,
        again: String,
    }

    /// What an answer of this status and body is shown as.
    fn answered(status: u16, body: &str, earlier: Earlier) -> Option<(&'static str, bool)> {
        let handed = Handed::of(Outcome::of_answer(ID, status, body.as_bytes()), earlier, Some(0));
        shown(&handed, earlier, Purpose::Payment, false)
    }

    #[test]
    fn only_a_rejection_of_the_first_sending_says_that_nothing_moved() {
        let expected = |word: &str, earlier: Earlier| match (word, earlier) {
            ("taken", _) => None,
            ("rejected", _) => Some(("The node did not take the payment", true)),
            (_, Earlier::Taken) => Some((TAKEN, false)),
            (_, Earlier::Never | Earlier::Open) => Some((OPEN, false)),
        };
        let rows: Vec<Row> = serde_json::from_str(include_str!("../../../tests/submissions.json")).unwrap();
        for row in rows {
            let (status, name) = (row.status, &row.problem);
            let kind = format!("/problems/{name}");
            let body = json!({ "type": kind, "title": "T", "status": status, "detail": "d" }).to_string();
            for (earlier, word) in [
                (Earlier::Never, &row.first),
                (Earlier::Open, &row.again),
                (Earlier::Taken, &row.again),
            ] {
                assert_eq!(
                    answered(status, &body, earlier),
                    expected(word, earlier),
                    "{name} {earlier:?}"
                );
            }
        }
        let taken = json!({ "id": ID, "status": "pending" }).to_string();
        for earlier in [Earlier::Never, Earlier::Open, Earlier::Taken] {
            assert_eq!(answered(202, &taken, earlier), None);
            let open = expected("open", earlier);
            assert_eq!(answered(502, "<html>Bad Gateway</html>", earlier), open);
            let none = Handed::of(Outcome::of_failure("timed out"), earlier, None);
            assert_eq!(shown(&none, earlier, Purpose::Payment, false), open);
        }
    }

    #[test]
    fn what_was_sent_stays_sent_whatever_becomes_of_the_journal() {
        use Earlier::{Never, Open, Taken};

        for (journal, shown, is_doubted, expected) in [
            (Never, Never, false, Never),
            (Never, Never, true, Open),
            // Dismissed in another tab, or no longer to be read.
            (Never, Open, false, Open),
            (Never, Taken, false, Taken),
            (Never, Taken, true, Taken),
            (Open, Never, false, Open),
            (Taken, Open, true, Taken),
        ] {
            assert_eq!(
                at_least(journal, shown, is_doubted),
                expected,
                "{journal:?} {shown:?} {is_doubted}"
            );
        }
    }

    #[test]
    fn a_used_nonce_is_named_with_both_that_it_may_mean() {
        let problem =
            json!({ "type": "/problems/nonce-too-low", "title": "T", "status": 409, "detail": "d" }).to_string();
        let outcome = || Outcome::of_answer(ID, 409, problem.as_bytes());
        let either =
            "T: d; another payment took this nonce, unless this one is in a block in which the node does not find it";
        for (earlier, text) in [
            (Earlier::Never, "T: d"),
            (Earlier::Open, either),
            (Earlier::Taken, either),
        ] {
            let handed = Handed::of(outcome(), earlier, None);
            let failure = failure(&handed, earlier, &ID.to_string(), Handing::Payment).expect("it was not taken");
            assert!(failure.why.contains(text), "{}", failure.why);
            assert_eq!(
                failure.why.contains(either),
                earlier != Earlier::Never,
                "{}",
                failure.why
            );
            // Made anew is only what surely was not taken.
            assert_eq!(is_other_nonce(&handed), earlier == Earlier::Never);
            assert_eq!(is_open(&handed), earlier != Earlier::Never);
        }
    }

    #[test]
    fn what_a_rejection_says_of_coins_depends_on_what_was_handed_in() {
        let refused = refusal("nonce-too-low", None);
        let clocks = refusal("transaction-expired", Some(-90_000));
        let replacement = ("The node did not take the replacement", false);
        for (purpose, shared, expected) in [
            (Purpose::Payment, false, ("The node did not take the payment", true)),
            (Purpose::Fill, false, ("The node did not take the payment", true)),
            (Purpose::SpeedUp, false, replacement),
            (Purpose::Cancel, false, replacement),
            (Purpose::Payment, true, ("The node did not take this copy", false)),
        ] {
            let first = |refusal: &Refusal| shown(&Handed::Refused(refusal.clone()), Earlier::Never, purpose, shared);
            assert_eq!(first(&refused), Some(expected));
            assert_eq!(first(&clocks), Some(("The clocks differ", expected.1)));
            for refusal in [&refused, &clocks] {
                let again = Handed::RefusedAgain(refusal.clone());
                assert_eq!(shown(&again, Earlier::Open, purpose, shared), Some((OPEN, false)));
                assert_eq!(shown(&again, Earlier::Taken, purpose, shared), Some((TAKEN, false)));
            }
        }
        // What was not kept was not sent: that says nothing of the one it was to replace, nor of what others have sent.
        for (handing, moved) in [
            (Handing::Payment, true),
            (Handing::Replacement, false),
            (Handing::Proposal, false),
        ] {
            let not_kept = |earlier| Failure::not_kept("it is full", "0x07", earlier, handing);
            assert_eq!(
                not_kept(Earlier::Never).next.contains("No coins moved"),
                moved,
                "{handing:?}"
            );
            let known = [
                (Earlier::Open, "It was sent before, and may have been taken."),
                (Earlier::Taken, "A node had it before."),
            ];
            for (earlier, words) in known {
                let again = not_kept(earlier);
                assert_eq!(again.what, "The payment was not sent again");
                assert!(again.why.contains(words), "{}", again.why);
            }
        }
        assert!(!is_other_nonce(&Handed::Refused(clocks)));
    }

    fn refusal(name: &str, ahead: Option<i64>) -> Refusal {
        Refusal {
            name: name.to_owned(),
            text: "Its time is wrong.".to_owned(),
            ahead,
        }
    }

    #[test]
    fn a_wrong_clock_is_named_and_nothing_else_is_blamed() {
        let words = |name, ahead| refused(&refusal(name, ahead), Handing::Payment).why;
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
