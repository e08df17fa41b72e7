//! `/spec`: what makes this chain this chain.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::Params;
use super::problem::{Answer, ProblemBody};
use crate::server::Shared;

/// Forms of the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpecFormat {
    Json,
    Toml,
}

/// How the spec is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SpecParams {
    /// `toml` for the file that `tally node --spec` takes; JSON without it.
    #[param(inline, nullable = false)]
    pub format: Option<SpecFormat>,
}

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
