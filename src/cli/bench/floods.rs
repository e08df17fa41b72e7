//! `tally bench floods`: a node process that hostile peers flood, in one way after the other, and what that costs it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use tally_chain::pow::{Search, Target};
use tally_chain::{Address, B256, BlockId, Bytes, ChainSpec, Header, Height, Manifest, TxId, UnixSecs, Weight, merkle};
use tally_network::Multiaddr;
use tally_network::raw::RawPeer;
use tally_network::wire::limits::{MAX_IDS, MAX_INBOUND, MAX_INDEXES};
use tally_network::wire::{Claim, CompactBlock, Frame, Hello, Message, PROTOCOL_VERSION, max_frame_bytes};
use tally_node::system_clock;
use tally_wallet::KeyKind;
use tokio::runtime::Runtime;

use super::super::out::errln;
use super::signers::{Signers, chain, identity};
use super::{Figures, source};

/// Blocks on the flooded node's chain: what requests can be about.
const BLOCKS: usize = 4;
/// Different ones of what is made up beforehand.
const DIFFERENT: usize = 64;

#[derive(Debug, Args)]
pub struct FloodsArgs {
    /// Hostile peers at once; one that is disconnected connects again under another peer id
    #[arg(long, default_value_t = MAX_INBOUND as u32)]
    peers: u32,
    /// Seconds that each flood lasts
    #[arg(long, default_value_t = 10)]
    secs: u64,
    /// Transfers in each of the 4 blocks that hostile peers request: by default as many as fill an answer
    #[arg(long, default_value_t = 40_000)]
    transfers: usize,
}

/// What a hostile peer does once it is connected.
#[derive(Debug, Clone, Copy)]
enum Flood {
    /// Sends nothing at all.
    Silence,
    /// Announces transactions that do not exist.
    Inventory,
    /// Answers requests for transactions with wrong signatures.
    Signatures,
    /// Announces blocks whose parents do not exist, with as many short ids as a block can have.
    Orphans,
    /// Begins the longest of all frames, and leaves out its last byte.
    HalfFrames,
    /// Requests blocks, and does not read the answers.
    Requests,
}

const FLOODS: [(Flood, &str, &str); 6] = [
    (Flood::Silence, "silence_memory", "silence_slowest_answer"),
    (Flood::Inventory, "inventory_memory", "inventory_slowest_answer"),
    (
        Flood::Signatures,
        "wrong_signatures_memory",
        "wrong_signatures_slowest_answer",
    ),
    (Flood::Orphans, "orphans_memory", "orphans_slowest_answer"),
    (Flood::HalfFrames, "half_frames_memory", "half_frames_slowest_answer"),
    (
        Flood::Requests,
        "unread_answers_memory",
        "unread_answers_slowest_answer",
    ),
];

/// Frames that hostile peers send, made before the flood so that making them takes no time of it.
struct Made {
    hello: Vec<u8>,
    inventories: Vec<Vec<u8>>,
    wrong: Vec<Bytes>,
    orphans: Vec<Vec<u8>>,
    half: Vec<u8>,
    /// Each begins with another block: an answer of full blocks holds one.
    requests: Vec<Vec<u8>>,
    block_bytes: u64,
}

