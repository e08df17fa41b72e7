//! `POST /transactions` and `/transactions/batch`: signed transactions, one or many.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tally_chain::{Bytes, TxId};

use crate::problem::ProblemBody;
use crate::transactions::TransactionStatus;

/// Most transactions of one batch.
pub const MAX_BATCH: usize = 5_000;

/// A signed transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RawBody {
    /// The envelope, 0x-prefixed hex.
    #[cfg_attr(feature = "openapi", schema(example = "0x54f8"))]
    pub raw: String,
}

impl RawBody {
    /// Of an envelope.
    pub fn of(envelope: &Bytes) -> Self {
        Self {
            raw: envelope.to_string(),
        }
    }
}

/// Signed transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchBody {
    /// Envelopes, 0x-prefixed hex, at most 5,000.
    #[cfg_attr(feature = "openapi", schema(max_items = 5000))]
    pub raw: Vec<String>,
}

/// A transaction that was accepted into the pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubmittedBody {
    /// 0x and 64 hex digits. Rule: docs/protocol.md#T4
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "0x9c3a6c9d3f6a7f0d2bb0f1c0a6b4bb0f5b8b1a3c1f8a4d0e6d7c2b9a8f7e6d5c"))]
    pub id: TxId,
    /// `pending`, or `queued` while one with a lower nonce is missing.
    pub status: TransactionStatus,
}

/// One result of a batch: accepted, or a problem. One that this version cannot read does not hide the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum BatchResult {
    /// It is in the pool.
    Accepted(SubmittedBody),
    /// It is not.
    Refused {
        /// Why the node rejects it.
        problem: Box<ProblemBody>,
    },
    /// Neither of the two, as it came: what became of the transaction is not known. No node sends it.
    #[serde(skip_serializing)]
    Unknown(Value),
}

/// One result for each transaction, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchAnswer {
    /// how many were accepted.
    pub accepted: usize,
    /// How many were rejected.
    pub refused: usize,
    /// In the order of the request.
    pub results: Vec<BatchResult>,
}
