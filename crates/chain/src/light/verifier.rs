//! Verifies a proof of a chain while its bytes come in. Rules: docs/protocol.md#F1 to #F9

use super::draws::{self, Weights};
use super::fault::{LightError, LightFault, Violation, violation, violation_at};
use super::follow::Followed;
use super::headers::{AllHeaders, Genesis, Run};
use super::limits::{MAGIC, MAX_HEIGHT, MAX_RECORDS, VERSION};
use super::sampled::{Bounds, Sample, read_manifest};
use super::tail::{Tail, TailRules, Window};
use super::unread::Unread;
use super::{Checked, Level, ProofKind, Verified};
use crate::hash::BlockId;
use crate::manifest::Manifest;
use crate::spec::ChainSpec;
use crate::units::{Height, UnixSecs, Weight};

/// Length of what stands before the manifest of the tip, in bytes. Rule: docs/protocol.md#F3
const HEAD_BYTES: usize = 8 + 1 + 1 + 32 + 32;

/// How far a proof was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes that were verified.
    pub bytes: u64,
    /// Parts that were checked: headers and nodes.
    pub checked: u64,
    /// Parts in all; 0 until it is known.
    pub of: u64,
    /// Height that the proof claims for its tip; none until it is known.
    pub claimed: Option<Height>,
}

/// What a proof claims before anything of it is checked.
struct Head {
    kind: ProofKind,
    tip: BlockId,
    manifest: Manifest,
}

/// What is read next. Sizes differ by little beside what they hold.
enum Stage {
    Head,
    /// How many records there are.
    Count(Head),
    Records(Head, Box<Sample>),
    Nodes(Head, Box<Sample>),
    Tail(Head, Box<Sample>, Box<Run>),
    All(Head, Box<AllHeaders>),
    /// Everything was read.
    Done(Box<Followed>),
    Failed(LightFault),
}

/// A reader of one proof. It holds what it has checked of a sample, a few hundred bytes for each record, and of a chain of
/// headers only its end; of the bytes that it is given, those of the part that is not there yet.
pub struct Verifier {
    spec: ChainSpec,
    genesis: Genesis,
    now: UnixSecs,
    bounds: Bounds,
    tail_rules: TailRules,
    known: Weight,
    /// Tip of the chain of that weight, where it is known.
    known_tip: Option<BlockId>,
    stage: Stage,
    rest: Unread,
    bytes: u64,
}

impl Verifier {
    /// For the chain with this genesis id. `spec`: one that was checked, as each is that [`ChainSpec::from_toml`] or
    /// [`ChainSpec::checked`] gave, from any source: it has to make this genesis. `now`: the reader's clock.
    pub fn new(spec: ChainSpec, genesis: BlockId, now: UnixSecs) -> Result<Self, LightError> {
        let genesis = Genesis::of(&spec, genesis)?;
        Ok(Self {
            spec,
            genesis,
            now,
            bounds: Bounds::ALL,
            tail_rules: TailRules::ALL,
            known: Weight::default(),
            known_tip: None,
            stage: Stage::Head,
            rest: Unread::default(),
            bytes: 0,
        })
    }

    /// The same for a reader that has verified a chain of this total work before: one of less is rejected. One who knows its tip
    /// as well says so by [`Self::knowing_tip`]. Rule: docs/protocol.md#F10
    #[must_use]
    pub fn knowing(self, known: Weight) -> Self {
        Self { known, ..self }
    }

    /// The same for a reader that has verified this tip before, of a chain of this total work: a chain of less is rejected, and so
    /// is another tip of the same weight. Rule: docs/protocol.md#F10
    #[must_use]
    pub fn knowing_tip(self, known: Weight, tip: BlockId) -> Self {
        let known_tip = Some(tip);
        Self {
            known,
            known_tip,
            ..self
        }
    }

