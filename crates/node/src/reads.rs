//! Reads that the API and the pages share. Each takes a tip, so that one answer comes from one state.

use std::str::FromStr;
use std::sync::Arc;

use tally_chain::block::MEDIAN_SPAN;
use tally_chain::history::{self, HistoryProof};
use tally_chain::merkle::{self, InclusionProof};
use tally_chain::portable::{HeaderWithManifest, Parts, PortableReceipt};
use tally_chain::state_tree::{Account, StateProof, account_key};
use tally_chain::{Address, BlockId, CheckedTransaction, HeaderTip, Height, Receipt, TxId};
use tally_ledger::StateView;

use crate::node::Node;
use crate::pipeline::Tip;
use crate::store::{BlockRecord, Place, Status, StoreError};

/// How a block is named in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKey {
    /// The block of the active chain at this height.
    Height(Height),
    /// The block with this id.
    Id(BlockId),
}

impl FromStr for BlockKey {
    type Err = tally_chain::hash::IdError;

    /// Decimal digits of at most 19 places are a height, 64 hex digits an id.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(height) if text.len() < 20 && text.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(Self::Height(Height(height)))
            }
            _ => text.parse().map(Self::Id),
        }
    }
}

/// A transaction as this node knows it.
#[derive(Debug, Clone)]
pub struct Located {
    /// The transaction itself.
    pub transaction: CheckedTransaction,
    /// `None` while it waits in the pool.
    pub included: Option<Included>,
}

/// Where a transaction was included, and what it did.
#[derive(Debug, Clone)]
pub struct Included {
    /// The block that holds it.
    pub block: BlockRecord,
    /// Its place in the block; the first is 0.
    pub index: u32,
    /// What it did.
    pub receipt: Receipt,
}

/// All of a block.
#[derive(Debug, Clone)]
pub struct FullBlock {
    /// The block's record.
    pub record: BlockRecord,
    /// Whether it is part of the active chain.
    pub active: bool,
    /// In the order in which they execute.
    pub transactions: Vec<CheckedTransaction>,
    /// Empty unless active.
    pub receipts: Vec<Receipt>,
}

/// An account with the proof that it is so under the tip's state root.
#[derive(Debug, Clone)]
pub struct ProvenAccount {
    /// `None` where the account is empty or was never used.
    pub account: Option<Account>,
    /// Shows it under the state root. Rule: docs/protocol.md#S4
    pub proof: StateProof,
}

impl Node {
    /// A block's record, on any branch. One beside the active chain that is not as it was stored is unknown.
    pub fn block_record(&self, tip: &Tip, key: BlockKey) -> Result<Option<BlockRecord>, StoreError> {
        match key {
            BlockKey::Height(height) => match tip.snapshot.id_at(height)? {
                Some(id) => tip.snapshot.record(&id),
                None => Ok(None),
            },
            BlockKey::Id(id) => match self.sound_record(&tip.snapshot, &id)? {
                Some(record) => Ok(Some(record)),
                // A branch block may be younger than the tip's snapshot.
                None => self.sound_record(&self.store().snapshot(), &id),
            },
        }
    }

    /// A stored block of any branch as the headers after it see it; none if it is unknown, invalid or after an invalid one.
    pub fn header_tip(&self, id: &BlockId) -> Result<Option<HeaderTip>, StoreError> {
        let snapshot = self.store().snapshot();
        let base = snapshot.base()?;
        let usable = |record: &BlockRecord| record.status != Status::Invalid && record.height() >= base;
        let Some(last) = self.sound_record(&snapshot, id)?.filter(usable) else {
            return Ok(None);
        };
        let mut recent_times = vec![last.header.time];
        let mut anchor_time = None;
        let mut record = last.clone();
        // Back to where the branch is the active one, and as far as the median reaches.
        while record.height() > Height::GENESIS {
            if record.height() == Height(1) {
                anchor_time = Some(record.header.time);
            }
            let far_enough = recent_times.len() >= MEDIAN_SPAN;
            if far_enough && snapshot.is_active(&record)? {
                break;
            }
            record = match self.sound_step(&snapshot, &record.header.parent)? {
                Some(parent) if parent.status == Status::Invalid => return Ok(None),
                Some(parent) => parent,
                // Of a branch, a block whose bytes had changed was forgotten: it comes again.
                None if !snapshot.is_active(&record)? => return Ok(None),
                None => snapshot.known(&record.header.parent)?,
            };
            if !far_enough {
                recent_times.push(record.header.time);
            }
        }
        if last.height() > Height::GENESIS && anchor_time.is_none() {
            let first = snapshot.id_at(Height(1))?.ok_or_else(|| StoreError::Missing {
                what: "block 1".to_owned(),
            })?;
            anchor_time = Some(snapshot.known(&first)?.header.time);
        }
        recent_times.reverse();
        Ok(Some(HeaderTip {
            id: last.id,
            height: last.height(),
            recent_times,
            anchor_time,
            weight: last.weight,
        }))
    }

