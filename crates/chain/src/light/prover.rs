//! Proves a chain to light clients. Rules: docs/protocol.md#F1 to #F9

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use alloy_primitives::U256;

use super::ProofKind;
use super::draws::{self, Plan, Unsampled, Weights};
use super::limits::{MAGIC, VERSION};
use super::order::TimeOrder;
use super::range::largest_between;
use super::sampled::write_node;
use super::tail::{self, Window};
use crate::genesis;
use crate::hash::BlockId;
use crate::header::Header;
use crate::history::{self, History, Node};
use crate::manifest::Manifest;
use crate::spec::ChainSpec;
use crate::units::Height;

/// A chain that is proved, up to one tip: what a node has in its store.
pub trait ChainReader {
    /// The header of a block up to the tip, or `None` where the store has none.
    fn header(&self, height: Height) -> Option<Header>;
    /// The manifest of a block up to the tip, or `None` where the store has none.
    fn manifest(&self, height: Height) -> Option<Manifest>;
    /// The node of the history at this position, of those over blocks before the tip, or `None` where the store has none.
    fn node(&self, position: u64) -> Option<Node>;
}

/// Why a chain cannot be proved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum ProveError {
    #[error("the {what} of block {height} is not there")]
    MissingBlock { what: &'static str, height: Height },
    #[error("the history has no node at position {position}")]
    MissingNode { position: u64 },
    #[error("the history of {blocks} blocks does not fit its own sums")]
    Altered { blocks: u64 },
}

/// A proof: bytes, and the headers that follow them. A short chain, and one that cannot be sampled, has all headers, which may
/// be too many to hold at once: they are written with [`encode_headers`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What it proves.
    pub kind: ProofKind,
    /// Why it is not a sample.
    pub unsampled: Option<Unsampled>,
    /// Everything before the headers.
    pub head: Vec<u8>,
    /// Heights of the compact headers (F2) that follow; empty where there is genesis alone.
    pub headers: RangeInclusive<u64>,
}

impl Proof {
    /// The whole proof.
    pub fn bytes(&self, spec: &ChainSpec, chain: &impl ChainReader) -> Result<Vec<u8>, ProveError> {
        let mut out = self.head.clone();
        encode_headers(spec, chain, self.headers.clone(), &mut out)?;
        Ok(out)
    }
}

/// Writes the compact headers of these heights, which begin at 1 or above. Rule: docs/protocol.md#F2
pub fn encode_headers(
    spec: &ChainSpec,
    chain: &impl ChainReader,
    heights: RangeInclusive<u64>,
    out: &mut Vec<u8>,
) -> Result<(), ProveError> {
    let engine = spec.engine();
    let mut parent_time = None;
    for height in heights {
        let before = match parent_time {
            Some(time) => time,
            None => header(chain, height.saturating_sub(1))?.time,
        };
        let header = header(chain, height)?;
        engine.encode_compact(&header, before, out);
        parent_time = Some(header.time);
    }
    Ok(())
}

fn header(chain: &impl ChainReader, height: u64) -> Result<Header, ProveError> {
    let height = Height(height);
    let what = "header";
    chain.header(height).ok_or(ProveError::MissingBlock { what, height })
}

fn manifest(chain: &impl ChainReader, height: u64) -> Result<Manifest, ProveError> {
    let height = Height(height);
    let what = "manifest";
    chain.manifest(height).ok_or(ProveError::MissingBlock { what, height })
}

fn node(chain: &impl ChainReader, position: u64) -> Result<Node, ProveError> {
    chain.node(position).ok_or(ProveError::MissingNode { position })
}

/// Proves the chain up to the block of this height. The proof of a tip is always the same bytes.
pub fn prove(spec: &ChainSpec, chain: &impl ChainReader, tip: Height) -> Result<Proof, ProveError> {
    let prover = Prover::new(spec, chain, tip)?;
    match prover.sampled()? {
        Ok(proof) => Ok(proof),
        Err(unsampled) => Ok(prover.all_headers(unsampled)),
    }
}

/// Which records a forger shows, of those that the rules require.
pub type Edit<'e> = &'e dyn Fn(&mut BTreeSet<u64>);

