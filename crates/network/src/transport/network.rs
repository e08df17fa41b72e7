//! A running network: the thread of the session, the task of the swarm, and the doors of operators to them.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use ipnet::IpNet;
use libp2p::{Multiaddr, PeerId};
use parking_lot::{Mutex, RwLock};
use tally_node::{Node, supervise};

use super::config::{P2pConfig, P2pError};
use super::conversation;
use super::events::{Asked, Heard, Order};
use super::identity;
use super::kept;
use super::status::NetworkStatus;
use super::wires::{Seen, Wires};
use crate::session::peers::book::{name_in, place_of};
use crate::session::{Network, PeerName};
use crate::wire::limits::MIN_CALLED;

/// A running network; it ends with [`P2p::stop`].
pub struct P2p {
    id: PeerId,
    addresses: Vec<Multiaddr>,
    heard: SyncSender<Heard>,
    orders: tokio::sync::mpsc::Sender<Order>,
    status: Arc<RwLock<NetworkStatus>>,
    seen: Seen,
    thread: Mutex<Option<JoinHandle<()>>>,
    tasks: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl P2p {
    /// Listens and dials. Runs on the runtime that calls it, and a thread of its own.
    pub async fn start(node: Node, config: P2pConfig, agent: &str) -> Result<Self, P2pError> {
        let keys = identity::load(&config.folder)?;
        let id = keys.public().to_peer_id();
        let (heard, inbox) = std::sync::mpsc::sync_channel(conversation::INBOX);
        let (orders, taken) = tokio::sync::mpsc::channel(1_024);
        let seen = Seen::default();
        let (file, bans) = kept::BansFile::open(&config.folder);
        let secret = identity::secret(&keys)?;
        *seen.banned.write() = bans.hosts();
        let banned = seen.banned.clone();
        let mut kept = conversation::KeptBans { file, banned };
        let wires = Wires::new(keys, &config, &node, agent, heard.clone(), taken, seen.clone())?;
        let (wires, addresses) = wires.listen(config.listen).await?;
        let mut network = Network::new(node.clone(), agent);
        network.expect_named(config.peers.len());
        if config.peers.is_empty() && config.discover {
            network.expect_called(MIN_CALLED);
        }
        network.begin_with(bans, secret);
        // From the first answer on: bans of the last run are there before the first turn.
        let status = Arc::new(RwLock::new(NetworkStatus::of(&network)));
        let thread = {
            let (orders, status, own) = (orders.clone(), status.clone(), PeerName(id.to_string()));
            supervise::thread("network", move || {
                conversation::run(network, &own, &inbox, &orders, &status, &mut kept)
            })
            .map_err(|error| P2pError::Transport(error.to_string()))?
        };
        let news = {
            let (heard, mut events) = (heard.clone(), node.events().subscribe());
            supervise::task("network news", async move {
                use tokio::sync::broadcast::error::RecvError;
                // What happened is read by the conversation itself; this only wakes it.
                while !matches!(events.recv().await, Err(RecvError::Closed)) {
                    let _ = heard.try_send(Heard::News);
                }
            })
        };
        let tasks = vec![supervise::task("network wires", wires.run()), news];
        Ok(Self {
            id,
            addresses,
            heard,
            orders,
            status,
            seen,
            thread: Mutex::new(Some(thread)),
            tasks: Mutex::new(tasks),
        })
    }

    /// The name under which others know this node.
    pub fn id(&self) -> PeerId {
        self.id
    }

    /// Where others can call, each with this node's name at its end.
    pub fn addresses(&self) -> &[Multiaddr] {
        &self.addresses
    }

    /// The state of a moment ago.
    pub fn status(&self) -> NetworkStatus {
        let mut status = self.status.read().clone();
        status.found = *self.seen.found.read();
        status
    }

    /// Where a connected peer is.
    pub fn address_of(&self, name: &PeerName) -> Option<Multiaddr> {
        self.seen.remotes.read().get(&name.0.parse().ok()?).cloned()
    }

    /// Calls an address, now and whenever it is not connected.
    pub async fn add(&self, address: Multiaddr) {
        let _ = self.orders.send(Order::Call(address)).await;
    }

    /// Ends the connection with a peer and forgets its addresses; says whether it was connected.
    pub async fn remove(&self, name: &PeerName) -> bool {
        let _ = self.orders.send(Order::Forget(name.clone())).await;
        let reason = "removed by the operator".to_owned();
        let name = name.clone();
        self.ask(Asked::End { name, reason }).await
    }

    /// Has nothing to do with a peer for so many seconds.
    pub async fn ban(&self, name: PeerName, secs: u64, reason: String) {
        self.ask(Asked::Ban { name, secs, reason }).await;
    }

    /// Speaks with a peer again; says whether it was banned.
    pub async fn unban(&self, name: PeerName) -> bool {
        self.ask(Asked::Unban { name }).await
    }

    /// Has nothing to do with an address range for so many seconds; false if too many are banned.
    pub async fn ban_range(&self, range: IpNet, secs: u64, reason: String) -> bool {
        self.ask(Asked::BanRange { range, secs, reason }).await
    }

    /// Speaks with an address range again; says whether it was banned.
    pub async fn unban_range(&self, range: IpNet) -> bool {
        self.ask(Asked::UnbanRange { range }).await
    }

    /// The name of a peer as its connections prove it; none for a text that cannot be one.
    pub fn name(text: &str) -> Option<PeerName> {
        let id: PeerId = text.parse().ok()?;
        Some(PeerName(id.to_string()))
    }

    /// Whether an address leads to this node itself, as far as its name or its port shows.
    pub fn is_own(&self, address: &Multiaddr) -> bool {
        let by_name = name_in(address) == Some(self.id);
        let place = place_of(address);
        by_name || self.addresses.iter().any(|own| place_of(own) == place)
    }

    /// Asks the conversation for something, and waits until it is done and seen in the status.
    async fn ask(&self, asked: Asked) -> bool {
        let (done, did) = tokio::sync::oneshot::channel();
        self.tell(Heard::Asked(asked, done)).await;
        did.await.unwrap_or(false)
    }

    async fn tell(&self, heard: Heard) {
        let sender = self.heard.clone();
        let _ = tokio::task::spawn_blocking(move || sender.send(heard).is_ok()).await;
    }

    /// Ends all connections; an import under way ends first.
    pub async fn stop(&self) {
        for task in self.tasks.lock().drain(..) {
            task.abort();
        }
        self.tell(Heard::Stop).await;
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}
