//! The conversation with one miner or proxy, without its socket.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::hex;
use anyhow::bail;
use serde_json::{Value, json};
use tally_chain::{Address, address, visible};
use tally_node::counted::counted;
use tally_node::workers::Seat;
use tally_node::{ImportError, MiningJob, Node, TemplateError, WorkError};

use super::job::{Difficulty, EXTRA_1, EXTRA_2, notify};
use super::request::{Refusal, Request, answer};
use crate::net_guard::Seldom;

/// Jobs of one tip for which shares are taken: four hours of them, so that no found block is lost for want of its job.
const MAX_JOBS: usize = 1_024;
/// Shares remembered, to see one that comes twice.
const MAX_SEEN: usize = 10_000;
/// Lines that are no request, and rejected shares in a row, until a miner is dropped.
const MAX_NONSENSE: u32 = 10;
const MAX_REFUSED: u32 = 1_000;
/// Workers of one connection: proxies bring many.
const MAX_WORKERS: usize = 64;
/// Bytes of a worker's name, and of what is kept of a program's.
const MAX_WORKER: usize = 128;
const MAX_AGENT: usize = 64;
/// What a miner begins with: a share a second at 4 million hashes a second.
const FIRST: f64 = 1.0 / 1_024.0;
/// Seconds between two shares of a connection that are aimed at.
const PACE: f64 = 6.0;
/// The pace is looked at after so many shares, or so much time.
const WINDOW_SHARES: u32 = 12;
const WINDOW: Duration = Duration::from_secs(60);
/// The difficulty grows or shrinks by at most this at once.
const MOST_AT_ONCE: f64 = 16.0;

struct Job {
    id: u64,
    mining: Arc<MiningJob>,
    difficulty: Difficulty,
}

/// An authorized worker.
struct Worker {
    paid: Address,
    seat: Seat,
}

pub struct Session {
    node: Node,
    client: IpAddr,
    extra_1: [u8; EXTRA_1],
    subscribed: bool,
    agent: String,
    workers: BTreeMap<String, Worker>,
    /// Whom new jobs pay: the address of the worker that last requested one.
    pays: Option<Address>,
    difficulty: Difficulty,
    suggested: bool,
    jobs: VecDeque<Job>,
    next_job: u64,
    wants_job: bool,
    /// When the miner last got the message that there is no job now.
    no_job_notices: Seldom,
    /// Template, extra nonce, time and nonce of shares.
    seen: BTreeSet<(u64, [u8; EXTRA_2], u32, u32)>,
    window: Instant,
    shares: u32,
    nonsense: u32,
    refused: u32,
    accepted: u64,
    last_refusal: Option<String>,
    out: Vec<String>,
}

impl Session {
    /// `extra_1` is this connection's own: no two search the same headers.
    pub fn new(node: Node, client: IpAddr, extra_1: [u8; EXTRA_1], now: Instant) -> Self {
        Self {
            node,
            client,
            extra_1,
            subscribed: false,
            agent: String::new(),
            workers: BTreeMap::new(),
            pays: None,
            difficulty: Difficulty::new(FIRST),
            suggested: false,
            jobs: VecDeque::new(),
            next_job: 1,
            wants_job: false,
            no_job_notices: Seldom::default(),
            seen: BTreeSet::new(),
            window: now,
            shares: 0,
            nonsense: 0,
            refused: 0,
            accepted: 0,
            last_refusal: None,
            out: Vec::new(),
        }
    }

    pub fn node(&self) -> &Node {
        &self.node
    }

    pub fn authorized(&self) -> bool {
        !self.workers.is_empty()
    }

    /// Lines to send, each without its end.
    pub fn outputs(&mut self) -> Vec<String> {
        std::mem::take(&mut self.out)
    }

    /// What became of the conversation, for the log: on one line, and bounded.
    pub fn summary(&self) -> String {
        let first = self.workers.keys().next().map_or("none", String::as_str);
        let name = visible::escaped(first);
        let refusal = match &self.last_refusal {
            Some(text) => format!("; the last rejection: {}", visible::escaped(text)),
            None => String::new(),
        };
        let (workers, accepted) = (self.workers.len(), self.accepted);
        let workers = counted(workers, "worker", "workers");
        let shares = counted(accepted, "share", "shares");
        format!("{name}, {workers}, {shares}{refusal}")
    }

