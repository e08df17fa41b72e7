//! Why a transaction is rejected, before any state is looked at.

use crate::codec::CodecError;
use crate::keys::KeyError;
use crate::multisig::{MultisigError, PolicyError};
use crate::units::UnixSecs;

/// Why a transaction is rejected; the stateful reasons are in the ledger and the mempool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum TransactionError {
    #[error("transaction is empty")]
    Empty,
    #[error("transaction has {len} bytes, at most {max} are allowed")]
    TooLarge { len: usize, max: usize },
    #[error("transaction type {found:#04x} is unknown; 0x01, 0x02, 0x54 and legacy are accepted")]
    UnknownType { found: u8 },
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("authenticator kind {found} is unknown; 1 (rsa-pss-sha256), 2 (secp256k1) and 3 (multisig) are accepted")]
    UnknownAuthenticator { found: u64 },
    #[error("authenticator: {0}")]
    Key(#[from] KeyError),
    #[error("authenticator: {0}")]
    Policy(PolicyError),
    #[error("authenticator: {0}")]
    Multisig(#[from] MultisigError),
    #[error("signature does not verify")]
    BadSignature,
    #[error("legacy transaction has v = {v}: only EIP-155 is accepted")]
    NotReplayProtected { v: u64 },
    #[error("y parity is {found}, expected 0 or 1")]
    BadParity { found: u64 },
    #[error("chain_id is {found}, this chain is {expected}")]
    WrongChain { found: u64, expected: u64 },
    #[error("nonce is at its maximum")]
    NonceTooLarge,
    #[error("gas_limit is {found}, at most {max} is allowed")]
    GasLimitTooHigh { found: u64, max: u64 },
    #[error("max_priority_fee {priority} is above max_fee {max_fee}")]
    PriorityAboveMax { priority: u128, max_fee: u128 },
    #[error("max_fee {max_fee} is below the base fee {base_fee}")]
    FeeTooLow { max_fee: u128, base_fee: u128 },
    #[error("value plus gas_limit * max_fee is 2^256 or more")]
    CostOverflow,
    #[error("timestamp {timestamp} expired: the block's time {time} is more than 86400 s after it")]
    Expired { timestamp: UnixSecs, time: UnixSecs },
    #[error("timestamp {timestamp} is more than 600 s ahead of the block's time {time}")]
    FromTheFuture { timestamp: UnixSecs, time: UnixSecs },
}

impl From<PolicyError> for TransactionError {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Codec(error) => Self::Codec(error),
            error => Self::Policy(error),
        }
    }
}
