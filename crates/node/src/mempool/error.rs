//! Why a transaction is not accepted into the pool.

use tally_chain::{Address, Amount, TransactionError, TxId};

/// Why a transaction does not enter the pool.
#[allow(missing_docs, reason = "the message of each variant names its fields")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MempoolError {
    #[error("transaction {id} is already in the pool")]
    AlreadyKnown { id: TxId },
    /// Expired, or from the future. Rule: docs/protocol.md#T7
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    #[error("max_fee is {max_fee}, the base fee of this chain is never below {min}")]
    FeeTooLow { max_fee: u128, min: u128 },
    #[error("gas_limit is {gas_limit}, this transaction needs at least {required}")]
    GasLimitTooLow { gas_limit: u64, required: u64 },
    #[error("gas_limit is {gas_limit}, at most {max} fits into a block")]
    GasLimitTooHigh { gas_limit: u64, max: u64 },
    #[error("contract code in data has {len} bytes, at most {max} are allowed")]
    InitCodeTooLong { len: usize, max: usize },
    /// Rule: docs/protocol.md#T9
    #[error("sender {sender} is a contract")]
    SenderHasCode { sender: Address },
    /// Rule: docs/protocol.md#T6
    #[error("nonce is {found}, the account is already at {expected}")]
    NonceTooLow { found: u64, expected: u64 },
    #[error("nonce is {found}, the next one is {expected} and at most {max} may be missing before it")]
    NonceGapTooLarge { found: u64, expected: u64, max: u64 },
    /// Rule: docs/protocol.md#T9
    #[error("balance is {balance}, this and the sender's waiting transactions may cost {required}")]
    InsufficientFunds { balance: Amount, required: Amount },
    #[error(
        "replacing {replaced} requires max_fee {required_max_fee} (found {max_fee}) and max_priority_fee \
         {required_priority_fee} (found {priority_fee})"
    )]
    ReplacementUnderpriced {
        replaced: TxId,
        max_fee: u128,
        required_max_fee: u128,
        priority_fee: u128,
        required_priority_fee: u128,
    },
    #[error("sender would have {found} {what} in the pool, at most {max} are allowed")]
    SenderLimit {
        what: &'static str,
        found: usize,
        max: usize,
    },
    #[error(
        "pool is full ({count} of {max_count} transactions, {bytes} of {max_bytes} bytes) of such that pay as much"
    )]
    Full {
        count: usize,
        max_count: usize,
        bytes: usize,
        max_bytes: usize,
    },
}