    /// A line came. An error ends the conversation.
    pub fn handle_line(&mut self, line: &str, now: Instant) -> anyhow::Result<()> {
        // Blank lines keep connections alive.
        if line.trim().is_empty() {
            return Ok(());
        }
        let Some(request) = Request::parse(line) else {
            return self.nonsense("is no JSON object");
        };
        let Some(method) = request.method.as_ref().and_then(Value::as_str) else {
            // Some miners send unsolicited answers, such as to client.get_version.
            return match request.is_answer() {
                true => Ok(()),
                false => self.nonsense("has no method"),
            };
        };
        let params = request.params();
        let result = match method {
            "mining.subscribe" => Ok(self.subscribe(params)),
            "mining.authorize" => self.authorize(params),
            "mining.submit" => self.submit(params),
            "mining.suggest_difficulty" => Ok(self.suggest(params)),
            // The extra nonce of a connection never changes.
            "mining.extranonce.subscribe" | "mining.suggest_target" => Ok(true.into()),
            "mining.configure" => Ok(json!({ "version-rolling": false })),
            _ => Err(Refusal::other("Unknown method")),
        };
        self.count(method, &result);
        let needs_job = matches!(method, "mining.subscribe" | "mining.authorize") && result.is_ok();
        self.out.push(answer(request.id(), result));
        if self.refused >= MAX_REFUSED {
            bail!("{MAX_REFUSED} shares in a row were rejected");
        }
        if self.subscribed && self.authorized() && (needs_job || std::mem::take(&mut self.wants_job)) {
            self.send_difficulty();
            // What other workers of this connection search goes on to count.
            self.job(self.jobs.is_empty());
        } else if method == "mining.submit" {
            self.pace(now);
        }
        Ok(())
    }

    fn count(&mut self, method: &str, result: &Result<Value, Refusal>) {
        let refusal = result.as_ref().err();
        if let Some(Refusal(code, text)) = refusal {
            self.last_refusal = Some(format!("{code} {text}"));
        }
        self.refused = match (method, refusal) {
            ("mining.submit", Some(_)) => self.refused + 1,
            _ => 0,
        };
    }

    fn nonsense(&mut self, what: &str) -> anyhow::Result<()> {
        self.nonsense += 1;
        match self.nonsense >= MAX_NONSENSE {
            true => bail!("a line {what}, and nine before it were no better"),
            false => Ok(()),
        }
    }

    fn subscribe(&mut self, params: &[Value]) -> Value {
        self.subscribed = true;
        let agent = params.first().and_then(Value::as_str).unwrap_or_default();
        self.agent = visible::escaped(agent).chars().take(MAX_AGENT).collect();
        let topics = json!([["mining.set_difficulty", "1"], ["mining.notify", "1"]]);
        json!([topics, hex::encode(self.extra_1), EXTRA_2])
    }

    /// The name is the address that is paid, with any name of the machine behind a dot.
    fn authorize(&mut self, params: &[Value]) -> Result<Value, Refusal> {
        let name = params.first().and_then(Value::as_str).unwrap_or_default();
        let refuse = |text: String| Err(Refusal(24, text));
        if name.len() > MAX_WORKER {
            let len = name.len();
            return refuse(format!("the name has {len} bytes, at most {MAX_WORKER} are allowed"));
        }
        let text = name.split('.').next().unwrap_or_default();
        let paid = match address::parse(text) {
            Ok(paid) => paid,
            Err(error) => {
                return refuse(format!(
                    "the user is the address to be paid, such as 0x… or 0x….machine: {error}"
                ));
            }
        };
        if self.workers.contains_key(name) {
            self.pays = Some(paid);
            return Ok(true.into());
        }
        if self.workers.len() >= MAX_WORKERS {
            return refuse(format!("this connection has {MAX_WORKERS} workers already"));
        }
        // Only now: a job for a worker that was turned away would take the shares of all others.
        self.pays = Some(paid);
        let shown = visible::escaped(name).into_owned();
        tracing::info!(worker = shown, "miner authorized");
        let seat = self
            .node
            .workers()
            .enter(shown, self.agent.clone(), paid, self.node.now());
        self.workers.insert(name.to_owned(), Worker { paid, seat });
        Ok(true.into())
    }

