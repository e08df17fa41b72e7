//! A block that was executed and not committed yet.

use std::sync::Arc;

use tally_chain::block::Ancestors;
use tally_chain::{BlockId, CheckedTransaction, Height, LinkedBlock, TxId};
use tally_ledger::StateTree;

use super::Moved;
use crate::store::{Batch, BlockRecord};

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
