//! `tally bench network`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use tally_chain::{BlockId, ChainSpec, RawTransaction, TxId};
use tally_network::session::PeerName;
use tally_network::{Multiaddr, Network, NetworkConfig};
use tally_node::{ChainEvent, Node, system_clock};
use tally_wallet::KeyKind;
use tokio::runtime::Runtime;
use tokio::sync::broadcast::error::RecvError;

use super::signers::{Signers, chain, identity};
use super::{Figures, import, percentile, source};

/// Transfers that are submitted in one go: fewer than the events that a node keeps for slow receivers.
const AT_ONCE: usize = 250;
/// How long anything may take to come everywhere.
const PATIENCE: Duration = Duration::from_secs(120);

/// Nodes of one process connected over loopback, each dialling up to three of those before it.
#[derive(Debug, Args)]
pub struct NetworkArgs {
    /// Nodes
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(2..=32))]
    nodes: u16,
    /// Transfers that are sent one by one, each when the one before it is everywhere
    #[arg(long, default_value_t = 200)]
    single: usize,
    /// Blocks that are relayed, and then fetched by a new node
    #[arg(long, default_value_t = 20)]
    blocks: usize,
    /// Transfers in each block
    #[arg(long, default_value_t = 1_000)]
    transfers: usize,
    /// Kind of the signatures: rsa-2048, rsa-3072, rsa-4096 or secp256k1
    #[arg(long, default_value = "rsa-2048")]
    kind: KeyKind,
}

/// What came to a node, and when.
enum Came {
    Transaction(TxId),
    Block(BlockId),
}

struct Members {
    runtime: Runtime,
    nodes: Vec<Node>,
    /// Of each node, in the same order.
    networks: Vec<Network>,
    came: Receiver<(usize, Came, Instant)>,
    arrivals: Sender<(usize, Came, Instant)>,
}

pub fn run(args: &NetworkArgs) -> anyhow::Result<Figures> {
    anyhow::ensure!(
        args.single > 0 && args.blocks > 0 && args.transfers > 0,
        "--single, --blocks and --transfers are 1 or more"
    );
    let signers = Signers::new(args.kind, 8)?;
    let spec = chain(signers.addresses())?;
    let signers = signers.on(identity(&spec));
    let folder = tempfile::tempdir()?;
    let mut members = Members::start(&spec, folder.path(), args.nodes.into())?;

    let mut single = Vec::new();
    let mut size = 0;
    for envelope in signers.transfers(args.single, &[0; 8], system_clock()())? {
        size = envelope.len();
        let id = members.nodes[0]
            .checker()
            .check_one(RawTransaction::decode(envelope.clone())?)?
            .id();
        let begun = Instant::now();
        members.nodes[0].submit(envelope)?;
        single.extend(members.everywhere(
            1,
            |came| matches!(came, Came::Transaction(found) if *found == id),
            begun,
        )?);
    }
    // What was sent one by one goes into a block that is not measured.
    members.mine(&signers)?;

    let (mut blocks, mut rates) = (Vec::new(), Vec::new());
    let before = members.bytes();
    for _ in 0..args.blocks {
        let begun = Instant::now();
        let mut left = args.transfers;
        while left > 0 {
            let some = left.min(AT_ONCE);
            source::fill(&members.nodes[0], &signers, some, system_clock()())?;
            left -= some;
        }
        let last = members.everywhere(args.transfers, |came| matches!(came, Came::Transaction(_)), begun)?;
        let took = last.iter().max().copied().unwrap_or_default().as_secs_f64();
        rates.push(args.transfers as f64 / took);
        blocks.extend(members.mine(&signers)?);
    }
    let carried = (members.bytes() - before) as f64 / (args.nodes - 1) as f64;
    let each = carried / (args.blocks * args.transfers) as f64;

    let healed = members.heal(&signers)?;
    let height = members.nodes[0].tip().record.height().0 as f64;
    let (synced, imported) = members.sync(&spec, folder.path())?;
    members.stop()?;
    let transfers = (args.blocks * args.transfers + args.single) as f64;
    rates.sort_unstable_by(f64::total_cmp);
    Ok(Figures {
        bench: "network",
        figures: vec![
            ("nodes", f64::from(args.nodes), "in one process"),
            (
                "transaction_everywhere_p50",
                percentile(&single, 50),
                "ms from submission to a node's pool",
            ),
            ("transaction_everywhere_p95", percentile(&single, 95), "ms"),
            (
                "full_block_everywhere_p50",
                percentile(&blocks, 50),
                "ms from one tip to another",
            ),
            ("full_block_everywhere_p95", percentile(&blocks, 95), "ms"),
            ("transfers_in_a_block", args.transfers as f64, ""),
            (
                "batch_everywhere",
                rates[rates.len() / 2],
                "/s, from submission to every pool",
            ),
            ("transfer_size", size as f64, "bytes"),
            ("bytes_per_transfer_and_node", each, "received, pool and block together"),
            ("bytes_of_size", each / size as f64, "times its size"),
            ("synchronised_blocks", height / synced.as_secs_f64(), "/s by a new node"),
            ("synchronised_transfers", transfers / synced.as_secs_f64(), "/s"),
            (
                "imported_transfers",
                transfers / imported.as_secs_f64(),
                "/s, the same blocks from memory: the limit",
            ),
            (
                "healed",
                super::millis(&healed),
                "ms from the end of a partition until all agree; dials are repeated after a second",
            ),
        ],
    })
}

