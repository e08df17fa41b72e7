//! `tally bench load`.

mod burst;
mod measure;
mod stock;
mod sustained;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use tally_api::submit::{RawBody, SubmittedBody};
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, Amount, Bytes, RawTransaction};
use tally_node::verifier::{SignatureCache, TransactionChecker};
use tally_node::{MiningConfig, Node, NodeConfig, system_clock};
use tally_wallet::KeyKind;

use super::super::client::Client;
use super::super::out::errln;
use super::Figures;
use super::fast::{Mix, Sender};
use super::signers::{Signers, chain};
use crate::config::WebConfig;
use crate::operator::TokenSource;
use crate::server::Server;
use crate::tokens::Access;
use crate::web;

/// Pushes signed transfers through POST /api/v1/transactions/batch for a while, and measures how many come into blocks after a
/// warm-up. They are signed ahead on all cores and wait on the disk; what is sent beyond that is signed as it is sent.
/// Without --node a node of one-second blocks is started for the run, mining with one thread.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// A running node whose chain funds the PUBLIC accounts; without it, one is started
    #[arg(long, value_name = "URL")]
    node: Option<String>,
    /// Seconds that are measured
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    secs: u64,
    /// Seconds of load before them
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    warmup: u64,
    /// Transfers a second, or as many as the node takes
    #[arg(long, default_value = "max", value_name = "N|max", value_parser = rate)]
    rate: Rate,
    /// What signs the transfers
    #[arg(long, value_enum, default_value_t = Mix::Rsa)]
    kind: Mix,
    /// Most transfers that are sent and not in a block yet
    #[arg(long, default_value_t = 50_000)]
    in_flight: usize,
    /// Transfers that are signed before the run; by default as many as the rate requires, or 20,000 for each second
    #[arg(long, value_name = "N")]
    ahead: Option<usize>,
    /// Show a line each second
    #[arg(long)]
    live: bool,
    /// Push this many RSA-2048 transfers and end, in place of a load for a while
    #[arg(long, value_name = "N", conflicts_with_all = ["secs", "warmup", "rate", "kind", "in_flight", "ahead", "live"])]
    transfers: Option<usize>,
    /// Accounts that send
    #[arg(long, default_value_t = 8)]
    accounts: u32,
    /// Transfers in one batch
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Batches under way at once, each from accounts and with a signing thread of its own; by default one for each core, 2 at
    /// least, and 2 with --transfers
    #[arg(long, value_name = "N")]
    connections: Option<usize>,
    /// Most seconds to wait until all are in blocks
    #[arg(long, default_value_t = 300)]
    patience: u64,
}

/// How many transfers are sent each second; `None`: as many as the node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rate(Option<u32>);

fn rate(text: &str) -> Result<Rate, String> {
    match text {
        "max" => Ok(Rate(None)),
        text => match text.parse() {
            Ok(rate) if rate > 0 => Ok(Rate(Some(rate))),
            _ => Err("a number of transfers a second, 1 or more, or max".to_owned()),
        },
    }
}

/// A node that was started for the run.
struct OwnNode {
    runtime: tokio::runtime::Runtime,
    running: web::Running,
    node: Node,
    _folder: tempfile::TempDir,
}

impl OwnNode {
    fn stop(self) -> anyhow::Result<()> {
        self.runtime.block_on(self.running.stop())?;
        Ok(self.node.close()?)
    }
}

pub fn run(args: &LoadArgs) -> anyhow::Result<Figures> {
    anyhow::ensure!(
        args.batch > 0 && args.accounts > 0 && args.connections != Some(0),
        "--batch, --accounts and --connections are 1 or more"
    );
    anyhow::ensure!(
        args.batch <= tally_api::submit::MAX_BATCH && args.in_flight >= args.batch,
        "--batch is at most {} and at most --in-flight",
        tally_api::submit::MAX_BATCH
    );
    let figures = match args.transfers {
        Some(transfers) => once(args, transfers)?,
        None => sustain(args)?,
    };
    Ok(Figures { bench: "load", figures })
}

/// The node that is loaded, after its senders have money; the height of its tip, and the next nonces of the senders.
fn prepare(args: &LoadArgs, senders: &[Address]) -> anyhow::Result<(Client, Option<OwnNode>, ChainIdentity, Vec<u64>)> {
    let (client, own) = match &args.node {
        Some(url) => (Client::new(url)?, None),
        None => {
            let own = start(senders)?;
            (Client::new(&format!("http://{}", own.running.address))?, Some(own))
        }
    };
    let identity = client.status()?.binding().identity();
    if own.is_none() {
        fund(&client, senders, identity, args.patience)?;
    }
    let nonces = senders.iter().map(|address| Ok(client.account(*address)?.next_nonce));
    let nonces = nonces.collect::<anyhow::Result<_>>()?;
    Ok((client, own, identity, nonces))
}

