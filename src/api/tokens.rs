//! `/tokens`: tokens that the operator creates for others, and `/operator/log`: what was done with them. All of it needs the scope
//! `tokens`.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use serde::Serialize;
use serde_json::json;
use tally_api::ProblemBody;
use tally_api::tokens::{
    CreateTokenBody, LOG_PAGE, LastUseBody, LinkBody, LogFaultBody, LogFormat, LogPageBody, LogParams, MAX_LOG_PAGE,
    MAX_SCOPES, NewTokenBody, SignInBody, TokenBody, TokensBody,
};
use tally_api::worker::wallet::SecretText;
use tally_chain::UnixSecs;

use super::auth::{self, Caller};
use super::extract::{JsonBody, Params, Segment};
use super::problem::{Answer, Problem, kinds};
use crate::server::{Action, Shared};
use crate::tokens::log::Part;
use crate::tokens::{
    Actor, LINK_SECS, Link, New, Reach, SESSION_NAME, Scope, Scopes, Token, TokenError, TokenId, TokenText,
};

/// Media type of the exported log.
const NDJSON: &str = "application/x-ndjson";

fn token_body(token: Token, now: UnixSecs) -> TokenBody {
    TokenBody {
        expired: token.has_expired(now),
        id: token.id.to_string(),
        name: token.name,
        scopes: token.scopes.into_iter().map(|scope| scope.word().to_owned()).collect(),
        created: token.created.0,
        expires: token.expires.map(|time| time.0),
        requests_per_second: token.requests_per_second.map(Into::into),
        range: token.range.map(|range| range.to_string()),
        of_link: token.of_link,
        last_used: token.last_used.map(|used| LastUseBody {
            time: used.time.0,
            address: used.address,
        }),
    }
}

/// What only the holder of a token may see goes into no cache.
fn private(body: impl Serialize) -> Response {
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (headers, Json(body)).into_response()
}

fn shown_once(token: Token, text: &TokenText, now: UnixSecs) -> Response {
    private(NewTokenBody {
        token: token_body(token, now),
        secret: SecretText::new(text.expose().to_string()),
    })
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        let invalid = |field: &str| Self::new(&kinds::INVALID_TOKEN, &error).field(field);
        match &error {
            TokenError::NoName | TokenError::HiddenName { .. } => invalid("name"),
            TokenError::LongName { chars } => invalid("name").above(*chars, tally_api::tokens::MAX_NAME),
            TokenError::NoScope => invalid("scopes"),
            TokenError::Lifetime { secs } => invalid("lifetime_secs").with("found", *secs),
            TokenError::Rate { found } => {
                invalid("requests_per_second").above(*found, tally_api::tokens::MAX_REQUESTS_PER_SECOND)
            }
            TokenError::Expired { .. } => invalid("id"),
            TokenError::TooMany => {
                Self::new(&kinds::TOO_MANY_TOKENS, &error).with("limit", tally_api::tokens::MAX_TOKENS)
            }
            TokenError::BeyondScopes { .. } => Self::new(&kinds::BEYOND_REACH, &error).field("scopes"),
            TokenError::BeyondTime { .. } => Self::new(&kinds::BEYOND_REACH, &error).field("lifetime_secs"),
            TokenError::BeyondRange { .. } => Self::new(&kinds::BEYOND_REACH, &error).field("range"),
            TokenError::BeyondRate { .. } => Self::new(&kinds::BEYOND_REACH, &error).field("requests_per_second"),
            TokenError::Unknown { .. } => Self::new(&kinds::UNKNOWN_TOKEN, &error).field("id"),
            TokenError::Taken { .. } | TokenError::Random(_) | TokenError::NotKept(_) => Self::internal(&error),
        }
    }
}

fn invalid(field: &str, detail: String) -> Problem {
    Problem::new(&kinds::INVALID_TOKEN, detail).field(field)
}

fn parse_id(text: &str) -> Answer<TokenId> {
    text.parse()
        .map_err(|error| Problem::new(&kinds::UNKNOWN_TOKEN, error).field("id"))
}

