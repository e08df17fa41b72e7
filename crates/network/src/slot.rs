//! Where a server keeps its network, which starts after the server itself.

use std::sync::{Arc, OnceLock};

use tally_node::{Health, Node};

use crate::health::health;
use crate::transport::{Network, NetworkConfig, NetworkError, NetworkStatus};

/// Room for one network beside a node; empty until it starts, and for ever where the node runs alone. Cheap to clone, and
/// all clones are of one room.
#[derive(Clone, Default)]
pub struct NetworkSlot(Arc<OnceLock<Network>>);

impl NetworkSlot {
    /// Starts a network for this node and keeps it; `agent`: name and version of the program, as peers see it.
    ///
    /// # Errors
    /// Those of [`Network::start`].
    pub async fn start(&self, node: Node, config: NetworkConfig, agent: &str) -> Result<(), NetworkError> {
        let network = Network::start(node, config, agent).await?;
        // A second one ends at once: it would fight with the first for the same name.
        if let Err(second) = self.0.set(network) {
            second.stop().await;
        }
        Ok(())
    }

    /// The network, once it has started.
    pub fn get(&self) -> Option<&Network> {
        self.0.get()
    }

    /// Its state of a moment ago: a copy of all that is shown of all peers.
    pub fn status(&self) -> Option<NetworkStatus> {
        self.get().map(Network::status)
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
