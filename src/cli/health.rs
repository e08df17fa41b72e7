//! `tally health`: whether a node lives, or whether it can do its work; for containers and scripts, which have no curl.

use anyhow::bail;
use clap::Args;

use super::client::{Client, NodeArgs};
use super::out::{outln, plain};

#[derive(Debug, Args)]
pub struct HealthArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// Check whether it can do its work, not only whether it is alive
    #[arg(long)]
    ready: bool,
}

/// Prints the answer; fails where it is not yes.
pub fn run(args: &HealthArgs) -> anyhow::Result<()> {
    let path = if args.ready { "/readyz" } else { "/healthz" };
    let (status, text) = Client::to(&args.node)?.probe(path)?;
    if status != 200 {
        bail!("{path} answers {status}: {}", text.trim());
    }
    Ok(outln!("{}", plain(text.trim()))?)
}
