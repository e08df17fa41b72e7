use serde_json::json;
use tally_chain::{B256, TxId};
use tally_wallet::Outcome;

use super::*;
use crate::wallet::storage::journal::Purpose;

const ID: TxId = TxId(B256::repeat_byte(7));
const OPEN: &str = "The payment may have been accepted";
const ACCEPTED: &str = "A node had the payment before";

/// What an outcome is shown as: the headline, and whether it states that no coins moved.
fn shown(handed: &Handed, earlier: Earlier, purpose: Purpose, shared: bool) -> Option<(&'static str, bool)> {
    let failure = failure(handed, earlier, &ID.to_string(), Handing::of(purpose, shared))?;
    let text = format!("{} {} {}", failure.what, failure.why, failure.next);
    if [OPEN, ACCEPTED].contains(&failure.what) {
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
fn only_a_rejection_of_the_first_sending_shows_that_nothing_moved() {
    let expected = |word: &str, earlier: Earlier| match (word, earlier) {
        ("accepted", _) => None,
        ("rejected", _) => Some(("The node rejected the payment", true)),
        (_, Earlier::Accepted) => Some((ACCEPTED, false)),
        (_, Earlier::Never | Earlier::Open) => Some((OPEN, false)),
    };
    let rows: Vec<Row> = serde_json::from_str(include_str!("../../../../../tests/submissions.json")).unwrap();
    for row in rows {
        let (status, name) = (row.status, &row.problem);
        let kind = format!("/problems/{name}");
        let body = json!({ "type": kind, "title": "T", "status": status, "detail": "d" }).to_string();
        for (earlier, word) in [
            (Earlier::Never, &row.first),
            (Earlier::Open, &row.again),
            (Earlier::Accepted, &row.again),
        ] {
            assert_eq!(
                answered(status, &body, earlier),
                expected(word, earlier),
                "{name} {earlier:?}"
            );
        }
    }
    let taken = json!({ "id": ID, "status": "pending" }).to_string();
    for earlier in [Earlier::Never, Earlier::Open, Earlier::Accepted] {
        assert_eq!(answered(202, &taken, earlier), None);
        let open = expected("open", earlier);
        assert_eq!(answered(502, "<html>Bad Gateway</html>", earlier), open);
        let none = Handed::of(Outcome::of_failure("timed out"), earlier, None);
        assert_eq!(shown(&none, earlier, Purpose::Payment, false), open);
    }
}

#[test]
fn what_was_sent_stays_sent_whatever_becomes_of_the_journal() {
    use Earlier::{Accepted, Never, Open};

    for (journal, shown, is_doubted, expected) in [
        (Never, Never, false, Never),
        (Never, Never, true, Open),
        // Dismissed in another tab, or no longer to be read.
        (Never, Open, false, Open),
        (Never, Accepted, false, Accepted),
        (Never, Accepted, true, Accepted),
        (Open, Never, false, Open),
        (Accepted, Open, true, Accepted),
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
    let problem = json!({ "type": "/problems/nonce-too-low", "title": "T", "status": 409, "detail": "d" }).to_string();
    let outcome = || Outcome::of_answer(ID, 409, problem.as_bytes());
    let either =
        "T: d; another payment took this nonce, unless this one is in a block in which the node does not find it";
    for (earlier, text) in [
        (Earlier::Never, "T: d"),
        (Earlier::Open, either),
        (Earlier::Accepted, either),
    ] {
        let handed = Handed::of(outcome(), earlier, None);
        let failure = failure(&handed, earlier, &ID.to_string(), Handing::Payment).expect("it was not accepted");
        assert!(failure.why.contains(text), "{}", failure.why);
        assert_eq!(
            failure.why.contains(either),
            earlier != Earlier::Never,
            "{}",
            failure.why
        );
        // Only what was certainly not accepted is made again.
        assert_eq!(is_other_nonce(&handed), earlier == Earlier::Never);
        assert_eq!(is_open(&handed), earlier != Earlier::Never);
    }
}

#[test]
fn nothing_is_forgotten_before_it_was_requested_from_the_node() {
    let refused = |name: &str| Handed::Rejected(refusal(name, None));
    for name in [NONCE_TOO_LOW, "too-many-requests", "insufficient-funds"] {
        // Another tab's copy was accepted.
        assert_eq!(settled(refused(name), Lookup::Has), Handed::Accepted, "{name}");
        assert_eq!(settled(refused(name), Lookup::HasNot), refused(name));
    }
    let open = "the node rejected it (Its time is wrong), and did not answer the request for the payment by its id";
    assert_eq!(
        settled(refused(NONCE_TOO_LOW), Lookup::NoAnswer),
        Handed::Unknown(open.to_owned())
    );
    // What surely was not accepted at its first sending.
    let poor = refused("insufficient-funds");
    assert_eq!(settled(poor.clone(), Lookup::NoAnswer), poor);
    let again = Handed::RejectedAgain(refusal(NONCE_TOO_LOW, None));
    assert_eq!(settled(again.clone(), Lookup::NoAnswer), again);
    // Another tab has sent it since: the rejection of the first ends nothing.
    let low = || refusal(NONCE_TOO_LOW, None);
    assert_eq!(rejected(low(), Earlier::Never), Handed::Rejected(low()));
    assert_eq!(rejected(low(), Earlier::Open), Handed::RejectedAgain(low()));
    assert_eq!(rejected(low(), Earlier::Accepted), Handed::RejectedAgain(low()));
}

#[test]
fn what_a_rejection_means_for_coins_depends_on_what_was_handed_in() {
    let refused = refusal("nonce-too-low", None);
    let clocks = refusal("transaction-expired", Some(-90_000));
    let replacement = ("The node rejected the replacement", false);
    for (purpose, shared, expected) in [
        (Purpose::Payment, false, ("The node rejected the payment", true)),
        (Purpose::Fill, false, ("The node rejected the payment", true)),
        (Purpose::SpeedUp, false, replacement),
        (Purpose::Cancel, false, replacement),
        (Purpose::Payment, true, ("The node rejected this copy", false)),
    ] {
        let first = |refusal: &Refusal| shown(&Handed::Rejected(refusal.clone()), Earlier::Never, purpose, shared);
        assert_eq!(first(&refused), Some(expected));
        assert_eq!(first(&clocks), Some(("The clocks differ", expected.1)));
        for refusal in [&refused, &clocks] {
            let again = Handed::RejectedAgain(refusal.clone());
            assert_eq!(shown(&again, Earlier::Open, purpose, shared), Some((OPEN, false)));
            assert_eq!(
                shown(&again, Earlier::Accepted, purpose, shared),
                Some((ACCEPTED, false))
            );
        }
    }
    // What was not kept was not sent: that shows nothing of the one it was to replace, nor of what others have sent.
    for (handing, moved) in [
        (Handing::Payment, true),
        (Handing::Replacement, false),
        (Handing::Proposal, false),
    ] {
        let not_kept = |earlier| SendError::not_kept("it is full", "0x07", earlier, handing);
        assert_eq!(
            not_kept(Earlier::Never).next.contains("No coins moved"),
            moved,
            "{handing:?}"
        );
        let known = [
            (Earlier::Open, "It was sent before, and may have been accepted."),
            (Earlier::Accepted, "A node had it before."),
        ];
        for (earlier, words) in known {
            let again = not_kept(earlier);
            assert_eq!(again.what, "The payment was not sent again");
            assert!(again.why.contains(words), "{}", again.why);
        }
    }
    assert!(!is_other_nonce(&Handed::Rejected(clocks)));
}

fn refusal(name: &str, ahead: Option<i64>) -> Refusal {
    Refusal {
        name: name.to_owned(),
        text: "Its time is wrong.".to_owned(),
        leaves_open: "",
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
