//! What stands around every answer: headers, names, origins, rates.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tally::config::{HostName, PUBLIC_ACCOUNT, WebConfig};
use tally::web::Times;

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
    let server = TestServer::with(|web| web.allow_hosts = vec![HostName::parse("tally.example").unwrap()]);
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
fn a_client_of_too_many_requests_has_to_wait() {
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

/// What a browser sends with a form of a page.
const FORM: [(&str, &str); 2] = [
    ("accept", "text/html,application/xhtml+xml"),
    ("referer", "http://localhost/search"),
];

#[test]
fn a_form_is_answered_at_its_own_address() {
    let server = TestServer::start();
    let read = server.client.get_with("/ui/chain", &FORM);
    assert_eq!((read.status, read.header("location")), (200, ""));
    assert_eq!(read.json()["chain_id"], json!(8548));
    let media = "application/x-www-form-urlencoded";
    let posted = server.client.post_with("/ui/chain", media, b"a=b", &FORM);
    assert_eq!(
        (posted.status, posted.problem().as_str(), posted.header("location")),
        (405, "method-not-allowed", "")
    );
}

#[test]
fn a_read_with_bad_arguments_is_no_fault_of_the_node() {
    let server = TestServer::start();
    for path in [
        "/ui/block",
        "/ui/block?page=-1",
        "/ui/block?key=1&page=4294967296&rows=1",
        "/ui/block_evidence",
        "/ui/blocks?query=%5b%5b%5b",
        "/ui/transactions",
        "/ui/transaction?key=1",
        "/ui/account?address=x&rows=many",
        "/ui/search",
        "/ui/mempool?page=0&rows=-1",
    ] {
        let answer = server.client.get_with(path, &[("accept", "application/json")]);
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        // The form that pages read.
        assert!(answer.text().starts_with("Args|"), "{path}: {}", answer.text());
        for headers in [&FORM[..], &[]] {
            let answer = server.client.get_with(path, headers);
            assert_eq!(
                (answer.status, answer.problem().as_str(), answer.header("location")),
                (400, "invalid-parameter", ""),
                "{path}"
            );
        }
    }
    assert_eq!(server.get("/ui/block?key=0&page=0&rows=10").status, 200);
    for path in ["/ui/nothing", "/ui/block/1"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn monitors_are_answered_under_any_name() {
    let server = TestServer::start();
    for path in ["/healthz", "/readyz", "/metrics"] {
        for host in ["10.42.0.7:18281", "tally:8080", "[fd00::7]", "evil.example"] {
            let answer = server.client.get_with(path, &[("host", host)]);
            assert_eq!(answer.status, 200, "{path} as {host}");
        }
    }
    assert_eq!(server.json("/api/v1/status")["not_ready"], json!([]));
    let checks = server.json("/ui/security")["checks"].clone();
    let ready = checks
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["name"] == "Readiness")
        .unwrap();
    assert_eq!(ready["detail"], "The node can do its work now.");
    for path in ["/api/v1/status", "/", "/healthz/x", "/metricsx"] {
        let answer = server.client.get_with(path, &[("host", "tally:8080")]);
        assert_eq!(answer.status, 421, "{path}");
    }
}

/// A server behind a proxy on this machine, and a client of that proxy.
fn behind_a_proxy(change: impl FnOnce(&mut WebConfig)) -> TestServer {
    TestServer::with(|web| {
        web.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        change(web);
    })
}

#[test]
fn limits_go_by_the_address_that_a_trusted_proxy_names() {
    let server = behind_a_proxy(|web| web.rate_limit = 1);
    let status_of = |address: &str| {
        let answer = server.client.get_with("/api/v1/fees", &[("x-forwarded-for", address)]);
        answer.status
    };
    let statuses: Vec<_> = (0..8).map(|_| status_of("198.51.100.9, 192.0.2.1")).collect();
    assert_eq!((statuses[0], statuses[7]), (200, 429));
    assert_eq!(status_of("192.0.2.2"), 200, "another client");
    assert_eq!(status_of(""), 200, "the proxy itself");
    // Without trust the header is a claim.
    let server = TestServer::with(|web| web.rate_limit = 1);
    for _ in 0..20 {
        let answer = server
            .client
            .get_with("/api/v1/fees", &[("x-forwarded-for", "192.0.2.1")]);
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn one_address_cannot_take_all_event_streams() {
    let server = behind_a_proxy(|web| {
        web.max_streams = 8;
        web.max_streams_per_address = 2;
    });
    let open = |address: &str| {
        let mut stream = TcpStream::connect(server.url.replace("http://", "")).unwrap();
        let forwarded = format!("x-forwarded-for: {address}\r\n");
        write!(
            stream,
            "GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n{forwarded}\r\n"
        )
        .unwrap();
        let mut line = String::new();
        BufReader::new(stream.try_clone().unwrap())
            .read_line(&mut line)
            .unwrap();
        (line.contains("200"), stream)
    };
    let first: Vec<_> = (0..3).map(|_| open("192.0.2.1")).collect();
    assert_eq!(
        first.iter().map(|(taken, _)| *taken).collect::<Vec<_>>(),
        [true, true, false]
    );
    let others: Vec<_> = (2..6)
        .map(|at| (open(&format!("192.0.2.{at}")), open(&format!("192.0.2.{at}"))))
        .collect();
    let taken = others
        .iter()
        .flat_map(|(one, two)| [one.0, two.0])
        .filter(|taken| *taken)
        .count();
    assert_eq!(taken, 5, "one of eight is kept");
    assert!(open("127.0.0.1").0, "for this machine");
}

#[test]
fn long_answers_are_compressed_and_streams_are_not() {
    let server = TestServer::start();
    let raw = |path: &str| {
        let mut stream = TcpStream::connect(server.url.replace("http://", "")).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\n\r\n"
        )
        .unwrap();
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines
            .by_ref()
            .take_while(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
            .to_lowercase()
    };
    for path in ["/", "/api/openapi.json", "/api/docs"] {
        assert!(raw(path).contains("content-encoding: gzip"), "{path}: {}", raw(path));
    }
    // A problem is written again on its way out; its length and coding belong to what is sent.
    let long = format!("/api/v1/nothing/{}", "x".repeat(4_000));
    assert!(!raw("/api/v1/events").contains("content-encoding"));
    assert!(!raw("/healthz").contains("content-encoding"));
    assert_eq!(server.get(&long).problem(), "not-found");
}

#[test]
fn silent_and_greedy_clients_are_ended() {
    let times = Times {
        first: Duration::from_millis(150),
        head: Duration::from_millis(150),
        idle: Duration::from_millis(150),
        write: Duration::from_millis(150),
    };
    let server = TestServer::with(|web| web.times = times);
    let connect = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(server.url.replace("http://", "")).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    };
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for bytes in [&b""[..], b"G", b"GET / HTTP/1.1\r\nhost: ", request] {
        let mut got = Vec::new();
        connect(bytes).read_to_end(&mut got).unwrap();
        assert_eq!(!got.is_empty(), bytes == request, "{}", String::from_utf8_lossy(&got));
    }
    // Far more than the system holds for a client that does not read.
    let (requests, long) = (400, b"GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut greedy = connect(&long.repeat(requests));
    let patient = connect(b"GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
    std::thread::sleep(Duration::from_millis(1_000));
    let mut got = Vec::new();
    let _ = greedy.read_to_end(&mut got);
    let answers = got.windows(12).filter(|part| part == b"HTTP/1.1 200").count();
    assert!(
        answers < requests,
        "{answers} answers were held for a client that does not read"
    );
    // A stream of events without an event is no silent client.
    let mut lines = BufReader::new(patient).lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "event: ready"));
    server.mine();
    assert!(lines.any(|line| line == "event: block"));
}

#[test]
fn deep_pages_cost_nothing_and_reads_have_room_again() {
    let server = TestServer::start();
    let path = |cursor: &str| format!("/ui/account?address={PUBLIC_ACCOUNT}&cursor={cursor}&rows=50");
    for (cursor, lost) in [
        (String::new(), Value::Null),
        ("zz".to_owned(), "unknown".into()),
        ("00".repeat(73), "unknown".into()),
        ("ab".repeat(200), "unknown".into()),
    ] {
        let answer = server.get(&path(&cursor));
        assert_eq!(answer.status, 200, "cursor {cursor}: {}", answer.text());
        let history = &answer.json()["history"];
        assert_eq!(
            (&history["lost"], &history["next"]),
            (&lost, &Value::Null),
            "cursor {cursor}"
        );
    }
}
