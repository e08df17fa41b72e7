//! Tokens and the log of operator actions, of a real process: by REST, and by `tally token`.

mod command;
mod log;

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::binary;
use crate::child::{self, Child, FAST_CHAIN, node_args};
use crate::common::{Http, Reply};

const LOG: &str = "/api/v1/operator/log";
const TOKENS: &str = "/api/v1/tokens";

/// A node process that believes what a proxy on this machine says of clients; it is killed when it is dropped.
struct Node<'a> {
    child: Child,
    url: String,
    client: Http,
    folder: &'a Path,
}

impl<'a> Node<'a> {
    fn start(folder: &'a Path) -> Self {
        let args = ["--no-mine", "--trusted-proxy", "127.0.0.1"];
        let child = child::start(&node_args(FAST_CHAIN, "error", &args), folder);
        let url = child.after("interface");
        Self {
            client: Http::new(&url),
            child,
            url,
            folder,
        }
    }

    fn operator(&self) -> String {
        let kept = std::fs::read_to_string(self.folder.join("operator-token")).unwrap();
        kept.trim().to_owned()
    }

    fn call(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.client.operate(method, path, token, body.as_ref())
    }

    /// Of the operator; the answer must be a success.
    fn operate(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let answer = self.call(&self.operator(), method, path, body);
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
        match answer.body.is_empty() {
            true => Value::Null,
            false => answer.json(),
        }
    }

    /// A new token: its id and its text.
    fn create(&self, body: Value) -> (String, String) {
        let new = self.operate("POST", TOKENS, Some(body));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&new["token"]["id"]), text(&new["secret"]))
    }

    /// Switches nothing, with this token: the status and the problem's name.
    fn mining(&self, token: &str) -> (u16, String) {
        let answer = self.call(token, "POST", "/api/v1/mining", Some(json!({ "on": false })));
        match answer.status {
            200 => (200, String::new()),
            status => (status, answer.problem()),
        }
    }

    /// The same from an address that the proxy names.
    fn mining_from(&self, token: &str, address: &str) -> Reply {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("x-forwarded-for", address)];
        self.client
            .post_with("/api/v1/mining", "application/json", b"{\"on\":false}", &headers)
    }

    /// Names of the actions in the log, the newest first, with what came of them.
    fn actions(&self) -> Vec<String> {
        let page = self.operate("GET", LOG, None);
        assert_eq!(page["faults"], json!([]), "{page}");
        let items = page["items"].as_array().unwrap().iter();
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        items
            .map(|entry| format!("{} {}", word(&entry["action"]), word(&entry["outcome"])))
            .collect()
    }

    fn export(&self) -> String {
        let answer = self.call(&self.operator(), "GET", &format!("{LOG}?format=ndjson"), None);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "application/x-ndjson")
        );
        answer.text()
    }

    /// `tally token` with the operator's token.
    fn command(&self, words: &[&str]) -> Output {
        let mut command = binary::tally();
        command
            .arg("token")
            .args(words)
            .args(["--node", &self.url, "--token-file"]);
        command.arg(self.folder.join("operator-token")).output().unwrap()
    }

    fn stop(mut self) {
        assert_eq!(self.child.stop().code(), Some(0));
    }
}

fn mining(name: &str) -> Value {
    json!({ "name": name, "scopes": ["mining"] })
}

fn problem(status: u16, name: &str) -> (u16, String) {
    (status, name.to_owned())
}

fn good() -> (u16, String) {
    (200, String::new())
}

