//! A load of a fixed number of transfers, signed beforehand and held in memory: `--transfers`.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use tally_api::submit::{BatchAnswer, BatchBody, BatchResult};
use tally_chain::hash::sha256;
use tally_chain::{B256, Bytes};

use super::super::super::client::Client;
use super::super::super::out::errln;
use super::super::Figure;
use super::LoadArgs;

pub fn push(args: &LoadArgs, client: &Client, envelopes: &[Bytes], height: u64) -> anyhow::Result<Vec<Figure>> {
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
        let pushers: Vec<_> = (0..args.connections.unwrap_or(2))
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
pub fn push_one(client: &Client, body: &BatchBody) -> anyhow::Result<()> {
    loop {
        let answer: BatchAnswer = client.post("transactions/batch", body)?;
        let mut waiting = false;
        for result in answer.results {
            let problem = match result {
                BatchResult::Accepted(_) => continue,
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
