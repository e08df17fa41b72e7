//! The door between executed and committed: [`Pipeline::prepare`] executes a block and holds in memory what it does,
//! [`Pipeline::decide`] makes it the tip, in one batch.
//!
//! Under proof of work the weight decides, so that an import does both at once. An engine whose blocks are voted on prepares
//! a proposal before the vote and decides when it has the votes: the block is executed once and committed once. A prepared
//! block that is not decided is dropped: nothing of it is on the disk, and no reader has seen it.

use std::sync::Arc;

use tally_chain::UnixSecs;
use tally_chain::block::CheckedBlock;

use super::switch::Switch;
use super::{Advance, ImportError, Pipeline, Preparation, Prepared, Tip};
use crate::store::StoreError;

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
