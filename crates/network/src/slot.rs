//! Where a server keeps its network, which starts after the server itself.

use std::sync::{Arc, OnceLock};

use tally_node::{Health, Node};

use crate::health::health;
use crate::transport::{NetworkStatus, P2p, P2pConfig, P2pError};

/// Room for one network beside a node; empty until it starts, and for ever where the node runs alone. Cheap to clone, and
/// all clones are of one room.
#[derive(Clone, Default)]
pub struct NetworkSlot(Arc<OnceLock<P2p>>);

impl NetworkSlot {
    /// Starts a network for this node and keeps it; `agent`: name and version of the program, as peers see it.
    ///
    /// # Errors
    /// Those of [`P2p::start`].
    pub async fn start(&self, node: Node, config: P2pConfig, agent: &str) -> Result<(), P2pError> {
        let network = P2p::start(node, config, agent).await?;
        // A second one ends at once: it would fight with the first for the same name.
        if let Err(second) = self.0.set(network) {
            second.stop().await;
        }
        Ok(())
    }

    /// The network, once it has started.
    pub fn get(&self) -> Option<&P2p> {
        self.0.get()
    }

    /// Its state of a moment ago: a copy of all that is shown of all peers.
    pub fn status(&self) -> Option<NetworkStatus> {
        self.get().map(P2p::status)
    }

    /// Whether `node` can do its work now, with what this network has found.
    pub fn health_of(&self, node: &Node) -> Health {
        health(node, self.status().as_ref())
    }

    /// Ends the network, if there is one; an import under way ends first.
    pub async fn stop(&self) {
        if let Some(network) = self.get() {
            network.stop().await;
        }
    }
}
