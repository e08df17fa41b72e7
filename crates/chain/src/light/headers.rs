//! Headers one after the other, from genesis or from the tail of a sample. Rules: docs/protocol.md#F2, #F4, #F9

use alloy_primitives::{B256, U256};
use serde::{Deserialize, Serialize};

use super::fault::{LightError, LightFault, Violation, rule_of, violation, violation_at};
use super::order::TimeOrder;
use super::range::Range;
use super::unread::Unread;
use crate::consensus::{CompactHeader, Engine, SealContext};
use crate::genesis;
use crate::hash::BlockId;
use crate::header::Header;
use crate::header_chain::HeaderTip;
use crate::history::Node;
use crate::median_time::MEDIAN_SPAN;
use crate::spec::ChainSpec;
use crate::units::{Height, UnixSecs, Weight};

/// Where a chain begins for a reader with its spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Genesis {
    pub id: BlockId,
    pub header: Header,
}

impl Genesis {
    /// Checks that the spec makes the genesis that the reader knows. Rules: docs/protocol.md#C2, #C3
    pub fn of(spec: &ChainSpec, expected: BlockId) -> Result<Self, LightError> {
        let header = genesis::block(spec).header;
        match header.id() {
            id if id == expected => Ok(Self { id, header }),
            found => Err(LightError::OtherSpec { found, expected }),
        }
    }
}

/// Follows headers and sums them up.
#[derive(Debug, Clone)]
pub(super) struct Run {
    spec: ChainSpec,
    engine: Engine,
    now: UnixSecs,
    end: HeaderTip,
    last: Header,
    /// All blocks before the last one.
    before: Range,
    /// Of the blocks that were followed, the first one included.
    weight: U256,
    /// Of those of them from this number on.
    newest: (u64, U256),
    /// Where the headers belong to a sample.
    order: Option<TimeOrder>,
    /// Whether the times of all blocks before are known.
    from_genesis: bool,
}

/// A block from which headers are followed.
pub(super) struct Start {
    /// Its number.
    pub number: u64,
    pub header: Header,
    /// Time of block 1 in Unix seconds; none where the start is genesis.
    pub anchor_time: Option<u32>,
    /// Time of its parent in Unix seconds; none where it is genesis.
    pub parent_time: Option<u32>,
    /// The blocks before it.
    pub before: Range,
    /// Where the headers belong to a sample: what was seen so far.
    pub order: Option<TimeOrder>,
    /// Number of the block, a later one, from which weights are summed up by themselves.
    pub newest_from: u64,
}

impl Run {
    pub fn new(spec: ChainSpec, now: UnixSecs, start: Start) -> Self {
        let engine = spec.engine();
        let weight = engine.weight(&start.header);
        Self {
            engine,
            spec,
            now,
            end: HeaderTip {
                id: start.header.id(),
                height: Height(start.number),
                recent_times: start.parent_time.into_iter().chain([start.header.time]).collect(),
                anchor_time: start.anchor_time,
                weight,
            },
            last: start.header,
            before: start.before,
            weight: weight.0,
            newest: (start.newest_from, U256::ZERO),
            order: start.order,
            from_genesis: start.parent_time.is_none(),
        }
    }

