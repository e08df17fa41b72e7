//! Scenarios of a node on its machine: killed, its files torn, started again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tally_api::status::TipBody;
use tally_api::submit::{RawBody, SubmittedBody};
use tally_chain::TxId;
use tally_lab::{Secp256k1Signer, Seeded, Signer as _};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::notes::Notes;
use super::process::{Node, PATIENCE, Place};
use super::sandbox::Lab;
use super::{mining, transactions};

/// Kills of a run, and of one at full size.
const KILLS: [usize; 2] = [3, 25];
/// Torn ends that are tried, and those at full size.
const TEARS: [usize; 2] = [2, 12];
/// Blocks before a file is torn.
const BLOCKS: usize = 6;
/// Longest time until a kill, in milliseconds.
const LONGEST: u64 = 120;

/// All that a node has acknowledged.
#[derive(Debug, Default)]
struct Acknowledged {
    blocks: BTreeMap<u64, String>,
    payments: Vec<TxId>,
}

impl Acknowledged {
    /// Pays and mines once, as far as the node lives.
    fn work(&mut self, node: &Node, lab: &Lab, id: &str) -> anyhow::Result<()> {
        let (alice, bob) = (Secp256k1Signer::of(id, 0), Secp256k1Signer::of(id, 1).address());
        let nonce = node.client.account(alice.address())?.next_nonce;
        let envelope = alice.envelope(&lab.identity(), &lab.bench.ten(nonce, bob));
        let taken: SubmittedBody = node.client.post("transactions", &RawBody::of(&envelope))?;
        self.payments.push(taken.id);
        mining::mine(node)?;
        let tip = node.tip()?;
        self.blocks.insert(tip.height, tip.id.to_string());
        Ok(())
    }

    /// What of it a node lacks, in words.
    fn lost(&self, node: &Node) -> anyhow::Result<Vec<String>> {
        let mut lost = Vec::new();
        for (height, id) in &self.blocks {
            let block: Value = node.client.get(&format!("blocks/{height}"))?;
            if block["id"] != Value::String(id.clone()) {
                lost.push(format!("block {id} at height {height}"));
            }
        }
        for payment in &self.payments {
            if node.client.find(*payment)?.is_none() {
                lost.push(format!("payment {payment}"));
            }
        }
        Ok(lost)
    }
}

/// What `tally audit` finds in a node's folder: how many faults, and its height.
async fn audit(place: &Place, data_dir: &Path) -> anyhow::Result<(usize, u64)> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["audit", "--json", "--spec"])
        .arg(&place.spec)
        .arg("--data-dir")
        .arg(data_dir)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("TALLY_") {
            command.env_remove(variable);
        }
    }
    let output = timeout(PATIENCE, command.output())
        .await
        .context("the audit does not end")??;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("the audit: {}", String::from_utf8_lossy(&output.stderr)))?;
    let faults = report["faults"].as_array().context("the audit reports faults")?.len();
    Ok((faults, report["height"].as_u64().context("the audit reports a height")?))
}

/// The audit as a step.
async fn audited(place: &Place, data_dir: &Path, least: u64, notes: &mut Notes) -> anyhow::Result<()> {
    let (faults, height) = audit(place, data_dir).await?;
    notes.sees(
        "`tally audit` executes the whole store again",
        format!("{faults} faults, height {height}"),
        "no fault, and nothing lower than what the node showed",
        faults == 0 && height >= least,
    );
    Ok(())
}

pub async fn kill(lab: &mut Lab, id: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let kills = KILLS[usize::from(lab.options.full)];
    let mut rng = Seeded::new(&format!("kill {}", lab.now()));
    let mut acknowledged = Acknowledged::default();
    let mut node = Node::start(&lab.place, "killed", &[]).await?;
    for number in 1..=kills {
        acknowledged.work(&node, lab, id)?;
        let client = node.client.clone();
        // Goes on with the work while the process is killed: what it still acknowledges counts.
        let (lab_identity, bench) = (lab.identity(), lab.bench.clone());
        let alice = Secp256k1Signer::of(id, 2);
        let bob = Secp256k1Signer::of(id, 3).address();
        let busy = tokio::task::spawn_blocking(move || {
            let mut payments = Vec::new();
            let Ok(account) = client.account(alice.address()) else {
                return payments;
            };
            for nonce in account.next_nonce.. {
                let envelope = alice.envelope(&lab_identity, &bench.payment(nonce, bob, tally_chain::Amount::ZERO));
                match client.post::<SubmittedBody>("transactions", &RawBody::of(&envelope)) {
                    Ok(taken) => payments.push(taken.id),
                    Err(_) => break,
                }
            }
            payments
        });
        // Most kills fall into the storing of a block, since blocks follow each other without a pause.
        let client = node.client.clone();
        let miner = tokio::task::spawn_blocking(move || {
            let mut blocks = Vec::new();
            while let Ok(block) = mining::acknowledged(&client) {
                blocks.push(block);
            }
            blocks
        });
        sleep(Duration::from_millis(rng.number() % LONGEST)).await;
        node.kill().await?;
        acknowledged.payments.extend(busy.await?);
        acknowledged.blocks.extend(miner.await?);
        node = Node::start(&lab.place, "killed", &[]).await?;
        let lost = acknowledged.lost(&node)?;
        let (blocks, payments) = (acknowledged.blocks.len(), acknowledged.payments.len());
        let detail = match lost.first() {
            None => format!("{blocks} blocks and {payments} payments were acknowledged, and all are there"),
            Some(first) => format!("{} are missing, {first} is the first", lost.len()),
        };
        notes.sees(
            format!("kill -9 number {number}, then a new start"),
            detail,
            "nothing is missing",
            lost.is_empty(),
        );
    }
    let (least, data_dir) = (node.tip()?.height, node.data_dir().to_owned());
    node.stop().await?;
    audited(&lab.place, &data_dir, least, notes).await
}

