//! Finding nodes that no operator named: Kademlia among the nodes of one chain, mDNS on a LAN. Rule: docs/protocol.md#N10
//!
//! Kademlia is used to find nodes only; records are neither kept nor requested.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::identity::Keypair;
use libp2p::kad::store::MemoryStore;
use libp2p::kad::{self, GetClosestPeersError, QueryResult};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{ConnectionId, NetworkBehaviour};
use libp2p::{Multiaddr, PeerId, StreamProtocol, identify, mdns};
use libp2p_stream as stream;
use tokio::time::Instant;

use super::caps::Caps;
use super::config::NetworkError;
use super::origins::Origins;
use super::reach::{AddressFiltered, MAX_OF_A_PEER, Reach};
use crate::session::peers::range::{Range, host_of, is_private};

/// Connections with one peer: two for when both dial, one more while an old one ends.
const MAX_PER_PEER: u32 = 3;

/// Between two rounds: while peers are wanted, twice as long each time, up to what is enough to stay known.
const FIRST_ROUND: Duration = Duration::from_secs(1);
const LAST_ROUND: Duration = Duration::from_secs(300);
const ROUND: Duration = Duration::from_secs(20);
/// Peers whose addresses are taken of one round.
const MAX_OF_A_ROUND: usize = 20;
/// Between two announcements of its addresses by one peer that count.
const ANNOUNCE_AGAIN: Duration = Duration::from_secs(10);
/// Peers of one address range in Kademlia's routing table.
const MAX_ROUTED_OF_A_RANGE: usize = 16;

/// What a connection is for, and how many there may be. Rule: docs/protocol.md#N8
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    caps: Caps,
    limits: connection_limits::Behaviour,
    pub(super) stream: stream::Behaviour,
    identify: Toggle<identify::Behaviour>,
    kad: Toggle<AddressFiltered<kad::Behaviour<MemoryStore>>>,
    mdns: Toggle<AddressFiltered<mdns::tokio::Behaviour>>,
}

/// How nodes are found.
pub(super) struct DiscoveryConfig {
    /// The genesis id, if nodes may be requested from others.
    pub(super) chain: Option<String>,
    pub(super) mdns: bool,
    /// Whether others can dial this node.
    pub(super) listens: bool,
    pub(super) agent: String,
    pub(super) reach: Reach,
    pub(super) caps: Caps,
}

impl Behaviour {
    pub(super) fn new(keys: &Keypair, config: DiscoveryConfig) -> Result<Self, NetworkError> {
        let failed = |error: String| NetworkError::Transport(error);
        let id = keys.public().to_peer_id();
        let reach = config.reach;
        let version = config.chain.as_deref().map(version);
        let kad = version.clone().map(|version| {
            let protocol = StreamProtocol::try_from_owned(version);
            let mut settings = kad::Config::new(protocol.map_err(|error| failed(error.to_string()))?);
            settings
                .set_query_timeout(ROUND)
                .set_record_filtering(kad::StoreInserts::FilterBoth)
                .set_replication_interval(None)
                .set_publication_interval(None)
                .set_provider_publication_interval(None)
                .set_periodic_bootstrap_interval(None)
                .set_kbucket_inserts(kad::BucketInserts::Manual);
            let mut behaviour = kad::Behaviour::with_config(id, MemoryStore::new(id), settings);
            let mode = if config.listens {
                kad::Mode::Server
            } else {
                kad::Mode::Client
            };
            behaviour.set_mode(Some(mode));
            let reach = reach.clone();
            Ok(AddressFiltered { behaviour, reach })
        });
        let kad = kad.transpose()?;
        let identify = version.map(|version| {
            let settings = identify::Config::new(version, keys.public())
                .with_agent_version(config.agent)
                .with_cache_size(0);
            identify::Behaviour::new(settings)
        });
        let mdns = config.mdns.then(|| {
            mdns::tokio::Behaviour::new(mdns::Config::default(), id)
                .map(|behaviour| AddressFiltered { behaviour, reach })
                .map_err(|error| failed(format!("p2p-lan: {error}")))
        });
        let limits = ConnectionLimits::default().with_max_established_per_peer(Some(MAX_PER_PEER));
        Ok(Self {
            caps: config.caps,
            limits: connection_limits::Behaviour::new(limits),
            stream: stream::Behaviour::new(),
            identify: identify.into(),
            kad: kad.into(),
            mdns: mdns.transpose()?.into(),
        })
    }

    /// Requests other nodes from the nodes that are known; returns whether one got the request.
    fn look(&mut self) -> bool {
        let Some(kad) = self.kad.as_mut() else { return false };
        let known = kad.behaviour.kbuckets().next().is_some();
        if known {
            kad.behaviour.get_closest_peers(PeerId::random());
        }
        known
    }

