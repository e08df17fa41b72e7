//! Errors at the edge: RFC 9457 problems with a stable type, and the one mapping from our errors to them.

mod block;
pub mod kinds;
mod node;
mod pool;
mod transaction;

use std::collections::BTreeMap;
use std::fmt::Display;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tally_api::ProblemBody;

pub use kinds::Kind;
pub use tally_api::problem::MEDIA_TYPE;

/// What went wrong, for a client to show and to act on.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub kind: &'static Kind,
    pub detail: String,
    /// Structured members beside those of the RFC: `field`, `limit`, `found`, `expected` and the like.
    pub members: BTreeMap<&'static str, Value>,
    headers: Vec<(header::HeaderName, HeaderValue)>,
}

/// The result of a handler.
pub type Answer<T> = Result<T, Problem>;

impl Problem {
    pub fn new(kind: &'static Kind, detail: impl Display) -> Self {
        Self {
            kind,
            detail: detail.to_string(),
            members: BTreeMap::new(),
            headers: Vec::new(),
        }
    }

    /// The same with another detail, where more is known.
    pub fn with_detail(mut self, detail: impl Display) -> Self {
        self.detail = detail.to_string();
        self
    }

    /// The field at fault.
    pub fn field(self, name: impl Display) -> Self {
        self.with("field", name.to_string())
    }

    /// Adds a structured member.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.insert(name, value.into());
        self
    }

    /// Adds what is allowed and what was found.
    pub fn above(self, found: impl Into<Value>, limit: impl Into<Value>) -> Self {
        self.with("found", found).with("limit", limit)
    }

    /// Adds what was found and what had to be there.
    pub fn differs(self, found: impl Into<Value>, expected: impl Into<Value>) -> Self {
        self.with("found", found).with("expected", expected)
    }

    /// Adds a header to the answer.
    pub fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A problem of the node's own; its cause is logged, not sent.
    pub fn internal(cause: impl Display) -> Self {
        tracing::error!(%cause, "internal error");
        Self::new(
            &kinds::INTERNAL,
            "the node failed while answering; its log has the cause under this request id",
        )
    }

    /// The body as it travels.
    pub fn body(&self, request_id: Option<&str>) -> ProblemBody {
        let mut members = self.members.clone();
        let mut take = |name| members.remove(name);
        ProblemBody {
            kind: self.kind.path(),
            title: self.kind.title.to_owned(),
            status: self.kind.status,
            detail: self.detail.clone(),
            request_id: request_id.map(str::to_owned),
            field: take("field"),
            limit: take("limit"),
            found: take("found"),
            expected: take("expected"),
            more: members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }

    /// The answer with its body; [`IntoResponse`] leaves that to the router, which knows the request id.
    pub fn render(&self, request_id: Option<&str>) -> Response {
        let body = serde_json::to_vec(&self.body(request_id)).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers.iter().cloned());
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.render(None);
        response.extensions_mut().insert(Attached(self));
        response
    }
}

/// Rides on an answer so that the router can write the request id into its body.
#[derive(Debug, Clone)]
pub struct Attached(pub Problem);