    /// The same with only some of the bounds, so that tests and `tally bench light` can show what each keeps out. What it
    /// accepts may be forged: nothing else may use it.
    #[doc(hidden)]
    #[must_use]
    pub fn with_bounds(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// The same with only some of the rules about the tail, likewise.
    #[doc(hidden)]
    #[must_use]
    pub fn with_tail_rules(self, tail_rules: TailRules) -> Self {
        Self { tail_rules, ..self }
    }

    /// Verifies as much as these bytes and those before allow. They may end anywhere. After a fault every call returns it.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Progress, LightFault> {
        if let Stage::Failed(fault) = &self.stage {
            return Err(fault.clone());
        }
        let mut rest = std::mem::take(&mut self.rest);
        let read = rest.read_on(bytes, |bytes| {
            let len = self.step(bytes)?;
            self.bytes += len.unwrap_or(0) as u64;
            Ok::<_, LightFault>(len)
        });
        self.rest = rest;
        if let Err(fault) = read {
            self.stage = Stage::Failed(fault.clone());
            return Err(fault);
        }
        Ok(self.progress())
    }

    /// The verdict, once no more bytes come.
    pub fn finish(self) -> Result<Verified, LightFault> {
        self.finish_followed().map(Followed::into_verified)
    }

    /// The same with what is needed to follow the headers after the tip.
    ///
    /// # Errors
    /// The first thing that is wrong with the proof.
    pub fn finish_followed(self) -> Result<Followed, LightFault> {
        let missing = match self.stage {
            Stage::Done(followed) => return Ok(*followed),
            Stage::Failed(fault) => return Err(fault),
            Stage::Head => "before the manifest of its tip",
            Stage::Count(_) => "before its records",
            Stage::Records(..) => "among its records",
            Stage::Nodes(..) => "among its nodes",
            Stage::Tail(..) | Stage::All(..) => "among its headers",
        };
        Err(violation("F3", LightError::Truncated { missing }).at(self.bytes))
    }

    /// How far it came.
    pub fn progress(&self) -> Progress {
        let (checked, of, claimed) = match &self.stage {
            Stage::Head | Stage::Failed(_) => (0, 0, None),
            Stage::Count(head) => (0, 0, Some(head.manifest.number)),
            Stage::Records(head, sample) => (sample.headers(), 0, Some(head.manifest.number)),
            Stage::Nodes(head, sample) => {
                let checked = sample.headers() + sample.nodes();
                let left = sample.nodes_left() + sample.tail_blocks() - 1;
                (checked, checked + left, Some(head.manifest.number))
            }
            Stage::Tail(head, sample, run) => {
                let (checked, of_tail) = (sample.headers() + sample.nodes(), sample.tail_blocks() - 1);
                let left = head.manifest.number.0 - run.height();
                (checked + of_tail - left, checked + of_tail, Some(head.manifest.number))
            }
            Stage::All(head, headers) => {
                let tip = head.manifest.number;
                (headers.height().0, tip.0, Some(tip))
            }
            Stage::Done(followed) => {
                let verified = followed.verified();
                let parts = verified.checked.headers + verified.checked.nodes;
                (parts, parts, Some(verified.manifest.number))
            }
        };
        Progress {
            bytes: self.bytes,
            checked,
            of,
            claimed,
        }
    }

    /// Reads one part and returns its length; `None` where the bytes end before it does. Parts without bytes have length 0.
    fn step(&mut self, bytes: &[u8]) -> Result<Option<usize>, LightFault> {
        let at = self.bytes;
        let stage = std::mem::replace(&mut self.stage, Stage::Head);
        let (stage, read) = self.read(stage, bytes).map_err(|found| found.at(at))?;
        self.stage = stage;
        Ok(read)
    }

