//! A payment that may happen twice: an equal one with another nonce waits, or was sent and got no answer. Every path that signs
//! looks here. Rule: docs/protocol.md#W58

use tally_api::accounts::AccountPoolBody;
use tally_api::mempool::WaitingBody;
use tally_api::transactions::TransactionStatus;
use tally_chain::TxId;
use tally_wallet::Review;

use super::super::client::Client;
use super::journal::{Journal, Paid, State};

/// An equal payment, and what is known of it; or that it is not known whether there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Equal {
    #[error("an equal payment (receiver and amount) waits already, id {id}")]
    Waits { id: TxId },
    #[error(
        "an equal payment (receiver and amount), sent before without an answer, was accepted, id {id}: {}",
        .status.sentence()
    )]
    Accepted { id: TxId, status: TransactionStatus },
    #[error(
        "an equal payment (receiver and amount) was sent before without an answer and may have been accepted, id {id}; \
         `tally wallet resend {id}` sends its bytes again, which never pays twice"
    )]
    InDoubt { id: TxId },
    #[error(
        "it could not be found out whether an equal payment waits already: {count} of this account wait, and only the \
         first {compared} can be compared"
    )]
    Uncompared { count: usize, compared: usize },
}

/// Looks for an equal payment of the same account: in the journal, and in the node's pool, where there is a node.
pub fn find(
    client: Option<&Client>,
    journal: &Journal,
    review: &Review,
    payload: &[u8],
) -> anyhow::Result<Option<Equal>> {
    let paid = Paid::in_payload(payload)?;
    if paid.is_nothing(review.sender) {
        return Ok(None);
    }
    if let Some(equal) = unanswered(client, journal, review, &paid)? {
        return Ok(Some(equal));
    }
    match client {
        Some(client) => waiting(client, review, &paid),
        None => Ok(None),
    }
}

/// Among those that this wallet sent and that got no answer; what the node knows of them by now is written down.
fn unanswered(
    client: Option<&Client>,
    journal: &Journal,
    review: &Review,
    paid: &Paid,
) -> anyhow::Result<Option<Equal>> {
    let (now, from) = ((tally_node::system_clock())(), review.sender.to_string());
    for entry in journal.unanswered(review.genesis)? {
        // Of one nonce only one transaction can happen.
        if entry.from != from || entry.nonce == review.nonce || !paid.is_equal(&Paid::by(&entry.envelope)?) {
            continue;
        }
        let id = entry.id;
        let found = client.map(|client| client.find(id)).transpose()?.flatten();
        if let Some(found) = found {
            journal.settle(id, State::Accepted)?;
            let status = found.status;
            return Ok(Some(Equal::Accepted { id, status }));
        }
        // Later than this no block takes it any more. Rule: docs/protocol.md#T7
        if !entry.is_over(now) {
            return Ok(Some(Equal::InDoubt { id }));
        }
    }
    Ok(None)
}

/// Among those that wait in the node's pool, from any device of these keys.
fn waiting(client: &Client, review: &Review, paid: &Paid) -> anyhow::Result<Option<Equal>> {
    let AccountPoolBody { count, items, .. } = client.get(&format!("accounts/{}/pending", review.sender))?;
    let compared = items.len();
    for WaitingBody { id, nonce, .. } in items {
        if nonce == review.nonce {
            continue;
        }
        if let Some(found) = client.find(id)?
            && found.block.is_none()
            && paid.is_equal(&Paid::by(&found.raw)?)
        {
            return Ok(Some(Equal::Waits { id }));
        }
    }
    // What was not compared has not shown that there is none.
    Ok((count > compared).then_some(Equal::Uncompared { count, compared }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_a_later_version_is_shown_as_not_known() {
        let id = TxId(tally_chain::B256::repeat_byte(7));
        let text_of = |status| Equal::Accepted { id, status }.to_string();
        let accepted =
            format!("an equal payment (receiver and amount), sent before without an answer, was accepted, id {id}: ");
        assert_eq!(text_of(TransactionStatus::Queued), format!("{accepted}it is queued"));
        let unknown = format!("{accepted}its status is not known to this version");
        assert_eq!(text_of(TransactionStatus::Unknown), unknown);
    }
}
