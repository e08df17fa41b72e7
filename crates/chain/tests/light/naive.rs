//! A verifier that was written from the rules alone: slow and simple, and it shares no code with `tally_chain::light`.
//! Rules: docs/protocol.md#F1 to #F9

#![allow(
    dead_code,
    reason = "every test binary includes this module and uses its own part of it"
)]

mod work;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{U256, U512};
use tally_chain::hash::{sha256, sha256d};
use tally_chain::{B256, BlockId, ChainSpec, Header, Manifest, UnixSecs, genesis};
use work::{Work, bits_of, target_of, work};

/// What a proof comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    pub tip: BlockId,
    pub weight: U256,
}

/// The rule that does not hold.
type Rejected = &'static str;

fn ensure(holds: bool, rule: Rejected) -> Result<(), Rejected> {
    if holds { Ok(()) } else { Err(rule) }
}

/// The history root of each record, by its number.
type Records = BTreeMap<u64, B256>;
/// All headers that are shown, by their numbers.
type Headers = BTreeMap<u64, Header>;

/// Takes bytes from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Rejected> {
        ensure(self.0.len() >= count, "F3")?;
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        Ok(taken)
    }

    fn big_endian(&mut self, count: usize) -> Result<u64, Rejected> {
        let bytes = self.take(count)?;
        Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn header(&mut self) -> Result<Header, Rejected> {
        Ok(Header::decode(self.take(80)?.try_into().unwrap()))
    }

    fn manifest(&mut self) -> Result<Manifest, Rejected> {
        let len = self.big_endian(2)? as usize;
        ensure(len <= 512, "L5")?;
        Manifest::decode(self.take(len)?).map_err(|_| "M1")
    }
}

/// H3, H4, H5, B4
fn check_alone(header: &Header, work: &Work, now: UnixSecs) -> Result<(), Rejected> {
    let target = target_of(header.bits);
    ensure(header.version == 1, "H3")?;
    ensure(
        !target.is_zero() && header.bits & 0x80_0000 == 0 && bits_of(target) == header.bits,
        "H4",
    )?;
    ensure(target <= work.limit, "H4")?;
    ensure(U256::from_le_bytes(sha256d(&header.encode()).0) <= target, "H5")?;
    ensure(u64::from(header.time) <= now.0 + 12 * work.spacing as u64, "B4")
}

#[derive(Clone, Copy)]
struct Node {
    hash: B256,
    weight: U256,
    min: u32,
    max: u32,
}

fn leaf(header: &Header) -> Node {
    Node {
        hash: header.id().0,
        weight: work(header.bits),
        min: header.time,
        max: header.time,
    }
}

fn encoded(node: &Node) -> Vec<u8> {
    let mut out = node.hash.to_vec();
    out.extend(node.weight.to_be_bytes::<32>());
    out.extend(node.min.to_be_bytes());
    out.extend(node.max.to_be_bytes());
    out
}

fn parent(left: &Node, right: &Node) -> Result<Node, Rejected> {
    Ok(Node {
        hash: sha256(&[b"tally/history", &encoded(left), &encoded(right)]),
        weight: left.weight.checked_add(right.weight).ok_or("F6")?,
        min: left.min.min(right.min),
        max: left.max.max(right.max),
    })
}

/// R3, from the parts of a history: nodes by the block at which they begin, with the number of their blocks.
fn root(parts: &BTreeMap<u64, (u64, Node)>, blocks: u64) -> Result<B256, Rejected> {
    let mut first = 0;
    let mut peaks = Vec::new();
    while first < blocks {
        let size = 1 << (blocks - first).ilog2();
        peaks.push(node_over(parts, first, size)?);
        first += size;
    }
    let Some(mut bag) = peaks.pop() else {
        return Ok(B256::ZERO);
    };
    while let Some(peak) = peaks.pop() {
        bag = parent(&bag, &peak)?;
    }
    Ok(sha256(&[b"tally/history-root", &blocks.to_be_bytes(), &encoded(&bag)]))
}

fn node_over(parts: &BTreeMap<u64, (u64, Node)>, first: u64, size: u64) -> Result<Node, Rejected> {
    match parts.get(&first) {
        Some((found, node)) if *found == size => Ok(*node),
        _ if size == 1 => Err("F6"),
        _ => {
            let half = size / 2;
            parent(&node_over(parts, first, half)?, &node_over(parts, first + half, half)?)
        }
    }
}

