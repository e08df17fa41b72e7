//! Nodes inside the test process, with chains and clocks of their own: the peers that a node process meets.

use std::io::Read as _;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};

use tally_chain::{Address, UnixSecs};
use tally_network::{NetworkConfig, NetworkSlot};
use tally_node::{CheckpointConfig, Clock, Node, system_clock};

use crate::common::{self, ECC, RUNTIME, coin, mine_on};

/// A node of the chain `test`; it ends when it is dropped.
pub struct Inside {
    pub node: Node,
    pub network: NetworkSlot,
    /// Where others dial it, once it listens.
    pub address: String,
    ahead_secs: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

/// The system's clock, so many seconds ahead.
fn clock(ahead_secs: Arc<AtomicI64>) -> Clock {
    let system = system_clock();
    Arc::new(move || UnixSecs(system().0.saturating_add_signed(ahead_secs.load(Relaxed))))
}

impl Inside {
    /// Two of different producers never make the same block.
    pub fn new(producer: u8, checkpoints: CheckpointConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ahead_secs = Arc::new(AtomicI64::new(0));
        let mut config = common::config(folder.path().to_owned());
        config.mining.producer = Address::repeat_byte(producer);
        config.checkpoints = checkpoints;
        let node = Node::open(config, clock(ahead_secs.clone())).unwrap();
        Self {
            node,
            network: NetworkSlot::default(),
            address: String::new(),
            ahead_secs,
            folder,
        }
    }

    /// How far its clock is ahead of the system's from now on, in seconds; below 0 it is behind.
    pub fn set_ahead(&self, secs: i64) {
        self.ahead_secs.store(secs, Relaxed);
    }

    /// Mines so many blocks a second apart, as the chain aims at; the last one is of now.
    pub fn mine(&self, blocks: i64) {
        for left in (0..blocks).rev() {
            self.set_ahead(-left);
            mine_on(&self.node);
        }
    }

    /// Mines so many blocks, each with this number of payments that carry a kilobyte.
    pub fn mine_full(&self, blocks: u64, payments: u64) {
        let identity = self.node.identity();
        for block in 0..blocks {
            let envelopes = (block * payments..(block + 1) * payments).map(|nonce| {
                let mut payment = coin(nonce);
                payment.memo = "x".repeat(1_000);
                ECC[0].sign(&identity, &payment)
            });
            for submitted in self.node.submit_batch(envelopes.collect()) {
                submitted.unwrap();
            }
            mine_on(&self.node);
        }
    }

    /// Accepts connections on a free port of this host.
    pub fn listen(&mut self, host: [u8; 4]) {
        let config = NetworkConfig {
            listen: Some(SocketAddr::from((host, 0))),
            folder: self.folder.path().join("network"),
            ..NetworkConfig::default()
        };
        let started = self.network.start(self.node.clone(), config, "tally/inside");
        RUNTIME.block_on(started).unwrap();
        let addresses = self.network.get().unwrap().addresses();
        let mut addresses = addresses.iter().map(ToString::to_string);
        self.address = addresses.find(|address| address.contains("/tcp/")).unwrap();
    }

    /// The name under which others know it.
    pub fn id(&self) -> String {
        self.network.get().unwrap().id().to_string()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        RUNTIME.block_on(self.network.stop());
        let _ = self.node.close();
    }
}

/// A way to a node that lets only so many of its bytes through until it is opened.
pub struct Gate {
    /// Where it is dialled in the place of the node.
    pub address: String,
    opened: Opened,
}

type Opened = Arc<(Mutex<bool>, Condvar)>;

impl Gate {
    /// Before a node that listens; it ends with the process of the test.
    pub fn before(node: &Inside, bytes: u64) -> Self {
        let mut parts: Vec<_> = node.address.split('/').map(str::to_owned).collect();
        let there = format!("{}:{}", parts[2], parts[4]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        parts[4] = listener.local_addr().unwrap().port().to_string();
        let opened = Opened::default();
        let gate = Self {
            address: parts.join("/"),
            opened: opened.clone(),
        };
        std::thread::spawn(move || {
            for caller in listener.incoming().map_while(Result::ok) {
                carry(caller, &there, bytes, &opened);
            }
        });
        gate
    }

    pub fn open(&self) {
        let (open, changed) = &*self.opened;
        *open.lock().unwrap() = true;
        changed.notify_all();
    }
}

/// Carries a connection in both directions, each in a thread of its own.
fn carry(caller: TcpStream, there: &str, bytes: u64, opened: &Opened) {
    let Ok(node) = TcpStream::connect(there) else { return };
    let (mut client, mut server) = (caller.try_clone().unwrap(), node.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut client, &mut server);
        let _ = server.shutdown(Shutdown::Both);
    });
    let (mut from, mut to, opened) = (node, caller, opened.clone());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut (&from).take(bytes), &mut to);
        let (open, changed) = &*opened;
        drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
