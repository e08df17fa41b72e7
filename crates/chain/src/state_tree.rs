//! Hashing rules and proofs of the state tree. The tree itself lives in the ledger. Rules: docs/protocol.md#S1 to #S4

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::{Encodable, RlpEncodable};
use serde::{Deserialize, Serialize};

use crate::codec::{CodecError, ListReader};
use crate::hash::sha256;
use crate::units::Amount;

/// Most siblings in a proof. Rule: docs/protocol.md#L7
pub const MAX_SIBLINGS: usize = 256;

/// `keccak256` of no code.
pub fn empty_code_hash() -> B256 {
    keccak256([])
}

/// What the ledger knows of an account. Rule: docs/protocol.md#S2
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The nonce of the next transaction that the account sends. Rule: docs/protocol.md#T6
    pub nonce: u64,
    /// In base units.
    pub balance: Amount,
    /// Keccak-256 of the code; [`empty_code_hash`] without code.
    pub code_hash: B256,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            nonce: 0,
            balance: Amount::ZERO,
            code_hash: empty_code_hash(),
        }
    }
}

#[derive(RlpEncodable)]
struct Wire {
    nonce: u64,
    balance: U256,
    code_hash: B256,
}

impl Account {
    /// Empty accounts are absent from the tree (EIP-161).
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && !self.has_code()
    }

    /// Whether it is a contract, or an EIP-7702 designator.
    pub fn has_code(&self) -> bool {
        self.code_hash != empty_code_hash()
    }

    /// The RLP list that the tree holds. Rule: docs/protocol.md#S2
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(80);
        Wire {
            nonce: self.nonce,
            balance: self.balance.0,
            code_hash: self.code_hash,
        }
        .encode(&mut out);
        out
    }

    /// Decodes exactly one account.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut items = ListReader::open("account", bytes)?;
        let account = Self {
            nonce: items.u64("account.nonce")?,
            balance: Amount(items.u256("account.balance")?),
            code_hash: items.b256("account.code_hash")?,
        };
        items.end()?;
        Ok(account)
    }
}

/// Rule: docs/protocol.md#S1
pub fn account_key(address: &Address) -> B256 {
    sha256(&[b"tally/account", address.as_slice()])
}

/// Rule: docs/protocol.md#S1
pub fn storage_key(address: &Address, slot: &B256) -> B256 {
    sha256(&[b"tally/storage", address.as_slice(), slot.as_slice()])
}

/// Hash of a value, as it enters its leaf.
pub fn value_hash(value: &[u8]) -> B256 {
    sha256(&[value])
}

/// Rule: docs/protocol.md#S3
pub fn leaf_hash(key: &B256, value_hash: &B256) -> B256 {
    // 0 here and 1 in `node_hash`: no inner node can be shown as a leaf.
    sha256(&[&[0], key.as_slice(), value_hash.as_slice()])
}

/// Rule: docs/protocol.md#S3
pub fn node_hash(left: &B256, right: &B256) -> B256 {
    sha256(&[&[1], left.as_slice(), right.as_slice()])
}

/// Bit `depth` of a key, from the most significant on; `true` is right.
pub fn bit(key: &B256, depth: usize) -> bool {
    key[depth / 8] >> (7 - depth % 8) & 1 == 1
}

/// Root over `(key, value hash)` leaves, computed from scratch: the definition that every faster tree must agree with.
/// Keys are ascending and distinct. Rule: docs/protocol.md#S3
pub fn root_of(leaves: &[(B256, B256)]) -> B256 {
    subtree_root(leaves, 0)
}

fn subtree_root(leaves: &[(B256, B256)], depth: usize) -> B256 {
    match leaves {
        [] => B256::ZERO,
        [(key, value_hash)] => leaf_hash(key, value_hash),
        _ => {
            let (left, right) = leaves.split_at(leaves.partition_point(|(key, _)| !bit(key, depth)));
            node_hash(&subtree_root(left, depth + 1), &subtree_root(right, depth + 1))
        }
    }
}

/// What ends a path from the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathEnd {
    /// An empty subtree: nothing stands under the key.
    Empty,
    /// The only leaf of a subtree. Rule: docs/protocol.md#S3
    Leaf {
        /// The leaf's own key: the one looked for, or another that begins with the same bits.
        key: B256,
        /// SHA-256 of the value.
        value_hash: B256,
    },
}

/// Shows what stands under a key, or that nothing does. Rule: docs/protocol.md#S4
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateProof {
    /// Siblings from the root down.
    pub siblings: Vec<B256>,
    /// What stands at the end of the path.
    pub end: PathEnd,
}

/// Why a state proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum StateProofError {
    #[error("state proof has {count} siblings, at most {max} are allowed")]
    TooManySiblings { count: usize, max: usize },
    #[error("state proof ends in key {found}, which is not on the path of {key}")]
    WrongPath { found: B256, key: B256 },
    #[error("state proof leads to root {found}, not to {expected}")]
    WrongRoot { found: B256, expected: B256 },
    #[error("state proof shows another value under {key}")]
    WrongValue { key: B256 },
    #[error("state proof shows a value under {key}, claimed absent")]
    Present { key: B256 },
    #[error("state proof shows nothing under {key}, claimed present")]
    Absent { key: B256 },
}

impl StateProof {
    /// Verifies that `value` (or nothing) stands under `key` in the tree with root `expected`.
    pub fn verify(&self, key: &B256, value: Option<&[u8]>, expected: B256) -> Result<(), StateProofError> {
        let count = self.siblings.len();
        if count > MAX_SIBLINGS {
            return Err(StateProofError::TooManySiblings {
                count,
                max: MAX_SIBLINGS,
            });
        }
        let key = *key;
        let start = match &self.end {
            PathEnd::Empty => B256::ZERO,
            PathEnd::Leaf { key: found, value_hash } => {
                if (0..count).any(|depth| bit(found, depth) != bit(&key, depth)) {
                    return Err(StateProofError::WrongPath { found: *found, key });
                }
                leaf_hash(found, value_hash)
            }
        };
        let found = self
            .siblings
            .iter()
            .enumerate()
            .rev()
            .fold(start, |hash, (depth, sibling)| {
                if bit(&key, depth) {
                    node_hash(sibling, &hash)
                } else {
                    node_hash(&hash, sibling)
                }
            });
        if found != expected {
            return Err(StateProofError::WrongRoot { found, expected });
        }
        match (&self.end, value) {
            (
                PathEnd::Leaf {
                    key: found,
                    value_hash: hash,
                },
                Some(value),
            ) if *found == key => {
                if *hash == value_hash(value) {
                    Ok(())
                } else {
                    Err(StateProofError::WrongValue { key })
                }
            }
            (PathEnd::Leaf { key: found, .. }, None) if *found == key => Err(StateProofError::Present { key }),
            (_, Some(_)) => Err(StateProofError::Absent { key }),
            (_, None) => Ok(()),
        }
    }
}
