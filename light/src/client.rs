//! The light client without its surroundings: which request is next, and what came of the last one.
//! Rules: docs/protocol.md#F1 to #F11

mod background;
mod checks;
mod evidence;
mod get;
mod kept;
pub(crate) mod report;
mod steps;

use tally_api::worker::light::{BlockVerdict, Phase, State};
use tally_chain::light::{Followed, Following, TipClaim, Verifier};
use tally_chain::{BlockId, ChainSpec, Height, UnixSecs, Weight};

use background::{Background, PART};
use checks::{Next, PendingCheck, PendingChecks};
use evidence::Recent;

pub use get::{Get, NoAnswer};
pub use kept::Kept;

/// First pause after an answer that could not be used, in milliseconds; it doubles up to [`MAX_PAUSE_MS`].
const PAUSE_MS: u64 = 2_000;
const MAX_PAUSE_MS: u64 = 60_000;
/// The same of checks that got no verdict: where they are repeated, the page requests all of its evidence again.
const OWED_MS: u64 = 10_000;
const MAX_OWED_MS: u64 = 640_000;
/// How often a node is read at once whose tip changes meanwhile.
const TRIES: u32 = 3;
/// Blocks between the tip and the one to go back to after a reorg.
const BACK: u64 = 100;
/// Up to so many headers are followed after a sampled tip; then another sample is shorter.
const FOLLOWED_AT_ONCE: u64 = 10_000;

/// The rest of an answer is not wanted: what came does not hold. [`Client::ended`] has to be called all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// What is read of a tip that the node claims.
#[derive(Debug)]
enum Plan {
    /// The headers after a block that was verified.
    Follow(TipClaim, Origin),
    /// The proof from genesis on.
    Proof(TipClaim),
    /// All headers, since a sample shows too little.
    All(TipClaim),
}

/// Where headers begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Tip,
    /// A block some way below it: after a reorg.
    Earlier,
    Genesis,
}

/// The answer that is read.
enum Reading {
    Spec(Vec<u8>),
    Tip(Vec<u8>),
    Proof(TipClaim, Box<Verifier>),
    Follow(TipClaim, Box<Following>, Origin),
    Ancestor(Box<PendingCheck>, Vec<u8>),
    /// Headers in the background, up to this height.
    Part(Box<Following>, Height),
}

/// A verified tip with what the page is shown of it.
struct Tip {
    followed: Followed,
    millis: Option<u64>,
}

/// The light client of one chain.
pub struct Client {
    genesis: BlockId,
    spec: Option<ChainSpec>,
    /// What was kept from an earlier visit, until the spec is there.
    kept: Option<Kept>,
    /// Total work and tip of the chain with the most work that was verified. Rule: docs/protocol.md#F10
    known: Option<(Weight, BlockId)>,
    tip: Option<Tip>,
    /// Verified blocks below the tip, to go back to: the older one at least [`BACK`] blocks below the newer.
    earlier: [Option<Followed>; 2],
    phase: Phase,
    reading: Option<Reading>,
    plan: Option<Plan>,
    /// Whether the node's tip is to be read.
    look: bool,
    /// When the node's tip was last read, in milliseconds.
    looked_at: u64,
    tries: u32,
    /// No request before this time, in milliseconds, and the pause that led to it.
    retry: (u64, u64),
    checks: PendingChecks,
    background: Background,
    recent: Recent,
    received: u64,
    /// Whether there is something new to keep.
    to_keep: bool,
    /// Rises whenever verdicts of before no longer count, or may be better now.
    revision: u32,
    /// When the page may check again what got no verdict, and the pause after that, in milliseconds.
    owed: (u64, u64),
}

