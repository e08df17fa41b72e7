//! How transactions enter the pool, follow the chain through it, and come back after a restart.
//!
//! A transaction is acknowledged when it is on the disk: [`Node::submit_batch`] waits for the write that it is part of,
//! which many share. What peers send is stored the same way, without waiting.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rayon::prelude::*;
use tally_chain::state_tree::Account;
use tally_chain::{Address, BlockId, Bytes, CheckedTransaction, RawTransaction, TransactionError, TxId, UnixSecs};
use tally_ledger::{StateError, StateView};

use crate::events::ChainEvent;
use crate::keeper::Reader;
use crate::mempool::{Inserted, Mempool, MempoolError};
use crate::node::Node;
use crate::pipeline::{Advance, Tip};
use crate::pool_writer::{Ticket, WriteFailure};
use crate::store::StoreError;

/// Why a transaction left the pool for another.
const MADE_WAY: &str = "replaced or evicted by a better-paying transaction";

/// Why a transaction is not accepted into the pool.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum SubmitError {
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    #[error(transparent)]
    Mempool(#[from] MempoolError),
    #[error("transaction {id} is already in block {block}")]
    AlreadyIncluded { id: TxId, block: BlockId },
    /// It was right, and is not in the pool, because it could not be written.
    #[error("the transaction was not stored: {0}")]
    NotStored(WriteFailure),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A transaction that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The id under which the chain will know it. Rule: docs/protocol.md#T4
    pub id: TxId,
    /// Whether it can be included now, or waits for one with a lower nonce.
    pub pending: bool,
}

/// What became of a transaction that may be in the pool.
enum Accepted {
    /// It is there now, and on the disk with this write.
    New(Submitted, Ticket),
    /// It was there before: with the write that it is part of, where that is still to end.
    Known(TxId, Option<Ticket>),
}

/// [`Mempool::insert`] or [`Mempool::bring_back`].
type Insert = fn(&mut Mempool, CheckedTransaction, Account, UnixSecs, u128) -> Result<Inserted, MempoolError>;

/// A transaction in the pool.
struct Pooled {
    submitted: Submitted,
    /// Those that had to leave for it.
    removed: Vec<TxId>,
}

impl Node {
    /// Takes one encoded transaction into the pool; after `Ok` it is on the disk. Blocks the thread.
    pub fn submit(&self, envelope: Bytes) -> Result<Submitted, SubmitError> {
        self.submit_batch(vec![envelope])
            .pop()
            .expect("one result for one envelope")
    }

    /// Takes transactions into the pool, signatures checked on all cores; one result for each, in order. Those that were
    /// taken are on the disk when this returns. Blocks the thread.
    pub fn submit_batch(&self, envelopes: Vec<Bytes>) -> Vec<Result<Submitted, SubmitError>> {
        let taken = self.accept_all(envelopes);
        let stored = taken.into_iter().map(|taken| match taken? {
            Accepted::New(submitted, ticket) => ticket.wait().map(|()| submitted).map_err(SubmitError::NotStored),
            // Senders take "already in the pool" for a promise, too: it is one once the first submission is on the disk.
            Accepted::Known(id, ticket) => {
                let durable = ticket.map_or(Ok(()), |ticket| ticket.wait());
                durable.map_err(SubmitError::NotStored)?;
                Err(MempoolError::AlreadyKnown { id }.into())
            }
        });
        self.announce(stored.collect())
    }

    /// The same of transactions that peers sent and that were checked on this chain when they came: nothing is checked a
    /// second time. Nothing is promised to peers, so this does not wait for the disk.
    pub fn submit_relayed(&self, transactions: &[CheckedTransaction]) -> Vec<Result<Submitted, SubmitError>> {
        let submitted = |taken: Result<Accepted, SubmitError>| -> Result<Submitted, SubmitError> {
            match taken? {
                Accepted::New(submitted, _) => Ok(submitted),
                Accepted::Known(id, _) => Err(MempoolError::AlreadyKnown { id }.into()),
            }
        };
        let taken = transactions.iter().map(|transaction| self.submit_checked(transaction));
        self.announce(taken.map(submitted).collect())
    }

    /// A transaction that is in the pool. Pool and write are looked at under the pool's lock: a write that fails takes its
    /// transactions out under the same lock before it marks itself as ended. So what is there and has no write is durable.
    fn known(&self, id: TxId) -> Option<Accepted> {
        let pool = self.pool().lock();
        pool.contains(&id)
            .then(|| Accepted::Known(id, self.keeper().writer().ticket_of(&id)))
    }

