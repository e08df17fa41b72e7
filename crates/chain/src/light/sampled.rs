//! The blocks of a sample, and the nodes between them. Rules: docs/protocol.md#F4 to #F8

use alloy_primitives::{B256, U256};

use super::draws::{Plan, Weights};
use super::fault::{LightError, Violation, rule_of, rule_of_seal, violation, violation_at};
use super::headers::{Genesis, Run, Start};
use super::limits::{MAX_TAIL_BLOCKS, TAIL_BLOCKS};
use super::order::TimeOrder;
use super::range::{Range, largest_between};
use super::tail::{self, Window};
use crate::consensus::{BlockRun, Engine, SealContext};
use crate::hash::BlockId;
use crate::header::{HEADER_BYTES, Header};
use crate::header_chain;
use crate::history::Node;
use crate::manifest::{MAX_MANIFEST_BYTES, Manifest};
use crate::spec::ChainSpec;
use crate::units::{Height, UnixSecs};

/// Length of a node before and after its weight, in bytes: hash and length; times. Rule: docs/protocol.md#F6
const NODE_HASH_BYTES: usize = 33;
const NODE_TIME_BYTES: usize = 8;
/// Most bytes of a weight: 2^256 is more than any.
const MAX_WEIGHT_BYTES: usize = 32;

/// A block whose header is shown.
struct Shown {
    number: u64,
    leaf: Node,
    /// What its manifest contains about the blocks before it; none for a block that is only another's parent.
    history_root: Option<B256>,
    /// Work of all blocks before it, once they are known.
    before: U256,
}

/// Which bounds on what is not shown are checked: all of them, but in tests and in the bench of forgers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Rule: docs/protocol.md#F7
    pub weights: bool,
    /// Rule: docs/protocol.md#F8
    pub times: bool,
}

impl Bounds {
    /// Both.
    pub const ALL: Self = Self {
        weights: true,
        times: true,
    };
}

/// Reads records, then nodes, until the tail begins.
pub(super) struct Sample {
    spec: ChainSpec,
    engine: Engine,
    now: UnixSecs,
    genesis: Genesis,
    bounds: Bounds,
    /// Height of the tip.
    height: u64,
    /// Number of the first block of the tail: that of the last record, once it is there.
    tail: u64,
    records_left: u64,
    /// Number and header of the record before.
    record: Option<(u64, Header)>,
    /// Time of block 1, in Unix seconds.
    anchor_time: u32,
    shown: Vec<Shown>,
    /// How many of them are in the range.
    passed: usize,
    range: Range,
    order: TimeOrder,
    /// Earliest and latest time of what stands left of the next node, in Unix seconds.
    left: (u32, u32),
    nodes: u64,
    /// Nodes that are still to come, once all records are there: counted then, and not for each answer about it.
    nodes_left: u64,
    records: u64,
    headers: u64,
}

impl Sample {
    /// Of a chain with a tip of this height. `records`: how many a proof has, of at most `max`.
    pub fn new(
        spec: ChainSpec,
        now: UnixSecs,
        genesis: Genesis,
        height: u64,
        (records, max): (u64, u64),
        bounds: Bounds,
    ) -> Result<Self, Violation> {
        let min = 2;
        if !(min..=max).contains(&records) {
            let error = LightError::RecordCount {
                count: records,
                min,
                max,
            };
            return Err(violation("F5", error));
        }
        let engine = spec.engine();
        let first = Node::leaf(genesis.id, &genesis.header, engine.weight(&genesis.header));
        Ok(Self {
            now,
            bounds,
            height,
            tail: height,
            records_left: records,
            record: None,
            anchor_time: genesis.header.time,
            shown: vec![Shown {
                number: 0,
                leaf: first,
                history_root: None,
                before: U256::ZERO,
            }],
            passed: 0,
            range: Range::default(),
            order: TimeOrder::new(engine.time_slack()),
            left: (genesis.header.time, genesis.header.time),
            nodes: 0,
            nodes_left: 0,
            records: 0,
            headers: 0,
            genesis,
            engine,
            spec,
        })
    }

    pub fn records(&self) -> u64 {
        self.records
    }

    pub fn nodes(&self) -> u64 {
        self.nodes
    }

    /// Headers whose seal was checked so far.
    pub fn headers(&self) -> u64 {
        self.headers
    }

    pub fn has_all_records(&self) -> bool {
        self.records_left == 0
    }

    /// Nodes that are still to come, once all records are there.
    pub fn nodes_left(&self) -> u64 {
        self.nodes_left
    }

