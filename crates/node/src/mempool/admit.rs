//! What the pool requires of a transaction, and which ones it evicts for it; changes nothing.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use tally_chain::fees::{intrinsic_gas, replacement_fee};
use tally_chain::{Address, CheckedTransaction, TxId, UnixSecs};

use super::sender::{Rank, Sender};
use super::{Mempool, MempoolError};

/// Longest contract creation code in bytes (EIP-3860).
const MAX_INIT_CODE_BYTES: usize = 49_152;

/// What is known of a transaction that enters the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    New,
    Acknowledged,
}

impl Mempool {
    pub(super) fn check_alone(&self, transaction: &CheckedTransaction, now: UnixSecs) -> Result<(), MempoolError> {
        let (view, id) = (transaction.view(), transaction.id());
        if self.by_id.contains_key(&id) {
            return Err(MempoolError::AlreadyKnown { id });
        }
        transaction.check_includable(now, 0)?;
        let (max_fee, min) = (view.max_fee, self.min_base_fee);
        if max_fee < min {
            return Err(MempoolError::FeeTooLow { max_fee, min });
        }
        let (gas_limit, max) = (view.gas_limit, self.config.max_gas_limit);
        if gas_limit > max {
            return Err(MempoolError::GasLimitTooHigh { gas_limit, max });
        }
        let required = intrinsic_gas(transaction);
        if gas_limit < required {
            return Err(MempoolError::GasLimitTooLow { gas_limit, required });
        }
        let (len, max) = (view.data.len(), MAX_INIT_CODE_BYTES);
        if view.to.is_none() && len > max {
            return Err(MempoolError::InitCodeTooLong { len, max });
        }
        Ok(())
    }

    /// Checks against the sender's account and queue; returns the transaction that would be replaced.
    pub(super) fn check_sender(
        &self,
        sender: &Sender,
        transaction: &CheckedTransaction,
        origin: Origin,
    ) -> Result<Option<TxId>, MempoolError> {
        let (config, view, is_new) = (&self.config, transaction.view(), origin == Origin::New);
        if sender.account.has_code() {
            return Err(MempoolError::SenderHasCode {
                sender: transaction.sender(),
            });
        }
        let (found, expected) = (view.nonce, sender.account.nonce);
        if found < expected {
            return Err(MempoolError::NonceTooLow { found, expected });
        }
        let (expected, max) = (sender.ready, config.max_nonce_gap);
        if is_new && found > expected.saturating_add(max) {
            return Err(MempoolError::NonceGapTooLarge { found, expected, max });
        }
        let old = sender.queue.get(&view.nonce).map(|old| &old.transaction);
        if let Some(old) = old {
            check_replacement(old, transaction)?;
        }
        let (balance, required) = (
            sender.account.balance,
            sender.required(view.nonce, transaction.max_cost()),
        );
        if is_new && required > balance {
            return Err(MempoolError::InsufficientFunds { balance, required });
        }
        let limit = |what, found, max| match found > max {
            true => Err(MempoolError::SenderLimit { what, found, max }),
            false => Ok(()),
        };
        let old_len = old.map_or(0, |old| old.envelope().len());
        let bytes = sender.bytes - old_len + transaction.envelope().len();
        limit("envelope bytes", bytes, config.max_bytes_per_sender)?;
        if old.is_none() {
            limit("transactions", sender.queue.len() + 1, config.max_count_per_sender)?;
            if is_new && view.nonce > sender.ready {
                let count = sender.gapped_count() + 1;
                limit("gapped transactions", count, config.max_gapped_per_sender)?;
            }
        }
        Ok(old.map(CheckedTransaction::id))
    }

    /// Chooses who must leave so that `transaction` fits in: what pays least first, and only what pays less than it.
    pub(super) fn make_room(
        &self,
        sender: &Sender,
        transaction: &CheckedTransaction,
        replaced: Option<TxId>,
    ) -> Result<Vec<(Address, u64, TxId)>, MempoolError> {
        let (address, nonce) = (transaction.sender(), transaction.view().nonce);
        let old = replaced.and_then(|_| sender.queue.get(&nonce));
        let mut count = self.by_id.len() + 1 - usize::from(old.is_some());
        let mut bytes =
            self.bytes + transaction.envelope().len() - old.map_or(0, |old| old.transaction.envelope().len());
        let own = Rank::of(&transaction.view(), self.base_fee);
        let affordable = sender.required(nonce, transaction.max_cost()) <= sender.account.balance;
        let rank = sender.rank_at(nonce, own, nonce <= sender.ready && affordable);

        let mut victims = Vec::new();
        let mut tails = self.tails.iter().copied().peekable();
        // Those that come to stand at the end of their queue by an eviction before theirs.
        let mut bared: BTreeSet<(Rank, Reverse<u64>, Address, u64)> = BTreeSet::new();
        while count > self.config.max_count || bytes > self.config.max_bytes {
            let from_bared = match (bared.first(), tails.peek()) {
                (Some(bare), Some(tail)) => (bare.0, bare.1, bare.2) < *tail,
                (bare, _) => bare.is_some(),
            };
            let next = if from_bared {
                bared
                    .pop_first()
                    .map(|(rank, _, address, nonce)| (rank, address, nonce))
            } else {
                tails.next().and_then(|(rank, _, address)| {
                    let (nonce, _) = self.senders.get(&address)?.queue.last_key_value()?;
                    Some((rank, address, *nonce))
                })
            };
            let Some((_, victim, at)) = next.filter(|(lowest, _, _)| *lowest < rank) else {
                return Err(MempoolError::Full {
                    count: self.by_id.len(),
                    max_count: self.config.max_count,
                    bytes: self.bytes,
                    max_bytes: self.config.max_bytes,
                });
            };
            let queue = &self.senders[&victim].queue;
            if (victim, at) != (address, nonce) {
                let leaving = &queue[&at].transaction;
                count -= 1;
                bytes -= leaving.envelope().len();
                victims.push((victim, at, leaving.id()));
            }
            if let Some((before, pooled)) = queue.range(..at).next_back() {
                bared.insert((pooled.rank, Reverse(pooled.sequence), victim, *before));
            }
        }
        Ok(victims)
    }
}

/// Both fees must rise. Rule: docs/protocol.md#W52
fn check_replacement(old: &CheckedTransaction, new: &CheckedTransaction) -> Result<(), MempoolError> {
    let (old_view, new_view) = (old.view(), new.view());
    let required_max_fee = replacement_fee(old_view.max_fee);
    let required_priority_fee = replacement_fee(old_view.max_priority_fee);
    if new_view.max_fee < required_max_fee || new_view.max_priority_fee < required_priority_fee {
        return Err(MempoolError::ReplacementUnderpriced {
            replaced: old.id(),
            max_fee: new_view.max_fee,
            required_max_fee,
            priority_fee: new_view.max_priority_fee,
            required_priority_fee,
        });
    }
    Ok(())
}
