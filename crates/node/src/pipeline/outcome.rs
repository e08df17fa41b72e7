//! What an import came to: how the tip moved, or why a block is not imported.

use tally_chain::{BlockError, BlockId, CheckedTransaction, Height};
use tally_ledger::ExecutionError;

use crate::counted::counted;
use crate::store::{BlockRecord, Indexed, StoreError};

/// Why a block is not imported.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum ImportError {
    #[error(transparent)]
    Block(#[from] BlockError),
    #[error("parent {parent} is unknown")]
    UnknownParent { parent: BlockId },
    #[error("parent {parent} is invalid")]
    InvalidParent { parent: BlockId },
    #[error("block {id} was found invalid before")]
    KnownInvalid { id: BlockId },
    #[error("block forks {} below the tip, at most {max} are allowed", counted(*.depth, "block", "blocks"))]
    TooDeep { depth: u64, max: u64 },
    #[error("block {id} at height {height} does not execute: {source}")]
    Execution {
        id: BlockId,
        height: Height,
        source: Box<ExecutionError>,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// The block was here before; nothing changed.
    Known {
        /// Id of the block.
        id: BlockId,
    },
    /// Stored on a branch that is not the best.
    Side {
        /// Id of the block.
        id: BlockId,
        /// Its height.
        height: Height,
    },
    /// The block is the new tip.
    Tip(Advance),
}

/// How the tip moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The tip before.
    pub from: BlockId,
    /// The tip after.
    pub to: BlockId,
    /// Height of the last block that both branches share.
    pub common: Height,
    /// Blocks that left the active chain, highest first.
    pub undone: Vec<Moved>,
    /// Blocks that joined it, lowest first.
    pub joined: Vec<Moved>,
    /// Transactions of undone blocks that are in no block any more, in the order of their blocks.
    pub returned: Vec<CheckedTransaction>,
}

/// A block that left or joined the active chain, without its body: of a long branch all bodies may be more than there is
/// memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The block's record.
    pub record: BlockRecord,
    /// Its transactions, in order.
    pub transactions: Vec<Indexed>,
}
