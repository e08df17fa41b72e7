//! The outermost layer: request ids, spans, counts, problems with their id, security headers.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;
use tracing::Instrument as _;

use crate::api::problem::{self, Attached, Kind, Problem, kinds};
use crate::logging::outside;
use crate::server::Shared;
use crate::web::Client;

/// Names one request in its answer, in problems and in the log.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

impl RequestId {
    fn new() -> Self {
        let mut bytes = [0u8; 8];
        // An id need not be unguessable; without randomness it is only less helpful.
        let _ = getrandom::fill(&mut bytes);
        Self(alloy_primitives::hex::encode(bytes))
    }
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every answer carries. `{nonce}` is replaced where a page has inline scripts.
const POLICY: &str = "default-src 'none'; script-src 'self'{nonce} 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; font-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The content security policy, for a page with this nonce.
pub fn policy(nonce: Option<&str>) -> String {
    let nonce = nonce.map(|nonce| format!(" 'nonce-{nonce}'")).unwrap_or_default();
    POLICY.replace("{nonce}", &nonce)
}

const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), clipboard-write=(self), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Surrounds every request.
pub async fn surround(State(server): State<Shared>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = RequestId::new();
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    // The query is left out: it may hold what a user searched for.
    let client = Client::of(&request).0;
    let span =
        tracing::info_span!("request", id = %id.0, method = outside(method.as_str()), path = outside(&path), %client);
    let mut response = next.run(request).instrument(span.clone()).await;
    response = complete_problems(&path, &id, response);
    let status = response.status();
    server
        .metrics
        .request(&method, route.as_deref(), status, begun.elapsed());
    span.in_scope(|| {
        let micros = begun.elapsed().as_micros() as u64;
        match response.extensions().get::<Attached>() {
            Some(Attached(problem)) => tracing::info!(
                status = status.as_u16(),
                micros,
                problem = problem.kind.name,
                detail = outside(&problem.detail),
                "answered"
            ),
            None => tracing::debug!(status = status.as_u16(), micros, "answered"),
        }
    });
    dress(response.headers_mut(), &id);
    response
}

fn dress(headers: &mut HeaderMap, id: &RequestId) {
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(X_REQUEST_ID, value);
    }
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let policy = HeaderValue::from_str(&policy(None)).expect("the policy is visible ASCII");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Writes the request id into problems, and turns the bare errors of lower layers into problems.
fn complete_problems(path: &str, id: &RequestId, mut response: Response) -> Response {
    let attached = response.extensions_mut().remove::<Attached>();
    let problem = match attached {
        Some(Attached(problem)) => problem,
        None => match bare_refusal(path, &response) {
            Some(problem) => problem,
            None => return response,
        },
    };
    let mut rendered = problem.render(Some(&id.0));
    // Headers that lower layers have set (Allow, CORS) stay.
    for (name, value) in response.headers() {
        if *name != header::CONTENT_LENGTH && !rendered.headers().contains_key(name) {
            rendered.headers_mut().append(name, value.clone());
        }
    }
    rendered.extensions_mut().insert(Attached(problem));
    rendered
}

fn bare_refusal(path: &str, response: &Response) -> Option<Problem> {
    let status = response.status();
    let is = |media: &str| {
        let found = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        found.is_some_and(|found| found.starts_with(media))
    };
    // Pages have their own error pages, and their reads and probes their own form of error.
    let of_read = response.headers().contains_key(SERVER_FN_ERROR_HEADER);
    let own = is("text/html") || is(problem::MEDIA_TYPE) || of_read || path == "/readyz";
    if status.as_u16() < 400 || own {
        return None;
    }
    let kind: &'static Kind = match status {
        StatusCode::NOT_FOUND => &kinds::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => &kinds::METHOD_NOT_ALLOWED,
        StatusCode::PAYLOAD_TOO_LARGE => {
            let problem = Problem::new(&kinds::BODY_TOO_LARGE, "the body is larger than this server takes");
            return Some(problem.with("limit", crate::api::MAX_BODY));
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => &kinds::UNSUPPORTED_MEDIA_TYPE,
        status if status.is_client_error() => &kinds::BAD_REQUEST,
        _ => &kinds::INTERNAL,
    };
    Some(Problem::new(kind, kind.title))
}
