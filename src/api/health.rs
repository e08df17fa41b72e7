//! What supervisors ask: is it alive, is it ready.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use tally_node::NotReady;

use crate::server::Shared;

/// The process answers.
pub async fn alive() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

/// The node can do its work: 200; it cannot: 503, with every reason. Both say how high the chain is here.
pub async fn ready(State(server): State<Shared>) -> Response {
    let mut reasons: Vec<Value> = server.node.health().reasons.iter().map(reason).collect();
    if *server.stopping().borrow() {
        reasons.push(json!({ "kind": "ending", "detail": "the node is about to end" }));
    }
    let ready = reasons.is_empty();
    let height = server.node.tip().record.height().0;
    let status = if ready { "ready" } else { "not-ready" };
    let body = json!({ "ready": ready, "status": status, "height": height, "reasons": reasons });
    let code = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut response = (code, Json(body)).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A reason with its kind, a sentence, and its figures.
fn reason(reason: &NotReady) -> Value {
    let mut members = match serde_json::to_value(reason) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    members.remove("reason");
    members.insert("kind".to_owned(), reason.name().into());
    members.insert("detail".to_owned(), reason.to_string().into());
    members.into()
}

#[cfg(test)]
mod tests {
    use tally_chain::Height;

    use super::*;

    #[test]
    fn a_reason_has_its_kind_a_sentence_and_its_figures() {
        let (height, best) = (Height(3), Height(9));
        assert_eq!(
            reason(&NotReady::Syncing { height, best }),
            json!({ "kind": "syncing", "detail": "catching up: at block 3 of 9", "height": 3, "best": 9 })
        );
        assert_eq!(
            reason(&NotReady::ClockOff {
                offset_secs: -300,
                peers: 4
            })["offset_secs"],
            -300
        );
    }
}
