//! Public collections of hostile input, sent to the real server.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tally_testkit::corpora;

use crate::common::{ECC, TestServer, coin};

fn files(folder: PathBuf, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn json_that_is_none_is_refused_and_none_breaks_the_server() {
    let Some(folder) = corpora("json-suite") else { return };
    let server = TestServer::start();
    let mut counts = [0; 3];
    for path in files(folder, ".json") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let body = fs::read(&path).unwrap();
        for path in ["/api/v1/transactions", "/api/v1/transactions/batch"] {
            let answer = server.client.post_with(path, "application/json", &body, &[]);
            let problem = answer.problem();
            match name.split('_').next() {
                Some("n") => {
                    assert_eq!(answer.status, 400, "{name}: {problem}");
                    assert!(
                        ["malformed-json", "json-too-deep"].contains(&problem.as_str()),
                        "{name}: {problem}"
                    );
                    counts[0] += 1;
                }
                Some("y") => {
                    assert_eq!((answer.status, problem.as_str()), (422, "invalid-field"), "{name}");
                    counts[1] += 1;
                }
                _ => {
                    assert!([400, 422].contains(&answer.status), "{name}: {}", answer.status);
                    counts[2] += 1;
                }
            }
        }
    }
    println!("refused {} n_, {} y_, {} other bodies", counts[0], counts[1], counts[2]);
    assert!(
        counts[0] >= 188 && counts[1] >= 94,
        "the whole suite was sent: {counts:?}"
    );
    assert_eq!(server.json("/healthz")["status"], "alive");
}

/// Percent-encodes everything but letters and digits.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                (b as char).to_string()
            } else {
                format!("%{b:02x}")
            }
        })
        .collect()
}

#[test]
fn naughty_strings_are_only_strings() {
    let Some(folder) = corpora("naughty-strings") else {
        return;
    };
    let server = TestServer::start();
    let list = files(folder, ".json")
        .into_iter()
        .next()
        .expect("the collection is one JSON list");
    let strings: Vec<String> = serde_json::from_slice(&fs::read(list).unwrap()).unwrap();
    assert!(strings.len() > 400);
    for text in &strings {
        let encoded = encoded(text);
        for path in [
            format!("/search?q={encoded}"),
            format!("/block/{encoded}"),
            format!("/account/{encoded}"),
            format!("/ui/search?text={encoded}"),
            format!("/api/v1/blocks/{encoded}"),
            format!("/api/v1/transactions/{encoded}"),
            format!("/api/v1/accounts/{encoded}"),
            format!("/api/v1/blocks?cursor={encoded}"),
            format!("/problems/{encoded}"),
        ] {
            let answer = server.get(&path);
            assert!(answer.status < 500, "{text:?}: {path}: {}", answer.status);
        }
        let answer = server.client.post("/api/v1/transactions", &json!({ "raw": text }));
        assert!((400..500).contains(&answer.status), "{text:?}: {}", answer.status);
    }
}

#[test]
fn naughty_memos_travel_whole_and_harm_no_page() {
    let Some(folder) = corpora("naughty-strings") else {
        return;
    };
    let server = TestServer::start();
    let list = files(folder, ".json")
        .into_iter()
        .next()
        .expect("the collection is one JSON list");
    let strings: Vec<String> = serde_json::from_slice(&fs::read(list).unwrap()).unwrap();
    let script = "<script>alert(1)</script>".to_owned();
    let memos: Vec<_> = strings
        .into_iter()
        .filter(|text| text.len() <= 1_024)
        .take(200)
        .chain([script])
        .collect();
    let identity = server.identity();
    let mut sent = Vec::new();
    for (nonce, memo) in memos.iter().enumerate() {
        let mut payment = coin(nonce as u64);
        payment.memo.clone_from(memo);
        sent.push((server.send(&ECC[0].sign(&identity, &payment)), memo));
    }
    server.mine();
    for (id, memo) in &sent {
        let detail = server.json(&format!("/api/v1/transactions/{id}"));
        assert_eq!(detail["data"], alloy_primitives::hex::encode_prefixed(memo.as_bytes()));
        if let Some(shown) = detail["memo"].as_str() {
            assert_eq!(shown, memo.as_str());
        }
    }
    let (id, _) = sent.last().expect("memos were sent");
    let page = server.get(&format!("/tx/{id}"));
    assert_eq!(page.status, 200);
    assert!(
        !page.text().contains("<script>alert(1)"),
        "the memo is text on the page"
    );
}
