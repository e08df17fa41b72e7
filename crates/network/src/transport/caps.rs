//! How many connections others may make: in all, from one host, from one range; and none from where that is banned. They
//! are rejected before any handshake. Rules: docs/protocol.md#N8, #N11, #N12

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use ipnet::IpNet;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
    dummy,
};
use libp2p::{Multiaddr, PeerId};
use parking_lot::RwLock;

use crate::session::peers::range::{Exempt, Host, Range, host_of};
use crate::wire::limits::MAX_INBOUND;

/// Connections whose other end has not proved its name yet, and all that others have made.
const MAX_PENDING: usize = 64;
const MAX_INCOMING: usize = 2 * MAX_INBOUND;
/// Of these, kept free for exempt and configured addresses.
const RESERVED: usize = 16;
/// Connections of one host (IPv4 address, IPv6 /64) and of one range (IPv4 /16, IPv6 /32).
const MAX_OF_A_HOST: usize = 8;
const MAX_OF_A_RANGE: usize = 32;

/// Addresses that are banned now.
pub(super) type Banned = Arc<RwLock<Vec<IpNet>>>;
/// Hosts that the operator named, at the start or since.
pub(super) type Configured = Arc<RwLock<Vec<IpAddr>>>;

/// Why a connection is rejected before it begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CapError {
    #[error("{host} is banned")]
    Banned { host: IpAddr },
    #[error("{max} connections wait for their handshake")]
    Pending { max: usize },
    #[error("others have made {max} connections")]
    Incoming { max: usize },
    #[error("{host} has {max} connections")]
    Host { host: Host, max: usize },
    #[error("{range} has {max} connections")]
    Range { range: Range, max: usize },
}

#[derive(Debug, Clone, Copy)]
struct Connection {
    host: Option<IpAddr>,
    privileged: bool,
    pending: bool,
}

/// Counts the connections that others have made.
#[derive(Debug)]
pub(super) struct Caps {
    exempt: Exempt,
    configured: Configured,
    banned: Banned,
    connections: BTreeMap<ConnectionId, Connection>,
}

impl Caps {
    pub(super) fn new(exempt: Exempt, configured: Configured, banned: Banned) -> Self {
        Self {
            exempt,
            configured,
            banned,
            connections: BTreeMap::new(),
        }
    }

    /// Counts a connection that begins, or gives the reason why it does not.
    fn admit(&mut self, id: ConnectionId, remote: &Multiaddr) -> Result<(), CapError> {
        let host = host_of(remote);
        let named = |host| self.configured.read().contains(&host);
        let privileged = host.is_some_and(|host| self.exempt.contains(host) || named(host));
        let reserved = if privileged { 0 } else { RESERVED };
        let pending = self.count(|connection| connection.pending);
        if pending + reserved >= MAX_PENDING {
            let max = MAX_PENDING - reserved;
            return Err(CapError::Pending { max });
        }
        if self.connections.len() - pending + reserved >= MAX_INCOMING {
            let max = MAX_INCOMING - reserved;
            return Err(CapError::Incoming { max });
        }
        if let Some(host) = host.filter(|_| !privileged) {
            self.admit_host(host)?;
        }
        let connection = Connection {
            host,
            privileged,
            pending: true,
        };
        self.connections.insert(id, connection);
        Ok(())
    }

    fn admit_host(&self, address: IpAddr) -> Result<(), CapError> {
        if self.banned.read().iter().any(|range| range.contains(&address)) {
            return Err(CapError::Banned { host: address });
        }
        let (host, range) = (Host::of(address), Range::of(address));
        if self.count_hosts(|other| Host::of(other) == host) >= MAX_OF_A_HOST {
            let max = MAX_OF_A_HOST;
            return Err(CapError::Host { host, max });
        }
        if self.count_hosts(|other| Range::of(other) == range) >= MAX_OF_A_RANGE {
            let max = MAX_OF_A_RANGE;
            return Err(CapError::Range { range, max });
        }
        Ok(())
    }

    fn count(&self, counts: impl Fn(&Connection) -> bool) -> usize {
        self.connections.values().filter(|one| counts(one)).count()
    }

    fn count_hosts(&self, counts: impl Fn(IpAddr) -> bool) -> usize {
        self.count(|one| !one.privileged && one.host.is_some_and(&counts))
    }
}