/// A sample of a chain whose times need not be in order; `None` where the rules require all headers for another reason. `tail`:
/// how many blocks its tail has, where that is not what the rules give.
#[cfg(not(target_family = "wasm"))]
pub(super) fn forged_sample(
    spec: &ChainSpec,
    chain: &impl ChainReader,
    tip: Height,
    tail: Option<u64>,
    edit: Option<Edit<'_>>,
) -> Result<Option<Vec<u8>>, ProveError> {
    let mut prover = Prover::new(spec, chain, tip)?;
    (prover.slack, prover.tail, prover.edit) = (u32::MAX, tail, edit);
    match prover.sampled()? {
        Ok(proof) => Ok(Some(proof.bytes(spec, chain)?)),
        Err(_) => Ok(None),
    }
}

struct Prover<'a, C> {
    spec: &'a ChainSpec,
    chain: &'a C,
    genesis: BlockId,
    tip: Header,
    manifest: Manifest,
    /// Seconds that times may go back. Rule: docs/protocol.md#F8
    slack: u32,
    /// Blocks of a forged tail.
    tail: Option<u64>,
    /// Records of a forged sample.
    edit: Option<Edit<'a>>,
}

impl<'a, C: ChainReader> Prover<'a, C> {
    fn new(spec: &'a ChainSpec, chain: &'a C, tip: Height) -> Result<Self, ProveError> {
        Ok(Self {
            spec,
            chain,
            genesis: genesis::block(spec).header.id(),
            tip: header(chain, tip.0)?,
            manifest: manifest(chain, tip.0)?,
            slack: spec.engine().time_slack(),
            tail: None,
            edit: None,
        })
    }

    fn height(&self) -> u64 {
        self.manifest.number.0
    }