    /// Nodes between the blocks that are shown, from genesis on.
    fn count_nodes(&self) -> u64 {
        let (mut count, mut from) = (0, 0);
        for shown in &self.shown {
            while from < shown.number {
                from += largest_between(from, shown.number);
                count += 1;
            }
            from += 1;
        }
        count
    }

    /// Reads one record and returns its length; `None` where the bytes end before it does.
    pub fn read_record(&mut self, bytes: &[u8]) -> Result<Option<usize>, Violation> {
        let Some((manifest, rest)) = read_manifest(bytes)? else {
            return Ok(None);
        };
        let Some((header, rest)) = read_header(rest) else {
            return Ok(None);
        };
        let number = manifest.number.0;
        let parent = match self.record {
            None => Some((self.genesis.header, rest)),
            Some((last, header)) if last + 1 == number => Some((header, rest)),
            Some(_) => read_header(rest),
        };
        let Some((parent, rest)) = parent else { return Ok(None) };
        self.check_number(number)?;
        if self.records_left == 1 {
            self.tail = number;
        }
        self.check_record(number, &manifest, &header, &parent)?;
        if self.shown.last().is_none_or(|last| last.number != number - 1) {
            // Its own seal holds; how much work that had to be is bounded by F7, once it is in its place.
            self.check_alone(number - 1, &parent)?;
            self.show(number - 1, &parent, None);
        }
        self.show(number, &header, Some(manifest.history_root));
        self.record = Some((number, header));
        self.records += 1;
        self.records_left -= 1;
        if self.has_all_records() {
            self.nodes_left = self.count_nodes();
        }
        Ok(Some(bytes.len() - rest.len()))
    }

    /// Records ascend, from block 1 to the first one of the tail. Rules: docs/protocol.md#F4, #F5
    fn check_number(&self, found: u64) -> Result<(), Violation> {
        let next = self.record.map_or(1, |(last, _)| last + 1);
        let newest = self.height + 1 - TAIL_BLOCKS;
        let (first, last) = match (self.records_left, self.record) {
            (_, None) => (1, 1),
            (1, _) => (next.max(self.height + 1 - MAX_TAIL_BLOCKS), newest),
            _ => (next, newest - 1),
        };
        if !(first..=last).contains(&found) {
            return Err(violation("F5", LightError::RecordOrder { found, first, last }));
        }
        let blocks = self.height + 1 - found;
        if self.records_left == 1 && !tail::is_length(blocks) {
            let (min, max) = (TAIL_BLOCKS, MAX_TAIL_BLOCKS);
            return Err(violation("F4", LightError::TailLength { blocks, min, max }));
        }
        Ok(())
    }

    /// Rules: docs/protocol.md#M1, #H2, #H3 to #H5, #B4, #D1
    fn check_record(
        &mut self,
        number: u64,
        manifest: &Manifest,
        header: &Header,
        parent: &Header,
    ) -> Result<(), Violation> {
        let (found, expected) = (header.manifest_root, manifest.root());
        if found != expected {
            return Err(violation_at(
                "M1",
                number,
                LightError::WrongManifestRoot { found, expected },
            ));
        }
        let (found, expected) = (header.parent, parent.id());
        if found != expected {
            return Err(violation_at("H2", number, LightError::WrongParent { found, expected }));
        }
        self.check_alone(number, header)?;
        let context = SealContext {
            anchor_time: (number > 1).then_some(self.anchor_time),
            parent_time: parent.time,
            parent_height: Height(number - 1),
        };
        let seal = |error| violation_at(rule_of_seal(&error), number, error);
        self.engine.check_next_seal(header, context).map_err(seal)?;
        self.engine.check_manifest(manifest).map_err(seal)?;
        if number == 1 {
            self.anchor_time = header.time;
        }
        Ok(())
    }

    fn check_alone(&mut self, number: u64, header: &Header) -> Result<(), Violation> {
        header_chain::check_alone(header, &self.spec, self.now)
            .map_err(|error| violation_at(rule_of(&error), number, error))?;
        self.headers += 1;
        Ok(())
    }

    fn show(&mut self, number: u64, header: &Header, history_root: Option<B256>) {
        self.shown.push(Shown {
            number,
            leaf: Node::leaf(header.id(), header, self.engine.weight(header)),
            history_root,
            before: U256::ZERO,
        });
    }

