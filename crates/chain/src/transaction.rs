//! Transactions: `bytes -> RawTransaction -> CheckedTransaction`. Rules: docs/protocol.md#T1 to #T13

mod error;
mod ethereum;
mod limits;
mod tally;
mod view;

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, U256};

use crate::hash::{BlockId, TxId};
use crate::keys::SignatureVerifier;
use crate::units::{Amount, UnixSecs};

pub use error::TransactionError;
pub use ethereum::{EthereumKind, EthereumTransaction};
pub use limits::{LIFETIME, MAX_ACCESS_ADDRESSES, MAX_ACCESS_SLOTS, MAX_AHEAD, MAX_GAS_LIMIT, MAX_TRANSACTION_BYTES};
pub use tally::{Authenticator, Payload, TALLY_TYPE, TallyTransaction};
pub use view::View;

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
        // Comparisons first: the signature costs most, so that a flood of wrong transactions is cheap to reject.
        if view.chain_id != chain.chain_id {
            return Err(TransactionError::WrongChain {
                found: view.chain_id,
                expected: chain.chain_id,
            });
        }
        // The account's nonce becomes one more (T6).
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
        // Computed here, once: wherever the cost is compared with a balance (T9), it cannot overflow any more.
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
