//! A node process beside a chain with more total work that it cannot follow. Rules: docs/protocol.md#B9, #Q5

use serde_json::{Value, json};
use tally_node::CheckpointConfig;

use crate::common::until;
use crate::inside::Inside;
use crate::log::Log;
use crate::network::Member;

const RULES: CheckpointConfig = CheckpointConfig {
    every: 5,
    depth: 3,
    part_leaves: 4_096,
    begin: false,
    trusted: None,
};

/// A node with these arguments that follows a chain of 20 blocks meets one of 40 that has none of them. `lowest` is the block
/// to which it goes back.
fn named_everywhere(args: &[&str], lowest: impl FnOnce(&Member) -> u64) {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::new(folder.path());
    let [light, heavy] = [(1, 20), (2, 40)].map(|(producer, blocks)| {
        let mut node = Inside::new(producer, RULES);
        node.mine(blocks);
        node.listen([127, 0, 0, 1]);
        node
    });
    let peer = ["--p2p-discover", "false", "--peer", &light.address];
    let args = [args, &peer].concat();
    let member = Member::logging(&log, &folder.path().join("data"), "test", &args);
    until("it is as far as the chain with less work", || {
        (member.height() == 20).then_some(())
    });
    let base = lowest(&member);
    let ready = member.get("/readyz");
    assert_eq!(ready.status, 200, "{}", ready.text());
    assert_eq!(member.json("/api/v1/status")["heavier_fork"], Value::Null);

    let call = json!({ "address": heavy.address });
    assert_eq!(member.operate("POST", "/api/v1/peers", Some(call)), 202);
    let ready = until("the node is not ready", || {
        let ready = member.get("/readyz");
        (ready.status == 503).then(|| ready.json())
    });
    let detail = format!(
        "a chain of 40 blocks with more total work forks below block {base}, the lowest to which this node can reorg"
    );
    let reason = json!({ "kind": "heavier_fork", "detail": detail, "height": 40, "base": base });
    assert_eq!(
        ready,
        json!({ "ready": false, "status": "not-ready", "height": 20, "reasons": [reason] })
    );

    let tip = heavy.node.tip();
    let (id, weight) = (tip.record.id.to_string(), tip.record.weight.to_string());
    let status = member.json("/api/v1/status");
    assert_eq!(
        status["heavier_fork"],
        json!({ "peer": heavy.id(), "tip": id, "height": 40, "weight": weight, "base": base })
    );
    assert_eq!(
        (&status["not_ready"], &status["height"]),
        (&json!([detail]), &json!(20))
    );

    // Without the markers of Leptos, which stand after text.
    let page = member.get("/network").text().replace("<!>", "");
    for part in [
        "A peer shows a chain with more total work that this node cannot follow",
        "It has 40 blocks and more total work than the chain shown here",
        &format!("forks from it below block {base}, the lowest to which this node can reorg"),
        &format!(">{id}</span>"),
        &format!(">{}</span>", heavy.id()),
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }

    let line = log.wait("a chain with more total work forks deeper than this node goes back");
    assert_eq!(line["level"], "ERROR");
    let figures = ["peer", "tip", "height", "weight", "base"].map(|figure| line[figure].as_str().unwrap());
    assert_eq!(figures, [&*heavy.id(), &id, "40", &weight, &base.to_string()]);
    // For the operator to decide: nothing is held against those who show it.
    let peers = member.peers();
    assert_eq!(peers["bans"], json!([]));
    let shown = peers["peers"].as_array().unwrap().iter();
    let scores: Vec<_> = shown.map(|peer| &peer["score"]).collect();
    assert_eq!(scores, [&json!(0), &json!(0)], "both are connected");
}

#[test]
fn a_chain_of_more_work_that_leaves_below_the_base_is_named_with_its_figures_everywhere() {
    let rules = ["--checkpoint-every", "5", "--checkpoint-depth", "3"];
    let begin = [&rules[..], &["--from-checkpoint"]].concat();
    named_everywhere(&begin, |member| {
        let gone = member.get("/api/v1/blocks/1");
        assert_eq!(gone.status, 410, "it began with a checkpoint");
        gone.json()["base"].as_u64().unwrap()
    });
}

#[test]
fn a_chain_of_more_work_that_forks_deeper_than_the_node_follows_is_named_in_the_same_way() {
    named_everywhere(&["--max-reorg-depth", "5"], |member| {
        assert_eq!(member.get("/api/v1/blocks/1").status, 200, "it has all blocks");
        20 - 5
    });
}
