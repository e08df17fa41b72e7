//! RFC 6962 trees over transactions and receipts. Rules: docs/protocol.md#K1 to #K3

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::hash::sha256;

/// Longest inclusion path. Rule: docs/protocol.md#L7
pub const MAX_PATH: usize = 32;

/// Hash of a leaf over its data.
pub fn leaf_hash(data: &[u8]) -> B256 {
    sha256(&[&[0], data])
}

fn node_hash(left: &B256, right: &B256) -> B256 {
    sha256(&[&[1], left.as_slice(), right.as_slice()])
}

fn split(count: usize) -> usize {
    // For a power of two this is its half, else the largest power of two below.
    count.next_power_of_two() / 2
}

/// Root over leaf hashes. Rule: docs/protocol.md#K1
pub fn root(leaves: &[B256]) -> B256 {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// Shows that a leaf stands at `index` of `count`. The root does not bind the count: who does not know it from elsewhere
/// learns that the leaf is in the tree, not where. Rule: docs/protocol.md#K3
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InclusionProof {
    /// Place of the leaf; the first is 0.
    pub index: u64,
    /// Leaves of the tree.
    pub count: u64,
    /// Siblings from the leaf up.
    pub path: Vec<B256>,
}

/// Why an inclusion proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum MerkleError {
    #[error("index {index} is not below the count {count}")]
    IndexOutOfRange { index: u64, count: u64 },
    #[error("path has {len} hashes, expected {expected}")]
    WrongPathLength { len: usize, expected: usize },
    #[error("the path leads to root {found}, not to {expected}")]
    WrongRoot { found: B256, expected: B256 },
}

/// Proof for the leaf at `index`, or `None` when there is no such leaf.
pub fn prove(leaves: &[B256], index: usize) -> Option<InclusionProof> {
    if index >= leaves.len() {
        return None;
    }
    let mut path = Vec::new();
    let (mut slice, mut at) = (leaves, index);
    while slice.len() > 1 {
        let middle = split(slice.len());
        let (left, right) = slice.split_at(middle);
        if at < middle {
            path.push(root(right));
            slice = left;
        } else {
            path.push(root(left));
            slice = right;
            at -= middle;
        }
    }
    path.reverse();
    Some(InclusionProof {
        index: index as u64,
        count: leaves.len() as u64,
        path,
    })
}

/// For each level from the leaf up: is the sibling on the left?
fn sides(index: u64, count: u64) -> Vec<bool> {
    let (mut first, mut size) = (0, count);
    let mut sides = Vec::new();
    while size > 1 {
        // The largest power of two below `size`: the left side of every tree of RFC 6962 is full.
        let middle = size.next_power_of_two() / 2;
        let right = index - first >= middle;
        sides.push(right);
        if right {
            first += middle;
            size -= middle;
        } else {
            size = middle;
        }
    }
    sides.reverse();
    sides
}

/// Verifies that `leaf` stands at the proof's index under `expected`. Rule: docs/protocol.md#K3
pub fn verify(proof: &InclusionProof, leaf: B256, expected: B256) -> Result<(), MerkleError> {
    let InclusionProof { index, count, path } = proof;
    if index >= count || *count > 1 << MAX_PATH {
        return Err(MerkleError::IndexOutOfRange {
            index: *index,
            count: *count,
        });
    }
    let sides = sides(*index, *count);
    // Index and count give the length. A path of another would be one of a tree that does not have `count` leaves.
    if sides.len() != path.len() {
        return Err(MerkleError::WrongPathLength {
            len: path.len(),
            expected: sides.len(),
        });
    }
    let found = sides.iter().zip(path).fold(leaf, |hash, (sibling_is_left, sibling)| {
        if *sibling_is_left {
            node_hash(sibling, &hash)
        } else {
            node_hash(&hash, sibling)
        }
    });
    if found == expected {
        Ok(())
    } else {
        Err(MerkleError::WrongRoot { found, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_proves_itself_and_no_other() {
        for count in 1..40usize {
            let leaves: Vec<_> = (0..count).map(|i| leaf_hash(&[i as u8])).collect();
            let expected = root(&leaves);
            for index in 0..count {
                let proof = prove(&leaves, index).unwrap();
                assert_eq!(verify(&proof, leaves[index], expected), Ok(()));
                let other = leaf_hash(b"other");
                assert!(matches!(
                    verify(&proof, other, expected),
                    Err(MerkleError::WrongRoot { .. })
                ));
                let longer = InclusionProof {
                    path: [proof.path.clone(), vec![other]].concat(),
                    ..proof
                };
                assert_eq!(
                    verify(&longer, leaves[index], expected),
                    Err(MerkleError::WrongPathLength {
                        len: longer.path.len(),
                        expected: longer.path.len() - 1
                    })
                );
            }
            assert_eq!(prove(&leaves, count), None);
        }
    }

    #[test]
    fn known_roots() {
        // The empty tree and the first trees of RFC 6962's reference test data.
        let hex = |text: &str| text.parse::<B256>().unwrap();
        assert_eq!(
            root(&[]),
            hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        );
        let inputs: [&[u8]; 3] = [b"", b"\x00", b"\x10"];
        let leaves: Vec<_> = inputs.iter().map(|d| leaf_hash(d)).collect();
        assert_eq!(
            root(&leaves[..1]),
            hex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
        );
        assert_eq!(
            root(&leaves[..2]),
            hex("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")
        );
        assert_eq!(
            root(&leaves),
            hex("aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")
        );
    }
}