    /// The same by another reading of the reader's clock.
    pub fn at_time(self, now: UnixSecs) -> Self {
        Self { now, ..self }
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub fn weight_of(&self, header: &Header) -> Weight {
        self.engine.weight(header)
    }

    /// Work of genesis.
    pub fn genesis_weight(&self) -> U256 {
        self.weight_of(&genesis::block(&self.spec).header).0
    }

    pub fn height(&self) -> u64 {
        self.end.height.0
    }

    pub fn id(&self) -> BlockId {
        self.end.id
    }

    /// The newest header.
    pub fn last(&self) -> &Header {
        &self.last
    }

    /// Work of the headers that were followed, the first one included.
    pub fn weight(&self) -> U256 {
        self.weight
    }

    /// Work of those from [`Start::newest_from`] on.
    pub fn newest_weight(&self) -> U256 {
        self.newest.1
    }

    /// Work of the newest header.
    pub fn last_weight(&self) -> U256 {
        self.engine.weight(&self.last).0
    }

    /// Work of all blocks, the newest included; `None` at 2^256 and above.
    pub fn total(&self) -> Option<U256> {
        self.before.weight().checked_add(self.last_weight())
    }

    /// What the newest header's manifest has to contain about the blocks before. Rule: docs/protocol.md#R3
    pub fn history_root(&self) -> B256 {
        self.before.root()
    }

    /// Follows one compact header and returns its length; `None` where the bytes end before it does.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<usize>, Violation> {
        let height = self.height() + 1;
        let compact = CompactHeader::decode(bytes).map_err(|error| violation_at("F2", height, error))?;
        let Some((compact, len)) = compact else {
            return Ok(None);
        };
        let parent_time = self.last.time;
        let seal = self.engine.seal_after(SealContext {
            anchor_time: self.end.anchor_time,
            parent_time,
            parent_height: self.end.height,
        });
        let header = compact
            .after(self.end.id, parent_time, seal)
            .map_err(|error| violation_at("F2", height, error))?;
        self.push(header)?;
        Ok(Some(len))
    }

    fn push(&mut self, header: Header) -> Result<(), Violation> {
        let height = self.height();
        let leaf = Node::leaf(self.end.id, &self.last, self.engine.weight(&self.last));
        // A run from the middle of a chain does not know all eleven blocks before its first ones.
        let times = self.from_genesis || self.end.recent_times.len() == MEDIAN_SPAN;
        self.end
            .extend_with(&header, &self.spec, self.now, times)
            .map_err(|error| violation_at(rule_of(&error), height + 1, error))?;
        if let Some(order) = &mut self.order {
            order
                .push(header.time, header.time)
                .map_err(|error| violation_at("F8", height + 1, error))?;
        }
        self.before
            .push(1, leaf)
            .map_err(|error| violation_at("F6", height, error))?;
        let weight = self.engine.weight(&header).0;
        self.weight = self
            .weight
            .checked_add(weight)
            .ok_or_else(|| violation("F6", LightError::WeightOverflow))?;
        let (from, newest) = &mut self.newest;
        if height + 1 >= *from {
            // A part of the sum above, which did not overflow.
            *newest = newest.saturating_add(weight);
        }
        self.last = header;
        Ok(())
    }
}

/// All headers of a chain, from genesis on: each is checked as a node checks it, and dropped. What is kept is a few kilobytes,
/// regardless of the height. Rule: docs/protocol.md#F9
#[derive(Debug, Clone)]
pub struct AllHeaders {
    genesis: BlockId,
    run: Run,
    /// The beginning of a header whose end has not come yet.
    rest: Unread,
    /// Bytes that were followed.
    bytes: u64,
    /// What was wrong with the bytes after them.
    fault: Option<LightFault>,
}

impl AllHeaders {
    /// Begins at genesis. `spec`: one that was checked, as each is that [`ChainSpec::from_toml`] or [`ChainSpec::checked`]
    /// gave; `now` by the reader's clock.
    pub fn new(spec: ChainSpec, genesis: BlockId, now: UnixSecs) -> Result<Self, LightError> {
        let first = Genesis::of(&spec, genesis)?;
        let start = Start {
            number: 0,
            header: first.header,
            anchor_time: None,
            parent_time: None,
            before: Range::default(),
            order: None,
            newest_from: u64::MAX,
        };
        Ok(Self::on(genesis, Run::new(spec, now, start)))
    }

    pub(super) fn on(genesis: BlockId, run: Run) -> Self {
        Self {
            genesis,
            run,
            rest: Unread::default(),
            bytes: 0,
            fault: None,
        }
    }