impl Members {
    fn start(spec: &ChainSpec, folder: &Path, count: usize) -> anyhow::Result<Self> {
        let (arrivals, came) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let mut members = Self {
            runtime,
            nodes: Vec::new(),
            networks: Vec::new(),
            came,
            arrivals,
        };
        for index in 0..count {
            let before = [
                index.checked_sub(1),
                index.checked_sub(2),
                (index > 3).then(|| index / 2 - 1),
            ];
            let peers: Vec<_> = before.iter().flatten().map(|other| members.address(*other)).collect();
            members.add(spec, folder, peers)?;
        }
        members.connected()?;
        Ok(members)
    }

    fn address(&self, index: usize) -> Multiaddr {
        let first = self.networks[index].addresses().first();
        first.cloned().unwrap_or_else(Multiaddr::empty)
    }

    fn add(&mut self, spec: &ChainSpec, folder: &Path, peers: Vec<Multiaddr>) -> anyhow::Result<()> {
        let index = self.nodes.len();
        let data_dir = folder.join(format!("node-{index}"));
        let node = source::open(spec, data_dir.clone(), &system_clock())?;
        let mut events = node.events().subscribe();
        let arrivals = self.arrivals.clone();
        std::thread::spawn(move || {
            loop {
                let came = match events.blocking_recv() {
                    Ok(numbered) => match numbered.event {
                        ChainEvent::Transaction { id, .. } => Came::Transaction(id),
                        ChainEvent::Block { id, .. } => Came::Block(id),
                        _ => continue,
                    },
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                };
                if arrivals.send((index, came, Instant::now())).is_err() {
                    return;
                }
            }
        });
        let config = NetworkConfig {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            peers,
            folder: data_dir.join("network"),
            ..NetworkConfig::default()
        };
        let network = self.runtime.block_on(Network::start(node.clone(), config, "bench"))?;
        self.nodes.push(node);
        self.networks.push(network);
        Ok(())
    }

