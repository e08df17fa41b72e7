//! A load for a while: lanes that send batch after batch, and a follower that finds them in blocks.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::bail;
use tally_api::submit::BatchBody;
use tally_chain::hash::sha256;
use tally_chain::transaction::ChainIdentity;
use tally_chain::{B256, Bytes};

use super::super::super::client::Client;
use super::super::super::out::errln;
use super::super::Figure;
use super::super::fast::Sender;
use super::LoadArgs;
use super::burst::push_one;
use super::measure::Histogram;
use super::stock::Lane;
use crate::memory::resident_memory;

/// Transfers that are signed ahead for each second of a run without a rate: what such a machine has been seen to take.
const AHEAD: usize = 20_000;
/// Batches of a lane that are ready to be sent.
const READY: usize = 2;
/// Between two looks for a new block; latencies are that coarse.
const LOOK: Duration = Duration::from_millis(20);
/// A lane that fell behind its rate by more than this does not catch up: a stalled node is not flooded afterwards.
const SLACK: Duration = Duration::from_secs(1);

/// What the threads of a run share.
struct Load<'a> {
    args: &'a LoadArgs,
    client: &'a Client,
    /// When transfers were sent that are in no block yet, by the SHA-256 of their envelope; at most `--in-flight`.
    sent: Mutex<HashMap<B256, Instant>>,
    /// Their number, those that are about to be sent included.
    under_way: AtomicUsize,
    /// Transfers that were signed while they were sent.
    signed_live: AtomicU64,
    /// The lanes send nothing more.
    ended: AtomicBool,
    /// A lane ended early.
    failed: AtomicBool,
}

/// Ends the lanes however the follower ends.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

pub fn run(
    args: &LoadArgs,
    client: &Client,
    chain: ChainIdentity,
    senders: Vec<(&Sender, u64)>,
) -> anyhow::Result<Vec<Figure>> {
    // An account belongs to one lane, so that its nonces come in their order.
    let cores = thread::available_parallelism().map_or(2, usize::from).max(2);
    let count = args.connections.unwrap_or(cores).min(senders.len());
    let mut of_lanes: Vec<Vec<(&Sender, u64)>> = vec![Vec::new(); count];
    for (at, sender) in senders.into_iter().enumerate() {
        of_lanes[at % count].push(sender);
    }
    let mut lanes: Vec<Lane<'_>> = of_lanes.into_iter().map(|own| Lane::new(chain, own)).collect();
    let seconds = usize::try_from(args.secs + args.warmup)?;
    let each_second = args.rate.0.map_or(AHEAD, |rate| rate as usize);
    let ahead = args.ahead.unwrap_or(each_second * seconds);
    let signed = sign_ahead(&mut lanes, ahead, args.live)?;

    let load = Load {
        args,
        client,
        sent: Mutex::new(HashMap::with_capacity(args.in_flight)),
        under_way: AtomicUsize::new(0),
        signed_live: AtomicU64::new(0),
        ended: AtomicBool::new(false),
        failed: AtomicBool::new(false),
    };
    let height = client.status()?.height;
    let mut figures = thread::scope(|scope| {
        let load = &load;
        let mut threads = Vec::new();
        for lane in lanes {
            let (ready, batches) = sync_channel(READY);
            threads.push(scope.spawn(move || load.noting(load.supply(lane, &ready))));
            threads.push(scope.spawn(move || load.noting(load.send(&batches, count))));
        }
        let end = End(&load.ended);
        let figures = load.follow(height);
        drop(end);
        // A lane that failed is the reason why nothing came into blocks.
        for thread in threads {
            thread.join().map_err(|_| anyhow::anyhow!("a lane panicked"))??;
        }
        figures
    })?;
    figures.push(("signed_ahead", ahead as f64, "transfers, before the run"));
    if ahead > 0 {
        figures.push(("signing_per_second", signed, "/s, all lanes, before the run"));
    }
    let live = load.signed_live.into_inner();
    figures.push(("signed_live", live as f64, "transfers, in the run, by the same cores"));
    Ok(figures)
}

