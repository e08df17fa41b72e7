//! How connected peers count: where they are, and whether the operator named them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use libp2p::{Multiaddr, PeerId};
use parking_lot::RwLock;

use super::caps::Configured;
use crate::session::peers::range::{Exempt, Origin, host_of};

/// Where connected peers are.
pub(super) type Remotes = Arc<RwLock<BTreeMap<PeerId, Multiaddr>>>;

/// What it follows from; all clones see what the operator changes.
#[derive(Clone, Default)]
pub(super) struct Origins {
    exempt: Exempt,
    remotes: Remotes,
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

    /// How a connected peer counts at this moment; none once its last connection has ended.
    pub(super) fn of(&self, peer: &PeerId) -> Option<Origin> {
        let host = host_of(self.remotes.read().get(peer)?);
        let named = self.peers.read().contains(peer);
        Some(Origin {
            host,
            exempt: host.is_some_and(|host| self.exempt.contains(host)),
            configured: named || host.is_some_and(|host| self.hosts.read().contains(&host)),
        })
    }
}
