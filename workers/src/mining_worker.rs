//! A mining worker: tries nonces on the job it was last given, and reports to the page how fast and what it found.

use std::cell::RefCell;
use std::rc::Rc;

use tally_api::worker::miner::{FoundNonce, FromMiner, Job, ToMiner};
use tally_chain::manifest::EXTRA_NONCE_BYTES;
use tally_chain::pow::Target;
use tally_chain::pow_lanes::LaneSearch;
use tally_chain::{Header, Manifest};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

use crate::scope::{breathe, listen, now_ms, post};

/// How long messages wait at most, in milliseconds.
const SLICE_MS: f64 = 150.0;
/// How often the page gets the hash rate, in milliseconds.
const REPORT_MS: f64 = 1_000.0;
/// Nonces of the first slice; later ones follow the device's speed.
const FIRST_SLICE: u32 = 1 << 15;
/// After so many milliseconds the header takes the time again.
const FRESH_MS: f64 = 5_000.0;

/// Runs the worker. Called once by its script.
#[wasm_bindgen]
pub fn mining_worker() {
    console_error_panic_hook::set_once();
    let state = Rc::new(RefCell::new(MinerState {
        job: None,
        working: false,
        slice: FIRST_SLICE,
    }));
    listen(move |ToMiner::Work(job)| {
        let idle = {
            let mut state = state.borrow_mut();
            state.job = Some(job);
            !std::mem::replace(&mut state.working, true)
        };
        if idle {
            spawn_local(work(state.clone()));
        }
    });
    post(&FromMiner::Ready);
}

struct MinerState {
    /// A job that was not begun yet.
    job: Option<Job>,
    working: bool,
    slice: u32,
}

/// Works on one job after the other, until one is done and no other has come.
async fn work(state: Rc<RefCell<MinerState>>) {
    loop {
        let job = state.borrow_mut().job.take();
        let Some(job) = job else { break };
        match Attempt::new(&job) {
            Ok(attempt) => attempt.run(&state).await,
            Err(why) => post(&FromMiner::Rejected(why)),
        }
    }
    state.borrow_mut().working = false;
}

/// One job under way.
struct Attempt {
    template: u64,
    header: Header,
    manifest: Manifest,
    target: Target,
    extra_nonce: u64,
    max_time: u32,
}

impl Attempt {
    fn new(job: &Job) -> Result<Self, String> {
        let bytes = job
            .header
            .as_ref()
            .try_into()
            .map_err(|_| "the template's header has not 80 bytes")?;
        let header = Header::decode(bytes);
        let manifest = Manifest::decode(&job.manifest).map_err(|error| error.to_string())?;
        if manifest.extra.len() < EXTRA_NONCE_BYTES {
            return Err("the template leaves no room for an extra nonce".to_owned());
        }
        let target = Target::from_bits(header.bits).map_err(|error| error.to_string())?;
        let extra_nonce = u64::from_be_bytes(job.extra_nonce);
        Ok(Self {
            template: job.template,
            header,
            manifest,
            target,
            extra_nonce,
            max_time: job.max_time,
        })
    }

    /// The search with the next extra nonce and the time of now.
    fn search(&mut self) -> LaneSearch {
        self.extra_nonce = self.extra_nonce.wrapping_add(1);
        let mut extra = self.manifest.extra.to_vec();
        let at = extra.len() - EXTRA_NONCE_BYTES;
        extra[at..].copy_from_slice(&self.extra_nonce.to_be_bytes());
        self.manifest.extra = extra.into();
        self.header.manifest_root = self.manifest.root();
        let now = (now_ms() / 1_000.0) as u32;
        self.header.time = self.header.time.max(now.min(self.max_time));
        LaneSearch::new(&self.header, self.target)
    }

    /// Tries nonces until one seals the block or another job is there.
    async fn run(mut self, state: &RefCell<MinerState>) {
        let mut search = self.search();
        let (mut nonce, mut begun) = (0u32, now_ms());
        let (mut hashes, mut reported) = (0u32, now_ms());
        loop {
            let count = state.borrow().slice;
            let before = now_ms();
            let found = search.scan(nonce, count);
            let after = now_ms();
            hashes = hashes.saturating_add(found.map_or(count, |found| found.wrapping_sub(nonce)));
            if after - reported >= REPORT_MS || found.is_some() {
                post(&FromMiner::Hashed {
                    hashes,
                    milliseconds: after - reported,
                });
                (hashes, reported) = (0, after);
            }
            if let Some(nonce) = found {
                let extra_nonce = self.extra_nonce.to_be_bytes();
                post(&FromMiner::Found(FoundNonce {
                    template: self.template,
                    extra_nonce,
                    time: self.header.time,
                    nonce,
                }));
                return;
            }
            state.borrow_mut().slice = next_slice(count, after - before);
            let (next, exhausted) = nonce.overflowing_add(count);
            nonce = next;
            // All nonces are tried, or the header's time is old: another extra nonce gives another header to search.
            if exhausted || after - begun >= FRESH_MS {
                search = self.search();
                (nonce, begun) = (0, after);
            }
            // Messages arrive only between slices. A newer job ends this one: its blocks would be stale.
            breathe().await;
            if state.borrow().job.is_some() {
                return;
            }
        }
    }
}

/// Twice or half as many nonces, towards the slice that messages can wait for.
fn next_slice(count: u32, took: f64) -> u32 {
    match took {
        t if t < SLICE_MS * 0.5 => count.saturating_mul(2).min(1 << 24),
        t if t > SLICE_MS * 1.5 => (count / 2).max(1 << 10),
        _ => count,
    }
}
