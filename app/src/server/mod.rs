//! The server's side of [`crate::reads`]: what a running node knows, in the shapes that pages show.
//!
//! Every answer is read from one tip, so its parts never contradict each other.

mod accounts;
mod blocks;
mod figures;
mod lookup;
mod overview;
mod rows;
mod transactions;

use std::sync::Arc;

use leptos::prelude::*;
use tally_node::{Node, StoreError, Tip};

use crate::model::{ChainInfo, SelfCheck};

pub use accounts::account;
pub use blocks::{block, block_evidence, blocks};
pub use figures::{mining, network, performance, security};
pub use lookup::search;
pub use overview::{mempool, overview};
pub use transactions::{transaction, transaction_evidence, transactions};

/// What only the server knows of itself, handed to the pages as context.
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
    pub tip: Arc<Tip>,
}

impl At<'_> {
    /// Height of the tip.
    pub fn height(&self) -> u64 {
        self.tip.record.height().0
    }
}

/// Runs one read against the node in context.
pub fn read<T>(f: impl FnOnce(&At<'_>) -> Result<T, StoreError>) -> Result<T, ServerFnError> {
    let Some(node) = use_context::<Node>() else {
        return Err(ServerFnError::new("no node is connected to this server"));
    };
    let at = At {
        tip: node.tip(),
        node: &node,
    };
    f(&at).map_err(|error| ServerFnError::new(format!("the node could not read its store: {error}")))
}

/// The chain this node serves.
pub fn chain(at: &At<'_>) -> Result<ChainInfo, StoreError> {
    let spec = at.node.spec();
    Ok(ChainInfo {
        name: spec.name.clone(),
        chain_id: spec.chain_id,
        symbol: spec.symbol.clone(),
        genesis_id: at.node.identity().genesis.to_string(),
        spacing: spec.engine().spacing().into(),
        playground: spec
            .allocations
            .iter()
            .any(|allocation| allocation.label.starts_with("PUBLIC")),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
