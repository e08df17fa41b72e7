//! Nodes that show nothing without a token, and nodes whose figures need one.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use serde_json::json;

use crate::binary;
use crate::child::{self, Child, FAST_CHAIN, node_args};
use crate::common::{Http, Reply};

/// A node process that requires tokens; it is killed when it is dropped.
struct Node {
    child: Child,
    url: String,
    client: Http,
    operator: String,
}

impl Node {
    fn start(folder: &Path, required: &str) -> Self {
        let args = ["--no-mine", "--require-token", required];
        let child = child::start(&node_args(FAST_CHAIN, "error", &args), folder);
        let url = child.after("interface");
        let operator = std::fs::read_to_string(folder.join("operator-token")).unwrap();
        Self {
            client: Http::new(&url),
            child,
            url,
            operator: operator.trim().to_owned(),
        }
    }

    /// A new token with this scope.
    fn token(&self, scope: &str) -> String {
        let body = json!({ "name": scope, "scopes": [scope] });
        let new = self
            .client
            .operate("POST", "/api/v1/tokens", &self.operator, Some(&body));
        assert_eq!(new.status, 200, "{}", new.text());
        new.json()["secret"].as_str().unwrap().to_owned()
    }

    fn with(&self, path: &str, token: &str) -> Reply {
        self.client
            .get_with(path, &[("authorization", &format!("Bearer {token}"))])
    }

    /// The status of an answer that may have no end.
    fn status_of(&self, path: &str, header: (&str, &str)) -> u16 {
        let request = ureq::get(format!("{}{path}", self.url)).header(header.0, header.1);
        match request.call() {
            Ok(answer) => answer.status().as_u16(),
            Err(ureq::Error::StatusCode(status)) => status,
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// The answer to a target as it is written: clients resolve dots themselves.
    fn raw(&self, target: &str) -> String {
        let host = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn form(&self, path: &str, body: &str, cookie: &str) -> Reply {
        let media = "application/x-www-form-urlencoded";
        self.client
            .post_with(path, media, body.as_bytes(), &[("cookie", cookie)])
    }

    fn stop(mut self) {
        assert_eq!(self.child.stop().code(), Some(0));
    }
}

#[test]
fn nothing_is_shown_without_a_token_for_reading() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), "read");
    let api = [
        "/api/v1/status",
        "/api/v1/blocks/0",
        "/api/v1/events",
        "/api/v1/peers",
        "/api/v1/mining",
        "/api/v1/light/tip",
        "/api/openapi.json",
        "/ui/overview",
        "/metrics",
        "/api/v1/nothing",
    ];
    for path in api {
        let answer = node.client.get(path);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (401, "token-missing"),
            "{path}"
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"tally\"", "{path}");
    }
    let payment = node.client.post("/api/v1/transactions", &json!({ "raw": "0x00" }));
    assert_eq!(payment.problem(), "token-missing");
    for path in ["/", "/blocks", "/block/0", "/nothing", "/tokens"] {
        let page = node.client.get(path);
        assert_eq!(
            (page.status, page.header("content-type")),
            (401, "text/html; charset=utf-8"),
            "{path}"
        );
        assert_eq!(page.header("www-authenticate"), "Bearer realm=\"tally\"");
        let text = page.text();
        assert!(
            text.contains("<h1>Sign in</h1>") && text.contains(&format!("value=\"{path}\"")),
            "{text}"
        );
        assert!(!text.contains("genesis") && !text.contains("<script"), "{text}");
    }
    for path in [
        "/healthz",
        "/readyz",
        "/problems/token-missing",
        "/api/docs.css",
        "/sign-in",
    ] {
        assert_eq!(node.client.get(path).status, 200, "{path}");
    }

    let read = node.token("read");
    for path in ["/api/v1/status", "/api/v1/peers", "/api/openapi.json", "/", "/blocks"] {
        assert_eq!(node.with(path, &read).status, 200, "{path}");
    }
    let bearer = format!("Bearer {read}");
    assert_eq!(node.status_of("/api/v1/events", ("authorization", &bearer)), 200);
    assert_eq!(node.with("/metrics", &read).problem(), "scope-missing");
    assert_eq!(node.with("/metrics", &node.token("metrics")).status, 200);
    // A token for something else does not read, and does what it is for.
    let mining = node.token("mining");
    assert_eq!(node.with("/api/v1/status", &mining).problem(), "scope-missing");
    let off = json!({ "on": false });
    assert_eq!(
        node.client
            .operate("POST", "/api/v1/mining", &mining, Some(&off))
            .status,
        200
    );
    assert_eq!(
        node.client
            .operate("POST", "/api/v1/mining", &read, Some(&off))
            .problem(),
        "scope-missing"
    );
    let foreign = node
        .client
        .operate("POST", "/api/v1/transactions", &mining, Some(&json!({ "raw": "0x00" })));
    assert_eq!(foreign.problem(), "scope-missing");
    node.stop();
}

