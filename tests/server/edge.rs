//! What stands around every answer: headers, names, origins, rates.

use serde_json::json;

use crate::common::TestServer;

#[test]
fn every_answer_is_dressed() {
    let server = TestServer::start();
    let mut ids = std::collections::BTreeSet::new();
    for path in [
        "/",
        "/api/v1/status",
        "/api/v1/nothing",
        "/metrics",
        "/nothing",
        "/api/docs",
        "/pkg/none",
    ] {
        let answer = server.get(path);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{path}: {policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"),
            "{path}: {policy}"
        );
        assert!(
            ids.insert(answer.header("x-request-id").to_owned()),
            "{path}: a request id came twice"
        );
    }
}

#[test]
fn foreign_names_are_not_answered() {
    let server = TestServer::with(|web| web.allow_hosts = vec!["tally.example".to_owned()]);
    let as_host = |host: &str| server.client.get_with("/api/v1/status", &[("host", host)]);
    assert_eq!(as_host("tally.example:8080").status, 200);
    assert_eq!(as_host("localhost").status, 200);
    let answer = as_host("evil.example");
    assert_eq!((answer.status, answer.problem().as_str()), (421, "unknown-host"));
    assert_eq!(answer.json()["found"], "evil.example");
}

#[test]
fn other_origins_are_let_in_only_by_name() {
    let closed = TestServer::start();
    let from = |server: &TestServer, origin: &str| {
        let answer = server.client.get_with("/api/v1/status", &[("origin", origin)]);
        answer.header("access-control-allow-origin").to_owned()
    };
    assert_eq!(from(&closed, "https://shop.example"), "");
    let open = TestServer::with(|web| web.cors_origins = vec!["https://shop.example".parse().unwrap()]);
    assert_eq!(from(&open, "https://shop.example"), "https://shop.example");
    assert_eq!(from(&open, "https://evil.example"), "");
}

#[test]
fn who_asks_too_often_has_to_wait() {
    let server = TestServer::with(|web| web.rate_limit_local = 1);
    let answers: Vec<_> = (0..8).map(|_| server.get("/api/v1/fees")).collect();
    let refused = answers
        .iter()
        .find(|answer| answer.status == 429)
        .expect("a burst of four is allowed, not of eight");
    assert_eq!(refused.problem(), "too-many-requests");
    assert_eq!(refused.json()["limit"], 1);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(answers[0].status, 200);
}

#[test]
fn the_reads_of_pages_answer_json() {
    let server = TestServer::start();
    let answer = server.get("/ui/chain");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["chain_id"], json!(8548));
}
