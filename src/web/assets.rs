//! The embedded files of the web interface.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::held::Embedded;
use super::paths::nothing_here;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file at this path of the URL.
pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS
        .binary_search_by(|asset| asset.path.cmp(path))
        .ok()
        .map(|at| &ASSETS[at])
}

/// Answers `/pkg/…` and the files beside it.
pub async fn serve(request: Request) -> Response {
    match find(request.uri().path()) {
        Some(asset) => answer(asset, request.headers()),
        None => nothing_here(&request).into_response(),
    }
}

/// One file, compressed if the client takes that, or "not modified" if it has it.
pub fn answer(asset: &'static Asset, request: &HeaderMap) -> Response {
    let (encoding, bytes) = choose(asset, request);
    let known = request
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let fresh = known
        .split(',')
        .any(|tag| tag.trim().trim_start_matches("W/") == asset.etag);
    let mut response = match fresh {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Body::from(bytes).into_response(),
    };
    response.extensions_mut().insert(Embedded);
    let caching = if asset.immutable {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding.filter(|_| !fresh) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn choose(asset: &'static Asset, request: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    let accepted = request
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let takes = |name: &str| {
        accepted.split(',').any(|item| {
            let (coding, quality) = item.split_once(';').unwrap_or((item, ""));
            let refused = quality
                .trim()
                .trim_start_matches("q=")
                .parse::<f32>()
                .is_ok_and(|q| q == 0.0);
            coding.trim().eq_ignore_ascii_case(name) && !refused
        })
    };
    match (asset.br, asset.gz) {
        (Some(bytes), _) if takes("br") => (Some("br"), bytes),
        (_, Some(bytes)) if takes("gzip") => (Some("gzip"), bytes),
        _ => (None, asset.raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ASSET: Asset = Asset {
        path: "/pkg/x.js",
        content_type: "text/javascript",
        etag: "\"1\"",
        immutable: true,
        raw: b"raw",
        br: Some(b"br"),
        gz: Some(b"gz"),
    };

    fn chosen(accept: &'static str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accept));
        choose(&ASSET, &headers).0
    }

    #[test]
    fn the_best_accepted_form_is_taken() {
        assert_eq!(chosen("gzip, deflate, br, zstd"), Some("br"));
        assert_eq!(chosen("gzip;q=1.0, br;q=0"), Some("gzip"));
        assert_eq!(chosen("identity"), None);
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(ASSETS.is_sorted_by(|a, b| a.path < b.path));
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"0\", W/\"1\""));
        assert_eq!(answer(&ASSET, &headers).status(), StatusCode::NOT_MODIFIED);
    }
}
