//! Settings of the network, and why it does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use libp2p::Multiaddr;
use tally_node::regular_file::NotRead;

/// Settings of a network.
#[derive(Debug, Clone, Default)]
pub struct NetworkConfig {
    /// Where it listens, by TCP and by QUIC on the same port; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// Peers that are dialled whenever they are not connected.
    pub peers: Vec<Multiaddr>,
    /// Whether nodes are found that no operator named: docs/protocol.md#N10
    pub discover: bool,
    /// Whether this is a LAN: nodes are found by mDNS, and private addresses that others announce are dialled.
    pub lan: bool,
    /// Where others can dial this node, if that is not where this node listens (behind a router, in a container).
    pub announce: Vec<Multiaddr>,
    /// Addresses to which limits per range and bans by address do not apply: docs/protocol.md#N11
    pub exempt: Vec<IpNet>,
    /// The node's identity, the peers that it remembers, and its bans.
    pub folder: PathBuf,
}

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum NetworkError {
    #[error("network identity {path}: {source}")]
    Identity { path: PathBuf, source: NotRead },
    #[error("network identity {path} is damaged: {reason}")]
    DamagedIdentity { path: PathBuf, reason: String },
    #[error("p2p-listen {address}: {reason}")]
    Listen { address: SocketAddr, reason: String },
    #[error("network: {0}")]
    Transport(String),
}
