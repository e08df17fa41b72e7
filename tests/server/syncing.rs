//! What a node process reports of itself while it fetches blocks whose headers it has checked.

use serde_json::json;
use tally_node::CheckpointConfig;

use crate::common::until;
use crate::inside::{Gate, Inside};
use crate::network::Member;

/// Blocks of the chain that is fetched: more than the two that a ready node may be behind, and few enough for one answer.
const BLOCKS: u64 = 12;
/// Bytes that come at once: all headers and less than a third of the bodies.
const AT_ONCE: u64 = 64 * 1_024;

#[test]
fn a_node_reports_that_it_is_syncing_until_it_has_the_blocks() {
    let mut source = Inside::new(1, CheckpointConfig::default());
    source.mine_full(BLOCKS, 20);
    let tip = source.node.tip();
    assert_eq!(tip.record.total_transactions, 20 * BLOCKS);
    source.listen([127, 0, 0, 1]);
    let gate = Gate::before(&source, AT_ONCE);

    let folder = tempfile::tempdir().unwrap();
    let args = ["--p2p-discover", "false", "--peer", &gate.address];
    let member = Member::start(folder.path(), "test", &args);
    let ready = until("the headers are here, and not the blocks", || {
        let ready = member.get("/readyz");
        (ready.status == 503).then(|| ready.json())
    });
    let height = ready["height"].as_u64().unwrap();
    assert!(height < BLOCKS - 2, "{ready}");
    let detail = format!("catching up: at block {height} of {BLOCKS}");
    let reason = json!({ "kind": "syncing", "detail": detail, "height": height, "best": BLOCKS });
    assert_eq!(
        ready,
        json!({ "ready": false, "status": "not-ready", "height": height, "reasons": [reason] })
    );
    let status = member.json("/api/v1/status");
    assert_eq!(status["sync"], json!({ "complete": false, "peers": 1 }));
    assert_eq!(status["not_ready"].as_array().unwrap().len(), 1, "{status}");
    assert!(member.get("/network").text().contains("Catching up"));

    gate.open();
    until("the node is ready", || {
        (member.get("/readyz").status == 200).then_some(())
    });
    until("all blocks are here", || {
        (member.tip() == tip.record.id.to_string()).then_some(())
    });
    assert_eq!(
        member.json("/readyz"),
        json!({ "ready": true, "status": "ready", "height": BLOCKS, "reasons": [] })
    );
    let status = member.json("/api/v1/status");
    assert_eq!(status["sync"], json!({ "complete": true, "peers": 1 }));
    assert_eq!(status["not_ready"], json!([]));
    assert_eq!(member.peers()["bans"], json!([]));
}
