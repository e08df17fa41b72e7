//! Dialling and listening: the swarm, and a task for each direction of each link.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use futures::{AsyncReadExt as _, StreamExt as _};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{ConnectionId, NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, identity::Keypair, noise, tcp, yamux};
use libp2p_stream as stream;
use parking_lot::RwLock;
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use super::P2pError;
use super::conversation::Heard;
use super::identity::Remembered;
use super::link::{self, End, PATIENCE, Way};
use crate::net::limits::MAX_INBOUND;
use crate::net::{PeerName, wire};

/// The one protocol. Rule: docs/protocol.md#N
const PROTOCOL: StreamProtocol = StreamProtocol::new("/tally/1");
/// Between two calls of an address that does not answer: twice as long each time, up to this.
const MAX_PAUSE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How long a connection without a substream is kept.
const IDLE: Duration = Duration::from_secs(30);
/// How long all addresses may take to be listened on.
const LISTEN: Duration = Duration::from_secs(10);

/// What a connection is for, and how many there may be. Rule: docs/protocol.md#N8
#[derive(NetworkBehaviour)]
struct Behaviour {
    limits: connection_limits::Behaviour,
    stream: stream::Behaviour,
}

/// Connections whose other end has not proved its name yet, and such that others have made.
const MAX_PENDING: u32 = 64;
const MAX_INCOMING: u32 = 2 * MAX_INBOUND as u32;
/// Connections with one peer: two for when both call, one more while an old one ends.
const MAX_PER_PEER: u32 = 3;

/// What the wires are told to do.
pub(super) enum Order {
    Call(Multiaddr),
    Forget(PeerName),
    Close(PeerName),
}

/// An address to be connected with.
struct Call {
    pause: Duration,
    next: Instant,
    dialling: Option<ConnectionId>,
    /// Who answered there, and whether it is connected.
    peer: Option<PeerId>,
    connected: bool,
}

/// Where connected peers are.
pub(super) type Remotes = Arc<RwLock<BTreeMap<PeerId, Multiaddr>>>;

pub(super) struct Wires {
    swarm: Swarm<Behaviour>,
    control: stream::Control,
    incoming: stream::IncomingStreams,
    calls: BTreeMap<Multiaddr, Call>,
    remembered: Remembered,
    heard: SyncSender<Heard>,
    orders: Receiver<Order>,
    links: Arc<AtomicU64>,
    max_frame: usize,
    remotes: Remotes,
}

