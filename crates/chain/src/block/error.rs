//! Why a block is rejected. The engine and chains of headers name these reasons too, and so nothing here names them.

use alloy_primitives::B256;

use crate::codec::CodecError;
use crate::consensus::SealError;
use crate::hash::{BlockId, TxId};
use crate::transaction::TransactionError;
use crate::units::{Height, UnixSecs};

/// Why a block is rejected, execution aside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum BlockError {
    #[error("block has {len} bytes, at most {max} are allowed")]
    TooLarge { len: u64, max: u64 },
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("version is {found}, expected {expected}")]
    WrongVersion { found: u32, expected: u32 },
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("time {time} is more than {max_ahead} s ahead of this node's clock ({now})")]
    FromTheFuture {
        time: UnixSecs,
        now: UnixSecs,
        max_ahead: u64,
    },
    #[error("manifest_root is {found}, expected {expected}")]
    WrongManifestRoot { found: B256, expected: B256 },
    #[error("block has {count} transactions, at most {max} are allowed")]
    TooManyTransactions { count: usize, max: usize },
    #[error("transaction {index}: {source}")]
    Transaction { index: usize, source: TransactionError },
    #[error("transaction {id} occurs twice")]
    DuplicateTransaction { id: TxId },
    #[error("transactions_root is {found}, expected {expected}")]
    WrongTransactionsRoot { found: B256, expected: B256 },
    #[error("gas_limit is {found}, expected {expected}")]
    WrongGasLimit { found: u64, expected: u64 },
    #[error("gas_used {found} is above gas_limit {max}")]
    GasUsedAboveLimit { found: u64, max: u64 },
    #[error("parent is {found}, expected {expected}")]
    WrongParent { found: BlockId, expected: BlockId },
    #[error("number is {found}, expected {expected}")]
    WrongNumber { found: Height, expected: Height },
    #[error("time {time} is not after the median {median} of the last blocks")]
    TooEarly { time: u32, median: u32 },
    #[error("history_root is {found}, expected {expected}")]
    WrongHistoryRoot { found: B256, expected: B256 },
    #[error("base_fee is {found}, expected {expected}")]
    WrongBaseFee { found: u128, expected: u128 },
}
