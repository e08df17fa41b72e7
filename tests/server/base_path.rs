//! A node below a base path: everything that it serves and everything that it links to is there.

use std::collections::BTreeSet;

use serde_json::json;
use tally::config::{BasePath, HostName};

use crate::binary;
use crate::common::{ECC, TestServer, hex};

const BASE: &str = "/ledger";

fn server() -> TestServer {
    TestServer::with(|web| {
        web.base_path = BasePath::parse(BASE).unwrap();
        web.allow_hosts = vec![HostName::parse("ledger.example").unwrap()];
    })
}

/// The addresses in a page that its browser follows or loads: of its elements, and of the script that starts it.
fn addresses(page: &str) -> BTreeSet<String> {
    let attributes = regex::Regex::new(r#"\s(?:href|src|action)="([^"]*)""#).unwrap();
    let script = regex::Regex::new(r#"const \[JS, WASM\] = \["([^"]*)", "([^"]*)"\]"#).unwrap();
    let found = attributes.captures_iter(page).chain(script.captures_iter(page));
    found
        .flat_map(|found| {
            found
                .iter()
                .skip(1)
                .flatten()
                .map(|part| part.as_str().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_page_leads_only_to_what_is_below_the_base_path() {
    let server = server();
    let raw = hex(&ECC[0].coin(&server.identity(), 0));
    let sent = server
        .client
        .post("/ledger/api/v1/transactions", &json!({ "raw": raw }));
    let id = sent.json()["id"].as_str().unwrap().to_owned();
    server.mine();
    let account = ECC[1].address();
    let mut open: Vec<String> = [
        "/",
        "/nothing/here",
        "/search?q=nonsense",
        "/blocks?page=2",
        "/wallet/send",
    ]
    .map(|path| format!("{BASE}{path}"))
    .into();
    open.extend([format!("{BASE}/tx/{id}"), format!("{BASE}/account/{account}")]);
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) || seen.len() > 100 {
            continue;
        }
        let answer = server.get(&path);
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        let found = addresses(&answer.text());
        assert!(found.len() > 5, "{path}: {found:?}");
        // Pages of the API's documentation have relative addresses, which hold below any base path.
        for address in found.into_iter().filter(|address| address.starts_with('/')) {
            assert!(address.starts_with("/ledger/"), "{path} leads to {address}");
            // Each page once, not in every order of its tables.
            if !address.contains('?') {
                open.push(address);
            }
        }
    }
    for path in [
        "/ledger/",
        "/ledger/mempool",
        "/ledger/security",
        "/ledger/api/docs",
        "/ledger/block/1",
    ] {
        assert!(seen.contains(path), "{path} is linked: {seen:?}");
    }
}

#[test]
fn pages_api_reads_and_documentation_answer_below_it() {
    let server = server();
    for path in [
        "/",
        "/blocks",
        "/wallet",
        "/api/v1/status",
        "/ui/chain",
        "/api/docs",
        "/api/docs.css",
        "/problems/busy",
    ] {
        assert_eq!(server.get(&format!("{BASE}{path}")).status, 200, "{path}");
        let outside = server.get(path);
        assert_eq!(
            (outside.status, outside.problem().as_str()),
            (404, "not-found"),
            "{path}"
        );
        assert_eq!(outside.json()["base_path"], BASE);
        assert!(
            outside.text().contains("this node serves below /ledger/"),
            "{}",
            outside.text()
        );
        assert!(
            outside
                .header("content-security-policy")
                .starts_with("default-src 'none'")
        );
    }
    let page = server.get("/ledger/").text();
    assert!(
        page.contains("data-base=\"/ledger\""),
        "the browser learns it from the page"
    );
    assert_eq!(server.get("/ledger/no/such/page").status, 404);
    assert_eq!(server.get("/ledger/api/v1/nothing").problem(), "not-found");
    assert_eq!(
        server.json("/ledger/api/openapi.json")["servers"],
        json!([{ "url": BASE }])
    );
    let at_the_root = TestServer::start();
    assert!(at_the_root.json("/api/openapi.json")["servers"].is_null());
    // Requests are counted under the node's own paths, whatever stands before them.
    let metrics = server.get("/metrics").text();
    assert!(metrics.contains("route=\"/api/v1/status\",status=\"200\""), "{metrics}");
}

#[test]
fn redirects_stay_below_it() {
    let server = server();
    for (path, location) in [
        ("/ledger", "/ledger/"),
        ("/ledger?theme=dark", "/ledger/?theme=dark"),
        ("/ledger/search?q=0", "/ledger/block/0"),
    ] {
        let answer = server.client.get_with(path, &[("accept", "text/html")]);
        assert!(matches!(answer.status, 302 | 308), "{path}: {}", answer.status);
        assert_eq!(answer.header("location"), location, "{path}");
    }
    assert_eq!(server.get("/ledgers/").status, 404);
    assert_eq!(server.get("/LEDGER/").status, 404);
}

#[test]
fn probes_need_no_base_path_and_names_are_checked_all_the_same() {
    let server = server();
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/ledger/healthz",
        "/ledger/readyz",
        "/ledger/metrics",
    ] {
        let answer = server.client.get_with(path, &[("host", "10.42.0.7:8080")]);
        assert_eq!(answer.status, 200, "{path}");
    }
    let named = |host: &str| server.client.get_with("/ledger/api/v1/status", &[("host", host)]);
    assert_eq!(named("ledger.example").status, 200);
    assert_eq!(named("evil.example").problem(), "unknown-host");
    assert_eq!(
        server.client.get_with("/", &[("host", "evil.example")]).problem(),
        "unknown-host"
    );
}

#[test]
fn the_command_line_takes_a_node_with_a_path() {
    let server = server();
    for node in [format!("{}{BASE}", server.url), format!("{}{BASE}/", server.url)] {
        let probe = binary::tally()
            .args(["health", "--ready", "--node", &node])
            .output()
            .unwrap();
        assert!(probe.status.success(), "{node}: {probe:?}");
    }
    let query = format!("{}{BASE}?x", server.url);
    let probe = binary::tally().args(["health", "--node", &query]).output().unwrap();
    assert!(!probe.status.success(), "a query is no part of a node's URL: {probe:?}");
}