    /// Follows the headers in these bytes (F2), the first one that of the block after [`Self::height`]. The bytes may end
    /// anywhere. A fault's place is counted from the first byte that this value was given; after a fault it stays at the last
    /// header that holds, and every call returns the fault.
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

    /// Whether the bytes ended within a header.
    pub fn is_within_header(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Height of the newest header.
    pub fn height(&self) -> Height {
        Height(self.run.height())
    }

    /// Id of the newest header.
    pub fn id(&self) -> BlockId {
        self.run.id()
    }

    /// The newest header.
    pub fn header(&self) -> &Header {
        self.run.last()
    }

    /// Total work of the chain up to the newest header.
    pub fn weight(&self) -> Weight {
        Weight(self.run.weight())
    }

    /// The root over all blocks before the newest, which its manifest has to have. Rule: docs/protocol.md#R3
    pub fn history_root(&self) -> B256 {
        self.run.history_root()
    }

    /// Genesis that the headers go back to.
    pub fn genesis(&self) -> BlockId {
        self.genesis
    }

    pub(super) fn run(&self) -> &Run {
        &self.run
    }

    pub(super) fn into_run(self) -> Run {
        self.run
    }

    /// One compact header; its length, or `None` where the bytes end before it does.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Option<usize>, Violation> {
        self.run.read(bytes)
    }

    /// What is needed to go on later.
    pub fn saved(&self) -> SavedHeaders {
        let Run { end, last, before, .. } = &self.run;
        SavedHeaders {
            genesis: self.genesis,
            height: end.height,
            header: *last,
            recent_times: end.recent_times.clone(),
            anchor_time: end.anchor_time,
            peaks: before.peaks().cloned().collect(),
        }
    }

    /// Goes on where [`Self::saved`] was taken. Only its form is checked: it comes from the reader's own
    /// storage.
    pub fn resume(
        spec: ChainSpec,
        genesis: BlockId,
        now: UnixSecs,
        saved: SavedHeaders,
    ) -> Result<Self, SavedHeadersError> {
        let mut headers = Self::new(spec, genesis, now)?;
        let SavedHeaders {
            genesis: found,
            height,
            header,
            recent_times,
            anchor_time,
            peaks,
        } = saved;
        if found != genesis {
            let expected = genesis;
            return Err(LightError::OtherChain { found, expected }.into());
        }
        let times = usize::try_from(height.0).map_or(MEDIAN_SPAN, |height| MEDIAN_SPAN.min(height + 1));
        let fits = height.0 <= super::MAX_HEIGHT
            && recent_times.len() == times
            && recent_times.last() == Some(&header.time)
            && anchor_time.is_some() == (height > Height::GENESIS);
        let before = Range::from_peaks(height.0, peaks).filter(|_| fits);
        let run = &mut headers.run;
        run.before = before.ok_or(SavedHeadersError::Damaged)?;
        run.last = header;
        run.end.id = header.id();
        run.end.height = height;
        run.end.recent_times = recent_times;
        run.end.anchor_time = anchor_time;
        run.weight = run.total().ok_or(SavedHeadersError::Damaged)?;
        run.end.weight = Weight(run.weight);
        Ok(headers)
    }
}

/// How far [`AllHeaders`] came: what a browser keeps by genesis id, so that an interrupted check goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedHeaders {
    genesis: BlockId,
    height: Height,
    header: Header,
    recent_times: Vec<u32>,
    anchor_time: Option<u32>,
    peaks: Vec<Node>,
}

impl SavedHeaders {
    /// Height of the newest header that was checked.
    pub fn height(&self) -> Height {
        self.height
    }
}

/// Why saved headers cannot be gone on with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedHeadersError {
    /// They are of another chain.
    #[error(transparent)]
    Chain(#[from] LightError),
    /// Their parts do not fit each other.
    #[error("the saved headers are damaged: their parts do not fit each other")]
    Damaged,
}
