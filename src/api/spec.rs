//! `/spec`: what makes this chain this chain.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tally_api::ProblemBody;
use tally_api::spec::{SpecFormat, SpecParams};

use super::extract::Params;
use super::problem::Answer;
use crate::server::Shared;

/// The chain spec
#[utoipa::path(get, path = "/spec", tag = "chain", params(SpecParams), responses(
    (status = 200, description = "The spec; see docs/protocol.md, section C",
        content((Object = "application/json"), (String = "application/toml"))),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn spec(State(server): State<Shared>, Params(params): Params<SpecParams>) -> Answer<Response> {
    let spec = server.node.spec();
    Ok(match params.format.unwrap_or(SpecFormat::Json) {
        SpecFormat::Json => Json(spec).into_response(),
        SpecFormat::Toml => ([(header::CONTENT_TYPE, "application/toml")], spec.to_toml()).into_response(),
    })
}
