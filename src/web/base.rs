//! The base path: the node serves below it, and a proxy passes paths on as they came. Behind this layer every path is the
//! node's own.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower::Layer as _;
use tower::util::MapRequestLayer;

use super::host;
use super::paths::nothing_here;
use crate::config::BasePath;

/// What a request outside of the base path gets; rides on it past the layers that every answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outside {
    /// The base path without its slash: the dashboard is one slash further.
    Bare,
    Elsewhere,
}

/// The router, below the base path.
pub fn below(base: BasePath, routes: Router) -> Router {
    if base == BasePath::default() {
        return routes;
    }
    let rewrite = MapRequestLayer::new(move |request: Request| rewrite(&base, request));
    // Routes are chosen by the path that is left, so this stands before the router and not around its routes.
    Router::new().fallback_service(rewrite.layer(routes))
}

/// Takes the base path away; a request that is not below it is marked.
fn rewrite(base: &BasePath, mut request: Request) -> Request {
    let uri = request.uri();
    // Probes of a supervisor reach the process itself, not through a proxy.
    if host::for_monitors(uri.path()) {
        return request;
    }
    let whole = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    match base.below(whole).and_then(|own| with_path(uri, own)) {
        Some(own) => *request.uri_mut() = own,
        None => {
            let outside = match uri.path() == base.as_str() {
                true => Outside::Bare,
                false => Outside::Elsewhere,
            };
            request.extensions_mut().insert(outside);
        }
    }
    request
}

/// The same target with another path.
fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Answers what is outside of the base path: a redirect to the dashboard, or 404 with the path below which this node serves.
pub async fn check(State(base): State<BasePath>, request: Request, next: Next) -> Response {
    match request.extensions().get::<Outside>().copied() {
        None => next.run(request).await,
        Some(Outside::Bare) => dashboard(&base, request.uri().query()),
        Some(Outside::Elsewhere) => {
            let mut problem = nothing_here(&request);
            problem.detail += &format!("; this node serves below {}", base.at("/"));
            problem.with("base_path", base.as_str()).into_response()
        }
    }
}

fn dashboard(base: &BasePath, query: Option<&str>) -> Response {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    // A query that is no header's text is left out: nothing of the dashboard needs it.
    let location = HeaderValue::try_from(base.at("/") + &query).or_else(|_| HeaderValue::try_from(base.at("/")));
    let location = location.expect("a base path is visible ASCII");
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn seen(target: &str) -> (String, Option<Outside>) {
        let base = BasePath::parse("/ledger").expect("a base path");
        let request = Request::get(target).body(Body::empty()).expect("a request");
        let request = rewrite(&base, request);
        (request.uri().to_string(), request.extensions().get().copied())
    }

    #[test]
    fn the_base_path_is_taken_away_once() {
        for (target, own) in [
            ("/ledger/", "/"),
            ("/ledger/blocks?page=2", "/blocks?page=2"),
            ("/ledger/ledger/", "/ledger/"),
            ("/ledger//evil.example/", "//evil.example/"),
            ("/ledger/?q=/ledger/", "/?q=/ledger/"),
            ("http://localhost:8080/ledger/tx/0x", "http://localhost:8080/tx/0x"),
            ("/healthz", "/healthz"),
            ("/ledger/healthz", "/healthz"),
            ("/metrics", "/metrics"),
        ] {
            assert_eq!(seen(target), (own.to_owned(), None), "{target}");
        }
    }

    #[test]
    fn what_is_outside_is_marked_and_left_as_it_is() {
        for target in [
            "/",
            "/blocks",
            "/ledgers/",
            "/Ledger/",
            "//ledger/",
            "/%6cedger/",
            "/x/ledger/",
        ] {
            assert_eq!(seen(target), (target.to_owned(), Some(Outside::Elsewhere)), "{target}");
        }
        for target in ["/ledger", "/ledger?q=1"] {
            assert_eq!(seen(target), (target.to_owned(), Some(Outside::Bare)), "{target}");
        }
    }
}
