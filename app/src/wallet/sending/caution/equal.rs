//! A payment of the same that may still happen: signed twice, it pays twice. Rule: docs/protocol.md#W58

use tally_chain::transaction::{ChainIdentity, LIFETIME, Transaction};
use tally_chain::{Bytes, RawTransaction};
use tally_wallet::{Memo, Review, payment};

use super::{Caution, Weight};
use crate::{
    browser, format,
    model::{Status, TransactionPage},
    reads,
    wallet::{
        client::node,
        storage::journal::{NotKept, Sent},
    },
};

/// Waiting transactions of the account that are looked at.
const MAX_LOOKED_AT: usize = 16;

/// Names a payment with the same receiver and amount that waits, or of which it is not known whether it was accepted; or says
/// that this could not be found out.
pub async fn equal(
    chain: &ChainIdentity,
    from: &str,
    review: &Review,
    journal: Result<&[Sent], &NotKept>,
) -> Option<Caution> {
    if is_nothing(review) {
        return None;
    }
    let journal = match journal {
        Ok(journal) => journal,
        Err(why) => return Some(unchecked(&why.to_string())),
    };
    match kept(chain, from, review, journal).await {
        Looked { found: None, failure } => {
            let mut waiting = waiting(chain, from, review, journal).await;
            waiting.failure = failure.or(waiting.failure);
            waiting.caution()
        }
        found => found.caution(),
    }
}

/// Whether it moves nothing and has no memo, as a cancelling one: twice is as good as once. Rule: docs/protocol.md#W53
fn is_nothing(review: &Review) -> bool {
    review.to == Some(review.sender) && review.value.is_zero() && review.memo == Memo::None
}

/// What a search came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Looked {
    found: Option<Caution>,
    /// Why it may have missed one.
    failure: Option<String>,
}

impl Looked {
    fn at(caution: Caution) -> Self {
        Self {
            found: Some(caution),
            failure: None,
        }
    }

    /// A search that was not finished and found nothing has not shown that there is nothing.
    fn caution(self) -> Option<Caution> {
        self.found.or_else(|| self.failure.as_deref().map(unchecked))
    }
}

/// Looks at what this browser has sent.
async fn kept(chain: &ChainIdentity, from: &str, review: &Review, journal: &[Sent]) -> Looked {
    let now = browser::now().unwrap_or_default();
    let recent = journal
        .iter()
        .filter(|sent| sent.from == from && now.saturating_sub(sent.at) <= LIFETIME);
    let mut failure = None;
    for sent in recent.filter(|sent| sent.nonce != review.nonce) {
        match is_equal(chain, sent, review) {
            Some(true) => {}
            Some(false) => continue,
            // Its bytes were let go to make room: where it waits, the node has them.
            None if sent.acknowledged => continue,
            None => {
                failure = Some(format!("the bytes of {}, which is in doubt, were not kept", sent.id));
                continue;
            }
        }
        match reads::transaction(sent.id.clone()).await {
            Ok(page) => {
                if let Some(caution) = warning(sent, page.map(|page| page.row.status)) {
                    return Looked::at(caution);
                }
            }
            Err(_) if !sent.acknowledged => return Looked::at(in_doubt(&sent.id, sent.at)),
            Err(error) => failure = Some(error.to_string()),
        }
    }
    Looked { found: None, failure }
}

