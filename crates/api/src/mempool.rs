//! `/mempool`: what waits.

use serde::{Deserialize, Serialize};
use tally_chain::{Address, TxId};

/// How many pending transactions offer a priority fee of at least so much, and less than the next band.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BandBody {
    /// Base units per gas.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1073741824"))]
    pub from: u128,
    /// How many transactions.
    pub count: usize,
    /// Bytes of their envelopes.
    pub bytes: usize,
    /// Sum of their gas limits.
    pub gas: u64,
}

/// One waiting transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitingBody {
    /// 0x and 64 hex digits. Rule: docs/protocol.md#T4
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: TxId,
    /// The account that pays.
    #[serde(with = "crate::text::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sender: Address,
    /// Its place among the sender's transactions, from 0.
    pub nonce: u64,
    /// Whether a block could take it now.
    pub pending: bool,
    /// Length of the envelope in bytes.
    pub size: usize,
    /// Base units per gas.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub max_fee: u128,
    /// Base units per gas.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub max_priority_fee: u128,
    /// When it arrived, Unix seconds.
    pub arrived: u64,
    /// Until when it may wait, Unix seconds.
    pub expires: u64,
}

/// The pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MempoolBody {
    /// All that wait.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub count: usize,
    /// Those that a block could take now.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub pending: usize,
    /// Bytes of all envelopes.
    pub bytes: usize,
    /// Most transactions that the pool takes.
    pub max_count: usize,
    /// Most bytes that it takes.
    pub max_bytes: usize,
    /// Base fee of the next block, base units per gas.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1000000000"))]
    pub base_fee: u128,
    /// Pending ones by priority fee, lowest first.
    pub bands: Vec<BandBody>,
    /// Those that a block would take first, then the rest.
    pub items: Vec<WaitingBody>,
    /// `cursor` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
