//! `/light`: what light clients verify, as bytes that never change. Rules: docs/protocol.md#F1 to #F11

mod stream;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tally_api::ProblemBody;
use tally_api::light::{AncestorParams, BlocksParams, ChainParams, HeadersParams};
use tally_chain::{BlockId, Height};
use tally_node::{BLOCKS_AT_ONCE, HEADERS_AT_ONCE, Node};

use super::extract::Params;
use super::problem::{Answer, Problem, kinds};
use crate::server::Shared;
use crate::web::Client;
use stream::Pieces;

/// How long an answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caching {
    /// It follows from its address.
    Forever,
    /// It is that of the tip: caches request it again, which costs little where the tag is the same.
    UntilNextTip,
}

impl Caching {
    /// `named`: the block in the request.
    fn of(named: Option<BlockId>) -> Self {
        match named {
            Some(_) => Self::Forever,
            None => Self::UntilNextTip,
        }
    }

    fn value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Forever => "public, max-age=31536000, immutable",
            Self::UntilNextTip => "no-cache",
        })
    }
}

/// The tip as this node claims it
///
/// `header [80] | weight [32] | manifest length u16 | manifest` (docs/protocol.md, F11). Nothing is proved by it.
#[utoipa::path(get, path = "/light/tip", operation_id = "light_tip", tag = "light", responses(
    (status = 200, description = "Header, weight of the chain, manifest", body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 304, description = "The client has it"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn tip(State(server): State<Shared>, request: Request) -> Response {
    // Both are in memory: nothing is read.
    let tip = server.node.tip();
    let tag = format!("\"{}\"", tip.record.id);
    let bytes = || Body::from(server.node.tip_claim(&tip).encode());
    answer(request.headers(), &tag, Caching::UntilNextTip, bytes)
}

/// The proof of a tip
///
/// A sample of headers that leads to it, or all headers of a chain of up to 10,000 blocks and of one that cannot be sampled
/// (docs/protocol.md, F3). With `tip` the answer never changes; it is given for the newest 17 blocks.
#[utoipa::path(get, path = "/light/chain", operation_id = "light_chain", tag = "light", params(ChainParams), responses(
    (status = 200, description = "The proof", body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 304, description = "The client has it"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn chain(
    State(server): State<Shared>,
    Params(params): Params<ChainParams>,
    request: Request,
) -> Answer<Response> {
    let named = params.tip;
    let caching = Caching::of(named);
    let tag = |id: BlockId| format!("\"{id}\"");
    let id = named.unwrap_or_else(|| server.node.tip().record.id);
    let known = tag(id);
    if has(request.headers(), &known) {
        return Ok(answer(request.headers(), &known, caching, Body::empty));
    }
    let Client(client) = Client::of(&request);
    let proof = move |node: &Node| {
        let tip = &node.tip();
        Ok(node.light_proof(tip, named.unwrap_or(tip.record.id))?)
    };
    let proof = match server.node.kept_light_proof(id) {
        Some(proof) if proof.headers.is_none() => proof,
        // It is only looked up, and whether the chain has the block still: what others have made waits for it.
        Some(_) => server.read_light(client, proof).await?,
        None => server.prove(client, proof).await?,
    };
    let body = match proof.headers.clone() {
        None => Body::from(proof.bytes.0.clone()),
        Some(heights) => Pieces::new(&server, client, proof.tip, heights, proof.bytes.0.clone())?.body(),
    };
    Ok(answer(request.headers(), &tag(proof.tip), caching, || body))
}

fn not_zero(field: &'static str, value: u64) -> Answer<()> {
    if value > 0 {
        return Ok(());
    }
    Err(Problem::new(&kinds::INVALID_PARAMETER, format!("{field} is 0, expected 1 or more")).field(field))
}

/// Headers of the chain, 37 to 41 bytes each
///
/// Compact headers from a height on (docs/protocol.md, F2 and F9), in one answer or in any parts. With `tip` they are those
/// that lead to this block, and never change.
#[utoipa::path(get, path = "/light/headers", operation_id = "light_headers", tag = "light", params(HeadersParams), responses(
    (status = 200, description = "The headers", body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 304, description = "The client has them"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn headers(
    State(server): State<Shared>,
    Params(params): Params<HeadersParams>,
    request: Request,
) -> Answer<Response> {
    let HeadersParams {
        from,
        count,
        tip: named,
    } = params;
    not_zero("from", from)?;
    not_zero("count", count.unwrap_or(1))?;
    let Client(client) = Client::of(&request);
    let range = server.read_light(client, move |node| {
        Ok(node.light_range(&node.tip(), named, from, count)?)
    });
    let (end, heights) = range.await?;
    let last = *heights.end();
    let tag = format!("\"{end}-{from}-{last}\"");
    // What the client has is not read.
    if has(request.headers(), &tag) {
        return Ok(answer(request.headers(), &tag, Caching::of(named), Body::empty));
    }
    // A few are read at once, and where they are all, the answer is whole.
    let to = last.min(from.saturating_add(HEADERS_AT_ONCE - 1));
    let read = server.read_light(client, move |node| {
        Ok(node.light_headers(&node.tip(), end, from..=to)?)
    });
    let first = read.await?;
    let body = if to == last {
        Body::from(first)
    } else {
        Pieces::new(&server, client, end, to + 1..=last, first.into())?.body()
    };
    Ok(answer(request.headers(), &tag, Caching::of(named), || body))
}

/// Whole blocks of the chain, in a row
///
/// `length u32 | block` for each, from a height on (docs/protocol.md, F12). The answer ends with the block that makes it
/// 1,048,576 bytes long or more, or after 4,096 blocks: a client requests what follows. With `tip` they are those that lead
/// to this block, and never change.
#[utoipa::path(get, path = "/light/blocks", operation_id = "light_blocks", tag = "light", params(BlocksParams), responses(
    (status = 200, description = "The blocks", body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 304, description = "The client has them"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn blocks(
    State(server): State<Shared>,
    Params(params): Params<BlocksParams>,
    request: Request,
) -> Answer<Response> {
    let BlocksParams {
        from,
        count,
        tip: named,
    } = params;
    let count = count.unwrap_or(BLOCKS_AT_ONCE);
    not_zero("from", from)?;
    not_zero("count", count)?;
    if count > BLOCKS_AT_ONCE {
        let text = format!("count is {count}, at most {BLOCKS_AT_ONCE} blocks are given at once");
        return Err(Problem::new(&kinds::INVALID_PARAMETER, text)
            .field("count")
            .above(count, BLOCKS_AT_ONCE));
    }
    let Client(client) = Client::of(&request);
    let range = server.read_light(client, move |node| {
        Ok(node.light_range(&node.tip(), named, from, Some(count))?)
    });
    let (end, heights) = range.await?;
    let tag = format!("\"{end}-blocks-{from}-{}\"", heights.end());
    // What the client has is not read.
    if has(request.headers(), &tag) {
        return Ok(answer(request.headers(), &tag, Caching::of(named), Body::empty));
    }
    let read = server.read_light(client, move |node| Ok(node.light_blocks(&node.tip(), end, heights)?));
    let part = read.await?;
    Ok(answer(request.headers(), &tag, Caching::of(named), || Body::from(part)))
}

/// What shows that a block is an ancestor of another
///
/// The nodes of the history (docs/protocol.md, R4), 72 bytes each, that lead from the block at `height` to the
/// `history_root` of `tip`; with both headers it can be checked. The answer never changes.
#[utoipa::path(get, path = "/light/ancestor", operation_id = "light_ancestor", tag = "light", params(AncestorParams), responses(
    (status = 200, description = "The nodes", body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 304, description = "The client has them"),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn ancestor(
    State(server): State<Shared>,
    Params(params): Params<AncestorParams>,
    request: Request,
) -> Answer<Response> {
    let AncestorParams { height, tip } = params;
    let read = server.read(move |node| Ok(node.light_ancestor(&node.tip(), tip, Height(height))?));
    let nodes = read.await?;
    let tag = format!("\"{tip}-{height}\"");
    Ok(answer(request.headers(), &tag, Caching::Forever, || Body::from(nodes)))
}

/// Whether the client has what this tag stands for.
fn has(request: &HeaderMap, tag: &str) -> bool {
    let known = request
        .get_all(header::IF_NONE_MATCH)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    known
        .flat_map(|tags| tags.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag)
}

fn answer(request: &HeaderMap, tag: &str, caching: Caching, body: impl FnOnce() -> Body) -> Response {
    let mut response = match has(request, tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Response::new(body()),
    };
    let fresh = response.status() == StatusCode::OK;
    let headers = response.headers_mut();
    if fresh {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
    }
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, caching.value());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_has_is_seen_by_its_tag() {
        let mut request = HeaderMap::new();
        assert!(!has(&request, "\"a\""));
        request.append(header::IF_NONE_MATCH, HeaderValue::from_static("\"b\", W/\"a\""));
        request.append(header::IF_NONE_MATCH, HeaderValue::from_static("\"c\""));
        for tag in ["\"a\"", "\"b\"", "\"c\""] {
            assert!(has(&request, tag), "{tag}");
        }
        assert!(!has(&request, "\"d\""));
        let kept = answer(&request, "\"a\"", Caching::Forever, Body::empty);
        assert_eq!(kept.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(kept.headers()["cache-control"], "public, max-age=31536000, immutable");
        let sent = answer(&request, "\"d\"", Caching::UntilNextTip, || Body::from("x"));
        assert_eq!(
            (sent.status(), &sent.headers()["etag"]),
            (StatusCode::OK, &HeaderValue::from_static("\"d\""))
        );
    }
}
