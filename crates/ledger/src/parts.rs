//! A state in parts that can be checked one by one, no matter which peer sends them. Rules: docs/protocol.md#Q1 to #Q3

use std::collections::BTreeSet;

use alloy_primitives::keccak256;
use tally_chain::state_tree::{account_key, bit, leaf_hash, node_hash, storage_key};
use tally_chain::{Address, B256};

use crate::changes::ChangeSet;
use crate::tree::StateTree;

/// Deepest division: 4,096 parts. Rule: docs/protocol.md#Q1
pub const MAX_DEPTH: usize = 12;

/// What stands at the top of a part. Rule: docs/protocol.md#Q1
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartRoot {
    /// No account and no slot.
    Empty,
    /// The only account or slot of the part. Rule: docs/protocol.md#S3
    Leaf {
        /// Its key in the state tree. Rule: docs/protocol.md#S1
        key: B256,
        /// SHA-256 of its value.
        value_hash: B256,
    },
    /// The hash of a subtree with two leaves or more.
    Branch(B256),
}

impl PartRoot {
    fn hash(&self) -> B256 {
        match self {
            Self::Empty => B256::ZERO,
            Self::Leaf { key, value_hash } => leaf_hash(key, value_hash),
            Self::Branch(hash) => *hash,
        }
    }

    /// What stands above two. Rule: docs/protocol.md#S3
    fn above(left: Self, right: Self) -> Self {
        match (left, right) {
            (Self::Empty, Self::Empty) => Self::Empty,
            (leaf @ Self::Leaf { .. }, Self::Empty) | (Self::Empty, leaf @ Self::Leaf { .. }) => leaf,
            _ => Self::Branch(node_hash(&left.hash(), &right.hash())),
        }
    }
}

/// Why parts do not match their roots.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum PartError {
    #[error("there are {count} parts; a power of two up to {max} is allowed")]
    Count { count: usize, max: usize },
    #[error("the key {key} does not belong into part {part}")]
    Foreign { key: B256, part: usize },
    #[error("the parts make the state root {found}, not {expected}")]
    StateRoot { found: B256, expected: B256 },
    #[error("account {address} is empty")]
    EmptyAccount { address: Address },
    #[error("slot {slot} of {address} is zero")]
    ZeroSlot { address: Address, slot: B256 },
    #[error("code {hash} is missing")]
    MissingCode { hash: B256 },
    #[error("code {hash} is of no account in this part, or not of this hash")]
    ForeignCode { hash: B256 },
    #[error("part {part} is not what the state root commits to")]
    Root { part: usize },
    /// The hash above may be the same, but no tree has it so: the list of roots was made up.
    #[error("the root of part {part} is named in a form that no tree has")]
    Form { part: usize },
}

/// The part that a key belongs into, of `2^depth`.
pub fn part_of(key: &B256, depth: usize) -> usize {
    (0..depth).fold(0, |part, at| part << 1 | usize::from(bit(key, at)))
}

/// Roots that together make a state root. Rule: docs/protocol.md#Q1
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRoots {
    roots: Vec<PartRoot>,
    depth: usize,
}

impl PartRoots {
    /// Those of a tree in `2^depth` parts, at most [`MAX_DEPTH`].
    pub fn of(tree: &StateTree, depth: usize) -> Self {
        let depth = depth.min(MAX_DEPTH);
        Self {
            roots: tree.part_roots(depth),
            depth,
        }
    }

