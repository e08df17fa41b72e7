//! What is wrong with a transaction, its encoding or its key.

use tally_chain::address::AddressError;
use tally_chain::hash::IdError;
use tally_chain::keys::KeyError;
use tally_chain::{CodecError, TransactionError};

use super::{Problem, kinds};

impl From<&TransactionError> for Problem {
    fn from(error: &TransactionError) -> Self {
        use TransactionError as E;
        let named = |kind, field: &str| Self::new(kind, error).field(field);
        match error {
            E::Empty => Self::new(&kinds::TRANSACTION_EMPTY, error),
            E::TooLarge { len, max } => named(&kinds::TRANSACTION_TOO_LARGE, "transaction").above(*len, *max),
            E::UnknownType { found } => {
                named(&kinds::UNKNOWN_TRANSACTION_TYPE, "type").with("found", format!("{found:#04x}"))
            }
            E::Codec(source) => source.into(),
            E::UnknownAuthenticator { found } => {
                named(&kinds::UNKNOWN_AUTHENTICATOR, "authenticator.kind").with("found", *found)
            }
            E::Key(source) => source.into(),
            E::BadSignature => named(&kinds::BAD_SIGNATURE, "authenticator.signature"),
            E::NotReplayProtected { v } => named(&kinds::NOT_REPLAY_PROTECTED, "v").with("found", *v),
            E::BadParity { found } => named(&kinds::BAD_PARITY, "y_parity").with("found", *found),
            E::WrongChain { found, expected } => named(&kinds::WRONG_CHAIN, "chain_id").differs(*found, *expected),
            E::NonceTooLarge => named(&kinds::NONCE_TOO_LARGE, "nonce").with("limit", u64::MAX - 1),
            E::GasLimitTooHigh { found, max } => named(&kinds::GAS_LIMIT_TOO_HIGH, "gas_limit").above(*found, *max),
            E::PriorityAboveMax { priority, max_fee } => named(&kinds::PRIORITY_FEE_ABOVE_MAX_FEE, "max_priority_fee")
                .above(priority.to_string(), max_fee.to_string()),
            E::FeeTooLow { max_fee, base_fee } => {
                named(&kinds::FEE_TOO_LOW, "max_fee").differs(max_fee.to_string(), base_fee.to_string())
            }
            E::CostOverflow => named(&kinds::COST_OVERFLOW, "value"),
            E::Expired { timestamp, time } => named(&kinds::TRANSACTION_EXPIRED, "timestamp")
                .with("found", timestamp.0)
                .with("time", time.0)
                .with("limit", tally_chain::transaction::LIFETIME),
            E::FromTheFuture { timestamp, time } => named(&kinds::TRANSACTION_FROM_THE_FUTURE, "timestamp")
                .with("found", timestamp.0)
                .with("time", time.0)
                .with("limit", tally_chain::transaction::MAX_AHEAD),
        }
    }
}

impl From<&CodecError> for Problem {
    fn from(error: &CodecError) -> Self {
        use alloy_rlp::Error as Rlp;
        match error {
            CodecError::Rlp { field, source } => {
                let kind = match source {
                    Rlp::Overflow => &kinds::INTEGER_OVERFLOW,
                    Rlp::LeadingZero => &kinds::INTEGER_ZERO_PADDED,
                    Rlp::InputTooShort => &kinds::RLP_TRUNCATED,
                    Rlp::NonCanonicalSingleByte | Rlp::NonCanonicalSize => &kinds::RLP_NOT_CANONICAL,
                    Rlp::UnexpectedLength
                    | Rlp::UnexpectedString
                    | Rlp::UnexpectedList
                    | Rlp::ListLengthMismatch { .. }
                    | Rlp::Custom(_) => &kinds::RLP_MALFORMED,
                };
                Self::new(kind, error).field(field)
            }
            CodecError::TrailingBytes { field, count } => {
                Self::new(&kinds::TRAILING_BYTES, error).field(field).above(*count, 0)
            }
            CodecError::TooLong { field, len, max } => {
                Self::new(&kinds::FIELD_TOO_LONG, error).field(field).above(*len, *max)
            }
            CodecError::WrongLength { field, len, expected } => Self::new(&kinds::FIELD_WRONG_LENGTH, error)
                .field(field)
                .differs(*len, *expected),
            CodecError::TooMany { field, count, max } => Self::new(&kinds::TOO_MANY_ITEMS, error)
                .field(field)
                .above(*count, *max),
        }
    }
}

impl From<&KeyError> for Problem {
    fn from(error: &KeyError) -> Self {
        use KeyError as E;
        let key = |kind| Self::new(kind, error).field("authenticator.public_key");
        let signature = |kind| Self::new(kind, error).field("authenticator.signature");
        match error {
            E::NotRsaSpki => key(&kinds::RSA_KEY_MALFORMED),
            E::RsaModulusSize { bits } => {
                key(&kinds::RSA_KEY_SIZE).differs(*bits, tally_chain::keys::RSA_BITS.to_vec())
            }
            E::RsaModulusEven => key(&kinds::RSA_KEY_EVEN),
            E::RsaExponent => key(&kinds::RSA_EXPONENT).with("expected", tally_chain::keys::RSA_EXPONENT),
            E::RsaNotCanonical => key(&kinds::RSA_KEY_NOT_CANONICAL),
            E::RsaSignatureLength { len, expected } => signature(&kinds::RSA_SIGNATURE_LENGTH).differs(*len, *expected),
            E::RsaSignatureRange => signature(&kinds::RSA_SIGNATURE_RANGE),
            E::NotSecp256k1Point => key(&kinds::SECP256K1_KEY_MALFORMED),
            E::Secp256k1Range => signature(&kinds::SECP256K1_SIGNATURE_RANGE),
            E::Secp256k1HighS => signature(&kinds::SECP256K1_HIGH_S),
        }
    }
}

impl From<&AddressError> for Problem {
    fn from(error: &AddressError) -> Self {
        let problem = Self::new(&kinds::INVALID_ADDRESS, error).field("address");
        match error {
            AddressError::WrongLength { len } => problem.differs(*len, 40),
            AddressError::NotHex { found } => problem.with("found", found.to_string()),
            AddressError::NoPrefix | AddressError::BadChecksum => problem,
        }
    }
}

impl From<&IdError> for Problem {
    fn from(error: &IdError) -> Self {
        let problem = Self::new(&kinds::INVALID_ID, error);
        match error {
            IdError::WrongLength { kind, len } => problem.field(kind).differs(*len, 64),
            IdError::NotHex { kind, found } => problem.field(kind).with("found", found.to_string()),
        }
    }
}

macro_rules! by_value {
    ($($error:ty),*) => {$(
        impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Self::from(&error)
            }
        }
    )*};
}
by_value!(TransactionError, CodecError, KeyError, AddressError, IdError);
