//! The conversation with one miner, without its socket.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::hex;
use anyhow::bail;
use serde_json::{Value, json};
use tally_chain::{Address, address};
use tally_node::{MiningJob, Node};

use super::job::{Difficulty, EXTRA_1, EXTRA_2, notify};

/// Jobs for which shares are taken.
const MAX_JOBS: usize = 8;
/// Shares remembered, to see one that comes twice.
const MAX_SEEN: usize = 10_000;
/// Lines that are no request, and refused shares in a row, until a miner is sent away.
const MAX_NONSENSE: u32 = 10;
const MAX_REFUSED: u32 = 1_000;
/// Bytes of a worker's name.
const MAX_WORKER: usize = 128;
/// What a miner begins with: a share a second at 4 million hashes a second.
const FIRST: Difficulty = Difficulty(-10);
/// A share in so many seconds is aimed at.
const PACE: f64 = 6.0;
/// The pace is looked at after so many shares, or so much time.
const WINDOW_SHARES: u32 = 12;
const WINDOW: Duration = Duration::from_secs(60);

/// Why something is refused, with the numbers that miners know.
struct Refusal(u32, String);

impl Refusal {
    fn other(text: impl Into<String>) -> Self {
        Self(20, text.into())
    }
}

struct Job {
    id: u64,
    mining: Arc<MiningJob>,
    difficulty: Difficulty,
}

pub struct Session {
    node: Node,
    extra_1: [u8; EXTRA_1],
    subscribed: bool,
    worker: Option<(String, Address)>,
    difficulty: Difficulty,
    jobs: VecDeque<Job>,
    next_job: u64,
    /// Job, extra nonce, time and nonce of shares.
    seen: BTreeSet<(u64, [u8; EXTRA_2], u32, u32)>,
    window: Instant,
    shares: u32,
    nonsense: u32,
    refused: u32,
    out: Vec<Value>,
}

impl Session {
    /// `extra_1` is this connection's own: no two search the same headers.
    pub fn new(node: Node, extra_1: [u8; EXTRA_1], now: Instant) -> Self {
        Self {
            node,
            extra_1,
            subscribed: false,
            worker: None,
            difficulty: FIRST,
            jobs: VecDeque::new(),
            next_job: 1,
            seen: BTreeSet::new(),
            window: now,
            shares: 0,
            nonsense: 0,
            refused: 0,
            out: Vec::new(),
        }
    }

    pub fn node(&self) -> &Node {
        &self.node
    }

    pub fn authorized(&self) -> bool {
        self.worker.is_some()
    }

