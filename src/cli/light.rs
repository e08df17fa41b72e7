//! `tally light`: verifies the chain that nodes show from the genesis id on, with the code of every light client, and
//! compares the nodes. Rules: docs/protocol.md#F1 to #F11

mod check;
mod export;
mod report;

use std::time::Duration;

use clap::{Args, Subcommand};
use tally_chain::light::Verified;
use tally_chain::{BlockId, ChainSpec, genesis};
use tally_node::system_clock;

use super::client::{Bounds, Client, Expected, NodesArgs};
use crate::exit::{NodesDiffer, NotVerified};
use check::{Reader, Rejected, Shown};

/// Longest chain spec that is read, in bytes.
const MAX_SPEC: u64 = 1024 * 1024;

/// Reads a proof of its chain from each node and verifies it. A chain of up to 10,000 blocks is checked header by header, a longer
/// one by a sample of its headers and by its newest 200 to 6,400.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct LightArgs {
    #[command(subcommand)]
    command: Option<LightCommand>,
    #[command(flatten)]
    nodes: NodesArgs,
    /// Genesis id of the chain that you mean; without it, that of the first node that answers is trusted
    #[arg(long, value_name = "BLOCK")]
    genesis: Option<BlockId>,
    /// Id of a block that you trust: each chain has to lead through it
    #[arg(long, value_name = "BLOCK")]
    trusted: Option<BlockId>,
    /// Check every header, some 37 bytes each, and not only a sample
    #[arg(long)]
    headers: bool,
    /// Longest time that one answer may take, in seconds
    #[arg(long, value_name = "SECS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    answer_secs: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum LightCommand {
    /// Write the verifier as one page that needs no network, and print its SHA-256
    Export(export::ExportArgs),
}

/// How the chain of a node relates to the verified one with the most total work (the best one).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// It has the same tip, or is the best one.
    Same,
    /// Its tip is an ancestor of that of the best one.
    Behind {
        /// By so many blocks.
        blocks: u64,
    },
    /// Its tip is no ancestor of that of the best one: one of both is on a fork.
    Different,
    /// the node of the best chain does not show it.
    Unknown {
        /// What it answered.
        why: String,
    },
}

/// What came of one node.
pub struct Outcome {
    /// Its URL, as messages show it.
    pub node: String,
    pub result: anyhow::Result<Shown>,
    /// Where it was verified.
    pub relation: Option<Relation>,
}

/// All that was found.
pub struct Findings {
    pub chain: String,
    pub genesis: BlockId,
    /// Whether the user gave the genesis id; otherwise a node's is trusted.
    pub genesis_given: bool,
    pub trusted: Option<BlockId>,
    pub nodes: Vec<Outcome>,
}

pub fn run(args: &LightArgs) -> anyhow::Result<()> {
    if let Some(LightCommand::Export(args)) = &args.command {
        return export::run(args);
    }
    let clients = args.nodes.clients()?;
    let time = Duration::from_secs(args.answer_secs);
    let spec = spec_of(&clients, args.genesis, time)?;
    let genesis = genesis::identity(&spec).genesis;
    let readers: Vec<_> = clients
        .iter()
        .map(|client| Reader {
            client,
            spec: &spec,
            genesis,
            time,
            shows_progress: !args.json && std::io::IsTerminal::is_terminal(&std::io::stderr()),
        })
        .collect();
    let nodes = readers.iter().map(|reader| Outcome {
        node: reader.client.shown().to_owned(),
        result: reader.check(args.trusted, args.headers),
        relation: None,
    });
    let mut nodes: Vec<_> = nodes.collect();
    compare(&readers, &mut nodes);
    let findings = Findings {
        chain: spec.name.clone(),
        genesis,
        genesis_given: args.genesis.is_some(),
        trusted: args.trusted,
        nodes,
    };
    report::print(&findings, (system_clock())(), args.json)?;
    verdict(findings)
}

