//! How connected peers count: where they are, and whether the operator named them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use libp2p::{Multiaddr, PeerId};
use parking_lot::RwLock;

use super::caps::Configured;
use crate::session::peers::range::{Exempt, Origin, host_of};

/// Where connected peers are.
pub(super) type Remotes = Arc<RwLock<BTreeMap<PeerId, Multiaddr>>>;

/// Peers whose last connection has ended and that are remembered, the newest ones: a substream that such a peer has opened may
/// be looked at only now, and its offences count against its host all the same.
const MAX_LEFT: usize = 256;

/// What it follows from; all clones see what the operator changes.
#[derive(Clone, Default)]
pub(super) struct Origins {
    exempt: Exempt,
    remotes: Remotes,
    left: Arc<RwLock<VecDeque<(PeerId, Multiaddr)>>>,
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

    /// The last connection with this peer has ended; it was with this address.
    pub(super) fn leaves(&self, peer: PeerId, remote: Multiaddr) {
        let mut left = self.left.write();
        left.retain(|(other, _)| *other != peer);
        left.push_back((peer, remote));
        if left.len() > MAX_LEFT {
            left.pop_front();
        }
    }

    /// How a peer counts at this moment; none where it is neither connected nor has left lately.
    pub(super) fn of(&self, peer: &PeerId) -> Option<Origin> {
        let connected = self.remotes.read().get(peer).cloned();
        let left = || {
            let left = self.left.read();
            left.iter()
                .find(|(other, _)| other == peer)
                .map(|(_, remote)| remote.clone())
        };
        let host = host_of(&connected.or_else(left)?);
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
        origins.leaves(peer, before.clone());
        let host = |origins: &Origins| origins.of(&peer).and_then(|origin| origin.host);
        assert_eq!(host(&origins), host_of(&before));
        // It is connected again, from elsewhere.
        remotes.write().insert(peer, after.clone());
        assert_eq!(host(&origins), host_of(&after));
        remotes.write().clear();
        for _ in 0..MAX_LEFT {
            origins.leaves(PeerId::random(), after.clone());
        }
        assert_eq!(origins.of(&peer), None, "no more are remembered");
    }
}
