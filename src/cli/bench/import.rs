//! `tally bench import`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use tally_chain::{ChainSpec, UnixSecs};
use tally_node::{Clock, Imported};
use tally_wallet::KeyKind;

use super::signers::{Signers, chain, identity};
use super::{Figures, millis, percentile, source};

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Blocks
    #[arg(long, default_value_t = 20)]
    blocks: usize,
    /// Transfers in each block
    #[arg(long, default_value_t = 1_000)]
    transfers: usize,
    /// Kind of the signatures: rsa-2048, rsa-3072, rsa-4096 or secp256k1
    #[arg(long, default_value = "rsa-2048")]
    kind: KeyKind,
    /// Keep the chain that is made in this new folder: `spec.toml`, and `source` for `--data-dir`
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub fn run(args: &ImportArgs) -> anyhow::Result<Figures> {
    let signers = Signers::new(args.kind, 8)?;
    let spec = chain(signers.addresses())?;
    let signers = signers.on(identity(&spec));
    // The chain's own time: one block a second, whatever the machine's clock shows.
    let start = u64::from(spec.genesis_time) + 1_000_000;
    let time = Arc::new(AtomicU64::new(start));
    let shared = Arc::clone(&time);
    let clock: Clock = Arc::new(move || UnixSecs(shared.load(Ordering::Relaxed)));
    let folder = tempfile::tempdir()?;
    let source = match &args.keep {
        None => folder.path().join("source"),
        Some(keep) => {
            std::fs::create_dir(keep).with_context(|| format!("cannot make {}", keep.display()))?;
            std::fs::write(keep.join("spec.toml"), spec.to_toml())?;
            keep.join("source")
        }
    };
    let blocks = build(args, &signers, &spec, source, &clock, &time)?;

    let bytes: usize = blocks.iter().map(Vec::len).sum();
    let times = import(&spec, folder.path().join("target"), &clock, &blocks)?;
    let seconds = times.iter().sum::<Duration>().as_secs_f64();
    let transfers = (args.blocks * args.transfers) as f64;
    // The peers: what the signatures alone cost, a block without any, and what a durable write costs on this disk.
    let signatures = signers.check_rate(&blocks)?;
    let empty = build(
        &ImportArgs {
            transfers: 0,
            keep: None,
            ..*args
        },
        &signers,
        &spec,
        folder.path().join("empty-source"),
        &clock,
        &time,
    )?;
    let empty = import(&spec, folder.path().join("empty-target"), &clock, &empty)?;
    let syncs = syncs(folder.path(), args.blocks)?;
    Ok(Figures {
        bench: "import",
        figures: vec![
            ("blocks", args.blocks as f64, ""),
            ("transfers", transfers, ""),
            ("megabytes", bytes as f64 / 1e6, ""),
            ("transfers_per_second", transfers / seconds, "/s, all cores"),
            ("signature_checks_alone", signatures, "/s, all cores: the limit"),
            ("blocks_per_second", args.blocks as f64 / seconds, "/s"),
            ("block_median", percentile(&times, 50), "ms"),
            ("block_slowest", times.iter().max().map_or(0.0, millis), "ms"),
            ("empty_block_median", percentile(&empty, 50), "ms"),
            (
                "bare_fsync_median",
                percentile(&syncs, 50),
                "ms for 4 KiB: the limit of an empty block",
            ),
        ],
    })
}

/// Imports blocks into an empty store; the time of each, from bytes to durable.
pub(super) fn import(
    spec: &ChainSpec,
    data_dir: PathBuf,
    clock: &Clock,
    blocks: &[Vec<u8>],
) -> anyhow::Result<Vec<Duration>> {
    let node = source::open(spec, data_dir, clock)?;
    let mut times = Vec::with_capacity(blocks.len());
    for block in blocks {
        let begun = Instant::now();
        anyhow::ensure!(
            matches!(node.import_block(block)?, Imported::Tip(_)),
            "a block did not become the tip"
        );
        times.push(begun.elapsed());
    }
    node.close()?;
    Ok(times)
}

/// Appends 4 KiB to a file and waits for the disk, again and again.
fn syncs(folder: &Path, count: usize) -> anyhow::Result<Vec<Duration>> {
    let mut file = std::fs::File::create(folder.join("sync"))?;
    (0..count)
        .map(|_| {
            let begun = Instant::now();
            file.write_all(&[0x5a; 4096])?;
            file.sync_data()?;
            Ok(begun.elapsed())
        })
        .collect()
}

/// Makes the blocks on a node of their own, so that the one that is measured has seen nothing of them.
fn build(
    args: &ImportArgs,
    signers: &Signers,
    spec: &ChainSpec,
    data_dir: PathBuf,
    clock: &Clock,
    time: &AtomicU64,
) -> anyhow::Result<Vec<Vec<u8>>> {
    let node = source::open(spec, data_dir, clock)?;
    let mut blocks = Vec::with_capacity(args.blocks);
    for _ in 0..args.blocks {
        let now = UnixSecs(time.fetch_add(1, Ordering::Relaxed) + 1);
        let id = source::mine(&node, signers, args.transfers, now)?;
        let bytes = node
            .snapshot()
            .block_bytes(&id)?
            .context("a stored block has its body")?;
        blocks.push(bytes.to_vec());
    }
    node.close()?;
    Ok(blocks)
}
