//! What is wrong with a block, its seal or its execution.

use serde_json::Value;
use tally_chain::BlockError;
use tally_chain::consensus::{SealError, WorkSealError};
use tally_chain::pow::BitsError;
use tally_node::{ExecutionError, ImportError, InclusionError};

use super::{Kind, Problem, kinds};

/// A text as JSON, for ids, roots and amounts.
fn text(value: impl ToString) -> Value {
    Value::String(value.to_string())
}

fn hex(bits: u32) -> Value {
    Value::String(format!("{bits:#010x}"))
}

impl From<&BlockError> for Problem {
    fn from(error: &BlockError) -> Self {
        use BlockError as E;
        let named = |kind: &'static Kind, field: &str| Self::new(kind, error).field(field);
        match error {
            E::TooLarge { len, max } => named(&kinds::BLOCK_TOO_LARGE, "block").above(*len, *max),
            E::Codec(source) => source.into(),
            E::WrongVersion { found, expected } => named(&kinds::WRONG_VERSION, "version").differs(*found, *expected),
            E::Seal(source) => source.into(),
            E::FromTheFuture { time, now, max_ahead } => named(&kinds::BLOCK_FROM_THE_FUTURE, "time")
                .above(time.0, *max_ahead)
                .with("now", now.0),
            E::WrongManifestRoot { found, expected } => {
                named(&kinds::WRONG_MANIFEST_ROOT, "manifest_root").differs(text(found), text(expected))
            }
            E::TooManyTransactions { count, max } => {
                named(&kinds::TOO_MANY_TRANSACTIONS, "transactions").above(*count, *max)
            }
            E::Transaction { index, source } => Self::from(source).with("index", *index),
            E::DuplicateTransaction { id } => {
                named(&kinds::DUPLICATE_TRANSACTION, "transactions").with("found", text(id))
            }
            E::WrongTransactionsRoot { found, expected } => {
                named(&kinds::WRONG_TRANSACTIONS_ROOT, "transactions_root").differs(text(found), text(expected))
            }
            E::WrongGasLimit { found, expected } => {
                named(&kinds::WRONG_GAS_LIMIT, "gas_limit").differs(*found, *expected)
            }
            E::GasUsedAboveLimit { found, max } => named(&kinds::GAS_USED_ABOVE_LIMIT, "gas_used").above(*found, *max),
            E::WrongParent { found, expected } => {
                named(&kinds::WRONG_PARENT, "parent").differs(text(found), text(expected))
            }
            E::WrongNumber { found, expected } => named(&kinds::WRONG_NUMBER, "number").differs(found.0, expected.0),
            E::TooEarly { time, median } => named(&kinds::BLOCK_TOO_EARLY, "time")
                .with("found", *time)
                .with("limit", *median),
            E::WrongHistoryRoot { found, expected } => {
                named(&kinds::WRONG_HISTORY_ROOT, "history_root").differs(text(found), text(expected))
            }
            E::WrongBaseFee { found, expected } => {
                named(&kinds::WRONG_BASE_FEE, "base_fee").differs(text(found), text(expected))
            }
        }
    }
}

impl From<&SealError> for Problem {
    fn from(error: &SealError) -> Self {
        match error {
            SealError::Work(source) => source.into(),
        }
    }
}

impl From<&WorkSealError> for Problem {
    fn from(error: &WorkSealError) -> Self {
        use WorkSealError as E;
        let named = |kind: &'static Kind, field: &str| Self::new(kind, error).field(field);
        match error {
            E::Bits(source) => source.into(),
            E::TargetAboveLimit { bits, limit } => {
                named(&kinds::TARGET_ABOVE_LIMIT, "bits").above(hex(*bits), hex(*limit))
            }
            E::NotEnoughWork { id, bits } => named(&kinds::NOT_ENOUGH_WORK, "nonce")
                .with("found", text(id))
                .with("bits", hex(*bits)),
            E::WrongBits { found, expected } => named(&kinds::WRONG_BITS, "bits").differs(hex(*found), hex(*expected)),
            E::UnexpectedSeal { len } => named(&kinds::UNEXPECTED_SEAL, "seal").above(*len, 0),
        }
    }
}

