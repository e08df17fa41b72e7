//! Addresses of this node and of others, as people write them.

use std::net::SocketAddr;

use serde::{Deserialize as _, Deserializer};
use tally_chain::BlockId;
use tally_network::{IpNet, Multiaddr};

use super::ConfigError;

/// The address of another node; without a way to carry bytes it is none.
pub fn peer_address(text: &str) -> Result<Multiaddr, ConfigError> {
    multiaddr("peer", text)
}

pub(super) fn multiaddr(setting: &'static str, text: &str) -> Result<Multiaddr, ConfigError> {
    let error = |message: String| ConfigError::Peer {
        setting,
        found: text.to_owned(),
        message,
    };
    let address: Multiaddr = text.parse().map_err(|problem| error(format!("{problem}")))?;
    let names = address.protocol_stack();
    match names.into_iter().any(|name| matches!(name, "tcp" | "quic-v1")) {
        true => Ok(address),
        false => Err(error("it names neither tcp nor quic-v1".to_owned())),
    }
}

/// The id of a block, as pages and the API show it.
pub(super) fn block_id(text: &str) -> Result<BlockId, ConfigError> {
    text.parse()
        .map_err(|_| ConfigError::Checkpoint { found: text.to_owned() })
}

/// Where to listen, on the command line and in the environment.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let address = text.trim().parse();
    address.map_err(|_| "not an address with a port, such as 127.0.0.1:8080 or [::1]:8080 (0.0.0.0 and [::] are all addresses of this machine)".to_owned())
}

/// The same in the configuration file.
pub(super) fn some_listen_address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    let address = listen_address(&text);
    address
        .map(Some)
        .map_err(|error| serde::de::Error::custom(format!("{text:?} is {error}")))
}

/// A range of addresses, or one address as a range.
pub(super) fn address_range(text: &str) -> Result<IpNet, ConfigError> {
    let range = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    range
        .map(|range| range.trunc())
        .map_err(|_| ConfigError::ExemptRange { found: text.to_owned() })
}