pub fn run(args: &FloodsArgs) -> anyhow::Result<Figures> {
    anyhow::ensure!(args.peers > 0 && args.secs > 0, "--peers and --secs are 1 or more");
    let signers = Signers::new(KeyKind::Secp256k1, 8)?;
    let spec = chain(signers.addresses())?;
    let signers = signers.on(identity(&spec));
    let folder = tempfile::tempdir()?;
    let spec_file = folder.path().join("spec.toml");
    std::fs::write(&spec_file, spec.to_toml())?;
    let data_dir = folder.path().join("node");
    errln!(
        "making a chain of {} transfers in {BLOCKS} blocks",
        BLOCKS * args.transfers
    );
    let made = Arc::new(make(&signers, &spec, &data_dir, args.transfers)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut figures = vec![("peers", f64::from(args.peers), "at once")];
    let calm = Process::start(&spec_file, &data_dir)?;
    std::thread::sleep(Duration::from_secs(1));
    figures.push(("calm_memory", calm.megabytes(), "MB resident, before any flood"));
    drop(calm);
    for (flood, memory, slowest) in FLOODS {
        errln!("{flood:?}");
        let process = Process::start(&spec_file, &data_dir)?;
        let seen = flood_one(&runtime, &process, flood, &made, args)?;
        figures.push((memory, seen.megabytes, "MB resident at most"));
        figures.push((
            slowest,
            seen.slowest.as_secs_f64() * 1_000.0,
            "ms, /healthz while it lasted",
        ));
    }
    Ok(Figures {
        bench: "floods",
        figures,
    })
}

/// What one flood cost.
struct Seen {
    megabytes: f64,
    slowest: Duration,
}

fn flood_one(
    runtime: &Runtime,
    process: &Process,
    flood: Flood,
    made: &Arc<Made>,
    args: &FloodsArgs,
) -> anyhow::Result<Seen> {
    let peers: Vec<_> = (0..args.peers)
        .map(|at| {
            let (address, made) = (process.address.clone(), made.clone());
            runtime.spawn(async move {
                for turn in 0.. {
                    if let Ok(peer) = RawPeer::connect(address.clone()).await {
                        let _ = be(peer, flood, &made, (at as usize + turn) % DIFFERENT).await;
                    }
                }
            })
        })
        .collect();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let url = format!("{}/healthz", process.url);
    let begun = Instant::now();
    let (mut megabytes, mut slowest) = (0_f64, Duration::ZERO);
    while begun.elapsed() < Duration::from_secs(args.secs) {
        let begun_read = Instant::now();
        agent.get(&url).call().context("the flooded node does not answer")?;
        slowest = slowest.max(begun_read.elapsed());
        megabytes = megabytes.max(process.megabytes());
        std::thread::sleep(Duration::from_millis(20));
    }
    peers.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(Seen { megabytes, slowest })
}

/// Goes on until the node ends the connection.
async fn be(mut peer: RawPeer, flood: Flood, made: &Made, at: usize) -> std::io::Result<()> {
    if matches!(flood, Flood::Silence) {
        peer.recv().await?; // its hello
        peer.recv().await?; // nothing more comes
        return Ok(());
    }
    peer.send(&made.hello).await?;
    for turn in at.. {
        match flood {
            Flood::Silence => {}
            Flood::Inventory => peer.send(&made.inventories[turn % DIFFERENT]).await?,
            Flood::Orphans => peer.send(&made.orphans[turn % made.orphans.len()]).await?,
            Flood::Requests => peer.send(&made.requests[turn % BLOCKS]).await?,
            Flood::HalfFrames => {
                peer.send_bytes(&made.half).await?;
                while peer.recv().await.is_ok() {}
                return Ok(());
            }
            Flood::Signatures => {
                peer.send(&made.inventories[turn % DIFFERENT]).await?;
                loop {
                    let frame = Frame::decode(&peer.recv().await?, made.block_bytes);
                    let frame = frame.map_err(std::io::Error::other)?;
                    if let Message::GetTransactions(_) = frame.message {
                        let (request, message) = (frame.request, Message::Transactions(made.wrong.clone()));
                        peer.send(&Frame { request, message }.encode()).await?;
                        break;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Mines the node's chain, and makes what hostile peers send.
fn make(signers: &Signers, spec: &ChainSpec, data_dir: &Path, transfers: usize) -> anyhow::Result<Made> {
    let node = source::open(spec, data_dir.to_owned(), &system_clock())?;
    let now = UnixSecs(system_clock()().0);
    for _ in 0..BLOCKS {
        source::mine(&node, signers, transfers, system_clock()())?;
    }
    let tip = node.tip();
    let ids = tip.snapshot.records_from(Height(1)).map(|record| Ok(record?.id));
    let ids: Vec<BlockId> = ids.collect::<anyhow::Result<_>>()?;
    let frame = |message| Frame { request: 0, message }.encode();
    let genesis = identity(spec).genesis;
    let claim = Claim {
        tip: genesis,
        height: Height(0),
        weight: Weight::default(),
    };
    let hello = Hello {
        version: PROTOCOL_VERSION,
        genesis,
        claim,
        first: Height(1),
        agent: "flood".to_owned(),
    };
    let inventories = (0..DIFFERENT).map(|_| {
        let ids = (0..MAX_IDS).map(|_| Ok(TxId(random()?)));
        Ok(frame(Message::Inventory(ids.collect::<anyhow::Result<_>>()?)))
    });
    // The last byte of an envelope is the last of its signature.
    let wrong = signers.transfers(MAX_IDS, &[0; 8], now)?.into_iter().map(|envelope| {
        let mut bytes = envelope.to_vec();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        Bytes::from(bytes)
    });
    let orphans =
        (0..DIFFERENT.min(16)).map(|_| Ok(frame(Message::CompactBlock(Box::new(orphan(&tip.record.header, now)?)))));
    let longest = max_frame_bytes(spec.limits.block_bytes);
    let mut half = u32::try_from(longest)?.to_be_bytes().to_vec();
    half.resize(half.len() + longest - 1, 0);
    let requests = (0..BLOCKS).map(|first| {
        let mut ids = ids.clone();
        ids.rotate_left(first);
        let (request, message) = (1, Message::GetBlocks(ids));
        Frame { request, message }.encode()
    });
    let made = Made {
        hello: frame(Message::Hello(hello)),
        inventories: inventories.collect::<anyhow::Result<_>>()?,
        wrong: wrong.collect(),
        orphans: orphans.collect::<anyhow::Result<_>>()?,
        half,
        requests: requests.collect(),
        block_bytes: spec.limits.block_bytes,
    };
    node.close()?;
    Ok(made)
}

fn random() -> anyhow::Result<B256> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(bytes.into())
}

/// A sealed header on nothing, with the names of as many transactions as a block may have.
fn orphan(like: &Header, now: UnixSecs) -> anyhow::Result<CompactBlock> {
    let manifest = Manifest {
        number: Height(1_000),
        producer: Address::ZERO,
        state_root: random()?,
        transactions_root: merkle::root(&[]),
        receipts_root: merkle::root(&[]),
        history_root: B256::ZERO,
        gas_limit: 0,
        gas_used: 0,
        base_fee: 0,
        extra: Bytes::new(),
        seal: Bytes::new(),
    };
    let mut header = Header {
        parent: BlockId(random()?),
        manifest_root: manifest.root(),
        time: u32::try_from(now.0)?,
        ..*like
    };
    let mut search = Search::new(&header, Target::from_bits(header.bits)?);
    header.nonce = search.scan(0, u32::MAX).context("no nonce fits")?;
    Ok(CompactBlock {
        header,
        manifest,
        weight: Weight::default(),
        transactions: vec![[7; 6]; MAX_INDEXES],
    })
}

/// A node process; killed when it is dropped.
struct Process {
    child: Child,
    url: String,
    address: Multiaddr,
}

impl Process {
    fn start(spec: &Path, data_dir: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["node", "--no-mine", "--log-level", "error", "--listen", "127.0.0.1:0"])
            .args(["--p2p-listen", "127.0.0.1:0", "--spec"])
            .arg(spec)
            .arg("--data-dir")
            .arg(data_dir)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a node")?;
        let out = child.stdout.take().context("a node has an output")?;
        let mut lines = BufReader::new(out).lines().map_while(Result::ok);
        let mut after = |word: &str| {
            let rest = lines.find_map(|line| Some(line.trim().strip_prefix(word)?.trim().to_owned()));
            rest.with_context(|| format!("the node's banner has no {word}"))
        };
        let url = after("interface")?.trim_end_matches('/').to_owned();
        let address = after("network")?.parse()?;
        // The rest is read, so that the node can always write.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, url, address })
    }

    fn megabytes(&self) -> f64 {
        crate::memory::resident_memory_of(self.child.id()).unwrap_or(0) as f64 / 1e6
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