    /// Rule: docs/protocol.md#F3
    fn head(&self, kind: ProofKind) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend([VERSION, kind.byte()]);
        out.extend_from_slice(self.genesis.as_bytes());
        out.extend_from_slice(self.tip.id().as_bytes());
        write_manifest(&self.manifest, &mut out);
        out
    }

    fn all_headers(&self, unsampled: Unsampled) -> Proof {
        let kind = ProofKind::AllHeaders;
        Proof {
            kind,
            unsampled: Some(unsampled),
            head: self.head(kind),
            headers: 1..=self.height(),
        }
    }

    fn sampled(&self) -> Result<Result<Proof, Unsampled>, ProveError> {
        let (blocks, engine) = (self.height(), self.spec.engine());
        if let Err(unsampled) = draws::allowed(&engine, blocks) {
            return Ok(Err(unsampled));
        }
        let tip = engine.weight(&self.tip).0;
        let total = self.weight_before(blocks)?.saturating_add(tip);
        let windows = self.windows(total)?;
        let chosen = match self.tail {
            Some(forged) => windows.iter().copied().find(|window| window.blocks == forged),
            None => match tail::choose(&windows, tip) {
                Ok(window) => Some(window),
                Err(unsampled) => return Ok(Err(unsampled)),
            },
        };
        let window = chosen.ok_or(ProveError::Altered { blocks })?;
        let weights = Weights {
            total,
            tail: window.weight,
            tip,
        };
        let plan = match Plan::of(weights) {
            Ok(plan) => plan,
            Err(unsampled) => return Ok(Err(unsampled)),
        };
        let longer = windows.iter().map(|window| window.blocks);
        let longer = longer.filter(|length| (window.blocks..=blocks).contains(length));
        let mut records: BTreeSet<u64> = longer.map(|length| blocks + 1 - length).chain([1]).collect();
        let tail = blocks + 1 - window.blocks;
        for place in plan.places(self.tip.id()) {
            records.insert(self.block_at(place)?);
        }
        // Genesis is known and needs no record.
        records.remove(&0);
        if let Some(edit) = self.edit {
            edit(&mut records);
        }
        let mut head = self.head(ProofKind::Sampled);
        let count = u32::try_from(records.len()).expect("there are few more than draws");
        head.extend(count.to_be_bytes());
        let shown = self.write_records(&records, &mut head)?;
        if let Err(unsampled) = self.write_nodes(&shown, tail, &mut head)? {
            return Ok(Err(unsampled));
        }
        Ok(Ok(Proof {
            kind: ProofKind::Sampled,
            unsampled: None,
            head,
            headers: tail + 1..=blocks,
        }))
    }

    /// All windows, ascending, that of all blocks the last one. Rule: docs/protocol.md#F4
    fn windows(&self, total: U256) -> Result<Vec<Window>, ProveError> {
        let blocks = self.height();
        let windows = tail::lengths(blocks).map(|length| {
            let before = self.weight_before(blocks + 1 - length)?;
            let weight = total.checked_sub(before).ok_or(ProveError::Altered { blocks })?;
            Ok(Window { blocks: length, weight })
        });
        let all = Window {
            blocks: blocks + 1,
            weight: total,
        };
        windows.chain([Ok(all)]).collect()
    }

    /// Work of all blocks before this one.
    fn weight_before(&self, number: u64) -> Result<U256, ProveError> {
        History::peak_positions(number)
            .into_iter()
            .try_fold(U256::ZERO, |sum, position| {
                Ok(sum.saturating_add(node(self.chain, position)?.weight))
            })
    }

    /// The block that has this place. Rule: docs/protocol.md#F5
    fn block_at(&self, place: U256) -> Result<u64, ProveError> {
        let blocks = self.height();
        let altered = ProveError::Altered { blocks };
        let (mut first, mut left) = (0, place);
        let mut size = loop {
            if first == blocks {
                return Err(altered);
            }
            let size = largest_between(first, blocks);
            let weight = node(self.chain, history::position_over(first, size))?.weight;
            if left < weight {
                break size;
            }
            left -= weight;
            first += size;
        };
        while size > 1 {
            size /= 2;
            let weight = node(self.chain, history::position_over(first, size))?.weight;
            if left >= weight {
                left -= weight;
                first += size;
            }
        }
        Ok(first)
    }

    /// Returns the blocks whose headers are in the proof then, with their times: the records, and their parents.
    fn write_records(&self, records: &BTreeSet<u64>, out: &mut Vec<u8>) -> Result<Vec<(u64, u32)>, ProveError> {
        let mut shown = vec![(0, header(self.chain, 0)?.time)];
        for number in records.iter().copied() {
            let block = header(self.chain, number)?;
            write_manifest(&manifest(self.chain, number)?, out);
            out.extend_from_slice(&block.encode());
            let parent = header(self.chain, number - 1)?;
            let last = shown.last().map(|(last, _)| *last);
            let repeats = number == 1 || last == Some(number - 1);
            if !repeats {
                out.extend_from_slice(&parent.encode());
                shown.push((number - 1, parent.time));
            }
            shown.push((number, block.time));
        }
        Ok(shown)
    }

    /// Rules: docs/protocol.md#F6, #F8
    fn write_nodes(
        &self,
        shown: &[(u64, u32)],
        tail: u64,
        out: &mut Vec<u8>,
    ) -> Result<Result<(), Unsampled>, ProveError> {
        let mut order = TimeOrder::new(self.slack);
        let mut from = 0;
        for (number, time) in shown.iter().copied() {
            while from < number {
                let size = largest_between(from, number);
                let node = node(self.chain, history::position_over(from, size))?;
                if let Err(found) = order.push(node.min_time, node.max_time) {
                    return Ok(Err(found.into()));
                }
                write_node(&node, out);
                from += size;
            }
            if let Err(found) = order.push(time, time) {
                return Ok(Err(found.into()));
            }
            from += 1;
        }
        for number in tail + 1..=self.height() {
            let time = header(self.chain, number)?.time;
            if let Err(found) = order.push(time, time) {
                return Ok(Err(found.into()));
            }
        }
        Ok(Ok(()))
    }
}

/// Its length in two bytes, then the manifest.
pub(super) fn write_manifest(manifest: &Manifest, out: &mut Vec<u8>) {
    let bytes = manifest.encode();
    let len = u16::try_from(bytes.len()).expect("a manifest has 512 bytes at most");
    out.extend(len.to_be_bytes());
    out.extend(bytes);
}