    /// Waits until every node is connected with another.
    fn connected(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let greeted = |network: &Network| network.status().peers.iter().any(|peer| peer.height.is_some());
        while !self.networks.iter().all(greeted) {
            anyhow::ensure!(begun.elapsed() < PATIENCE, "the nodes do not find each other");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Waits until every node but the first has had `count` of these; how long after `begun` each came.
    fn everywhere(&self, count: usize, these: impl Fn(&Came) -> bool, begun: Instant) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        while times.len() < count * (self.nodes.len() - 1) {
            let (index, came, at) = self
                .came
                .recv_timeout(PATIENCE)
                .context("something does not come everywhere")?;
            if index != 0 && these(&came) {
                times.push(at.saturating_duration_since(begun));
            }
        }
        Ok(times)
    }

    /// Mines a block of what is in the first node's pool; how long after its tip moved that of each other node did.
    fn mine(&self, signers: &Signers) -> anyhow::Result<Vec<Duration>> {
        let id = source::mine(&self.nodes[0], signers, 0, system_clock()())?;
        let (mut first, mut others) = (None, Vec::new());
        while first.is_none() || others.len() < self.nodes.len() - 1 {
            let (index, came, at) = self
                .came
                .recv_timeout(PATIENCE)
                .context("a block does not come everywhere")?;
            match came {
                Came::Block(found) if found == id && index == 0 => first = Some(at),
                Came::Block(found) if found == id => others.push(at),
                _ => {}
            }
        }
        let first = first.context("the first node has the block")?;
        Ok(others
            .into_iter()
            .map(|at| at.saturating_duration_since(first))
            .collect())
    }

    /// Bytes that all nodes have received.
    fn bytes(&self) -> u64 {
        // A status is a quarter of a second old at most.
        std::thread::sleep(Duration::from_millis(600));
        let received = |network: &Network| network.status().counters.traffic.bytes_in;
        self.networks.iter().map(received).sum()
    }

    /// Seconds that a new node needs to have everything, and those of the same blocks imported from memory.
    fn sync(&mut self, spec: &ChainSpec, folder: &Path) -> anyhow::Result<(Duration, Duration)> {
        let tip = self.nodes[0].tip();
        let blocks = (1..=tip.record.height().0)
            .map(|height| {
                let id = tip
                    .snapshot
                    .id_at(tally_chain::Height(height))?
                    .context("the active chain has no holes")?;
                Ok(tip
                    .snapshot
                    .block_bytes(&id)?
                    .context("a stored block has its body")?
                    .to_vec())
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let imported = import::import(spec, folder.join("imported"), &system_clock(), &blocks)?;
        let newest = self.nodes.len();
        let peers = vec![self.address(0), self.address(1)];
        let begun = Instant::now();
        self.add(spec, folder, peers)?;
        loop {
            let (index, came, at) = self
                .came
                .recv_timeout(PATIENCE)
                .context("the new node does not catch up")?;
            if index == newest && matches!(came, Came::Block(id) if id == tip.record.id) {
                return Ok((at.saturating_duration_since(begun), imported.iter().sum()));
            }
        }
    }

    /// How long halves that both mined need to agree once they may connect again.
    fn heal(&self, signers: &Signers) -> anyhow::Result<Duration> {
        let (left, right) = self.nodes.split_at(self.nodes.len() / 2);
        let apart = |on: bool| {
            let (left, right) = self.networks.split_at(self.networks.len() / 2);
            let both = left
                .iter()
                .zip(std::iter::repeat(right))
                .chain(right.iter().zip(std::iter::repeat(left)));
            for (network, others) in both {
                for other in others {
                    let name = PeerName(other.id().to_string());
                    self.runtime.block_on(async {
                        match on {
                            true => network.ban(name, 3_600, "a partition".to_owned()).await,
                            false => drop(network.unban(name).await),
                        }
                    });
                }
            }
        };
        let wait = |what: &str, done: &dyn Fn() -> bool| {
            let begun = Instant::now();
            while !done() {
                anyhow::ensure!(begun.elapsed() < PATIENCE, "{what}");
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        };
        let agree = |nodes: &[Node]| {
            nodes
                .iter()
                .all(|node| node.tip().record.id == nodes[0].tip().record.id)
        };
        apart(true);
        for (half, blocks) in [(left, 3), (right, 6)] {
            let first = half.first().context("a half has a node")?;
            for _ in 0..blocks {
                source::mine(first, signers, 0, system_clock()())?;
            }
            wait("a half does not agree", &|| agree(half))?;
        }
        anyhow::ensure!(!agree(&self.nodes), "the halves are not apart");
        apart(false);
        let begun = Instant::now();
        wait("the halves do not agree again", &|| agree(&self.nodes))?;
        Ok(begun.elapsed())
    }

    fn stop(self) -> anyhow::Result<()> {
        for (node, network) in self.nodes.into_iter().zip(self.networks) {
            self.runtime.block_on(network.stop());
            node.close()?;
        }
        Ok(())
    }
}
