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

/// Whether a part of the path stands for another place: `.` and `..`, however they are written. What decides by the path, and what
/// later reads it as a URL, would see two paths. RFC 3986, section 5.2.4
fn has_dots(path: &str) -> bool {
    let mut parts = path.split(['/', '\\']);
    parts.any(|part| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}

/// Whether the path has a `\`, which readers of URLs take for a slash.
fn has_backslash(path: &str) -> bool {
    path.contains('\\') || path.to_ascii_lowercase().contains("%5c")
}

/// Rejects all other targets before a handler sees them.
pub async fn check(request: Request, next: Next) -> Response {
    let bad = |detail: &str| Problem::new(&kinds::BAD_TARGET, detail).field("target").into_response();
    if *request.method() == Method::CONNECT || !is_path(request.uri()) {
        return bad("the target of the request is neither a path nor a URL with one");
    }
    let path = request.uri().path();
    if has_dots(path) || has_backslash(path) {
        return bad("a part of the path is \".\" or \"..\", or the path has a backslash: name the place itself");
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_to_another_place_are_seen() {
        for bad in ["/..", "/a/../b", "/a/./b", "/a/%2e%2E/b", "/a/.%2e", "/%2e"] {
            assert!(has_dots(bad), "{bad}");
        }
        for good in ["/", "/a..b", "/...", "/a.js", "/.well-known/x", "/a/%2e%2ea"] {
            assert!(!has_dots(good) && !has_backslash(good), "{good}");
        }
        for bad in ["/a\\b", "/a%5Cb", "/..%5cb"] {
            assert!(has_backslash(bad), "{bad}");
        }
    }

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