/// Looks at what another device of the same keys has sent: what waits at the node, and what the journal does not know or has
/// without its bytes.
async fn waiting(chain: &ChainIdentity, from: &str, review: &Review, journal: &[Sent]) -> Looked {
    let pool = match node::waiting(from).await {
        Ok(pool) => pool,
        Err(why) => {
            return Looked {
                found: None,
                failure: Some(why),
            };
        }
    };
    let unknown = pool
        .items
        .iter()
        .filter(|item| item.nonce != review.nonce && !is_compared(chain, &item.id.to_string(), review, journal));
    let mut failure = None;
    for (place, item) in unknown.enumerate() {
        if place == MAX_LOOKED_AT {
            failure = Some(format!(
                "more than {MAX_LOOKED_AT} payments of this account wait that this browser did not send"
            ));
            break;
        }
        let id = item.id.to_string();
        match reads::transaction(id.clone()).await {
            Ok(Some(page)) if is_same(&page, review) => return Looked::at(waits(&id, page.row.time)),
            // It has left the pool in the meantime, if it is not another one.
            Ok(_) => {}
            Err(error) => failure = Some(error.to_string()),
        }
    }
    Looked { found: None, failure }
}

/// Whether the journal has the bytes of this id, so that they were compared already.
fn is_compared(chain: &ChainIdentity, id: &str, review: &Review, journal: &[Sent]) -> bool {
    let mut own = journal.iter().filter(|sent| sent.id == id);
    own.any(|sent| is_equal(chain, sent, review).is_some())
}

/// Whether receiver and amount are the same in the answer of the node; where nothing moves, the memo too.
fn is_same(page: &TransactionPage, review: &Review) -> bool {
    let to = review.to.map(|to| to.to_string());
    let parties = page.row.to == to && page.row.value.digits() == review.value.0.to_string();
    let data = match &review.memo {
        Memo::None => String::new(),
        Memo::Text(text) => Bytes::copy_from_slice(text.as_bytes()).to_string(),
        Memo::Hex(hex) => hex.clone(),
    };
    let memo = page.data.trim_start_matches("0x") == data.trim_start_matches("0x");
    parties && (!review.value.is_zero() || memo)
}

/// Whether it has the same receiver and amount; of what moves nothing also the memo. None where its bytes cannot be read.
fn is_equal(chain: &ChainIdentity, sent: &Sent, review: &Review) -> Option<bool> {
    let raw = RawTransaction::decode(sent.envelope.clone()).ok()?;
    let Transaction::Tally(other) = raw.transaction() else {
        return None;
    };
    let other = payment::review(chain, review.sender, &other.payload.encode()).ok()?;
    let parties = other.to == review.to && other.value == review.value;
    Some(parties && (!review.value.is_zero() || other.memo == review.memo))
}

/// What is warned of an equal one, by what the node reports of it now; none where it does not know it.
fn warning(sent: &Sent, status: Option<Status>) -> Option<Caution> {
    match status {
        Some(Status::Pending) => Some(waits(&sent.id, sent.at)),
        // No mark shows yet that the first one has paid.
        Some(Status::Succeeded) if !sent.acknowledged => Some(accepted(&sent.id, sent.at)),
        Some(Status::Succeeded | Status::Failed) => None,
        // The node had it and let it go: nothing waits.
        None if sent.acknowledged => None,
        None => Some(in_doubt(&sent.id, sent.at)),
    }
}

fn waits(id: &str, at: u64) -> Caution {
    stop(
        "The same payment waits already",
        format!(
            "One with this receiver and this amount was made at {} and is not in a block yet: {id}. Signed again, it pays a \
             second time. To get the first into a block sooner, use “Speed up” in the history.",
            format::utc(at)
        ),
    )
}

fn in_doubt(id: &str, at: u64) -> Caution {
    stop(
        "The same payment may have been accepted already",
        format!(
            "One with this receiver and this amount was sent at {}, and no answer came: {id}. Signed again, it may pay a \
             second time. The history can send the same bytes again, which pay once.",
            format::utc(at)
        ),
    )
}

fn accepted(id: &str, at: u64) -> Caution {
    stop(
        "The same payment was accepted already",
        format!(
            "One with this receiver and this amount was sent at {}, no answer came, and it is in a block by now: {id}. Signed \
             again, it pays a second time.",
            format::utc(at)
        ),
    )
}

