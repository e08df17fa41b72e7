//! Reading that needs a token: where the operator wants it (`--require-token`), nothing is shown without one.
//!
//! Programs send a token in the header, as for changes. A browser cannot, when it opens a page or an event stream: it signs in with a
//! form, which needs no script, and gets a cookie with a token for reading alone. A cookie never changes anything.

mod page;

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Client;
use super::assets;
use super::paths::is_machine_path;
use super::protected::Protected;
use crate::api::auth::{self, Caller};
use crate::api::problem::Answer;
use crate::config::WebConfig;
use crate::server::{Server, Shared};
use crate::tokens::Scope;
pub use page::router;

/// Where a browser signs in and out.
const SIGN_IN: &str = "/sign-in";
const SIGN_OUT: &str = "/sign-out";
/// How the name of the cookie begins; the port follows, since cookies know none.
const COOKIE: &str = "tally-read";

/// Whether anything needs a token that is open elsewhere.
pub fn is_needed(web: &WebConfig) -> bool {
    !web.require_token.is_empty()
}

/// Whether reading does, so that browsers have to sign in.
pub fn is_private(web: &WebConfig) -> bool {
    web.require_token.contains(&Protected::Read)
}

/// Lets requests pass that need no token, or have it.
pub async fn check(State(server): State<Shared>, request: Request, next: Next) -> Response {
    let Some(scope) = needed(&server.web.require_token, request.method(), request.uri().path()) else {
        return next.run(request).await;
    };
    let client = Client::of(&request).0;
    match admit(&server, request.headers(), client, scope) {
        Ok(()) => not_shared(next.run(request).await),
        Err(problem) if is_page(&request) => page::denied(&server, &request, &problem),
        Err(problem) => problem.into_response(),
    }
}

/// What needs a token goes into no cache that others share. RFC 9111, section 3.5
fn not_shared(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let caching = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let private = caching.map(|caching| caching.replace("public", "private"));
    if let Some(private) = private.and_then(|private| HeaderValue::try_from(private).ok()) {
        headers.insert(header::CACHE_CONTROL, private);
    }
    headers.append(header::VARY, HeaderValue::from_static("authorization, cookie"));
    response
}

/// The scope that a request needs here; none where it needs none, or where its handler requires another.
fn needed(protected: &[Protected], method: &Method, path: &str) -> Option<Scope> {
    if path == "/metrics" {
        return Some(Scope::Metrics);
    }
    if !protected.contains(&Protected::Read) {
        return None;
    }
    // How the process is, its own files, the words of its problems, and the ways to sign in.
    let open = [
        "/healthz",
        "/readyz",
        "/problems",
        "/api/docs.css",
        "/favicon.svg",
        "/api/v1/operator/session",
        SIGN_IN,
        SIGN_OUT,
    ];
    // One name, as the route has it: anything longer is a page.
    let problem = path.strip_prefix("/problems/");
    let is_problem = problem.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
    let is_open = open.contains(&path) || is_problem || path.starts_with("/pkg/");
    match is_open || assets::find(path).is_some() || requires_its_own(method, path) {
        true => None,
        false => Some(Scope::Read),
    }
}

/// Whether the handler itself requires a token: a second look here would count the request twice.
fn requires_its_own(method: &Method, path: &str) -> bool {
    let Some(path) = path.strip_prefix("/api/v1/") else {
        return false;
    };
    let first = path.split('/').next().unwrap_or_default();
    let changes = !matches!(*method, Method::GET | Method::HEAD);
    match first {
        "tokens" | "operator" => true,
        "peers" | "bans" => changes,
        _ => changes && path == "mining",
    }
}

/// Looks at the token in the header; where there is none, at the one in the cookie, which is good for reading alone.
fn admit(server: &Server, headers: &HeaderMap, client: IpAddr, scope: Scope) -> Answer<()> {
    let mut caller = Caller::of(headers, client);
    if !caller.has_token() && scope == Scope::Read {
        caller = Caller::with(cookie(headers), client);
    }
    auth::require(server, &caller, scope).map(drop)
}

