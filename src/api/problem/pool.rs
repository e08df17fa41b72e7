//! Why the pool does not take a transaction.

use tally_node::mempool::MempoolError;

use super::{Kind, Problem, kinds};

impl From<&MempoolError> for Problem {
    fn from(error: &MempoolError) -> Self {
        use MempoolError as E;
        let named = |kind: &'static Kind, field: &str| Self::new(kind, error).field(field);
        match error {
            E::AlreadyKnown { id } => Self::new(&kinds::ALREADY_PENDING, error).with("id", id.to_string()),
            E::Transaction(source) => source.into(),
            E::FeeTooLow { max_fee, min } => {
                named(&kinds::FEE_TOO_LOW, "max_fee").differs(max_fee.to_string(), min.to_string())
            }
            E::GasLimitTooLow { gas_limit, required } => {
                named(&kinds::GAS_LIMIT_TOO_LOW, "gas_limit").differs(*gas_limit, *required)
            }
            E::GasLimitTooHigh { gas_limit, max } => {
                named(&kinds::GAS_LIMIT_TOO_HIGH, "gas_limit").above(*gas_limit, *max)
            }
            E::InitCodeTooLong { len, max } => named(&kinds::INITCODE_TOO_LONG, "data").above(*len, *max),
            E::SenderHasCode { sender } => {
                named(&kinds::SENDER_IS_CONTRACT, "sender").with("found", sender.to_string())
            }
            E::NonceTooLow { found, expected } => named(&kinds::NONCE_TOO_LOW, "nonce").differs(*found, *expected),
            E::NonceGapTooLarge { found, expected, max } => named(&kinds::NONCE_TOO_HIGH, "nonce")
                .differs(*found, *expected)
                .with("limit", *max),
            E::InsufficientFunds { balance, required } => {
                named(&kinds::INSUFFICIENT_FUNDS, "value").differs(balance.to_string(), required.to_string())
            }
            E::ReplacementUnderpriced {
                replaced,
                max_fee,
                required_max_fee,
                priority_fee,
                required_priority_fee,
            } => named(&kinds::REPLACEMENT_UNDERPRICED, "max_fee")
                .differs(max_fee.to_string(), required_max_fee.to_string())
                .with("replaced", replaced.to_string())
                .with("found_priority_fee", priority_fee.to_string())
                .with("expected_priority_fee", required_priority_fee.to_string()),
            E::SenderLimit { what, found, max } => named(&kinds::SENDER_LIMIT, "sender")
                .above(*found, *max)
                .with("counted", *what),
            E::Full {
                count,
                max_count,
                bytes,
                max_bytes,
            } => Self::new(&kinds::POOL_FULL, error)
                .above(*count, *max_count)
                .with("found_bytes", *bytes)
                .with("limit_bytes", *max_bytes),
        }
    }
}