    /// A block with its transactions and receipts.
    pub fn full_block(&self, tip: &Tip, key: BlockKey) -> Result<Option<FullBlock>, StoreError> {
        let Some(record) = self.block_record(tip, key)? else {
            return Ok(None);
        };
        let active = tip.snapshot.is_active(&record)?;
        // Of an invalid block that stood on the tip only the record is kept.
        if record.status == Status::Invalid && self.store().snapshot().block_bytes(&record.id)?.is_none() {
            return Ok(None);
        }
        let transactions = self.transactions_of(&record)?;
        let receipts = if active {
            tip.snapshot.receipts(&record.id)?
        } else {
            Vec::new()
        };
        Ok(Some(FullBlock {
            record,
            active,
            transactions,
            receipts,
        }))
    }

    /// The transactions of a stored block, checked (most are remembered as such).
    pub fn transactions_of(&self, record: &BlockRecord) -> Result<Vec<CheckedTransaction>, StoreError> {
        let snapshot = self.store().snapshot();
        if record.status == Status::HeaderOnly {
            let (height, base) = (record.height(), snapshot.base()?);
            return Err(StoreError::NotKept { height, base });
        }
        let missing = || StoreError::Missing {
            what: format!("the body of block {}", record.id),
        };
        let block = snapshot.block(&record.id)?.ok_or_else(missing)?;
        let checked = self.checker().check_all(block.transactions);
        checked.map_err(|(index, error)| StoreError::Altered {
            what: format!("transaction {index} of block {} ({error})", record.id),
        })
    }

    /// A transaction, included or pending, and the tip by which it was found or is missing.
    ///
    /// A block or a reorg may move it between chain and pool while it is looked for: one that was acknowledged is never
    /// reported as missing for that.
    pub fn transaction(&self, id: &TxId) -> Result<(Arc<Tip>, Option<Located>), StoreError> {
        loop {
            let tip = self.tip();
            if let Some(place) = tip.snapshot.place(id)? {
                let located = self.at(&tip, place)?;
                return Ok((tip, Some(located)));
            }
            // Tip and pool change together under the pool's lock.
            let (pending, same) = self.with_pool(|pool| {
                let same = self.tip().record.id == tip.record.id;
                (pool.get(id).cloned(), same)
            });
            let located = pending.map(|transaction| Located {
                transaction,
                included: None,
            });
            if located.is_some() || same {
                return Ok((tip, located));
            }
        }
    }

    /// The transaction at a place of the active chain.
    pub fn at(&self, tip: &Tip, place: Place) -> Result<Located, StoreError> {
        let located = self.at_all(tip, place.height, &[place.index])?.pop();
        located.ok_or_else(|| missing_transaction(place))
    }

    /// Transactions of one block of the active chain, in the requested order; the block is read once for all of them.
    pub(crate) fn at_all(&self, tip: &Tip, height: Height, indexes: &[u32]) -> Result<Vec<Located>, StoreError> {
        let missing = || StoreError::Missing {
            what: format!("block {height}"),
        };
        let id = tip.snapshot.id_at(height)?.ok_or_else(missing)?;
        let block = tip.snapshot.known(&id)?;
        let body = tip.snapshot.block(&id)?.ok_or_else(missing)?;
        let receipts = tip.snapshot.receipts(&id)?;
        let located = indexes.iter().map(|index| {
            let missing = || missing_transaction(Place { height, index: *index });
            let at = *index as usize;
            let (raw, receipt) = body.transactions.get(at).zip(receipts.get(at)).ok_or_else(missing)?;
            let checked = self.checker().check_one(raw.clone());
            let transaction = checked.map_err(|error| StoreError::Altered {
                what: format!("transaction {index} of block {height} ({error})"),
            })?;
            Ok(Located {
                transaction,
                included: Some(Included {
                    block: block.clone(),
                    index: *index,
                    receipt: receipt.clone(),
                }),
            })
        });
        located.collect()
    }

