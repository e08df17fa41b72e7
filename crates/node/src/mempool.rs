//! Transactions that wait for a block: a data structure without clock and I/O.
//!
//! Each account has a queue by nonce. What a block could take (no nonce missing, affordable together) is pending, the
//! rest is gapped. When the pool is full, what pays least goes first, from the end of its account's queue, and never for
//! something that pays as little. The same calls in the same order give the same pool.

mod admit;
mod best;
mod error;
mod fees;
#[cfg(test)]
mod properties;
mod sender;
#[cfg(test)]
mod tests;
mod view;
mod walk;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use tally_chain::state_tree::Account;
use tally_chain::transaction::{LIFETIME, MAX_GAS_LIMIT};
use tally_chain::{Address, Bytes, CheckedTransaction, TxId, UnixSecs};

pub use best::Best;
pub use error::MempoolError;
pub use fees::{FeeBucket, FeeLevels};
pub use sender::Pooled;
pub use view::PoolView;
pub(crate) use view::gather;

use admit::Origin;
use sender::{Rank, Sender};

/// Limits of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MempoolConfig {
    /// Transactions in all.
    pub max_count: usize,
    /// Envelope bytes in all.
    pub max_bytes: usize,
    /// Transactions of one sender.
    pub max_count_per_sender: usize,
    /// Envelope bytes of one sender.
    pub max_bytes_per_sender: usize,
    /// Transactions of one sender that wait behind a missing nonce.
    pub max_gapped_per_sender: usize,
    /// Nonces that may be missing before a transaction.
    pub max_nonce_gap: u64,
    /// Seconds that a transaction without timestamp may wait. Those with one live by docs/protocol.md#T7
    pub lifetime: u64,
    /// Largest gas limit that a block of this chain can take.
    pub max_gas_limit: u64,
    /// What [`PoolView::fee_levels`] names at least, in base units per gas.
    pub suggested_priority_fee: u128,
}

impl Default for MempoolConfig {
    fn default() -> Self {
        Self {
            max_count: 100_000,
            max_bytes: 256 * 1024 * 1024,
            max_count_per_sender: 16_384,
            max_bytes_per_sender: 32 * 1024 * 1024,
            max_gapped_per_sender: 64,
            max_nonce_gap: 256,
            lifetime: 3 * 60 * 60,
            max_gas_limit: MAX_GAS_LIMIT,
            suggested_priority_fee: 100_000_000,
        }
    }
}

/// What [`Mempool::insert`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// The transaction of the same nonce that had to make way.
    pub replaced: Option<TxId>,
    /// Transactions that paid less and had to leave the full pool.
    pub evicted: Vec<TxId>,
    /// Whether a block could take it now, or it waits for one with a lower nonce.
    pub pending: bool,
}

/// The pool.
#[derive(Debug)]
pub struct Mempool {
    config: MempoolConfig,
    /// Base units per gas; below it no base fee of this chain falls.
    min_base_fee: u128,
    /// The base fee that ranks are computed for.
    base_fee: u128,
    senders: BTreeMap<Address, Sender>,
    by_id: BTreeMap<TxId, (Address, u64)>,
    /// The last transaction of each sender, the first to be evicted first.
    tails: BTreeSet<(Rank, Reverse<u64>, Address)>,
    expiries: BTreeSet<(UnixSecs, TxId)>,
    bytes: usize,
    /// Transactions that a block could take, over all senders.
    pending: usize,
    arrivals: u64,
    /// Counts changes.
    changes: u64,
}

impl Mempool {
    /// An empty pool of a chain whose base fee never falls below `min_base_fee`.
    pub fn new(config: MempoolConfig, min_base_fee: u128) -> Self {
        Self {
            config,
            min_base_fee,
            base_fee: min_base_fee,
            senders: BTreeMap::new(),
            by_id: BTreeMap::new(),
            tails: BTreeSet::new(),
            expiries: BTreeSet::new(),
            bytes: 0,
            pending: 0,
            arrivals: 0,
            changes: 0,
        }
    }

    /// Takes a transaction in, or returns why not and changes nothing.
    ///
    /// `account` is the sender's at the tip and `base_fee` that of the next block, both read together with the last
    /// [`Self::on_block`]; for senders with waiting transactions the pool uses what `on_block` gave it.
    pub fn insert(
        &mut self,
        transaction: CheckedTransaction,
        account: Account,
        now: UnixSecs,
        base_fee: u128,
    ) -> Result<Inserted, MempoolError> {
        self.put_in(transaction, account, now, base_fee, Origin::New)
    }

