//! The state tree in memory: persistent, so that every branch keeps its own. Rules: docs/protocol.md#S1 to #S4

use std::sync::Arc;

use tally_chain::B256;
use tally_chain::state_tree::{
    Account, PathEnd, StateProof, account_key, bit, leaf_hash, node_hash, storage_key, value_hash,
};

use crate::changes::ChangeSet;
use crate::parts::{PartRoot, part_of};

#[derive(Debug)]
enum Node {
    Leaf {
        key: B256,
        value_hash: B256,
        hash: B256,
    },
    /// At least two leaves; one side may be empty.
    Branch {
        hash: B256,
        leaves: usize,
        left: Subtree,
        right: Subtree,
    },
}

type Subtree = Option<Arc<Node>>;

fn hash_of(subtree: &Subtree) -> B256 {
    match subtree.as_deref() {
        None => B256::ZERO,
        Some(Node::Leaf { hash, .. } | Node::Branch { hash, .. }) => *hash,
    }
}

fn leaves_in(subtree: &Subtree) -> usize {
    match subtree.as_deref() {
        None => 0,
        Some(Node::Leaf { .. }) => 1,
        Some(Node::Branch { leaves, .. }) => *leaves,
    }
}

fn leaf(key: B256, value_hash: B256) -> Subtree {
    let hash = leaf_hash(&key, &value_hash);
    Some(Arc::new(Node::Leaf { key, value_hash, hash }))
}

/// A subtree of one leaf is that leaf. Rule: docs/protocol.md#S3
fn join(left: Subtree, right: Subtree) -> Subtree {
    match (&left, &right) {
        (None, None) => None,
        (Some(only), None) | (None, Some(only)) if matches!(**only, Node::Leaf { .. }) => Some(Arc::clone(only)),
        _ => Some(Arc::new(Node::Branch {
            hash: node_hash(&hash_of(&left), &hash_of(&right)),
            leaves: leaves_in(&left) + leaves_in(&right),
            left,
            right,
        })),
    }
}

/// Where the right half of ascending `entries` begins.
fn middle<T>(entries: &[(B256, T)], depth: usize) -> usize {
    entries.partition_point(|(key, _)| !bit(key, depth))
}

/// Builds a subtree from ascending, distinct leaves.
fn build(leaves: &[(B256, B256)], depth: usize) -> Subtree {
    match leaves {
        [] => None,
        [(key, value_hash)] => leaf(*key, *value_hash),
        _ => {
            let (left, right) = leaves.split_at(middle(leaves, depth));
            join(build(left, depth + 1), build(right, depth + 1))
        }
    }
}

/// New value hash of a key, or none to remove it.
type Write = (B256, Option<B256>);

/// Applies ascending, distinct writes; what they do not touch is shared.
fn write(subtree: &Subtree, writes: &[Write], depth: usize) -> Subtree {
    if writes.is_empty() {
        return subtree.clone();
    }
    match subtree.as_deref() {
        None => build(&present(writes), depth),
        Some(Node::Leaf { key, value_hash, .. }) => {
            let mut leaves = present(writes);
            // The leaf stays unless one of the writes is of its own key: then that write replaces or removes it.
            if let Err(at) = writes.binary_search_by_key(key, |(key, _)| *key) {
                let before = writes[..at].iter().filter(|(_, value)| value.is_some()).count();
                leaves.insert(before, (*key, *value_hash));
            }
            match leaves[..] {
                [(k, v)] if k == *key && v == *value_hash => subtree.clone(),
                _ => build(&leaves, depth),
            }
        }
        Some(Node::Branch { left, right, .. }) => {
            let (to_left, to_right) = writes.split_at(middle(writes, depth));
            let new_left = write(left, to_left, depth + 1);
            let new_right = write(right, to_right, depth + 1);
            // With the same hashes the old subtree is kept, so that versions go on sharing it.
            let same = hash_of(&new_left) == hash_of(left) && hash_of(&new_right) == hash_of(right);
            if same {
                subtree.clone()
            } else {
                join(new_left, new_right)
            }
        }
    }
}