/// What is asked for, as far as its form goes.
fn parse_new(body: CreateTokenBody) -> Answer<New> {
    if body.scopes.len() > MAX_SCOPES {
        let detail = format!("there are {} scopes, at most {MAX_SCOPES} are taken", body.scopes.len());
        return Err(invalid("scopes", detail).above(body.scopes.len(), MAX_SCOPES));
    }
    let scope = |word: &String| {
        let unknown = || {
            invalid(
                "scopes",
                format!("scope {word:?} is unknown; there are {}", Scope::words()),
            )
        };
        Scope::named(word).ok_or_else(unknown)
    };
    let range = |text: String| {
        let range = text.parse::<IpNet>();
        let range = range.or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
        range.map_err(|_| {
            let detail = "this is no address and no range, such as 198.51.100.0/24";
            invalid("range", detail.to_owned())
        })
    };
    Ok(New {
        scopes: body.scopes.iter().map(scope).collect::<Answer<Scopes>>()?,
        name: body.name,
        lifetime: body.lifetime_secs,
        requests_per_second: body.requests_per_second,
        range: body.range.map(range).transpose()?,
        of_link: false,
    })
}

/// The tokens that were created. Needs a token with the scope `tokens`
#[utoipa::path(get, path = "/tokens", operation_id = "tokens", tag = "operator", security(("operator" = ["tokens"])), responses(
    (status = 200, description = "The tokens, without their secrets", body = TokensBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn list(State(server): State<Shared>, caller: Caller) -> Answer<Response> {
    auth::require(&server, &caller, Scope::Tokens)?;
    let now = server.access.now();
    let tokens = server.access.store().list().into_iter();
    let body = TokensBody {
        items: tokens.map(|token| token_body(token, now)).collect(),
    };
    Ok(private(body))
}

/// Creates a token; its text is in this answer and nowhere else. Needs a token with the scope `tokens`, and all that the new one has:
/// its scopes, its time, its addresses
#[utoipa::path(post, path = "/tokens", operation_id = "create_token", tag = "operator", request_body = CreateTokenBody,
    security(("operator" = ["tokens"])), responses(
    (status = 200, description = "The token and its text", body = NewTokenBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn create(
    State(server): State<Shared>,
    caller: Caller,
    body: Answer<JsonBody<CreateTokenBody>>,
) -> Answer<Response> {
    let actor = auth::require(&server, &caller, Scope::Tokens)?;
    let JsonBody(body) = body?;
    let id = TokenId::random().map_err(Problem::internal)?;
    let mut parameters = json!(body);
    parameters["id"] = json!(id);
    let action = Action {
        name: "tokens.create",
        parameters,
    };
    let (inside, reach) = (server.clone(), actor.reach.clone());
    let create = async move {
        let new = parse_new(body)?;
        inside
            .with_access(move |access| {
                let now = access.now();
                let (token, text) = access.store().create(id, new, &reach, now)?;
                Ok(shown_once(token, &text, now))
            })
            .await
    };
    server.operate(&actor, action, create).await
}

/// Gives a token another secret; the one before is not taken any more. Needs a token with the scope `tokens`, and all that this one has
#[utoipa::path(post, path = "/tokens/{id}/rotate", operation_id = "rotate_token", tag = "operator",
    params(("id" = String, Path, description = "The token's id")), security(("operator" = ["tokens"])), responses(
    (status = 200, description = "The token and its new text", body = NewTokenBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn rotate(State(server): State<Shared>, caller: Caller, Segment(id): Segment) -> Answer<Response> {
    let actor = auth::require(&server, &caller, Scope::Tokens)?;
    let action = Action {
        name: "tokens.rotate",
        parameters: json!({ "id": id }),
    };
    let (inside, reach) = (server.clone(), actor.reach.clone());
    let rotate = async move {
        let id = parse_id(&id)?;
        inside
            .with_access(move |access| {
                let now = access.now();
                let (token, text) = access.store().rotate(id, &reach, now)?;
                Ok(shown_once(token, &text, now))
            })
            .await
    };
    server.operate(&actor, action, rotate).await
}

/// Revokes a token: it is unknown from now on. Needs a token with the scope `tokens`
#[utoipa::path(delete, path = "/tokens/{id}", operation_id = "revoke_token", tag = "operator",
    params(("id" = String, Path, description = "The token's id")), security(("operator" = ["tokens"])), responses(
    (status = 204, description = "It is revoked"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn revoke(State(server): State<Shared>, caller: Caller, Segment(id): Segment) -> Answer<StatusCode> {
    let actor = auth::require(&server, &caller, Scope::Tokens)?;
    let action = Action {
        name: "tokens.revoke",
        parameters: json!({ "id": id }),
    };
    let inside = server.clone();
    let revoke = async move {
        let id = parse_id(&id)?;
        inside
            .with_access(move |access| {
                access.store().revoke(id, access.now())?;
                Ok(StatusCode::NO_CONTENT)
            })
            .await
    };
    server.operate(&actor, action, revoke).await
}

/// The highest number of an entry that every reader of JSON takes, 2^53 - 1.
const MAX_SEQUENCE: u64 = (1 << 53) - 1;
/// Characters of a code: 32 bytes in base64url without padding.
const CODE_CHARS: usize = 43;

/// Whether a text has the form of a code.
fn is_code(text: &str) -> bool {
    let of_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() == CODE_CHARS && text.bytes().all(of_base64)
}

/// A code that was taken; it is given back where no token came of it.
struct Taken {
    server: Shared,
    link: Option<Link>,
}

impl Taken {
    fn of(server: &Shared, code: &str) -> Option<Self> {
        let link = server.access.links().take(code, server.access.now())?;
        // The code of a token that is gone is gone, too.
        server.access.stands(&link.maker).then(|| Self {
            server: server.clone(),
            link: Some(link),
        })
    }

    fn link(&self) -> &Link {
        self.link.as_ref().expect("it is there until it was used")
    }

    fn reach(&self) -> &Reach {
        &self.link().reach
    }

    fn maker(&self) -> &str {
        &self.link().maker.id
    }

    fn used(mut self) {
        self.link = None;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            self.server.access.links().give_back(link);
        }
    }
}

/// Exchanges the code of an operator link for a token, once. The token expires after 12 hours
#[utoipa::path(post, path = "/operator/session", operation_id = "operator_session", tag = "operator", request_body = SignInBody, responses(
    (status = 200, description = "The token and its text", body = NewTokenBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn sign_in(
    State(server): State<Shared>,
    caller: Caller,
    body: Answer<JsonBody<SignInBody>>,
) -> Answer<Response> {
    let JsonBody(SignInBody { code }) = body?;
    if !is_code(code.expose()) {
        return Err(invalid(
            "code",
            format!("a code has {CODE_CHARS} characters of base64url"),
        ));
    }
    let link = Taken::of(&server, code.expose()).ok_or_else(|| {
        let detail = "this link was used before, has ended, or what made it has: the node, or a token";
        Problem::new(&kinds::LINK_USED, detail).field("code")
    })?;
    let id = TokenId::random().map_err(Problem::internal)?;
    let actor = Actor {
        id: id.to_string(),
        name: SESSION_NAME.to_owned(),
        address: caller.address.to_canonical(),
        reach: link.reach().clone(),
    };
    let action = Action {
        name: "operator.sign-in",
        parameters: json!({ "by": link.maker() }),
    };
    let inside = server.clone();
    let create = async move {
        inside
            .with_access(move |access| {
                let now = access.now();
                let reach = link.reach().clone();
                let new = New::session(SESSION_NAME, reach.scopes.clone(), &reach, now);
                let (token, text) = access.store().create(id, new, &reach, now)?;
                link.used();
                Ok(shown_once(token, &text, now))
            })
            .await
    };
    server.operate(&actor, action, create).await
}

/// A new operator link, for a tab that then has what the token has. Needs a token with the scope `tokens`
#[utoipa::path(post, path = "/operator/link", operation_id = "operator_link", tag = "operator", security(("operator" = ["tokens"])), responses(
    (status = 200, description = "The link's code", body = LinkBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn link(State(server): State<Shared>, caller: Caller) -> Answer<Response> {
    let actor = auth::require(&server, &caller, Scope::Tokens)?;
    let action = Action {
        name: "operator.link",
        parameters: json!({}),
    };
    let (inside, reach, id) = (server.clone(), actor.reach.clone(), actor.id.clone());
    let make = async move {
        let access = &inside.access;
        let ends = access.now().saturating_add(LINK_SECS);
        let code = access.links().make(reach, access.maker(&id), Some(ends));
        let code = code.map_err(Problem::internal)?;
        let code = SecretText::new(code.to_string());
        Ok(private(LinkBody { code }))
    };
    server.operate(&actor, action, make).await
}

/// What operators did, the newest first; or all of it as lines. Needs a token with the scope `tokens`
///
/// Each entry has the hash of the one before. The hash of an entry is SHA-256 over its line in the export without the member `hash`:
/// over the bytes before `,"hash":` and a closing brace.
#[utoipa::path(get, path = "/operator/log", operation_id = "operator_log", tag = "operator", params(LogParams),
    security(("operator" = ["tokens"])), responses(
    (status = 200, description = "A page; with `format=ndjson` all entries, the oldest first, one a line", content(
        (LogPageBody = "application/json"), (String = "application/x-ndjson"))),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn log(State(server): State<Shared>, caller: Caller, params: Answer<Params<LogParams>>) -> Answer<Response> {
    auth::require(&server, &caller, Scope::Tokens)?;
    let Params(LogParams { before, limit, format }) = params?;
    let limit = limit.unwrap_or(LOG_PAGE);
    if !(1..=MAX_LOG_PAGE).contains(&limit) {
        let detail = format!("limit is {limit}, expected 1 to {MAX_LOG_PAGE}");
        let problem = Problem::new(&kinds::INVALID_PARAMETER, detail);
        return Err(problem.field("limit").above(limit, MAX_LOG_PAGE));
    }
    if let Some(found) = before.filter(|before| !(1..=MAX_SEQUENCE).contains(before)) {
        let detail = format!("before is {found}, expected 1 to {MAX_SEQUENCE}");
        return Err(Problem::new(&kinds::INVALID_PARAMETER, detail).field("before"));
    }
    if format == Some(LogFormat::Ndjson) {
        return Ok(export(server.access.log().parts()));
    }
    let page = server.log(move |access| {
        let log = access.log();
        let head = log.head();
        let items = log.page(before.unwrap_or(u64::MAX), limit as usize)?;
        let (faults, fault_count) = log.faults();
        let faults = faults.iter().map(|fault| LogFaultBody {
            file: fault.file.clone(),
            line: fault.line,
            reason: fault.why.to_string(),
        });
        Ok(LogPageBody {
            older: items
                .last()
                .map(|entry| entry.sequence)
                .filter(|_| items.len() == limit as usize),
            items,
            head,
            faults: faults.collect(),
            fault_count,
        })
    });
    Ok(private(page.await?))
}

/// The files one after the other: one of them is in memory at a time. One that was removed meanwhile is left out; the chain shows it.
fn export(parts: Vec<Part>) -> Response {
    let files = futures::stream::unfold(parts.into_iter(), |mut parts| async move {
        loop {
            let part = parts.next()?;
            let read = tokio::task::spawn_blocking(move || part.read()).await;
            match read.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
                Ok(Some(bytes)) => return Some((Ok(Bytes::from(bytes)), parts)),
                Ok(None) => continue,
                Err(error) => return Some((Err(error), Vec::new().into_iter())),
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(NDJSON)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"operator-log.ndjson\""),
        ),
    ];
    (headers, Body::from_stream(files)).into_response()
}
