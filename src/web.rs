//! The router and what stands around it: limits, security headers, pages, shutdown.

pub mod assets;
pub mod certificate;
mod edge;
mod host;
mod limits;
mod pages;
mod serve;

use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::api::problem::{Problem, kinds};
use crate::api::{self, MAX_BODY};
use crate::server::Shared;

pub use edge::RequestId;
pub use serve::{Running, start};

/// How long a handler may take before its client is told so.
const HANDLER_TIME: Duration = Duration::from_secs(30);

/// The whole server as one router. Outermost first: request id, problems and security headers; host; origin; rate; time; size.
pub fn router(server: &Shared) -> Router {
    let guards = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(server.clone(), edge::surround))
        .layer(middleware::from_fn_with_state(
            host::Hosts::of(&server.web),
            host::check,
        ))
        .option_layer(cors(server))
        .layer(middleware::from_fn_with_state(
            limits::Rates::of(&server.web),
            limits::rate,
        ))
        .layer(middleware::from_fn_with_state(HANDLER_TIME, limits::time))
        .layer(middleware::from_fn_with_state(MAX_BODY, limits::size))
        .layer(CatchPanicLayer::custom(panicked));
    api::router(server)
        .merge(pages::router(server))
        .route("/pkg/{*path}", get(assets::serve))
        .fallback_service(pages::fallback(server))
        .layer(guards)
}

/// Other origins may read, and submit what is signed; an operator's token is never sent along by a browser on its own.
fn cors(server: &Shared) -> Option<CorsLayer> {
    use axum::http::{Method, header};
    let origins = &server.web.cors_origins;
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins.iter().cloned()))
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([
                header::CONTENT_TYPE,
                header::AUTHORIZATION,
                header::HeaderName::from_static("last-event-id"),
            ])
            .expose_headers([header::HeaderName::from_static("x-request-id"), header::RETRY_AFTER])
    })
}

fn panicked(cause: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Problem::internal(format!("panic: {text}")).into_response()
}

/// Whether a path belongs to programs rather than to people.
fn is_machine_path(path: &str) -> bool {
    ["/api/", "/pkg/", "/metrics", "/healthz", "/readyz"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

/// The problem for a path that nothing stands behind.
fn nothing_here(request: &Request) -> Problem {
    let path: String = request.uri().path().chars().take(256).collect();
    Problem::new(&kinds::NOT_FOUND, format!("there is nothing at {path}")).with("path", path)
}