    /// Inclusion proof of a transaction under its block's `transactions_root`.
    pub fn transaction_proof(&self, tip: &Tip, place: Place) -> Result<Option<InclusionProof>, StoreError> {
        let Some(id) = tip.snapshot.id_at(place.height)? else {
            return Ok(None);
        };
        let Some(block) = tip.snapshot.block(&id)? else {
            return Ok(None);
        };
        let leaves: Vec<_> = block
            .transactions
            .iter()
            .map(|tx| merkle::leaf_hash(tx.envelope()))
            .collect();
        Ok(merkle::prove(&leaves, place.index as usize))
    }

    /// Proof that the block at `height` is an ancestor of the tip, under the tip's `history_root`.
    pub fn history_proof(&self, tip: &Tip, height: Height) -> Result<HistoryProof, StoreError> {
        tip.snapshot
            .over_history(|nodes| history::prove(tip.record.height().0, height.0, &nodes))
    }

    /// All that shows, without this node, that the transaction at a place is on the chain, and what it did; none if there
    /// is no such transaction.
    pub fn portable_receipt(&self, tip: &Tip, place: Place) -> Result<Option<PortableReceipt>, StoreError> {
        let Some(block) = self.full_block(tip, BlockKey::Height(place.height))? else {
            return Ok(None);
        };
        let index = place.index as usize;
        let envelopes = block
            .transactions
            .iter()
            .map(|transaction| merkle::leaf_hash(transaction.envelope()));
        let receipts = block
            .receipts
            .iter()
            .map(|receipt| merkle::leaf_hash(&receipt.encode()));
        let (Some(transaction), Some(receipt), Some(transaction_path), Some(receipt_path)) = (
            block.transactions.get(index),
            block.receipts.get(index),
            merkle::prove(&envelopes.collect::<Vec<_>>(), index),
            merkle::prove(&receipts.collect::<Vec<_>>(), index),
        ) else {
            return Ok(None);
        };
        let record = &block.record;
        let history = match record.id == tip.record.id {
            true => None,
            false => Some(self.history_proof(tip, place.height)?),
        };
        Ok(Some(PortableReceipt::new(Parts {
            chain: self.identity(),
            envelope: transaction.envelope().clone(),
            block: HeaderWithManifest::new(&record.header, &record.manifest),
            transaction_path,
            receipt: receipt.clone(),
            receipt_path,
            tip: HeaderWithManifest::new(&tip.record.header, &tip.record.manifest),
            history,
        })))
    }

    /// An account at the tip; the default one if it never received anything.
    pub fn account(&self, tip: &Tip, address: &Address) -> Result<Account, StoreError> {
        Ok(tip.snapshot.account(address)?.unwrap_or_default())
    }

    /// An account with its proof under the tip's `state_root`.
    pub fn proven_account(&self, tip: &Tip, address: &Address) -> Result<ProvenAccount, StoreError> {
        let account = tip.snapshot.account(address)?;
        Ok(ProvenAccount {
            account,
            proof: tip.tree.prove(&account_key(address)),
        })
    }

    /// The nonce that the next transaction of an account should carry, pending ones counted.
    pub fn next_nonce(&self, tip: &Tip, address: &Address) -> Result<u64, StoreError> {
        let nonce = self.account(tip, address)?.nonce;
        let used = self.with_pool(|pool| {
            let waiting = pool.by_sender(address).map(|transaction| transaction.view().nonce);
            let from_here = waiting.skip_while(|used| *used < nonce).zip(nonce..);
            from_here.take_while(|(used, next)| used == next).count()
        });
        Ok(nonce.saturating_add(used as u64))
    }
}

fn missing_transaction(place: Place) -> StoreError {
    StoreError::Missing {
        what: format!("transaction {} of block {}", place.index, place.height),
    }
}
