//! Reading requests: size, type, depth and form are checked in this order, each with its own problem.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use futures::StreamExt as _;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::problem::{Answer, Problem, kinds};

/// Longest body of any request, in bytes: that of a batch.
pub const MAX_BODY: usize = 8 * 1024 * 1024;
/// Longest body where a path has no limit of its own, in bytes.
pub const MAX_SMALL_BODY: usize = 64 * 1024;
/// Deepest nesting of a JSON body.
pub const MAX_DEPTH: usize = 64;

/// Longest body that is read only to be rejected, in bytes.
const MAX_DROPPED: u64 = 32 * 1024 * 1024;

/// A JSON body of at most `LIMIT` bytes.
pub struct JsonBody<T, const LIMIT: usize = MAX_SMALL_BODY>(pub T);

impl<T: DeserializeOwned, S: Send + Sync, const LIMIT: usize> FromRequest<S> for JsonBody<T, LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        let JsonBytes(bytes) = JsonBytes::<LIMIT>::from_request(request, state).await?;
        parse_json(&bytes).map(Self)
    }
}

/// The same before it is parsed, for handlers that do so beside the server's own threads: a body of megabytes takes a while.
pub struct JsonBytes<const LIMIT: usize>(pub Bytes);

impl<S: Send + Sync, const LIMIT: usize> FromRequest<S> for JsonBytes<LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Answer<Self> {
        let (parts, body) = request.into_parts();
        check_media_type(&parts.headers, "application/json")?;
        read_body(&parts.headers, body, LIMIT).await.map(Self)
    }
}

/// The media type of a body, without parameters, in lower case.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn check_media_type(headers: &HeaderMap, expected: &str) -> Answer<()> {
    let found = media_type(headers);
    if found.as_deref() == Some(expected) {
        return Ok(());
    }
    Err(wrong_media_type(found, expected))
}

/// The problem of a body of another type.
pub fn wrong_media_type(found: Option<String>, expected: &str) -> Problem {
    let shown = found.clone().unwrap_or_else(|| "none".to_owned());
    Problem::new(
        &kinds::UNSUPPORTED_MEDIA_TYPE,
        format!("the body's media type is {shown}, expected {expected}"),
    )
    .field("content-type")
    .differs(found, expected)
}

/// Rejects a body that is announced as longer than `limit`. It is read and dropped first, since most clients listen
/// only once they have sent everything; what is absurdly long is cut off instead.
pub async fn check_length(headers: &HeaderMap, body: Body, limit: usize) -> Answer<Body> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let Some(found) = announced.filter(|found| *found > limit as u64) else {
        return Ok(body);
    };
    if found <= MAX_DROPPED {
        let mut rest = body.into_data_stream();
        while let Some(Ok(_)) = rest.next().await {}
    }
    let detail = format!("the body has {found} bytes, at most {limit} are taken here");
    Err(Problem::new(&kinds::BODY_TOO_LARGE, detail).above(found, limit))
}

/// Reads a body of at most `limit` bytes.
pub async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Answer<Bytes> {
    let body = check_length(headers, body, limit).await?;
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let too_long =
            std::error::Error::source(&error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        match too_long {
            true => {
                let problem = Problem::new(
                    &kinds::BODY_TOO_LARGE,
                    format!("the body is longer than the {limit} bytes taken here"),
                );
                problem.with("limit", limit)
            }
            false => Problem::new(&kinds::BAD_REQUEST, "the body could not be read to its end"),
        }
    })
}

/// Parses JSON: first whether it is JSON at all, then whether it is what is expected.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Problem::new(&kinds::MALFORMED_JSON, format!("the body is not UTF-8 at byte {at}")).with("byte", at)
    })?;
    let depth = depth(bytes);
    if depth > MAX_DEPTH {
        let detail = format!("the body is nested {depth} levels deep, at most {MAX_DEPTH} are taken");
        return Err(Problem::new(&kinds::JSON_TOO_DEEP, detail).above(depth, MAX_DEPTH));
    }
    serde_json::from_str::<IgnoredAny>(text).map_err(malformed)?;
    // A list would pass for an object with its fields in order.
    if !text.trim_start().starts_with('{') {
        return Err(Problem::new(&kinds::INVALID_FIELD, "the body is not a JSON object"));
    }
    serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            let problem = Problem::new(&kinds::INVALID_FIELD, &error);
            problem.with("line", error.line()).with("column", error.column())
        }
        _ => malformed(error),
    })
}

fn malformed(error: serde_json::Error) -> Problem {
    Problem::new(&kinds::MALFORMED_JSON, &error)
        .with("line", error.line())
        .with("column", error.column())
}

/// How deep brackets nest, strings aside: cheap, and without recursion.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let mut in_string = false;
    let mut escaped = false;
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The parameters behind the question mark.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query
            .map(|Query(params)| Self(params))
            .map_err(|error| Problem::new(&kinds::INVALID_PARAMETER, error.body_text()))
    }
}

/// One part of the path, as text; naming it is for the handler.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(text)| Self(text))
            .map_err(|error| Problem::new(&kinds::INVALID_PARAMETER, error.body_text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(depth(b"{}"), 1);
        assert_eq!(depth(br#"{"a":[1,{"b":2}],"c":[]}"#), 3);
        assert_eq!(depth(br#"["[[[[\"[["]"#), 1);
        assert_eq!(depth(&[b'['; 10_000]), 10_000);
        assert_eq!(depth(b"]]]]["), 1);
    }

    #[test]
    fn json_is_judged_in_order() {
        #[derive(Debug, serde::Deserialize)]
        struct Body {
            #[serde(rename = "b")]
            _b: u8,
        }
        let kind = |bytes: &[u8]| parse_json::<Body>(bytes).expect_err("not such a body").kind.name;
        assert_eq!(kind(b"\xff"), "malformed-json");
        assert_eq!(kind(&[b'['; 10_000]), "json-too-deep");
        assert_eq!(kind(b"{\"a\":1,}"), "malformed-json");
        assert_eq!(kind(b"{\"a\":1}"), "invalid-field");
        assert_eq!(kind(b"[1]"), "invalid-field");
        assert_eq!(kind(b""), "malformed-json");
    }
}
