//! What a node warns of at its start where its chain id is another chain's. Rule: docs/protocol.md#T5

use std::path::Path;

use serde_json::Value;

use crate::child::{Child, FAST_CHAIN};
use crate::common::Http;
use crate::log::Log;

/// Starts a node of the fast chain with this chain id, and ends it in order; its warnings.
fn warnings(folder: &Path, chain_id: u64) -> Vec<Value> {
    let folder = folder.join(chain_id.to_string());
    std::fs::create_dir(&folder).unwrap();
    let spec = std::fs::read_to_string(FAST_CHAIN).unwrap();
    let file = folder.join("chain.toml");
    let spec = spec.replace("chain_id = 8549", &format!("chain_id = {chain_id}"));
    std::fs::write(&file, spec).unwrap();
    let log = Log::new(&folder);
    let usual = ["node", "--no-mine", "--listen", "127.0.0.1:0", "--log-level", "warn"];
    let args = [&usual[..], &Log::FORMAT[..], &["--spec", file.to_str().unwrap()]].concat();
    let mut node = Child::by(log.command(), &args, &folder.join("data"));
    let client = Http::new(&node.after("interface"));
    assert_eq!(client.get("/api/v1/status").json()["chain_id"], chain_id);
    // The last lines are written before the process ends.
    assert_eq!(node.stop().code(), Some(0));
    log.lines()
}

#[test]
fn a_node_whose_chain_id_is_taken_warns_of_replay_at_its_start() {
    let folder = tempfile::tempdir().unwrap();
    for (chain_id, owner) in [(1, "Ethereum"), (8_547, "local"), (8_548, "test")] {
        let lines = warnings(folder.path(), chain_id);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["level"], "WARN");
        assert_eq!(
            lines[0]["message"],
            format!(
                "chain id {chain_id} is that of {owner}: transactions of Ethereum types (0x01, 0x02 and legacy) that are \
                 signed for one of the two chains can be replayed on the other; choose an id that no other chain uses"
            )
        );
    }
    assert_eq!(warnings(folder.path(), 8_549), Vec::<Value>::new(), "an id of its own");
}
