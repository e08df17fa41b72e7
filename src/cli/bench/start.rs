//! `tally bench start`: processes of this very program, from their start to the moment they serve.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use tally_chain::{ChainSpec, UnixSecs};
use tally_node::Clock;
use tally_node::counted::counted;
use tally_wallet::KeyKind;

use super::super::out::errln;
use super::signers::{Signers, chain, identity};
use super::source::Wide;
use super::{Figure, Figures, source};

/// Most that a start may take.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Debug, Args)]
pub struct StartArgs {
    /// Transfers on the chain that is started again
    #[arg(long, default_value_t = 100_000)]
    transfers: usize,
    /// Transfers in each of its blocks
    #[arg(long, default_value_t = 1_000)]
    per_block: usize,
    /// Starts of each kind; the median is shown
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// Also start a chain again that has this many accounts
    #[arg(long, default_value_t = 0)]
    accounts: u64,
}

pub fn run(args: &StartArgs) -> anyhow::Result<Figures> {
    anyhow::ensure!(
        args.turns > 0 && args.per_block > 0,
        "--turns and --per-block are 1 or more"
    );
    let signers = Signers::new(KeyKind::Secp256k1, 8)?;
    let spec = chain(signers.addresses())?;
    let signers = signers.on(identity(&spec));
    let folder = tempfile::tempdir()?;
    let spec_file = folder.path().join("spec.toml");
    std::fs::write(&spec_file, spec.to_toml())?;

    // The limit of any start: this same program, loaded and ended.
    let bare = times(args.turns, |_| {
        let begun = Instant::now();
        let done = Command::new(std::env::current_exe()?)
            .arg("--version")
            .stdout(Stdio::null())
            .status()?;
        anyhow::ensure!(done.success(), "--version failed");
        Ok((begun.elapsed(), 0))
    })?;
    let cold = times(args.turns, |turn| {
        start(&spec_file, &folder.path().join(format!("empty-{turn}")))
    })?;

    let long = folder.path().join("long");
    let blocks = args.transfers.div_ceil(args.per_block);
    let block_count = counted(blocks, "block", "blocks");
    errln!("making a chain of {} transfers in {block_count}", args.transfers);
    grow(args, &signers, &spec, &long)?;
    let read = read_all(&long)?;
    let again = times(args.turns, |_| start(&spec_file, &long))?;
    let mut figures = vec![
        ("bare_program", bare.median, "ms, --version: the limit of a start"),
        ("cold_start", cold.median, "ms from an empty directory to /readyz"),
        ("cold_start_memory", megabytes(cold.memory), "MB resident"),
        ("transfers", args.transfers as f64, ""),
        ("store", megabytes(read.bytes), "MB on disk"),
        ("restart", again.median, "ms from that chain to /readyz"),
        ("restart_memory", megabytes(again.memory), "MB resident"),
        (
            "store_read_once",
            read.millis,
            "ms to read the store's files: a limit of reading it all",
        ),
    ];
    if args.accounts > 0 {
        figures.extend(accounts(args, folder.path())?);
    }
    Ok(Figures {
        bench: "start",
        figures,
    })
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Starts a chain again that has many accounts.
fn accounts(args: &StartArgs, folder: &Path) -> anyhow::Result<Vec<Figure>> {
    errln!("making a chain of {} accounts", args.accounts);
    let mut chain = Wide::new()?;
    let (spec_file, data_dir) = (folder.join("wide.toml"), folder.join("wide"));
    std::fs::write(&spec_file, chain.spec.to_toml())?;
    let node = chain.open(data_dir.clone())?;
    chain.grow(&node, args.accounts)?;
    node.close()?;
    // It holds the lock of its store as long as it is there.
    drop(node);
    let read = read_all(&data_dir)?;
    let again = times(args.turns, |_| start(&spec_file, &data_dir))?;
    Ok(vec![
        ("accounts", args.accounts as f64, ""),
        ("accounts_store", megabytes(read.bytes), "MB on disk"),
        ("accounts_restart", again.median, "ms from that chain to /readyz"),
        ("accounts_restart_memory", megabytes(again.memory), "MB resident"),
    ])
}

/// Of several turns.
struct Turns {
    /// Milliseconds.
    median: f64,
    /// Most resident bytes of a turn.
    memory: u64,
}

fn times(count: usize, mut turn: impl FnMut(usize) -> anyhow::Result<(Duration, u64)>) -> anyhow::Result<Turns> {
    let turns = (0..count).map(&mut turn).collect::<anyhow::Result<Vec<_>>>()?;
    let mut times: Vec<Duration> = turns.iter().map(|(time, _)| *time).collect();
    times.sort_unstable();
    Ok(Turns {
        median: times[count / 2].as_secs_f64() * 1_000.0,
        memory: turns.iter().map(|(_, memory)| *memory).max().unwrap_or(0),
    })
}

/// A node process; killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts this program as a node, waits until it is ready, ends it: how long that took, and its memory.
fn start(spec: &Path, data_dir: &Path) -> anyhow::Result<(Duration, u64)> {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let agent = ureq::Agent::new_with_defaults();
    let begun = Instant::now();
    let child = Command::new(std::env::current_exe()?)
        .args([
            "node",
            "--no-mine",
            "--log-level",
            "error",
            "--listen",
            &address.to_string(),
            "--spec",
        ])
        .arg(spec)
        .arg("--data-dir")
        .arg(data_dir)
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start a node")?;
    let mut process = Process(child);
    let url = format!("http://{address}/readyz");
    // An answer that is no success is an error, too.
    while agent.get(&url).call().is_err() {
        if let Some(status) = process.0.try_wait()? {
            bail!("the node ended with {status}");
        }
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "the node was not ready after {} s",
            PATIENCE.as_secs()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = begun.elapsed();
    let memory = crate::memory::resident_memory_of(process.0.id()).unwrap_or(0) as u64;
    Ok((took, memory))
}

/// Mines the chain that is started again.
fn grow(args: &StartArgs, signers: &Signers, spec: &ChainSpec, data_dir: &Path) -> anyhow::Result<()> {
    let time = Arc::new(AtomicU64::new(u64::from(spec.genesis_time) + 1_000_000));
    let shared = Arc::clone(&time);
    let clock: Clock = Arc::new(move || UnixSecs(shared.load(Ordering::Relaxed)));
    let node = source::open(spec, data_dir.to_owned(), &clock)?;
    let mut left = args.transfers;
    while left > 0 {
        let now = UnixSecs(time.fetch_add(1, Ordering::Relaxed) + 1);
        let count = left.min(args.per_block);
        source::mine(&node, signers, count, now)?;
        left -= count;
    }
    Ok(node.close()?)
}

/// What it takes to read every byte of a folder.
struct Read {
    bytes: u64,
    millis: f64,
}

fn read_all(folder: &Path) -> anyhow::Result<Read> {
    let begun = Instant::now();
    let (mut bytes, mut open) = (0, vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                bytes += std::fs::read(entry.path())?.len() as u64;
            }
        }
    }
    Ok(Read {
        bytes,
        millis: begun.elapsed().as_secs_f64() * 1_000.0,
    })
}