    /// Puts the blocks that are shown into the range, as far as nothing is missing before them, and the first one of the tail
    /// not at all: it is what headers are followed from. Returns whether that is reached.
    pub fn advance(&mut self) -> Result<bool, Violation> {
        loop {
            let from = self.range.blocks();
            let next = &mut self.shown[self.passed];
            if from < next.number {
                return Ok(false);
            }
            next.before = self.range.weight();
            if let Some(found) = next.history_root {
                let expected = self.range.root();
                if found != expected {
                    return Err(violation_at(
                        "F6",
                        from,
                        LightError::WrongHistoryRoot { found, expected },
                    ));
                }
            }
            if from == self.tail {
                return Ok(true);
            }
            // The work of a record is what D1 gives, exactly. That of a mere parent is bounded by what stands left of it.
            let (leaf, exact) = (next.leaf.clone(), next.history_root.is_some() || from == 0);
            self.passed += 1;
            self.push(1, leaf, exact)?;
        }
    }

    /// Reads one node and returns its length; `None` where the bytes end before it does.
    pub fn read_node(&mut self, bytes: &[u8]) -> Result<Option<usize>, Violation> {
        let Some((node, len)) = read_node(bytes)? else {
            return Ok(None);
        };
        let size = largest_between(self.range.blocks(), self.shown[self.passed].number);
        self.push(size, node, false)?;
        self.nodes += 1;
        self.nodes_left -= 1;
        Ok(Some(len))
    }

    fn push(&mut self, size: u64, node: Node, exact: bool) -> Result<(), Violation> {
        let first = self.range.blocks();
        let (earliest, latest) = (node.min_time, node.max_time);
        if self.bounds.times {
            self.order
                .push(earliest, latest)
                .map_err(|error| violation_at("F8", first, error))?;
        }
        if self.bounds.weights && !exact {
            self.check_weight(first, size, &node)?;
        }
        self.left = (earliest, latest);
        self.range
            .push(size, node)
            .map_err(|error| violation_at("F6", first, error))
    }

    /// The parent of the first block is the last one to the left, those of the others are under the node itself.
    /// Rule: docs/protocol.md#F7
    fn check_weight(&self, first: u64, size: u64, node: &Node) -> Result<(), Violation> {
        let own = BlockRun {
            first,
            count: 1,
            earliest: self.left.0,
            latest: self.left.1,
        };
        let others = BlockRun {
            first: first + 1,
            count: size - 1,
            earliest: node.min_time,
            latest: node.max_time,
        };
        let of = |blocks| self.engine.weight_bounds(self.anchor_time, blocks);
        let bounds = of(own).plus(of(others));
        let (last, weight) = (first + size - 1, node.weight);
        let (least, most) = (bounds.least, bounds.most);
        let error = if weight < least {
            LightError::TooLittleWork {
                first,
                last,
                weight,
                least,
            }
        } else if weight > most {
            LightError::TooMuchWork {
                first,
                last,
                weight,
                most,
            }
        } else {
            return Ok(());
        };
        Err(violation_at("F7", first, error))
    }

    /// How many blocks the tail has, once all records are there.
    pub fn tail_blocks(&self) -> u64 {
        self.height + 1 - self.tail
    }

    /// The tail, from its first block on.
    pub fn tail(&self) -> Result<Run, Violation> {
        let [.., parent, first] = &self.shown[..] else {
            unreachable!("the last record shows its block and that one's parent");
        };
        let (number, header) = self.record.expect("all records are there");
        debug_assert_eq!(number, first.number);
        // It is not in the range yet, and neither is its time.
        let mut order = self.order;
        if self.bounds.times {
            order
                .push(header.time, header.time)
                .map_err(|error| violation_at("F8", number, error))?;
        }
        let start = Start {
            number,
            header,
            anchor_time: Some(self.anchor_time),
            parent_time: Some(parent.leaf.max_time),
            before: self.range.clone(),
            order: self.bounds.times.then_some(order),
            newest_from: self.height + 1 - self.tail_blocks() / 2,
        };
        Ok(Run::new(self.spec.clone(), self.now, start))
    }

    /// The windows that are longer than the tail, ascending, that of all blocks the last one. `total`: weight of all blocks.
    /// Rule: docs/protocol.md#F4
    pub fn windows(&self, total: U256) -> Result<Vec<Window>, Violation> {
        let longer = tail::lengths(self.height).filter(|blocks| *blocks > self.tail_blocks());
        let windows = longer.map(|blocks| {
            let number = self.height + 1 - blocks;
            let record = self.record_of(number);
            let shown = record.ok_or_else(|| violation("F5", LightError::WindowNotShown { number }))?;
            let weight = total.saturating_sub(shown.before);
            Ok(Window { blocks, weight })
        });
        let all = Window {
            blocks: self.height + 1,
            weight: total,
        };
        windows.chain([Ok(all)]).collect()
    }

