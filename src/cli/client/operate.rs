//! Requests with a token, for commands that change a node.

use std::io::{BufRead as _, BufReader, Read as _};

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{self, Request};
use zeroize::Zeroizing;

use super::{Client, MAX_ANSWER, refusal};

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

/// A client with a token.
pub struct Operator {
    client: Client,
    token: Zeroizing<String>,
}

impl Operator {
    /// # Errors
    /// Where the token is none that a header can carry; the error does not repeat it.
    pub fn new(client: Client, token: Zeroizing<String>) -> anyhow::Result<Self> {
        let visible = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        anyhow::ensure!(visible, "the token is empty, or has characters that no token has");
        Ok(Self { client, token })
    }

    /// The node's URL, as messages show it.
    pub fn node(&self) -> &str {
        self.client.shown()
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
        let authorization = Zeroizing::new(format!("Bearer {}", self.token.as_str()));
        let request = Request::builder()
            .method(method.http())
            .uri(format!("{}/api/v1/{path}", self.client.url))
            .header(http::header::AUTHORIZATION, authorization.as_str());
        let agent = &self.client.agent;
        let answer = match body {
            Some(body) => {
                let body = serde_json::to_vec(body)?;
                let request = request.header(http::header::CONTENT_TYPE, "application/json");
                agent.run(request.body(body)?)
            }
            None => agent.run(request.body(())?),
        };
        let mut answer = answer.map_err(|error| self.client.unreached(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec()?;
        Err(refusal(status, &body))
    }
}
