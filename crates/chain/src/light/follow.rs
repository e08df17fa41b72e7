//! From a verified tip to a newer one, header by header. Rules: docs/protocol.md#F9 to #F11

use alloy_primitives::U256;

use super::fault::{LightError, LightFault, Violation, violation_at};
use super::headers::{AllHeaders, Run};
use super::unread::Unread;
use super::{Checked, Level, TipClaim, Verified};
use crate::hash::BlockId;
use crate::header::Header;
use crate::history::{self, HistoryError, HistoryProof, Node};
use crate::manifest::Manifest;
use crate::spec::ChainSpec;
use crate::units::{Height, UnixSecs, Weight};

/// A verified tip, and what is needed to follow the headers after it: a few kilobytes, whatever the height.
#[derive(Debug, Clone)]
pub struct Followed {
    verified: Verified,
    run: Run,
}

/// Headers that are followed from a verified block on, or from genesis, to a tip that a node claims. Each is checked as F9
/// says. The block they begin at stays what it was until [`Self::finish`] has the verdict.
#[derive(Debug, Clone)]
pub struct Following {
    level: Level,
    genesis: BlockId,
    begun: Begun,
    run: Run,
    /// The beginning of a header whose end has not come yet.
    rest: Unread,
    /// Bytes that were followed.
    bytes: u64,
    /// What was wrong with the bytes after them.
    fault: Option<LightFault>,
}

/// Where the following began.
#[derive(Debug, Clone, Copy)]
struct Begun {
    height: u64,
    /// What was looked at up to there.
    checked: Checked,
    /// Work of the headers that were followed up to there.
    weight: U256,
}

impl Followed {
    pub(super) fn new(verified: Verified, run: Run) -> Self {
        Self { verified, run }
    }

    /// The tip.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The tip alone.
    pub fn into_verified(self) -> Verified {
        self.verified
    }

    /// Begins with the header after the tip; `now` by the reader's clock.
    pub fn follow(&self, now: UnixSecs) -> Following {
        Following::on(
            (self.verified.level, self.verified.genesis),
            self.verified.checked,
            self.run.clone().at_time(now),
        )
    }

    /// All headers up to the tip, to be kept; none where only a sample of them was checked.
    pub fn headers(&self) -> Option<AllHeaders> {
        let all = self.verified.level >= Level::AllHeaders;
        all.then(|| AllHeaders::on(self.verified.genesis, self.run.clone()))
    }

    /// Shows that the block of this header and manifest is the tip, or one of its ancestors by these nodes, which are not
    /// looked at for the tip. Rules: docs/protocol.md#F10, #M1, #R4
    ///
    /// # Errors
    /// Where the manifest is of another header, or the nodes do not lead to the tip's `history_root`.
    pub fn check_ancestor(&self, header: &Header, manifest: &Manifest, nodes: Vec<Node>) -> Result<(), NotShown> {
        let (number, tip) = (manifest.number, &self.verified);
        if manifest.root() != header.manifest_root {
            return Err(NotShown::OtherManifest);
        }
        let (id, blocks) = (header.id(), tip.manifest.number);
        if number > blocks {
            return Err(NotShown::AboveTip { number, tip: blocks });
        }
        if number == blocks {
            return match id == tip.tip {
                true => Ok(()),
                false => Err(NotShown::OtherTip { number, tip: tip.tip }),
            };
        }
        let leaf = Node::leaf(id, header, self.run.weight_of(header));
        let proof = HistoryProof {
            blocks: blocks.0,
            number: number.0,
            nodes,
        };
        history::verify(&proof, leaf, tip.manifest.history_root).map_err(|error| NotShown::History { number, error })
    }
}

/// Why a block is not shown to be on a verified chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum NotShown {
    #[error("the manifest is not the one in the header (rule M1)")]
    OtherManifest,
    #[error("block {number} is above the verified tip, block {tip}")]
    AboveTip { number: Height, tip: Height },
    #[error("the verified block at height {number} is another one, {tip}")]
    OtherTip { number: Height, tip: BlockId },
    #[error("nothing shows that it is block {number} of the verified chain: {error} (rule R4)")]
    History { number: Height, error: HistoryError },
}