impl Wires {
    pub(super) fn new(
        keys: Keypair,
        peers: Vec<Multiaddr>,
        remembered: Remembered,
        heard: SyncSender<Heard>,
        orders: Receiver<Order>,
        block_bytes: u64,
        remotes: Remotes,
    ) -> Result<Self, P2pError> {
        let failed = |error: String| P2pError::Transport(error);
        let swarm = SwarmBuilder::with_existing_identity(keys)
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
            .with_behaviour(|_| Behaviour {
                limits: connection_limits::Behaviour::new(
                    ConnectionLimits::default()
                        .with_max_pending_incoming(Some(MAX_PENDING))
                        .with_max_established_incoming(Some(MAX_INCOMING))
                        .with_max_established_per_peer(Some(MAX_PER_PEER)),
                ),
                stream: stream::Behaviour::new(),
            })
            .map_err(|error| failed(error.to_string()))?
            .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
            .build();
        let mut control = swarm.behaviour().stream.new_control();
        let incoming = control.accept(PROTOCOL).map_err(|error| failed(error.to_string()))?;
        let mut wires = Self {
            swarm,
            control,
            incoming,
            calls: BTreeMap::new(),
            heard,
            orders,
            links: Arc::new(AtomicU64::new(1)),
            max_frame: wire::max_frame_bytes(block_bytes),
            remotes,
            remembered,
        };
        let known: Vec<_> = wires.remembered.iter().cloned().collect();
        peers.into_iter().chain(known).for_each(|address| wires.call(address));
        Ok(wires)
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

    fn call(&mut self, address: Multiaddr) {
        self.calls.entry(address).or_insert_with(|| Call {
            pause: FIRST_PAUSE,
            next: Instant::now(),
            dialling: None,
            peer: None,
            connected: false,
        });
    }

    pub(super) async fn run(mut self) {
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.follow(event),
                Some((peer, stream)) = self.incoming.next() => self.link(peer, stream, false),
                Some(order) = self.orders.recv() => self.obey(order),
                _ = tick.tick() => self.dial_due(),
            }
        }
    }

    fn dial_due(&mut self) {
        let now = Instant::now();
        for (address, call) in &mut self.calls {
            if call.connected || call.dialling.is_some() || call.next > now {
                continue;
            }
            if call.peer.is_some_and(|peer| self.swarm.is_connected(&peer)) {
                call.next = now + call.pause; // it has called us
                continue;
            }
            let options = DialOpts::from(address.clone());
            let id = options.connection_id();
            match self.swarm.dial(options) {
                Ok(()) => call.dialling = Some(id),
                Err(error) => {
                    tracing::debug!(%address, %error, "not called");
                    call.wait();
                }
            }
        }
    }

    fn follow(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                self.remotes
                    .write()
                    .insert(peer_id, endpoint.get_remote_address().clone());
                if endpoint.is_listener() {
                    return;
                }
                // One way to each is enough: a second address of the same peer is only noted.
                let second = self
                    .calls
                    .values()
                    .any(|call| call.connected && call.peer == Some(peer_id));
                let called = self
                    .calls
                    .iter_mut()
                    .find(|(_, call)| call.dialling == Some(connection_id));
                if let Some((address, call)) = called {
                    call.dialling = None;
                    call.peer = Some(peer_id);
                    call.connected = true;
                    call.pause = FIRST_PAUSE;
                    self.remembered.insert(address);
                }
                if !second {
                    self.open(peer_id);
                }
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id, error, ..
            } => {
                let called = self
                    .calls
                    .iter_mut()
                    .find(|(_, call)| call.dialling == Some(connection_id));
                if let Some((address, call)) = called {
                    tracing::info!(%address, %error, again_secs = call.pause.as_secs(), "no answer");
                    call.dialling = None;
                    call.wait();
                }
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                ..
            } => {
                self.remotes.write().remove(&peer_id);
                for call in self.calls.values_mut().filter(|call| call.peer == Some(peer_id)) {
                    call.connected = false;
                    call.wait();
                }
            }
            _ => {}
        }
    }

    /// Opens the substream of a connection that we made.
    fn open(&self, peer: PeerId) {
        let mut control = self.control.clone();
        let (heard, links, max_frame) = (self.heard.clone(), self.links.clone(), self.max_frame);
        tokio::spawn(async move {
            match control.open_stream(peer, PROTOCOL).await {
                Ok(stream) => spawn_link(peer, stream, true, heard, &links, max_frame),
                Err(error) => tracing::info!(%peer, %error, "does not speak our protocol"),
            }
        });
    }

    fn link(&self, peer: PeerId, stream: libp2p::Stream, outbound: bool) {
        spawn_link(peer, stream, outbound, self.heard.clone(), &self.links, self.max_frame);
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Call(address) => self.call(address),
            Order::Close(name) => {
                if let Ok(peer) = name.0.parse() {
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
            }
            Order::Forget(name) => {
                let Ok(peer) = name.0.parse::<PeerId>() else { return };
                let theirs = |address: &Multiaddr, call: &Call| {
                    call.peer == Some(peer) || address.iter().any(|part| part == Protocol::P2p(peer))
                };
                let forgotten: Vec<_> = self
                    .calls
                    .extract_if(.., |address, call| theirs(address, call))
                    .collect();
                forgotten
                    .iter()
                    .for_each(|(address, _)| self.remembered.remove(address));
            }
        }
    }
}

impl Call {
    fn wait(&mut self) {
        self.next = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(MAX_PAUSE);
    }
}

fn spawn_link(
    peer: PeerId,
    stream: libp2p::Stream,
    outbound: bool,
    heard: SyncSender<Heard>,
    links: &AtomicU64,
    max_frame: usize,
) {
    let link = links.fetch_add(1, Relaxed);
    let name = PeerName(peer.to_string());
    let (mut from, to) = stream.split();
    let (way, outbox) = Way::new();
    tokio::spawn(async move {
        let connected = Heard::Connected {
            name: name.clone(),
            outbound,
            link,
            way,
        };
        if !tell(&heard, connected).await {
            return;
        }
        let writing = async {
            match link::write(to, outbox).await {
                Ok(()) => {}
                Err(error) => tracing::debug!(%name, %error, "cannot be written to"),
            }
        };
        let reading = async {
            loop {
                let told = match link::read(&mut from, max_frame, PATIENCE).await {
                    Ok(frame) => Heard::Frame {
                        name: name.clone(),
                        link,
                        frame,
                    },
                    Err(End::Closed(error)) => return tracing::debug!(%name, %error, "closed"),
                    Err(End::Broken(offence)) => {
                        let name = name.clone();
                        tell(&heard, Heard::Broken { name, link, offence }).await;
                        return;
                    }
                };
                if !tell(&heard, told).await {
                    return;
                }
            }
        };
        tokio::select! {
            () = writing => {}
            () = reading => {}
        }
        tell(
            &heard,
            Heard::Gone {
                name: name.clone(),
                link,
            },
        )
        .await;
    });
}

/// Tells the conversation; where its inbox is full, waits beside the runtime's own threads.
async fn tell(heard: &SyncSender<Heard>, told: Heard) -> bool {
    match heard.try_send(told) {
        Ok(()) => true,
        Err(std::sync::mpsc::TrySendError::Disconnected(_)) => false,
        Err(std::sync::mpsc::TrySendError::Full(told)) => {
            let heard = heard.clone();
            tokio::task::spawn_blocking(move || heard.send(told).is_ok())
                .await
                .unwrap_or(false)
        }
    }
}