    /// [`Self::insert`] of one that was acknowledged before, and comes from an undone block or from the disk. Coins and
    /// nonces that it builds on may have left the chain with their own block, and come back with it: it waits for them.
    pub fn bring_back(
        &mut self,
        transaction: CheckedTransaction,
        account: Account,
        now: UnixSecs,
        base_fee: u128,
    ) -> Result<Inserted, MempoolError> {
        self.put_in(transaction, account, now, base_fee, Origin::Acknowledged)
    }

    fn put_in(
        &mut self,
        transaction: CheckedTransaction,
        account: Account,
        now: UnixSecs,
        base_fee: u128,
        origin: Origin,
    ) -> Result<Inserted, MempoolError> {
        self.set_base_fee(base_fee);
        self.check_alone(&transaction, now)?;
        let address = transaction.sender();
        let newcomer = Sender::new(account);
        let sender = self.senders.get(&address).unwrap_or(&newcomer);
        let replaced = self.check_sender(sender, &transaction, origin)?;
        let victims = self.make_room(sender, &transaction, replaced)?;

        for (address, nonce, _) in &victims {
            self.take(address, *nonce);
            self.settle(address, *nonce);
        }
        let nonce = transaction.view().nonce;
        self.take(&address, nonce);
        self.put(transaction, account, now);
        self.settle(&address, nonce);
        let pending = self.senders.get(&address).is_some_and(|sender| nonce < sender.ready);
        Ok(Inserted {
            replaced,
            evicted: victims.into_iter().map(|(_, _, id)| id).collect(),
            pending,
        })
    }

    fn put(&mut self, transaction: CheckedTransaction, account: Account, now: UnixSecs) {
        let (address, id, view) = (transaction.sender(), transaction.id(), transaction.view());
        let nonce = view.nonce;
        let expires = match view.timestamp {
            Some(timestamp) => timestamp.saturating_add(LIFETIME),
            None => now.saturating_add(self.config.lifetime),
        };
        let len = transaction.envelope().len();
        let pooled = Pooled {
            arrived: now,
            sequence: self.arrivals,
            expires,
            // Both are set when the queue settles.
            rank: Rank::Gapped(0),
            spent: tally_chain::Amount::ZERO,
            transaction,
        };
        self.arrivals += 1;
        self.by_id.insert(id, (address, nonce));
        self.expiries.insert((expires, id));
        self.bytes += len;
        let sender = self.senders.entry(address).or_insert_with(|| Sender::new(account));
        sender.bytes += len;
        sender.queue.insert(nonce, pooled);
    }

    /// Takes a transaction out; [`Self::settle`] has to follow.
    fn take(&mut self, address: &Address, nonce: u64) -> Option<TxId> {
        let sender = self.senders.get_mut(address)?;
        let pooled = sender.queue.remove(&nonce)?;
        let (id, len) = (pooled.transaction.id(), pooled.transaction.envelope().len());
        sender.bytes -= len;
        self.bytes -= len;
        self.by_id.remove(&id);
        self.expiries.remove(&(pooled.expires, id));
        Some(id)
    }

    /// Brings a sender's queue and its place in the order of eviction up to date after a change at `nonce`.
    fn settle(&mut self, address: &Address, nonce: u64) {
        self.changes += 1;
        let Some(sender) = self.senders.get_mut(address) else {
            return;
        };
        if let Some((rank, sequence)) = sender.tail.take() {
            self.tails.remove(&(rank, sequence, *address));
        }
        sender.refresh(nonce, self.base_fee);
        let pending = sender.pending_count();
        self.pending = self.pending - sender.counted + pending;
        sender.counted = pending;
        match sender.queue.last_key_value() {
            Some((_, last)) => {
                let (rank, sequence) = (last.rank, Reverse(last.sequence));
                sender.tail = Some((rank, sequence));
                self.tails.insert((rank, sequence, *address));
            }
            None => {
                self.senders.remove(address);
            }
        }
    }

    fn set_base_fee(&mut self, base_fee: u128) {
        if self.base_fee != base_fee {
            self.base_fee = base_fee;
            let addresses: Vec<_> = self.senders.keys().copied().collect();
            for address in addresses {
                self.settle(&address, 0);
            }
        }
    }

