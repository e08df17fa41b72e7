use serde::{Deserialize, Serialize};

use super::{BaseUnits, Listing, TransactionRow};

/// What is known of an account's key. An address alone does not tell; a signature does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// It has not signed anything yet.
    Unknown,
    Rsa,
    Ecc,
    /// Of several keys. Rule: docs/protocol.md#A7
    Shared,
    Contract,
}

impl AccountKind {
    /// One line that says what it is and how we know.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unknown => "Has not signed yet, so its key is not known",
            Self::Rsa => "RSA account",
            Self::Ecc => "ECC account (secp256k1)",
            Self::Shared => "Shared account of several keys",
            Self::Contract => "Contract",
        }
    }
}

/// Everything the account page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Checksummed address.
    pub address: String,
    pub kind: AccountKind,
    pub balance: BaseUnits,
    pub nonce: u64,
    /// Transactions of this sender that wait in this node's pool.
    pub pending: u32,
    /// A name from the chain spec, such as a public test account.
    pub label: Option<String>,
    /// Height at which this was read.
    pub height: u64,
    pub history: Listing<TransactionRow>,
}
