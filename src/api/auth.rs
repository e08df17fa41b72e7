//! Bearer tokens of the operator, in the `Authorization` header only.

use axum::http::{HeaderMap, HeaderValue, header};

use super::problem::{Answer, Problem, kinds};
use crate::operator::{Scope, Tokens, Verdict};

/// Lets a request pass that carries a token with this scope.
pub fn require(tokens: &Tokens, headers: &HeaderMap, scope: Scope) -> Answer<()> {
    let challenge = HeaderValue::from_static("Bearer realm=\"tally\"");
    let Some(token) = bearer(headers) else {
        let problem = Problem::new(
            &kinds::TOKEN_MISSING,
            format!("this needs a token with the scope {}", scope.word()),
        );
        return Err(problem
            .with("scope", scope.word())
            .header(header::WWW_AUTHENTICATE, challenge));
    };
    match tokens.authorize(token, scope) {
        Verdict::Allowed => Ok(()),
        Verdict::MissingScope => {
            let problem = Problem::new(
                &kinds::SCOPE_MISSING,
                format!("the token lacks the scope {}", scope.word()),
            );
            Err(problem.with("scope", scope.word()))
        }
        Verdict::Unknown => {
            let problem = Problem::new(&kinds::TOKEN_UNKNOWN, "the token is not one of this node's");
            Err(problem.header(header::WWW_AUTHENTICATE, challenge))
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