impl NetworkBehaviour for Caps {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.admit(connection, remote).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.pending = false;
        }
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        let gone = match event {
            FromSwarm::ConnectionClosed(closed) => closed.connection_id,
            FromSwarm::ListenFailure(failure) => failure.connection_id,
            _ => return,
        };
        self.connections.remove(&gone);
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps() -> Caps {
        let exempt = Exempt::new(
            vec!["10.0.0.0/8".parse().unwrap()],
            false,
            Some("0.0.0.0:1".parse().unwrap()),
        );
        let configured = Configured::new(RwLock::new(vec![[9, 9, 9, 9].into()]));
        Caps::new(exempt, configured, Banned::default())
    }

    fn come(caps: &mut Caps, at: usize, host: &str) -> Result<(), CapError> {
        let address = format!("/ip4/{host}/tcp/1").parse().unwrap();
        let id = ConnectionId::new_unchecked(at);
        caps.admit(id, &address)?;
        caps.connections.get_mut(&id).unwrap().pending = false;
        Ok(())
    }

    #[test]
    fn what_the_operator_names_later_counts_like_what_was_named_at_the_start() {
        let mut caps = caps();
        for at in 0..MAX_OF_A_HOST {
            come(&mut caps, at, "8.8.8.8").unwrap();
        }
        let (address, max) = (IpAddr::from([8, 8, 8, 8]), MAX_OF_A_HOST);
        let full = Err(CapError::Host {
            host: Host::of(address),
            max,
        });
        assert_eq!(come(&mut caps, 100, "8.8.8.8"), full);
        let configured = caps.configured.clone();
        configured.write().push(address);
        assert_eq!(come(&mut caps, 101, "8.8.8.8"), Ok(()));
        configured.write().retain(|host| *host != address);
        assert_eq!(come(&mut caps, 102, "8.8.8.8"), full);
    }

    #[test]
    fn a_host_and_a_range_have_their_share_of_connections() {
        let mut caps = caps();
        for at in 0..MAX_OF_A_HOST {
            come(&mut caps, at, "8.8.8.8").unwrap();
        }
        let (host, max) = (Host::of([8, 8, 8, 8].into()), MAX_OF_A_HOST);
        assert_eq!(come(&mut caps, 100, "8.8.8.8"), Err(CapError::Host { host, max }));
        for at in MAX_OF_A_HOST..MAX_OF_A_RANGE {
            come(&mut caps, at, &format!("8.8.9.{at}")).unwrap();
        }
        let (range, max) = (Range::of([8, 8, 0, 0].into()), MAX_OF_A_RANGE);
        assert_eq!(come(&mut caps, 101, "8.8.10.1"), Err(CapError::Range { range, max }));
        come(&mut caps, 102, "8.9.1.1").unwrap();
        caps.connections.remove(&ConnectionId::new_unchecked(0));
        come(&mut caps, 103, "8.8.8.8").unwrap();
    }

    #[test]
    fn the_operators_own_peers_have_room_when_others_have_filled_theirs() {
        let mut caps = caps();
        for at in 0..MAX_INCOMING - RESERVED {
            come(&mut caps, at, &format!("{}.1.1.1", 20 + at)).unwrap();
        }
        let max = MAX_INCOMING - RESERVED;
        assert_eq!(come(&mut caps, 200, "8.8.8.8"), Err(CapError::Incoming { max }));
        for at in 0..RESERVED {
            let host = if at % 2 == 0 { "9.9.9.9" } else { "10.1.2.3" };
            come(&mut caps, 300 + at, host).unwrap();
        }
        let max = MAX_INCOMING;
        assert_eq!(come(&mut caps, 400, "9.9.9.9"), Err(CapError::Incoming { max }));
    }

    #[test]
    fn silent_handshakes_and_banned_addresses_are_rejected() {
        let mut caps = caps();
        for at in 0..MAX_PENDING - RESERVED {
            let address = format!("/ip4/{}.1.1.1/tcp/1", 20 + at).parse().unwrap();
            caps.admit(ConnectionId::new_unchecked(at), &address).unwrap();
        }
        let max = MAX_PENDING - RESERVED;
        assert_eq!(come(&mut caps, 200, "8.8.8.8"), Err(CapError::Pending { max }));
        caps.connections.clear();
        *caps.banned.write() = vec!["8.8.0.0/16".parse().unwrap(), "9.0.0.0/8".parse().unwrap()];
        let host = [8, 8, 8, 8].into();
        assert_eq!(come(&mut caps, 201, "8.8.8.8"), Err(CapError::Banned { host }));
        come(&mut caps, 202, "9.9.9.9").expect("the operator named it");
    }
}