/// Fills in the roots of `2^depth` parts from the subtree that stands `level` bits deep, at `place` among its like.
fn collect_roots(subtree: &Subtree, level: usize, place: usize, depth: usize, roots: &mut [PartRoot]) {
    match subtree.as_deref() {
        None => {}
        // A single leaf stands above the part that it belongs into.
        Some(Node::Leaf { key, value_hash, .. }) => {
            roots[part_of(key, depth)] = PartRoot::Leaf {
                key: *key,
                value_hash: *value_hash,
            };
        }
        Some(Node::Branch { hash, .. }) if level == depth => roots[place] = PartRoot::Branch(*hash),
        Some(Node::Branch { left, right, .. }) => {
            collect_roots(left, level + 1, place << 1, depth, roots);
            collect_roots(right, level + 1, place << 1 | 1, depth, roots);
        }
    }
}

fn present(writes: &[Write]) -> Vec<(B256, B256)> {
    writes
        .iter()
        .filter_map(|(key, value)| value.map(|value| (*key, value)))
        .collect()
}

/// One version of the state tree. Cloning is cheap: versions share what they have in common.
#[derive(Debug, Clone, Default)]
pub struct StateTree {
    root: Subtree,
}

impl StateTree {
    /// The tree without a leaf; its root is 32 zero bytes. Rule: docs/protocol.md#S3
    pub fn empty() -> Self {
        Self::default()
    }

    /// Builds the tree from `(key, value hash)` pairs with distinct keys, in any order.
    pub fn from_leaves(mut leaves: Vec<(B256, B256)>) -> Self {
        leaves.sort_unstable_by_key(|(key, _)| *key);
        debug_assert!(leaves.windows(2).all(|pair| pair[0].0 < pair[1].0), "keys are distinct");
        Self {
            root: build(&leaves, 0),
        }
    }

    /// The leaf of an account, or none if it is empty. Rules: docs/protocol.md#S1, #S2
    pub fn account_leaf(address: &tally_chain::Address, account: &Account) -> Option<(B256, B256)> {
        (!account.is_empty()).then(|| (account_key(address), value_hash(&account.encode())))
    }

    /// The leaf of a storage slot, or none if it is zero. Rules: docs/protocol.md#S1, #S2
    pub fn storage_leaf(address: &tally_chain::Address, slot: &B256, value: &B256) -> Option<(B256, B256)> {
        (!value.is_zero()).then(|| (storage_key(address, slot), value_hash(value.as_slice())))
    }

    /// `state_root`. Rule: docs/protocol.md#S3
    pub fn root(&self) -> B256 {
        hash_of(&self.root)
    }

    /// Number of leaves: accounts and storage slots.
    pub fn len(&self) -> usize {
        leaves_in(&self.root)
    }

    /// Whether it has no leaf.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// The tree after these changes; each touched node is made and hashed once.
    pub fn update(&self, changes: &ChangeSet) -> Self {
        let accounts = changes.accounts.iter().map(|(address, account)| {
            let account = account.filter(|account| !account.is_empty());
            (
                account_key(address),
                account.map(|account| value_hash(&account.encode())),
            )
        });
        let storage = changes.storage.iter().map(|((address, slot), value)| {
            let value = (!value.is_zero()).then(|| value_hash(value.as_slice()));
            (storage_key(address, slot), value)
        });
        let mut writes: Vec<Write> = accounts.chain(storage).collect();
        writes.sort_unstable_by_key(|(key, _)| *key);
        Self {
            root: write(&self.root, &writes, 0),
        }
    }

    /// What stands at the top of each of `2^depth` parts. Rule: docs/protocol.md#Q1
    pub(crate) fn part_roots(&self, depth: usize) -> Vec<PartRoot> {
        let mut roots = vec![PartRoot::Empty; 1 << depth];
        collect_roots(&self.root, 0, 0, depth, &mut roots);
        roots
    }

    /// Shows what stands under `key`, or that nothing does. Rule: docs/protocol.md#S4
    pub fn prove(&self, key: &B256) -> StateProof {
        let mut siblings = Vec::new();
        let mut subtree = &self.root;
        let end = loop {
            match subtree.as_deref() {
                None => break PathEnd::Empty,
                Some(Node::Leaf { key, value_hash, .. }) => {
                    break PathEnd::Leaf {
                        key: *key,
                        value_hash: *value_hash,
                    };
                }
                Some(Node::Branch { left, right, .. }) => {
                    let (next, sibling) = match bit(key, siblings.len()) {
                        true => (right, left),
                        false => (left, right),
                    };
                    siblings.push(hash_of(sibling));
                    subtree = next;
                }
            }
        };
        StateProof { siblings, end }
    }
}
