//! The HTTP side without sockets: any request head and any body get an answer that is no 5xx.

use std::cell::RefCell;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Uri};
use tally::config::WebConfig;
use tally::operator::TokenSource;
use tally::tokens::Access;
use tally::{Server, web};
use tower::ServiceExt as _;

use crate::session::Fixture;
use crate::target::Target;

pub const TARGETS: &[Target] = &[
    Target {
        name: "http",
        run: http,
        seeds: http_seeds,
    },
    Target {
        name: "json",
        run: json,
        seeds: json_seeds,
    },
];

struct Edge {
    router: Router,
    runtime: tokio::runtime::Runtime,
    _fixture: Fixture,
    _folder: tempfile::TempDir,
}

impl Edge {
    fn new() -> Self {
        let (fixture, folder) = (Fixture::new(), tempfile::tempdir().expect("a folder"));
        let (tokens, _) = TokenSource::DataDir(folder.path().join("token"))
            .load()
            .expect("a new token");
        let access = Access::open(folder.path(), tokens, tally_node::system_clock()).expect("no tokens and no log yet");
        let web = WebConfig {
            rate_limit_local: 0,
            ..WebConfig::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let router = {
            let _inside = runtime.enter();
            web::router(&Server::new(fixture.node.clone(), access, web))
        };
        Self {
            router,
            runtime,
            _fixture: fixture,
            _folder: folder,
        }
    }

    fn status(&self, request: Request<Body>) -> u16 {
        let answer = self.router.clone().oneshot(request);
        self.runtime
            .block_on(answer)
            .expect("the router always answers")
            .status()
            .as_u16()
    }
}

thread_local! {
    static EDGE: RefCell<Option<Edge>> = const { RefCell::new(None) };
}

fn status_of(request: Request<Body>) -> u16 {
    EDGE.with_borrow_mut(|edge| edge.get_or_insert_with(Edge::new).status(request))
}

fn http_seeds() -> Vec<Vec<u8>> {
    let heads = [
        "GET /api/v1/status\nhost: localhost\n\n",
        "GET /api/v1/blocks?limit=3&cursor=\nhost: 127.0.0.1\naccept: */*\n\n",
        "GET /api/v1/blocks/0?format=raw\n\n",
        "GET /api/v1/accounts/0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266?proof=true\n\n",
        "POST /api/v1/transactions\nhost: localhost\ncontent-type: application/octet-stream\n\n\u{54}abc",
        "PUT /api/v1/peers/x/ban\nauthorization: Bearer x\ncontent-type: application/json\n\n{}",
        "GET /healthz\nhost: x\n\n",
        "OPTIONS *\n\n",
        "GET localhost:80\nhost: localhost\n\n",
        "GET http://localhost/metrics\n\n",
    ];
    heads.map(|head| head.as_bytes().to_vec()).to_vec()
}

/// Lines of a head, an empty one, the body.
fn request(data: &[u8]) -> Option<Request<Body>> {
    let mut lines = data.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    let space = first.iter().position(|byte| *byte == b' ')?;
    let method = Method::from_bytes(&first[..space]).ok()?;
    let uri = Uri::try_from(&first[space + 1..]).ok()?;
    let mut builder = Request::builder().method(method).uri(uri);
    let mut read = first.len() + 1;
    for line in lines {
        read += line.len() + 1;
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        builder = builder.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    builder
        .body(Body::from(data.get(read..).unwrap_or_default().to_vec()))
        .ok()
}

fn http(data: &[u8]) {
    let Some(request) = request(data) else { return };
    // An event stream never ends, and there is a limit of them.
    if request.uri().path().ends_with("/events") {
        return;
    }
    // Leptos answers a bad parameter of a page's own read with 500.
    let of_page = request.uri().path().starts_with("/ui/");
    let status = status_of(request);
    assert!(status < 500 || status == 503 || of_page, "status {status}");
}

/// The paths that take JSON.
const TAKERS: [(&str, &str, &str); 4] = [
    ("POST", "/api/v1/transactions", r#"{"raw":"0x54f8"}"#),
    ("POST", "/api/v1/transactions/batch", r#"{"raw":["0x54f8","0x"]}"#),
    (
        "POST",
        "/api/v1/mining/submit",
        r#"{"template":1,"extra_nonce":"0x0000000000000001","time":1,"nonce":2}"#,
    ),
    ("POST", "/api/v1/mining", r#"{"on":true,"threads":1}"#),
];

fn json_seeds() -> Vec<Vec<u8>> {
    let seeds = TAKERS.iter().enumerate();
    seeds
        .map(|(at, (_, _, body))| [&[at as u8], body.as_bytes()].concat())
        .collect()
}

fn json(data: &[u8]) {
    let Some((which, body)) = data.split_first() else {
        return;
    };
    let (method, path, _) = TAKERS[usize::from(*which) % TAKERS.len()];
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let request = request
        .header("content-type", "application/json")
        .body(Body::from(body.to_vec()));
    let status = status_of(request.expect("a request"));
    assert!(
        status < 500 || status == 503,
        "status {status} for {:?}",
        String::from_utf8_lossy(body)
    );
}