    /// Takes roots that make this state root, and no others. What the roots alone do not show (a leaf that is named as a
    /// branch by its hash) shows with the part itself: [`PartError::Form`].
    pub fn check(roots: Vec<PartRoot>, expected: B256) -> Result<Self, PartError> {
        let (count, max) = (roots.len(), 1 << MAX_DEPTH);
        if !count.is_power_of_two() || count > max {
            return Err(PartError::Count { count, max });
        }
        let depth = count.trailing_zeros() as usize;
        for (part, root) in roots.iter().enumerate() {
            if let PartRoot::Leaf { key, .. } = root
                && part_of(key, depth) != part
            {
                return Err(PartError::Foreign { key: *key, part });
            }
            // Nothing is named as nothing: beside a branch its hash would make the same above it.
            if *root == PartRoot::Branch(B256::ZERO) {
                return Err(PartError::Form { part });
            }
        }
        let mut level = roots.clone();
        while level.len() > 1 {
            let pairs = level.as_chunks::<2>().0;
            level = pairs
                .iter()
                .map(|[left, right]| PartRoot::above(*left, *right))
                .collect();
        }
        let found = level.first().map_or(B256::ZERO, PartRoot::hash);
        if found != expected {
            return Err(PartError::StateRoot { found, expected });
        }
        Ok(Self { roots, depth })
    }

    /// How many parts: `2^depth`.
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether there is no part; never, as there is at least one.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// How many bits of a key choose its part; at most [`MAX_DEPTH`].
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The root of each part, from key zero up.
    pub fn iter(&self) -> impl Iterator<Item = &PartRoot> {
        self.roots.iter()
    }

    /// Checks that this is the whole of one part: every account and slot with its code, and nothing else.
    /// Rule: docs/protocol.md#Q2
    pub fn check_part(&self, part: usize, content: &ChangeSet) -> Result<(), PartError> {
        let root = self.roots.get(part).ok_or(PartError::Root { part })?;
        let mut leaves = Vec::with_capacity(content.accounts.len() + content.storage.len());
        let mut codes = BTreeSet::new();
        for (address, account) in &content.accounts {
            let account = account.filter(|account| !account.is_empty());
            let account = account.ok_or(PartError::EmptyAccount { address: *address })?;
            leaves.extend(StateTree::account_leaf(address, &account));
            if account.has_code() {
                codes.insert(account.code_hash);
            }
        }
        for ((address, slot), value) in &content.storage {
            let leaf = StateTree::storage_leaf(address, slot, value);
            let (address, slot) = (*address, *slot);
            leaves.push(leaf.ok_or(PartError::ZeroSlot { address, slot })?);
        }
        if let Some((key, _)) = leaves.iter().find(|(key, _)| part_of(key, self.depth) != part) {
            return Err(PartError::Foreign { key: *key, part });
        }
        if let Some(hash) = codes.iter().find(|hash| !content.codes.contains_key(*hash)) {
            return Err(PartError::MissingCode { hash: *hash });
        }
        let foreign = |(hash, code): &(&B256, &tally_chain::Bytes)| !codes.contains(*hash) || keccak256(code) != **hash;
        if let Some((hash, _)) = content.codes.iter().find(foreign) {
            return Err(PartError::ForeignCode { hash: *hash });
        }
        match StateTree::from_leaves(leaves).part_roots(self.depth).get(part) {
            Some(found) if found == root => Ok(()),
            Some(found) if found.hash() == root.hash() => Err(PartError::Form { part }),
            _ => Err(PartError::Root { part }),
        }
    }
}

/// Sorts accounts and slots into `2^depth` parts; the code of each account comes with it.
pub fn divide(whole: &ChangeSet, depth: usize) -> Vec<ChangeSet> {
    let depth = depth.min(MAX_DEPTH);
    let mut parts = vec![ChangeSet::default(); 1 << depth];
    for (address, account) in &whole.accounts {
        let Some(account) = account.filter(|account| !account.is_empty()) else {
            continue;
        };
        let part = &mut parts[part_of(&account_key(address), depth)];
        part.accounts.insert(*address, Some(account));
        if let Some(code) = whole.codes.get(&account.code_hash) {
            part.codes.insert(account.code_hash, code.clone());
        }
    }
    for ((address, slot), value) in &whole.storage {
        if !value.is_zero() {
            let part = &mut parts[part_of(&storage_key(address, slot), depth)];
            part.storage.insert((*address, *slot), *value);
        }
    }
    parts
}
