//! What was found, as text and as JSON: what was checked, and what is taken on trust.

use serde_json::{Value, json};
use tally_app::format::{duration, iso};
use tally_chain::light::{Checked, Level, Verified};
use tally_chain::{Header, UnixSecs, visible};
use tally_node::counted::counted;

use super::check::{Rejected, Shown};
use super::{Findings, Outcome, Relation};
use crate::cli::out::{Unprinted, outln};

/// Prints all of it.
pub fn print(findings: &Findings, now: UnixSecs, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        outln!("{}", serde_json::to_string_pretty(&whole(findings, now))?)?;
        return Ok(());
    }
    // A node chose the name.
    outln!(
        "Chain {}, genesis {}",
        visible::escaped(&findings.chain),
        findings.genesis
    )?;
    for node in &findings.nodes {
        outln!("{}", node.node)?;
        match &node.result {
            Ok(shown) => verified(shown, node.relation.as_ref(), now)?,
            Err(error) => outln!("  NOT VERIFIED {}", visible::escaped(&format!("{error:#}")))?,
        }
    }
    outln!("Taken on trust:")?;
    for assumption in assumptions(findings) {
        outln!("  {assumption}")?;
    }
    Ok(())
}

fn verified(shown: &Shown, relation: Option<&Relation>, now: UnixSecs) -> Result<(), Unprinted> {
    let Verified {
        level,
        tip,
        header,
        manifest,
        weight,
        checked,
        ..
    } = &shown.verified;
    outln!("  verified     {}", level_name(*level))?;
    outln!("  tip          {tip} at height {}", manifest.number)?;
    outln!(
        "  time         {}, {} old",
        iso(header.time.into()),
        duration(age(*header, now) as f64)
    )?;
    outln!("  total work   {weight}")?;
    outln!("  checked      {}", checks(*level, checked))?;
    outln!(
        "  read         {} in {:.1} s",
        counted(checked.bytes, "byte", "bytes"),
        shown.secs
    )?;
    match relation {
        Some(Relation::Behind { blocks }) => outln!(
            "  compared     {} behind the chain with the most total work here",
            counted(*blocks, "block", "blocks")
        ),
        Some(Relation::Different) => outln!("  compared     ANOTHER CHAIN than the one with the most total work here"),
        Some(Relation::Unknown { why }) => outln!(
            "  compared     UNKNOWN: the node of the chain with the most total work does not show it: {}",
            visible::escaped(why)
        ),
        Some(Relation::Same) | None => Ok(()),
    }
}

/// Seconds since the block's time; none where it is ahead of the clock.
fn age(header: Header, now: UnixSecs) -> u64 {
    now.0.saturating_sub(header.time.into())
}

/// The names of the levels. Rule: docs/protocol.md#F1
fn level_name(level: Level) -> &'static str {
    match level {
        Level::Sampled => "sampled",
        Level::AllHeaders => "all headers",
        Level::Executed => "executed",
    }
}

fn checks(level: Level, checked: &Checked) -> String {
    let headers = counted(checked.headers, "header", "headers");
    match level {
        Level::Sampled => format!(
            "the work of {headers}, {} of them the newest, with work of {}; {} with their places; {} between them; {}",
            checked.tail,
            checked.tail_weight,
            counted(checked.records, "block", "blocks"),
            counted(checked.nodes, "node", "nodes"),
            counted(checked.draws, "draw", "draws")
        ),
        Level::AllHeaders | Level::Executed => {
            format!("work, time and link of {headers}: all since genesis")
        }
    }
}

/// What no check here shows. Each sentence is about the chains that were verified.
fn assumptions(findings: &Findings) -> Vec<String> {
    let shown = || findings.nodes.iter().filter_map(|node| node.result.as_ref().ok());
    let mut all = Vec::new();
    if !findings.genesis_given {
        all.push(
            "that this is the genesis that you mean: a node named it (name it yourself with --genesis)".to_owned(),
        );
    }
    if shown().next().is_none() {
        return all;
    }
    if shown().any(|shown| shown.verified.level == Level::Sampled) {
        all.push(
            "that no forger has a third of all miners' power: a sample shows all work of its newest blocks, and that of the rest by \
             chance (--headers checks all of it)"
                .to_owned(),
        );
    }
    all.push("that no chain has more total work than those of these nodes".to_owned());
    all.push("that the blocks do what the rules allow: none was executed (tally audit does that)".to_owned());
    all.push("SHA-256, and this machine's clock".to_owned());
    all
}

fn whole(findings: &Findings, now: UnixSecs) -> Value {
    json!({
        "chain": findings.chain,
        "genesis_id": findings.genesis,
        "genesis_given": findings.genesis_given,
        "trusted": findings.trusted,
        "nodes": findings.nodes.iter().map(|node| one(node, now)).collect::<Vec<_>>(),
        "believed": assumptions(findings),
    })
}

fn one(node: &Outcome, now: UnixSecs) -> Value {
    match &node.result {
        Ok(shown) => {
            let found = &shown.verified;
            let (relation, behind, why) = match &node.relation {
                Some(Relation::Behind { blocks }) => ("behind", *blocks, None),
                Some(Relation::Different) => ("different", 0, None),
                Some(Relation::Unknown { why }) => ("unknown", 0, Some(why)),
                Some(Relation::Same) | None => ("same", 0, None),
            };
            json!({
                "node": node.node,
                "verified": true,
                "level": found.level,
                "tip": found.tip,
                "height": found.manifest.number,
                "time": found.header.time,
                "age_secs": age(found.header, now),
                "weight": found.weight.to_string(),
                "state_root": found.manifest.state_root,
                "checked": found.checked,
                "relation": relation,
                "behind": behind,
                "relation_unknown": why,
                "seconds": shown.secs,
            })
        }
        Err(error) => {
            let fault = match error.downcast_ref() {
                Some(Rejected::Proof(fault)) => Some(fault),
                _ => None,
            };
            json!({
                "node": node.node,
                "verified": false,
                "refuted": error.is::<Rejected>(),
                "reason": format!("{error:#}"),
                "rule": fault.map(|fault| fault.rule),
                "height": fault.and_then(|fault| fault.height),
                "byte": fault.map(|fault| fault.at),
            })
        }
    }
}
