//! `/mining`: templates and work of miners, and the switch of the native miner.

use serde::{Deserialize, Serialize};
use tally_chain::{Address, BlockId, Bytes};

/// Most external miners in one answer of `/mining/workers`.
pub const MAX_LISTED: usize = 1_000;

/// Who is to be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct TemplateParams {
    /// Receives subsidy and priority fees.
    #[cfg_attr(feature = "openapi", param(example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))]
    pub address: String,
}

/// A block that lacks only its seal.
///
/// A miner puts its own 8 bytes into the manifest at `extra_nonce_offset`, hashes the manifest twice with SHA-256 into
/// bytes 36 to 68 of the header, and searches a nonce (bytes 76 to 80, little-endian) for which the double SHA-256 of the
/// header, read as a little-endian number, is at most `target`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplateBody {
    /// Names it when work is submitted.
    pub template: u64,
    /// Of the block.
    #[cfg_attr(feature = "openapi", schema(example = 1_025))]
    pub height: u64,
    /// 80 bytes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub header_hex: Bytes,
    /// The encoded manifest.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub manifest_hex: Bytes,
    /// Where the extra nonce begins in the manifest, in bytes.
    #[cfg_attr(feature = "openapi", schema(example = 228))]
    pub extra_nonce_offset: usize,
    /// Its length.
    #[cfg_attr(feature = "openapi", schema(example = 8))]
    pub extra_nonce_bytes: usize,
    /// 64 hex digits, most significant first.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "000000007fffff00000000000000000000000000000000000000000000000000")
    )]
    pub target: String,
    /// Compact target.
    #[cfg_attr(feature = "openapi", schema(example = "0x1d7fffff"))]
    pub bits: String,
    /// Unix seconds; a miner may move it on with its clock.
    pub time: u32,
    /// The earliest time the block may have.
    pub min_time: u32,
    /// The latest time the block may have: a transaction in it expires then, or looks at the time. Without it there is none.
    #[serde(default = "no_latest_time")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub max_time: u32,
    /// How many it has.
    pub transactions: usize,
}

/// Of a template without `max_time`, as nodes made them before transactions in it set one.
fn no_latest_time() -> u32 {
    u32::MAX
}

/// What a miner found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WorkBody {
    /// Of the template.
    pub template: u64,
    /// 8 bytes, 0x-prefixed hex.
    #[cfg_attr(feature = "openapi", schema(example = "0x0000000000000001"))]
    pub extra_nonce: String,
    /// Of the header, Unix seconds.
    pub time: u32,
    /// Of the header.
    pub nonce: u32,
}

/// What became of a mined block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is the new tip.
    Tip,
    /// It was kept, but another branch has more total work.
    Side,
    /// It was here before.
    Known,
    /// Something that this version does not know; the block was accepted. No node sends it.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// A mined block that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MinedBody {
    /// 64 hex digits. Rule: docs/protocol.md#H2
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: BlockId,
    /// Its height; null where the block was here before.
    pub height: Option<u64>,
    /// What became of it.
    pub outcome: Outcome,
}

/// New settings of the native miner; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SwitchBody {
    /// Whether it mines.
    #[serde(alias = "enabled", default, skip_serializing_if = "Option::is_none")]
    pub on: Option<bool>,
    /// At most as many as this machine has processors; the document that a node serves has its own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub threads: Option<usize>,
    /// Receives subsidy and priority fees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// External miners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkersBody {
    /// How many are connected.
    pub connected: usize,
    /// Hashes a second of all of them, estimated from their shares.
    pub hash_rate: f64,
    /// Shares since this run began, also of workers that left.
    pub shares: u64,
    /// Shares that were rejected.
    pub rejected: u64,
    /// Blocks that they found.
    pub blocks: u64,
    /// At most 1,000 of those who are connected.
    pub items: Vec<WorkerBody>,
}

/// An external miner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkerBody {
    /// As it named itself; hidden characters are escaped.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266.rig1")
    )]
    pub name: String,
    /// Receives the rewards of its blocks.
    #[serde(with = "crate::text::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))]
    pub address: Address,
    /// Its program, as it named itself.
    #[cfg_attr(feature = "openapi", schema(example = "cpuminer/2.5.1"))]
    pub agent: String,
    /// Of its last share; 1 is Bitcoin's.
    pub difficulty: f64,
    /// Shares that were accepted.
    pub shares: u64,
    /// Shares that were rejected.
    pub rejected: u64,
    /// Blocks that it found.
    pub blocks: u64,
    /// Hashes a second, estimated from its shares.
    pub hash_rate: f64,
    /// When it came, Unix seconds.
    pub since: u64,
    /// Unix seconds.
    pub last_share: Option<u64>,
}
