//! The sandbox: nodes, their chains as the laboratory has them, and the folder of all of it. Scenarios that only need answers share
//! one node; the others have nodes of their own.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Height, UnixSecs};
use tally_lab::{Bench, Branch, spec};
use tally_node::system_clock;

use super::process::{Node, PATIENCE, Place};
use crate::cli::client::{Bounds, Client, Expected};
use crate::cli::out::errln;

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
    /// A new one; no node runs yet.
    pub fn new(options: Options) -> anyhow::Result<Self> {
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
                time: PATIENCE,
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