    /// Lines to send, each without its end.
    pub fn outputs(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.out)
    }

    /// A line came. An error ends the conversation.
    pub fn hear(&mut self, line: &str, now: Instant) -> anyhow::Result<()> {
        let Ok(Value::Object(request)) = serde_json::from_str(line) else {
            return self.nonsense("is no JSON object");
        };
        let id = request.get("id").cloned().unwrap_or(Value::Null);
        let Some(method) = request.get("method").and_then(Value::as_str) else {
            // An answer: some miners answer what nobody asked, such as client.get_version.
            return match request.contains_key("result") || request.contains_key("error") {
                true => Ok(()),
                false => self.nonsense("has no method"),
            };
        };
        let none = Vec::new();
        let params = request.get("params").and_then(Value::as_array).unwrap_or(&none);
        let result = match method {
            "mining.subscribe" => Ok(self.subscribe()),
            "mining.authorize" => self.authorize(params),
            "mining.submit" => self.submit(params),
            // The extra nonce of a connection never changes, and difficulty follows the pace.
            "mining.extranonce.subscribe" | "mining.suggest_difficulty" | "mining.suggest_target" => Ok(true.into()),
            "mining.configure" => Ok(json!({ "version-rolling": false })),
            _ => Err(Refusal::other("Unknown method")),
        };
        let refused = result.is_err() && method == "mining.submit";
        self.refused = if refused { self.refused + 1 } else { 0 };
        self.out.push(match result {
            Ok(result) => json!({ "id": id, "result": result, "error": null }),
            Err(Refusal(code, text)) => json!({ "id": id, "result": null, "error": [code, text, null] }),
        });
        if self.refused >= MAX_REFUSED {
            bail!("{MAX_REFUSED} shares in a row were refused");
        }
        match method {
            "mining.subscribe" | "mining.authorize" if self.subscribed && self.authorized() => {
                self.tell_difficulty();
                self.job(true)
            }
            "mining.submit" => self.pace(now),
            _ => Ok(()),
        }
    }

    fn nonsense(&mut self, what: &str) -> anyhow::Result<()> {
        self.nonsense += 1;
        match self.nonsense >= MAX_NONSENSE {
            true => bail!("a line {what}, and nine before it were no better"),
            false => Ok(()),
        }
    }

    fn subscribe(&mut self) -> Value {
        self.subscribed = true;
        let topics = json!([["mining.set_difficulty", "1"], ["mining.notify", "1"]]);
        json!([topics, hex::encode(self.extra_1), EXTRA_2])
    }

    /// The name is the address that is paid, with any name of the machine behind a dot.
    fn authorize(&mut self, params: &[Value]) -> Result<Value, Refusal> {
        let name = params.first().and_then(Value::as_str).unwrap_or_default();
        if name.len() > MAX_WORKER {
            return Err(Refusal(
                24,
                format!("the name has {} bytes, at most {MAX_WORKER} are allowed", name.len()),
            ));
        }
        let text = name.split('.').next().unwrap_or_default();
        let paid = address::parse(text).map_err(|error| {
            Refusal(
                24,
                format!("the user is the address to be paid, such as 0x… or 0x….machine: {error}"),
            )
        })?;
        tracing::info!(worker = name, "miner");
        self.worker = Some((name.to_owned(), paid));
        Ok(true.into())
    }

    fn submit(&mut self, params: &[Value]) -> Result<Value, Refusal> {
        let Some((worker, _)) = &self.worker else {
            return Err(Refusal(24, "Unauthorized worker".to_owned()));
        };
        if !self.subscribed {
            return Err(Refusal(25, "Not subscribed".to_owned()));
        }
        let text = |at: usize, field: &str| {
            let value = params.get(at).and_then(Value::as_str);
            value.ok_or_else(|| Refusal::other(format!("{field} is missing")))
        };
        if text(0, "worker")? != worker {
            return Err(Refusal(24, "Unauthorized worker".to_owned()));
        }
        let id = u64::from_str_radix(text(1, "job id")?, 16).map_err(|_| Refusal(21, "Job not found".to_owned()))?;
        let extra_2 = word(text(2, "extranonce2")?, "extranonce2")?.to_be_bytes();
        let (time, nonce) = (word(text(3, "ntime")?, "ntime")?, word(text(4, "nonce")?, "nonce")?);
        let job = self.jobs.iter().find(|job| job.id == id);
        let job = job.ok_or_else(|| Refusal(21, "Job not found".to_owned()))?;
        let mining = job.mining.clone();
        if mining.header.parent != self.node.tip().record.id {
            return Err(Refusal(21, "Stale share: there is a newer block".to_owned()));
        }
        let latest = self.node.latest_time();
        if !(mining.header.time..=latest).contains(&time) {
            let text = format!("ntime is {time}, expected {} to {latest}", mining.header.time);
            return Err(Refusal::other(text));
        }
        if self.seen.len() >= MAX_SEEN || !self.seen.insert((id, extra_2, time, nonce)) {
            return Err(Refusal(22, "Duplicate share".to_owned()));
        }
        let mut extra = [0; EXTRA_1 + EXTRA_2];
        extra[..EXTRA_1].copy_from_slice(&self.extra_1);
        extra[EXTRA_1..].copy_from_slice(&extra_2);
        let (header, _) = mining.sealed(&extra, time, nonce);
        if !job.difficulty.target().is_met_by(&header.id()) {
            return Err(Refusal(23, "Low difficulty share".to_owned()));
        }
        if mining.target.is_met_by(&header.id()) {
            match self.node.submit_sealed(&mining, &extra, time, nonce) {
                Ok(_) => tracing::info!(worker, id = %header.id(), "block of a miner"),
                Err(error) => return Err(Refusal::other(error.to_string())),
            }
        }
        self.shares += 1;
        Ok(true.into())
    }

    /// The chain has another tip: what was handed out is stale.
    pub fn new_tip(&mut self) -> anyhow::Result<()> {
        match self.subscribed && self.authorized() {
            true => self.job(true),
            false => Ok(()),
        }
    }

    /// Time has passed: fees have come, and the pace may be another.
    pub fn refresh(&mut self, now: Instant) -> anyhow::Result<()> {
        if !self.subscribed || !self.authorized() {
            return Ok(());
        }
        self.pace(now)?;
        self.job(false)
    }

    fn job(&mut self, clean: bool) -> anyhow::Result<()> {
        let Some((_, paid)) = &self.worker else { return Ok(()) };
        let mining = self.node.template(*paid)?;
        if clean {
            self.jobs.clear();
            self.seen.clear();
        }
        let within = self.difficulty.within(mining.target);
        if within != self.difficulty {
            self.difficulty = within;
            self.tell_difficulty();
        }
        let id = self.next_job;
        self.next_job += 1;
        self.out
            .push(json!({ "id": null, "method": "mining.notify", "params": notify(id, &mining, clean) }));
        let difficulty = self.difficulty;
        self.jobs.push_back(Job { id, mining, difficulty });
        if self.jobs.len() > MAX_JOBS {
            self.jobs.pop_front();
        }
        Ok(())
    }

    fn tell_difficulty(&mut self) {
        let value = self.difficulty.value();
        self.out
            .push(json!({ "id": null, "method": "mining.set_difficulty", "params": [value] }));
    }

    /// Makes shares harder or easier where they come much faster or slower than is aimed at.
    fn pace(&mut self, now: Instant) -> anyhow::Result<()> {
        let passed = now.saturating_duration_since(self.window);
        if self.shares < WINDOW_SHARES && passed < WINDOW {
            return Ok(());
        }
        let steps = steps(passed, self.shares);
        (self.window, self.shares) = (now, 0);
        let Some(newest) = self.jobs.back() else { return Ok(()) };
        let wanted = Difficulty(self.difficulty.0 + steps).within(newest.mining.target);
        if wanted == self.difficulty {
            return Ok(());
        }
        self.difficulty = wanted;
        self.tell_difficulty();
        // It counts from the next job on.
        self.job(false)
    }
}

