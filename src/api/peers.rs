//! `/peers`: other nodes. There is no peer-to-peer side yet, and this says so.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::ProblemBody;

/// Another node.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeerBody {
    pub id: String,
    pub address: String,
    pub height: u64,
}

/// Other nodes that this one speaks to.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeersBody {
    pub peers: Vec<PeerBody>,
    /// Whether this node can speak to others at all.
    #[schema(example = false)]
    pub networking: bool,
    #[schema(example = "this version runs alone: it has no peer-to-peer networking")]
    pub note: &'static str,
}

/// Other nodes that this one speaks to
#[utoipa::path(get, path = "/peers", tag = "node", responses(
    (status = 200, body = PeersBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn peers() -> Json<PeersBody> {
    Json(PeersBody {
        peers: Vec::new(),
        networking: false,
        note: "this version runs alone: it has no peer-to-peer networking",
    })
}