#[test]
fn a_browser_signs_in_with_a_form_and_its_cookie_only_reads() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), "read");
    let wrong = node.form("/sign-in", "token=nonsense-nonsense&to=/blocks", "");
    assert_eq!(wrong.status, 401);
    let text = wrong.text();
    assert!(
        text.contains("role=\"alert\"") && text.contains("the token is not one of this node"),
        "{text}"
    );
    assert!(
        text.contains("value=\"/blocks\"") && !text.contains("nonsense"),
        "{text}"
    );
    let mining = node.token("mining");
    assert_eq!(node.form("/sign-in", &format!("token={mining}&to=/"), "").status, 403);

    let signed_in = node.form(
        "/sign-in",
        &format!("token={}&to=/blocks%3Fpage%3D1", node.token("read")),
        "",
    );
    assert_eq!(
        (signed_in.status, signed_in.header("location")),
        (303, "/blocks?page=1"),
        "{}",
        signed_in.text()
    );
    let set = signed_in.header("set-cookie").to_owned();
    let port = node.url.rsplit_once(':').unwrap().1;
    assert!(set.starts_with(&format!("tally-read-{port}=tally_")), "{set}");
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{set}");
    let cookie = set.split(';').next().unwrap();
    let status = |path: &str| node.client.get_with(path, &[("cookie", cookie)]).status;
    assert_eq!(
        [
            status("/"),
            status("/blocks"),
            status("/api/v1/status"),
            status("/ui/overview")
        ],
        [200; 4]
    );
    assert_eq!(node.status_of("/api/v1/events", ("cookie", cookie)), 200);
    assert_eq!(status("/metrics"), 401, "figures are for programs");
    assert_eq!(status("/api/v1/tokens"), 401, "a cookie is for reading alone");
    let switch = node.client.post_with(
        "/api/v1/mining",
        "application/json",
        b"{\"on\":true}",
        &[("cookie", cookie)],
    );
    assert_eq!(switch.problem(), "token-missing");
    for elsewhere in ["//evil.example/", "https://evil.example/", "/%5Cevil.example"] {
        let body = format!("token={}&to={elsewhere}", node.operator);
        let answer = node.form("/sign-in", &body, "");
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{elsewhere}");
    }
    assert!(
        node.client
            .get_with("/sign-in", &[("cookie", cookie)])
            .text()
            .contains("Sign out")
    );

    let signed_out = node.form("/sign-out", "", cookie);
    assert_eq!((signed_out.status, signed_out.header("location")), (303, "/sign-in"));
    assert!(signed_out.header("set-cookie").ends_with("; Max-Age=0"));
    assert_eq!(status("/api/v1/status"), 401, "its token is revoked");
    let log = node
        .client
        .operate("GET", "/api/v1/operator/log?limit=1", &node.operator, None);
    assert_eq!(log.json()["items"][0]["action"], "operator.sign-out");
    node.stop();
}

#[test]
fn figures_alone_may_need_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), "metrics");
    assert_eq!(node.client.get("/metrics").problem(), "token-missing");
    assert_eq!(node.with("/metrics", &node.token("metrics")).status, 200);
    assert_eq!(node.client.get("/api/v1/status").status, 200);
    assert_eq!(node.client.get("/sign-in").status, 404);
    node.stop();
}

#[test]
fn commands_send_the_token_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), "read");
    let receipt = format!("0x{}", "07".repeat(32));
    let get = |more: &[&str]| {
        let mut command = binary::tally();
        command
            .args(["receipt", "get", &receipt, "--node", &node.url])
            .args(more);
        let output = command.env_remove("TALLY_TOKEN_FILE").output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let without = get(&[]);
    assert!(without.contains("this needs a token with the scope read"), "{without}");
    let file = folder.path().join("operator-token");
    let with = get(&["--token-file", file.to_str().unwrap()]);
    assert!(with.contains("There is no such transaction"), "{with}");
    node.stop();
}

#[test]
fn no_spelling_of_a_path_leads_around_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), "read");
    for (target, status) in [
        ("/blocks", 401),
        ("/problems/../blocks", 400),
        ("/problems/%2e%2E/blocks", 400),
        ("/problems/..%5cblocks", 400),
        ("/pkg/../blocks", 400),
        ("/problems/a/b", 401),
        ("/problems//blocks", 401),
    ] {
        let answer = node.raw(target);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {answer}");
        assert!(!answer.contains("genesis"), "{target}: {answer}");
    }
    node.stop();
}