/// Whether a person looks at the answer.
fn is_page(request: &Request) -> bool {
    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    reads && !is_machine_path(path) && !path.starts_with("/ui/")
}

/// The cookie's name at the port that the browser uses. Cookies are for all ports of a host, and a token is of one node.
fn cookie_name(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let port = host.and_then(|host| host.rsplit_once(':')).map(|(_, port)| port);
    match port.filter(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(port) => format!("{COOKIE}-{port}"),
        None => COOKIE.to_owned(),
    }
}

/// The token in the cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let name = cookie_name(headers);
    let pairs = headers.get_all(header::COOKIE).iter();
    let pairs = pairs
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix(name.as_str())?.strip_prefix('='));
    values.next()
}

/// A cookie for this node alone, which no script reads and no other site makes a browser send. An empty value ends it.
fn set_cookie(server: &Server, headers: &HeaderMap, value: &str) -> Option<HeaderValue> {
    let name = cookie_name(headers);
    let path = server.web.base_path.at("/");
    // Behind a proxy with TLS the node itself serves without.
    let secure = if server.web.tls.is_some() { "; Secure" } else { "" };
    let end = if value.is_empty() { "; Max-Age=0" } else { "" };
    HeaderValue::try_from(format!(
        "{name}={value}; Path={path}; HttpOnly; SameSite=Strict{secure}{end}"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_token_is_all_but_what_leads_to_one() {
        let read = [Protected::Read];
        let get = |path: &str| needed(&read, &Method::GET, path);
        for open in [
            "/healthz",
            "/readyz",
            "/problems",
            "/problems/token-missing",
            "/api/docs.css",
            "/favicon.svg",
            "/pkg/x/tally.js",
            "/sign-in",
        ] {
            assert_eq!(get(open), None, "{open}");
        }
        for closed in [
            "/",
            "/blocks",
            "/nothing",
            "/ui/overview",
            "/api/v1/status",
            "/api/v1/events",
            "/api/v1/mining",
            "/api/v1/peers",
            "/api/docs",
            "/api/openapi.json",
            "/sign-in/",
            "//healthz",
            "/problemsx",
            "/problems/a/b",
            "/problems/../blocks",
            "/problems/%2e%2e/blocks",
        ] {
            assert_eq!(get(closed), Some(Scope::Read), "{closed}");
        }
        let post = |path: &str| needed(&read, &Method::POST, path);
        assert_eq!(post("/api/v1/transactions"), Some(Scope::Read));
        assert_eq!(post("/api/v1/mining/submit"), Some(Scope::Read));
        // Their handlers require a token of another scope.
        for own in [
            "/api/v1/mining",
            "/api/v1/peers",
            "/api/v1/tokens",
            "/api/v1/operator/link",
        ] {
            assert_eq!(post(own), None, "{own}");
        }
        assert_eq!(needed(&read, &Method::DELETE, "/api/v1/bans"), None);
        assert_eq!(get("/metrics"), Some(Scope::Metrics));
        let metrics = [Protected::Metrics];
        assert_eq!(needed(&metrics, &Method::GET, "/metrics"), Some(Scope::Metrics));
        assert_eq!(needed(&metrics, &Method::GET, "/api/v1/status"), None);
    }

    #[test]
    fn a_cookie_is_of_one_port() {
        let headers = |host: &str, cookies: &[&str]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header"));
            for cookie in cookies {
                headers.append(header::COOKIE, cookie.parse().expect("a header"));
            }
            headers
        };
        let at = headers(
            "127.0.0.1:8080",
            &["a=b; tally-read-80801=x; tally-read-8081=y; tally-read-8080=z"],
        );
        assert_eq!(cookie(&at), Some("z"));
        assert_eq!(
            cookie(&headers("ledger.example.org", &["tally-read=1", "tally-read=2"])),
            Some("1")
        );
        assert_eq!(cookie(&headers("[::1]:80", &["tally-read-80=v6"])), Some("v6"));
        for none in ["", "tally-read", "xtally-read=1", "tally-read-8080=1"] {
            assert_eq!(cookie(&headers("ledger.example.org", &[none])), None, "{none}");
        }
    }
}