/// F2: the next header after `last`, which has this number.
fn compact(bytes: &mut Bytes<'_>, work: &Work, anchor: u32, number: u64, last: &Header) -> Result<Header, Rejected> {
    let manifest_root = B256::from_slice(bytes.take(32)?);
    let nonce = u32::from_le_bytes(bytes.take(4)?.try_into().unwrap());
    let (mut folded, mut place) = (0u64, 0);
    loop {
        let byte = bytes.take(1)?[0];
        folded |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            ensure(byte != 0 || place == 0, "F2")?;
            break;
        }
        place += 1;
        ensure(place < 5, "F2")?;
    }
    let change = if folded % 2 == 0 {
        (folded / 2) as i64
    } else {
        -((folded / 2) as i64) - 1
    };
    Ok(Header {
        version: 1,
        parent: last.id(),
        manifest_root,
        time: u32::try_from(i64::from(last.time) + change).map_err(|_| "F2")?,
        bits: work.bits(anchor, number, last.time),
        nonce,
    })
}

/// Verifies a whole proof.
pub fn verify(spec: &ChainSpec, now: UnixSecs, proof: &[u8]) -> Result<Accepted, Rejected> {
    let (work, genesis) = (Work::of(spec), genesis::block(spec).header);
    let mut bytes = Bytes(proof);
    ensure(bytes.take(8)? == b"tlylight" && bytes.take(1)? == [1], "F3")?;
    let kind = bytes.take(1)?[0];
    ensure(bytes.take(32)? == genesis.id().as_bytes(), "F3")?;
    let tip = BlockId(B256::from_slice(bytes.take(32)?));
    let manifest = bytes.manifest()?;
    ensure(manifest.seal.is_empty(), "M2")?;
    let height = manifest.number.0;
    let mut chain = Read {
        bytes,
        work,
        now,
        genesis,
        height,
        anchor: 0,
        parts: BTreeMap::from([(0, (1, leaf(&genesis)))]),
        times: 0,
    };
    let (last, weight) = match kind {
        1 => chain.all_headers()?,
        2 => chain.sampled(tip)?,
        _ => return Err("F3"),
    };
    ensure(chain.bytes.0.is_empty(), "F3")?;
    ensure(last.id() == tip, "F3")?;
    ensure(last.manifest_root == sha256d(&manifest.encode()), "M1")?;
    ensure(manifest.history_root == root(&chain.parts, height)?, "R3")?;
    Ok(Accepted { tip, weight })
}

struct Read<'a> {
    bytes: Bytes<'a>,
    work: Work,
    now: UnixSecs,
    genesis: Header,
    height: u64,
    anchor: u32,
    parts: BTreeMap<u64, (u64, Node)>,
    /// The latest time so far. F8
    times: u32,
}