    fn accept_all(&self, envelopes: Vec<Bytes>) -> Vec<Result<Accepted, SubmitError>> {
        let checked: Vec<Result<CheckedTransaction, TransactionError>> = envelopes
            .into_par_iter()
            .map(|envelope| RawTransaction::decode(envelope).and_then(|raw| self.checker().check_one(raw)))
            .collect();
        checked
            .into_iter()
            .map(|result| self.submit_checked(&result?))
            .collect()
    }

    fn announce(&self, results: Vec<Result<Submitted, SubmitError>>) -> Vec<Result<Submitted, SubmitError>> {
        let refused = results.iter().filter(|result| result.is_err()).count() as u64;
        self.stats().transactions_refused.fetch_add(refused, Relaxed);
        for submitted in results.iter().flatten() {
            self.stats().transactions_accepted.fetch_add(1, Relaxed);
            self.stats().arrived(submitted.id);
            let event = ChainEvent::Transaction {
                id: submitted.id,
                pending: submitted.pending,
            };
            self.events().publish(event);
        }
        if refused < results.len() as u64 {
            self.templates().pool_changed();
            self.mining().pool_changed();
        }
        results
    }

    fn submit_checked(&self, transaction: &CheckedTransaction) -> Result<Accepted, SubmitError> {
        let id = transaction.id();
        // Not while the pool is read again: this would be on the disk, and not in the pool before the next start.
        let _open = self.submissions().read();
        let tip = self.tip();
        if let Some(place) = tip.snapshot.place(&id)?
            && let Some(block) = tip.snapshot.id_at(place.height)?
        {
            return Err(SubmitError::AlreadyIncluded { id, block });
        }
        loop {
            if let Some(known) = self.known(id) {
                return Ok(known);
            }
            // Before the pool changes: what it would evict for this could not be written either.
            self.require_room(transaction.envelope().len() as u64)?;
            let write = |pooled: &Pooled| {
                let envelope = transaction.envelope().clone();
                self.keeper().writer().add(id, envelope, &pooled.removed)
            };
            match self.pool_insert(Mempool::insert, transaction, write) {
                Ok((pooled, ticket)) => return Ok(Accepted::New(pooled.submitted, ticket)),
                // Another submission of it came in between.
                Err(SubmitError::Mempool(MempoolError::AlreadyKnown { .. })) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// `then` runs before any reader sees the transaction in the pool.
    fn pool_insert<T>(
        &self,
        insert: Insert,
        transaction: &CheckedTransaction,
        then: impl FnOnce(&Pooled) -> T,
    ) -> Result<(Pooled, T), SubmitError> {
        let mut pool = self.pool().lock();
        let tip = self.tip();
        // The pool goes by its own copy of an account that has transactions there, which follows the tip under the same lock: a read
        // of the store for each transaction, with the pool locked, would cost more than anything else here.
        let account = match pool.account(&transaction.sender()) {
            Some(known) => *known,
            None => tip.snapshot.account(&transaction.sender())?.unwrap_or_default(),
        };
        let base_fee = tip.ancestors.next_base_fee(self.spec());
        let inserted = insert(&mut pool, transaction.clone(), account, self.now(), base_fee)?;
        let pooled = Pooled {
            submitted: Submitted {
                id: transaction.id(),
                pending: inserted.pending,
            },
            removed: inserted.replaced.into_iter().chain(inserted.evicted).collect(),
        };
        let then = then(&pooled);
        drop(pool);
        for id in &pooled.removed {
            self.stats().left(id);
            let (id, reason) = (*id, MADE_WAY.to_owned());
            self.events().publish(ChainEvent::Dropped { id, reason });
        }
        Ok((pooled, then))
    }

    /// Reads the stored pool. What cannot wait any more is removed from it; a store that does not answer ends the start,
    /// because nothing is known of those transactions then.
    pub(crate) fn restore_pool(&self) -> Result<(), StoreError> {
        let stored = self.store().snapshot().pool()?;
        let mut gone = BTreeMap::new();
        let mut checked = Vec::new();
        for (id, envelope) in stored {
            match RawTransaction::decode(envelope).and_then(|raw| self.checker().check_one(raw)) {
                Ok(transaction) => checked.push(transaction),
                Err(reason) => {
                    tracing::warn!(%id, %reason, "dropped from the stored pool");
                    gone.insert(id, None);
                }
            }
        }
        checked.sort_by_key(|transaction| (transaction.sender(), transaction.view().nonce));
        for transaction in checked {
            let id = transaction.id();
            match self.pool_insert(Mempool::bring_back, &transaction, |_| ()) {
                Ok((pooled, ())) => gone.extend(pooled.removed.into_iter().map(|id| (id, None))),
                Err(SubmitError::State(error)) => return Err(error.into()),
                Err(SubmitError::Store(error)) => return Err(error),
                Err(SubmitError::Mempool(reason)) if passes(&reason) => {
                    tracing::warn!(%id, %reason, "stays in the stored pool, not in this run's");
                }
                Err(reason) => {
                    tracing::info!(%id, %reason, "dropped from the stored pool");
                    gone.insert(id, None);
                }
            }
        }
        match self.store().write_pool(&gone) {
            // What should be gone stays until the next start.
            Err(StoreError::NoRoom { .. }) => Ok(()),
            written => written,
        }
    }

    /// Takes one of the stored pool that had left this run's, where it can still wait.
    pub(crate) fn take_stored(&self, envelope: Bytes) {
        let checked = RawTransaction::decode(envelope).and_then(|raw| self.checker().check_one(raw));
        let Ok(transaction) = checked else { return };
        let write = |pooled: &Pooled| self.keeper().writer().remove(pooled.removed.iter().copied());
        if let Ok((pooled, ())) = self.pool_insert(Mempool::bring_back, &transaction, write) {
            let Submitted { id, pending } = pooled.submitted;
            self.stats().arrived(id);
            self.events().publish(ChainEvent::Transaction { id, pending });
        }
    }

    /// Brings tip and pool up to date together, so that no reader sees one without the other. Gives what left the pool without
    /// being included, and why.
    pub(crate) fn update_mempool(&self, advance: &Advance, tip: &Arc<Tip>) -> Vec<(TxId, String)> {
        let mut pool = self.pool().lock();
        self.set_tip(tip);
        let included = advance.joined.iter().flat_map(|moved| &moved.transactions);
        let joined: BTreeSet<_> = included.map(|transaction| transaction.id).collect();
        self.keeper().writer().included(joined.iter().copied());
        let base_fee = tip.ancestors.next_base_fee(self.spec());
        let now = self.now();
        // Where an account cannot be read now, the pool goes by what it knew: dropping for that would lose transactions.
        let known: BTreeMap<Address, Account> =
            pool.accounts().map(|(address, account)| (*address, *account)).collect();
        let unread = Cell::new(false);
        let account_of = |address: &Address| match tip.snapshot.account(address) {
            Ok(account) => Some(account.unwrap_or_default()),
            Err(error) => {
                unread.set(true);
                self.keeper().store_failed(Reader::Pool, &error.into());
                None
            }
        };
        let as_known = |address: &Address| known.get(address).copied().unwrap_or_default();
        let mut dropped: Vec<_> = pool
            .on_block(
                &joined,
                |address| account_of(address).unwrap_or_else(|| as_known(address)),
                base_fee,
                now,
            )
            .into_iter()
            .map(|id| (id, "no longer includable after the latest block".to_owned()))
            .collect();
        for transaction in &advance.returned {
            // It is in the stored pool since the batch that undid its block, unless a removal that was on its way when the
            // block came has been written since: so it is written once more.
            let (id, envelope) = (transaction.id(), transaction.envelope().clone());
            self.keeper().writer().add(id, envelope, &[]);
            // Where its account cannot be read, it comes back at the next start.
            let Some(account) = account_of(&transaction.sender()) else {
                continue;
            };
            match pool.bring_back(transaction.clone(), account, now, base_fee) {
                Ok(inserted) => {
                    let left = inserted.replaced.into_iter().chain(inserted.evicted);
                    dropped.extend(left.map(|id| (id, MADE_WAY.to_owned())));
                }
                Err(reason) if passes(&reason) => {
                    tracing::debug!(%id, %reason, "stays in the stored pool, not in this run's");
                }
                Err(reason) => dropped.push((id, reason.to_string())),
            }
        }
        // Under the pool's lock: later this would take from the disk what has come again and was acknowledged meanwhile.
        self.keeper().writer().remove(dropped.iter().map(|(id, _)| *id));
        drop(pool);
        if !unread.get() {
            self.keeper().store_works(Reader::Pool);
        }
        self.stats().included(joined.into_iter());
        dropped
    }
}

/// Whether the reason is one of this moment only: a clock that was set back, or a pool with less room than the last one.
fn passes(reason: &MempoolError) -> bool {
    matches!(
        reason,
        MempoolError::Transaction(TransactionError::FromTheFuture { .. })
    )
}

#[cfg(test)]
mod tests;
