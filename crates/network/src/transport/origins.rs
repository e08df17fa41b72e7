//! How connected peers count: where they are, and whether the operator named them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use libp2p::{Multiaddr, PeerId};
use parking_lot::RwLock;

use super::caps::Configured;
use super::left::LeftPeers;
use crate::session::peers::range::{Exempt, Origin, host_of};

/// Where connected peers are.
pub(super) type Remotes = Arc<RwLock<BTreeMap<PeerId, Multiaddr>>>;

/// What it follows from; all clones see what the operator changes.
#[derive(Clone, Default)]
pub(super) struct Origins {
    exempt: Exempt,
    remotes: Remotes,
    left: Arc<RwLock<LeftPeers>>,
    hosts: Configured,
    peers: Arc<RwLock<BTreeSet<PeerId>>>,
}

impl Origins {
    /// No peer is named yet.
    pub(super) fn new(exempt: Exempt, remotes: Remotes) -> Self {
        Self {
            exempt,
            remotes,
            ..Self::default()
        }
    }

    /// Hosts that the operator named.
    pub(super) fn hosts(&self) -> Configured {
        self.hosts.clone()
    }

    /// These hosts and peers, and no others, are named by the operator from now on.
    pub(super) fn name(&self, hosts: Vec<IpAddr>, peers: BTreeSet<PeerId>) {
        *self.hosts.write() = hosts;
        *self.peers.write() = peers;
    }

    /// The last connection with this peer has ended; it was with this address. `now`: milliseconds.
    pub(super) fn leaves(&self, peer: PeerId, remote: Multiaddr, now: u64) {
        self.left.write().put(peer, remote, now);
    }

    /// Where a peer is, or was where it has left lately; none of any other.
    pub(super) fn remote_of(&self, peer: &PeerId) -> Option<Multiaddr> {
        let connected = self.remotes.read().get(peer).cloned();
        connected.or_else(|| self.left.read().remote_of(peer).cloned())
    }

    /// How a peer counts at this moment; none where it is neither connected nor has left lately.
    pub(super) fn of(&self, peer: &PeerId) -> Option<Origin> {
        let host = host_of(&self.remote_of(peer)?);
        let named = self.peers.read().contains(peer);
        Some(Origin {
            host,
            exempt: host.is_some_and(|host| self.exempt.contains(host)),
            configured: named || host.is_some_and(|host| self.hosts.read().contains(&host)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_has_just_left_counts_by_where_it_was() {
        let remotes = Remotes::default();
        let origins = Origins::new(Exempt::default(), remotes.clone());
        let peer = PeerId::random();
        let [before, after]: [Multiaddr; 2] =
            ["/ip4/9.9.9.9/tcp/1", "/ip4/8.8.8.8/tcp/1"].map(|text| text.parse().unwrap());
        assert_eq!(origins.of(&peer), None);
        origins.leaves(peer, before.clone(), 0);
        let host = |origins: &Origins| origins.of(&peer).and_then(|origin| origin.host);
        assert_eq!(host(&origins), host_of(&before));
        // It is connected again, from elsewhere.
        remotes.write().insert(peer, after.clone());
        assert_eq!(host(&origins), host_of(&after));
        remotes.write().clear();
        assert_eq!(host(&origins), host_of(&before));
        origins.leaves(PeerId::random(), after, 60_000);
        assert_eq!(origins.of(&peer), None, "that is too long ago");
    }
}