/// A load of a fixed number.
fn once(args: &LoadArgs, transfers: usize) -> anyhow::Result<Vec<super::Figure>> {
    errln!("searching {} RSA keys of the PUBLIC phrase", args.accounts);
    let signers = Signers::new(KeyKind::Rsa2048, args.accounts)?;
    let senders: Vec<Address> = signers.addresses().collect();
    let (client, own, identity, nonces) = prepare(args, &senders)?;
    let signers = signers.on(identity);
    let height = client.status()?.height;
    errln!("signing {transfers} transfers");
    let envelopes = signers.transfers(transfers, &nonces, (system_clock())())?;
    let limit = check_rate(identity, envelopes.iter().take(2_000))?;
    let mut figures = burst::push(args, &client, &envelopes, height)?;
    figures.push(("signature_checks_alone", limit, "/s, all cores of this run: the limit"));
    own.map_or(Ok(()), OwnNode::stop)?;
    Ok(figures)
}

/// A load for a while.
fn sustain(args: &LoadArgs) -> anyhow::Result<Vec<super::Figure>> {
    errln!("searching the keys of {} accounts of the PUBLIC phrase", args.accounts);
    let senders = Sender::some(args.kind, args.accounts)?;
    let addresses: Vec<Address> = senders.iter().map(Sender::address).collect();
    let (client, own, identity, nonces) = prepare(args, &addresses)?;
    for sender in &senders {
        sender.check(&identity)?;
    }
    let mut figures = sustained::run(args, &client, identity, senders.iter().zip(nonces).collect())?;
    own.map_or(Ok(()), OwnNode::stop)?;
    let sample = senders.iter().cycle().zip(0..2_000);
    let sample = sample.map(|(sender, nonce)| sender.transfer(&identity, Address::ZERO, nonce, (system_clock())()));
    let sample = sample.collect::<anyhow::Result<Vec<_>>>()?;
    let limit = check_rate(identity, sample.iter())?;
    figures.push(("signature_checks_alone", limit, "/s, all cores of this run: the limit"));
    Ok(figures)
}

/// Signature checks a second, on all cores: decoded before, remembered nowhere.
fn check_rate<'a>(identity: ChainIdentity, envelopes: impl Iterator<Item = &'a Bytes>) -> anyhow::Result<f64> {
    let decoded = envelopes.map(|envelope| RawTransaction::decode(envelope.clone()));
    let decoded = decoded.collect::<Result<Vec<_>, _>>()?;
    let checker = TransactionChecker::with_cache(identity, SignatureCache::new(0));
    let (count, begun) = (decoded.len(), Instant::now());
    let checked = checker.check_all(decoded);
    checked.map_err(|(index, error)| anyhow::anyhow!("transfer {index}: {error}"))?;
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

fn start(senders: &[Address]) -> anyhow::Result<OwnNode> {
    let folder = tempfile::tempdir()?;
    let spec = chain(senders.iter().copied())?;
    let config = NodeConfig {
        max_reorg_depth: 1_000,
        mining: MiningConfig {
            on: true,
            threads: 1,
            producer: Address::repeat_byte(0xaa),
        },
        ..NodeConfig::new(folder.path().to_owned(), spec)
    };
    let node = Node::open(config, system_clock())?;
    let web = WebConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        rate_limit_local: 0,
        ..WebConfig::default()
    };
    let (tokens, _) = TokenSource::DataDir(folder.path().join("operator-token")).load()?;
    let access = Access::open(folder.path(), tokens, system_clock())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let running = runtime.block_on(web::start(Server::new(node.clone(), access, web)))?;
    Ok(OwnNode {
        runtime,
        running,
        node,
        _folder: folder,
    })
}

/// Gives the senders money from the first PUBLIC account, where they have none.
fn fund(client: &Client, senders: &[Address], chain: ChainIdentity, patience: u64) -> anyhow::Result<()> {
    let bank = Signers::new(KeyKind::Secp256k1, 1)?.on(chain);
    let bank_address = bank.addresses().next().context("one account was made")?;
    let enough = Amount::from_coins("100")?;
    let mut nonce = client.account(bank_address)?.next_nonce;
    let poor = |client: &Client| -> anyhow::Result<Vec<Address>> {
        let mut poor = Vec::new();
        for address in senders.iter().copied() {
            if client.account(address)?.balance < enough {
                poor.push(address);
            }
        }
        Ok(poor)
    };
    for address in poor(client)? {
        let envelope = bank.transfer(0, address, Amount::from_coins("1000")?, nonce, (system_clock())())?;
        let _: SubmittedBody = client.post("transactions", &RawBody::of(&envelope))?;
        nonce += 1;
    }
    let deadline = Instant::now() + Duration::from_secs(patience);
    while !poor(client)?.is_empty() {
        if Instant::now() > deadline {
            bail!("the senders were not funded within {patience} s; does the node mine?");
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_or_max() {
        assert_eq!(rate("max"), Ok(Rate(None)));
        assert_eq!(rate("250"), Ok(Rate(Some(250))));
        for wrong in ["0", "-1", "fast", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
