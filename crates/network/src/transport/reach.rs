//! Which of the addresses that others announce this node dials. Rule: docs/protocol.md#N10

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use ipnet::IpNet;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use crate::session::peers::range::is_private;

/// Addresses that are taken of one peer, whichever peer announces them.
pub(super) const MAX_OF_A_PEER: usize = 8;

/// Where no node can be: IANA's registries of special-purpose addresses, those above left out.
const SPECIAL_PURPOSE: [&str; 16] = [
    "0.0.0.0/8",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "::/3",
    "4000::/2",
    "8000::/1",
];

static SPECIAL_PURPOSE_RANGES: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| SPECIAL_PURPOSE.iter().filter_map(|range| range.parse().ok()).collect());

/// How far the word of others is followed.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    /// Whether private networks may be dialled.
    lan: bool,
    refused: Arc<AtomicU64>,
}

impl Reach {
    pub(super) fn new(lan: bool) -> Self {
        Self { lan, ..Self::default() }
    }

    /// Whether this address may be dialled. No DNS names: others decide what these resolve to.
    pub(super) fn allows(&self, address: &Multiaddr) -> bool {
        let allowed = host(address).is_some_and(|host| {
            if is_private(host) {
                self.lan
            } else {
                !SPECIAL_PURPOSE_RANGES.iter().any(|range| range.contains(&host))
            }
        });
        if !allowed {
            self.refused.fetch_add(1, Relaxed);
        }
        allowed
    }

    /// Addresses that were announced and are not dialled.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}

/// The IP address in a multiaddress by TCP or QUIC, if it holds one.
fn host(address: &Multiaddr) -> Option<IpAddr> {
    let mut parts = address.iter();
    let host = match parts.next()? {
        Protocol::Ip4(host) => IpAddr::from(host),
        Protocol::Ip6(host) => IpAddr::from(host).to_canonical(),
        _ => return None,
    };
    let port = match (parts.next()?, parts.next()) {
        (Protocol::Tcp(port), None) => port,
        (Protocol::Tcp(port), Some(Protocol::P2p(_))) if parts.next().is_none() => port,
        (Protocol::Udp(port), Some(Protocol::QuicV1)) => match (parts.next(), parts.next()) {
            (None, _) | (Some(Protocol::P2p(_)), None) => port,
            _ => return None,
        },
        _ => return None,
    };
    (port != 0).then_some(host)
}

/// A behaviour that learns addresses from others: only those that may be dialled.
pub(super) struct AddressFiltered<B> {
    pub(super) behaviour: B,
    pub(super) reach: Reach,
}

impl<B: NetworkBehaviour> NetworkBehaviour for AddressFiltered<B> {
    type ConnectionHandler = B::ConnectionHandler;
    type ToSwarm = B::ToSwarm;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.behaviour
            .handle_pending_inbound_connection(connection, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.behaviour
            .handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        let mut announced = self
            .behaviour
            .handle_pending_outbound_connection(connection, peer, addresses, role)?;
        announced.retain(|address| self.reach.allows(address));
        announced.truncate(MAX_OF_A_PEER);
        Ok(announced)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.behaviour
            .handle_established_outbound_connection(connection, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.behaviour.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, connection: ConnectionId, event: THandlerOutEvent<Self>) {
        self.behaviour.on_connection_handler_event(peer, connection, event);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.behaviour.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(lan: bool, address: &str) -> bool {
        Reach::new(lan).allows(&address.parse().unwrap())
    }

    #[test]
    fn all_ranges_are_read() {
        assert_eq!(SPECIAL_PURPOSE_RANGES.len(), SPECIAL_PURPOSE.len());
    }

    #[test]
    fn public_addresses_may_be_dialled() {
        for host in [
            "/ip4/8.8.8.8",
            "/ip4/172.32.0.1",
            "/ip4/100.128.0.1",
            "/ip6/2600::1",
            "/ip6/::ffff:8.8.8.8",
        ] {
            for way in ["tcp/9333", "udp/9333/quic-v1"] {
                assert!(allowed(false, &format!("{host}/{way}")), "{host}/{way}");
            }
        }
        let peer = PeerId::random();
        assert!(allowed(false, &format!("/ip4/8.8.8.8/tcp/9333/p2p/{peer}")));
        assert!(allowed(false, &format!("/ip4/8.8.8.8/udp/9333/quic-v1/p2p/{peer}")));
    }

    #[test]
    fn private_ones_only_where_that_is_configured() {
        let reach = Reach::new(false);
        let hosts = [
            "/ip4/10.1.2.3",
            "/ip4/100.64.0.1",
            "/ip4/127.0.0.1",
            "/ip4/169.254.169.254",
            "/ip4/172.31.255.255",
            "/ip4/192.168.1.10",
            "/ip6/::1",
            "/ip6/fd00::1",
            "/ip6/fe80::1",
            "/ip6/::ffff:192.168.1.10",
        ];
        for host in hosts {
            let address = format!("{host}/tcp/9333");
            assert!(allowed(true, &address), "{address}");
            assert!(!reach.allows(&address.parse().unwrap()), "{address}");
        }
        assert_eq!(reach.refused(), hosts.len() as u64);
    }

    #[test]
    fn what_leads_nowhere_and_what_is_no_number_is_never_dialled() {
        let peer = PeerId::random();
        for address in [
            "/ip4/0.0.0.0/tcp/9333".to_owned(),
            "/ip4/192.0.2.7/tcp/9333".to_owned(),
            "/ip4/224.0.0.1/tcp/9333".to_owned(),
            "/ip4/255.255.255.255/tcp/9333".to_owned(),
            "/ip6/::/tcp/9333".to_owned(),
            "/ip6/ff02::1/tcp/9333".to_owned(),
            "/ip6/64:ff9b::7f00:1/tcp/9333".to_owned(),
            "/ip6/2002:7f00:1::/tcp/9333".to_owned(),
            "/ip4/8.8.8.8/tcp/0".to_owned(),
            "/ip4/8.8.8.8/udp/9333".to_owned(),
            "/ip4/8.8.8.8/tcp/9333/ws".to_owned(),
            "/dns4/ledger.example/tcp/9333".to_owned(),
            "/unix/tmp".to_owned(),
            "/memory/7".to_owned(),
            format!("/ip4/8.8.8.8/tcp/9333/p2p/{peer}/p2p-circuit"),
            format!("/p2p/{peer}"),
        ] {
            assert!(!allowed(true, &address), "{address}");
        }
    }
}
