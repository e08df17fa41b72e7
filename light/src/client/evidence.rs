//! What a node sent last, so that bytes that do not hold can be saved.

use serde::Serialize;
use tally_api::worker::light::LightFailure;
use tally_chain::light::{MAX_HEIGHT, TipClaim};
use tally_chain::{BlockId, Bytes};

/// Bytes before the newest part that are held.
const HELD: usize = 64 * 1024;
/// Longest part that is held as a whole.
const PART: usize = 64 * 1024;

/// The end of the answer that is read.
#[derive(Debug, Default)]
pub(super) struct Recent {
    path: String,
    /// Where in the answer the bytes begin.
    from: u64,
    bytes: Vec<u8>,
}

/// What does not hold, in words.
pub(super) struct Wrong {
    pub rule: &'static str,
    pub height: Option<u64>,
    pub byte: Option<u64>,
    pub what: String,
}

/// The file.
#[derive(Serialize)]
struct Evidence<'a> {
    format: &'static str,
    version: u8,
    genesis: BlockId,
    /// The tip that the node claimed (F11).
    claim: Option<Bytes>,
    request: &'a str,
    rule: &'static str,
    height: Option<u64>,
    byte: Option<u64>,
    what: &'a str,
    /// Where in the answer the bytes begin.
    from: u64,
    bytes: Bytes,
}

impl Recent {
    pub fn begin(&mut self, path: &str) {
        *self = Self {
            path: path.to_owned(),
            ..Self::default()
        };
    }

    /// Adds a part; what is longer ago than [`HELD`] bytes before it goes.
    pub fn add(&mut self, part: &[u8]) {
        let old = self.bytes.len().saturating_sub(HELD);
        self.bytes.drain(..old);
        self.from += old as u64;
        let part = &part[..part.len().min(PART)];
        self.bytes.extend_from_slice(part);
    }

    /// The failure, with the bytes as a file.
    pub fn failure(&self, genesis: BlockId, claim: Option<&TipClaim>, wrong: Wrong) -> LightFailure {
        let Wrong {
            rule,
            height,
            byte,
            what,
        } = wrong;
        // What a node claims may be any number, and a page takes none beyond 2^53: the text has it.
        let height = height.filter(|height| *height <= MAX_HEIGHT);
        let evidence = serde_json::to_string_pretty(&Evidence {
            format: "tally-light-evidence",
            version: 1,
            genesis,
            claim: claim.map(|claim| claim.encode().into()),
            request: &self.path,
            rule,
            height,
            byte,
            what: &what,
            from: self.from,
            bytes: Bytes::copy_from_slice(&self.bytes),
        });
        LightFailure {
            rule: rule.to_owned(),
            height,
            byte,
            what,
            evidence: evidence.expect("texts, numbers and bytes have a form in JSON"),
        }
    }
}
