//! The page that asks for a token, and what comes of its form. It needs no script.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::{SIGN_IN, SIGN_OUT, cookie, set_cookie};
use crate::api::auth::{self, Caller};
use crate::api::problem::{Answer, Problem};
use crate::server::{Action, Server, Shared};
use crate::tokens::{New, Scope, TokenId};

/// Longest form, in bytes.
const MAX_FORM: usize = 8 * 1024;
/// Longest path that a browser is led back to, in bytes.
const MAX_PATH: usize = 2 * 1024;
/// The name of the token that a browser gets for reading.
const NAME: &str = "reading in a browser";

/// Where browsers sign in and out.
pub fn router(server: &Shared) -> Router {
    Router::new()
        .route(SIGN_IN, get(ask).post(sign_in))
        .route(SIGN_OUT, post(sign_out))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .with_state(server.clone())
}

/// What the form sends.
#[derive(Deserialize)]
struct SignIn {
    token: String,
    to: String,
}

/// In place of a page that is not shown.
pub fn denied(server: &Server, request: &Request, problem: &Problem) -> Response {
    let to = request.uri().path_and_query().map_or("/", |path| path.as_str());
    // Who has sent no token yet has done nothing wrong.
    let why = cookie(request.headers()).map(|_| problem.detail.as_str());
    answer(server, problem, to, why)
}

/// The page with the status and the headers of the problem.
fn answer(server: &Server, problem: &Problem, to: &str, why: Option<&str>) -> Response {
    let mut response = Html(page(server, to, why)).into_response();
    let rendered = problem.render(None);
    *response.status_mut() = rendered.status();
    for name in [header::WWW_AUTHENTICATE, header::RETRY_AFTER, header::CACHE_CONTROL] {
        if let Some(value) = rendered.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

async fn ask(State(server): State<Shared>, caller: Caller, headers: HeaderMap) -> Response {
    let signed_in = auth::require(&server, &Caller::with(cookie(&headers), caller.address), Scope::Read).is_ok();
    let page = match signed_in {
        true => signed_in_page(&server),
        false => page(&server, "/", None),
    };
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (headers, Html(page)).into_response()
}

async fn sign_in(
    State(server): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Response {
    let SignIn { token, to } = form;
    let (token, to) = (Zeroizing::new(token), own_path(&to));
    match begin(&server, &caller, &token).await {
        Ok(token) => match set_cookie(&server, &headers, &token) {
            Some(cookie) => lead(&server, to, cookie),
            None => Problem::internal("a token is no cookie").into_response(),
        },
        Err(problem) => answer(&server, &problem, to, Some(&problem.detail)),
    }
}

/// A token for reading, made for the holder of another that reads.
async fn begin(server: &Shared, caller: &Caller, token: &str) -> Answer<Zeroizing<String>> {
    let actor = auth::require(server, &Caller::with(Some(token.trim()), caller.address), Scope::Read)?;
    let id = TokenId::random().map_err(Problem::internal)?;
    let action = Action {
        name: "operator.sign-in",
        parameters: json!({ "id": id, "scopes": ["read"] }),
    };
    let (inside, reach) = (server.clone(), actor.reach.clone());
    let create = async move {
        inside
            .with_access(move |access| {
                let now = access.now();
                let new = New::session(NAME, [Scope::Read].into(), &reach, now);
                let (_, text) = access.store().create(id, new, &reach, now)?;
                Ok(text.expose())
            })
            .await
    };
    server.operate(&actor, action, create).await
}

async fn sign_out(State(server): State<Shared>, caller: Caller, headers: HeaderMap) -> Response {
    if let Err(problem) = end(&server, &caller, &headers).await {
        return problem.into_response();
    }
    match set_cookie(&server, &headers, "") {
        Some(cookie) => lead(&server, SIGN_IN, cookie),
        None => Problem::internal("an empty cookie is none").into_response(),
    }
}

/// Ends the token in the cookie, where it is one.
async fn end(server: &Shared, caller: &Caller, headers: &HeaderMap) -> Answer<()> {
    let Ok(actor) = auth::require(server, &Caller::with(cookie(headers), caller.address), Scope::Read) else {
        return Ok(());
    };
    let Ok(id) = actor.id.parse::<TokenId>() else {
        return Ok(());
    };
    let action = Action {
        name: "operator.sign-out",
        parameters: json!({ "id": id }),
    };
    let inside = server.clone();
    let revoke = async move {
        inside
            .with_access(move |access| {
                access.store().revoke(id, access.now())?;
                Ok(())
            })
            .await
    };
    server.operate(&actor, action, revoke).await
}

/// To a page of this node, with the cookie.
fn lead(server: &Server, to: &str, cookie: HeaderValue) -> Response {
    let to = server.web.base_path.at(to);
    let to = HeaderValue::try_from(to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, to), (header::SET_COOKIE, cookie)],
    )
        .into_response()
}

/// The path if it is one of this node, else the dashboard's: what follows `//` or `/\` is another site to browsers.
fn own_path(path: &str) -> &str {
    let foreign = path.starts_with("//") || path.contains('\\') || !path.bytes().all(|byte| byte.is_ascii_graphic());
    match path.starts_with('/') && !foreign && path.len() <= MAX_PATH {
        true => path,
        false => "/",
    }
}

fn page(server: &Server, to: &str, why: Option<&str>) -> String {
    let why = why.map(|why| format!("<p role=\"alert\"><strong>{}</strong></p>", escape(why)));
    let body = format!(
        "<h1>Sign in</h1>\
        <p>This ledger is shown to those alone who have a token with the scope <code>read</code>. The operator of the node gives it.</p>\
        {why}<form method=\"post\" action=\"{action}\"><input type=\"hidden\" name=\"to\" value=\"{to}\">\
        <p><label for=\"token\">Token</label> <input id=\"token\" name=\"token\" type=\"password\" required autocomplete=\"off\" \
        spellcheck=\"false\" size=\"40\"> <button>Sign in</button></p></form>\
        <p>The browser keeps a cookie for reading, which ends with it, or after 12 hours.</p>",
        why = why.unwrap_or_default(),
        action = at(server, SIGN_IN),
        to = escape(own_path(to)),
    );
    frame(server, "Sign in", &body)
}

fn signed_in_page(server: &Server) -> String {
    let body = format!(
        "<h1>You are signed in</h1><p><a href=\"{home}\">To the dashboard</a></p><form method=\"post\" action=\"{action}\">\
        <p><button>Sign out</button></p></form>",
        home = at(server, "/"),
        action = at(server, SIGN_OUT),
    );
    frame(server, "You are signed in", &body)
}

fn frame(server: &Server, title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, \
        initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><title>{title} · Tally</title><link rel=\"stylesheet\" \
        href=\"{css}\"><link rel=\"icon\" href=\"{icon}\" type=\"image/svg+xml\"></head><body><main>{body}</main></body></html>",
        css = at(server, "/api/docs.css"),
        icon = at(server, "/favicon.svg"),
    )
}

fn at(server: &Server, path: &str) -> String {
    escape(&server.web.base_path.at(path))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        for own in ["/", "/blocks?page=2", "/tx/0x00", "/a//b"] {
            assert_eq!(own_path(own), own);
        }
        let long = format!("/{}", "x".repeat(MAX_PATH));
        for other in [
            "",
            "blocks",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/ä",
            &long,
        ] {
            assert_eq!(own_path(other), "/", "{other}");
        }
    }
}
