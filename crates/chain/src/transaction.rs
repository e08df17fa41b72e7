//! Transactions: `bytes -> RawTransaction -> CheckedTransaction`. Rules: docs/protocol.md#T1 to #T13

mod ethereum;
mod tally;

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, U256};

use crate::codec::CodecError;
use crate::hash::TxId;
use crate::keys::{KeyError, SignatureVerifier};
use crate::multisig::{MultisigError, PolicyError};
use crate::units::{Amount, UnixSecs};
use crate::{B256, BlockId};

pub use ethereum::{EthereumKind, EthereumTransaction};
pub use tally::{Authenticator, Payload, TALLY_TYPE, TallyTransaction};

/// Longest envelope in bytes. Rule: docs/protocol.md#L3
pub const MAX_TRANSACTION_BYTES: usize = 131_072;
/// Largest gas limit. Rule: docs/protocol.md#L4
pub const MAX_GAS_LIMIT: u64 = 16_777_216;
/// How long after its timestamp a transaction may be included, in seconds. Rule: docs/protocol.md#T7
pub const LIFETIME: u64 = 86_400;
/// How far a timestamp may be ahead of the block, in seconds. Rule: docs/protocol.md#T7
pub const MAX_AHEAD: u64 = 600;
/// Most addresses and slots in an access list. Rule: docs/protocol.md#L6
pub const MAX_ACCESS_ADDRESSES: usize = 256;
/// Most slots of all addresses of an access list together. Rule: docs/protocol.md#L6
pub const MAX_ACCESS_SLOTS: usize = 1_024;

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

/// A decoded envelope of either family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transaction {
    /// An envelope of type `0x54`.
    Tally(TallyTransaction),
    /// A legacy, EIP-2930 or EIP-1559 envelope.
    Ethereum(EthereumTransaction),
}

/// What signatures are bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainIdentity {
    /// The number that every signature is bound to. Rule: docs/protocol.md#T5
    pub chain_id: u64,
    /// Id of block 0, which Tally signatures are bound to. Rule: docs/protocol.md#T3
    pub genesis: BlockId,
}

/// A well-formed transaction; nothing of it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawTransaction {
    envelope: Bytes,
    transaction: Transaction,
}

impl RawTransaction {
    /// Decodes one envelope; bytes after it are rejected. Rule: docs/protocol.md#T1
    pub fn decode(envelope: impl Into<Bytes>) -> Result<Self, TransactionError> {
        let envelope = envelope.into();
        if envelope.len() > MAX_TRANSACTION_BYTES {
            return Err(TransactionError::TooLarge {
                len: envelope.len(),
                max: MAX_TRANSACTION_BYTES,
            });
        }
        let transaction = match envelope.first() {
            None => return Err(TransactionError::Empty),
            Some(&TALLY_TYPE) => Transaction::Tally(TallyTransaction::decode(&envelope[1..])?),
            Some(_) => Transaction::Ethereum(EthereumTransaction::decode(&envelope)?),
        };
        Ok(Self { envelope, transaction })
    }

    /// The bytes as they were decoded.
    pub fn envelope(&self) -> &Bytes {
        &self.envelope
    }

