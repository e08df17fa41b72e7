//! Dialling and listening: the swarm.

mod feeler;
mod listen;
mod saved;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use futures::StreamExt as _;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{ConnectionId, DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, identity::Keypair, noise, tcp, yamux};
use libp2p_stream as stream;
use parking_lot::RwLock;
use tally_node::Node;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use super::caps::{Banned, Caps};
use super::config::{NetworkConfig, NetworkError};
use super::discovery::{Behaviour, BehaviourEvent, Discovery, DiscoveryConfig};
use super::events::{DriverEvent, SwarmCommand};
use super::identity;
use super::links::Links;
use super::origins::{Origins, Remotes};
use super::reach::Reach;
use super::status::Found;
use crate::session::peers::book::Book;
use crate::session::peers::dialer::{Dialer, WANTED};
use crate::session::peers::range::{Exempt, Origin};
use crate::wire;
use feeler::{FEELING_MS, Feeling};
use saved::Saved;

/// The one protocol. Rule: docs/protocol.md#N
pub(super) const PROTOCOL: StreamProtocol = StreamProtocol::new("/tally/1");
/// How long a connection without a substream is kept: the dialling side ends it where a conversation was not accepted.
const IDLE: Duration = Duration::from_secs(5);

pub(super) struct SwarmTask {
    swarm: Swarm<Behaviour>,
    control: stream::Control,
    incoming: stream::IncomingStreams,
    dials: Dialer,
    /// Dials under way.
    dialling: BTreeMap<ConnectionId, Multiaddr>,
    /// The connection of a feeler whose other end has not identified itself yet.
    feeling: Option<Feeling>,
    discovery: Discovery,
    /// Whether nodes are looked for, and identify themselves.
    discovers: bool,
    saved: Saved,
    origins: Origins,
    /// Connected peers that have sent hello as nodes of this chain.
    greeted: BTreeSet<PeerId>,
    begun: Instant,
    commands: Receiver<SwarmCommand>,
    links: Links,
    /// Peers whose last link has ended.
    ended: UnboundedReceiver<PeerId>,
    /// How connected peers count from now on.
    placings: UnboundedSender<(PeerId, Origin)>,
    seen: Seen,
}

/// What others see of the swarm.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) remotes: Remotes,
    pub(super) found: Arc<RwLock<Found>>,
    pub(super) banned: Banned,
}

impl SwarmTask {
    pub(super) fn new(
        keys: Keypair,
        config: &NetworkConfig,
        node: &Node,
        agent: &str,
        events: SyncSender<DriverEvent>,
        commands: Receiver<SwarmCommand>,
        seen: Seen,
    ) -> Result<Self, NetworkError> {
        let failed = |error: String| NetworkError::Transport(error);
        let reach = Reach::new(config.lan);
        let exempt = Exempt::new(config.exempt.clone(), config.lan, config.listen);
        let origins = Origins::new(exempt.clone(), seen.remotes.clone());
        let secret = identity::secret(&keys)?;
        let chain = node.identity().genesis.to_string();
        let discovery = DiscoveryConfig {
            chain: config.discover.then(|| chain.clone()),
            mdns: config.lan && config.listen.is_none_or(|listen| !listen.ip().is_loopback()),
            listens: config.listen.is_some(),
            agent: agent.to_owned(),
            reach: reach.clone(),
            caps: Caps::new(exempt.clone(), origins.hosts(), seen.banned.clone()),
        };
        let behaviour = Behaviour::new(&keys, discovery)?;
        let mut swarm = SwarmBuilder::with_existing_identity(keys)
            .with_tokio()
            .with_tcp(
                tcp::Config::default().nodelay(true),
                noise::Config::new,
                yamux::Config::default,
            )
            .map_err(|error| failed(error.to_string()))?
            .with_quic()
            .with_dns()
            .map_err(|error| failed(error.to_string()))?
            .with_behaviour(|_| behaviour)
            .map_err(|error| failed(error.to_string()))?
            .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
            .build();
        config
            .announce
            .iter()
            .for_each(|address| swarm.add_external_address(address.clone()));
        let mut control = swarm.behaviour().stream.new_control();
        let incoming = control.accept(PROTOCOL).map_err(|error| failed(error.to_string()))?;
        let max_frame = wire::max_frame_bytes(node.spec().limits.block_bytes);
        let (links, ended) = Links::new(events, max_frame, origins.clone());
        let now = Instant::now();
        let draw = u64::from_be_bytes(secret.first_chunk().copied().unwrap_or_default()) ^ node.started().0;
        let mut dials = Dialer::new(Book::new(secret, draw, exempt));
        config.peers.iter().for_each(|address| dials.keep(address.clone(), 0));
        let saved = Saved::read(&config.folder, &mut dials, now);
        origins.name(dials.kept_hosts(), dials.kept_peers());
        Ok(Self {
            swarm,
            control,
            incoming,
            dials,
            dialling: BTreeMap::new(),
            feeling: None,
            discovery: Discovery::new(reach, &chain, now),
            discovers: config.discover,
            saved,
            origins,
            greeted: BTreeSet::new(),
            begun: now,
            commands,
            placings: links.placings(),
            links,
            ended,
            seen,
        })
    }