impl Following {
    /// Begins with the header of block 1. `spec`: as in [`AllHeaders::new`].
    ///
    /// # Errors
    /// Where the spec makes another genesis.
    pub fn from_genesis(spec: ChainSpec, genesis: BlockId, now: UnixSecs) -> Result<Self, LightError> {
        Ok(Self::from_headers(&AllHeaders::new(spec, genesis, now)?, now))
    }

    /// Begins with the header after those that were checked. `now` by the reader's clock.
    pub fn from_headers(headers: &AllHeaders, now: UnixSecs) -> Self {
        let (count, run) = (headers.height().0, headers.run());
        let checked = Checked {
            headers: count,
            tail: count,
            // The weight that genesis claims was never worked for.
            tail_weight: Weight(run.weight().saturating_sub(run.genesis_weight())),
            ..Checked::default()
        };
        Self::on(
            (Level::AllHeaders, headers.genesis()),
            checked,
            run.clone().at_time(now),
        )
    }

    fn on((level, genesis): (Level, BlockId), checked: Checked, run: Run) -> Self {
        let begun = Begun {
            height: run.height(),
            checked,
            weight: run.weight(),
        };
        Self {
            level,
            genesis,
            begun,
            run,
            rest: Unread::default(),
            bytes: 0,
            fault: None,
        }
    }

    /// Follows the compact headers in these bytes (F2), which may end anywhere. After a fault every call returns it.
    ///
    /// # Errors
    /// The first header that does not hold.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), LightFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let (run, read) = (&mut self.run, &mut self.bytes);
        let pushed = self.rest.read_on(bytes, |bytes| {
            let len = run.read(bytes)?;
            *read += len.unwrap_or(0) as u64;
            Ok::<_, Violation>(len)
        });
        pushed.map_err(|found| self.fault.insert(found.at(self.bytes)).clone())
    }

    /// Height of the newest header.
    pub fn height(&self) -> Height {
        Height(self.run.height())
    }

    /// Bytes of the headers that were followed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How far it came, to be gone on with later; none where it began at a sampled tip. A header of which only the beginning
    /// came is left out.
    pub fn headers(self) -> Option<AllHeaders> {
        (self.level >= Level::AllHeaders).then(|| AllHeaders::on(self.genesis, self.run))
    }

    /// The verdict, once no more bytes come: the last header is the claimed tip's, and commits to all blocks before it.
    ///
    /// # Errors
    /// The header that does not hold, or the part of the claim that does not fit. Rules: docs/protocol.md#F3, #F11, #M2, #R3
    pub fn finish(self, claim: &TipClaim) -> Result<Followed, LightFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let (at, height) = (self.bytes, claim.height().0);
        let failed = |rule, error: LightError| violation_at(rule, height, error).at(at);
        if !self.rest.is_empty() {
            let missing = "within a header";
            return Err(failed("F3", LightError::Truncated { missing }));
        }
        let (found, expected) = (self.run.id(), claim.id());
        if found != expected || self.run.height() != height {
            return Err(failed("F3", LightError::WrongTip { found, expected }));
        }
        let engine = self.run.engine();
        engine
            .check_manifest(&claim.manifest)
            .map_err(|error| failed("M2", error.into()))?;
        let (found, expected) = (claim.manifest.history_root, self.run.history_root());
        if found != expected {
            return Err(failed("R3", LightError::WrongHistoryRoot { found, expected }));
        }
        let total = self
            .run
            .total()
            .ok_or_else(|| failed("F6", LightError::WeightOverflow))?;
        let (found, claimed) = (Weight(total), claim.weight);
        if found != claimed {
            return Err(failed("F11", LightError::OtherWeight { found, claimed }));
        }
        let verified = Verified {
            level: self.level,
            genesis: self.genesis,
            tip: claim.id(),
            header: claim.header,
            manifest: claim.manifest.clone(),
            weight: found,
            checked: self.checked(),
        };
        Ok(Followed::new(verified, self.run))
    }
    fn checked(&self) -> Checked {
        let Begun {
            height,
            checked,
            weight,
        } = self.begun;
        let more = self.run.height().saturating_sub(height);
        let added = Weight(self.run.weight().saturating_sub(weight));
        Checked {
            bytes: checked.bytes + self.bytes,
            headers: checked.headers + more,
            tail: checked.tail + more,
            tail_weight: checked.tail_weight.plus(added),
            ..checked
        }
    }
}
