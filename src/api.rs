//! REST under `/api/v1`: one file a noun, errors as [`problem`], lists by [`cursor`].

pub mod accounts;
pub mod auth;
pub mod blocks;
mod cursor;
pub mod docs;
pub mod events;
mod extract;
pub mod fees;
mod forms;
pub mod health;
pub mod light;
pub mod mempool;
pub mod metrics;
pub mod mining;
pub mod multisig;
mod number;
mod openapi;
pub mod peers;
pub mod problem;
pub mod spec;
pub mod status;
pub mod submit;
mod text;
pub mod tokens;
pub mod transactions;

use axum::Router;
use axum::routing::get;

use crate::server::Shared;

pub use extract::{MAX_BODY, check_length};

/// All of the API, its documentation, and what monitors read.
pub fn router(server: &Shared) -> Router {
    let (paths, _) = openapi::described().split_for_parts();
    paths
        .route("/api/openapi.json", get(docs::document))
        .route("/api/docs", get(docs::page))
        .route("/api/docs.css", get(docs::style))
        .route("/problems", get(docs::problems))
        .route("/problems/{name}", get(docs::problem))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .with_state(server.clone())
}
