//! All headers of a chain of which a sample was verified, part by part. Rule: docs/protocol.md#F9

use tally_chain::light::{ALL_HEADERS_UP_TO, AllHeaders};

/// Headers in one part: about 150 kB.
pub(super) const PART: u64 = 4_096;
/// Milliseconds between two parts, so that pages and the node have room; none where the reader requested all.
const PAUSE_MS: u64 = 250;
/// Milliseconds until the next try after one that got no answer.
const RETRY_MS: u64 = 10_000;
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
        self.headers = Some(headers);
        self.due = now + if self.requested { 0 } else { PAUSE_MS };
        self.parts += 1;
        self.parts.is_multiple_of(KEEP_AFTER)
    }

    pub fn wait(&mut self, now: u64) {
        self.due = now + RETRY_MS;
    }

    /// Begins anew at genesis, once.
    pub fn begin_anew(&mut self) {
        (self.headers, self.begun_anew) = (None, true);
    }
}