pub async fn restart(lab: &mut Lab, id: &str, notes: &mut Notes) -> anyhow::Result<()> {
    if let Some(acts) = tally_lab::old::demonstration(id) {
        transactions::watch(acts, notes);
    }
    let bob = Secp256k1Signer::of(id, 1).address();
    let mut acknowledged = Acknowledged::default();
    let node = Node::start(&lab.place, "restarted", &[]).await?;
    acknowledged.work(&node, lab, id)?;
    let before = node.client.account(bob)?.balance;
    notes.sees(
        "Tally: Alice pays Bob 10",
        format!("Bob holds {} coins", before.to_coins()),
        "10 more than 1,000",
        before.to_coins() == "1010",
    );
    node.kill().await?;
    let node = Node::start(&lab.place, "restarted", &[]).await?;
    let (after, lost) = (node.client.account(bob)?.balance, acknowledged.lost(&node)?);
    notes.sees(
        "Tally: the program is killed and begins again",
        format!("Bob holds {} coins", after.to_coins()),
        "what he held before",
        after == before && lost.is_empty(),
    );
    Ok(())
}

/// The file of a store to which it writes: the newest one that has something in it.
fn newest(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let mut newest: Option<(std::time::SystemTime, PathBuf)> = None;
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let (entry, found) = {
                let entry = entry?;
                let found = entry.metadata()?;
                (entry.path(), found)
            };
            if found.is_dir() {
                open.push(entry);
            } else if found.len() > 0
                && newest
                    .as_ref()
                    .is_none_or(|(time, _)| found.modified().is_ok_and(|at| at > *time))
            {
                newest = Some((found.modified()?, entry));
            }
        }
    }
    Ok(newest.map(|(_, path)| path))
}

/// Cuts the end of a file off, as a power cut in the middle of a write does; how many bytes.
fn tear(path: &Path, rng: &mut Seeded) -> anyhow::Result<u64> {
    let file = std::fs::File::options().write(true).open(path)?;
    let used = used_len(path)?;
    let cut = 1 + rng.number() % used.min(400);
    file.set_len(used - cut)?;
    Ok(cut)
}

/// The length of a file without the zeros at its end, which a journal reserves.
fn used_len(path: &Path) -> anyhow::Result<u64> {
    let bytes = std::fs::read(path)?;
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    anyhow::ensure!(used > 0, "{} holds nothing", path.display());
    Ok(used as u64)
}

pub async fn torn_write(lab: &mut Lab, id: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let tears = TEARS[usize::from(lab.options.full)];
    let mut rng = Seeded::new("torn");
    for number in 1..=tears {
        let name = format!("torn-{number}");
        let node = Node::start(&lab.place, &name, &[]).await?;
        let mut acknowledged = Acknowledged::default();
        for _ in 0..BLOCKS {
            acknowledged.work(&node, lab, id)?;
        }
        let data_dir = node.data_dir().to_owned();
        node.kill().await?;
        let file = newest(&data_dir.join("store"))?.context("the store has files")?;
        let cut = tear(&file, &mut rng)?;
        let name_of = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let what = format!("the last {cut} bytes of {name_of} are gone, and the node starts again");
        let expected = "it begins at a block that it had before, or does not begin";
        match Node::start(&lab.place, &name, &[]).await {
            Err(error) => {
                // It has ended by itself, and names its store as the reason.
                let why = format!("{error:#}");
                let held = why.contains("the node does not start") && why.contains("store");
                notes.sees(what, format!("it does not begin: {why}"), expected, held);
            }
            Ok(node) => {
                let TipBody { id, height, .. } = node.tip()?;
                let known = height == 0 || acknowledged.blocks.get(&height) == Some(&id.to_string());
                notes.sees(
                    what,
                    format!("it begins at height {height} of {BLOCKS}"),
                    expected,
                    known,
                );
                node.stop().await?;
                audited(&lab.place, &data_dir, height, notes).await?;
            }
        }
    }
    Ok(())
}