/// How often to double (or halve) the difficulty after so many shares in that time.
fn steps(passed: Duration, shares: u32) -> i32 {
    // No share at all counts as half of one: easier, step by step.
    let pace = passed.as_secs_f64().max(0.001) / f64::from(shares).max(0.5);
    (PACE / pace).log2().trunc().clamp(-4.0, 4.0) as i32
}

/// Eight hexadecimal digits, the highest first.
fn word(text: &str, field: &str) -> Result<u32, Refusal> {
    let right = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = right.then(|| u32::from_str_radix(text, 16).ok()).flatten();
    number.ok_or_else(|| Refusal::other(format!("{field} is not 8 hexadecimal digits")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difficulty_follows_the_pace_in_bounded_steps() {
        for (seconds, shares, expected) in [
            (72, 12, 0),
            (40, 12, 0),
            (36, 12, 1),
            (12, 12, 2),
            (0, 12, 4),
            (60, 5, -1),
            (60, 1, -3),
            (60, 0, -4),
        ] {
            assert_eq!(
                steps(Duration::from_secs(seconds), shares),
                expected,
                "{shares} shares in {seconds} s"
            );
        }
    }

    #[test]
    fn numbers_have_eight_digits() {
        assert_eq!(word("0000002a", "nonce").ok(), Some(42));
        for bad in ["", "2a", "+000002a", "0000002g", "0000000002a"] {
            assert!(
                word(bad, "nonce").is_err_and(|Refusal(code, text)| code == 20 && text.starts_with("nonce is not")),
                "{bad}"
            );
        }
    }
}
