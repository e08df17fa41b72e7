//! Runs scenarios one after the other.

use std::time::Instant;

use tally_chain::genesis;
use tally_lab::Scenario;
use tally_lab::report::{Outcome, Report, VERSION};

use super::notes::Notes;
use super::sandbox::{Lab, Options};
use super::{blocks, chain, network, node, race, transactions};
use crate::cli::out::Unprinted;

/// Does one of them.
async fn scenario(lab: &mut Lab, scenario: &Scenario, notes: &mut Notes) -> anyhow::Result<()> {
    lab.bench.now = lab.now();
    let id = scenario.id;
    match id {
        "block-future" | "block-past" | "block-no-work" => blocks::mined(lab, id, notes).await,
        "chain-race" => race::double_spend(lab.options.full, notes),
        "chain-selfish" => race::selfish(lab.options.full, notes),
        "chain-double-spend" => chain::double_spend(lab, id, notes).await,
        "chain-equal-work" => chain::equal_work(lab, notes).await,
        "chain-rewrite" => chain::rewrite(lab, notes).await,
        "chain-partition" => chain::partition(lab, id, notes).await,
        "net-garbage" => network::garbage(lab, notes).await,
        "net-other-chain" => network::other_chain(lab, notes).await,
        "net-headers" => network::headers(lab, notes).await,
        "net-false-claim" => network::false_claim(lab, notes).await,
        "net-transactions" => network::transactions(lab, id, notes).await,
        "net-connections" => network::connections(lab, notes).await,
        "net-clocks" => network::clocks(lab, notes).await,
        "node-kill" => node::kill(lab, id, notes).await,
        "node-torn-write" => node::torn_write(lab, id, notes).await,
        "old-restart" => node::restart(lab, id, notes).await,
        _ => match tally_lab::transactions::script(id, &lab.bench) {
            Some(acts) => transactions::play(lab, acts, notes).await,
            None => blocks::shown(lab, id, notes).await,
        },
    }
}

/// Runs these scenarios; `show` is given each as it ends.
///
/// # Errors
/// If the sandbox cannot be made, or `show` fails.
pub async fn run(
    scenarios: &[&Scenario],
    options: Options,
    show: impl Fn(&Outcome) -> Result<(), Unprinted>,
) -> anyhow::Result<Report> {
    let mut lab = Lab::new(options)?;
    let mut outcomes = Vec::new();
    for scenario in scenarios {
        let begun = Instant::now();
        let mut notes = Notes::default();
        // A scenario that could not be run to its end has shown nothing.
        if let Err(error) = self::scenario(&mut lab, scenario, &mut notes).await {
            notes.sees(
                "the scenario",
                format!("it could not be run: {error:#}"),
                "it runs to its end",
                false,
            );
        }
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let outcome = Outcome::of(scenario, notes.into_steps(), millis);
        show(&outcome)?;
        outcomes.push(outcome);
    }
    let held = outcomes.iter().filter(|outcome| outcome.held).count();
    let spec = &lab.bench.spec;
    let report = Report {
        version: VERSION,
        tally: env!("CARGO_PKG_VERSION").to_owned(),
        chain: spec.name.clone(),
        chain_id: spec.chain_id,
        genesis: genesis::identity(spec).genesis.to_string(),
        untampered: options.untampered,
        held,
        failed: outcomes.len() - held,
        scenarios: outcomes,
    };
    Ok(report)
}
