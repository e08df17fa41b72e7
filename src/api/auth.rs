//! Bearer tokens, in the `Authorization` header only.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

use super::problem::{Answer, Problem, kinds};
use crate::server::Server;
use crate::tokens::{Actor, Denied, Scope};
use crate::web::Client;

/// Who sends a request, as far as the request says: nothing of it is proved.
pub struct Caller {
    token: Option<Zeroizing<String>>,
    pub address: IpAddr,
}

impl Caller {
    /// Of a request with these headers.
    pub fn of(headers: &HeaderMap, address: IpAddr) -> Self {
        Self::with(bearer(headers), address)
    }

    /// With a token from elsewhere.
    pub fn with(token: Option<&str>, address: IpAddr) -> Self {
        let token = token.map(|token| Zeroizing::new(token.to_owned()));
        Self { token, address }
    }

    /// Whether there is a token at all.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let client = parts.extensions.get::<Client>();
        let address = client.map_or(Ipv4Addr::LOCALHOST.into(), |Client(address)| *address);
        Ok(Self::of(&parts.headers, address))
    }
}

/// Lets a request pass that carries a token with this scope, and returns whose it is.
pub fn require(server: &Server, caller: &Caller, scope: Scope) -> Answer<Actor> {
    let challenge = |problem: Problem| {
        let challenge = HeaderValue::from_static("Bearer realm=\"tally\"");
        problem.header(header::WWW_AUTHENTICATE, challenge)
    };
    let Some(token) = &caller.token else {
        let problem = Problem::new(
            &kinds::TOKEN_MISSING,
            format!("this needs a token with the scope {}", scope.word()),
        );
        return Err(challenge(problem.with("scope", scope.word())));
    };
    let denied = match server.access.authorize(token, caller.address, scope) {
        Ok(actor) => return Ok(actor),
        Err(denied) => denied,
    };
    Err(match denied {
        Denied::Unknown => challenge(Problem::new(
            &kinds::TOKEN_UNKNOWN,
            "the token is not one of this node's",
        )),
        Denied::Expired { since } => {
            let problem = Problem::new(&kinds::TOKEN_EXPIRED, format!("the token has expired at {since}"));
            challenge(problem.with("since", since.0))
        }
        Denied::Address => {
            let detail = format!("the token is not taken from {}", caller.address);
            Problem::new(&kinds::TOKEN_ADDRESS, detail)
        }
        Denied::Rate { per_second, wait } => {
            let seconds = wait.as_secs() + 1;
            let detail = format!("more than {per_second} requests a second with this token; wait {seconds} s");
            Problem::new(&kinds::TOO_MANY_REQUESTS, detail)
                .with("limit", per_second)
                .with("retry_after", seconds)
                .header(header::RETRY_AFTER, HeaderValue::from(seconds))
        }
        Denied::Scope => Problem::new(
            &kinds::SCOPE_MISSING,
            format!("the token lacks the scope {}", scope.word()),
        )
        .with("scope", scope.word()),
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
