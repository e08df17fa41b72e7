//! Why a proof of a chain is rejected. Rules: docs/protocol.md#F1 to #F10

use alloy_primitives::{B256, U256};

use super::draws::Unsampled;
use super::order::OutOfOrder;
use super::range::WeightOverflow;
use crate::block::BlockError;
use crate::codec::CodecError;
use crate::consensus::{CompactError, SealError};
use crate::hash::BlockId;
use crate::units::{Height, Weight};

/// What is wrong with a proof of a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum LightError {
    #[error("the chain spec has genesis {found}, expected {expected}")]
    OtherSpec { found: BlockId, expected: BlockId },
    #[error("the bytes are no proof of a chain: they do not begin as one does")]
    NoProof,
    #[error("version {found} of a proof of a chain is not known here, expected {expected}")]
    UnknownVersion { found: u8, expected: u8 },
    #[error("kind {found} of a proof of a chain is not known")]
    UnknownKind { found: u8 },
    #[error("the proof is of the chain with genesis {found}, expected {expected}")]
    OtherChain { found: BlockId, expected: BlockId },
    #[error("the tip has height {height}, at most {max} is verified")]
    TooHigh { height: Height, max: u64 },
    #[error("the proof ends {missing} too early")]
    Truncated { missing: &'static str },
    #[error("the proof goes on after its end")]
    TrailingBytes,
    #[error("manifest: {len} bytes, at most {max} are allowed")]
    LongManifest { len: usize, max: usize },
    #[error(transparent)]
    Manifest(#[from] CodecError),
    #[error("manifest root is {found:#x} in the header, expected {expected:#x}")]
    WrongManifestRoot { found: B256, expected: B256 },
    #[error("all headers are needed: {0}")]
    Unsampled(#[from] Unsampled),
    #[error("{count} records, expected {min} to {max}")]
    RecordCount { count: u64, min: u64, max: u64 },
    #[error("a record is of block {found}, expected {first} to {last}")]
    RecordOrder { found: u64, first: u64, last: u64 },
    #[error("parent is {found}, expected {expected}")]
    WrongParent { found: BlockId, expected: BlockId },
    #[error(transparent)]
    Header(#[from] BlockError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Compact(#[from] CompactError),
    #[error("history root is {found:#x}, expected {expected:#x}")]
    WrongHistoryRoot { found: B256, expected: B256 },
    #[error("work of a node: {len} bytes, at most {max} are allowed")]
    LongWeight { len: usize, max: usize },
    #[error("work of a node begins with a zero")]
    PaddedWeight,
    #[error("a node's earliest time {earliest} is after its latest {latest}")]
    NodeTimes { earliest: u32, latest: u32 },
    #[error("the work of blocks {first} to {last} is {weight}, by their times at least {least}")]
    TooLittleWork {
        first: u64,
        last: u64,
        weight: U256,
        least: U256,
    },
    #[error("the work of blocks {first} to {last} is {weight}, by their times at most {most}")]
    TooMuchWork {
        first: u64,
        last: u64,
        weight: U256,
        most: U256,
    },
    #[error("the sum of work is 2^256 or more")]
    WeightOverflow,
    #[error("the block at {place} of the total work was drawn and is not shown")]
    NotShown { place: U256 },
    #[error("block {number} is shown and was not drawn")]
    NotDrawn { number: u64 },
    #[error("block {number} begins a window of newest blocks and is not shown")]
    WindowNotShown { number: u64 },
    #[error("a tail of {blocks} blocks cannot be, it has {min}, or twice as many up to {max}")]
    TailLength { blocks: u64, min: u64, max: u64 },
    #[error(
        "the work of the tail of {blocks} blocks is {weight}, less than that of 200 blocks of the last {window}, whose work is {sum}"
    )]
    ShortTail {
        blocks: u64,
        weight: U256,
        window: u64,
        sum: U256,
    },
    #[error("the tail has {blocks} blocks, and half of them have enough work")]
    LongTail { blocks: u64 },
    #[error("the headers end with block {found}, expected the tip {expected}")]
    WrongTip { found: BlockId, expected: BlockId },
    #[error("the total work of the chain is {found}, the node claims {claimed}")]
    OtherWeight { found: Weight, claimed: Weight },
    #[error("the total work of the chain is {found}, a chain of {known} was verified before")]
    LessWork { found: Weight, known: Weight },
    #[error("the chain has the same total work as one with tip {known} that was verified before, its tip is {found}")]
    SameWeight { found: BlockId, known: BlockId },
}

impl From<WeightOverflow> for LightError {
    fn from(_: WeightOverflow) -> Self {
        Self::WeightOverflow
    }
}

impl From<OutOfOrder> for LightError {
    fn from(found: OutOfOrder) -> Self {
        Self::Unsampled(found.into())
    }
}

/// The first thing that is wrong with a proof, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule}{}, byte {at}: {error}", at_height(*.height))]
pub struct LightFault {
    /// Number of the rule in docs/protocol.md that does not hold.
    pub rule: &'static str,
    /// Height of the block that it is about, where it is about one.
    pub height: Option<Height>,
    /// Byte of the proof at which the part begins that is wrong, from 0.
    pub at: u64,
    /// What is wrong.
    pub error: Box<LightError>,
}

fn at_height(height: Option<Height>) -> String {
    height.map_or_else(String::new, |height| format!(", block {height}"))
}

impl LightFault {
    /// Whether the chain may be valid and only a sample of it shows too little: then the reader requests all headers.
    /// Rule: docs/protocol.md#F1
    pub fn needs_all_headers(&self) -> bool {
        matches!(*self.error, LightError::Unsampled(_))
    }
}

/// A fault before its place in the proof is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub rule: &'static str,
    pub height: Option<u64>,
    pub error: Box<LightError>,
}

impl Violation {
    pub fn at(self, at: u64) -> LightFault {
        LightFault {
            rule: self.rule,
            height: self.height.map(Height),
            at,
            error: self.error,
        }
    }
}

/// The violation of a rule that is about no single block.
pub(super) fn violation(rule: &'static str, error: impl Into<LightError>) -> Violation {
    Violation {
        rule,
        height: None,
        error: Box::new(error.into()),
    }
}

/// The violation of a rule at a block.
pub(super) fn violation_at(rule: &'static str, height: u64, error: impl Into<LightError>) -> Violation {
    Violation {
        height: Some(height),
        ..violation(rule, error)
    }
}

/// The rule that a header breaks.
pub(super) fn rule_of(error: &BlockError) -> &'static str {
    match error {
        BlockError::WrongVersion { .. } => "H3",
        BlockError::FromTheFuture { .. } => "B4",
        BlockError::TooEarly { .. } => "B3",
        BlockError::Seal(error) => rule_of_seal(error),
        _ => "F2",
    }
}

/// The rule that a seal breaks.
pub(super) fn rule_of_seal(error: &SealError) -> &'static str {
    use crate::consensus::WorkSealError as Work;
    match error {
        SealError::Work(Work::Bits(_) | Work::TargetAboveLimit { .. }) => "H4",
        SealError::Work(Work::NotEnoughWork { .. }) => "H5",
        SealError::Work(Work::WrongBits { .. }) => "D1",
        SealError::Work(Work::UnexpectedSeal { .. }) => "M2",
    }
}
