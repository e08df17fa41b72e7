//! `tally bench grow`: what a transfer costs on a large chain, beside the same on a small one.

use std::time::{Duration, Instant};

use clap::Args;

use super::super::out::errln;
use super::source::Wide;
use super::{Figures, percentile};

/// Makes accounts by transfers on a chain of its own, and measures blocks of transfers between the existing accounts at both
/// numbers: from handing signed transfers to the node until their block is durable, signing excluded.
#[derive(Debug, Args)]
pub struct GrowArgs {
    /// Accounts of the large chain
    #[arg(long, default_value_t = 200_000)]
    accounts: u64,
    /// Accounts of the small one
    #[arg(long, default_value_t = 10_000)]
    small: u64,
    /// Blocks that are measured at each; the median counts
    #[arg(long, default_value_t = 20)]
    blocks: u64,
    /// Transfers in each of them
    #[arg(long, default_value_t = 1_000)]
    transfers: u64,
}

pub fn run(args: &GrowArgs) -> anyhow::Result<Figures> {
    anyhow::ensure!(
        args.small > 0 && args.small <= args.accounts,
        "--small is 1 or more, and not above --accounts"
    );
    anyhow::ensure!(
        args.blocks > 0 && (1..=20_000).contains(&args.transfers),
        "--blocks is 1 or more, --transfers 1 to 20000"
    );
    let folder = tempfile::tempdir()?;
    let mut wide = Wide::new()?;
    let node = wide.open(folder.path().join("node"))?;
    let cost = |wide: &Wide, first: u64| -> anyhow::Result<f64> {
        let turns = first..first + args.blocks;
        let times = turns.map(|turn| wide.among(&node, args.transfers, turn));
        let times = times.collect::<anyhow::Result<Vec<Duration>>>()?;
        Ok(percentile(&times, 50) * 1_000.0 / args.transfers as f64)
    };
    wide.grow(&node, args.small)?;
    let small = cost(&wide, 0)?;
    errln!(
        "{} accounts: {small:.1} us a transfer; making {}",
        args.small,
        args.accounts
    );
    let begun = Instant::now();
    wide.grow(&node, args.accounts)?;
    let rate = (args.accounts - args.small) as f64 / begun.elapsed().as_secs_f64();
    let large = cost(&wide, args.blocks)?;
    let memory = crate::memory::resident_memory().unwrap_or(0) as f64 / 1e6;
    node.close()?;
    Ok(Figures {
        bench: "grow",
        figures: vec![
            ("small_accounts", args.small as f64, ""),
            (
                "small_transfer",
                small,
                "us, from signed to durable in a block of secp256k1 transfers",
            ),
            ("accounts", args.accounts as f64, ""),
            ("transfer", large, "us, the same on this many accounts"),
            (
                "ratio",
                large / small,
                "times the cost on the small chain; aim: at most 1.25",
            ),
            ("accounts_made_per_second", rate, "/s, signing included"),
            ("memory", memory, "MB resident, with the large chain"),
        ],
    })
}
