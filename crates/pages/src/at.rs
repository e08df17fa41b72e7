//! What every answer is read from: a node, and its tip as it is when the answer is begun.

use std::sync::Arc;

use tally_app::model::{ChainInfo, SelfCheck};
use tally_network::NetworkSlot;
use tally_node::{Node, Tip};

/// What only the server knows of itself.
#[derive(Clone, Debug, Default)]
pub struct ServerFacts {
    /// Where it answers, as URLs.
    pub listening: Arc<Vec<String>>,
    /// What it checked about itself: transport, tokens, storage.
    pub checks: Arc<Vec<SelfCheck>>,
}

/// A node and the tip that one answer is read from.
pub struct At<'a> {
    pub node: &'a Node,
    /// Its peers; empty where it runs alone.
    pub network: &'a NetworkSlot,
    pub tip: Arc<Tip>,
    pub facts: &'a ServerFacts,
}

impl At<'_> {
    /// Height of the tip.
    pub fn height(&self) -> u64 {
        self.tip.record.height().0
    }
}

/// The chain that this node serves.
pub fn chain_of(node: &Node) -> ChainInfo {
    let spec = node.spec();
    ChainInfo {
        name: spec.name.clone(),
        chain_id: spec.chain_id,
        symbol: spec.symbol.clone(),
        genesis_id: node.identity().genesis.to_string(),
        spacing: spec.engine().spacing().into(),
        playground: spec
            .allocations
            .iter()
            .any(|allocation| allocation.label.starts_with("PUBLIC")),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
