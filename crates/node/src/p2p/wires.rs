//! Dialling and listening: the swarm.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use futures::StreamExt as _;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, identity::Keypair, noise, tcp, yamux};
use libp2p_stream as stream;
use parking_lot::RwLock;
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use super::calls::{Calls, WANTED, Why};
use super::conversation::Heard;
use super::discovery::{Behaviour, BehaviourEvent, Discovery, Ways};
use super::identity::Remembered;
use super::links::Links;
use super::reach::Reach;
use super::{P2pConfig, P2pError};
use crate::net::{PeerName, wire};
use crate::node::Node;

/// The one protocol. Rule: docs/protocol.md#N
pub(super) const PROTOCOL: StreamProtocol = StreamProtocol::new("/tally/1");
/// How long a connection without a substream is kept. Short: a conversation that was not taken is tried again after it.
const IDLE: Duration = Duration::from_secs(5);
/// How long all addresses may take to be listened on.
const LISTEN: Duration = Duration::from_secs(10);

/// What the wires are told to do.
pub(super) enum Order {
    Call(Multiaddr),
    Forget(PeerName),
    Close(PeerName),
}

/// Where connected peers are.
pub(super) type Remotes = Arc<RwLock<BTreeMap<PeerId, Multiaddr>>>;

/// What is known of nodes that nobody named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// Addresses that may be called.
    pub addresses: u64,
    /// Addresses that others told of and that are not called: docs/protocol.md#N10
    pub refused: u64,
    /// Times that nodes were asked for other nodes.
    pub rounds: u64,
}

pub(super) struct Wires {
    swarm: Swarm<Behaviour>,
    control: stream::Control,
    incoming: stream::IncomingStreams,
    calls: Calls,
    discovery: Discovery,
    remembered: Remembered,
    orders: Receiver<Order>,
    links: Links,
    seen: Seen,
}

/// What others see of the wires.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) remotes: Remotes,
    pub(super) found: Arc<RwLock<Found>>,
}

impl Wires {
    pub(super) fn new(
        keys: Keypair,
        config: &P2pConfig,
        node: &Node,
        agent: &str,
        heard: SyncSender<Heard>,
        orders: Receiver<Order>,
        seen: Seen,
    ) -> Result<Self, P2pError> {
        let failed = |error: String| P2pError::Transport(error);
        let reach = Reach::new(config.lan);
        let chain = node.identity().genesis.to_string();
        let ways = Ways {
            chain: config.discover.then(|| chain.clone()),
            mdns: config.lan && config.listen.is_none_or(|listen| !listen.ip().is_loopback()),
            listens: config.listen.is_some(),
            agent: agent.to_owned(),
            reach: reach.clone(),
        };
        let behaviour = Behaviour::new(&keys, ways)?;
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
        let now = Instant::now();
        let remembered = Remembered::read(&config.folder);
        let mut calls = Calls::default();
        config
            .peers
            .iter()
            .for_each(|address| calls.add(address.clone(), Why::Kept, now));
        remembered
            .iter()
            .for_each(|address| calls.add(address.clone(), Why::Found, now));
        Ok(Self {
            swarm,
            control,
            incoming,
            calls,
            discovery: Discovery::new(reach, &chain, now),
            orders,
            links: Links::new(heard, wire::max_frame_bytes(node.spec().limits.block_bytes)),
            seen,
            remembered,
        })
    }

    /// Begins to listen; the addresses carry this node's name.
    pub(super) async fn listen(mut self, listen: Option<SocketAddr>) -> Result<(Self, Vec<Multiaddr>), P2pError> {
        let Some(address) = listen else {
            return Ok((self, Vec::new()));
        };
        let failed = |reason: String| P2pError::Listen { address, reason };
        let host = Multiaddr::from(address.ip());
        let tcp = host.clone().with(Protocol::Tcp(address.port()));
        self.swarm.listen_on(tcp).map_err(|error| failed(error.to_string()))?;
        let mut found = Vec::new();
        let mut quic = false;
        let end = Instant::now() + LISTEN;
        loop {
            // Others may be let wait until both are there: nothing has been called yet.
            let event = tokio::time::timeout_at(end, self.swarm.select_next_some()).await;
            match event.map_err(|_| failed("it takes too long".to_owned()))? {
                SwarmEvent::NewListenAddr { address: at, .. } => {
                    let port = at.iter().find_map(|part| match part {
                        Protocol::Tcp(port) => Some(port),
                        _ => None,
                    });
                    let id = *self.swarm.local_peer_id();
                    found.push(at.with(Protocol::P2p(id)));
                    match port {
                        // QUIC takes the same number, also where the system chose it.
                        Some(port) if !quic => {
                            quic = true;
                            let udp = host.clone().with(Protocol::Udp(port)).with(Protocol::QuicV1);
                            self.swarm.listen_on(udp).map_err(|error| failed(error.to_string()))?;
                        }
                        Some(_) => {}
                        None => return Ok((self, found)),
                    }
                }
                SwarmEvent::ListenerClosed { reason: Err(error), .. } => return Err(failed(error.to_string())),
                SwarmEvent::ListenerError { error, .. } => return Err(failed(error.to_string())),
                _ => {}
            }
        }
    }

