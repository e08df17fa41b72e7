//! What every answer is read from: the node in context, and its tip as it is when the answer is begun.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use tally_network::NetworkSlot;
use tally_node::{Node, StoreError, Tip};

use super::workers::{WorkError, Workers};
use crate::model::{ChainInfo, SelfCheck};
use crate::reads::failure::ReadFailure;

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

/// Runs one read against the node in context, beside the threads that serve.
pub async fn read<T: Send + 'static>(
    f: impl FnOnce(&At<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ReadFailure> {
    // The network's place, too, though it may be empty: without it a node with peers would be shown as one that runs alone.
    let context = (
        use_context::<Node>(),
        use_context::<NetworkSlot>(),
        use_context::<Workers>(),
    );
    let (Some(node), Some(network), Some(workers)) = context else {
        return Err(ServerFnError::new("no node is connected to this server").into());
    };
    let facts = use_context::<ServerFacts>().unwrap_or_default();
    let response = use_context::<ResponseOptions>();
    let done = workers
        .run(move || {
            let at = At {
                tip: node.tip(),
                node: &node,
                network: &network,
                facts: &facts,
            };
            f(&at)
        })
        .await;
    match done {
        Ok(answer) => {
            answer.map_err(|error| ServerFnError::new(format!("the node could not read its store: {error}")).into())
        }
        Err(error) => {
            if let (WorkError::Busy, Some(response)) = (&error, response) {
                response.set_status(StatusCode::SERVICE_UNAVAILABLE);
                response.insert_header(header::RETRY_AFTER, HeaderValue::from(WorkError::RETRY_AFTER));
            }
            Err(ServerFnError::new(error).into())
        }
    }
}

/// The chain of the node in context. It is in memory: nothing has to be waited for.
pub fn this_chain() -> Option<ChainInfo> {
    use_context::<Node>().map(|node| chain_of(&node))
}

/// The chain this node serves.
pub fn chain(at: &At<'_>) -> Result<ChainInfo, StoreError> {
    Ok(chain_of(at.node))
}

fn chain_of(node: &Node) -> ChainInfo {
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
