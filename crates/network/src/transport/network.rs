//! A running network: the thread of the session, the task of the swarm, and the doors of operators to them.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use ipnet::IpNet;
use libp2p::{Multiaddr, PeerId};
use parking_lot::{Mutex, RwLock};
use tally_node::{Node, supervise};

use super::config::{NetworkConfig, NetworkError};
use super::conversation;
use super::events::{DriverEvent, OperatorCommand, SwarmCommand};
use super::identity;
use super::kept;
use super::status::NetworkStatus;
use super::swarm::{Seen, SwarmTask};
use crate::session::peers::book::{name_in, place_of};
use crate::session::{PeerName, Session};
use crate::wire::limits::MIN_OUTBOUND;

/// A running network; it ends with [`Network::stop`].
pub struct Network {
    id: PeerId,
    addresses: Vec<Multiaddr>,
    driver: SyncSender<DriverEvent>,
    commands: tokio::sync::mpsc::Sender<SwarmCommand>,
    status: Arc<RwLock<NetworkStatus>>,
    seen: Seen,
    thread: Mutex<Option<JoinHandle<()>>>,
    tasks: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl Network {
    /// Listens and dials. Runs on the current tokio runtime, and on a thread of its own. `agent`: name and version of the
    /// program, as peers see it.
    ///
    /// # Errors
    /// If the identity cannot be read or made, or the node cannot listen at the configured address.
    pub async fn start(node: Node, config: NetworkConfig, agent: &str) -> Result<Self, NetworkError> {
        let keys = identity::load(&config.folder)?;
        let id = keys.public().to_peer_id();
        let (driver, inbox) = std::sync::mpsc::sync_channel(conversation::INBOX);
        let (commands, taken) = tokio::sync::mpsc::channel(1_024);
        let seen = Seen::default();
        let (file, bans) = kept::BansFile::open(&config.folder);
        let secret = identity::secret(&keys)?;
        *seen.banned.write() = bans.hosts();
        let banned = seen.banned.clone();
        let mut kept = conversation::KeptBans { file, banned };
        let swarm = SwarmTask::new(keys, &config, &node, agent, driver.clone(), taken, seen.clone())?;
        let (swarm, addresses) = swarm.listen(config.listen).await?;
        let mut session = Session::new(node.clone(), agent);
        session.expect_named(config.peers.len());
        if config.peers.is_empty() && config.discover {
            session.expect_outbound(MIN_OUTBOUND);
        }
        session.begin_with(bans, secret);
        // From the first answer on: bans of the last run are there before the first event.
        let status = Arc::new(RwLock::new(NetworkStatus::of(&session)));
        let thread = {
            let (commands, status, own) = (commands.clone(), status.clone(), PeerName(id.to_string()));
            supervise::thread("network", move || {
                conversation::run(session, &own, &inbox, &commands, &status, &mut kept)
            })
            .map_err(|error| NetworkError::Transport(error.to_string()))?
        };
        let news = {
            let (driver, mut events) = (driver.clone(), node.events().subscribe());
            supervise::task("network news", async move {
                use tokio::sync::broadcast::error::RecvError;
                // The session reads the events itself; this only wakes its thread.
                while !matches!(events.recv().await, Err(RecvError::Closed)) {
                    let _ = driver.try_send(DriverEvent::Wake);
                }
            })
        };
        let tasks = vec![supervise::task("network swarm", swarm.run()), news];
        Ok(Self {
            id,
            addresses,
            driver,
            commands,
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

    /// Where others can dial, each with this node's name at its end.
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

    /// Dials an address, now and whenever it is not connected.
    pub async fn add(&self, address: Multiaddr) {
        let _ = self.commands.send(SwarmCommand::Dial(address)).await;
    }

    /// Ends the connection with a peer and forgets its addresses; false if it was not connected.
    pub async fn remove(&self, name: &PeerName) -> bool {
        let _ = self.commands.send(SwarmCommand::Forget(name.clone())).await;
        let reason = "removed by the operator".to_owned();
        let name = name.clone();
        self.request(OperatorCommand::End { name, reason }).await
    }

    /// Bans a peer for `secs` seconds.
    pub async fn ban(&self, name: PeerName, secs: u64, reason: String) {
        self.request(OperatorCommand::Ban { name, secs, reason }).await;
    }

    /// Lifts the ban of a peer; false if there is none.
    pub async fn unban(&self, name: PeerName) -> bool {
        self.request(OperatorCommand::Unban { name }).await
    }

    /// Bans an address range for `secs` seconds; false if too many are banned.
    pub async fn ban_range(&self, range: IpNet, secs: u64, reason: String) -> bool {
        self.request(OperatorCommand::BanRange { range, secs, reason }).await
    }

    /// Lifts the ban of an address range; false if there is none.
    pub async fn unban_range(&self, range: IpNet) -> bool {
        self.request(OperatorCommand::UnbanRange { range }).await
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

    /// Hands a command to the session's thread, and waits until it is done and the status shows it.
    async fn request(&self, command: OperatorCommand) -> bool {
        let (done, did) = tokio::sync::oneshot::channel();
        self.send(DriverEvent::Command(command, done)).await;
        did.await.unwrap_or(false)
    }

    async fn send(&self, event: DriverEvent) {
        let driver = self.driver.clone();
        let _ = tokio::task::spawn_blocking(move || driver.send(event).is_ok()).await;
    }

    /// Ends all connections; an import under way ends first.
    pub async fn stop(&self) {
        for task in self.tasks.lock().drain(..) {
            task.abort();
        }
        self.send(DriverEvent::Stop).await;
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}
