//! What supervisors ask: is it alive, is it ready.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::problem::{Problem, kinds};
use crate::server::Shared;

/// The process answers.
pub async fn alive() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

/// The node serves: its store is open and it is not about to end.
pub async fn ready(State(server): State<Shared>) -> Response {
    if *server.stopping().borrow() {
        return Problem::new(&kinds::SHUTTING_DOWN, "the node is about to end").into_response();
    }
    let height = server.node.tip().record.height().0;
    (StatusCode::OK, Json(json!({ "status": "ready", "height": height }))).into_response()
}
