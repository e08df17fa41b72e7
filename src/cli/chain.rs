//! `tally chain`: show a chain spec, or begin one.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use tally_chain::spec::{Allocation, ConsensusSpec};
use tally_chain::{Amount, ChainSpec, address, genesis};

use super::out::{After as _, errln, outln};
use crate::config::{ConfigError, chain_spec, read_spec};
use crate::new_file;

#[derive(Debug, Args)]
pub struct ChainArgs {
    #[command(subcommand)]
    command: ChainCommand,
}

#[derive(Debug, Subcommand)]
enum ChainCommand {
    /// Print a chain's spec with its hash and its genesis id
    Show {
        /// Built-in chain (local, test) or the path of a spec
        #[arg(default_value = "local", env = "TALLY_CHAIN", value_name = "NAME|FILE")]
        chain: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a new spec to a file, to be edited and then used with `tally node --spec FILE`
    Init(Box<InitArgs>),
}

#[derive(Debug, Args)]
struct InitArgs {
    /// Where to write it; an existing file is not overwritten
    file: PathBuf,
    /// The chain's name
    #[arg(long)]
    name: String,
    /// A number that no other chain uses; signatures are bound to it
    #[arg(long, value_name = "ID")]
    chain_id: u64,
    /// The coin's symbol
    #[arg(long, default_value = "TALLY")]
    symbol: String,
    /// Seconds between blocks
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    spacing: u32,
    /// Subsidy of a block, in coins
    #[arg(long, default_value = "50", value_name = "COINS", value_parser = Amount::from_coins)]
    reward: Amount,
    /// Number of blocks after which the subsidy halves each time; 0: never
    #[arg(long, default_value_t = 2_100_000, value_name = "BLOCKS")]
    halving_interval: u64,
    /// Allocation at genesis, as ADDRESS=COINS; repeatable
    #[arg(long = "allocate", value_name = "ADDRESS=COINS", value_parser = allocation)]
    allocations: Vec<Allocation>,
    /// Genesis time, Unix seconds [default: now]
    #[arg(long, value_name = "SECONDS")]
    genesis_time: Option<u32>,
}

/// What a reader of a new spec wants to know, by the key that the note stands above.
const NOTES: [(&str, &str); 12] = [
    (
        "name = ",
        "Every line below is hashed into the genesis block: if you change one, it is another chain.\nThe chain's name, 1 to 64 bytes.",
    ),
    (
        "chain_id",
        "Signatures are bound to this number; no other chain should use it.",
    ),
    ("genesis_time", "Time of block 0, Unix seconds."),
    ("spacing", "Seconds between blocks that the difficulty aims at."),
    (
        "half_life",
        "A delay of this many seconds halves the difficulty; the same lead doubles it.",
    ),
    (
        "pow_limit_bits",
        "The easiest target that a block may have, in Bitcoin's compact form, as a decimal number.",
    ),
    (
        "initial_bits",
        "The target of block 1, likewise; a harder one suits a chain with more miners.",
    ),
    (
        "gas_limit",
        "Gas of all transactions in a block; a plain transfer costs 4,000 to 5,000.",
    ),
    ("block_bytes", "Largest size of a block, in bytes."),
    (
        "initial_base_fee",
        "Base fee of block 1, in base units per gas, and its minimum ever after; base fees are burned.",
    ),
    ("reward", "Subsidy of block 1, in base units (10^-18 of a coin)."),
    (
        "halving_interval",
        "Number of blocks after which the subsidy halves each time; 0: never.",
    ),
];

pub fn run(args: &ChainArgs) -> anyhow::Result<()> {
    match &args.command {
        ChainCommand::Show { chain, json } => show(chain, *json),
        ChainCommand::Init(args) => init(args),
    }
}

fn init(args: &InitArgs) -> anyhow::Result<()> {
    let now = (tally_node::system_clock())().0;
    let now = || u32::try_from(now).context("the clock is beyond what a header can hold");
    let mut spec = chain_spec("local")?;
    spec.name.clone_from(&args.name);
    spec.chain_id = args.chain_id;
    spec.symbol.clone_from(&args.symbol);
    spec.genesis_time = args.genesis_time.map_or_else(now, Ok)?;
    match &mut spec.consensus {
        ConsensusSpec::Pow(pow) => {
            pow.spacing = args.spacing;
            pow.half_life = args.spacing.saturating_mul(288);
        }
    }
    spec.issuance.reward = args.reward;
    spec.issuance.halving_interval = args.halving_interval;
    spec.allocations.clone_from(&args.allocations);
    let text = with_notes(&spec.to_toml());
    // Read back, so that what is written is what a node takes.
    let spec = ChainSpec::from_toml(&text).map_err(ConfigError::Spec)?;
    let shown = args.file.display();
    new_file::create(&args.file, text.as_bytes()).with_context(|| format!("cannot write {shown}"))?;
    let printed = outln!(
        "{shown}: genesis {}, spec hash {}",
        genesis::identity(&spec).genesis,
        spec.hash()
    );
    printed.after(|| format!("the spec was written to {shown}"))?;
    let begins = u64::from(spec.genesis_time);
    if begins > (tally_node::system_clock())().0 {
        outln!(
            "The chain begins at {}; nodes wait until then.",
            tally_app::format::iso(begins)
        )?;
    }
    if let Some(warning) = crate::chain_ids::warning(&spec) {
        errln!("warning: {warning}");
    }
    Ok(())
}

fn with_notes(toml: &str) -> String {
    let mut notes = NOTES.to_vec();
    let mut out = String::new();
    for line in toml.lines() {
        // Each once: an allocation has no note, whatever its keys.
        if let Some(at) = notes.iter().position(|(key, _)| line.starts_with(key)) {
            let (_, note) = notes.remove(at);
            out.extend(note.lines().map(|note| format!("# {note}\n")));
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn show(chain: &str, json: bool) -> anyhow::Result<()> {
    let path = PathBuf::from(chain);
    let spec = if path.extension().is_some_and(|end| end == "toml") {
        read_spec(&path)?
    } else {
        chain_spec(chain)?
    };
    let genesis = genesis::identity(&spec).genesis;
    if json {
        let shown = json!({ "spec": spec, "spec_hash": spec.hash().to_string(), "genesis_id": genesis });
        outln!("{}", serde_json::to_string_pretty(&shown)?)?;
    } else {
        outln!(
            "# genesis id {genesis}\n# spec hash  {}\n{}",
            spec.hash(),
            spec.to_toml()
        )?;
    }
    Ok(())
}

fn allocation(text: &str) -> anyhow::Result<Allocation> {
    let Some((address, coins)) = text.split_once('=') else {
        bail!("{text:?} is not ADDRESS=COINS")
    };
    Ok(Allocation {
        address: address::parse(address)?,
        balance: Amount::from_coins(coins)?,
        label: String::new(),
    })
}
