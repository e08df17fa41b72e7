//! What an audit can find wrong.

use tally_audit::{Broken, RuleFault, rules};
use tally_chain::{Address, Amount, B256, BlockError, BlockId, Height, TxId};
use tally_ledger::ExecutionError;

use crate::counted::counted;
use crate::store::Place;

/// Something in the store that is not what the blocks give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum StoreFault {
    #[error("block {height}: no id is stored at this height")]
    NoId { height: Height },
    #[error("checkpoint at block {height}: {reason}")]
    Checkpoint { height: Height, reason: String },
    #[error("block {height}: its body is missing")]
    NoBody { height: Height },
    #[error("block {height}: its record is missing or unreadable")]
    NoRecord { height: Height },
    #[error("block {height}: the body hashes to {found}, stored is {expected}")]
    WrongId {
        height: Height,
        found: BlockId,
        expected: BlockId,
    },
    #[error("block {height}: {source}")]
    Block { height: Height, source: BlockError },
    #[error("block {height}: {source}")]
    Execution { height: Height, source: ExecutionError },
    #[error("block {height}: the recorded {field} is {found}, the block gives {expected}")]
    Record {
        height: Height,
        field: &'static str,
        found: String,
        expected: String,
    },
    #[error("block {height}: the stored receipts are not those of its execution")]
    Receipts { height: Height },
    #[error("block {height}: the stored undo data is not that of its execution")]
    Undo { height: Height },
    #[error("block {height}: the history node at position {position} is wrong")]
    HistoryNode { height: Height, position: u64 },
    #[error("transaction {id}: the index has it at {found:?}, it is at {expected:?}")]
    Place {
        id: TxId,
        found: Option<Place>,
        expected: Place,
    },
    #[error("account {address}: its history names {found:?} at {place:?}, there is {expected}")]
    AccountHistory {
        address: Address,
        place: Place,
        found: Option<TxId>,
        expected: TxId,
    },
    #[error("block {height}: the index does not name {address} as its producer")]
    Produced { address: Address, height: Height },
    #[error("the index of {index} has {}, the blocks give {expected}", counted(*.found, "entry", "entries"))]
    IndexSize {
        index: &'static str,
        found: u64,
        expected: u64,
    },
    #[error("account {address}: stored is {found}, the blocks give {expected}")]
    Account {
        address: Address,
        found: String,
        expected: String,
    },
    #[error("account {address}: slot {slot} holds {found}, the blocks give {expected}")]
    Storage {
        address: Address,
        slot: B256,
        found: B256,
        expected: B256,
    },
    #[error("the code with the hash {hash} is missing or other code")]
    Code { hash: B256 },
    #[error("the stored state has the root {found}, the blocks give {expected}")]
    StateRoot { found: B256, expected: B256 },
    #[error("all balances together are {found}, allocations + subsidies - burned is {expected}")]
    Balances { found: Amount, expected: Amount },
}

impl From<RuleFault> for StoreFault {
    fn from(fault: RuleFault) -> Self {
        match fault {
            RuleFault::Block { height, source } => Self::Block { height, source },
            RuleFault::Execution { height, source } => Self::Execution { height, source },
            RuleFault::OtherTip {
                height,
                found,
                expected,
            } => Self::WrongId {
                height,
                found,
                expected,
            },
            RuleFault::Balances { found, expected } => Self::Balances { found, expected },
        }
    }
}

impl Broken for StoreFault {
    fn height(&self) -> Option<Height> {
        match self {
            Self::NoId { height }
            | Self::Checkpoint { height, .. }
            | Self::NoBody { height }
            | Self::NoRecord { height }
            | Self::WrongId { height, .. }
            | Self::Block { height, .. }
            | Self::Execution { height, .. }
            | Self::Record { height, .. }
            | Self::Receipts { height }
            | Self::Undo { height }
            | Self::HistoryNode { height, .. }
            | Self::Produced { height, .. } => Some(*height),
            Self::Place { expected, .. } => Some(expected.height),
            Self::AccountHistory { place, .. } => Some(place.height),
            Self::IndexSize { .. }
            | Self::Account { .. }
            | Self::Storage { .. }
            | Self::Code { .. }
            | Self::StateRoot { .. }
            | Self::Balances { .. } => None,
        }
    }

    fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Block { source, .. } => Some(rules::of_block(source)),
            Self::Execution { source, .. } => rules::of_execution(source),
            Self::Balances { .. } => Some("I2"),
            // What a store has beside the blocks is in no rule of the chain.
            _ => None,
        }
    }
}
