//! What the tests of `tally-node` share, and nodes that connect with others on loopback.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "every test binary uses a part of this module, and ends where something is not as it should be"
)]

#[path = "../../../node/tests/support/mod.rs"]
mod nodes;

use std::path::Path;

use tally_network::{Network, NetworkConfig};
use tally_node::Node;

pub use nodes::*;

/// Connects a node with others on loopback, on a free port.
pub async fn listen(node: &Node, folder: &Path) -> Network {
    let config = NetworkConfig {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        folder: folder.join("network"),
        ..NetworkConfig::default()
    };
    Network::start(node.clone(), config, "test").await.unwrap()
}
