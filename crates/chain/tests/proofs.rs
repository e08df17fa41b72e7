//! Proofs of state, of transactions and of history against naive provers, and forged ones.

mod support;

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use tally_chain::hash::sha256;
use tally_chain::history::{self, History, HistoryError, HistoryProof, Node};
use tally_chain::merkle::{self, InclusionProof, MerkleError};
use tally_chain::state_tree::{self, MAX_SIBLINGS, PathEnd, StateProof, StateProofError, bit};
use tally_chain::{B256, U256, Weight};

type Leaves = BTreeMap<B256, Vec<u8>>;

fn hashed(leaves: &Leaves) -> Vec<(B256, B256)> {
    leaves
        .iter()
        .map(|(key, value)| (*key, state_tree::value_hash(value)))
        .collect()
}

/// Walks down from the root, taking the other half's root at each level. Rule: docs/protocol.md#S4
fn prove_state(leaves: &[(B256, B256)], key: &B256, depth: usize, siblings: &mut Vec<B256>) -> PathEnd {
    match leaves {
        [] => PathEnd::Empty,
        [(key, value_hash)] => PathEnd::Leaf {
            key: *key,
            value_hash: *value_hash,
        },
        _ => {
            let half = |side: bool| -> Vec<_> {
                leaves
                    .iter()
                    .filter(|(key, _)| bit(key, depth) == side)
                    .copied()
                    .collect()
            };
            let side = bit(key, depth);
            siblings.push(subtree(&half(!side), depth + 1));
            prove_state(&half(side), key, depth + 1, siblings)
        }
    }
}

/// Rule: docs/protocol.md#S3
fn subtree(leaves: &[(B256, B256)], depth: usize) -> B256 {
    match leaves {
        [] => B256::ZERO,
        [(key, value_hash)] => sha256(&[&[0], key.as_slice(), value_hash.as_slice()]),
        _ => {
            let half = |side: bool| -> Vec<_> {
                leaves
                    .iter()
                    .filter(|(key, _)| bit(key, depth) == side)
                    .copied()
                    .collect()
            };
            let (left, right) = (subtree(&half(false), depth + 1), subtree(&half(true), depth + 1));
            sha256(&[&[1], left.as_slice(), right.as_slice()])
        }
    }
}

fn state_proof(leaves: &[(B256, B256)], key: &B256) -> StateProof {
    let mut siblings = Vec::new();
    let end = prove_state(leaves, key, 0, &mut siblings);
    StateProof { siblings, end }
}

