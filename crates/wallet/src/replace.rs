//! Another transaction in the place of one that waits: the same payment for a higher fee, or nothing at all.
//! Rules: docs/protocol.md#W52, #W53

use tally_chain::fees::{min_gas, replacement_fee};
use tally_chain::transaction::{
    Authenticator, ChainIdentity, MAX_GAS_LIMIT, Payload, TallyTransaction, Transaction, TransactionError,
};
use tally_chain::{Address, Amount, Bytes, RawTransaction, ReferenceVerifier, UnixSecs};
use thiserror::Error;

use crate::fees::Fee;

/// What becomes of a waiting transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// The same receiver, amount and data for a higher fee.
    SpeedUp,
    /// Nothing is paid but a fee: an empty payment to itself takes the nonce.
    Cancel,
}

/// Why a waiting transaction cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum ReplaceError {
    #[error("only transactions of type 0x54 can be replaced here")]
    NotTally,
    #[error("this is a transaction of {found}, not of {sender}")]
    OtherSender { sender: Address, found: Address },
    #[error("the fee of the waiting transaction cannot be raised any more")]
    FeeAtMaximum,
    #[error(transparent)]
    Transaction(#[from] TransactionError),
}

/// The payload that takes the place of a waiting transaction. Rule: docs/protocol.md#W53
///
/// `envelope` is the waiting one, checked as a node would: a page cannot pass off other bytes as it. `fee` is the
/// market price now; each of its two prices is raised to what a pool requires of a replacement.
pub fn replace(
    chain: &ChainIdentity,
    sender: Address,
    envelope: impl Into<Bytes>,
    how: Replacement,
    fee: Fee,
    now: UnixSecs,
) -> Result<Vec<u8>, ReplaceError> {
    let old = RawTransaction::decode(envelope)?.check(chain, &ReferenceVerifier)?;
    if old.sender() != sender {
        return Err(ReplaceError::OtherSender {
            sender,
            found: old.sender(),
        });
    }
    let Transaction::Tally(waiting) = old.transaction() else {
        return Err(ReplaceError::NotTally);
    };
    let fee = raised(&waiting.payload, fee)?;
    let payload = Payload {
        max_priority_fee: fee.max_priority_fee,
        max_fee: fee.max_fee,
        timestamp: now,
        // The longest that it can be, while gas is counted.
        gas_limit: MAX_GAS_LIMIT,
        ..match how {
            Replacement::SpeedUp => waiting.payload.clone(),
            Replacement::Cancel => Payload {
                to: Some(sender),
                value: Amount::ZERO,
                data: Bytes::new(),
                ..waiting.payload.clone()
            },
        }
    };
    let least = least_gas(&payload, &waiting.authenticator);
    // What a contract was given beyond the least, it keeps.
    let beyond = match how {
        Replacement::SpeedUp => {
            let before = least_gas(&waiting.payload, &waiting.authenticator);
            waiting.payload.gas_limit.saturating_sub(before)
        }
        Replacement::Cancel => 0,
    };
    let gas_limit = least.saturating_add(beyond).min(MAX_GAS_LIMIT);
    Ok(Payload { gas_limit, ..payload }.encode())
}

/// The lowest fee that takes the place of `waiting`, or `fee` where that is higher. Rule: docs/protocol.md#W52
fn raised(waiting: &Payload, fee: Fee) -> Result<Fee, ReplaceError> {
    if waiting.max_fee == u128::MAX || waiting.max_priority_fee == u128::MAX {
        return Err(ReplaceError::FeeAtMaximum);
    }
    let max_priority_fee = replacement_fee(waiting.max_priority_fee).max(fee.max_priority_fee);
    let max_fee = replacement_fee(waiting.max_fee).max(fee.max_fee).max(max_priority_fee);
    Ok(Fee {
        max_priority_fee,
        max_fee,
    })
}

fn least_gas(payload: &Payload, authenticator: &Authenticator) -> u64 {
    let envelope = TallyTransaction {
        payload: payload.clone(),
        authenticator: authenticator.clone(),
    };
    let length = envelope.encode().len();
    min_gas(&payload.data, payload.to.is_none(), length, authenticator.gas())
}
