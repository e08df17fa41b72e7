//! `/transactions`: lists and one transaction with its proofs.

use std::fmt;

use serde::{Deserialize, Serialize};
use tally_chain::{Address, Amount, B256, BlockId, Bytes, TxId};

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum TransactionStatus {
    /// In the pool, ready for a block.
    Pending,
    /// In the pool, waiting for one with a lower nonce.
    Queued,
    /// In a block, and it did what it should.
    Included,
    /// In a block, fee paid, but its execution failed.
    Failed,
    /// A status that this version does not know: neither success nor failure follows from it. No node sends it.
    #[serde(other, skip_serializing)]
    Unknown,
}

impl TransactionStatus {
    /// The word that stands in JSON; `unknown` for all words that this version does not know.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::Included => "included",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// What a person reads: the word; where this version does not know the status, that, since the transaction is known.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Unknown => "its status is not known to this version",
            known => known.word(),
        }
    }

    /// The same as a sentence: `it is included`.
    pub fn sentence(self) -> String {
        match self {
            Self::Unknown => self.shown().to_owned(),
            known => format!("it is {known}"),
        }
    }
}

impl fmt::Display for TransactionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The block that a transaction is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransactionBlock {
    /// 64 hex digits. Rule: docs/protocol.md#H2
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: BlockId,
    /// Genesis is 0.
    #[cfg_attr(feature = "openapi", schema(example = 1_024))]
    pub height: u64,
    /// Place in the block, from 0.
    pub index: u32,
    /// Unix seconds.
    pub time: u32,
    /// Blocks that confirm it, its own included.
    #[cfg_attr(feature = "openapi", schema(example = 6))]
    pub confirmations: u64,
}

/// An event that a contract emitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogBody {
    /// The contract.
    #[serde(with = "crate::text::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: Address,
    /// At most 4.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub topics: Vec<B256>,
    /// The bytes that are not indexed.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub data: Bytes,
}

/// What a transaction did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptBody {
    /// Whether it took effect; the fee is paid in either case.
    pub success: bool,
    /// Gas of this transaction alone.
    #[cfg_attr(feature = "openapi", schema(example = 3_800))]
    pub gas_used: u64,
    /// Base units per gas that were paid.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "2000000000"))]
    pub gas_price: u128,
    /// The whole fee, in base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "7600000000000"))]
    pub fee: Amount,
    /// The part of the fee that was burned.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "3800000000000"))]
    pub burned: Amount,
    /// Address of the contract it created.
    #[serde(default, with = "crate::text::address::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub contract: Option<Address>,
    /// What contracts logged, in their order.
    pub logs: Vec<LogBody>,
}

/// A policy of m of n keys, and which of them signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MultisigBody {
    /// Signatures that it requires: m.
    #[cfg_attr(feature = "openapi", schema(example = 2))]
    pub required: usize,
    /// Its n keys, in their order.
    pub keys: Vec<MultisigKeyBody>,
}

/// A key of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MultisigKeyBody {
    /// `RSA-2048`, `RSA-3072`, `RSA-4096` or `secp256k1`.
    #[cfg_attr(feature = "openapi", schema(example = "RSA-2048"))]
    pub kind: String,
    /// SPKI DER or the compressed point.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub public_key: Bytes,
    /// The account of this key alone; null where the key is no point of the curve and can never sign.
    #[serde(default, with = "crate::text::address::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub address: Option<Address>,
    /// Whether it signed this transaction.
    pub signed: bool,
}

/// A transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransactionBody {
    /// 0x and 64 hex digits. Rule: docs/protocol.md#T4
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "0x9c3a6c9d3f6a7f0d2bb0f1c0a6b4bb0f5b8b1a3c1f8a4d0e6d7c2b9a8f7e6d5c"))]
    pub id: TxId,
    /// Where it stands.
    pub status: TransactionStatus,
    /// EIP-2718 type: 0x54 is Tally's own, 0x00 legacy.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(example = "0x54"))]
    pub kind: String,
    /// `rsa-pss-sha256`, `secp256k1`, `multisig` or `ethereum`.
    #[cfg_attr(feature = "openapi", schema(example = "rsa-pss-sha256"))]
    pub scheme: String,
    /// The policy that vouches for it, where the scheme is `multisig`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multisig: Option<MultisigBody>,
    /// The account that pays.
    #[serde(with = "crate::text::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "0x6dbBd9E1099f6e32833374e4F68E1006fAC7f0c7"))]
    pub sender: Address,
    /// Its place among the sender's transactions, from 0.
    pub nonce: u64,
    /// When the sender made it, Unix seconds; Ethereum types carry none.
    pub timestamp: Option<u64>,
    /// Receiver; null creates a contract.
    #[serde(default, with = "crate::text::address::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))]
    pub to: Option<Address>,
    /// Base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1500000000000000000"))]
    pub value: Amount,
    /// Base units per gas.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub max_fee: u128,
    /// Base units per gas.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub max_priority_fee: u128,
    /// The most gas that it may use.
    pub gas_limit: u64,
    /// Any bytes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub data: Bytes,
    /// The data as text, where it is text in a payment.
    pub memo: Option<String>,
    /// Length of the envelope in bytes.
    pub size: usize,
    /// Null while it waits.
    pub block: Option<TransactionBlock>,
    /// Null while it waits.
    pub receipt: Option<ReceiptBody>,
}

/// A page of transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransactionPage {
    /// At most `limit` of them.
    pub items: Vec<TransactionBody>,
    /// `cursor` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Shows that a transaction stands at `index` of `count` in its block (RFC 9162).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InclusionProofBody {
    /// Place in the block, from 0.
    pub index: u64,
    /// Transactions of the block.
    pub count: u64,
    /// Siblings from the leaf up.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub path: Vec<B256>,
}

/// One node of a history proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryNodeBody {
    /// Of a block: its id in hash order; of an inner node: over its two children. Rule: docs/protocol.md#R1
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub hash: B256,
    /// Expected hashes of its blocks.
    pub weight: String,
    /// Earliest time of its blocks, Unix seconds.
    pub min_time: u32,
    /// Latest time of its blocks, Unix seconds.
    pub max_time: u32,
}

/// Shows that block `number` is among the `blocks` ancestors of the tip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryProofBody {
    /// Ancestors of the tip.
    pub blocks: u64,
    /// Height of the block.
    pub number: u64,
    /// In the order of a history proof. Rule: docs/protocol.md#R4
    pub nodes: Vec<HistoryNodeBody>,
    /// The tip whose `history_root` it leads to.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub tip: BlockId,
    /// Its 80 bytes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub tip_header_hex: Bytes,
    /// Its encoded manifest.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub tip_manifest_hex: Bytes,
}

/// A transaction with all that a browser needs to check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransactionDetail {
    /// What a list shows of it.
    #[serde(flatten)]
    pub transaction: TransactionBody,
    /// The signed envelope.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub raw: Bytes,
    /// Null while it waits.
    pub inclusion_proof: Option<InclusionProofBody>,
    /// Header of its block.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub header_hex: Option<Bytes>,
    /// Manifest of its block.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub manifest_hex: Option<Bytes>,
    /// Only with `proof=true`, and only below the tip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_proof: Option<HistoryProofBody>,
}

/// What a transaction is wanted with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct ProofParams {
    /// With a proof that leads to the tip.
    pub proof: bool,
}

/// Which version of a receipt is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptParams {
    /// 1, which has some kilobytes and is checked against a block that its reader trusts, or 2, which has the proof of the chain
    /// as well and is checked from the genesis id alone. 1 without it.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 2, nullable = false))]
    pub version: Option<u32>,
}