/// The chain spec, from the first node whose spec gives the expected genesis id. Nothing else of it is trusted.
/// Rule: docs/protocol.md#F1
fn spec_of(clients: &[Client], genesis: Option<BlockId>, time: Duration) -> anyhow::Result<ChainSpec> {
    let mut failed = None;
    for client in clients {
        match spec_from(client, genesis, time) {
            Ok(spec) => return Ok(spec),
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    }
    Err(failed.unwrap_or_else(|| anyhow::anyhow!("no node is named")))
}

fn spec_from(client: &Client, genesis: Option<BlockId>, time: Duration) -> anyhow::Result<ChainSpec> {
    let bytes = client.bytes(Expected {
        path: "spec?format=toml",
        media: "application/toml",
        bounds: Bounds { bytes: MAX_SPEC, time },
    })?;
    let refuted = |why: String| NotVerified {
        node: client.shown().to_owned(),
        why,
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| refuted(format!("its chain spec is not UTF-8: {error}")))?;
    let spec = ChainSpec::from_toml(text).map_err(|error| refuted(format!("its chain spec: {error}")))?;
    let found = genesis::identity(&spec).genesis;
    match genesis {
        Some(expected) if found != expected => {
            Err(refuted(format!("its chain spec has genesis {found}, expected {expected}")).into())
        }
        _ => Ok(spec),
    }
}

/// Compares what was verified with the chain of most total work, whose node shows whether the others lead to it.
fn compare(readers: &[Reader<'_>], nodes: &mut [Outcome]) {
    let shown = nodes.iter().map(|node| node.result.as_ref().ok());
    let best = shown
        .enumerate()
        .filter_map(|(number, shown)| Some((number, shown?)))
        // Of equals the first one.
        .reduce(|first, next| match next.1.verified.weight > first.1.verified.weight {
            true => next,
            false => first,
        });
    let Some((number, best)) = best else { return };
    let (reader, best) = (&readers[number], best.verified.clone());
    for node in nodes {
        let Ok(shown) = &node.result else { continue };
        // What the other node fails to show takes nothing from what was verified of this one.
        let found = relation(reader, &shown.verified, &best);
        node.relation = Some(found.unwrap_or_else(|error| Relation::Unknown {
            why: format!("{error:#}"),
        }));
    }
}

fn relation(reader: &Reader<'_>, own: &Verified, best: &Verified) -> anyhow::Result<Relation> {
    if own.tip == best.tip {
        return Ok(Relation::Same);
    }
    let (low, high) = (own.manifest.number, best.manifest.number);
    match reader.leads(low, own.header, best)? {
        true => Ok(Relation::Behind {
            blocks: high.0.saturating_sub(low.0),
        }),
        false => Ok(Relation::Different),
    }
}

/// The gravest of what was found decides: a chain that does not hold, then different chains, then an answer that is missing.
fn verdict(findings: Findings) -> anyhow::Result<()> {
    let (mut same, mut different, mut failed) = (None, Vec::new(), None);
    for Outcome { node, result, relation } in findings.nodes {
        if let Err(error) = result {
            if let Some(rejected) = error.downcast_ref::<Rejected>() {
                let why = rejected.to_string();
                return Err(NotVerified { node, why }.into());
            }
            failed.get_or_insert(error);
            continue;
        }
        match relation {
            Some(Relation::Same) => {
                same.get_or_insert(node);
            }
            Some(Relation::Different) => different.push(node),
            Some(Relation::Unknown { why }) => {
                let shown = "the node of the chain with the most total work does not show whether that of the node at";
                failed.get_or_insert(anyhow::anyhow!("{shown} {node} leads to it: {why}"));
            }
            Some(Relation::Behind { .. }) | None => {}
        }
    }
    match (different.is_empty(), failed) {
        (false, _) => {
            let nodes = same.into_iter().chain(different).collect();
            Err(NodesDiffer { nodes }.into())
        }
        (true, Some(error)) => Err(error),
        (true, None) => Ok(()),
    }
}
