//! Peers of a Tally node: what travels between nodes, what is decided about it, and the sockets under it.
//!
//! [`wire`] has the messages and their limits. [`session`] decides, without input and output of its own, so that the very code
//! that runs on sockets runs in simulations. The transport carries frames by libp2p, which no other crate uses.
//!
//! A server holds a [`Node`](tally_node::Node) and a [`Network`] side by side. It stops the network first, then the node: an import
//! under way ends, and nothing reaches a closed store.

#![deny(missing_docs)]

mod health;
pub mod raw;
pub mod session;
mod slot;
mod transport;
pub mod wire;

pub use libp2p::Multiaddr;

pub use health::health;
pub use slot::NetworkSlot;
pub use transport::{Found, IpNet, Network, NetworkConfig, NetworkError, NetworkStatus};