/// Each lane signs its share on a thread of its own; transfers a second of all.
fn sign_ahead(lanes: &mut [Lane<'_>], count: usize, live: bool) -> anyhow::Result<f64> {
    let (done, begun) = (AtomicUsize::new(0), Instant::now());
    let share = count.div_ceil(lanes.len());
    errln!("signing {count} transfers ahead");
    let signed = || {
        let done = done.fetch_add(1, Relaxed) + 1;
        if live && done.is_multiple_of(50_000) {
            errln!("signed {done} of {count}");
        }
    };
    let signed = &signed;
    thread::scope(|scope| {
        let sign = |lane| scope.spawn(move || Lane::sign_ahead(lane, share, signed));
        let threads: Vec<_> = lanes.iter_mut().map(sign).collect();
        for thread in threads {
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a signing thread panicked"))??;
        }
        anyhow::Ok(())
    })?;
    Ok(done.into_inner() as f64 / begun.elapsed().as_secs_f64())
}

impl Load<'_> {
    /// Lets the follower know that a thread of a lane failed: what it waits for may never come.
    fn noting(&self, result: anyhow::Result<()>) -> anyhow::Result<()> {
        self.failed.fetch_or(result.is_err(), Relaxed);
        result
    }

    /// Reads or signs a lane's next batches while those before are sent.
    fn supply(&self, mut lane: Lane<'_>, ready: &SyncSender<Vec<Bytes>>) -> anyhow::Result<()> {
        while !self.ended.load(Relaxed) {
            let (batch, live) = lane.next(self.args.batch)?;
            self.signed_live.fetch_add(live as u64, Relaxed);
            if ready.send(batch).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Sends a lane's batches, one at a time: a later nonce never comes before an earlier one.
    fn send(&self, batches: &Receiver<Vec<Bytes>>, lanes: usize) -> anyhow::Result<()> {
        let each = self.args.rate.0.map(|rate| {
            let batches = f64::from(rate) / self.args.batch as f64 / lanes as f64;
            Duration::from_secs_f64(1.0 / batches)
        });
        let mut due = Instant::now();
        while let Ok(batch) = batches.recv() {
            while Instant::now() < due && !self.ended.load(Relaxed) {
                sleep(LOOK.min(due.saturating_duration_since(Instant::now())));
            }
            if let Some(each) = each {
                due = (due + each).max(Instant::now().checked_sub(SLACK).unwrap_or(due));
            }
            while !self.reserve(batch.len()) {
                if self.ended.load(Relaxed) {
                    return Ok(());
                }
                sleep(Duration::from_millis(2));
            }
            if self.ended.load(Relaxed) {
                self.under_way.fetch_sub(batch.len(), Relaxed);
                return Ok(());
            }
            let ids: Vec<B256> = batch.iter().map(|envelope| sha256(&[envelope])).collect();
            let body = BatchBody {
                raw: batch.iter().map(ToString::to_string).collect(),
            };
            // Known before they are sent: a block may have them before the answer is here.
            let now = Instant::now();
            let mut sent = self.sent.lock().map_err(|_| anyhow::anyhow!("another thread failed"))?;
            sent.extend(ids.into_iter().map(|id| (id, now)));
            drop(sent);
            push_one(self.client, &body)?;
        }
        Ok(())
    }

    /// Whether there is room for so many more under way.
    fn reserve(&self, count: usize) -> bool {
        let room = |now: usize| Some(now + count).filter(|then| *then <= self.args.in_flight);
        self.under_way.fetch_update(Relaxed, Relaxed, room).is_ok()
    }

    /// Finds the transfers in blocks, over the warm-up, the measured time, and until all that were sent are in blocks.
    fn follow(&self, mut height: u64) -> anyhow::Result<Vec<Figure>> {
        let begun = Instant::now();
        let from = begun + Duration::from_secs(self.args.warmup);
        let until = from + Duration::from_secs(self.args.secs);
        let deadline = until + Duration::from_secs(self.args.patience);
        let (mut latencies, mut measured, mut blocks, mut all) = (Histogram::default(), 0u64, 0u64, 0u64);
        let mut memory: Vec<i64> = Vec::with_capacity(3);
        let (mut shown, mut then) = (begun, 0);
        let middle = from + (until - from) / 2;
        loop {
            anyhow::ensure!(!self.failed.load(Relaxed), "a lane failed");
            let now = Instant::now();
            // At the start, in the middle and at the end of what is measured.
            if memory.len() < 3 && now >= [from, middle, until][memory.len()] {
                memory.push(resident_memory().unwrap_or(0));
            }
            if now >= until {
                self.ended.store(true, Relaxed);
                if self.under_way.load(Relaxed) == 0 {
                    break;
                }
                if now > deadline {
                    bail!(
                        "{} transfers were in no block {} s after the last was sent",
                        self.under_way.load(Relaxed),
                        self.args.patience
                    );
                }
            }
            if self.args.live && now - shown >= Duration::from_secs(1) {
                let rate = (all - then) as f64 / (now - shown).as_secs_f64();
                let (at, under_way) = ((now - begun).as_secs(), self.under_way.load(Relaxed));
                let megabytes = resident_memory().unwrap_or(0) / 1_000_000;
                let what = if now < from { "warm-up" } else { "measured" };
                errln!("{at:>4} s  {what}  {rate:>7.0}/s in blocks  {under_way:>6} under way  {megabytes:>5} MB");
                (shown, then) = (now, all);
            }
            let tip = self.client.status()?.height;
            if tip == height {
                sleep(LOOK);
                continue;
            }
            while height < tip {
                height += 1;
                let envelopes = self.client.block(height)?;
                let seen = Instant::now();
                let counts = (from..until).contains(&seen);
                let ids: Vec<B256> = envelopes.iter().map(|envelope| sha256(&[envelope])).collect();
                let mut sent = self.sent.lock().map_err(|_| anyhow::anyhow!("a lane failed"))?;
                let times: Vec<Instant> = ids.iter().filter_map(|id| sent.remove(id)).collect();
                drop(sent);
                self.under_way.fetch_sub(times.len(), Relaxed);
                all += times.len() as u64;
                if counts {
                    measured += times.len() as u64;
                    blocks += 1;
                    times.iter().for_each(|time| latencies.add(seen - *time));
                }
            }
        }
        let [start, middle, end] = memory[..] else {
            return Err(anyhow::anyhow!("the run was shorter than its memory was looked at"));
        };
        let memory = |bytes: i64| bytes as f64 / 1e6;
        let per_second = measured as f64 / self.args.secs as f64;
        Ok(vec![
            (
                "sustained_transfers_per_second",
                per_second,
                "/s in blocks, after the warm-up",
            ),
            ("measured_seconds", self.args.secs as f64, "s"),
            ("measured_transfers", measured as f64, "in blocks in that time"),
            ("measured_blocks", blocks as f64, ""),
            (
                "all_transfers",
                all as f64,
                "warm-up and the rest included, all in blocks",
            ),
            (
                "latency_p50",
                latencies.percentile(50),
                "s from sending to seen in a block",
            ),
            ("latency_p95", latencies.percentile(95), "s"),
            ("latency_p99", latencies.percentile(99), "s"),
            ("memory_start", memory(start), "MB resident, when the warm-up ended"),
            ("memory_middle", memory(middle), "MB"),
            (
                "memory_end",
                memory(end),
                "MB, generator included, and the node if it was started here",
            ),
            ("memory_growth", memory(end - start), "MB over the measured time"),
        ])
    }
}
