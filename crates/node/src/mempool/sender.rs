//! The queue of one account.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tally_chain::state_tree::Account;
use tally_chain::transaction::View;
use tally_chain::{Amount, CheckedTransaction, U256, UnixSecs};

/// What the pool gains by keeping a transaction. One that waits for another is worth no more than that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Waits for a missing nonce or for funds: no block can take it. Carries its tip.
    Gapped(u128),
    /// Carries its `max_fee`.
    BelowBaseFee(u128),
    /// Carries what the producer earns per gas.
    Tip(u128),
}

impl Rank {
    pub fn of(view: &View<'_>, base_fee: u128) -> Self {
        match tip(view, base_fee) {
            Some(tip) => Self::Tip(tip),
            None => Self::BelowBaseFee(view.max_fee),
        }
    }

    fn gapped(self) -> Self {
        match self {
            Self::Tip(tip) => Self::Gapped(tip),
            Self::BelowBaseFee(_) => Self::Gapped(0),
            Self::Gapped(_) => self,
        }
    }
}

/// What the producer earns per gas at this base fee; `None` when `max_fee` does not reach it. Rule: docs/protocol.md#X3
pub(super) fn tip(view: &View<'_>, base_fee: u128) -> Option<u128> {
    let over = view.max_fee.checked_sub(base_fee)?;
    Some(over.min(view.max_priority_fee))
}

/// A transaction in the pool: only [`Mempool::insert`](super::Mempool::insert) makes one.
#[derive(Debug, Clone)]
pub struct Pooled {
    pub(super) transaction: CheckedTransaction,
    pub(super) arrived: UnixSecs,
    /// Counts arrivals; of equal payers the first comes first.
    pub(super) sequence: u64,
    /// Last second at which it may still wait.
    pub(super) expires: UnixSecs,
    /// Lowest rank of this one and those it waits for.
    pub(super) rank: Rank,
    /// What this and the pending ones before it may cost together.
    pub(super) spent: Amount,
}

impl Pooled {
    /// The transaction itself.
    pub fn transaction(&self) -> &CheckedTransaction {
        &self.transaction
    }

    /// When it entered the pool.
    pub fn arrived(&self) -> UnixSecs {
        self.arrived
    }

    /// Last second at which it may still wait.
    pub fn expires(&self) -> UnixSecs {
        self.expires
    }

    /// Whether a block could take it after those before it: no nonce is missing and the funds suffice.
    pub fn is_pending(&self) -> bool {
        !matches!(self.rank, Rank::Gapped(_))
    }
}

/// An account's transactions by nonce: first the pending ones, without gap from the account's nonce on and affordable
/// together, then the gapped ones.
#[derive(Debug)]
pub(super) struct Sender {
    pub account: Account,
    pub queue: BTreeMap<u64, Pooled>,
    /// Envelope bytes in the queue.
    pub bytes: usize,
    /// The first nonce that is not pending.
    pub ready: u64,
    /// How many of the pending ones the pool has counted.
    pub counted: usize,
    /// Where the last transaction stands in the pool's order of eviction.
    pub tail: Option<(Rank, Reverse<u64>)>,
}

impl Sender {
    pub fn new(account: Account) -> Self {
        Self {
            account,
            queue: BTreeMap::new(),
            bytes: 0,
            ready: account.nonce,
            counted: 0,
            tail: None,
        }
    }

    pub fn pending(&self) -> std::collections::btree_map::Range<'_, u64, Pooled> {
        self.queue.range(self.account.nonce..self.ready)
    }

    pub fn pending_count(&self) -> usize {
        // No more than the queue holds.
        (self.ready - self.account.nonce) as usize
    }

    pub fn gapped_count(&self) -> usize {
        self.queue.len() - self.pending_count()
    }

    /// What all pending ones may cost together.
    pub fn spent(&self) -> Amount {
        self.pending().next_back().map_or(Amount::ZERO, |(_, last)| last.spent)
    }

    /// Rank of a transaction at `nonce`, which is not above `ready` if `pending`.
    pub fn rank_at(&self, nonce: u64, own: Rank, pending: bool) -> Rank {
        let own = if pending { own } else { own.gapped() };
        match self.queue.range(..nonce).next_back() {
            Some((_, before)) => before.rank.min(own),
            None => own,
        }
    }

    /// Computes rank and cost again from `nonce` on; the entries before it are right.
    pub fn refresh(&mut self, nonce: u64, base_fee: u128) {
        let (mut lowest, mut spent, mut next) = match self.queue.range(..nonce).next_back() {
            None => (None, Amount::ZERO, Some(self.account.nonce)),
            Some((at, before)) if before.is_pending() => (Some(before.rank), before.spent, Some(at + 1)),
            Some((_, before)) => (Some(before.rank), before.spent, None),
        };
        if let Some(next) = next {
            self.ready = next;
        }
        for (at, pooled) in self.queue.range_mut(nonce..) {
            let cost = spent.checked_add(pooled.transaction.max_cost());
            let mut rank = Rank::of(&pooled.transaction.view(), base_fee);
            match cost {
                Some(cost) if next == Some(*at) && cost <= self.account.balance => {
                    spent = cost;
                    self.ready = at + 1;
                    next = Some(self.ready);
                }
                _ => {
                    next = None;
                    rank = rank.gapped();
                }
            }
            pooled.rank = lowest.map_or(rank, |lowest| lowest.min(rank));
            pooled.spent = spent;
            lowest = Some(pooled.rank);
        }
    }

    /// What the pending ones may cost with `cost` put in at `nonce`; saturates.
    pub fn required(&self, nonce: u64, cost: Amount) -> Amount {
        let replaced = match self.queue.get(&nonce) {
            Some(old) if nonce < self.ready => old.transaction.max_cost(),
            _ => Amount::ZERO,
        };
        self.spent()
            .checked_sub(replaced)
            .and_then(|rest| rest.checked_add(cost))
            .unwrap_or(Amount(U256::MAX))
    }
}