#[test]
fn a_token_is_created_used_rotated_and_revoked_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    assert_eq!(node.operate("GET", TOKENS, None), json!({ "items": [] }));
    let answer = node.call(&node.operator(), "POST", TOKENS, Some(mining("rig 1")));
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let new = answer.json();
    let (id, first) = (
        new["token"]["id"].as_str().unwrap(),
        new["secret"].as_str().unwrap().to_owned(),
    );
    assert!(
        first.starts_with(&format!("tally_{id}_")) && first.len() == 62,
        "{first}"
    );
    let shown = |node: &Node| node.operate("GET", TOKENS, None)["items"][0].clone();
    let mut expected = new["token"].clone();
    assert_eq!(shown(&node), expected, "all but its text");
    assert_eq!(
        (
            &expected["name"],
            &expected["scopes"],
            &expected["expires"],
            &expected["last_used"]
        ),
        (&json!("rig 1"), &json!(["mining"]), &Value::Null, &Value::Null)
    );
    assert_eq!(node.mining(&first), good());
    // Its last use is on the disk when the node has stopped.
    let used = shown(&node)["last_used"].clone();
    assert_eq!(used["address"], "127.0.0.1");
    expected["last_used"] = used;
    node.stop();

    let node = Node::start(folder.path());
    assert_eq!(shown(&node), expected);
    assert_eq!(node.mining(&first), good());
    let path = format!("{TOKENS}/{id}");
    let second = node.operate("POST", &format!("{path}/rotate"), None)["secret"].clone();
    let second = second.as_str().unwrap().to_owned();
    assert_eq!(node.mining(&first), problem(401, "token-unknown"));
    assert_eq!(node.mining(&second), good());
    let mut killed = node;
    killed.child.kill();

    let node = Node::start(folder.path());
    assert_eq!(node.mining(&first), problem(401, "token-unknown"));
    assert_eq!(node.mining(&second), good());
    node.operate("DELETE", &path, None);
    assert_eq!(node.mining(&second), problem(401, "token-unknown"));
    let gone = node.call(&node.operator(), "DELETE", &path, None);
    assert_eq!((gone.status, gone.problem().as_str()), (404, "no-such-token"));
    assert_eq!(node.operate("GET", TOKENS, None), json!({ "items": [] }));

    // Nothing that the node keeps or shows has a text.
    let kept = std::fs::read_to_string(folder.path().join("tokens.json")).unwrap();
    let log = node.export();
    for text in [&first, &second] {
        let secret = &text[19..];
        assert!(!kept.contains(secret) && !log.contains(secret));
    }
    node.stop();
}

#[test]
fn a_token_is_good_for_its_scopes_its_addresses_and_its_rate() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let (_, peers) = node.create(json!({ "name": "p", "scopes": ["peers"] }));
    assert_eq!(node.mining(&peers), problem(403, "scope-missing"));
    let denied = node.call(&peers, "GET", TOKENS, None);
    assert_eq!((denied.status, &denied.json()["scope"]), (403, &json!("tokens")));
    assert_eq!(node.call(&peers, "GET", LOG, None).problem(), "scope-missing");

    let (_, ranged) = node.create(json!({ "name": "r", "scopes": ["mining"], "range": "198.51.100.0/24" }));
    assert_eq!(node.mining(&ranged), problem(403, "token-address"));
    assert_eq!(node.mining_from(&ranged, "198.51.100.7").status, 200);
    assert_eq!(node.mining_from(&ranged, "198.51.101.7").problem(), "token-address");
    let listed = node.operate("GET", TOKENS, None);
    let mut items = listed["items"].as_array().unwrap().iter();
    let shown = items.find(|token| token["name"] == "r").unwrap();
    assert_eq!(shown["last_used"]["address"], "198.51.100.7");

    let (_, slow) = node.create(json!({ "name": "s", "scopes": ["mining"], "requests_per_second": 1 }));
    assert_eq!(node.mining(&slow), good());
    // However slow this machine is, one of so many comes within the second of the one before.
    let limited = (0..100).map(|_| node.call(&slow, "POST", "/api/v1/mining", Some(json!({ "on": false }))));
    let limited = limited.into_iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!((limited.status, limited.problem().as_str()), (429, "too-many-requests"));
    assert_eq!(
        (limited.header("retry-after"), &limited.json()["limit"]),
        ("1", &json!(1))
    );
    let other = node.create(mining("free")).1;
    assert!((0..20).all(|_| node.mining(&other) == good()));
    node.stop();
}

#[test]
fn a_token_gives_on_no_more_than_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let (own, some) = node.create(json!({ "name": "some", "scopes": ["tokens", "mining"], "lifetime_secs": 3600 }));
    let try_it = |token: &str, body: Value| {
        let answer = node.call(token, "POST", TOKENS, Some(body));
        match answer.status {
            200 => (200, Value::Null),
            status => {
                let name = answer.problem();
                (status, json!([name, answer.json()["field"]]))
            }
        }
    };
    let with = |name: &str, value: Value| {
        let mut body = json!({ "name": "new", "scopes": ["mining"], "lifetime_secs": 600 });
        body[name] = value;
        body
    };
    assert_eq!(try_it(&some, with("name", json!("same"))), (200, Value::Null));
    let beyond = |field: &str| (403, json!(["beyond-reach", field]));
    assert_eq!(
        try_it(&some, with("scopes", json!(["mining", "peers"]))),
        beyond("scopes")
    );
    assert_eq!(
        try_it(&some, with("lifetime_secs", Value::Null)),
        beyond("lifetime_secs")
    );
    let (other, _) = node.create(json!({ "name": "other", "scopes": ["peers"] }));
    let rotated = node.call(&some, "POST", &format!("{TOKENS}/{other}/rotate"), None);
    assert_eq!((rotated.status, rotated.problem().as_str()), (403, "beyond-reach"));
    // It may end any, its own too: that gives nobody anything.
    assert_eq!(
        node.call(&some, "DELETE", &format!("{TOKENS}/{other}"), None).status,
        204
    );
    assert_eq!(node.call(&some, "DELETE", &format!("{TOKENS}/{own}"), None).status, 204);
    assert_eq!(node.call(&some, "GET", TOKENS, None).problem(), "token-unknown");

    let operator = node.operator();
    let invalid = |field: &str| (422, json!(["invalid-token", field]));
    for (name, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(65))),
        ("name", json!("a\u{202e}b")),
        ("scopes", json!([])),
        ("scopes", json!(["everything"])),
        ("scopes", json!(vec!["mining"; 17])),
        ("lifetime_secs", json!(59)),
        ("lifetime_secs", json!(315_360_001)),
        ("requests_per_second", json!(0)),
        ("requests_per_second", json!(10_001)),
        ("range", json!("here")),
    ] {
        assert_eq!(
            try_it(&operator, with(name, value.clone())),
            invalid(name),
            "{name} {value}"
        );
    }
    assert_eq!(node.operate("GET", TOKENS, None)["items"].as_array().unwrap().len(), 1);
    node.stop();
}