impl Client {
    /// For the chain with this genesis id; `kept`: what an earlier one gave by [`Self::take_kept`].
    pub fn new(genesis: BlockId, kept: Option<Kept>) -> Self {
        Self {
            genesis,
            spec: None,
            kept,
            known: None,
            tip: None,
            earlier: [None, None],
            phase: Phase::Checking { checked: 0, of: 0 },
            reading: None,
            plan: None,
            look: true,
            looked_at: 0,
            tries: 0,
            retry: (0, PAUSE_MS),
            checks: PendingChecks::default(),
            background: Background::default(),
            recent: Recent::default(),
            received: 0,
            to_keep: false,
            revision: 0,
            owed: (0, OWED_MS),
        }
    }

    /// What an earlier visit kept, before the first request.
    pub fn remember(&mut self, kept: Option<Kept>) {
        self.kept = kept;
    }

    /// The node may have a newer tip.
    pub fn look(&mut self) {
        self.look = true;
    }

    /// Checks whether the block of this header and manifest is on the verified chain; `number` comes back with the verdict.
    pub fn check(&mut self, number: u32, header: &[u8], manifest: &[u8]) {
        self.checks.add(number, header, manifest, self.genesis);
    }

    /// Checks all headers, without pauses.
    pub fn check_all(&mut self) {
        self.background.start();
        self.to_keep = true;
    }

    /// Checks no headers in the background any more.
    pub fn stop(&mut self) {
        self.background.stop();
        self.to_keep = true;
    }

    /// Forgets what was verified, and verifies what the node shows.
    pub fn forget(&mut self) {
        let (received, revision) = (self.received, self.revision.wrapping_add(1));
        let checks = std::mem::take(&mut self.checks);
        let spec = self.spec.take();
        *self = Self::new(self.genesis, None);
        (self.received, self.checks, self.spec) = (received, checks, spec);
        self.revision = revision;
        self.checks.forget_proven();
    }

    /// Every change of the phase: those who wait for verdicts see from the revision that earlier ones do not count.
    fn enter(&mut self, phase: Phase) {
        let is_verified = |phase: &Phase| matches!(phase, Phase::Verified);
        if is_verified(&phase) != is_verified(&self.phase) {
            self.revision = self.revision.wrapping_add(1);
        }
        self.phase = phase;
    }

    /// The verdicts since the last time, each with the number of its request.
    pub fn take_verdicts(&mut self) -> Vec<(u32, BlockVerdict)> {
        self.checks.take_verdicts()
    }

    /// What is to be kept, if there is something new.
    pub fn take_kept(&mut self) -> Option<Kept> {
        let tip = self.tip.as_ref().filter(|_| self.to_keep)?;
        self.to_keep = false;
        let background = self.background.headers.as_ref();
        Some(Kept::of(&tip.followed, background, self.background.stopped))
    }

    /// How it stands.
    pub fn state(&self) -> State {
        State {
            phase: self.phase.clone(),
            tip: self.tip.as_ref().map(|tip| report::tip(&tip.followed, tip.millis)),
            headers: self
                .tip
                .as_ref()
                .and_then(|tip| report::headers(&tip.followed, &self.background)),
            bytes: self.received,
            revision: self.revision,
        }
    }

    /// The next request; none where there is nothing to do, or an answer is being read. `now` in milliseconds since 1970.
    pub fn next(&mut self, now: u64) -> Option<Get> {
        if self.reading.is_some() {
            return None;
        }
        let waits = now < self.retry.0;
        let (reading, get) = match self.plan.take() {
            _ if self.spec.is_none() && waits => return None,
            _ if self.spec.is_none() => (Reading::Spec(Vec::new()), Get::spec()),
            Some(plan) => self.begin(plan, now)?,
            None => self.idle(now, waits)?,
        };
        self.recent.begin(&get.path);
        self.reading = Some(reading);
        Some(get)
    }