    fn read(&mut self, stage: Stage, bytes: &[u8]) -> Result<(Stage, Option<usize>), Violation> {
        Ok(match stage {
            Stage::Head => match self.read_head(bytes)? {
                Some((head, len)) => (self.after_head(head, len)?, Some(len)),
                None => (Stage::Head, None),
            },
            Stage::Count(head) => match bytes.first_chunk::<4>() {
                Some(count) => {
                    let count = u32::from_be_bytes(*count).into();
                    let height = head.manifest.number.0;
                    let (spec, genesis) = (self.spec.clone(), self.genesis.clone());
                    // Without the rules about the tail, weights may require any number of draws.
                    let max = match self.tail_rules == TailRules::ALL {
                        true => draws::most_records(height),
                        false => MAX_RECORDS,
                    };
                    let sample = Sample::new(spec, self.now, genesis, height, (count, max), self.bounds)?;
                    (Stage::Records(head, Box::new(sample)), Some(4))
                }
                None => (Stage::Count(head), None),
            },
            Stage::Records(head, mut sample) => {
                let read = sample.read_record(bytes)?;
                match sample.has_all_records() {
                    true => (after_nodes(head, sample)?, read),
                    false => (Stage::Records(head, sample), read),
                }
            }
            Stage::Nodes(head, mut sample) => match sample.read_node(bytes)? {
                Some(len) => (after_nodes(head, sample)?, Some(len)),
                None => (Stage::Nodes(head, sample), None),
            },
            Stage::Tail(head, sample, mut run) => match run.read(bytes)? {
                Some(len) if run.height() == head.manifest.number.0 => {
                    let verified = self.end_of_sample(head, &sample, &run, len)?;
                    (Stage::Done(Box::new(Followed::new(verified, *run))), Some(len))
                }
                read => (Stage::Tail(head, sample, run), read),
            },
            Stage::All(head, mut headers) => match headers.read(bytes)? {
                Some(len) if headers.height() == head.manifest.number => {
                    let verified = self.end_of_headers(head, &headers, len)?;
                    (
                        Stage::Done(Box::new(Followed::new(verified, headers.into_run()))),
                        Some(len),
                    )
                }
                read => (Stage::All(head, headers), read),
            },
            Stage::Done(_) if !bytes.is_empty() => return Err(violation("F3", LightError::TrailingBytes)),
            stage => (stage, None),
        })
    }

