//! What readers see of the pool: figures and an order that were taken from it in parts, and are looked at beside it. No
//! reader holds the pool's lock for longer than a part takes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tally_chain::{Address, TxId, UnixSecs};

use super::fees::{self, FeeBucket, FeeLevels};
use super::sender::tip;
use super::{Mempool, Pooled};

/// What a view takes of one transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    id: TxId,
    sender: Address,
    nonce: u64,
    sequence: u64,
    /// Whether a block could take it after those before it.
    pending: bool,
    /// Whether a block of this time and base fee may include it. Rules: docs/protocol.md#T7, #T8
    includable: bool,
    /// What the producer earns, base units per gas.
    tip: Option<u128>,
    /// Of the envelope.
    bytes: usize,
    gas: u64,
}

impl Line {
    fn of(pooled: &Pooled, base_fee: u128, time: UnixSecs) -> Self {
        let transaction = pooled.transaction();
        let view = transaction.view();
        Self {
            id: transaction.id(),
            sender: transaction.sender(),
            nonce: view.nonce,
            sequence: pooled.sequence,
            pending: pooled.is_pending(),
            includable: transaction.check_includable(time, base_fee).is_ok(),
            tip: tip(&view, base_fee),
            bytes: transaction.envelope().len(),
            gas: view.gas_limit,
        }
    }
}

impl Mempool {
    /// The next part of the pool, from the first transaction behind this place on: at most `most` lines, as a block of this base
    /// fee and time sees them.
    pub(crate) fn lines(
        &self,
        after: Option<(Address, u64)>,
        most: usize,
        base_fee: u128,
        time: UnixSecs,
    ) -> Vec<Line> {
        let part = self.entries_after(after).take(most);
        part.map(|pooled| Line::of(pooled, base_fee, time)).collect()
    }
}

/// All lines, in parts of `most`: `read` gives the part behind a place. What enters or leaves the pool between two parts is
/// seen or not.
pub(crate) fn gather(most: usize, mut read: impl FnMut(Option<(Address, u64)>) -> Vec<Line>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    loop {
        let part = read(lines.last().map(|line| (line.sender, line.nonce)));
        let ended = part.len() < most;
        lines.extend(part);
        if ended {
            return lines;
        }
    }
}

/// The pool as it was a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolView {
    /// Those that a block would take, the best first; then the rest, by sender and nonce.
    order: Vec<TxId>,
    /// How many of these a block would take.
    best: usize,
    pending: usize,
    bytes: usize,
    levels: FeeLevels,
    buckets: Vec<FeeBucket>,
}

impl PoolView {
    /// From lines by sender and nonce; `least` is what fee levels name at least, base units per gas.
    pub(crate) fn of(lines: &[Line], least: u128) -> Self {
        let (order, best) = order(lines);
        let pending = || lines.iter().filter(|line| line.pending);
        let offers = pending().filter_map(|line| Some((line.tip?, line.bytes, line.gas)));
        Self {
            order,
            best,
            pending: pending().count(),
            bytes: lines.iter().map(|line| line.bytes).sum(),
            levels: fees::levels(pending().filter_map(|line| line.tip).collect(), least),
            buckets: fees::buckets(offers),
        }
    }

    /// Transactions in the pool.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there was no transaction.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Transactions that a block could take, the base fee aside.
    pub fn pending_len(&self) -> usize {
        self.pending
    }

    /// Envelope bytes in the pool.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// A page of all: first those that a block would take, as [`Mempool::best`] orders them, then the rest by sender and nonce.
    pub fn page(&self, skip: usize, most: usize) -> &[TxId] {
        part(&self.order, skip, most)
    }

    /// A page of those that a block would take, as [`Mempool::best`] orders them.
    pub fn best(&self, skip: usize, most: usize) -> &[TxId] {
        part(&self.order[..self.best], skip, most)
    }

    /// What pays more than a tenth, half and nine tenths of the pending transactions; never below `suggested_priority_fee` of
    /// the pool's configuration.
    pub fn fee_levels(&self) -> FeeLevels {
        self.levels
    }

    /// Pending transactions by tip, in ascending buckets that double in width; empty ones are left out.
    pub fn fee_histogram(&self) -> &[FeeBucket] {
        &self.buckets
    }
}

fn part(ids: &[TxId], skip: usize, most: usize) -> &[TxId] {
    let rest = ids.get(skip..).unwrap_or_default();
    &rest[..rest.len().min(most)]
}

/// All ids, those that a block would take first, and how many these are.
fn order(lines: &[Line]) -> (Vec<TxId>, usize) {
    let is_first = |at: usize| at == 0 || lines[at - 1].sender != lines[at].sender;
    let firsts = (0..lines.len()).filter(|at| is_first(*at));
    let mut heads: BinaryHeap<_> = firsts.filter_map(|at| head(lines, at)).collect();
    let mut taken = vec![false; lines.len()];
    let mut order = Vec::with_capacity(lines.len());
    while let Some((_, _, at)) = heads.pop() {
        taken[at] = true;
        order.push(lines[at].id);
        let next = at + 1;
        if next < lines.len() && !is_first(next) {
            heads.extend(head(lines, next));
        }
    }
    let best = order.len();
    let rest = lines.iter().zip(&taken).filter(|(_, taken)| !**taken);
    order.extend(rest.map(|(line, _)| line.id));
    (order, best)
}

/// A line's place in the order, the greatest first; none where no block takes it now, which holds up all that come after it.
fn head(lines: &[Line], at: usize) -> Option<(u128, Reverse<u64>, usize)> {
    let line = &lines[at];
    let tip = line.tip.filter(|_| line.pending && line.includable)?;
    Some((tip, Reverse(line.sequence), at))
}
