//! `tally bench load`.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use tally_api::submit::{BatchAnswer, BatchBody, BatchResult, RawBody, SubmittedBody};
use tally_chain::hash::sha256;
use tally_chain::{Address, Amount, B256, Bytes, RawTransaction};
use tally_node::{MiningConfig, Node, NodeConfig, system_clock};
use tally_wallet::KeyKind;

use super::super::client::Client;
use super::super::out::errln;
use super::Figures;
use super::signers::{Signers, chain};
use crate::config::WebConfig;
use crate::operator::TokenSource;
use crate::server::Server;
use crate::web;

/// Signs transfers beforehand, pushes them through POST /api/v1/transactions/batch, and waits until all are in blocks.
/// Without --node a node of one-second blocks is started for the run, mining with one thread.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// A running node whose chain funds the PUBLIC accounts; without it, one is started
    #[arg(long, value_name = "URL")]
    node: Option<String>,
    /// Transfers in all
    #[arg(long, default_value_t = 10_000)]
    transfers: usize,
    /// RSA-2048 accounts that send
    #[arg(long, default_value_t = 8)]
    accounts: u32,
    /// Transfers in one batch
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Batches under way at once
    #[arg(long, default_value_t = 2)]
    connections: usize,
    /// Most seconds to wait until all are in blocks
    #[arg(long, default_value_t = 300)]
    patience: u64,
}

/// A node that was started for the run.
struct OwnNode {
    runtime: tokio::runtime::Runtime,
    running: web::Running,
    node: Node,
    _folder: tempfile::TempDir,
}

pub fn run(args: &LoadArgs) -> anyhow::Result<Figures> {
    anyhow::ensure!(
        args.batch > 0 && args.accounts > 0,
        "--batch and --accounts are 1 or more"
    );
    errln!("searching {} RSA keys of the PUBLIC phrase", args.accounts);
    let signers = Signers::new(KeyKind::Rsa2048, args.accounts)?;
    let (client, own) = match &args.node {
        Some(url) => (Client::new(url)?, None),
        None => {
            let own = start(&signers)?;
            (Client::new(&format!("http://{}", own.running.address))?, Some(own))
        }
    };
    let status = client.status()?;
    let signers = signers.on(status.binding().identity());
    if own.is_none() {
        fund(&client, &signers, status.binding().identity(), args.patience)?;
    }
    let nonces = signers
        .addresses()
        .map(|a| Ok(client.account(a)?.next_nonce))
        .collect::<anyhow::Result<Vec<_>>>()?;
    errln!("signing {} transfers", args.transfers);
    let envelopes = signers.transfers(args.transfers, &nonces, (system_clock())())?;
    let decoded = envelopes
        .iter()
        .take(2_000)
        .map(|envelope| RawTransaction::decode(envelope.clone()));
    let limit = signers.check_rate_of(decoded.collect::<Result<_, _>>()?)?;
    let mut figures = push(args, &client, &envelopes, status.height)?;
    figures.push(("signature_checks_alone", limit, "/s, all cores of this run: the limit"));
    if let Some(own) = own {
        own.runtime.block_on(own.running.stop())?;
        own.node.close()?;
    }
    Ok(Figures { bench: "load", figures })
}

fn start(signers: &Signers) -> anyhow::Result<OwnNode> {
    let folder = tempfile::tempdir()?;
    let spec = chain(signers.addresses())?;
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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let running = runtime.block_on(web::start(Server::new(node.clone(), tokens, web)))?;
    Ok(OwnNode {
        runtime,
        running,
        node,
        _folder: folder,
    })
}

