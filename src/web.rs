//! The router and what stands around it: limits, security headers, pages, shutdown.

pub mod assets;
mod base;
pub mod certificate;
mod client;
mod edge;
mod gate;
mod held;
mod host;
mod limits;
mod pages;
mod parts;
mod paths;
mod protected;
mod proxies;
mod serve;
mod target;
mod tls;

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _, SizeAbove};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::api::problem::Problem;
use crate::api::{self, MAX_BODY};
use crate::server::Shared;

pub use client::Client;
pub use edge::RequestId;
pub use protected::Protected;
pub use proxies::{Proxies, ProxyHeader};
pub use serve::{Running, Times, start};

/// How long a handler may take before its client gets an error.
const HANDLER_TIME: Duration = Duration::from_secs(30);

/// Answers shorter than this are not compressed, in bytes.
const COMPRESS_ABOVE: u64 = 1_024;

/// Media type of answers that are bytes of the chain.
const BINARY: &str = "application/octet-stream";

/// The whole server as one router.
pub fn router(server: &Shared) -> Router {
    let mut routes = api::router(server).merge(pages::router(server));
    if gate::is_private(&server.web) {
        routes = routes.merge(gate::router(server));
    }
    let routes = routes
        .route("/pkg/{*path}", get(assets::serve))
        .fallback_service(pages::fallback(server));
    base::below(server.web.base_path.clone(), guarded(routes, server))
}

/// Routes with everything that stands around them. Outermost first: compression; the client; request id, problems and
/// security headers; target; host; origin; rate; base path; tokens for reading; answers that wait; requests under way; time; size;
/// panics.
fn guarded(routes: Router, server: &Shared) -> Router {
    // Event streams and what is compressed already are left as they are; so are blocks, proofs and headers, which are hashes
    // and signatures for the most part.
    let worth_it = DefaultPredicate::new()
        .and(SizeAbove::new(COMPRESS_ABOVE))
        .and(NotForContentType::const_new(BINARY));
    let guards = ServiceBuilder::new()
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(worth_it),
        )
        .layer(middleware::from_fn_with_state(server.clone(), client::identify))
        .layer(middleware::from_fn_with_state(server.clone(), edge::surround))
        .layer(middleware::from_fn(target::check))
        .layer(middleware::from_fn_with_state(
            host::Hosts::of(&server.web),
            host::check,
        ))
        .option_layer(cors(server))
        .layer(middleware::from_fn_with_state(
            limits::Rates::of(&server.web),
            limits::rate,
        ))
        .layer(middleware::from_fn_with_state(
            server.web.base_path.clone(),
            base::check,
        ))
        .option_layer(gate::is_needed(&server.web).then(|| middleware::from_fn_with_state(server.clone(), gate::check)))
        .layer(middleware::from_fn_with_state(held::Held::new(held::MOST), held::hold))
        .layer(middleware::from_fn_with_state(
            limits::UnderWay::new(),
            limits::under_way,
        ))
        .layer(middleware::from_fn_with_state(HANDLER_TIME, limits::time))
        .layer(middleware::from_fn_with_state(MAX_BODY, limits::size))
        .layer(CatchPanicLayer::custom(panicked));
    routes.layer(guards)
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
    Problem::internal(format!("panic: {}", tally_node::supervise::message(&*cause))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::config::WebConfig;
    use crate::server::testing;

    /// The answer to a GET request of this machine.
    fn get_from(router: &Router, path: &str) -> impl Future<Output = Response> + use<> {
        let request = Request::get(path).header("host", "localhost").body(Body::empty());
        let answer = router.clone().oneshot(request.expect("a request"));
        async { answer.await.expect("an answer") }
    }

    #[tokio::test]
    async fn a_panicking_handler_costs_one_answer() {
        let folder = tempfile::tempdir().expect("a folder");
        let server = testing::server(folder.path(), WebConfig::default());
        let boom = || async { panic!("boom") as () };
        let routes = Router::new()
            .route("/boom", get(boom))
            .route("/fine", get(|| async { "fine" }));
        let router = guarded(routes, &server);
        let answer = get_from(&router, "/boom").await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let id = answer.headers()["x-request-id"].clone();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(problem["type"], "/problems/internal");
        assert_eq!(problem["request_id"], id.to_str().expect("ASCII"));
        assert_eq!(get_from(&router, "/fine").await.status(), StatusCode::OK);
        server.node.close().expect("a store in order");
    }

    #[tokio::test]
    async fn a_flood_of_reads_does_not_hide_how_the_node_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let server = testing::server(folder.path(), WebConfig::default());
        let router = router(&server);
        // All places for reads of pages and API are taken.
        let places = server.reads.free();
        let (let_go, readers): (Vec<_>, Vec<_>) = (0..places)
            .map(|_| {
                let (let_go, wait) = std::sync::mpsc::channel::<()>();
                let server = server.clone();
                let reading = async move { server.read(move |_| Ok(wait.recv().is_err())).await };
                (let_go, tokio::spawn(reading))
            })
            .unzip();
        while server.reads.free() > 0 {
            tokio::task::yield_now().await;
        }
        for path in ["status", "peers", "mining", "mining/workers"] {
            let answer = get_from(&router, &format!("/api/v1/{path}")).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
        }
        drop(let_go);
        for reader in readers {
            assert!(reader.await.expect("no panic").expect("it had a place"));
        }
        server.node.close().expect("a store in order");
    }

    /// The test's runtime has one thread: a handler that waits there for the pool holds up all others.
    #[tokio::test]
    async fn who_holds_the_pool_holds_up_its_readers_and_no_other_request() {
        let folder = tempfile::tempdir().expect("a folder");
        let server = testing::server(folder.path(), WebConfig::default());
        let router = router(&server);
        let (holds, held) = tokio::sync::oneshot::channel();
        let (let_go, wait) = std::sync::mpsc::channel();
        let node = server.node.clone();
        let holder = std::thread::spawn(move || {
            node.with_pool(|_| {
                let _ = holds.send(());
                // Long enough for all requests; who waits for the pool on the only thread sends nothing meanwhile.
                wait.recv_timeout(Duration::from_secs(5))
            })
        });
        held.await.expect("the thread runs");
        let readers: Vec<_> = [
            "/api/v1/status",
            "/api/v1/fees",
            "/api/v1/mempool",
            "/metrics",
            "/ui/overview",
            "/ui/mempool?page=1&rows=10",
        ]
        .into_iter()
        .map(|path| (path, tokio::spawn(get_from(&router, path))))
        .collect();
        // Each goes as far as it comes without the pool.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let alive = get_from(&router, "/healthz").await;
        assert_eq!(alive.status(), StatusCode::OK);
        for (path, reader) in &readers {
            assert!(!reader.is_finished(), "{path} reads the pool");
        }
        let _ = let_go.send(());
        assert_eq!(holder.join().expect("no panic"), Ok(()), "a reader held up the server");
        for (path, reader) in readers {
            let answer = reader.await.expect("no panic");
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
        }
        server.node.close().expect("a store in order");
    }
}
