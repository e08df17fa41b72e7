//! `tally bench mine`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use sha2::{Digest, Sha256};
use tally_chain::pow::{Search, Target};
use tally_chain::{ChainSpec, Header, U256, genesis};
use tally_node::miner::{Miner, MiningJob};
use tally_node::system_clock;
use tokio::sync::watch;

use super::Figures;

#[derive(Debug, Args)]
pub struct MineArgs {
    /// Seconds for each figure
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Threads of the second figure of the native miner [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
}

/// A target that nothing meets, so that the search never ends early.
const NEVER: Target = Target(U256::ONE);

pub fn run(args: &MineArgs) -> anyhow::Result<Figures> {
    let time = Duration::from_secs(args.seconds.max(1));
    let cores = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let block = genesis::block(&ChainSpec::built_in("test")?);
    let header = block.header;
    let native = |threads| native(&block, threads, time) / 1e6;
    Ok(Figures {
        bench: "mine",
        figures: vec![
            ("native_miner_1_thread", native(1), "MH/s"),
            ("native_miner_all_threads", native(cores), "MH/s"),
            ("threads", cores as f64, ""),
            (
                "portable_search_1_thread",
                rate(time, |first, count| portable(&header, first, count)) / 1e6,
                "MH/s",
            ),
            (
                "sha2_crate_double_digest_1_thread",
                rate(time, |first, count| plain(header, first, count)) / 1e6,
                "MH/s",
            ),
        ],
    })
}

/// The node's own miner, as it runs in a node.
fn native(block: &tally_chain::RawBlock, threads: usize, time: Duration) -> f64 {
    let mut manifest = block.manifest.clone();
    manifest.extra = vec![0; 8].into();
    let job = MiningJob {
        id: 1,
        header: block.header,
        manifest,
        latest_time: u32::MAX,
        transactions: Arc::default(),
        target: NEVER,
    };
    let (_jobs, listener) = watch::channel(Some(Arc::new(job)));
    let miner = Miner::start(listener, system_clock(), |_| {});
    miner.set_threads(threads);
    let (begun, before) = (Instant::now(), miner.hashes());
    std::thread::sleep(time);
    let rate = (miner.hashes() - before) as f64 / begun.elapsed().as_secs_f64();
    miner.stop();
    rate
}

fn rate(time: Duration, mut scan: impl FnMut(u32, u32)) -> f64 {
    const STEP: u32 = 1 << 16;
    let (begun, mut done) = (Instant::now(), 0u64);
    while begun.elapsed() < time {
        scan(done as u32, STEP);
        done += u64::from(STEP);
    }
    done as f64 / begun.elapsed().as_secs_f64()
}

/// The search that browsers and every other machine use.
fn portable(header: &Header, first: u32, count: u32) {
    std::hint::black_box(Search::new(header, NEVER).scan(first, count));
}

/// What a miner without any idea would do.
fn plain(mut header: Header, first: u32, count: u32) {
    for offset in 0..count {
        header.nonce = first.wrapping_add(offset);
        std::hint::black_box(Sha256::digest(Sha256::digest(header.encode())));
    }
}