    /// Puts a peer's addresses in the place of those that were known; at most [`MAX_OF_A_PEER`].
    fn route(&mut self, peer: PeerId, addresses: impl IntoIterator<Item = Multiaddr>) {
        let Some(kad) = self.kad.as_mut() else { return };
        kad.behaviour.remove_peer(&peer);
        let addresses: Vec<_> = addresses.into_iter().take(MAX_OF_A_PEER).collect();
        let range = |address: &Multiaddr| host_of(address).filter(|host| !is_private(*host)).map(Range::of);
        let Some(first) = addresses.first() else { return };
        if let Some(wanted) = range(first) {
            // A range that fills the table decides which nodes are found.
            let buckets = kad.behaviour.kbuckets();
            let routed = buckets.map(|bucket| {
                let same = |address: &Multiaddr| range(address) == Some(wanted);
                bucket.iter().filter(|entry| entry.node.value.iter().any(same)).count()
            });
            if routed.sum::<usize>() >= MAX_ROUTED_OF_A_RANGE {
                return;
            }
        }
        for address in addresses {
            kad.behaviour.add_address(&peer, address);
        }
    }
}

/// An address that this node has learnt of.
pub(super) struct Learnt {
    pub(super) address: Multiaddr,
    pub(super) peer: PeerId,
    /// Whose place counts as its source: of the peer that announced it, or that has answered as the
    /// peer at it. None on a LAN.
    pub(super) by: Option<PeerId>,
}

impl Learnt {
    /// What counts as the source of the address, if that is known.
    pub(super) fn source(&self, origins: &Origins) -> Option<Multiaddr> {
        match &self.by {
            Some(by) => origins.remote_of(by),
            None => Some(self.address.clone()),
        }
    }
}

pub(super) struct Discovery {
    /// When each connected peer last announced its addresses.
    announced: BTreeMap<PeerId, Instant>,
    reach: Reach,
    /// The protocol's name among nodes of this chain.
    version: String,
    next: Instant,
    pause: Duration,
    requesting: bool,
    pub(super) rounds: u64,
}

impl Discovery {
    pub(super) fn new(reach: Reach, chain: &str, now: Instant) -> Self {
        Self {
            announced: BTreeMap::new(),
            reach,
            version: version(chain),
            next: now,
            pause: FIRST_ROUND,
            requesting: false,
            rounds: 0,
        }
    }

    /// Requests nodes when it is time.
    pub(super) fn tick(&mut self, behaviour: &mut Behaviour, wanting: bool, now: Instant) {
        if !self.requesting && self.next <= now {
            self.next = now + self.pause;
            self.requesting = behaviour.look();
            if self.requesting {
                self.pause = if wanting {
                    (self.pause * 2).min(LAST_ROUND)
                } else {
                    LAST_ROUND
                };
            }
        }
    }

    /// Addresses that peers announced and that are not dialled.
    pub(super) fn refused(&self) -> u64 {
        self.reach.refused()
    }

    /// Whether a peer may announce its addresses again: each announcement changes the routing table, and costs it nothing.
    fn may_announce(&mut self, peer: PeerId) -> bool {
        let now = Instant::now();
        let last = self.announced.insert(peer, now);
        let may = last.is_none_or(|last| now.duration_since(last) >= ANNOUNCE_AGAIN);
        if !may && let Some(last) = last {
            self.announced.insert(peer, last);
        }
        may
    }

    /// The connection whose other end has just identified itself, and whether that is a node of this chain.
    pub(super) fn identified(&self, event: &BehaviourEvent) -> Option<(ConnectionId, bool)> {
        match event {
            BehaviourEvent::Identify(identify::Event::Received {
                connection_id, info, ..
            }) => Some((*connection_id, info.protocol_version == self.version)),
            _ => None,
        }
    }

    /// Requests nodes again soon: a peer has gone.
    pub(super) fn search_soon(&mut self, gone: &PeerId) {
        self.announced.remove(gone);
        self.pause = FIRST_ROUND;
        self.next = self.next.min(Instant::now() + FIRST_ROUND);
    }