    /// Follows the chain to a new tip: what was included leaves, and so does what is stale or expired; the latter ids
    /// are returned. `account_of` reads the state at the new tip, `base_fee` is that of the block after it.
    ///
    /// After a reorg the transactions of the losing branch are brought back, in the order of their blocks.
    pub fn on_block(
        &mut self,
        included: &BTreeSet<TxId>,
        account_of: impl Fn(&Address) -> Account,
        base_fee: u128,
        now: UnixSecs,
    ) -> Vec<TxId> {
        for id in included {
            if let Some((address, nonce)) = self.by_id.get(id).copied() {
                self.take(&address, nonce);
            }
        }
        self.base_fee = base_fee;
        let mut dropped = Vec::new();
        let addresses: Vec<_> = self.senders.keys().copied().collect();
        for address in addresses {
            let Some(sender) = self.senders.get_mut(&address) else {
                continue;
            };
            sender.account = account_of(&address);
            let stale: Vec<_> = sender
                .queue
                .range(..sender.account.nonce)
                .map(|(nonce, _)| *nonce)
                .collect();
            dropped.extend(stale.iter().filter_map(|nonce| self.take(&address, *nonce)));
            self.settle(&address, 0);
        }
        dropped.extend(self.expire(now));
        dropped
    }

    /// Drops what has waited too long at `now`.
    pub fn expire(&mut self, now: UnixSecs) -> Vec<TxId> {
        let mut dropped = Vec::new();
        while let Some((expires, id)) = self.expiries.first().copied()
            && expires < now
        {
            self.expiries.pop_first();
            dropped.extend(self.remove(&id));
        }
        dropped
    }

    /// Takes one transaction out; those behind it wait for another of its nonce.
    pub fn remove(&mut self, id: &TxId) -> Option<TxId> {
        let (address, nonce) = self.by_id.get(id).copied()?;
        let removed = self.take(&address, nonce);
        self.settle(&address, nonce);
        removed
    }

    /// What a block of this base fee and time may take, highest tip first, each account's in the order of its nonces;
    /// of equal payers the one that came first.
    pub fn best(&self, base_fee: u128, time: UnixSecs) -> Best<'_> {
        Best::new(self.senders.values(), base_fee, time)
    }

    /// The transaction with this id.
    pub fn get(&self, id: &TxId) -> Option<&CheckedTransaction> {
        self.entry(id).map(Pooled::transaction)
    }

    /// A transaction with what the pool knows about it.
    pub fn entry(&self, id: &TxId) -> Option<&Pooled> {
        let (address, nonce) = self.by_id.get(id)?;
        self.senders.get(address)?.queue.get(nonce)
    }

    /// An account that has transactions here, as of the last [`Self::on_block`] or of its first transaction.
    pub fn account(&self, address: &Address) -> Option<&Account> {
        self.senders.get(address).map(|sender| &sender.account)
    }

    /// Accounts that have transactions here, each as of the last [`Self::on_block`] or of its first transaction.
    pub fn accounts(&self) -> impl Iterator<Item = (&Address, &Account)> {
        self.senders.iter().map(|(address, sender)| (address, &sender.account))
    }

    /// Whether the transaction with this id is in the pool.
    pub fn contains(&self, id: &TxId) -> bool {
        self.by_id.contains_key(id)
    }

    /// All transactions, by sender and nonce.
    pub fn iter(&self) -> impl Iterator<Item = &CheckedTransaction> {
        self.entries().map(Pooled::transaction)
    }

    /// All transactions with what the pool knows about them, by sender and nonce.
    pub fn entries(&self) -> impl Iterator<Item = &Pooled> {
        self.senders.values().flat_map(|sender| sender.queue.values())
    }

    /// A sender's transactions by nonce.
    pub fn by_sender(&self, address: &Address) -> impl Iterator<Item = &CheckedTransaction> {
        self.entries_of(address).map(Pooled::transaction)
    }

    /// The same with what the pool knows about them, from either end.
    pub fn entries_of(&self, address: &Address) -> impl DoubleEndedIterator<Item = &Pooled> {
        let queue = self.senders.get(address).map(|sender| sender.queue.values());
        queue.into_iter().flatten()
    }

    /// How many transactions of a sender are in the pool; they are not looked through.
    pub fn count_of(&self, address: &Address) -> usize {
        self.senders.get(address).map_or(0, |sender| sender.queue.len())
    }

    /// The nonce after a sender's pending transactions; `None` if it has none in the pool.
    pub fn next_nonce(&self, address: &Address) -> Option<u64> {
        self.senders.get(address).map(|sender| sender.ready)
    }

    /// Transactions in the pool.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is no transaction.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Transactions that a block could take, the base fee aside.
    pub fn pending_len(&self) -> usize {
        self.pending
    }

    /// Greater after every change.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Envelope bytes in the pool.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The limits.
    pub fn config(&self) -> &MempoolConfig {
        &self.config
    }

    /// All envelopes in an order in which they can be inserted again.
    pub fn snapshot(&self) -> Vec<Bytes> {
        self.iter().map(|transaction| transaction.envelope().clone()).collect()
    }
}
