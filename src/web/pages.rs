//! The pages of `tally-app`, rendered here first.

use std::sync::OnceLock;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use axum::{Router, middleware};
use leptos::nonce::use_nonce;
use leptos::prelude::{LeptosOptions, provide_context, use_context};
use leptos::server_fn::error::{FromServerFnError as _, SERVER_FN_ERROR_HEADER, ServerFnError};
use leptos_axum::{
    AxumRouteListing, LeptosRoutes as _, ResponseOptions, generate_route_list_with_exclusions_and_ssg_and_context,
};
use tally_app::{AssetUrls, base};

use super::{assets, edge, is_machine_path, nothing_here};
use crate::config::BasePath;
use crate::server::Shared;

/// The app's own catch-all: the fallback here stands in for it, so that unknown API paths do not become pages.
const CATCH_ALL: &str = "/{*any}";

/// Everything a page needs from the server.
fn context(server: &Shared, base: &BasePath) -> impl Fn() + Clone + Send + Sync + use<> + 'static {
    let (node, facts, reads) = (server.node.clone(), server.facts.clone(), server.reads.clone());
    let (base, prefix) = (base.clone(), base.at(assets::PKG_PREFIX));
    let urls = AssetUrls {
        js: format!("{prefix}/tally.js"),
        wasm: format!("{prefix}/tally.wasm"),
        css: format!("{prefix}/tally.css"),
    };
    move || {
        base::provide(base.clone());
        provide_context(node.clone());
        provide_context(facts.clone());
        provide_context(reads.clone());
        provide_context(urls.clone());
        let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else {
            return;
        };
        if let Ok(policy) = HeaderValue::from_str(&edge::policy(Some(&nonce))) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
        response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The routes of the app, found once for a process, before it serves: when they were looked for again beside pages under
/// way, some of these pages never ended.
static ROUTES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();

/// Routes of all pages, and of the reads they make once they are alive.
pub fn router(server: &Shared) -> Router {
    let routes = ROUTES.get_or_init(|| {
        let excluded = Some(vec![CATCH_ALL.to_owned()]);
        // The base path is taken away before routes are chosen.
        let at_the_root = context(server, &BasePath::default());
        generate_route_list_with_exclusions_and_ssg_and_context(tally_app::App, excluded, at_the_root).0
    });
    let (routes, context) = (routes.clone(), context(server, &server.web.base_path));
    let options = LeptosOptions::builder().output_name("tally").build();
    Router::new()
        .leptos_routes_with_context(&options, routes, context, tally_app::shell)
        .with_state(options)
        .layer(middleware::from_fn(blame_the_asker))
}

/// Bad arguments of a read answer 400: they say nothing of this node, and anybody can send them. All errors of reads come
/// out as 500 from below.
async fn blame_the_asker(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let failed = response.status() == StatusCode::INTERNAL_SERVER_ERROR;
    if !failed || !response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // It is in memory already, as a whole.
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let error: ServerFnError = ServerFnError::de(body.clone());
    if matches!(error, ServerFnError::Args(_) | ServerFnError::MissingArg(_)) {
        parts.status = StatusCode::BAD_REQUEST;
    }
    Response::from_parts(parts, Body::from(body))
}

/// Files beside the packed ones (icons, manifest), then the app's own "not found" page.
pub fn fallback(server: &Shared) -> MethodRouter {
    let page = leptos_axum::render_app_async_with_context(context(server, &server.web.base_path), tally_app::shell);
    any(move |request: Request| answer(request, page))
}

async fn answer<F: Future<Output = Response>>(request: Request, page: impl Fn(Request) -> F) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match assets::find(request.uri().path()) {
        Some(asset) if reads => assets::answer(asset, request.headers()),
        _ if reads && !is_machine_path(request.uri().path()) => page(request).await,
        _ => nothing_here(&request).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    /// The reads themselves, with no node behind them: all that can be answered is a fault.
    #[tokio::test]
    async fn a_fault_stays_a_fault_and_bad_arguments_are_none() {
        let router = Router::new()
            .route("/ui/{name}", any(leptos_axum::handle_server_fns))
            .layer(middleware::from_fn(blame_the_asker));
        for (path, status, body) in [
            ("/ui/chain", StatusCode::INTERNAL_SERVER_ERROR, "ServerError|no node"),
            (
                "/ui/block?key=1&page=0&rows=10",
                StatusCode::INTERNAL_SERVER_ERROR,
                "ServerError|no node",
            ),
            ("/ui/block?key=1&page=-1&rows=10", StatusCode::BAD_REQUEST, "Args|"),
        ] {
            let request = Request::get(path).body(Body::empty()).expect("a request");
            let answer = router.clone().oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), status, "{path}");
            let found = answer.into_body().collect().await.expect("a body").to_bytes();
            assert!(found.starts_with(body.as_bytes()), "{path}: {found:?}");
        }
    }
}