#[test]
fn an_operator_link_is_exchanged_once() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let printed = node.command(&["link", "--page", "https://ledger.example.org/x/"]);
    assert_eq!(
        printed.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&printed.stderr)
    );
    let printed = String::from_utf8(printed.stdout).unwrap();
    let code = printed
        .trim()
        .strip_prefix("https://ledger.example.org/x/#sign-in=")
        .unwrap();
    let exchange = |code: &str| node.client.post("/api/v1/operator/session", &json!({ "code": code }));
    let wrong = exchange(&"A".repeat(43));
    assert_eq!((wrong.status, wrong.problem().as_str()), (410, "link-used"));
    let answer = exchange(code);
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, "no-store"),
        "{}",
        answer.text()
    );
    assert_eq!(exchange(code).problem(), "link-used");
    let new = answer.json();
    let life = new["token"]["expires"].as_u64().unwrap() - new["token"]["created"].as_u64().unwrap();
    assert_eq!((life, &new["token"]["of_link"]), (43_200, &json!(true)));
    let session = new["secret"].as_str().unwrap();
    assert_eq!(node.mining(session), good());
    // It has all that the operator's token has, and is in the list; so it can be revoked.
    assert_eq!(
        node.call(session, "GET", TOKENS, None).json()["items"][0]["id"],
        new["token"]["id"]
    );
    assert_eq!(
        node.actions(),
        ["mining.switch done", "operator.sign-in done", "operator.link done"]
    );
    let path = format!("{TOKENS}/{}", new["token"]["id"].as_str().unwrap());
    assert_eq!(node.call(session, "DELETE", &path, None).status, 204);
    assert_eq!(node.mining(session), problem(401, "token-unknown"));
    // A link gives on no more than the token that makes it.
    let (_, some) = node.create(json!({ "name": "some", "scopes": ["tokens"], "lifetime_secs": 3600 }));
    let code = node.call(&some, "POST", "/api/v1/operator/link", None).json()["code"].clone();
    let new = exchange(code.as_str().unwrap()).json();
    let listed = node.operate("GET", TOKENS, None);
    let ends: Vec<&Value> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| &token["expires"])
        .collect();
    assert_eq!((ends.len(), ends[0]), (2, ends[1]));
    assert_eq!(new["token"]["scopes"], json!(["tokens"]));
    // A token that is revoked or rotated lives on in no link.
    for (method, path) in [("DELETE", ""), ("POST", "/rotate")] {
        let (id, maker) = node.create(json!({ "name": "maker", "scopes": ["tokens"] }));
        let code = node.call(&maker, "POST", "/api/v1/operator/link", None).json()["code"].clone();
        node.operate(method, &format!("{TOKENS}/{id}{path}"), None);
        let answer = exchange(code.as_str().unwrap());
        assert_eq!((answer.status, answer.problem().as_str()), (410, "link-used"), "{path}");
    }
    node.stop();
}

#[test]
fn a_node_with_tokens_that_it_cannot_read_does_not_start_without_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    std::fs::write(&path, "{").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut node = binary::tally();
    let node = node
        .args(node_args(FAST_CHAIN, "error", &["--data-dir"]))
        .arg(folder.path());
    let node = node.output().unwrap();
    assert_eq!(node.status.code(), Some(1));
    let error = String::from_utf8(node.stderr).unwrap();
    let begin = format!("tally: the tokens in {} cannot be read: EOF", path.display());
    assert!(error.starts_with(&begin), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{");
}