/// Keys that share their first bits with others, up to all but the last.
fn tree() -> impl Strategy<Value = Leaves> {
    let value = || vec(any::<u8>(), 0..40);
    let base = btree_map(any::<[u8; 32]>().prop_map(B256::new), value(), 0..24);
    (base, vec((any::<prop::sample::Index>(), 0usize..256, value()), 0..12)).prop_map(|(mut leaves, close)| {
        for (which, depth, value) in close {
            if leaves.is_empty() {
                break;
            }
            let mut key = *leaves.keys().nth(which.index(leaves.len())).unwrap();
            key.0[depth / 8] ^= 0x80 >> (depth % 8);
            leaves.insert(key, value);
        }
        leaves
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn state_proofs_show_what_is_there_and_what_is_not(leaves in tree(), absent: [u8; 32], depth in 0usize..256) {
        let hashes = hashed(&leaves);
        let root = state_tree::root_of(&hashes);
        prop_assert_eq!(root, subtree(&hashes, 0));
        for (key, value) in &leaves {
            let proof = state_proof(&hashes, key);
            prop_assert_eq!(proof.verify(key, Some(value), root), Ok(()));
            prop_assert_eq!(proof.verify(key, None, root), Err(StateProofError::Present { key: *key }));
            let other = [&value[..], b"."].concat();
            prop_assert_eq!(proof.verify(key, Some(&other), root), Err(StateProofError::WrongValue { key: *key }));
        }
        let mut near = leaves.keys().next().copied().unwrap_or_default();
        near.0[depth / 8] ^= 0x80 >> (depth % 8);
        for key in [B256::new(absent), near] {
            if leaves.contains_key(&key) {
                continue;
            }
            let proof = state_proof(&hashes, &key);
            prop_assert_eq!(proof.verify(&key, None, root), Ok(()));
            prop_assert_eq!(proof.verify(&key, Some(b"value"), root), Err(StateProofError::Absent { key }));
        }
    }

    #[test]
    fn forged_state_proofs_fail(leaves in tree(), which: prop::sample::Index, at: prop::sample::Index, flip in 0u8..8) {
        prop_assume!(!leaves.is_empty());
        let hashes = hashed(&leaves);
        let root = state_tree::root_of(&hashes);
        let (key, value) = leaves.iter().nth(which.index(leaves.len())).unwrap();
        let good = state_proof(&hashes, key);
        let root_error = |proof: &StateProof, value: Option<&[u8]>| {
            let outcome = proof.verify(key, value, root);
            let wrong = matches!(outcome, Err(StateProofError::WrongRoot { expected, .. }) if expected == root);
            assert!(wrong, "{outcome:?}");
        };
        // One bit of a sibling, one sibling fewer, one more.
        if !good.siblings.is_empty() {
            let mut forged = good.clone();
            forged.siblings[at.index(good.siblings.len())].0[7] ^= 1 << flip;
            root_error(&forged, Some(value));
            let mut forged = good.clone();
            forged.siblings.pop();
            root_error(&forged, Some(value));
        }
        if good.siblings.len() < MAX_SIBLINGS {
            let mut forged = good.clone();
            forged.siblings.push(B256::ZERO);
            root_error(&forged, Some(value));
        }
        // An empty end or another leaf in the place of the true one.
        root_error(&StateProof { end: PathEnd::Empty, ..good.clone() }, None);
        let end = PathEnd::Leaf { key: *key, value_hash: state_tree::value_hash(b"forged") };
        root_error(&StateProof { end, ..good.clone() }, Some(b"forged"));
        // A neighbour that leaves the path early.
        if !good.siblings.is_empty() {
            let mut found = *key;
            found.0[0] ^= 0x80;
            let end = PathEnd::Leaf { key: found, value_hash: B256::ZERO };
            let forged = StateProof { end, ..good.clone() };
            prop_assert_eq!(forged.verify(key, None, root), Err(StateProofError::WrongPath { found, key: *key }));
        }
        let long = StateProof { siblings: vec![B256::ZERO; MAX_SIBLINGS + 1], end: good.end };
        let (count, max) = (MAX_SIBLINGS + 1, MAX_SIBLINGS);
        prop_assert_eq!(long.verify(key, Some(value), root), Err(StateProofError::TooManySiblings { count, max }));
    }
}

/// RFC 6962, section 2.1, to the letter.
fn naive_root(data: &[Vec<u8>]) -> B256 {
    match data {
        [] => sha256(&[]),
        [leaf] => sha256(&[&[0], leaf]),
        _ => {
            let mut k = 1;
            while k * 2 < data.len() {
                k *= 2;
            }
            let (left, right) = (naive_root(&data[..k]), naive_root(&data[k..]));
            sha256(&[&[1], left.as_slice(), right.as_slice()])
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn merkle_proofs_hold_for_their_leaf_place_and_count_only(
        count in 1usize..300, which: prop::sample::Index, other: prop::sample::Index, flip in 0usize..256,
    ) {
        let data: Vec<Vec<u8>> = (0..count).map(|n| n.to_be_bytes().to_vec()).collect();
        let leaves: Vec<_> = data.iter().map(|d| merkle::leaf_hash(d)).collect();
        let root = merkle::root(&leaves);
        prop_assert_eq!(root, naive_root(&data));
        let index = which.index(count);
        let leaf = leaves[index];
        let proof = merkle::prove(&leaves, index).unwrap();
        prop_assert_eq!(merkle::verify(&proof, leaf, root), Ok(()));
        let refused = |proof: &InclusionProof, leaf| match merkle::verify(proof, leaf, root) {
            Err(MerkleError::WrongRoot { expected, .. }) => expected == root,
            Err(MerkleError::WrongPathLength { len, .. }) => len == proof.path.len(),
            _ => false,
        };
        let elsewhere = other.index(count);
        if elsewhere != index {
            assert!(refused(&InclusionProof { index: elsewhere as u64, ..proof.clone() }, leaf));
            assert!(refused(&proof, leaves[elsewhere]));
        }
        if !proof.path.is_empty() {
            let mut forged = proof.clone();
            let at = other.index(proof.path.len());
            forged.path[at].0[flip / 8] ^= 1 << (flip % 8);
            assert!(matches!(merkle::verify(&forged, leaf, root), Err(MerkleError::WrongRoot { .. })));
        }
        for path in [[&proof.path[..], &[root]].concat(), proof.path[..proof.path.len().saturating_sub(1)].to_vec()] {
            if path.len() != proof.path.len() {
                let error = MerkleError::WrongPathLength { len: path.len(), expected: proof.path.len() };
                prop_assert_eq!(merkle::verify(&InclusionProof { path, ..proof.clone() }, leaf, root), Err(error));
            }
        }
        let (index, count) = (count as u64, count as u64);
        let beyond = InclusionProof { index, ..proof };
        prop_assert_eq!(merkle::verify(&beyond, leaf, root), Err(MerkleError::IndexOutOfRange { index, count }));
    }
}

/// The root does not bind the count: who trusts a proof's own count learns that a leaf is there, not where.
#[test]
fn the_count_is_for_the_verifier_to_know() {
    let leaves: Vec<_> = (0..3u8).map(|n| merkle::leaf_hash(&[n])).collect();
    let root = merkle::root(&leaves);
    let last = merkle::prove(&leaves, 2).unwrap();
    assert_eq!(merkle::verify(&last, leaves[2], root), Ok(()));
    let proof = InclusionProof {
        index: 1,
        count: 2,
        ..last
    };
    assert_eq!(merkle::verify(&proof, leaves[2], root), Ok(()));
}

/// An inner node is no leaf: the tags keep them apart.
#[test]
fn a_node_does_not_pass_for_a_leaf() {
    let leaves: Vec<_> = (0..4u8).map(|n| merkle::leaf_hash(&[n])).collect();
    let root = merkle::root(&leaves);
    let left = merkle::root(&leaves[..2]);
    let forged = InclusionProof {
        index: 0,
        count: 2,
        path: vec![merkle::root(&leaves[2..])],
    };
    // As a hash it fits; as the hash of data it cannot be had.
    assert_eq!(merkle::verify(&forged, left, root), Ok(()));
    let data = [leaves[0].as_slice(), leaves[1].as_slice()].concat();
    let as_leaf = merkle::leaf_hash(&data);
    assert!(matches!(
        merkle::verify(&forged, as_leaf, root),
        Err(MerkleError::WrongRoot { expected, .. }) if expected == root
    ));
}

fn node(number: u64) -> Node {
    Node {
        hash: sha256(&[b"block", &number.to_be_bytes()]),
        weight: U256::from(number * number + 1),
        min_time: 1_000 + number as u32,
        max_time: 1_000 + number as u32,
    }
}

/// Rule: docs/protocol.md#R2
fn parent(left: &Node, right: &Node) -> Node {
    Node {
        hash: sha256(&[b"tally/history", &left.encode(), &right.encode()]),
        weight: left.weight + right.weight,
        min_time: left.min_time.min(right.min_time),
        max_time: left.max_time.max(right.max_time),
    }
}

/// Root of the perfect tree over `nodes`.
fn perfect(nodes: &[Node]) -> Node {
    match nodes {
        [one] => one.clone(),
        _ => {
            let (left, right) = nodes.split_at(nodes.len() / 2);
            parent(&perfect(left), &perfect(right))
        }
    }
}

/// Peaks of the range over `nodes`, left to right: perfect trees of falling size.
fn peaks(mut nodes: &[Node]) -> Vec<Node> {
    let mut peaks = Vec::new();
    while !nodes.is_empty() {
        let (tree, rest) = nodes.split_at(1 << nodes.len().ilog2());
        peaks.push(perfect(tree));
        nodes = rest;
    }
    peaks
}

/// Rule: docs/protocol.md#R3
fn naive_history_root(nodes: &[Node]) -> B256 {
    let mut peaks = peaks(nodes);
    let Some(mut bag) = peaks.pop() else { return B256::ZERO };
    while let Some(left) = peaks.pop() {
        bag = parent(&bag, &left);
    }
    sha256(&[
        b"tally/history-root",
        &(nodes.len() as u64).to_be_bytes(),
        &bag.encode(),
    ])
}

struct Range {
    leaves: Vec<Node>,
    stored: BTreeMap<u64, Node>,
    root: B256,
}

impl Range {
    fn new(blocks: u64) -> Self {
        let (mut history, mut stored) = (History::default(), BTreeMap::new());
        let leaves: Vec<_> = (0..blocks).map(node).collect();
        for leaf in &leaves {
            stored.extend(history.push(leaf.clone()));
        }
        let weight = leaves
            .iter()
            .fold(Weight::default(), |sum, leaf| sum.plus(Weight(leaf.weight)));
        assert_eq!(history.weight(), weight);
        let root = history.root();
        assert_eq!(root, naive_history_root(&leaves), "{blocks} blocks");
        Self { leaves, stored, root }
    }

    fn prove(&self, number: u64) -> HistoryProof {
        let reader = |position: u64| self.stored.get(&position).cloned();
        history::prove(self.leaves.len() as u64, number, &reader).unwrap()
    }

    fn verify(&self, proof: &HistoryProof, leaf: &Node) -> Result<(), HistoryError> {
        history::verify(proof, leaf.clone(), self.root)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn history_proofs_hold_for_their_block_only(
        blocks in 1u64..400, which: prop::sample::Index, other: prop::sample::Index, flip in 0usize..(72 * 8),
    ) {
        let range = Range::new(blocks);
        let number = which.index(blocks as usize) as u64;
        let leaf = &range.leaves[number as usize];
        let proof = range.prove(number);
        prop_assert_eq!(range.verify(&proof, leaf), Ok(()));
        let wrong_root = |outcome| matches!(outcome, Err(HistoryError::WrongRoot { expected, .. }) if expected == range.root);
        // Another block in this place, this block in another place.
        let elsewhere = other.index(blocks as usize) as u64;
        if elsewhere != number {
            prop_assert!(wrong_root(range.verify(&proof, &range.leaves[elsewhere as usize])));
            let outcome = range.verify(&HistoryProof { number: elsewhere, ..proof.clone() }, leaf);
            let malformed = outcome == Err(HistoryError::Malformed);
            prop_assert!(malformed || wrong_root(outcome));
        }
        // One bit of any node: hash, weight or times.
        if !proof.nodes.is_empty() {
            let mut forged = proof.clone();
            let at = other.index(proof.nodes.len());
            let mut bytes = forged.nodes[at].encode();
            bytes[flip / 8] ^= 1 << (flip % 8);
            forged.nodes[at] = Node::decode(&bytes);
            let outcome = range.verify(&forged, leaf);
            prop_assert!(wrong_root(outcome));
        }
        let mut bytes = leaf.encode();
        bytes[flip / 8] ^= 1 << (flip % 8);
        prop_assert!(wrong_root(range.verify(&proof, &Node::decode(&bytes))));
        // A node more or fewer, and another count of blocks.
        let mut longer = proof.clone();
        longer.nodes.push(node(0));
        prop_assert_eq!(range.verify(&longer, leaf), Err(HistoryError::Malformed));
        let mut shorter = proof.clone();
        if shorter.nodes.pop().is_some() {
            prop_assert_eq!(range.verify(&shorter, leaf), Err(HistoryError::Malformed));
        }
        let outcome = range.verify(&HistoryProof { blocks: blocks + 1, ..proof.clone() }, leaf);
        let malformed = outcome == Err(HistoryError::Malformed);
        prop_assert!(malformed || wrong_root(outcome));
    }
}

/// No sequence of true nodes, of any length, shows a block in a place that is not its own: all blocks, all places, with
/// every node of the range tried in up to three positions.
#[test]
fn true_nodes_do_not_show_a_block_in_another_place() {
    for blocks in 2..=7u64 {
        let range = Range::new(blocks);
        let mut pool: Vec<Node> = range.stored.values().cloned().collect();
        let mut right = peaks(&range.leaves);
        while right.len() > 1 {
            let (last, before) = (right.pop().unwrap(), right.pop().unwrap());
            right.push(parent(&last, &before));
            pool.push(right[right.len() - 1].clone());
        }
        let mut candidates: Vec<Vec<Node>> = vec![Vec::new()];
        let mut frontier = candidates.clone();
        for _ in 0..3 {
            frontier = frontier
                .iter()
                .flat_map(|nodes| {
                    pool.iter()
                        .map(|next| [&nodes[..], std::slice::from_ref(next)].concat())
                })
                .collect();
            candidates.extend(frontier.clone());
        }
        for number in 0..blocks {
            for nodes in &candidates {
                let proof = HistoryProof {
                    blocks,
                    number,
                    nodes: nodes.clone(),
                };
                for (place, leaf) in range.leaves.iter().enumerate() {
                    if range.verify(&proof, leaf) == Ok(()) {
                        assert_eq!(place as u64, number, "{blocks} blocks, {} nodes", nodes.len());
                    }
                }
            }
        }
    }
}

#[test]
fn a_history_proof_of_absurd_size_is_refused() {
    let range = Range::new(3);
    let leaf = &range.leaves[0];
    for blocks in [u64::MAX, 1 << 63, (1 << 62) + 1, 1 << 62] {
        let nodes = Vec::new();
        let proof = HistoryProof {
            blocks,
            number: 0,
            nodes,
        };
        assert_eq!(range.verify(&proof, leaf), Err(HistoryError::Malformed));
    }
    let (number, blocks) = (0, 0);
    let none = HistoryProof {
        blocks,
        number,
        nodes: Vec::new(),
    };
    assert_eq!(
        range.verify(&none, leaf),
        Err(HistoryError::NotAnAncestor { number, blocks })
    );
    let long = HistoryProof {
        blocks: 3,
        number: 0,
        nodes: vec![node(0); 129],
    };
    assert_eq!(
        range.verify(&long, leaf),
        Err(HistoryError::TooManyNodes { count: 129, max: 128 })
    );
    let (blocks, position) = (3, 2);
    let nothing = |_: u64| None;
    assert_eq!(
        History::open(blocks, &nothing),
        Err(HistoryError::MissingNode { blocks, position })
    );
}
