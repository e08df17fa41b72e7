//! A payment of the same that may still happen: signed twice, it pays twice. Rule: docs/protocol.md#W58

use tally_chain::{RawTransaction, transaction::ChainIdentity, transaction::Transaction};
use tally_wallet::{Review, payment};

use super::{Caution, Weight};
use crate::{
    browser, format,
    model::Status,
    reads,
    wallet::{
        journal::{self, Sent},
        node,
    },
};

/// How long a signed payment can enter a block, in seconds. Rule: docs/protocol.md#T7
const LIFETIME: u64 = 86_400;
/// Waiting transactions of the account that are looked at.
const MAX_LOOKED_AT: usize = 16;

/// Names a payment with the same receiver and amount that waits, or of which it is not known whether it was taken.
pub async fn equal(chain: &ChainIdentity, from: &str, review: &Review) -> Option<Caution> {
    let genesis = chain.genesis.to_string();
    let now = browser::now().unwrap_or_default();
    let journal = journal::load(&genesis);
    let kept = journal
        .iter()
        .filter(|sent| sent.from == from && now.saturating_sub(sent.at) <= LIFETIME);
    for sent in kept.filter(|sent| is_equal(chain, sent, review)) {
        match reads::transaction(sent.id.clone()).await {
            Ok(Some(page)) if page.row.status == Status::Pending => return Some(waits(&sent.id, sent.at)),
            Ok(Some(_)) => {}
            // The node had it and let it go: nothing waits.
            Ok(None) if sent.acknowledged => {}
            Ok(None) | Err(_) => return Some(in_doubt(&sent.id, sent.at)),
        }
    }
    // What another device of the same keys has sent.
    let pool = node::waiting(from).await.ok()?;
    let unknown = pool
        .items
        .iter()
        .filter(|item| item.nonce != review.nonce && journal.iter().all(|sent| sent.id != item.id));
    for item in unknown.take(MAX_LOOKED_AT) {
        let Ok(Some(page)) = reads::transaction(item.id.clone()).await else {
            continue;
        };
        let to = review.to.map(|to| to.to_string());
        let same = page.row.to == to && page.row.value.digits() == review.value.0.to_string();
        if same && !review.value.is_zero() {
            return Some(waits(&item.id, page.row.time));
        }
    }
    None
}

/// Of another nonce, so that both can happen, with the same receiver and amount; of what moves nothing also the memo.
fn is_equal(chain: &ChainIdentity, sent: &Sent, review: &Review) -> bool {
    let Ok(raw) = RawTransaction::decode(sent.envelope.clone()) else {
        return false;
    };
    let Transaction::Tally(other) = raw.transaction() else {
        return false;
    };
    let Ok(other) = payment::review(chain, review.sender, &other.payload.encode()) else {
        return false;
    };
    other.nonce != review.nonce
        && other.to == review.to
        && other.value == review.value
        && (!review.value.is_zero() || other.memo == review.memo)
}

fn waits(id: &str, at: u64) -> Caution {
    stop(
        "The same payment waits already",
        format!(
            "One with this receiver and this amount was made at {} and is not in a block yet: {id}. Signed again, it pays a \
             second time. To hurry the first, use “Speed up” in the history.",
            format::utc(at)
        ),
    )
}

fn in_doubt(id: &str, at: u64) -> Caution {
    stop(
        "The same payment may have been taken already",
        format!(
            "One with this receiver and this amount was sent at {}, and no answer came: {id}. Signed again, it may pay a \
             second time. The history can send the same bytes again, which pay once.",
            format::utc(at)
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
