//! Verifies what one node shows. Nothing of it is trusted, and everything that it sends is bounded.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tally_api::ProblemBody;
use tally_api::blocks::BlockBody;
use tally_chain::consensus::{MAX_COMPACT_BYTES, SealError};
use tally_chain::light::{
    AllHeaders, Checked, ClaimError, Level, LightError, LightFault, Links, MAX_CLAIM_BYTES, TipClaim, Verified,
    Verifier,
};
use tally_chain::{B256, BlockId, ChainSpec, Header, Height, UnixSecs, Weight, genesis};
use tally_node::system_clock;

use crate::cli::client::{Bounds, Client, Expected};
use crate::cli::out::{err, errln};

/// Longest sample, in bytes: some 4,130 records with 40 nodes before each, and the tail.
const MAX_SAMPLE: u64 = 16 * 1024 * 1024;
/// Media type of proofs, headers and claims.
const BINARY: &str = "application/octet-stream";
/// Longest answer about one block, in bytes.
const MAX_BLOCK_ANSWER: u64 = 64 * 1024;
/// How often a node is read whose tip changes meanwhile.
const TRIES: u32 = 3;

/// One node, and what its chain is verified by.
pub struct Reader<'a> {
    pub client: &'a Client,
    pub spec: &'a ChainSpec,
    pub genesis: BlockId,
    /// What one answer may take.
    pub time: Duration,
    pub shows_progress: bool,
}

/// What a node shows, as far as it was verified.
pub struct Shown {
    pub verified: Verified,
    /// Until it was verified, in seconds.
    pub secs: f64,
}