    /// Small devices suggest what they can do; the first suggestion counts, and only where it makes shares easier.
    fn suggest(&mut self, params: &[Value]) -> Value {
        let wanted = params.first().and_then(Value::as_f64).filter(|value| *value > 0.0);
        if let Some(wanted) = wanted.filter(|value| *value < self.difficulty.value())
            && !std::mem::replace(&mut self.suggested, true)
        {
            self.difficulty = Difficulty::new(wanted);
            self.wants_job = true;
        }
        true.into()
    }

    fn submit(&mut self, params: &[Value]) -> Result<Value, Refusal> {
        let name = params.first().and_then(Value::as_str).unwrap_or_default();
        let worker = self.workers.get(name).ok_or_else(Refusal::unauthorized)?;
        if !self.subscribed {
            return Err(Refusal(25, "Not subscribed".to_owned()));
        }
        let (paid, result) = (worker.paid, self.examine(worker.paid, params));
        match &result {
            Ok(share) => {
                worker.seat.share(share.difficulty.value(), self.node.now());
                if share.block {
                    worker.seat.block();
                }
                self.shares += 1;
                self.accepted += 1;
                self.seen.insert(share.key);
            }
            Err(Rejection::OtherAddress) => {
                // Its next job pays it: a header commits to one address, so a job is always for one.
                worker.seat.rejected();
                (self.pays, self.wants_job) = (Some(paid), true);
            }
            Err(Rejection::Share(_)) => worker.seat.rejected(),
        }
        result.map(|_| true.into()).map_err(Rejection::refusal)
    }

    /// Checks a share of a worker who is `paid`, and hands in the block where it is one.
    fn examine(&self, paid: Address, params: &[Value]) -> Result<Share, Rejection> {
        let text = |at: usize, field: &str| {
            let value = params.get(at).and_then(Value::as_str);
            value.ok_or_else(|| Refusal::other(format!("{field} is missing")))
        };
        let id = u64::from_str_radix(text(1, "job id")?, 16).map_err(|_| Refusal::no_job())?;
        let extra_2 = word(text(2, "extranonce2")?, "extranonce2")?.to_be_bytes();
        let (time, nonce) = (word(text(3, "ntime")?, "ntime")?, word(text(4, "nonce")?, "nonce")?);
        let job = self.jobs.iter().find(|job| job.id == id).ok_or_else(Refusal::no_job)?;
        let mining = &job.mining;
        if mining.header.parent != self.node.tip().record.id {
            return Err(Refusal(21, "Stale share: there is a newer block".to_owned()).into());
        }
        if mining.manifest.producer != paid {
            return Err(Rejection::OtherAddress);
        }
        let latest = self.node.latest_time().min(mining.latest_time);
        if !(mining.header.time..=latest).contains(&time) {
            let text = format!("ntime is {time}, expected {} to {latest}", mining.header.time);
            return Err(Refusal::other(text).into());
        }
        let key = (mining.id, extra_2, time, nonce);
        if self.seen.contains(&key) {
            return Err(Refusal(22, "Duplicate share".to_owned()).into());
        }
        let mut extra = [0; EXTRA_1 + EXTRA_2];
        extra[..EXTRA_1].copy_from_slice(&self.extra_1);
        extra[EXTRA_1..].copy_from_slice(&extra_2);
        let (header, _) = mining.sealed(&extra, time, nonce);
        let block = mining.target.is_met_by(&header.id());
        if block {
            // A found block is submitted in spite of all limits.
            match self.node.submit_sealed(mining, &extra, time, nonce) {
                Ok(_) => tracing::info!(address = %paid, id = %header.id(), "block from a miner"),
                Err(error) => return Err(Refusal::other(not_taken(&error)).into()),
            }
        } else if !job.difficulty.target().is_met_by(&header.id()) {
            return Err(Refusal(23, "Low difficulty share".to_owned()).into());
        } else if self.seen.len() >= MAX_SEEN {
            return Err(Refusal::other(format!("there were {MAX_SEEN} shares on this block already")).into());
        }
        let difficulty = job.difficulty;
        Ok(Share { key, difficulty, block })
    }

    /// The chain has another tip: what was handed out is stale.
    pub fn new_tip(&mut self) {
        if self.subscribed && self.authorized() {
            self.job(true);
        }
    }

    /// Time has passed: fees have come, and the pace may be another.
    pub fn refresh(&mut self, now: Instant) {
        if self.subscribed && self.authorized() {
            self.pace(now);
            self.job(self.jobs.is_empty());
        }
    }

