//! The target of a request: a path, alone or behind scheme and name. The other forms of HTTP (`CONNECT host:port`,
//! `OPTIONS *`) are for proxies; nothing behind this layer expects them.

use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::problem::{Problem, kinds};

/// Whether the target is in origin form (`/path`) or absolute form (`http://host/path`). RFC 9112, section 3.2
fn is_path(uri: &Uri) -> bool {
    let web = |scheme: &str| ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let form = match (uri.scheme_str(), uri.authority()) {
        (None, None) => true,
        (Some(scheme), Some(_)) => web(scheme),
        (Some(_), None) | (None, Some(_)) => false,
    };
    // `http` hands out `/` as the path of a target that has none, but no path with its query.
    form && uri.path_and_query().is_some_and(|path| path.as_str().starts_with('/'))
}

/// Rejects all other targets before a handler sees them.
pub async fn check(request: Request, next: Next) -> Response {
    if *request.method() == Method::CONNECT || !is_path(request.uri()) {
        let detail = "the target of the request is neither a path nor a URL with one";
        return Problem::new(&kinds::BAD_TARGET, detail).field("target").into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_and_urls_pass() {
        for good in [
            "/",
            "/a?b",
            "//",
            "//evil.example/",
            "http://localhost",
            "https://localhost:1/a",
            "HTTP://localhost/",
        ] {
            assert!(is_path(&good.parse().expect(good)), "{good}");
        }
        for bad in ["localhost:80", "localhost", "*", "ftp://localhost/", "ws://localhost/"] {
            assert!(!is_path(&bad.parse().expect(bad)), "{bad}");
        }
    }
}