impl Read<'_> {
    fn all_headers(&mut self) -> Result<(Header, U256), Rejected> {
        let (mut all, mut weight) = (vec![self.genesis], work(self.genesis.bits));
        for number in 1..=self.height {
            let header = self.follow(&all, number)?;
            weight += work(header.bits);
            if number < self.height {
                self.parts.insert(number, (1, leaf(&header)));
            }
            all.push(header);
        }
        Ok((all[all.len() - 1], weight))
    }

    /// The next header, by the last ones in a row: of these, as many as are there for the median.
    fn follow(&mut self, before: &[Header], number: u64) -> Result<Header, Rejected> {
        let last = &before[before.len() - 1];
        let header = compact(&mut self.bytes, &self.work, self.anchor, number, last)?;
        check_alone(&header, &self.work, self.now)?;
        if before.len() >= 11 || before.len() as u64 == number {
            let mut times: Vec<u32> = before[before.len().saturating_sub(11)..]
                .iter()
                .map(|h| h.time)
                .collect();
            times.sort_unstable();
            ensure(header.time > times[times.len() / 2], "B3")?;
        }
        if number == 1 {
            self.anchor = header.time;
        }
        Ok(header)
    }

    fn sampled(&mut self, tip: BlockId) -> Result<(Header, U256), Rejected> {
        ensure(
            self.height > 10_000 && self.height <= 1 << 40 && self.work.half_life >= 200 * self.work.spacing,
            "F1",
        )?;
        let (records, headers) = self.records()?;
        let tail = *records.keys().last().unwrap();
        self.cover(&records, &headers, tail)?;
        let mut row = vec![headers[&(tail - 1)], headers[&tail]];
        self.in_order(&leaf(&row[1]))?;
        for number in tail + 1..=self.height {
            let header = self.follow(&row, number)?;
            self.in_order(&leaf(&header))?;
            self.parts.insert(number - 1, (1, leaf(&row[row.len() - 1])));
            row.push(header);
        }
        let last = row[row.len() - 1];
        let tail_weight: U256 = row[1..].iter().fold(U256::ZERO, |sum, header| sum + work(header.bits));
        let before = self
            .parts
            .values()
            .try_fold(U256::ZERO, |sum, (_, node)| sum.checked_add(node.weight));
        let total = before.and_then(|sum| sum.checked_add(work(last.bits))).ok_or("F6")?;
        // Draws mean something only where the tip commits to these weights: `verify` compares the root, whatever comes first.
        let length = self.height + 1 - tail;
        let windows = self.windows(total, length)?;
        check_tail(&windows, length, work(last.bits))?;
        let mut expected = self.drawn(tip, total, tail_weight, work(last.bits))?;
        let shown = windows
            .iter()
            .filter(|(blocks, _)| (length..=self.height).contains(blocks));
        expected.extend(shown.map(|(blocks, _)| self.height - blocks + 1));
        ensure(expected.iter().eq(records.keys()), "F5")?;
        Ok((last, total))
    }

    /// F4: the windows with their weights; where those longer than the tail begin, a block has to be shown.
    fn windows(&self, total: U256, tail: u64) -> Result<Vec<(u64, U256)>, Rejected> {
        let mut windows = Vec::new();
        let mut blocks = 200;
        while blocks <= self.height {
            let first = self.height - blocks + 1;
            ensure(blocks <= tail || self.parts.contains_key(&first), "F5")?;
            let before = self.parts.range(..first);
            let before = before.fold(U256::ZERO, |sum, (_, (_, node))| sum + node.weight);
            windows.push((blocks, total - before));
            blocks *= 2;
        }
        windows.push((self.height + 1, total));
        Ok(windows)
    }

    /// F5: what the worst weights that F4 and F5 accept require.
    fn most_records(&self) -> u64 {
        let blocks = self.height + 1;
        let shells = (1..64).find(|shells| 200u64 << shells >= blocks).unwrap();
        let tries = (0..64).find(|tries| 1u64 << tries >= 16 * blocks).unwrap();
        let windows = (0..34).filter(|doubled| 200u64 << doubled <= self.height).count() as u64;
        let draws: u64 = shells * (50u64 + tries).div_ceil(2);
        1 + draws.min(4_096) + windows
    }

    /// F5: the records with the history root of each, and all headers that are shown.
    fn records(&mut self) -> Result<(Records, Headers), Rejected> {
        let mut records = BTreeMap::new();
        let mut headers = BTreeMap::from([(0, self.genesis)]);
        let count = self.bytes.big_endian(4)?;
        ensure(count >= 2 && count <= self.most_records(), "F5")?;
        let mut last = 0;
        for place in 0..count {
            let manifest = self.bytes.manifest()?;
            let header = self.bytes.header()?;
            let number = manifest.number.0;
            let parent = match number == last + 1 || place == 0 {
                true => headers[&last],
                false => self.bytes.header()?,
            };
            ensure(number > last && number <= self.height, "F5")?;
            ensure((number == 1) == (place == 0), "F5")?;
            if place == count - 1 {
                let lengths = [200, 400, 800, 1_600, 3_200, 6_400];
                ensure(lengths.contains(&(self.height + 1 - number)), "F4")?;
            }
            ensure(header.manifest_root == sha256d(&manifest.encode()), "M1")?;
            ensure(manifest.seal.is_empty(), "M2")?;
            ensure(header.parent == parent.id(), "H2")?;
            check_alone(&header, &self.work, self.now)?;
            ensure(header.bits == self.work.bits(self.anchor, number, parent.time), "D1")?;
            if number > 1 {
                check_alone(&parent, &self.work, self.now)?;
            } else {
                self.anchor = header.time;
            }
            headers.insert(number - 1, parent);
            headers.insert(number, header);
            records.insert(number, manifest.history_root);
            last = number;
        }
        Ok((records, headers))
    }

    /// F6, F7, F8
    fn cover(&mut self, records: &Records, headers: &Headers, tail: u64) -> Result<(), Rejected> {
        let mut left = leaf(&self.genesis);
        let mut first = 0;
        while first < tail {
            let (size, node) = match headers.get(&first) {
                Some(header) => {
                    if let Some(expected) = records.get(&first) {
                        ensure(root(&self.parts, first)? == *expected, "F6")?;
                    }
                    (1, leaf(header))
                }
                None => {
                    let next = *headers.range(first..).next().unwrap().0;
                    // The largest power of two that divides `first` and leads no further than the next header.
                    let sizes = (0..64).map(|power| 1u64 << power);
                    let size = sizes
                        .rev()
                        .find(|size| first % size == 0 && *size <= next - first)
                        .unwrap();
                    (size, self.node()?)
                }
            };
            self.in_order(&node)?;
            if !records.contains_key(&first) && first > 1 {
                let own = self.work.bounds(self.anchor, first, 1, left.min, left.max);
                let others = self.work.bounds(self.anchor, first + 1, size - 1, node.min, node.max);
                ensure(node.weight >= own.0 + others.0, "F7")?;
                ensure(node.weight <= own.1.saturating_add(others.1), "F7")?;
            }
            self.parts.insert(first, (size, node));
            left = node;
            first += size;
        }
        ensure(root(&self.parts, tail)? == records[&tail], "F6")
    }

    fn node(&mut self) -> Result<Node, Rejected> {
        let hash = B256::from_slice(self.bytes.take(32)?);
        let len = self.bytes.big_endian(1)? as usize;
        ensure(len <= 32, "F6")?;
        let weight = self.bytes.take(len)?;
        ensure(weight.first() != Some(&0), "F6")?;
        let weight = U256::from_be_slice(weight);
        let (min, max) = (self.bytes.big_endian(4)? as u32, self.bytes.big_endian(4)? as u32);
        ensure(min <= max, "F6")?;
        Ok(Node { hash, weight, min, max })
    }

    fn in_order(&mut self, node: &Node) -> Result<(), Rejected> {
        ensure(
            i128::from(node.min) + self.work.half_life / 4 >= i128::from(self.times),
            "F8",
        )?;
        self.times = self.times.max(node.max);
        Ok(())
    }

    /// F5
    fn drawn(&self, tip: BlockId, total: U256, tail: U256, tip_weight: U256) -> Result<BTreeSet<u64>, Rejected> {
        let Draws {
            shells,
            per_shell,
            places,
        } = draw(tip, total, tail, tip_weight)?;
        ensure(shells * per_shell <= 4_096, "F1")?;
        let mut drawn = BTreeSet::from([1]);
        for place in places {
            drawn.insert(self.block_at(place)?);
        }
        drawn.remove(&0);
        Ok(drawn)
    }

    fn block_at(&self, place: U256) -> Result<u64, Rejected> {
        let mut before = U256::ZERO;
        for (first, (size, node)) in &self.parts {
            if place - before < node.weight {
                return if *size == 1 { Ok(*first) } else { Err("F5") };
            }
            before += node.weight;
        }
        Err("F5")
    }
}

