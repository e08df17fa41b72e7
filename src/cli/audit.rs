//! `tally audit`.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use tally_chain::Height;
use tally_node::audit::{Report, audit};
use tally_node::counted::counted;
use tally_node::system_clock;

use super::out::{Unprinted, err, errln, outln};
use crate::config::{chain_spec, default_data_dir, read_spec};
use crate::exit::AuditFault;

/// Decodes, checks, links and executes every block again from genesis on, and compares the result with all that the
/// store says: records, receipts, indexes, history, state, supply. The node must not be running on the data directory.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Where the chain is kept [default: the user's data directory, tally/CHAIN]
    #[arg(long, env = "TALLY_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Built-in chain (local, test) or the path of a chain spec
    #[arg(
        long,
        env = "TALLY_CHAIN",
        value_name = "NAME|FILE",
        default_value = "local",
        conflicts_with = "spec"
    )]
    chain: String,
    /// Path of a chain spec (TOML)
    #[arg(long, env = "TALLY_SPEC", value_name = "FILE")]
    spec: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &AuditArgs) -> anyhow::Result<()> {
    let spec = match &args.spec {
        Some(path) => read_spec(path)?,
        None => chain_spec(&args.chain)?,
    };
    let data_dir = match &args.data_dir {
        Some(dir) => dir.clone(),
        None => default_data_dir(&spec.name)?,
    };
    let begun = Instant::now();
    let interactive = !args.json && std::io::stderr().is_terminal();
    let report = audit(&data_dir.join("store"), &spec, (system_clock())(), |height, tip| {
        if interactive && (height.0 % 1_000 == 0 || height == tip) {
            err!("\rblock {height} of {tip}");
        }
    })?;
    if interactive {
        errln!();
    }
    let seconds = begun.elapsed().as_secs_f64();
    if args.json {
        outln!(
            "{}",
            serde_json::to_string_pretty(&report.to_json(&spec.name, seconds.into()))?
        )?;
    } else {
        print(&report, &spec.name, &spec.symbol, seconds)?;
    }
    match report.faults.len() {
        0 => Ok(()),
        faults => Err(AuditFault { faults }.into()),
    }
}

fn print(report: &Report, chain: &str, symbol: &str, seconds: f64) -> Result<(), Unprinted> {
    let totals = &report.totals;
    outln!("Audit of chain {chain}, genesis {}", report.genesis)?;
    outln!("  tip          {} at height {}", report.tip, report.height)?;
    outln!(
        "  executed     {}, {}, in {seconds:.1} s",
        counted(report.blocks, "block", "blocks"),
        counted(report.transactions, "transaction", "transactions")
    )?;
    outln!(
        "  state        {}, root {}",
        counted(report.accounts, "account", "accounts"),
        report.state_root
    )?;
    if report.base == Height::GENESIS {
        outln!("  allocated    {} {symbol}", totals.allocated.to_coins())?;
    } else {
        outln!(
            "  began with   the state of block {}: nothing before it is here",
            report.base
        )?;
        outln!("  there were   {} {symbol}", totals.allocated.to_coins())?;
    }
    outln!("  subsidies  + {} {symbol}", totals.subsidies.to_coins())?;
    outln!("  burned     - {} {symbol}", totals.burned.to_coins())?;
    outln!("  supply     = {} {symbol}", totals.supply.to_coins())?;
    outln!("  balances     {} {symbol}", totals.balances.to_coins())?;
    if let Some(ahead) = report.ahead {
        outln!(
            "  clock        {} ahead of this machine's clock, by up to {} s; the clock may have been set back",
            counted(ahead.blocks, "block is", "blocks are"),
            ahead.secs
        )?;
    }
    if report.faults.is_empty() {
        outln!("  result       everything agrees")?;
    } else {
        outln!("  result       {}:", counted(report.faults.len(), "fault", "faults"))?;
        for fault in &report.faults {
            outln!("    {fault}")?;
        }
    }
    Ok(())
}
