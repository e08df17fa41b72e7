//! What is public about an account.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tally_chain::{Address, Bytes};
use thiserror::Error;

use crate::keys::RsaBits;

/// The kinds of accounts a phrase gives. Rules: docs/protocol.md#W2, #W3
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AccountKind {
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    #[serde(rename = "secp256k1")]
    Secp256k1,
}

/// A kind that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("account kind {found:?} is unknown; rsa-2048, rsa-3072, rsa-4096 and secp256k1 exist")]
pub struct UnknownKind {
    pub found: String,
}

impl AccountKind {
    pub const ALL: [Self; 4] = [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::Secp256k1];

    /// The name in files, flags and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::Secp256k1 => "secp256k1",
        }
    }

    /// Size of the key, if it is an RSA key.
    pub const fn rsa_bits(self) -> Option<RsaBits> {
        match self {
            Self::Rsa2048 => Some(RsaBits::B2048),
            Self::Rsa3072 => Some(RsaBits::B3072),
            Self::Rsa4096 => Some(RsaBits::B4096),
            Self::Secp256k1 => None,
        }
    }
}

impl From<RsaBits> for AccountKind {
    fn from(bits: RsaBits) -> Self {
        match bits {
            RsaBits::B2048 => Self::Rsa2048,
            RsaBits::B3072 => Self::Rsa3072,
            RsaBits::B4096 => Self::Rsa4096,
        }
    }
}

impl fmt::Display for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AccountKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownKind { found: text.to_owned() })
    }
}

/// One account of a vault; nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    pub kind: AccountKind,
    /// Derivation index. Rules: docs/protocol.md#W2, #W3
    pub index: u32,
    /// The user's own name for it, at most [`MAX_LABEL_BYTES`](crate::vault::MAX_LABEL_BYTES) bytes.
    pub label: String,
    pub address: Address,
    /// SPKI DER (RSA) or the compressed point (secp256k1). Rules: docs/protocol.md#A4, #A6
    pub public_key: Bytes,
}