/// F4, F5: whether the tail, which is one of the windows, has the length that is due, and the tip has enough work.
fn check_tail(windows: &[(u64, U256)], length: u64, tip: U256) -> Result<(), Rejected> {
    let product = |weight: U256, blocks: u64| U512::from(weight) * U512::from(blocks);
    let suffices = |tail: U256| {
        let mut each = windows.iter();
        each.all(|(blocks, weight)| product(tail, *blocks) >= product(*weight, 200))
    };
    let shortest = windows.iter().find(|(_, weight)| suffices(*weight)).ok_or("F4")?;
    ensure(shortest.0 == length, "F4")?;
    for (blocks, weight) in windows.iter().filter(|(blocks, _)| *blocks >= length) {
        ensure(product(tip, 16 * blocks) >= U512::from(*weight), "F1")?;
    }
    Ok(())
}

/// What a tip draws.
pub struct Draws {
    pub shells: u32,
    pub per_shell: u32,
    pub places: BTreeSet<U256>,
}

/// F5
pub fn draw(tip: BlockId, total: U256, tail: U256, tip_weight: U256) -> Result<Draws, Rejected> {
    ensure(total.bit_len() <= 192, "F1")?;
    let mut shells = 1u32;
    while total >> shells as usize > tail {
        shells += 1;
    }
    let mut tries = 0u32;
    while tip_weight << (tries as usize) < total {
        tries += 1;
    }
    let per_shell = (50 + tries).div_ceil(2);
    let mut places = BTreeSet::new();
    for shell in 0..shells {
        for draw in 0..per_shell {
            let hash = sha256(&[
                b"tally/light-draw",
                tip.as_bytes(),
                &shell.to_be_bytes(),
                &draw.to_be_bytes(),
            ]);
            let (outer, inner) = (total >> shell as usize, total >> (shell as usize + 1));
            let from_end = inner + U256::from_be_bytes(hash.0) % (outer - inner);
            if from_end >= tail {
                places.insert(total - U256::from(1) - from_end);
            }
        }
    }
    Ok(Draws {
        shells,
        per_shell,
        places,
    })
}

/// F7, for vectors.
pub fn bounds(spec: &ChainSpec, anchor: u32, first: u64, count: u64, times: (u32, u32)) -> (U256, U256) {
    Work::of(spec).bounds(anchor, first, count, times.0, times.1)
}
