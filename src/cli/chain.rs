//! `tally chain`: show a chain spec, or begin one.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use tally_chain::genesis;

use crate::config::{chain_spec, read_spec};

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
    Init {
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
        /// First balance, as ADDRESS=COINS; repeatable
        #[arg(long = "allocate", value_name = "ADDRESS=COINS")]
        allocations: Vec<String>,
        /// Genesis time, Unix seconds [default: now]
        #[arg(long, value_name = "SECONDS")]
        genesis_time: Option<u32>,
    },
}

pub fn run(args: &ChainArgs) -> anyhow::Result<()> {
    match &args.command {
        ChainCommand::Show { chain, json } => show(chain, *json),
        ChainCommand::Init { file, name, chain_id, symbol, spacing, allocations, genesis_time } => {
            let now = (tally_node::system_clock())().0;
            let time = genesis_time.unwrap_or(u32::try_from(now).context("the clock is beyond what a header can hold")?);
            let mut spec = chain_spec("local")?;
            spec.name.clone_from(name);
            spec.chain_id = *chain_id;
            spec.symbol.clone_from(symbol);
            spec.genesis_time = time;
            let tally_chain::spec::ConsensusSpec::Pow(pow) = &mut spec.consensus;
            pow.spacing = *spacing;
            pow.half_life = spacing.saturating_mul(288);
            spec.allocations = allocations.iter().map(|text| allocation(text)).collect::<anyhow::Result<_>>()?;
            // Read back, so that what is written is what a node takes.
            let text = spec.to_toml();
            let spec = tally_chain::ChainSpec::from_toml(&text)?;
            let created = std::fs::OpenOptions::new().write(true).create_new(true).open(file);
            let mut out = created.with_context(|| format!("cannot write {}", file.display()))?;
            out.write_all(text.as_bytes())?;
            let spec_hash = spec.hash();
            println!("{}: genesis {}, spec hash {spec_hash}", file.display(), genesis::identity(&spec).genesis);
            Ok(())
        }
    }
}

fn show(chain: &str, json: bool) -> anyhow::Result<()> {
    let path = PathBuf::from(chain);
    let spec = if path.extension().is_some_and(|end| end == "toml") { read_spec(&path)? } else { chain_spec(chain)? };
    let genesis = genesis::identity(&spec).genesis;
    if json {
        let shown = json!({ "spec": spec, "spec_hash": spec.hash().to_string(), "genesis_id": genesis });
        println!("{}", serde_json::to_string_pretty(&shown)?);
    } else {
        println!("# genesis id {genesis}\n# spec hash  {}\n{}", spec.hash(), spec.to_toml());
    }
    Ok(())
}

fn allocation(text: &str) -> anyhow::Result<tally_chain::spec::Allocation> {
    let Some((address, coins)) = text.split_once('=') else { bail!("allocation {text:?} is not ADDRESS=COINS") };
    Ok(tally_chain::spec::Allocation {
        address: tally_chain::address::parse(address)?,
        balance: tally_chain::Amount::from_coins(coins)?,
        label: String::new(),
    })
}
