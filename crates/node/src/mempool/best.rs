//! The order in which a block takes transactions: highest tip first, each account's in the order of its nonces.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::btree_map::Range;

use tally_chain::{CheckedTransaction, UnixSecs};

use super::sender::{Pooled, Sender, tip};

/// Iterates over what a block may take; see [`Mempool::best`](super::Mempool::best).
pub struct Best<'a> {
    heads: BinaryHeap<Head<'a>>,
    base_fee: u128,
    time: UnixSecs,
}

/// The next transaction of an account, and those after it.
struct Head<'a> {
    tip: u128,
    pooled: &'a Pooled,
    rest: Range<'a, u64, Pooled>,
}

impl<'a> Best<'a> {
    pub(super) fn new(senders: impl Iterator<Item = &'a Sender>, base_fee: u128, time: UnixSecs) -> Self {
        let mut best = Self {
            heads: BinaryHeap::new(),
            base_fee,
            time,
        };
        for sender in senders {
            best.push(sender.pending());
        }
        best
    }

    /// What cannot be included now holds up all that come after it.
    fn push(&mut self, mut rest: Range<'a, u64, Pooled>) {
        let Some((_, pooled)) = rest.next() else { return };
        let transaction = &pooled.transaction;
        if transaction.check_includable(self.time, self.base_fee).is_err() {
            return;
        }
        if let Some(tip) = tip(&transaction.view(), self.base_fee) {
            self.heads.push(Head { tip, pooled, rest });
        }
    }
}

impl Iterator for Best<'_> {
    type Item = CheckedTransaction;

    fn next(&mut self) -> Option<CheckedTransaction> {
        let Head { pooled, rest, .. } = self.heads.pop()?;
        self.push(rest);
        Some(pooled.transaction.clone())
    }
}

impl Head<'_> {
    fn key(&self) -> (u128, Reverse<u64>) {
        (self.tip, Reverse(self.pooled.sequence))
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Head<'_> {}
