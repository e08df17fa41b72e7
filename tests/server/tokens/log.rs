//! The log of operator actions.

use serde_json::{Value, json};

use super::{LOG, Node, good, mining, problem};

#[test]
fn what_operators_do_is_in_the_log_and_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(folder.path());
    let (id, token) = node.create(mining("rig"));
    assert_eq!(node.mining(&token), good());
    let many = json!({ "threads": 1_000_000 });
    assert_eq!(
        node.call(&token, "POST", "/api/v1/mining", Some(many)).problem(),
        "invalid-mining"
    );
    let peer = json!({ "address": "/ip4/192.0.2.7/tcp/9333" });
    assert_eq!(
        node.call(&node.operator(), "POST", "/api/v1/peers", Some(peer))
            .problem(),
        "network-off"
    );
    let range = json!({ "range": "198.51.100.0/24", "reason": "r".repeat(10_000) });
    assert_eq!(
        node.call(&node.operator(), "PUT", "/api/v1/bans", Some(range))
            .problem(),
        "invalid-peer"
    );
    // What carries no good token changes nothing, and fills no log.
    assert_eq!(node.mining("0123456789abcdef"), problem(401, "token-unknown"));
    let expected = [
        "bans.add invalid-peer",
        "peers.add network-off",
        "mining.switch invalid-mining",
        "mining.switch done",
        "tokens.create done",
    ];
    assert_eq!(node.actions(), expected);
    node.child.kill();

    let node = Node::start(folder.path());
    assert_eq!(node.actions(), expected);
    let page = node.operate("GET", &format!("{LOG}?limit=2&before=4"), None);
    assert_eq!((&page["items"][0]["sequence"], &page["older"]), (&json!(3), &json!(2)));
    let switched = &page["items"][1];
    assert_eq!(
        (&switched["actor"], &switched["address"], &switched["parameters"]),
        (
            &json!({ "id": id, "name": "rig" }),
            &json!("127.0.0.1"),
            &json!({ "on": false })
        )
    );
    let rest = node.operate("GET", &format!("{LOG}?limit=2&before=2"), None);
    assert_eq!(
        (&rest["items"][0]["action"], &rest["older"]),
        (&json!("tokens.create"), &Value::Null)
    );
    let export = node.export();
    let lines: Vec<Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    assert!(lines.windows(2).all(|pair| pair[1]["previous"] == pair[0]["hash"]));
    assert_eq!(page["head"], json!({ "sequence": 5, "hash": lines[4]["hash"] }));
    let reason = lines[4]["parameters"]["reason"].as_str().unwrap();
    assert_eq!(reason.chars().count(), 257, "cut");
    for (query, field) in [("limit=0", "limit"), ("limit=201", "limit")] {
        let answer = node.call(&node.operator(), "GET", &format!("{LOG}?{query}"), None);
        assert_eq!((answer.status, &answer.json()["field"]), (400, &json!(field)));
    }
    node.stop();
}

#[test]
fn an_edit_of_the_log_is_found_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    for name in ["one", "two", "three"] {
        node.create(mining(name));
    }
    let whole = node.command(&["log", "--export"]);
    assert_eq!(whole.status.code(), Some(0));
    assert_eq!(String::from_utf8(whole.stdout).unwrap(), node.export());
    let said = String::from_utf8(whole.stderr).unwrap();
    assert!(
        said.starts_with("3 entries, each after the one before, the last one with hash 0x"),
        "{said}"
    );
    node.stop();

    let file = folder.path().join("operator-log/00000001.ndjson");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"two\"", "\"2wo\"")).unwrap();
    for _ in 0..2 {
        let node = Node::start(folder.path());
        let page = node.operate("GET", LOG, None);
        let fault = json!({ "file": "00000001.ndjson", "line": 2, "reason": "the hash is not that of the line" });
        assert_eq!((&page["faults"], &page["fault_count"]), (&json!([fault]), &json!(1)));
        // It is written down once, and the log goes on.
        let newest = &page["items"][0];
        assert_eq!(
            (&newest["sequence"], &newest["action"]),
            (&json!(4), &json!("log.damaged"))
        );
        let found = node.command(&["log", "--export"]);
        assert_eq!(found.status.code(), Some(1));
        assert_eq!(
            String::from_utf8(found.stderr).unwrap(),
            "line 2: the hash is not that of the line\ntally: the log is not as it was written: 1 fault\n"
        );
        node.stop();
    }
}
