//! What a chain's blocks can break.

use tally_chain::{Amount, BlockError, BlockId, Height};
use tally_ledger::ExecutionError;

use crate::rules;

/// A block that does not do what the rules require.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum RuleFault {
    #[error("block {height}: {source}")]
    Block { height: Height, source: BlockError },
    #[error("block {height}: {source}")]
    Execution { height: Height, source: ExecutionError },
    #[error("block {height}: the chain leads to {found}, the tip is {expected}")]
    OtherTip {
        height: Height,
        found: BlockId,
        expected: BlockId,
    },
    #[error("all balances together are {found}, allocations + subsidies - burned is {expected}")]
    Balances { found: Amount, expected: Amount },
}

/// A fault as reports show it.
pub trait Broken: std::fmt::Display {
    /// Height of the block that it is about, where it is about one.
    fn height(&self) -> Option<Height>;
    /// Number of the rule in docs/protocol.md; none where what a store has beside its blocks is wrong.
    fn rule(&self) -> Option<&'static str>;
}

impl Broken for RuleFault {
    fn height(&self) -> Option<Height> {
        match self {
            Self::Block { height, .. } | Self::Execution { height, .. } | Self::OtherTip { height, .. } => {
                Some(*height)
            }
            Self::Balances { .. } => None,
        }
    }

    fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Block { source, .. } => Some(rules::of_block(source)),
            Self::Execution { source, .. } => rules::of_execution(source),
            // A chain that ends elsewhere is not the one that leads to the tip.
            Self::OtherTip { .. } => Some("B1"),
            Self::Balances { .. } => Some("I2"),
        }
    }
}
