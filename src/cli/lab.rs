//! `tally lab`: attacks on nodes of a sandbox, each with the rule that stops it. The attacks are made by `tally-lab`; here they are
//! sent to real nodes: processes of this program with folders of their own on loopback, ended and removed afterwards.

mod blocks;
mod chain;
mod html;
mod mining;
mod network;
mod node;
mod notes;
mod peer;
mod process;
mod race;
mod run;
mod sandbox;
mod text;
mod transactions;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;
use tally_lab::{CATALOGUE, Group, Scenario, rule_link};

use super::out::{errln, outln};
use crate::exit::{LabFailed, LabStopped};
use sandbox::Options;

/// The security laboratory: attacks on nodes of a sandbox, and the rules that stop them
#[derive(Debug, Args)]
pub struct LabArgs {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// List the scenarios, with their rules
    List(ListArgs),
    /// Run scenarios against nodes that are made for it and removed afterwards; one that is not stopped fails
    Run(RunArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Scenarios by their names, or `all`
    #[arg(value_name = "NAME|all", default_value = "all", value_parser = name)]
    names: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write the report as one page for printing
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Run the long scenarios at full size: more kills, more tries of each race
    #[arg(long)]
    full: bool,
    /// Send the honest version in place of each attack: every scenario that has one fails then, which shows that it would notice
    #[arg(long)]
    untampered: bool,
}

/// A scenario as `tally lab list --json` prints it.
#[derive(Debug, Serialize)]
struct Listed {
    id: &'static str,
    title: &'static str,
    group: Group,
    rules: Vec<String>,
    attack: &'static str,
    without: &'static str,
}

pub fn run(args: LabArgs) -> anyhow::Result<()> {
    match args.command {
        LabCommand::List(args) => list(&args),
        LabCommand::Run(args) => run_scenarios(&args),
    }
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    if args.json {
        let listed = CATALOGUE.iter().map(|scenario| Listed {
            id: scenario.id,
            title: scenario.title,
            group: scenario.group,
            rules: scenario.rules.iter().map(|rule| rule_link(rule)).collect(),
            attack: scenario.attack,
            without: scenario.without,
        });
        outln!("{}", serde_json::to_string_pretty(&listed.collect::<Vec<_>>())?)?;
        return Ok(());
    }
    for group in Group::ALL {
        outln!("{}", group.title())?;
        for scenario in CATALOGUE.iter().filter(|scenario| scenario.group == group) {
            outln!(
                "  {:<22} {:<48} {}",
                scenario.id,
                scenario.title,
                scenario.rules.join(" ")
            )?;
        }
        outln!("")?;
    }
    outln!("Rules are those of docs/protocol.md. `tally lab run NAME` runs one, `tally lab run` all of them.")?;
    Ok(())
}

/// A name that `tally lab run` takes.
fn name(text: &str) -> Result<String, String> {
    match text == "all" || Scenario::named(text).is_some() {
        true => Ok(text.to_owned()),
        false => Err(format!("there is no scenario {text:?}; `tally lab list` names all")),
    }
}

/// The scenarios of these names, each once, in the order of the catalogue.
fn chosen(names: &[String]) -> Vec<&'static Scenario> {
    let all = names.iter().any(|name| name == "all");
    let wanted = |scenario: &&Scenario| all || names.iter().any(|name| name == scenario.id);
    CATALOGUE.iter().filter(wanted).collect()
}

fn run_scenarios(args: &RunArgs) -> anyhow::Result<()> {
    let scenarios = chosen(&args.names);
    let options = Options {
        full: args.full,
        untampered: args.untampered,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let shows = !args.json;
    let report = runtime.block_on(async {
        // Before the first node is started: a signal in between would leave it behind.
        let stopped = process::stopped()?;
        tokio::select! {
            report = run::run(&scenarios, options, |outcome| if shows { text::print(outcome) } else { Ok(()) }) => report,
            // The nodes of the sandbox end with what is dropped here.
            () = stopped => Err(LabStopped.into()),
        }
    })?;
    if args.json {
        outln!("{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        text::print_summary(&report)?;
    }
    if let Some(path) = &args.html {
        std::fs::write(path, html::page(&report)).with_context(|| format!("cannot write {}", path.display()))?;
        errln!("the report is in {}", path.display());
    }
    match report.failed {
        0 => Ok(()),
        failed => Err(LabFailed {
            failed,
            scenarios: report.scenarios.len(),
        }
        .into()),
    }
}