    pub(super) async fn run(mut self) {
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.handle_swarm_event(event),
                Some((peer, stream)) = self.incoming.next() => {
                    if self.links.are_enough(&peer) {
                        continue;
                    }
                    self.links.spawn(peer, stream, false);
                }
                Some(command) = self.commands.recv() => self.handle_command(command),
                Some(peer) = self.ended.recv() => self.handle_ended(&peer),
                _ = tick.tick() => self.tick(),
            }
        }
    }

    /// Milliseconds since the start.
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn tick(&mut self) {
        let now = self.now();
        let outbound = self.links.outbound();
        self.discovery
            .tick(self.swarm.behaviour_mut(), outbound < WANTED, Instant::now());
        for (address, peer) in self.dials.due(now, outbound) {
            if let Some(peer) = peer.filter(|peer| self.swarm.is_connected(peer)) {
                let remote = self.seen.remotes.read().get(&peer).cloned();
                if !self.dials.is_at(&address, remote.as_ref()) {
                    // It is looked for there when it is not connected any more.
                    self.dials.postpone(&address, now);
                    continue;
                }
                // An address that a node of this chain announces is worth knowing, no matter which side dialled.
                if self.greeted.contains(&peer) {
                    self.dials.proven(&address, now);
                }
                // One way to each is enough; two opened at once could each be given up for the other.
                if self.links.is_connected_to(&peer) || self.dials.leads_to(&peer) {
                    self.dials.postpone(&address, now);
                } else {
                    self.dials.dialling(&address);
                    if self.lead(&address, peer, now) {
                        self.open(peer);
                    }
                }
                continue;
            }
            self.dials.dialling(&address);
            self.dial(address, now);
        }
        let silent = self.feeling.as_ref().filter(|feeling| feeling.until <= now);
        if let Some(connection) = silent.map(|feeling| feeling.connection) {
            self.felt(connection, false, now);
        }
        if self.discovers
            && let Some(address) = self.dials.feeler(now, outbound)
        {
            self.dial(address, now);
        }
        *self.seen.found.write() = Found {
            addresses: self.dials.book().len() as u64,
            refused: self.discovery.refused(),
            rounds: self.discovery.rounds,
        };
        self.saved.save(&self.dials);
    }

    fn dial(&mut self, address: Multiaddr, now: u64) {
        let options = DialOpts::from(address.clone());
        let id = options.connection_id();
        if let Err(error) = self.swarm.dial(options) {
            tracing::debug!(%address, %error, "not dialled");
            self.dials.failed(&address, now);
            return;
        }
        self.dialling.insert(id, address);
    }

    fn handle_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        let now = self.now();
        match event {
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                // Of a feeler, too: the other end could begin a conversation on its connection.
                self.seen
                    .remotes
                    .write()
                    .insert(peer_id, endpoint.get_remote_address().clone());
                let dialled = self.dialling.remove(&connection_id);
                if let Some(address) = dialled.as_ref().filter(|address| self.dials.is_feeler(address)) {
                    // What it is shows once it has identified itself.
                    self.feeling = Some(Feeling {
                        connection: connection_id,
                        address: address.clone(),
                        peer: peer_id,
                        until: now + FEELING_MS,
                    });
                    return;
                }
                // One way to each is enough: a second address of the same peer is only noted.
                let second = self.dials.leads_to(&peer_id);
                if let Some(address) = dialled {
                    if !self.lead(&address, peer_id, now) {
                        self.swarm.close_connection(connection_id);
                    } else if !second {
                        self.open(peer_id);
                    }
                }
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id, error, ..
            } => {
                let Some(address) = self.dialling.remove(&connection_id) else {
                    return;
                };
                if matches!(error, DialError::LocalPeerId { .. }) {
                    tracing::warn!(%address, "this is the node itself: the address is not dialled again");
                    self.dials.drop_address(&address);
                } else if let Some(pause) = self.dials.failed(&address, now) {
                    tracing::info!(%address, %error, again_secs = pause / 1_000, "no answer");
                }
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                num_established,
                ..
            } => {
                self.felt(connection_id, false, now);
                if num_established == 0 {
                    let remote = self.seen.remotes.read().get(&peer_id).cloned();
                    if let Some(remote) = remote {
                        // Before it counts as gone: at no moment is it unknown where it was.
                        self.origins.leaves(peer_id, remote, now);
                        self.seen.remotes.write().remove(&peer_id);
                    }
                    self.greeted.remove(&peer_id);
                    self.dials.closed(&peer_id, now);
                    self.discovery.search_soon(&peer_id);
                }
            }
            SwarmEvent::Behaviour(event) => {
                let own = *self.swarm.local_peer_id();
                if let Some((connection, ours)) = self.discovery.identified(&event) {
                    self.felt(connection, ours, now);
                }
                for learnt in self.discovery.handle_event(event, self.swarm.behaviour_mut()) {
                    let source = learnt.source(&self.origins);
                    if let Some(source) = source.filter(|_| learnt.peer != own) {
                        self.dials.find(&learnt.address, &source, now);
                    }
                }
            }
            _ => {}
        }
    }

    /// A dial, or an address of a peer that is connected, leads to this peer. False where the operator has removed it: then the dial
    /// has failed.
    fn lead(&mut self, address: &Multiaddr, peer: PeerId, now: u64) -> bool {
        if !self.dials.connected(address, peer) {
            // Where its address was dropped only now, its host is not a named one any more.
            self.renew_configured();
            match self.dials.failed(address, now) {
                Some(pause) => {
                    let again_secs = pause / 1_000;
                    tracing::info!(%address, %peer, again_secs, "a peer that the operator has removed is there: not connected");
                }
                None => tracing::info!(%address, %peer, "the operator has removed this peer: it is not dialled again"),
            }
            return false;
        }
        if self.greeted.contains(&peer) {
            self.dials.greeted(&peer, now);
        }
        if self.dials.keeps(address) {
            // That this peer is the one that the operator named has only shown now.
            self.renew_configured();
        }
        true
    }

    /// A peer has sent hello as a node of this chain: what leads to it has been answered.
    fn greet(&mut self, peer: PeerId) {
        if !self.swarm.is_connected(&peer) {
            return;
        }
        self.greeted.insert(peer);
        self.dials.greeted(&peer, self.now());
        // At once: a node that is killed soon after finds the peer again.
        self.saved.save(&self.dials);
    }

    /// Opens the substream of a connection that we made.
    fn open(&self, peer: PeerId) {
        let (mut control, links) = (self.control.clone(), self.links.clone());
        tokio::spawn(async move {
            match control.open_stream(peer, PROTOCOL).await {
                Ok(stream) => links.spawn(peer, stream, true),
                Err(error) => tracing::info!(%peer, %error, "does not support our protocol"),
            }
        });
    }

    /// The conversation that we dialled for is over: its connection ends, too, and the dial is tried again. Rounds of requests for
    /// nodes would keep it, and this node would wait beside a peer that did not accept its conversation.
    fn handle_ended(&mut self, peer: &PeerId) {
        if self.dials.leads_to(peer) && !self.links.is_connected_to(peer) {
            let _ = self.swarm.disconnect_peer_id(*peer);
        }
    }

    fn handle_command(&mut self, command: SwarmCommand) {
        match command {
            SwarmCommand::Dial(address) => {
                let now = self.now();
                self.dials.keep(address, now);
                self.renew_configured();
            }
            SwarmCommand::Disconnect(name) => {
                if let Ok(peer) = name.0.parse() {
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
            }
            SwarmCommand::Greeted(name) => {
                if let Ok(peer) = name.0.parse() {
                    self.greet(peer);
                }
            }
            SwarmCommand::Forget(name) => {
                let Ok(peer) = name.0.parse() else { return };
                self.dials.forget(&peer);
                self.end_feeler(peer);
                self.renew_configured();
                if !self.links.is_connected_to(&peer) {
                    // Its substream may be opened only now; a conversation that has begun is ended by the session.
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
            }
        }
    }

    /// The operator has named another peer, or one no more: new connections, and conversations that go on, count accordingly.
    fn renew_configured(&self) {
        self.origins.name(self.dials.kept_hosts(), self.dials.kept_peers());
        let peers: Vec<_> = self.seen.remotes.read().keys().copied().collect();
        for peer in peers {
            if let Some(origin) = self.origins.of(&peer) {
                // Its task ends only where the conversation has ended.
                let _ = self.placings.send((peer, origin));
            }
        }
    }
}