/// Gives the senders money from the first PUBLIC account, where they have none.
fn fund(
    client: &Client,
    signers: &Signers,
    chain: tally_chain::transaction::ChainIdentity,
    patience: u64,
) -> anyhow::Result<()> {
    let bank = Signers::new(KeyKind::Secp256k1, 1)?.on(chain);
    let bank_address = bank.addresses().next().context("one account was made")?;
    let enough = Amount::from_coins("100")?;
    let mut nonce = client.account(bank_address)?.next_nonce;
    let poor = |client: &Client| -> anyhow::Result<Vec<Address>> {
        let mut poor = Vec::new();
        for address in signers.addresses() {
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

fn push(args: &LoadArgs, client: &Client, envelopes: &[Bytes], height: u64) -> anyhow::Result<Vec<super::Figure>> {
    let bodies: Vec<BatchBody> = envelopes
        .chunks(args.batch)
        .map(|batch| BatchBody {
            raw: batch.iter().map(ToString::to_string).collect(),
        })
        .collect();
    let accepted: Mutex<HashMap<B256, Instant>> = Mutex::new(HashMap::with_capacity(envelopes.len()));
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    errln!("pushing {} batches", bodies.len());
    let (pushed, latencies, blocks) = std::thread::scope(|scope| -> anyhow::Result<_> {
        let pushers: Vec<_> = (0..args.connections.max(1))
            .map(|_| {
                scope.spawn(|| -> anyhow::Result<()> {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(body) = bodies.get(at) else { return Ok(()) };
                        let batch = &envelopes[at * args.batch..envelopes.len().min((at + 1) * args.batch)];
                        // Known before they are sent: a block may have them before the answer is here.
                        let sent = Instant::now();
                        let mut known = accepted.lock().map_err(|_| anyhow::anyhow!("another thread failed"))?;
                        known.extend(batch.iter().map(|envelope| (sha256(&[envelope]), sent)));
                        drop(known);
                        push_one(client, body)?;
                    }
                })
            })
            .collect();
        let (latencies, blocks) = follow(args, client, &accepted, envelopes.len(), height)?;
        for pusher in pushers {
            pusher
                .join()
                .map_err(|_| anyhow::anyhow!("a pushing thread failed"))??;
        }
        Ok((begun.elapsed(), latencies, blocks))
    })?;
    let mut latencies = latencies;
    latencies.sort_unstable();
    let at = |p: usize| {
        latencies
            .get((latencies.len().max(1) - 1) * p / 100)
            .map_or(0.0, Duration::as_secs_f64)
    };
    Ok(vec![
        ("transfers", envelopes.len() as f64, "RSA-2048"),
        (
            "seconds",
            pushed.as_secs_f64(),
            "from the first batch to the last block",
        ),
        (
            "transfers_per_second",
            envelopes.len() as f64 / pushed.as_secs_f64(),
            "/s in blocks",
        ),
        ("blocks", blocks as f64, ""),
        ("latency_median", at(50), "s from sending to seen in a block"),
        ("latency_p90", at(90), "s"),
        ("latency_p99", at(99), "s"),
        (
            "resident_memory",
            crate::memory::resident_memory().unwrap_or(0) as f64 / 1e6,
            "MB of this process",
        ),
    ])
}

/// Sends one batch; what the pool has no room for yet is sent again.
fn push_one(client: &Client, body: &BatchBody) -> anyhow::Result<()> {
    loop {
        let answer: BatchAnswer = client.post("transactions/batch", body)?;
        let mut waiting = false;
        for result in answer.results {
            let problem = match result {
                BatchResult::Taken(_) => continue,
                BatchResult::Refused { problem } => problem,
                BatchResult::Unknown(found) => bail!("what became of a transfer cannot be read: {found}"),
            };
            match problem.kind.as_str() {
                "/problems/pool-full" | "/problems/sender-limit" | "/problems/nonce-too-high" => waiting = true,
                "/problems/already-pending" | "/problems/already-included" | "/problems/nonce-too-low" => {}
                kind => bail!("a transfer was rejected as {kind}: {}", problem.detail),
            }
        }
        if !waiting {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Reads new blocks until every transfer was seen in one.
fn follow(
    args: &LoadArgs,
    client: &Client,
    sent: &Mutex<HashMap<B256, Instant>>,
    count: usize,
    mut height: u64,
) -> anyhow::Result<(Vec<Duration>, u64)> {
    let deadline = Instant::now() + Duration::from_secs(args.patience);
    let (mut latencies, mut filled) = (Vec::with_capacity(count), 0);
    while latencies.len() < count {
        if Instant::now() > deadline {
            bail!(
                "{} of {count} transfers were in blocks after {} s",
                latencies.len(),
                args.patience
            );
        }
        let tip = client.status()?.height;
        if tip == height {
            std::thread::sleep(Duration::from_millis(50));
            continue;
        }
        while height < tip {
            height += 1;
            let envelopes = client.block(height)?;
            let seen = Instant::now();
            filled += u64::from(!envelopes.is_empty());
            let mut sent = sent.lock().map_err(|_| anyhow::anyhow!("a pushing thread failed"))?;
            latencies.extend(
                envelopes
                    .iter()
                    .filter_map(|e| Some(seen - sent.remove(&sha256(&[e]))?)),
            );
        }
    }
    Ok((latencies, filled))
}