impl From<&BitsError> for Problem {
    fn from(error: &BitsError) -> Self {
        let (kind, bits) = match error {
            BitsError::Negative { bits } => (&kinds::BITS_NEGATIVE, *bits),
            BitsError::Zero { bits } => (&kinds::BITS_ZERO, *bits),
            BitsError::Overflow { bits } => (&kinds::BITS_OVERFLOW, *bits),
            BitsError::NotCanonical { bits, expected } => {
                let problem = Self::new(&kinds::BITS_NOT_CANONICAL, error).field("bits");
                return problem.differs(hex(*bits), hex(*expected));
            }
        };
        Self::new(kind, error).field("bits").with("found", hex(bits))
    }
}

impl From<&ExecutionError> for Problem {
    fn from(error: &ExecutionError) -> Self {
        use ExecutionError as E;
        let named = |kind: &'static Kind, field: &str| Self::new(kind, error).field(field);
        match error {
            E::Transaction { index, source } => Self::from(source).with("index", *index),
            E::WrongGasUsed { found, expected } => named(&kinds::WRONG_GAS_USED, "gas_used").differs(*found, *expected),
            E::WrongReceiptsRoot { found, expected } => {
                named(&kinds::WRONG_RECEIPTS_ROOT, "receipts_root").differs(text(found), text(expected))
            }
            E::WrongStateRoot { found, expected } => {
                named(&kinds::WRONG_STATE_ROOT, "state_root").differs(text(found), text(expected))
            }
            E::SupplyOverflow => Self::new(&kinds::SUPPLY_OVERFLOW, error),
            E::MoneyCreated { had, after } => Self::new(&kinds::MONEY_CREATED, error).differs(text(after), text(had)),
            E::NotBurned { burned, required } => {
                Self::new(&kinds::NOT_BURNED, error).differs(text(burned), text(required))
            }
            E::State(source) => source.into(),
        }
    }
}

impl From<&InclusionError> for Problem {
    fn from(error: &InclusionError) -> Self {
        use InclusionError as E;
        let named = |kind: &'static Kind, field: &str| Self::new(kind, error).field(field);
        match error {
            E::Transaction(source) => source.into(),
            E::NonceTooLow { found, expected } => named(&kinds::NONCE_TOO_LOW, "nonce").differs(*found, *expected),
            E::NonceTooHigh { found, expected } => named(&kinds::NONCE_TOO_HIGH, "nonce").differs(*found, *expected),
            E::InsufficientFunds { balance, required } => {
                named(&kinds::INSUFFICIENT_FUNDS, "value").differs(text(balance), text(required))
            }
            E::SenderHasCode { sender } => named(&kinds::SENDER_IS_CONTRACT, "sender").with("found", text(sender)),
            E::GasLimitTooLow { gas_limit, required } => {
                named(&kinds::GAS_LIMIT_TOO_LOW, "gas_limit").differs(*gas_limit, *required)
            }
            E::ExecutionExceedsBlock { gas, left } => named(&kinds::GAS_EXCEEDS_BLOCK, "gas_limit").above(*gas, *left),
            E::GasExceedsBlock { gas_limit, left } => {
                named(&kinds::GAS_EXCEEDS_BLOCK, "gas_limit").above(*gas_limit, *left)
            }
            E::BytesExceedBlock { bytes, left } => {
                named(&kinds::BYTES_EXCEED_BLOCK, "transaction").above(*bytes, *left)
            }
            E::TooManyTransactions { max } => named(&kinds::TOO_MANY_TRANSACTIONS, "transactions").with("limit", *max),
            E::InitcodeTooLong { len, max } => named(&kinds::INITCODE_TOO_LONG, "data").above(*len, *max),
            E::DependsOnProducer | E::RunsCode | E::Evm(_) => Self::new(&kinds::EVM_REFUSED, error),
        }
    }
}

impl From<&ImportError> for Problem {
    fn from(error: &ImportError) -> Self {
        use ImportError as E;
        let named = |kind: &'static Kind, field: &str| Self::new(kind, error).field(field);
        match error {
            E::Block(source) => source.into(),
            E::UnknownParent { parent } => named(&kinds::UNKNOWN_PARENT, "parent").with("found", text(parent)),
            E::InvalidParent { parent } => named(&kinds::INVALID_PARENT, "parent").with("found", text(parent)),
            E::KnownInvalid { id } => named(&kinds::KNOWN_INVALID, "block").with("found", text(id)),
            E::TooDeep { depth, max } => named(&kinds::FORK_TOO_DEEP, "parent").above(*depth, *max),
            E::Execution { id, height, source } => {
                Self::from(&**source).with("block", text(id)).with("height", height.0)
            }
            E::Store(source) => source.into(),
        }
    }
}
