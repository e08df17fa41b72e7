//! The pages of `tally-app`, rendered here first.

use std::sync::OnceLock;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::response::Parts;
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
use tally_app::server::Pages;
use tally_app::{AssetUrls, base};
use tally_pages::NodePages;

use super::paths::{is_machine_path, nothing_here};
use super::{assets, edge};
use crate::api::problem::{Problem, kinds};
use crate::config::BasePath;
use crate::server::Shared;

/// The app's own catch-all: the fallback here stands in for it, so that unknown API paths do not become pages.
const CATCH_ALL: &str = "/{*any}";

/// Where the reads of pages are: the prefix in `tally_app::reads`.
const READS: &str = "/ui/";

/// The exact `Accept` header of a page that reads.
const OF_PAGES: &str = "application/json";

/// Everything a page needs from the server.
fn context(server: &Shared, base: &BasePath) -> impl Fn() + Clone + Send + Sync + use<> + 'static {
    let source = NodePages::new(server.node.clone(), server.network.clone(), server.facts.clone());
    let pages = Pages::new(source, server.reads.clone());
    let (base, prefix) = (base.clone(), base.at(assets::PKG_PREFIX));
    let urls = AssetUrls {
        js: format!("{prefix}/tally.js"),
        wasm: format!("{prefix}/tally.wasm"),
        css: format!("{prefix}/tally.css"),
        parts: assets::PARTS
            .iter()
            .map(|(name, files)| {
                (
                    (*name).to_owned(),
                    files.iter().map(|file| format!("{prefix}/{file}")).collect(),
                )
            })
            .collect(),
    };
    move || {
        base::provide(base.clone());
        provide_context(pages.clone());
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
        .layer(middleware::from_fn(answer_read))
}

/// Answers a read at its own address. Leptos sends a client that accepts HTML back to its `Referer`, with 302, also where the
/// read failed: that is for forms of pages, and no page here has one for a read.
async fn answer_read(mut request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with(READS) {
        return next.run(request).await;
    }
    let headers = request.headers_mut();
    let of_page = headers.remove(header::ACCEPT).is_some_and(|media| media == OF_PAGES);
    headers.remove(header::REFERER);
    let response = next.run(request).await;
    if !response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return response;
    }
    let (parts, body) = response.into_parts();
    // It is in memory already, as a whole.
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let error: ServerFnError = ServerFnError::de(body.clone());
    match of_page {
        true => for_page(parts, body, &error),
        false => problem(&parts, error).into_response(),
    }
}

/// A failed read in the form that pages know. Bad arguments answer 400: they are no fault of this node, and any client can send
/// them. All errors of reads come out as 500 from below.
fn for_page(mut parts: Parts, body: Bytes, error: &ServerFnError) -> Response {
    let failed = parts.status == StatusCode::INTERNAL_SERVER_ERROR;
    if failed && matches!(error, ServerFnError::Args(_) | ServerFnError::MissingArg(_)) {
        parts.status = StatusCode::BAD_REQUEST;
    }
    Response::from_parts(parts, Body::from(body))
}

/// A failed read as a problem, for all who are no page of this server.
fn problem(parts: &Parts, error: ServerFnError) -> Problem {
    match error {
        ServerFnError::Args(detail) => Problem::new(&kinds::INVALID_PARAMETER, detail),
        ServerFnError::MissingArg(name) => {
            Problem::new(&kinds::INVALID_PARAMETER, format!("the parameter {name} is missing"))
        }
        ServerFnError::ServerError(detail) if parts.status == StatusCode::SERVICE_UNAVAILABLE => {
            let busy = Problem::new(&kinds::BUSY, detail);
            match parts.headers.get(header::RETRY_AFTER) {
                Some(value) => busy.header(header::RETRY_AFTER, value.clone()),
                None => busy,
            }
        }
        error => Problem::internal(error),
    }
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
    use serde_json::json;
    use tower::ServiceExt as _;

    use super::*;

    /// What the reads themselves answer, with no node behind them: a fault, where not the arguments are bad.
    async fn answer_of(path: &str, headers: &[(&str, &str)]) -> (Parts, Bytes) {
        let router = Router::new()
            .route("/ui/{name}", any(leptos_axum::handle_server_fns))
            .layer(middleware::from_fn(answer_read));
        let request = headers.iter().fold(Request::get(path), |request, (name, value)| {
            request.header(*name, *value)
        });
        let request = request.body(Body::empty()).expect("a request");
        let (parts, body) = router.oneshot(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        assert_eq!(parts.headers.get(header::LOCATION), None, "{path}: {headers:?}");
        (parts, body)
    }

    const PAGE: (&str, &str) = ("accept", OF_PAGES);
    const BAD: &str = "/ui/block?key=1&page=-1&rows=10";

    #[tokio::test]
    async fn a_fault_stays_a_fault_and_bad_arguments_are_none() {
        for (path, status, expected) in [
            ("/ui/chain", StatusCode::INTERNAL_SERVER_ERROR, "ServerError|no node"),
            (
                "/ui/block?key=1&page=0&rows=10",
                StatusCode::INTERNAL_SERVER_ERROR,
                "ServerError|no node",
            ),
            (BAD, StatusCode::BAD_REQUEST, "Args|"),
        ] {
            let (parts, body) = answer_of(path, &[PAGE]).await;
            assert_eq!(parts.status, status, "{path}");
            assert!(body.starts_with(expected.as_bytes()), "{path}: {body:?}");
        }
    }

    #[tokio::test]
    async fn forms_and_programs_get_a_problem_and_are_sent_nowhere() {
        let (_, page) = answer_of(BAD, &[PAGE]).await;
        let page = String::from_utf8(page.to_vec()).expect("text");
        let detail = page.strip_prefix("Args|").expect("bad arguments");
        let bad = json!({
            "type": "/problems/invalid-parameter",
            "title": "A parameter is missing, unknown or of the wrong form",
            "status": 400,
            "detail": detail,
        });
        let fault = json!({
            "type": "/problems/internal",
            "title": "The node failed while answering",
            "status": 500,
            "detail": "the node failed while answering; its log has the cause under this request id",
        });
        let html = (
            "accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        );
        let referer = ("referer", "http://localhost/search?q=1");
        let clients: [&[(&str, &str)]; 5] = [
            &[html, referer],
            &[html],
            &[referer],
            &[("accept", "*/*")],
            &[("accept", "application/json, text/html"), referer],
        ];
        for headers in clients {
            for (path, expected) in [(BAD, &bad), ("/ui/chain", &fault)] {
                let (parts, body) = answer_of(path, headers).await;
                let found: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
                assert_eq!(&found, expected, "{path}: {headers:?}");
                assert_eq!(parts.status.as_u16(), expected["status"], "{path}: {headers:?}");
                assert_eq!(parts.headers[header::CONTENT_TYPE], "application/problem+json");
            }
        }
    }
}
