//! Runs scenarios one after the other. Those that only need answers share one node; the others have nodes of their own.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Height, UnixSecs, genesis};
use tally_lab::report::{Outcome, Report, VERSION};
use tally_lab::{Bench, Branch, Scenario, spec};
use tally_node::system_clock;

use super::notes::Notes;
use super::process::{Node, Place};
use super::{blocks, chain, network, node, race, transactions};
use crate::cli::client::{Bounds, Client, Expected};
use crate::cli::out::{Unprinted, errln};

/// Of the node that the scenarios on forks share: forks deeper than this are rejected.
pub const MAX_REORG_DEPTH: &str = "3";
/// How often the folder of the sandbox is tried to be removed, and the time between.
const REMOVALS: u32 = 100;
const REMOVE_AGAIN: Duration = Duration::from_millis(20);

/// What the command line asks for.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Long scenarios at full size.
    pub full: bool,
    /// The honest version in place of each attack.
    pub untampered: bool,
}

/// A node, and its chain as the laboratory has it.
pub struct Site {
    pub node: Node,
    pub branch: Branch,
}

/// The sandbox of one run; all of it is gone when this is dropped.
pub struct Lab {
    /// What scenarios are made for.
    pub bench: Bench,
    /// Where nodes are made.
    pub place: Place,
    pub options: Options,
    /// For what only needs an answer.
    shared: Option<Site>,
    /// For forks: its limit of reorgs is low.
    forks: Option<Site>,
    /// Dropped last: the nodes are killed by then.
    _folder: Folder,
}

/// The folder of the sandbox; it is removed when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn make() -> std::io::Result<Self> {
        let made = tempfile::Builder::new().prefix("tally-lab-").tempdir()?;
        Ok(Self(made.keep()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A process that was killed a moment ago may still be writing its last file.
        for _ in 0..REMOVALS {
            match std::fs::remove_dir_all(&self.0) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => std::thread::sleep(REMOVE_AGAIN),
                _ => return,
            }
        }
        errln!("the sandbox could not be removed: {}", self.0.display());
    }
}

impl Lab {
    fn new(options: Options) -> anyhow::Result<Self> {
        let folder = Folder::make().context("cannot make a folder for the sandbox")?;
        let now = (system_clock())();
        let spec = spec(now);
        let file = folder.0.join("spec.toml");
        std::fs::write(&file, spec.to_toml()).context("cannot write the chain spec")?;
        Ok(Self {
            bench: Bench::new(spec, now),
            place: Place {
                folder: folder.0.clone(),
                spec: file,
            },
            options,
            shared: None,
            forks: None,
            _folder: folder,
        })
    }

    /// What signatures are bound to.
    pub fn identity(&self) -> ChainIdentity {
        self.bench.identity
    }

    /// The time, now.
    pub fn now(&self) -> UnixSecs {
        (system_clock())()
    }

    /// A new node, and its chain: genesis alone.
    pub async fn site(&self, name: &str, more: &[&str]) -> anyhow::Result<Site> {
        Ok(Site {
            node: Node::start(&self.place, name, more).await?,
            branch: Branch::new(self.bench.spec.clone()),
        })
    }

    /// Takes the node that most scenarios share, with its chain as it is now. It is given back by [`Self::give_back`].
    pub async fn take_shared(&mut self) -> anyhow::Result<Site> {
        let mut site = match self.shared.take() {
            Some(site) => site,
            None => self.site("shared", &[]).await?,
        };
        follow(&site.node.client, &mut site.branch)?;
        Ok(site)
    }

    /// Keeps the shared node for the next scenario.
    pub fn give_back(&mut self, site: Site) {
        self.shared = Some(site);
    }

    /// The same for the node on which forks are tried.
    pub async fn take_forks(&mut self) -> anyhow::Result<Site> {
        match self.forks.take() {
            Some(site) => Ok(site),
            None => self.site("forks", &["--max-reorg-depth", MAX_REORG_DEPTH]).await,
        }
    }

    /// Keeps that node for the next scenario.
    pub fn give_back_forks(&mut self, site: Site) {
        self.forks = Some(site);
    }

    async fn scenario(&mut self, scenario: &Scenario, notes: &mut Notes) -> anyhow::Result<()> {
        self.bench.now = self.now();
        let id = scenario.id;
        match id {
            "block-future" | "block-past" | "block-no-work" => blocks::mined(self, id, notes).await,
            "chain-race" => race::double_spend(self.options.full, notes),
            "chain-selfish" => race::selfish(self.options.full, notes),
            "chain-double-spend" => chain::double_spend(self, id, notes).await,
            "chain-equal-work" => chain::equal_work(self, notes).await,
            "chain-rewrite" => chain::rewrite(self, notes).await,
            "chain-partition" => chain::partition(self, id, notes).await,
            "net-garbage" => network::garbage(self, notes).await,
            "net-other-chain" => network::other_chain(self, notes).await,
            "net-headers" => network::headers(self, notes).await,
            "net-false-claim" => network::false_claim(self, notes).await,
            "net-transactions" => network::transactions(self, id, notes).await,
            "net-connections" => network::connections(self, notes).await,
            "net-clocks" => network::clocks(self, notes).await,
            "node-kill" => node::kill(self, id, notes).await,
            "node-torn-write" => node::torn_write(self, id, notes).await,
            "old-restart" => node::restart(self, id, notes).await,
            _ => match tally_lab::transactions::script(id, &self.bench) {
                Some(acts) => transactions::play(self, acts, notes).await,
                None => blocks::shown(self, id, notes).await,
            },
        }
    }
}

/// Brings a branch to the tip of a node: its blocks are checked and executed here, too.
pub fn follow(client: &Client, branch: &mut Branch) -> anyhow::Result<()> {
    let status: tally_api::status::StatusBody = client.get("status")?;
    while branch.height() < Height(status.tip.height) {
        let path = format!("blocks/{}?format=raw", branch.height().0 + 1);
        let expected = Expected {
            path: &path,
            media: "application/octet-stream",
            bounds: Bounds {
                bytes: branch.spec().limits.block_bytes,
                time: super::process::PATIENCE,
            },
        };
        let bytes = client.bytes(expected)?;
        branch.import(&bytes).context("the node's own chain")?;
    }
    anyhow::ensure!(
        branch.tip() == status.tip.id,
        "the node has left the chain that the laboratory follows"
    );
    Ok(())
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
        if let Err(error) = lab.scenario(scenario, &mut notes).await {
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
