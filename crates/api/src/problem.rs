//! Errors: problems of RFC 9457 with a stable type.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Media type of RFC 9457.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem as it travels (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{title}: {detail} (request {})", request_id.as_deref().unwrap_or_default())]
pub struct ProblemBody {
    /// Stable path that names the kind of problem; the page behind it explains it.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(example = "/problems/nonce-too-low"))]
    pub kind: String,
    /// One sentence about every problem of this kind.
    #[cfg_attr(feature = "openapi", schema(example = "The nonce was used before"))]
    pub title: String,
    /// The HTTP status of the answer.
    #[cfg_attr(feature = "openapi", schema(example = 409))]
    pub status: u16,
    /// This very occurrence.
    #[cfg_attr(feature = "openapi", schema(example = "nonce is 3, the account is already at 5"))]
    pub detail: String,
    /// The id that the node's log has for this request; also in the header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "5f0c6a5b1e0d4c7a"))]
    pub request_id: Option<String>,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "nonce"))]
    pub field: Option<Value>,
    /// The limit that was passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Value>,
    /// What the request had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
    /// What it should have had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// Further members that belong to the type.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl ProblemBody {
    /// The stable name, the last part of the type: `nonce-too-low`.
    pub fn name(&self) -> &str {
        self.kind.rsplit('/').next().unwrap_or_default()
    }
}