    pub(super) async fn run(mut self) {
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.follow(event),
                Some((peer, stream)) = self.incoming.next() => self.links.spawn(peer, stream, false),
                Some(order) = self.orders.recv() => self.obey(order),
                _ = tick.tick() => self.tick(),
            }
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        let outbound = self.links.outbound();
        self.discovery.tick(self.swarm.behaviour_mut(), outbound < WANTED, now);
        for (address, peer) in self.calls.due(now, outbound) {
            if let Some(peer) = peer.filter(|peer| self.swarm.is_connected(peer)) {
                // Where a peer says that it can be called is worth knowing, whoever has called.
                self.remembered.insert(&address);
                // One way to each is enough; two opened at once could each be given up for the other.
                if self.links.speaks_to(&peer) || self.calls.leads_to(&peer) {
                    self.calls.postpone(&address, now);
                } else {
                    self.calls.reached(&address, now);
                    self.open(peer);
                }
                continue;
            }
            let options = DialOpts::from(address.clone());
            let id = options.connection_id();
            self.calls.dialling(&address, id);
            if let Err(error) = self.swarm.dial(options) {
                tracing::debug!(%address, %error, "not called");
                self.calls.failed(id, now);
            }
        }
        *self.seen.found.write() = Found {
            addresses: self.calls.found() as u64,
            refused: self.discovery.refused(),
            rounds: self.discovery.rounds,
        };
    }

    fn follow(&mut self, event: SwarmEvent<BehaviourEvent>) {
        let now = Instant::now();
        match event {
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                self.seen
                    .remotes
                    .write()
                    .insert(peer_id, endpoint.get_remote_address().clone());
                // One way to each is enough: a second address of the same peer is only noted.
                let second = self.calls.leads_to(&peer_id);
                if let Some(address) = self.calls.answered(connection_id, peer_id, now) {
                    self.remembered.insert(&address);
                    if !second {
                        self.open(peer_id);
                    }
                }
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id, error, ..
            } => {
                if let Some((address, pause)) = self.calls.failed(connection_id, now) {
                    tracing::info!(%address, %error, again_secs = pause.as_secs(), "no answer");
                }
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                ..
            } => {
                self.seen.remotes.write().remove(&peer_id);
                self.calls.closed(&peer_id, now);
                self.discovery.hurry();
            }
            SwarmEvent::Behaviour(event) => {
                let own = *self.swarm.local_peer_id();
                for (address, peer) in self.discovery.follow(event, self.swarm.behaviour_mut()) {
                    if peer != own {
                        self.calls.add(address, Why::Found, now);
                    }
                }
            }
            _ => {}
        }
    }

    /// Opens the substream of a connection that we made.
    fn open(&self, peer: PeerId) {
        let (mut control, links) = (self.control.clone(), self.links.clone());
        tokio::spawn(async move {
            match control.open_stream(peer, PROTOCOL).await {
                Ok(stream) => links.spawn(peer, stream, true),
                Err(error) => tracing::info!(%peer, %error, "does not speak our protocol"),
            }
        });
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Call(address) => self.calls.add(address, Why::Kept, Instant::now()),
            Order::Close(name) => {
                if let Ok(peer) = name.0.parse() {
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
            }
            Order::Forget(name) => {
                let Ok(peer) = name.0.parse() else { return };
                for address in self.calls.forget(&peer) {
                    self.remembered.remove(&address);
                }
            }
        }
    }
}
