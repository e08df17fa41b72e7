//! Why a file is no portable receipt, and why a receipt does not hold. Rules: docs/protocol.md#P1 to #P8

use alloy_primitives::B256;

use super::{PROVED, VERSION};
use crate::codec::CodecError;
use crate::consensus::SealError;
use crate::hash::{BlockId, TxId};
use crate::history::{HistoryError, NODE_BYTES};
use crate::light::{LightError, LightFault};
use crate::merkle::MerkleError;
use crate::spec::SpecError;
use crate::transaction::TransactionError;

/// Why a file is not a portable receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum FileError {
    #[error("the file has {len} bytes, a receipt has at most {max}")]
    TooLong { len: usize, max: usize },
    #[error("the file is not a Tally receipt: {reason}")]
    Form { reason: String },
    #[error("the receipt has version {found}; versions {} are known here", known())]
    Version { found: u64 },
    #[error("field {field} is missing: version {version} of a receipt has it")]
    Missing { field: &'static str, version: u32 },
    #[error("field {field} is not one of version {version} of a receipt")]
    Unexpected { field: &'static str, version: u32 },
    #[error(
        "{field} is not written as receipts are: every field, lower-case hex, with 0x where it is bytes, allocations by address"
    )]
    NotCanonical { field: String },
}

/// Why a portable receipt does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum ReceiptError {
    #[error("it is of the chain {found}, not of {expected}")]
    OtherChain { found: BlockId, expected: BlockId },
    #[error("the transaction: {0}")]
    Transaction(#[from] TransactionError),
    #[error("{role} block: its header has {len} bytes, not 80")]
    Header { role: BlockRole, len: usize },
    #[error("{role} block has no parent: only a genesis has none, which holds no transaction and follows no block")]
    NoParent { role: BlockRole },
    #[error("{role} block: {source}")]
    Manifest { role: BlockRole, source: CodecError },
    #[error("{role} block: the manifest hashes to {found}, the header names {expected}")]
    ManifestRoot {
        role: BlockRole,
        found: B256,
        expected: B256,
    },
    #[error("{role} block: {source}")]
    Seal { role: BlockRole, source: SealError },
    #[error("the path of the transaction: {0}")]
    TransactionPath(MerkleError),
    #[error("the execution receipt: {0}")]
    Receipt(CodecError),
    #[error("the execution receipt has {len} bytes, at most {max} are allowed")]
    ReceiptTooLong { len: usize, max: usize },
    #[error("the path of the execution receipt: {0}")]
    ReceiptPath(MerkleError),
    #[error("the execution receipt is that of {found}, not of {expected}")]
    OtherReceipt { found: TxId, expected: TxId },
    #[error("a node of the history path has {len} bytes, not {NODE_BYTES}")]
    HistoryNode { len: usize },
    #[error("the history path: {0}")]
    History(#[from] HistoryError),
    #[error("it leads to the block {found}, not to the one that is trusted, {trusted}")]
    OtherTip { found: BlockId, trusted: BlockId },
    #[error("it has no proof of its chain: version {PROVED} has one, this is version {version}")]
    NoProof { version: u32 },
    #[error("chain.proof has {len} bytes, at most {max} are allowed")]
    ProofTooLong { len: usize, max: usize },
    #[error("chain.spec: {0}")]
    Spec(#[from] SpecError),
    #[error("chain.spec: {0}")]
    OtherSpec(LightError),
    #[error("chain.proof: {0}")]
    Proof(#[from] LightFault),
    #[error("chain.proof is of the block {found}, the receipt leads to {expected}")]
    OtherProof { found: BlockId, expected: BlockId },
}

/// What one of the two blocks of a receipt is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockRole {
    /// The one that holds the transaction.
    Own,
    /// The later one that the history path leads to.
    Tip,
}

impl std::fmt::Display for BlockRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Own => "the transaction's",
            Self::Tip => "the later",
        })
    }
}

/// The versions, for messages.
fn known() -> String {
    format!("{VERSION} and {PROVED}")
}