    fn record_of(&self, number: u64) -> Option<&Shown> {
        let at = self.shown.binary_search_by_key(&number, |shown| shown.number).ok()?;
        Some(&self.shown[at]).filter(|shown| shown.history_root.is_some())
    }

    /// Whether a window begins with this block, or the tail.
    fn begins_window(&self, number: u64) -> bool {
        tail::lengths(self.height).any(|blocks| self.height + 1 - blocks == number)
    }

    /// Checks that the records are those of the blocks that the tip draws, no more and no fewer, and returns how many places
    /// were drawn. Rule: docs/protocol.md#F5
    pub fn check_draws(&self, tip: BlockId, weights: Weights) -> Result<u64, Violation> {
        let plan = Plan::of(weights).map_err(|error| violation("F1", error))?;
        let mut drawn = vec![false; self.shown.len()];
        for place in plan.places(tip) {
            let after = self.shown.partition_point(|shown| shown.before <= place);
            let hit = after
                .checked_sub(1)
                .filter(|at| place - self.shown[*at].before < self.shown[*at].leaf.weight)
                // Genesis is known and needs no record.
                .filter(|at| self.shown[*at].history_root.is_some() || *at == 0);
            let at = hit.ok_or_else(|| violation("F5", LightError::NotShown { place }))?;
            drawn[at] = true;
        }
        for (shown, drawn) in self.shown.iter().zip(drawn) {
            let number = shown.number;
            let always = number <= 1 || self.begins_window(number) || shown.history_root.is_none();
            if !drawn && !always {
                return Err(violation("F5", LightError::NotDrawn { number }));
            }
        }
        Ok(plan.draws())
    }
}

/// A manifest after its length, and what follows.
pub(super) fn read_manifest(bytes: &[u8]) -> Result<Option<(Manifest, &[u8])>, Violation> {
    let Some((len, rest)) = bytes.split_first_chunk::<2>() else {
        return Ok(None);
    };
    let (len, max) = (usize::from(u16::from_be_bytes(*len)), MAX_MANIFEST_BYTES);
    if len > max {
        return Err(violation("L5", LightError::LongManifest { len, max }));
    }
    let Some((manifest, rest)) = rest.split_at_checked(len) else {
        return Ok(None);
    };
    let manifest = Manifest::decode(manifest).map_err(|error| violation("M1", error))?;
    Ok(Some((manifest, rest)))
}

fn read_header(bytes: &[u8]) -> Option<(Header, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    Some((Header::decode(header), rest))
}

/// A node and its length. Rule: docs/protocol.md#F6
fn read_node(bytes: &[u8]) -> Result<Option<(Node, usize)>, Violation> {
    let Some((start, rest)) = bytes.split_first_chunk::<NODE_HASH_BYTES>() else {
        return Ok(None);
    };
    let (len, max) = (usize::from(start[32]), MAX_WEIGHT_BYTES);
    if len > max {
        return Err(violation("F6", LightError::LongWeight { len, max }));
    }
    let Some((weight, rest)) = rest.split_at_checked(len) else {
        return Ok(None);
    };
    let Some((times, rest)) = rest.split_first_chunk::<NODE_TIME_BYTES>() else {
        return Ok(None);
    };
    if weight.first() == Some(&0) {
        return Err(violation("F6", LightError::PaddedWeight));
    }
    let [a, b, c, d, e, f, g, h] = *times;
    let (earliest, latest) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    if earliest > latest {
        return Err(violation("F6", LightError::NodeTimes { earliest, latest }));
    }
    let node = Node {
        hash: B256::from_slice(&start[..32]),
        weight: U256::from_be_slice(weight),
        min_time: earliest,
        max_time: latest,
    };
    Ok(Some((node, bytes.len() - rest.len())))
}

/// Rule: docs/protocol.md#F6
pub(super) fn write_node(node: &Node, out: &mut Vec<u8>) {
    let weight = node.weight.to_be_bytes_trimmed_vec();
    out.extend_from_slice(node.hash.as_slice());
    out.push(u8::try_from(weight.len()).expect("a number of 256 bits has 32 bytes at most"));
    out.extend_from_slice(&weight);
    out.extend_from_slice(&node.min_time.to_be_bytes());
    out.extend_from_slice(&node.max_time.to_be_bytes());
}