    /// Rule: docs/protocol.md#F3
    fn read_head(&self, bytes: &[u8]) -> Result<Option<(Head, usize)>, Violation> {
        let Some((fixed, rest)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
            return Ok(None);
        };
        let (magic, fixed) = fixed.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(violation("F3", LightError::NoProof));
        }
        let (found, expected) = (fixed[0], VERSION);
        if found != expected {
            return Err(violation("F3", LightError::UnknownVersion { found, expected }));
        }
        let found = fixed[1];
        let kind = ProofKind::from_byte(found).ok_or_else(|| violation("F3", LightError::UnknownKind { found }))?;
        let id = |at: usize| BlockId(alloy_primitives::B256::from_slice(&fixed[at..at + 32]));
        let (found, expected) = (id(2), self.genesis.id);
        if found != expected {
            return Err(violation("F3", LightError::OtherChain { found, expected }));
        }
        let Some((manifest, rest)) = read_manifest(rest)? else {
            return Ok(None);
        };
        let (height, max) = (manifest.number, MAX_HEIGHT);
        if height.0 > max {
            return Err(violation("F1", LightError::TooHigh { height, max }));
        }
        let tip = id(34);
        Ok(Some((Head { kind, tip, manifest }, bytes.len() - rest.len())))
    }

    fn after_head(&self, head: Head, len: usize) -> Result<Stage, Violation> {
        let height = head.manifest.number.0;
        match head.kind {
            ProofKind::AllHeaders => {
                let headers = AllHeaders::new(self.spec.clone(), self.genesis.id, self.now);
                let headers = headers.map_err(|error| violation("F3", error))?;
                // Genesis is known: a chain that has no more needs no header.
                match height {
                    0 => {
                        let verified = self.end_of_headers(head, &headers, len)?;
                        Ok(Stage::Done(Box::new(Followed::new(verified, headers.into_run()))))
                    }
                    _ => Ok(Stage::All(head, Box::new(headers))),
                }
            }
            ProofKind::Sampled => match draws::allowed(&self.spec.engine(), height) {
                Ok(()) => Ok(Stage::Count(head)),
                Err(error) => Err(violation("F1", error)),
            },
        }
    }

    fn end_of_headers(&self, head: Head, headers: &AllHeaders, len: usize) -> Result<Verified, Violation> {
        let checked = Checked {
            bytes: self.bytes + len as u64,
            headers: headers.height().0,
            tail: headers.height().0,
            tail_weight: self.without_genesis(headers.weight()),
            ..Checked::default()
        };
        self.verified(head, headers.run(), Level::AllHeaders, checked, headers.weight())
    }

    fn without_genesis(&self, total: Weight) -> Weight {
        let genesis = self.spec.engine().weight(&self.genesis.header);
        Weight(total.0.saturating_sub(genesis.0))
    }

    /// Rules: docs/protocol.md#F4, #F5
    fn end_of_sample(&self, head: Head, sample: &Sample, run: &Run, len: usize) -> Result<Verified, Violation> {
        let overflow = || violation("F6", LightError::WeightOverflow);
        let weights = Weights {
            total: run.total().ok_or_else(overflow)?,
            tail: run.weight(),
            tip: run.last_weight(),
        };
        let checked = Checked {
            bytes: self.bytes + len as u64,
            headers: sample.headers() + sample.tail_blocks() - 1,
            tail: sample.tail_blocks(),
            tail_weight: Weight(weights.tail),
            records: sample.records(),
            nodes: sample.nodes(),
            draws: 0,
        };
        let tip = head.tip;
        // The tree has to be the tip's before draws from its weights mean anything.
        let verified = self.verified(head, run, Level::Sampled, checked, Weight(weights.total))?;
        let tail = Tail {
            whole: Window {
                blocks: sample.tail_blocks(),
                weight: weights.tail,
            },
            half: run.newest_weight(),
            tip: weights.tip,
        };
        tail.check(&sample.windows(weights.total)?, self.tail_rules)?;
        let draws = sample.check_draws(tip, weights)?;
        let checked = Checked { draws, ..checked };
        Ok(Verified { checked, ..verified })
    }

    /// The last header is the tip's, and commits to the blocks before it. Rules: docs/protocol.md#F3, #M1, #R3
    fn verified(
        &self,
        head: Head,
        run: &Run,
        level: Level,
        checked: Checked,
        weight: Weight,
    ) -> Result<Verified, Violation> {
        let Head { tip, manifest, .. } = head;
        let at_tip = |rule, error: LightError| violation_at(rule, manifest.number.0, error);
        let (found, expected) = (run.id(), tip);
        if found != expected {
            return Err(at_tip("F3", LightError::WrongTip { found, expected }));
        }
        let (found, expected) = (run.last().manifest_root, manifest.root());
        if found != expected {
            return Err(at_tip("M1", LightError::WrongManifestRoot { found, expected }));
        }
        let engine = self.spec.engine();
        engine
            .check_manifest(&manifest)
            .map_err(|error| at_tip("M2", error.into()))?;
        let (found, expected) = (manifest.history_root, run.history_root());
        if found != expected {
            return Err(at_tip("R3", LightError::WrongHistoryRoot { found, expected }));
        }
        let (found, known) = (weight, self.known);
        if found < known {
            return Err(at_tip("F10", LightError::LessWork { found, known }));
        }
        let other = self.known_tip.filter(|known| found == self.known && *known != tip);
        if let Some(known) = other {
            return Err(at_tip("F10", LightError::SameWeight { found: tip, known }));
        }
        Ok(Verified {
            level,
            genesis: self.genesis.id,
            tip,
            header: *run.last(),
            manifest,
            weight,
            checked,
        })
    }
}

/// What comes after a record or a node: the blocks that are shown are put in their places, up to the next gap.
fn after_nodes(head: Head, mut sample: Box<Sample>) -> Result<Stage, Violation> {
    match sample.advance()? {
        true => {
            let run = Box::new(sample.tail()?);
            Ok(Stage::Tail(head, sample, run))
        }
        false => Ok(Stage::Nodes(head, sample)),
    }
}
