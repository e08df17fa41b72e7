//! The rule of docs/protocol.md that an error is about.

use tally_chain::BlockError;
use tally_chain::codec::CodecError;
use tally_chain::consensus::{SealError, WorkSealError};
use tally_chain::keys::KeyError;
use tally_chain::multisig::MultisigError;
use tally_chain::transaction::TransactionError;
use tally_ledger::{ExecutionError, InclusionError};

/// The rule that a block breaks, execution aside.
pub fn of_block(error: &BlockError) -> &'static str {
    match error {
        BlockError::TooLarge { .. } => "L1",
        BlockError::Codec(error) => of_codec(error),
        BlockError::WrongVersion { .. } => "H3",
        BlockError::Seal(SealError::Work(error)) => match error {
            WorkSealError::Bits(_) | WorkSealError::TargetAboveLimit { .. } => "H4",
            WorkSealError::NotEnoughWork { .. } => "H5",
            WorkSealError::WrongBits { .. } => "B5",
            WorkSealError::UnexpectedSeal { .. } => "M2",
        },
        BlockError::FromTheFuture { .. } => "B4",
        BlockError::TooManyTransactions { .. } => "L2",
        BlockError::Transaction { source, .. } => of_transaction(source),
        BlockError::DuplicateTransaction { .. } => "B8",
        BlockError::WrongManifestRoot { .. }
        | BlockError::WrongTransactionsRoot { .. }
        | BlockError::WrongHistoryRoot { .. } => "B2",
        BlockError::WrongGasLimit { .. } | BlockError::GasUsedAboveLimit { .. } => "B6",
        BlockError::WrongParent { .. } | BlockError::WrongNumber { .. } => "B1",
        BlockError::TooEarly { .. } => "B3",
        BlockError::WrongBaseFee { .. } => "B7",
    }
}

/// The rule that the execution of a block breaks; none where the state could not be read, which is no fault of the block.
pub fn of_execution(error: &ExecutionError) -> Option<&'static str> {
    Some(match error {
        ExecutionError::Transaction { source, .. } => of_inclusion(source),
        ExecutionError::WrongGasUsed { .. }
        | ExecutionError::WrongReceiptsRoot { .. }
        | ExecutionError::WrongStateRoot { .. } => "B2",
        ExecutionError::SupplyOverflow | ExecutionError::MoneyCreated { .. } => "I2",
        ExecutionError::NotBurned { .. } => "X3",
        ExecutionError::State(_) => return None,
    })
}

fn of_codec(error: &CodecError) -> &'static str {
    match error {
        CodecError::TooLong { .. } | CodecError::TooMany { .. } => "E2",
        _ => "E1",
    }
}

fn of_transaction(error: &TransactionError) -> &'static str {
    match error {
        TransactionError::Empty | TransactionError::UnknownType { .. } => "T1",
        TransactionError::TooLarge { .. } => "L3",
        TransactionError::Codec(error) => of_codec(error),
        TransactionError::UnknownAuthenticator { .. } => "T2",
        TransactionError::Key(error) => of_key(error),
        TransactionError::Policy(_) => "A7",
        TransactionError::Multisig(error) => match error {
            MultisigError::UnknownSigner { .. } => "T11",
            MultisigError::Form { source, .. } => of_key(source),
            MultisigError::Missing { .. } | MultisigError::Extra { .. } | MultisigError::BadSignature { .. } => "T12",
        },
        TransactionError::BadSignature => "T3",
        TransactionError::NotReplayProtected { .. } | TransactionError::WrongChain { .. } => "T5",
        TransactionError::BadParity { .. } => "T10",
        TransactionError::NonceTooLarge => "T6",
        TransactionError::GasLimitTooHigh { .. } => "L4",
        TransactionError::PriorityAboveMax { .. } | TransactionError::FeeTooLow { .. } => "T8",
        TransactionError::CostOverflow => "T9",
        TransactionError::Expired { .. } | TransactionError::FromTheFuture { .. } => "T7",
    }
}

fn of_key(error: &KeyError) -> &'static str {
    match error {
        KeyError::NotRsaSpki
        | KeyError::RsaModulusSize { .. }
        | KeyError::RsaModulusEven
        | KeyError::RsaExponent
        | KeyError::RsaNotCanonical => "A4",
        KeyError::RsaSignatureLength { .. } | KeyError::RsaSignatureRange => "A5",
        KeyError::NotSecp256k1Point
        | KeyError::Secp256k1SignatureLength { .. }
        | KeyError::Secp256k1Range
        | KeyError::Secp256k1HighS => "A6",
    }
}

fn of_inclusion(error: &InclusionError) -> &'static str {
    match error {
        InclusionError::Transaction(error) => of_transaction(error),
        InclusionError::NonceTooLow { .. } | InclusionError::NonceTooHigh { .. } => "T6",
        InclusionError::InsufficientFunds { .. } | InclusionError::SenderHasCode { .. } => "T9",
        InclusionError::GasLimitTooLow { .. } => "X2",
        InclusionError::GasExceedsBlock { .. } => "B6",
        InclusionError::ExecutionExceedsBlock { .. } => "X7",
        InclusionError::BytesExceedBlock { .. } => "L1",
        InclusionError::TooManyTransactions { .. } => "L2",
        InclusionError::InitcodeTooLong { .. }
        | InclusionError::DependsOnProducer
        | InclusionError::RunsCode
        | InclusionError::Evm(_) => "X1",
    }
}