/// Why the chain of a node is rejected: what it sent does not hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error(transparent)]
    Proof(#[from] LightFault),
    #[error(transparent)]
    Light(#[from] LightError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("the proof is of block {found}, the node's tip is {expected}")]
    OtherTip { found: BlockId, expected: BlockId },
    #[error("the total work of the chain is {found}, the node claims {claimed}")]
    OtherWeight { found: Weight, claimed: Weight },
    #[error("the headers end with block {found} at height {height}, expected {expected} at {expected_height}")]
    OtherEnd {
        found: BlockId,
        height: Height,
        expected: BlockId,
        expected_height: Height,
    },
    #[error("history root is {found:#x} in the manifest of the tip, expected {expected:#x}")]
    OtherHistory { found: B256, expected: B256 },
    #[error("the node does not have block {id}, which you trust")]
    LacksTrusted { id: BlockId },
    #[error("what the node sends as block {id}, which you trust, is another")]
    OtherBlock { id: BlockId },
    #[error("block {id}, which you trust, is not among the ancestors of the tip")]
    NotTrusted { id: BlockId },
}

impl Reader<'_> {
    /// Verifies the node's tip, by `headers` with all of its headers, and that the trusted block leads to it.
    ///
    /// # Errors
    /// [`Rejected`] for what does not hold; others where the node gives no answer.
    pub fn check(&self, trusted: Option<BlockId>, headers: bool) -> anyhow::Result<Shown> {
        let mut tries = 1;
        loop {
            match self.check_once(trusted, headers) {
                Err(error) if tries < TRIES && tip_has_changed(&error) => tries += 1,
                done => return done,
            }
        }
    }

    fn check_once(&self, trusted: Option<BlockId>, headers: bool) -> anyhow::Result<Shown> {
        let begun = Instant::now();
        let bytes = self.client.bytes(self.binary("light/tip", MAX_CLAIM_BYTES as u64))?;
        let claim = TipClaim::decode(&bytes).map_err(Rejected::from)?;
        // Read now: while other nodes took their time, blocks may have come that an earlier reading rejects.
        let now = (system_clock())();
        let mut verified = match self.proof(&claim, now) {
            Err(error) if needs_all_headers(&error) => self.all_headers(&claim, now)?,
            proved => proved?,
        };
        if headers && verified.level == Level::Sampled {
            verified = self.all_headers(&claim, now)?;
        }
        let (found, claimed) = (verified.weight, claim.weight);
        if found != claimed {
            return Err(Rejected::OtherWeight { found, claimed }.into());
        }
        if let Some(id) = trusted {
            self.check_trusted(id, &verified)?;
        }
        let secs = begun.elapsed().as_secs_f64();
        Ok(Shown { verified, secs })
    }

    /// An answer of bytes, of which there are at most so many.
    fn binary<'p>(&self, path: &'p str, bytes: u64) -> Expected<'p> {
        let (media, time) = (BINARY, self.time);
        Expected {
            path,
            media,
            bounds: Bounds { bytes, time },
        }
    }

    /// Verifies the proof of the tip that the node claims.
    fn proof(&self, claim: &TipClaim, now: UnixSecs) -> anyhow::Result<Verified> {
        let expected = claim.id();
        let verifier = Verifier::new(self.spec.clone(), self.genesis, now);
        let mut verifier = verifier.map_err(Rejected::from)?;
        let path = format!("light/chain?tip={expected}");
        let bytes = headers_bytes(claim.height().0).saturating_add(MAX_SAMPLE);
        self.client.stream(self.binary(&path, bytes), |part| {
            verifier.push(part).map_err(Rejected::from)?;
            Ok(())
        })?;
        let verified = verifier.finish().map_err(Rejected::from)?;
        match verified.tip == expected {
            true => Ok(verified),
            false => {
                let found = verified.tip;
                Err(Rejected::OtherTip { found, expected }.into())
            }
        }
    }

    /// Checks every header up to the tip that the node claims. Rule: docs/protocol.md#F9
    fn all_headers(&self, claim: &TipClaim, now: UnixSecs) -> anyhow::Result<Verified> {
        let (tip, last) = (claim.id(), claim.height());
        let headers = AllHeaders::new(self.spec.clone(), self.genesis, now);
        let mut headers = headers.map_err(Rejected::from)?;
        let mut bytes = 0;
        if last > Height::GENESIS {
            let path = format!("light/headers?from=1&tip={tip}");
            let answer = self.binary(&path, headers_bytes(last.0));
            let read = self.client.stream(answer, |part| {
                bytes += part.len() as u64;
                headers.push(part).map_err(Rejected::from)?;
                if self.shows_progress {
                    err!("\rheader {} of {last}", headers.height());
                }
                Ok(())
            });
            if self.shows_progress {
                errln!();
            }
            read?;
        }
        let (found, height) = (headers.id(), headers.height());
        if (found, height) != (tip, last) || headers.is_within_header() {
            return Err(Rejected::OtherEnd {
                found,
                height,
                expected: tip,
                expected_height: last,
            }
            .into());
        }
        let (found, expected) = (claim.manifest.history_root, headers.history_root());
        if found != expected {
            return Err(Rejected::OtherHistory { found, expected }.into());
        }
        let engine = self.spec.engine();
        engine.check_manifest(&claim.manifest).map_err(Rejected::from)?;
        let (weight, first) = (headers.weight(), engine.weight(&genesis::block(self.spec).header));
        Ok(Verified {
            level: Level::AllHeaders,
            genesis: self.genesis,
            tip,
            header: claim.header,
            manifest: claim.manifest.clone(),
            weight,
            checked: Checked {
                bytes,
                headers: last.0,
                tail: last.0,
                // The work that genesis claims was never done.
                tail_weight: Weight(weight.0.saturating_sub(first.0)),
                ..Checked::default()
            },
        })
    }

    fn check_trusted(&self, id: BlockId, tip: &Verified) -> anyhow::Result<()> {
        if id == tip.tip || id == self.genesis {
            return Ok(());
        }
        let path = format!("blocks/{id}");
        let answer = self.client.bytes(Expected {
            media: "application/json",
            ..self.binary(&path, MAX_BLOCK_ANSWER)
        });
        let answer = answer.map_err(|error| match problem_of(&error) {
            Some("unknown-block") => Rejected::LacksTrusted { id }.into(),
            _ => error,
        })?;
        let block: BlockBody = serde_json::from_slice(&answer).context("the node's answer is not what was expected")?;
        let header = block.header_hex.first_chunk().map(Header::decode);
        let header = header
            .filter(|header| header.id() == id)
            .ok_or(Rejected::OtherBlock { id })?;
        match self.leads(Height(block.summary.height), header, tip)? {
            true => Ok(()),
            false => Err(Rejected::NotTrusted { id }.into()),
        }
    }

    /// Whether the block of this height and header is an ancestor of a verified tip, by the headers that this node has between
    /// them. Rule: docs/protocol.md#F11
    ///
    /// # Errors
    /// Where the node gives no answer, or one that is not as many headers as are between them: it shows nothing.
    pub fn leads(&self, height: Height, header: Header, tip: &Verified) -> anyhow::Result<bool> {
        let last = tip.manifest.number;
        if height >= last {
            return Ok(header.id() == tip.tip);
        }
        let first_time = match height.0 {
            0 | 1 => 0,
            _ => self.first_time(tip)?,
        };
        let mut links = Links::after(self.spec, height, header, first_time);
        let path = format!("light/headers?from={}&tip={}", height.next(), tip.tip);
        let bytes = headers_bytes(last.0 - height.0);
        self.client.stream(self.binary(&path, bytes), |part| {
            links.push(part).map_err(Rejected::from)?;
            Ok(())
        })?;
        let (found, height) = (links.id(), links.height());
        match height == last && !links.is_within_header() {
            true => Ok(found == tip.tip),
            false => Err(Rejected::OtherEnd {
                found,
                height,
                expected: tip.tip,
                expected_height: last,
            }
            .into()),
        }
    }

    /// The time of block 1 as this node has it: a false one shows nothing that is not so.
    fn first_time(&self, tip: &Verified) -> anyhow::Result<u32> {
        let path = format!("light/headers?from=1&count=1&tip={}", tip.tip);
        let bytes = self.client.bytes(self.binary(&path, headers_bytes(1)))?;
        let first = genesis::block(self.spec).header;
        let mut links = Links::after(self.spec, Height::GENESIS, first, 0);
        links.push(&bytes).map_err(Rejected::from)?;
        Ok(links.header().time)
    }
}

/// Most bytes of so many compact headers.
fn headers_bytes(count: u64) -> u64 {
    count.saturating_mul(MAX_COMPACT_BYTES as u64)
}

/// The name of the problem that a node answered with.
fn problem_of(error: &anyhow::Error) -> Option<&str> {
    error.downcast_ref::<ProblemBody>().map(ProblemBody::name)
}

/// A reorg, or many blocks, between two answers: the node has no proof of the tip that it claimed.
fn tip_has_changed(error: &anyhow::Error) -> bool {
    matches!(problem_of(error), Some("unknown-block" | "tip-too-old"))
}

fn needs_all_headers(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(Rejected::Proof(fault)) => fault.needs_all_headers(),
        _ => false,
    }
}