    /// What is to be done where no tip is being verified.
    fn idle(&mut self, now: u64, waits: bool) -> Option<(Reading, Get)> {
        loop {
            if self.look && !waits {
                (self.look, self.looked_at) = (false, now);
                return Some((Reading::Tip(Vec::new()), Get::tip()));
            }
            match &self.phase {
                Phase::Unverified(why) => self.checks.give_up(&why.clone()),
                Phase::Failed(failure) => self.checks.give_up(&report::in_words(failure)),
                Phase::Verified => {}
                Phase::Checking { .. } | Phase::Idle => return None,
            }
            let tip = self.tip.as_ref()?;
            match self.checks.next(&tip.followed) {
                Next::Prove { pending, height, tip } => {
                    return Some((Reading::Ancestor(pending, Vec::new()), Get::ancestor(tip, height)));
                }
                // The last answer could not be used, and the next request has to wait.
                Next::Look if waits => self
                    .checks
                    .give_up_first("the node gave no answer about its newest block"),
                Next::Look => self.look = true,
                Next::Nothing => return self.part(now),
            }
        }
    }

    /// The next headers in the background.
    fn part(&mut self, now: u64) -> Option<(Reading, Get)> {
        let (spec, tip) = (self.spec.as_ref()?, self.tip.as_ref()?);
        let verified = tip.followed.verified();
        let last = verified.manifest.number;
        let due = self.checks_headers() && tip.followed.headers().is_none() && now >= self.background.due;
        if !due || !self.background.runs(last.0) {
            return None;
        }
        let following = match &self.background.headers {
            Some(headers) => Following::from_headers(headers, secs(now)),
            None => Following::from_genesis(spec.clone(), self.genesis, secs(now)).ok()?,
        };
        let height = following.height();
        let Some(left) = last.0.checked_sub(height.0).filter(|left| *left > 0) else {
            // Those that were kept are of a longer chain that is no more.
            self.background.begin_anew();
            return None;
        };
        let count = left.min(PART);
        let reading = Reading::Part(Box::new(following), Height(height.0 + count));
        Some((reading, Get::headers(verified.tip, height, count)))
    }

    /// Whether headers are checked in the background now: also to find whether those that did not hold do by now.
    fn checks_headers(&self) -> bool {
        match &self.phase {
            Phase::Verified => true,
            Phase::Failed(failure) => self.background.failure.as_ref() == Some(&**failure),
            _ => false,
        }
    }

    /// When [`Self::next`] may have a request though nothing happens, in milliseconds.
    pub fn due(&self) -> Option<u64> {
        if self.look || self.spec.is_none() {
            return Some(self.retry.0);
        }
        let tip = &self.tip.as_ref()?.followed;
        let runs = tip.headers().is_none() && self.background.runs(tip.verified().manifest.number.0);
        (runs && self.checks_headers()).then_some(self.background.due)
    }

    /// A part of the answer, as it comes.
    ///
    /// # Errors
    /// Where what came does not hold, so that no more of it is read.
    pub fn part_came(&mut self, part: &[u8]) -> Result<(), Stopped> {
        self.received += part.len() as u64;
        self.recent.add(part);
        let taken = match &mut self.reading {
            Some(Reading::Spec(bytes) | Reading::Tip(bytes) | Reading::Ancestor(_, bytes)) => {
                bytes.extend_from_slice(part);
                Ok(())
            }
            Some(Reading::Proof(_, verifier)) => verifier.push(part).map(|progress| {
                if !matches!(self.phase, Phase::Verified | Phase::Failed(_)) {
                    let (checked, of) = (progress.checked, progress.of);
                    // Neither this nor what it was before is verified, so the revision stays.
                    self.phase = Phase::Checking { checked, of };
                }
            }),
            Some(Reading::Follow(_, following, _) | Reading::Part(following, _)) => following.push(part),
            None => Ok(()),
        };
        taken.map_err(|_| Stopped)
    }
}

/// Seconds of a time in milliseconds.
fn secs(millis: u64) -> UnixSecs {
    UnixSecs(millis / 1_000)
}

#[cfg(test)]
mod tests;