fn unchecked(why: &str) -> Caution {
    let why = why.trim_end_matches('.');
    stop(
        "It could not be checked whether the same payment waits already",
        format!(
            "{why}. If you have made this payment before, in this browser or elsewhere, look for it in the history first: \
             signed again, it may pay a second time."
        ),
    )
}

fn stop(title: &str, text: String) -> Caution {
    Caution {
        title: title.to_owned(),
        text,
        weight: Weight::Stop,
    }
}

#[cfg(test)]
mod tests {
    use tally_chain::{Address, Amount, ChainSpec, U256, UnixSecs, genesis, transaction::Payload};

    use super::*;
    use crate::wallet::storage::journal::Purpose;

    #[test]
    fn a_search_that_was_not_finished_needs_a_yes() {
        let failed = Looked {
            found: None,
            failure: Some("the node answered with status 503.".to_owned()),
        };
        let caution = failed.caution().expect("it is shown");
        assert_eq!(caution.weight, Weight::Stop);
        assert_eq!(
            caution.title,
            "It could not be checked whether the same payment waits already"
        );
        assert!(
            caution
                .text
                .starts_with("the node answered with status 503. If you have made"),
            "{}",
            caution.text
        );
        // Nothing to show only where all was looked at and nothing found; one that was found is named whatever else failed.
        assert_eq!(Looked::default().caution(), None);
        let found = Looked {
            found: Some(waits("0x07", 1)),
            failure: Some("no answer".to_owned()),
        };
        assert_eq!(found.caution(), Some(waits("0x07", 1)));
    }

    #[test]
    fn bytes_that_were_not_kept_are_not_taken_for_another_payment() {
        let chain = genesis::identity(&ChainSpec::built_in("local").unwrap());
        let payload = Payload {
            chain_id: chain.chain_id,
            nonce: 7,
            timestamp: UnixSecs(1_795_424_712),
            max_priority_fee: 1,
            max_fee: 2,
            gas_limit: 200_000,
            to: Some(Address::repeat_byte(0x11)),
            value: Amount(U256::from(5)),
            data: Bytes::new(),
        };
        let review = payment::review(&chain, Address::repeat_byte(0x22), &payload.encode()).unwrap();
        assert_eq!(is_equal(&chain, &sent(false), &review), None);
        // One that a node has and that waits is looked up there, since it could not be compared here.
        assert!(!is_compared(&chain, "0x07", &review, &[sent(true)]));

        // What cancels or fills needs no comparison; a memo is something.
        let own = Address::repeat_byte(0x22);
        let nothing = Payload {
            to: Some(own),
            value: Amount::ZERO,
            ..payload.clone()
        };
        let noted = Payload {
            data: Bytes::from_static(b"a note"),
            ..nothing.clone()
        };
        for (payload, expected) in [(nothing, true), (noted, false), (payload, false)] {
            let review = payment::review(&chain, own, &payload.encode()).unwrap();
            assert_eq!(is_nothing(&review), expected, "{payload:?}");
        }
    }

    fn sent(acknowledged: bool) -> Sent {
        Sent {
            id: "0x07".to_owned(),
            from: Address::repeat_byte(0x22).to_string(),
            nonce: 6,
            at: 1,
            purpose: Purpose::Payment,
            replaces: None,
            envelope: Bytes::new(),
            acknowledged,
            again: false,
        }
    }

    #[test]
    fn one_whose_answer_was_lost_is_named_even_where_it_is_in_a_block_by_now() {
        for (status, in_doubt_before, known_before) in [
            (Some(Status::Pending), Some(waits("0x07", 1)), Some(waits("0x07", 1))),
            (Some(Status::Succeeded), Some(accepted("0x07", 1)), None),
            // It moved nothing, and never will.
            (Some(Status::Failed), None, None),
            (None, Some(in_doubt("0x07", 1)), None),
        ] {
            assert_eq!(warning(&sent(false), status), in_doubt_before, "{status:?}");
            assert_eq!(warning(&sent(true), status), known_before, "{status:?}");
        }
    }
}
