//! Addresses of other nodes, as people write them.

use tally_node::{IpNet, Multiaddr};

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

/// A range of addresses, or one address as a range.
pub(super) fn address_range(text: &str) -> Result<IpNet, ConfigError> {
    let range = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    range
        .map(|range| range.trunc())
        .map_err(|_| ConfigError::ExemptRange { found: text.to_owned() })
}