    /// Hands out a new job. Where there is none now, the miner is not at fault: the conversation goes on, and it is tried
    /// again with the next refresh or tip.
    fn job(&mut self, clean: bool) {
        let Some(paid) = self.pays else { return };
        if clean {
            self.jobs.clear();
            self.seen.clear();
        }
        let mining = match self.node.template_for(paid, Some(self.client)) {
            Ok(mining) => mining,
            // The banner and the status show when it begins.
            Err(TemplateError::NotBegun { .. }) => return,
            Err(error) => return self.no_job(paid, &error),
        };
        let within = self.difficulty.within(mining.target);
        if within != self.difficulty {
            self.difficulty = within;
            self.send_difficulty();
        }
        let id = self.next_job;
        self.next_job += 1;
        self.send_notification("mining.notify", notify(id, &mining, clean));
        let difficulty = self.difficulty;
        self.jobs.push_back(Job { id, mining, difficulty });
        if self.jobs.len() > MAX_JOBS {
            self.jobs.pop_front();
        }
    }

    /// Reports, to the miner and in the log, why it has no new job. Once a minute, also where it got one in between: a miner that
    /// requests work for two addresses in turn, of which one is turned away, would fill the log.
    fn no_job(&mut self, paid: Address, error: &TemplateError) {
        let Some(unlogged) = self.no_job_notices.now() else {
            return;
        };
        tracing::warn!(client = %self.client, address = %paid, %error, unlogged, "no job for a miner; tried again");
        let why = match error {
            TemplateError::State(_) => STORE_FAILED.to_owned(),
            error => error.to_string(),
        };
        self.send_notification("client.show_message", json!([format!("No job now: {why}")]));
    }

    fn send_notification(&mut self, method: &str, params: Value) {
        let line = json!({ "id": null, "method": method, "params": params });
        self.out.push(line.to_string());
    }

    fn send_difficulty(&mut self) {
        self.send_notification("mining.set_difficulty", json!([self.difficulty.value()]));
    }

    /// Makes shares harder or easier where they come much faster or slower than is aimed at.
    fn pace(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.window);
        if self.shares < WINDOW_SHARES && passed < WINDOW {
            return;
        }
        let factor = factor(passed, self.shares);
        (self.window, self.shares) = (now, 0);
        let Some(newest) = self.jobs.back() else { return };
        let wanted = Difficulty::new(self.difficulty.value() * factor).within(newest.mining.target);
        if !wanted.is_far_from(self.difficulty) {
            return;
        }
        self.difficulty = wanted;
        self.send_difficulty();
        // It counts from the next job on.
        self.job(false);
    }
}

/// A share that counts.
struct Share {
    key: (u64, [u8; EXTRA_2], u32, u32),
    difficulty: Difficulty,
    block: bool,
}

/// Why a share does not count.
enum Rejection {
    Share(Refusal),
    /// Its job pays another worker of the connection.
    OtherAddress,
}

impl Rejection {
    fn refusal(self) -> Refusal {
        match self {
            Self::Share(refusal) => refusal,
            Self::OtherAddress => Refusal(
                21,
                "Job not found: it pays another address; one for this worker follows".to_owned(),
            ),
        }
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::Share(refusal)
    }
}

/// What is sent to a miner where the store does not work: the cause names paths of this machine, and is in its log.
const STORE_FAILED: &str = "the node could not read or write its store; its log has the cause";

/// Why a found block was rejected, in words for its miner.
fn not_taken(error: &WorkError) -> String {
    match error {
        WorkError::Import(ImportError::Store(_)) | WorkError::Template(TemplateError::State(_)) => {
            STORE_FAILED.to_owned()
        }
        error => error.to_string(),
    }
}

/// By how much to multiply the difficulty after so many shares in that time.
fn factor(passed: Duration, shares: u32) -> f64 {
    // No share at all counts as half of one: easier, step by step.
    let pace = passed.as_secs_f64().max(0.001) / f64::from(shares).max(0.5);
    (PACE / pace).clamp(1.0 / MOST_AT_ONCE, MOST_AT_ONCE)
}

/// Eight hexadecimal digits, the highest first.
fn word(text: &str, field: &str) -> Result<u32, Refusal> {
    let right = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = right.then(|| u32::from_str_radix(text, 16).ok()).flatten();
    number.ok_or_else(|| Refusal::other(format!("{field} is not 8 hexadecimal digits")))
}

#[cfg(test)]
mod tests;
