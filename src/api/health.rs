//! What supervisors read: whether the process lives, whether the node is ready.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use tally_api::health::{AliveBody, ReadyBody, ReasonBody};
use tally_node::NotReady;

use crate::server::Shared;

/// The process answers.
pub async fn alive() -> Response {
    let status = "alive".to_owned();
    Json(AliveBody { status }).into_response()
}

/// The node can do its work: 200; it cannot: 503, with every reason. Both have the height of the chain.
pub async fn ready(State(server): State<Shared>) -> Response {
    let mut reasons: Vec<ReasonBody> = server.health().reasons.iter().map(reason).collect();
    if *server.stopping().borrow() {
        reasons.push(ReasonBody::new("ending", "the node is about to end", Map::new()));
    }
    let ready = reasons.is_empty();
    let height = server.node.tip().record.height().0;
    let status = if ready { "ready" } else { "not-ready" };
    let body = ReadyBody {
        height,
        ready,
        reasons,
        status: status.to_owned(),
    };
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
fn reason(reason: &NotReady) -> ReasonBody {
    let mut figures = match serde_json::to_value(reason) {
        Ok(Value::Object(figures)) => figures,
        _ => Map::new(),
    };
    figures.remove("reason");
    ReasonBody::new(reason.name(), reason.to_string(), figures)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tally_chain::Height;

    use super::*;

    #[test]
    fn a_reason_has_its_kind_a_sentence_and_its_figures() {
        let (height, best) = (Height(3), Height(9));
        assert_eq!(
            serde_json::to_value(reason(&NotReady::Syncing { height, best })).unwrap(),
            json!({ "kind": "syncing", "detail": "catching up: at block 3 of 9", "height": 3, "best": 9 })
        );
        let clock = NotReady::ClockOff {
            offset_secs: -300,
            peers: 4,
        };
        assert_eq!(reason(&clock).figure("offset_secs"), Some(&json!(-300)));
    }
}
