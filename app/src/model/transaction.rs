use serde::{Deserialize, Serialize};

use super::BaseUnits;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Pending,
    Succeeded,
    Failed,
}

/// How a transaction was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    Rsa,
    Ecc,
    Ethereum,
    Multisig,
}

impl Scheme {
    /// The short name on a badge.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ecc => "ECC",
            Self::Ethereum => "EVM",
            Self::Multisig => "m of n",
        }
    }
}

/// What a transaction does, as far as its fields show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransactionKind {
    Payment,
    Call,
    Creation,
}

impl TransactionKind {
    /// The word shown for it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Payment => "Payment",
            Self::Call => "Contract call",
            Self::Creation => "Contract creation",
        }
    }
}

/// The block a transaction is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRef {
    pub height: u64,
    pub id: String,
    pub time: u64,
    /// Place in the block, from zero.
    pub index: u32,
}

/// One transaction as a line of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRow {
    /// 0x-prefixed id. Rule: docs/protocol.md#T4
    pub id: String,
    pub status: Status,
    pub scheme: Scheme,
    pub kind: TransactionKind,
    pub from: String,
    /// Receiver; for a creation the new contract once it is known.
    pub to: Option<String>,
    pub value: BaseUnits,
    /// Fee paid, or the most it may pay while pending.
    pub fee: BaseUnits,
    /// The block's time, or when this node first saw it while pending.
    pub time: u64,
    pub block: Option<BlockRef>,
}

#[cfg(test)]
impl TransactionRow {
    /// A payment of five base units that waits: what tests begin with.
    pub fn waiting(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            status: Status::Pending,
            scheme: Scheme::Ecc,
            kind: TransactionKind::Payment,
            from: "0xA".to_owned(),
            to: None,
            value: BaseUnits::new(5),
            fee: BaseUnits::new(1),
            time: 7,
            block: None,
        }
    }
}

/// One event a contract emitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogView {
    pub address: String,
    pub topics: Vec<String>,
    pub data: String,
}

/// The policy of a shared account, and who signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    pub required: usize,
    pub keys: Vec<PolicyKeyView>,
}

/// A key of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyKeyView {
    /// `RSA-2048` and the like.
    pub kind: String,
    /// The account of this key alone, or the key's hex where it is no point of the curve.
    pub address: String,
    pub signed: bool,
}

/// Everything the transaction page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionPage {
    pub row: TransactionRow,
    /// The tip's height when this was read.
    pub tip: u64,
    pub nonce: u64,
    /// When the sender made it, Unix seconds; Ethereum types carry none.
    pub made: Option<u64>,
    /// Type byte as hex, `0x54` for Tally's own.
    pub type_byte: String,
    pub bytes: u64,
    pub gas_limit: u64,
    pub gas_used: Option<u64>,
    pub max_fee: BaseUnits,
    pub max_priority_fee: BaseUnits,
    /// Price per gas that was paid.
    pub gas_price: Option<BaseUnits>,
    /// The part of the fee that was burned.
    pub burned: Option<BaseUnits>,
    /// Hex of the data field without prefix; empty for a plain payment.
    pub data: String,
    /// The data as text, where it is printable UTF-8 in a payment.
    pub memo: Option<String>,
    /// `RSA-2048, PSS with SHA-256` and the like.
    pub authenticator: String,
    pub public_key: Option<String>,
    pub signature: String,
    /// The shared account that sent it, if one did.
    pub policy: Option<PolicyView>,
    pub logs: Vec<LogView>,
    /// Whether the node has the whole chain, so that a receipt can carry the proof of it.
    pub provable: bool,
}

impl TransactionPage {
    /// How many blocks confirm it; zero while pending.
    pub fn confirmations(&self) -> u64 {
        self.row
            .block
            .as_ref()
            .map_or(0, |block| (self.tip + 1).saturating_sub(block.height))
    }
}
