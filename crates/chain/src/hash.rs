//! Hashes and the ids made of them.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::B256;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};

/// SHA-256 over the concatenation of `parts`.
pub fn sha256(parts: &[&[u8]]) -> B256 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    B256::new(hasher.finalize().into())
}

/// `SHA256(SHA256(bytes))`.
pub fn sha256d(bytes: &[u8]) -> B256 {
    sha256(&[sha256(&[bytes]).as_slice()])
}

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum IdError {
    #[error("{kind} id has {len} hex digits, expected 64")]
    WrongLength { kind: &'static str, len: usize },
    #[error("{kind} id has the character {found:?}, which is not a hex digit")]
    NotHex { kind: &'static str, found: char },
}

fn parse_hex(kind: &'static str, digits: &str) -> Result<[u8; 32], IdError> {
    if let Some(found) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Err(IdError::NotHex { kind, found });
    }
    let mut bytes = [0; 32];
    alloy_primitives::hex::decode_to_slice(digits, &mut bytes).map_err(|_| IdError::WrongLength {
        kind,
        len: digits.len(),
    })?;
    Ok(bytes)
}

/// Id of a block, in hash order; shown reversed, zeros first. Rule: docs/protocol.md#H2
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BlockId(pub B256);

impl BlockId {
    /// The parent of genesis.
    pub const ZERO: Self = Self(B256::ZERO);

    /// The 32 bytes in hash order, as `parent` holds them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for BlockId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut bytes = parse_hex("block", text)?;
        bytes.reverse();
        Ok(Self(B256::new(bytes)))
    }
}

/// Id of a transaction. Rule: docs/protocol.md#T4
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TxId(pub B256);

impl TxId {
    /// The 32 bytes, in the order in which they are shown.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }
}

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl FromStr for TxId {
    type Err = IdError;

    /// Accepts the id with or without `0x`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex("transaction", text.strip_prefix("0x").unwrap_or(text)).map(|b| Self(B256::new(b)))
    }
}

macro_rules! text_serde {
    ($($id:ident),*) => {$(
        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($id), "({})"), self)
            }
        }
        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
text_serde!(BlockId, TxId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_ids_are_shown_reversed() {
        let mut bytes = [0u8; 32];
        bytes[0] = 0xab;
        let id = BlockId(B256::new(bytes));
        assert!(id.to_string().ends_with("00ab"));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(
            "xyz".parse::<BlockId>(),
            Err(IdError::NotHex {
                kind: "block",
                found: 'x'
            })
        );
        assert_eq!(
            "0xab".parse::<TxId>(),
            Err(IdError::WrongLength {
                kind: "transaction",
                len: 2
            })
        );
    }
}
