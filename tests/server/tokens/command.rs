//! `tally token`.

use std::process::{Output, Stdio};

use serde_json::Value;

use super::{Node, TOKENS, good, problem};
use crate::binary;

#[test]
fn the_command_line_does_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let out = |output: &Output| {
        let (text, error) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert_eq!(output.status.code(), Some(0), "{error}");
        text.trim().to_owned()
    };
    assert_eq!(
        out(&node.command(&["list"])),
        "no tokens; the operator's own is not listed"
    );
    let create = [
        "create",
        "--name",
        "rig 1",
        "--scope",
        "mining,peers",
        "--expires-in",
        "30d",
    ];
    let text = out(&node.command(&[&create[..], &["--range", "127.0.0.0/8", "--requests-per-second", "50"]].concat()));
    assert_eq!(node.mining(&text), good());
    let id = &text[6..18];
    let line = out(&node.command(&["list"]));
    assert!(
        line.starts_with(&format!("{id}  rig 1  mining,peers; expires ")),
        "{line}"
    );
    assert!(
        line.contains("; from 127.0.0.0/8; 50 requests a second; used "),
        "{line}"
    );
    let listed: Value = serde_json::from_str(&out(&node.command(&["list", "--json"]))).unwrap();
    assert_eq!(listed, node.operate("GET", TOKENS, None)["items"]);
    let rotated: Value = serde_json::from_str(&out(&node.command(&["rotate", id, "--json"]))).unwrap();
    assert_eq!(node.mining(&text), problem(401, "token-unknown"));
    assert_eq!(node.mining(rotated["secret"].as_str().unwrap()), good());
    assert_eq!(out(&node.command(&["revoke", id])), format!("{id} is revoked"));
    let log = out(&node.command(&["log", "--limit", "2"]));
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2);
    let last = format!("operator from 127.0.0.1  tokens.revoke {{\"id\":\"{id}\"}}  done");
    assert!(lines[0].starts_with("5  ") && lines[0].ends_with(&last), "{log}");
    let page: Value = serde_json::from_str(&out(&node.command(&["log", "--before", "2", "--json"]))).unwrap();
    assert_eq!(page["items"][0]["action"], "tokens.create");

    // What the node rejects is shown with its reason; a secret that nobody would see is not made.
    let wrong = node.command(&["create", "--name", "x", "--scope", "all"]);
    assert_eq!(wrong.status.code(), Some(1));
    let error = String::from_utf8(wrong.stderr).unwrap();
    assert!(
        error.contains("scope \"all\" is unknown; there are mining, peers, "),
        "{error}"
    );
    let mut unseen = binary::tally();
    unseen.args([
        "token",
        "create",
        "--name",
        "x",
        "--scope",
        "mining",
        "--node",
        &node.url,
        "--token-file",
    ]);
    let unseen = unseen.arg(folder.path().join("operator-token")).stdout(Stdio::null());
    assert_eq!(unseen.status().unwrap().code(), Some(9));
    assert_eq!(
        out(&node.command(&["list"])),
        "no tokens; the operator's own is not listed"
    );
    let mut usage = binary::tally();
    assert_eq!(
        usage
            .args(["token", "revoke", "nonsense"])
            .output()
            .unwrap()
            .status
            .code(),
        Some(2)
    );
    node.stop();
}
