//! `/blocks`: lists, one block, its transactions.

use serde::{Deserialize, Serialize};
use tally_chain::{Address, Amount, B256, BlockId, Bytes, TxId};

/// A block as a line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockSummary {
    /// 64 hex digits. Rule: docs/protocol.md#H2
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"))]
    pub id: BlockId,
    /// Genesis is 0.
    #[cfg_attr(feature = "openapi", schema(example = 1_024))]
    pub height: u64,
    /// Id of the block before it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub parent: BlockId,
    /// Unix seconds.
    pub time: u32,
    /// Compact target.
    #[cfg_attr(feature = "openapi", schema(example = "0x1d7fffff"))]
    pub bits: String,
    /// Received its reward.
    #[serde(with = "crate::text::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))]
    pub producer: Address,
    /// Encoded block, bytes.
    #[cfg_attr(feature = "openapi", schema(example = 912))]
    pub size: u64,
    /// Transactions in it.
    #[cfg_attr(feature = "openapi", schema(example = 2))]
    pub transaction_count: u32,
    /// Gas that they used.
    pub gas_used: u64,
    /// Gas that the block may use.
    pub gas_limit: u64,
    /// Base units per gas.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1000000000"))]
    pub base_fee: u128,
    /// Base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "3800000000000"))]
    pub burned: Amount,
    /// Whether the active chain has it.
    pub active: bool,
}

/// A page of blocks, highest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockList {
    /// At most `limit` of them.
    pub items: Vec<BlockSummary>,
    /// `cursor` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What the header commits to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ManifestBody {
    /// Height of the block.
    pub number: u64,
    /// Receives subsidy and priority fees.
    #[serde(with = "crate::text::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub producer: Address,
    /// Root of the state after the block. Rule: docs/protocol.md#S3
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state_root: B256,
    /// Root over the envelopes. Rule: docs/protocol.md#K2
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub transactions_root: B256,
    /// Root over the receipts. Rule: docs/protocol.md#X5
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub receipts_root: B256,
    /// Root over all blocks before it. Rule: docs/protocol.md#R3
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub history_root: B256,
    /// Gas that the block may use.
    pub gas_limit: u64,
    /// Gas that its transactions used.
    pub gas_used: u64,
    /// Base units per gas.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub base_fee: u128,
    /// Bytes of the producer's own; the last 8 are the extra nonce. Rule: docs/protocol.md#M2
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub extra: Bytes,
    /// Empty where work seals the header.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub seal: Bytes,
}

/// The 80 bytes that are sealed, field by field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeaderBody {
    /// Version of the block's format.
    pub version: u32,
    /// Id of the block before it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub parent: BlockId,
    /// Double SHA-256 of the encoded manifest.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub manifest_root: B256,
    /// Unix seconds.
    pub time: u32,
    /// Compact target.
    pub bits: String,
    /// What was searched for.
    pub nonce: u32,
}

/// A block with all that a browser needs to check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockBody {
    /// What a list shows of it.
    #[serde(flatten)]
    pub summary: BlockSummary,
    /// The header, field by field.
    pub header: HeaderBody,
    /// The manifest, field by field.
    pub manifest: ManifestBody,
    /// The 80 bytes as hex.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub header_hex: Bytes,
    /// The encoded manifest as hex; its double SHA-256 is `header.manifest_root`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub manifest_hex: Bytes,
    /// The largest id that seals it, 64 hex digits.
    pub target: String,
    /// Expected hashes of this block.
    pub weight: String,
    /// Expected hashes of the branch up to it.
    pub total_weight: String,
    /// What the producer received: subsidy and priority fees, in base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub reward: Amount,
    /// New coins, base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub subsidy: Amount,
    /// Priority fees of its transactions, base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub fees: Amount,
    /// Coins there were after it, in base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub supply: Amount,
    /// Blocks that confirm it, itself included; 0 off the active chain.
    pub confirmations: u64,
    /// Ids of its first transactions.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub transactions: Vec<TxId>,
    /// `cursor` for `/blocks/{key}/transactions`, where there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How a block is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct BlockParams {
    /// `raw` for the encoded block as bytes; JSON without it.
    #[cfg_attr(feature = "openapi", param(inline, nullable = false))]
    pub format: Option<Format>,
}

/// Forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Fields.
    Json,
    /// The encoded block.
    Raw,
}
