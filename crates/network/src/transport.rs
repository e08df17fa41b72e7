//! The network on real sockets: libp2p carries the frames, [`Session`](crate::session::Session) decides what they hold.
//!
//! One thread owns the conversation and imports blocks; tasks beside it dial, listen, read and write. A peer's frames wait
//! in its own socket when that thread is busy.

mod caps;
mod config;
mod conversation;
mod discovery;
mod events;
mod identity;
mod kept;
mod left;
mod link;
mod links;
mod network;
mod origins;
mod reach;
mod room;
mod status;
mod swarm;

pub use config::{NetworkConfig, NetworkError};
pub use ipnet::IpNet;
pub use network::Network;
pub use status::{Found, NetworkStatus};
