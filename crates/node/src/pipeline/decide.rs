//! The door between executed and committed: [`Pipeline::prepare`] executes a block and holds in memory what it does,
//! [`Pipeline::decide`] makes it the tip, in one batch.
//!
//! Under proof of work the weight decides, so that an import does both at once. An engine whose blocks are voted on prepares
//! a proposal before the vote and decides when it has the votes: the block is executed once and committed once. A prepared
//! block that is not decided is dropped: nothing of it is on the disk, and no reader has seen it.

use std::sync::Arc;

use tally_chain::block::{Ancestors, CheckedBlock};
use tally_chain::{BlockId, CheckedTransaction, Height, LinkedBlock, TxId, UnixSecs};
use tally_ledger::StateTree;

use super::switch::Switch;
use super::{Advance, ImportError, Moved, Pipeline, Tip};
use crate::store::{Batch, BlockRecord, StoreError};

/// What a block that continues its branch leads to.
pub enum Preparation {
    /// Its branch has no more weight than the active chain: it is linked and not executed, since only a branch that becomes
    /// the active one is worth that.
    Side(Box<LinkedBlock>),
    /// It can become the tip.
    Ready(Box<Prepared>),
}

/// An executed block with the batch that makes it the tip; nothing is written yet.
pub struct Prepared {
    /// The tip on which it was prepared: the batch leads from there to the block.
    pub(super) from: BlockId,
    /// Height of the last block that the tip's branch and the block's share.
    pub(super) common: Height,
    pub(super) batch: Batch,
    pub(super) record: BlockRecord,
    /// What the next block sees.
    pub(super) ancestors: Ancestors,
    pub(super) tree: StateTree,
    pub(super) transactions: Arc<[TxId]>,
    pub(super) undone: Vec<Moved>,
    pub(super) joined: Vec<Moved>,
    pub(super) returned: Vec<CheckedTransaction>,
}

impl Prepared {
    /// The record of the block, as it will be stored.
    pub fn record(&self) -> &BlockRecord {
        &self.record
    }
}

impl Pipeline {
    /// Links a checked block that is not stored yet. Where it makes its branch the one of most weight, the block and those
    /// below it on the branch are executed. The tip stays; only a block that does not execute is written, as invalid.
    pub fn prepare(&self, checked: CheckedBlock, now: UnixSecs) -> Result<Preparation, ImportError> {
        let branch = self.branch(checked.header().parent)?;
        let linked = checked.link(&branch.ancestors(&self.engine), &self.spec)?;
        // Equal weight does not suffice: the branch that came first stays, and nodes do not switch to and fro (B9).
        if linked.weight() <= self.tip.record.weight {
            return Ok(Preparation::Side(Box::new(linked)));
        }
        let prepared = self.execute_switch(Switch::to(branch, linked)?, now)?;
        Ok(Preparation::Ready(Box::new(prepared)))
    }

    /// Makes a prepared block the tip: writes all that it does in one batch, and shows it to readers once that is on the
    /// disk.
    ///
    /// # Panics
    /// If the tip has moved since the block was prepared: its batch leads from the earlier tip, and on another one it would
    /// leave a store whose parts do not belong together.
    pub fn decide(&mut self, prepared: Prepared) -> Result<Advance, StoreError> {
        let Prepared {
            from,
            common,
            batch,
            record,
            ancestors,
            tree,
            transactions,
            undone,
            joined,
            returned,
        } = prepared;
        assert_eq!(
            from, self.tip.record.id,
            "a block is decided on the tip that it was prepared on"
        );
        batch.write(&self.store)?;
        let to = record.id;
        // Readers see the new tip only now that it is on the disk.
        self.tip = Arc::new(Tip {
            record,
            ancestors,
            tree,
            snapshot: self.store.snapshot(),
            transactions: Some(transactions),
        });
        Ok(Advance {
            from,
            to,
            common,
            undone,
            joined,
            returned,
        })
    }
}
