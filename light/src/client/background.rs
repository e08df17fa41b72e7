//! All headers of a chain of which a sample was verified, part by part. Rule: docs/protocol.md#F9

use tally_api::worker::light::LightFailure;
use tally_chain::Height;
use tally_chain::light::{ALL_HEADERS_UP_TO, AllHeaders};

/// Headers in one part: about 150 kB.
pub(super) const PART: u64 = 4_096;
/// Milliseconds between two parts, so that pages and the node have room; none where the reader requested all.
const PAUSE_MS: u64 = 250;
/// Milliseconds until the next try after one that got no answer.
const RETRY_MS: u64 = 10_000;
/// The longest pause after headers that do not hold, in milliseconds; the first is [`RETRY_MS`], and each is twice the one before.
const MAX_RETRY_MS: u64 = 640_000;
/// Parts after which the place is kept.
const KEEP_AFTER: u32 = 16;

/// How far the check came.
#[derive(Debug, Default)]
pub(super) struct Background {
    /// The headers that were checked; none before the first part.
    pub headers: Option<AllHeaders>,
    /// Whether the reader stopped it.
    pub stopped: bool,
    /// Whether the reader requested all headers now.
    requested: bool,
    /// When the next part is due, in milliseconds.
    pub due: u64,
    /// Whether it began anew because what was kept did not lead to the tip.
    pub begun_anew: bool,
    /// What did not hold, until headers in its place do: the tip alone does not settle it.
    pub failure: Option<LightFailure>,
    /// Height of the last header before it.
    failed_after: Height,
    /// How often headers did not hold since some did.
    failures: u32,
    parts: u32,
}

impl Background {
    /// Whether headers of a chain of this height are checked in the background.
    pub fn runs(&self, height: u64) -> bool {
        !self.stopped && (self.requested || height > ALL_HEADERS_UP_TO)
    }

    pub fn start(&mut self) {
        (self.stopped, self.requested, self.due) = (false, true, 0);
    }

    pub fn stop(&mut self) {
        (self.stopped, self.requested) = (true, false);
    }

    /// Takes a part that holds. True where the place is to be kept.
    pub fn add(&mut self, headers: AllHeaders, now: u64) -> bool {
        if headers.height() > self.failed_after {
            (self.failure, self.failures) = (None, 0);
        }
        self.headers = Some(headers);
        self.due = now + if self.requested { 0 } else { PAUSE_MS };
        self.parts += 1;
        self.parts.is_multiple_of(KEEP_AFTER)
    }

    pub fn wait(&mut self, now: u64) {
        self.due = now + RETRY_MS;
    }

    /// A part does not hold: the same is requested again, later each time.
    pub fn fail(&mut self, failure: LightFailure, now: u64) {
        self.due = now + (RETRY_MS << self.failures.min(6)).min(MAX_RETRY_MS);
        self.failures += 1;
        self.failed_after = self.headers.as_ref().map_or(Height::GENESIS, AllHeaders::height);
        self.failure = Some(failure);
    }

    /// The tip is no descendant of the one before: what was checked may be of the chain that was left. A failure stays until
    /// headers in its place hold, or a node could clear it by another proof each time.
    pub fn leave_branch(&mut self) {
        (self.begun_anew, self.failures) = (false, 0);
        if self.failure.is_some() {
            self.due = 0;
        }
    }

    /// All headers up to the tip hold.
    pub fn complete(&mut self) {
        (self.headers, self.failure, self.failures) = (None, None, 0);
    }

    /// Begins anew at genesis, once for each branch.
    pub fn begin_anew(&mut self) {
        (self.headers, self.begun_anew) = (None, true);
    }
}
