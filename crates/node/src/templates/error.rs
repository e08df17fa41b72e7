//! Why there is no template, and why work for one is rejected.

use tally_chain::consensus::SealError;
use tally_chain::{Height, UnixSecs};
use tally_ledger::StateError;

use crate::clock::ClockReading;
use crate::pipeline::ImportError;

/// Why there is no template.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum TemplateError {
    #[error(transparent)]
    State(StateError),
    #[error(transparent)]
    Seal(SealError),
    #[error("the chain begins at {begins} (Unix seconds): there is nothing to mine before")]
    NotBegun { begins: UnixSecs },
    /// With a block on genesis it could not begin with a state any more. Rule: docs/protocol.md#Q4
    #[error("this node waits for a state to begin with: nothing is mined on genesis meanwhile")]
    AwaitsState,
    /// By peers of this node's own choice. Rule: docs/protocol.md#N13
    #[error("{}: a block of this time is none for others", .reading.words())]
    ClockOff { reading: ClockReading },
    #[error("the node can store nothing now: a block that is found would be lost")]
    NothingStored,
    #[error("this machine's clock is {secs} s behind this node's own chain: it would reject the block itself")]
    ClockBehindChain { secs: u64 },
    #[error("templates for {max} addresses were requested on this block already; try again after the next block")]
    TooManyProducers { max: usize },
}

/// Why work is rejected.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum WorkError {
    #[error("template {template} was never handed out since this node started")]
    UnknownTemplate { template: u64 },
    #[error("template {template} is for an earlier block: the chain is at height {height} now")]
    StaleTemplate { template: u64, height: Height },
    #[error("time is {time}, the transactions of this template allow at most {latest} (Unix seconds)")]
    TimeTooLate { time: u32, latest: u32 },
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl From<StateError> for TemplateError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}
