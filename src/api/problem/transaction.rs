//! What is wrong with a transaction, its encoding or its key.

use tally_chain::address::AddressError;
use tally_chain::hash::IdError;
use tally_chain::keys::KeyError;
use tally_chain::multisig::{MultisigError, PolicyError};
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
            E::Policy(source) => source.into(),
            E::Multisig(source) => source.into(),
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
            E::Secp256k1SignatureLength { len } => signature(&kinds::SECP256K1_SIGNATURE_LENGTH).differs(*len, 64),
            E::Secp256k1Range => signature(&kinds::SECP256K1_SIGNATURE_RANGE),
            E::Secp256k1HighS => signature(&kinds::SECP256K1_HIGH_S),
        }
    }
}

impl From<&PolicyError> for Problem {
    fn from(error: &PolicyError) -> Self {
        use PolicyError as E;
        let named = |kind| Self::new(kind, error).field("authenticator.policy");
        let key = |kind, index: &usize| named(kind).with("key", *index);
        match error {
            E::Codec(source) => source.into(),
            E::Threshold { threshold, keys } => named(&kinds::POLICY_THRESHOLD).above(*threshold, *keys),
            E::TooManyKeys { max } => named(&kinds::POLICY_TOO_MANY_KEYS).with("limit", *max),
            E::UnknownKeyKind { index, found } => key(&kinds::POLICY_KEY_KIND, index).with("found", *found),
            E::Key { index, source } => Self::from(source).with("key", *index).with_detail(error),
            E::Unsorted { index } => key(&kinds::POLICY_KEYS_UNSORTED, index),
            E::Duplicate { index } => key(&kinds::POLICY_KEY_TWICE, index),
        }
    }
}

impl From<&MultisigError> for Problem {
    fn from(error: &MultisigError) -> Self {
        use MultisigError as E;
        let signers = |kind| Self::new(kind, error).field("authenticator.signers");
        match error {
            E::UnknownSigner { index, keys } => signers(&kinds::UNKNOWN_SIGNER)
                .above(*index, keys.saturating_sub(1))
                .with("key", *index),
            E::Missing { found, required } => signers(&kinds::SIGNATURES_MISSING).differs(*found, *required),
            E::Extra { found, required } => signers(&kinds::TOO_MANY_SIGNATURES).differs(*found, *required),
            E::Form { signer, source } => Self::from(source).with("key", *signer).with_detail(error),
            E::BadSignature { signer } => Self::new(&kinds::BAD_SIGNATURE, error)
                .field("authenticator.signatures")
                .with("key", *signer),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_of_shared_accounts_name_the_key() {
        let high_s = KeyError::Secp256k1HighS;
        for (error, kind, field, key) in [
            (
                TransactionError::from(PolicyError::Threshold { threshold: 3, keys: 2 }),
                "policy-threshold",
                "authenticator.policy",
                None,
            ),
            (
                PolicyError::Duplicate { index: 1 }.into(),
                "policy-key-twice",
                "authenticator.policy",
                Some(1),
            ),
            (
                PolicyError::Key {
                    index: 2,
                    source: KeyError::NotSecp256k1Point,
                }
                .into(),
                "secp256k1-key-malformed",
                "authenticator.public_key",
                Some(2),
            ),
            (
                MultisigError::Missing { found: 1, required: 2 }.into(),
                "signatures-missing",
                "authenticator.signers",
                None,
            ),
            (
                MultisigError::Form {
                    signer: 4,
                    source: high_s,
                }
                .into(),
                "secp256k1-high-s",
                "authenticator.signature",
                Some(4),
            ),
            (
                MultisigError::BadSignature { signer: 5 }.into(),
                "bad-signature",
                "authenticator.signatures",
                Some(5),
            ),
        ] {
            let problem = Problem::from(&error);
            assert_eq!(problem.kind.name, kind);
            assert_eq!(problem.detail, error.to_string().trim_start_matches("authenticator: "));
            assert_eq!(problem.members.get("field"), Some(&json!(field)), "{kind}");
            assert_eq!(problem.members.get("key"), key.map(|key| json!(key)).as_ref(), "{kind}");
        }
        // What is wrong with the bytes themselves is reported as everywhere.
        let bytes = CodecError::TrailingBytes {
            field: "policy",
            count: 1,
        };
        let problem = Problem::from(TransactionError::from(PolicyError::from(bytes)));
        assert_eq!(problem.kind.name, "trailing-bytes");
    }
}