    /// The decoded fields.
    pub fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// Everything that can be checked without state: limits, chain, fees, signature.
    pub fn check(
        self,
        chain: &ChainIdentity,
        verifier: &dyn SignatureVerifier,
    ) -> Result<CheckedTransaction, TransactionError> {
        let view = self.transaction.view();
        if view.chain_id != chain.chain_id {
            return Err(TransactionError::WrongChain {
                found: view.chain_id,
                expected: chain.chain_id,
            });
        }
        if view.nonce == u64::MAX {
            return Err(TransactionError::NonceTooLarge);
        }
        if view.gas_limit > MAX_GAS_LIMIT {
            return Err(TransactionError::GasLimitTooHigh {
                found: view.gas_limit,
                max: MAX_GAS_LIMIT,
            });
        }
        if view.max_priority_fee > view.max_fee {
            return Err(TransactionError::PriorityAboveMax {
                priority: view.max_priority_fee,
                max_fee: view.max_fee,
            });
        }
        let max_cost = Amount(U256::from(view.max_fee))
            .checked_mul(view.gas_limit)
            .and_then(|fee| fee.checked_add(view.value))
            .ok_or(TransactionError::CostOverflow)?;
        let (sender, id) = match &self.transaction {
            Transaction::Tally(tx) => tx.authenticate(&chain.genesis, verifier)?,
            Transaction::Ethereum(tx) => tx.authenticate(&self.envelope, verifier)?,
        };
        Ok(CheckedTransaction(Arc::new(Checked {
            raw: self,
            sender,
            id,
            max_cost,
        })))
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Checked {
    raw: RawTransaction,
    sender: Address,
    id: TxId,
    max_cost: Amount,
}

/// A transaction whose signature and limits hold on this chain; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedTransaction(Arc<Checked>);

impl CheckedTransaction {
    /// Its id. Rule: docs/protocol.md#T4
    pub fn id(&self) -> TxId {
        self.0.id
    }

    /// The account that signed it and pays for it.
    pub fn sender(&self) -> Address {
        self.0.sender
    }

    /// The bytes as they were decoded.
    pub fn envelope(&self) -> &Bytes {
        &self.0.raw.envelope
    }

    /// The decoded fields.
    pub fn transaction(&self) -> &Transaction {
        &self.0.raw.transaction
    }

    /// The fields both families share.
    pub fn view(&self) -> View<'_> {
        self.0.raw.transaction.view()
    }

    /// `value + gas_limit * max_fee`. Rule: docs/protocol.md#T9
    pub fn max_cost(&self) -> Amount {
        self.0.max_cost
    }

    /// Whether a block of this time and base fee may include it. Rules: docs/protocol.md#T7, #T8
    pub fn check_includable(&self, time: UnixSecs, base_fee: u128) -> Result<(), TransactionError> {
        let view = self.view();
        if view.max_fee < base_fee {
            return Err(TransactionError::FeeTooLow {
                max_fee: view.max_fee,
                base_fee,
            });
        }
        let Some(timestamp) = view.timestamp else { return Ok(()) };
        if timestamp > time.saturating_add(MAX_AHEAD) {
            return Err(TransactionError::FromTheFuture { timestamp, time });
        }
        if time > timestamp.saturating_add(LIFETIME) {
            return Err(TransactionError::Expired { timestamp, time });
        }
        Ok(())
    }

    /// The last time of a block that may hold it; none where it does not expire. Rule: docs/protocol.md#T7
    pub fn expires(&self) -> Option<UnixSecs> {
        self.view()
            .timestamp
            .map(|timestamp| timestamp.saturating_add(LIFETIME))
    }
}

/// The fields that both families share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View<'a> {
    /// EIP-2718 type byte; 0 for legacy.
    pub kind: u8,
    /// The number that the signature is bound to. Rule: docs/protocol.md#T5
    pub chain_id: u64,
    /// The sender's account nonce when it executes. Rule: docs/protocol.md#T6
    pub nonce: u64,
    /// Only Tally transactions carry one.
    pub timestamp: Option<UnixSecs>,
    /// Base units per gas.
    pub max_priority_fee: u128,
    /// Base units per gas, base fee included.
    pub max_fee: u128,
    /// Most gas that it may use.
    pub gas_limit: u64,
    /// None creates a contract.
    pub to: Option<Address>,
    /// What `to` receives, in base units.
    pub value: Amount,
    /// Memo, call data, or the init code of a contract.
    pub data: &'a Bytes,
    /// Addresses and slots that are warm from the start (EIP-2930); empty for Tally transactions.
    pub access_list: &'a [(Address, Vec<B256>)],
}

impl Transaction {
    /// The fields that both families share.
    pub fn view(&self) -> View<'_> {
        match self {
            Self::Tally(tx) => tx.payload.view(),
            Self::Ethereum(tx) => tx.view(),
        }
    }
}

impl CheckedTransaction {
    /// Gas for bytes and signature of a Tally transaction, in place of the EVM's 21,000; `None` for Ethereum types.
    /// Rule: docs/protocol.md#X2
    pub fn envelope_gas(&self) -> Option<u64> {
        match self.transaction() {
            Transaction::Tally(tx) => Some(envelope_gas(self.envelope().len(), &tx.authenticator)),
            Transaction::Ethereum(_) => None,
        }
    }
}

/// Gas of any `0x54` envelope, before bytes and signature. Rule: docs/protocol.md#X2
pub const ENVELOPE_BASE_GAS: u64 = 2_000;

/// Gas for an envelope of `bytes` with this authenticator. Rule: docs/protocol.md#X2
pub fn envelope_gas(bytes: usize, authenticator: &Authenticator) -> u64 {
    ENVELOPE_BASE_GAS + bytes as u64 + authenticator.gas()
}
