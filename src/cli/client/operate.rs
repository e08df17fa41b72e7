//! Requests with a token: for commands that change a node, and for nodes that show nothing without one.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::SendBody;
use ureq::http::{self, Request};
use ureq::middleware::{Middleware, MiddlewareNext};
use zeroize::Zeroizing;

use super::{Client, MAX_ANSWER, refusal};
use crate::operator::{MAX_FILE, read_private};

/// Of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    fn http(self) -> http::Method {
        match self {
            Self::Get => http::Method::GET,
            Self::Post => http::Method::POST,
            Self::Delete => http::Method::DELETE,
        }
    }
}

/// A token in the form that requests carry it.
pub(super) struct Authorization(http::HeaderValue);

impl Authorization {
    /// That of a file.
    ///
    /// # Errors
    /// Where there is none, or others may read it; the error does not repeat it.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = read_private(path, MAX_FILE)?;
        let mut lines = text.lines().map(str::trim);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        let token = line.and_then(|line| line.split_whitespace().next());
        let token = token.with_context(|| format!("{} holds no token", path.display()))?;
        let bearer = Zeroizing::new(format!("Bearer {token}"));
        let value = http::HeaderValue::try_from(bearer.as_str());
        let mut value = value.ok().context("the token has characters that no token has")?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Middleware for Authorization {
    fn handle(
        &self,
        mut request: Request<SendBody<'_>>,
        next: MiddlewareNext<'_>,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        request
            .headers_mut()
            .insert(http::header::AUTHORIZATION, self.0.clone());
        next.handle(request)
    }
}

/// A client for requests that need a token; it sends the one that it was made with.
pub struct Operator(Client);

impl Operator {
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// The node's URL, as messages show it.
    pub fn node(&self) -> &str {
        self.0.shown()
    }

    /// A request below `/api/v1` whose answer is JSON.
    pub fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> anyhow::Result<T> {
        let mut answer = self.send(method, path, body)?;
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec()?;
        serde_json::from_slice(&body).context("the node's answer is not what was expected")
    }

    /// A request below `/api/v1` that is answered without a body.
    pub fn command(&self, method: Method, path: &str) -> anyhow::Result<()> {
        self.send(method, path, None::<&()>).map(drop)
    }

    /// Hands over the lines of the answer to a GET below `/api/v1`, with their line feeds; one of more than `limit` bytes in parts. They
    /// are not held as a whole: there may be many.
    pub fn lines(
        &self,
        path: &str,
        limit: u64,
        mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut answer = self.send(Method::Get, path, None::<&()>)?;
        let mut body = BufReader::new(answer.body_mut().as_reader());
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = body.by_ref().take(limit).read_until(b'\n', &mut line);
            if read.context("the node's answer breaks off")? == 0 {
                return Ok(());
            }
            take(&line)?;
        }
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> anyhow::Result<http::Response<ureq::Body>> {
        let request = Request::builder()
            .method(method.http())
            .uri(format!("{}/api/v1/{path}", self.0.url));
        let agent = &self.0.agent;
        let answer = match body {
            Some(body) => {
                let body = serde_json::to_vec(body)?;
                let request = request.header(http::header::CONTENT_TYPE, "application/json");
                agent.run(request.body(body)?)
            }
            None => agent.run(request.body(())?),
        };
        let mut answer = answer.map_err(|error| self.0.unreached(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec()?;
        Err(refusal(status, &body))
    }
}