    /// Addresses of nodes that may be dialled, each with its node's name at the end.
    pub(super) fn handle_event(&mut self, event: BehaviourEvent, behaviour: &mut Behaviour) -> Vec<Learnt> {
        match event {
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                // Its list of protocols may still be empty when it comes; this shows the same from the first moment.
                if info.protocol_version != self.version || !self.may_announce(peer_id) {
                    return Vec::new();
                }
                let addresses = info.listen_addrs.into_iter().take(4 * MAX_OF_A_PEER);
                let allowed = addresses.filter(|address| self.reach.allows(address));
                let allowed: Vec<_> = allowed.take(MAX_OF_A_PEER).collect();
                behaviour.route(peer_id, allowed.iter().cloned());
                allowed
                    .into_iter()
                    .map(|address| Learnt {
                        address: named(address, peer_id),
                        peer: peer_id,
                        by: Some(peer_id),
                    })
                    .collect()
            }
            BehaviourEvent::Kad(kad::Event::RoutablePeer { peer, address }) => {
                behaviour.route(peer, [address]);
                Vec::new()
            }
            BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed {
                result: QueryResult::GetClosestPeers(result),
                step,
                ..
            }) => {
                if step.last {
                    self.requesting = false;
                    self.rounds += 1;
                }
                let peers = match result {
                    Ok(found) => found.peers,
                    Err(GetClosestPeersError::Timeout { peers, .. }) => peers,
                };
                let mut found = Vec::new();
                // These have answered the query themselves, each from one of its addresses; the others are only announced.
                for peer in peers.into_iter().take(MAX_OF_A_ROUND) {
                    let allowed = peer.addrs.into_iter().filter(|address| self.reach.allows(address));
                    found.extend(allowed.take(MAX_OF_A_PEER).map(|address| Learnt {
                        address: named(address, peer.peer_id),
                        peer: peer.peer_id,
                        by: Some(peer.peer_id),
                    }));
                }
                found
            }
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => found
                .into_iter()
                .filter(|(_, address)| self.reach.allows(address))
                .take(MAX_OF_A_ROUND)
                .map(|(peer, address)| Learnt {
                    address: named(address, peer),
                    peer,
                    by: None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// Nodes of another chain are no neighbours: the protocol has the chain in its name.
fn version(chain: &str) -> String {
    format!("/tally/nodes/1/{chain}")
}

/// The address with its node's name at the end.
fn named(address: Multiaddr, peer: PeerId) -> Multiaddr {
    match address.iter().last() {
        Some(Protocol::P2p(_)) => address,
        _ => address.with(Protocol::P2p(peer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::peers::range::Exempt;
    use crate::transport::origins::Remotes;

    fn identified(version: &str) -> Option<bool> {
        let keys = Keypair::generate_ed25519();
        let info = identify::Info {
            public_key: keys.public(),
            protocol_version: version.to_owned(),
            agent_version: "test".to_owned(),
            listen_addrs: Vec::new(),
            protocols: Vec::new(),
            observed_addr: Multiaddr::empty(),
            signed_peer_record: None,
        };
        let connection_id = ConnectionId::new_unchecked(7);
        let event = BehaviourEvent::Identify(identify::Event::Received {
            connection_id,
            peer_id: keys.public().to_peer_id(),
            info,
        });
        let discovery = Discovery::new(Reach::new(false), "ours", Instant::now());
        let (of, ours) = discovery.identified(&event)?;
        assert_eq!(of, connection_id);
        Some(ours)
    }

    #[test]
    fn an_address_has_its_source_where_its_peer_is_and_not_in_the_range_that_it_names() {
        let at = |text: &str| text.parse::<Multiaddr>().unwrap();
        let (peer, remote, announced) = (PeerId::random(), at("/ip4/8.8.8.8/tcp/1"), at("/ip4/9.9.9.9/tcp/2"));
        let learnt = |by| Learnt {
            address: announced.clone(),
            peer,
            by,
        };
        let remotes = Remotes::default();
        let origins = Origins::new(Exempt::default(), remotes.clone());
        remotes.write().insert(peer, remote.clone());
        assert_eq!(learnt(Some(peer)).source(&origins), Some(remote.clone()));
        remotes.write().clear();
        assert_eq!(learnt(Some(peer)).source(&origins), None);
        origins.leaves(peer, remote.clone(), 0);
        assert_eq!(learnt(Some(peer)).source(&origins), Some(remote.clone()));
        assert_eq!(learnt(None).source(&origins), Some(announced.clone()));
        origins.leaves(PeerId::random(), remote.clone(), ROUND.as_millis() as u64);
        assert_eq!(
            learnt(Some(peer)).source(&origins),
            Some(remote.clone()),
            "a round may still bring something of it"
        );
        origins.leaves(PeerId::random(), remote, 60_000);
        assert_eq!(learnt(Some(peer)).source(&origins), None, "that is too long ago");
    }

    #[test]
    fn a_node_is_known_by_its_chain() {
        assert_eq!(identified(&version("ours")), Some(true));
        assert_eq!(identified(&version("another")), Some(false));
        assert_eq!(identified("ipfs/0.1.0"), Some(false));
    }
}
