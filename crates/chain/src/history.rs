//! The Merkle mountain range over all ancestors. Rules: docs/protocol.md#R1 to #R3

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};
use ckb_merkle_mountain_range::{
    Error as MmrError, MMR, MMRStoreReadOps, Merge, MerkleProof, leaf_index_to_mmr_size, leaf_index_to_pos,
};
use serde::{Deserialize, Serialize};

use crate::hash::{BlockId, sha256};
use crate::header::Header;
use crate::units::Weight;

/// Length of an encoded node in bytes. Rule: docs/protocol.md#R1
pub const NODE_BYTES: usize = 72;
/// Most nodes in a history proof. Rule: docs/protocol.md#L7
pub const MAX_PROOF_NODES: usize = 128;
/// Most blocks in a range: positions of its nodes then stay below 2^63.
const MAX_BLOCKS: u64 = 1 << 62;

/// A node of the range: a leaf is one block, an inner node sums up the blocks below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// A leaf: the block's id in hash order; an inner node: a hash of its two children. Rule: docs/protocol.md#R1
    pub hash: B256,
    /// Sum of the weights of its blocks: of their work under proof of work. Rule: docs/protocol.md#H6
    pub weight: U256,
    /// Earliest time of its blocks, in Unix seconds.
    pub min_time: u32,
    /// Latest time of its blocks, in Unix seconds.
    pub max_time: u32,
}

impl Node {
    /// The leaf of a block with this header and weight.
    pub fn leaf(id: BlockId, header: &Header, weight: Weight) -> Self {
        Self {
            hash: id.0,
            weight: weight.0,
            min_time: header.time,
            max_time: header.time,
        }
    }

    /// The 72 bytes: hash, weight, times, integers big-endian. Rule: docs/protocol.md#R1
    pub fn encode(&self) -> [u8; NODE_BYTES] {
        let mut out = [0; NODE_BYTES];
        out[..32].copy_from_slice(self.hash.as_slice());
        out[32..64].copy_from_slice(&self.weight.to_be_bytes::<32>());
        out[64..68].copy_from_slice(&self.min_time.to_be_bytes());
        out[68..].copy_from_slice(&self.max_time.to_be_bytes());
        out
    }

    /// Every 72 bytes are a node; whether it belongs to a range is what a proof shows.
    pub fn decode(bytes: &[u8; NODE_BYTES]) -> Self {
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self {
            hash: B256::from_slice(&bytes[..32]),
            weight: U256::from_be_slice(&bytes[32..64]),
            min_time: word(64),
            max_time: word(68),
        }
    }
}

/// The node above two; `None` where their weights sum up to 2^256 or more. Real work never does. The nodes of a proof are
/// what its sender wrote: a sum that stops at the largest number would pass off other weights under the same parent.
/// Rule: docs/protocol.md#R2
pub(crate) fn parent(left: &Node, right: &Node) -> Option<Node> {
    Some(Node {
        weight: left.weight.checked_add(right.weight)?,
        hash: sha256(&[b"tally/history", &left.encode(), &right.encode()]),
        min_time: left.min_time.min(right.min_time),
        max_time: left.max_time.max(right.max_time),
    })
}

/// `history_root` of `blocks` blocks with these peaks, left to right; `None` where weights sum up to 2^256 or more.
/// Rule: docs/protocol.md#R3
pub(crate) fn root_over<'a>(blocks: u64, peaks: impl DoubleEndedIterator<Item = &'a Node>) -> Option<B256> {
    let mut peaks = peaks.rev();
    let Some(last) = peaks.next() else {
        return Some(B256::ZERO);
    };
    let bag = peaks.try_fold(last.clone(), |bag, peak| parent(&bag, peak))?;
    Some(root_of(blocks, &bag))
}

/// Position of the node over the `size` blocks from `first` on: `size` is a power of two, and `first` a multiple of it.
pub(crate) fn position_over(first: u64, size: u64) -> u64 {
    leaf_index_to_pos(first + (size - 1)) + u64::from(size.ilog2())
}

struct Sum;

impl Merge for Sum {
    type Item = Node;

    fn merge(left: &Node, right: &Node) -> Result<Node, MmrError> {
        parent(left, right).ok_or_else(|| MmrError::MergeError("weights sum up to 2^256 or more".to_owned()))
    }
}

/// Reads nodes of the range by position.
pub trait NodeReader {
    /// The node at this position, or `None` where the store has none.
    fn node(&self, position: u64) -> Option<Node>;
}

impl<F: Fn(u64) -> Option<Node>> NodeReader for F {
    fn node(&self, position: u64) -> Option<Node> {
        self(position)
    }
}

struct Reader<'a, R>(&'a R);

impl<R: NodeReader> MMRStoreReadOps<Node> for Reader<'_, R> {
    fn get_elem(&self, position: u64) -> ckb_merkle_mountain_range::Result<Option<Node>> {
        Ok(self.0.node(position))
    }
}

/// Why a history cannot be read or a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum HistoryError {
    #[error("history of {blocks} blocks lacks the node at position {position}")]
    MissingNode { blocks: u64, position: u64 },
    #[error("block {number} is not among the {blocks} ancestors")]
    NotAnAncestor { number: u64, blocks: u64 },
    #[error("history proof has {count} nodes, at most {max} are allowed")]
    TooManyNodes { count: usize, max: usize },
    #[error("history proof is malformed")]
    Malformed,
    #[error("the weights in the history proof sum up to 2^256 or more")]
    WeightOverflow,
    #[error("history proof leads to root {found}, not to {expected}")]
    WrongRoot { found: B256, expected: B256 },
}

/// The range over blocks `0..blocks`, held as its peaks: enough to append and to take the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    blocks: u64,
    /// Peaks by position.
    peaks: BTreeMap<u64, Node>,
}

impl History {
    /// Number of blocks committed to.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Positions of the peaks of a range over `blocks` blocks, left to right.
    pub fn peak_positions(blocks: u64) -> Vec<u64> {
        if blocks == 0 {
            return Vec::new();
        }
        ckb_merkle_mountain_range::helper::get_peaks(leaf_index_to_mmr_size(blocks - 1))
    }

    /// The peaks with their positions: all that a longer range is made from.
    pub fn peaks(&self) -> impl Iterator<Item = (u64, &Node)> {
        self.peaks.iter().map(|(position, node)| (*position, node))
    }

    /// Opens the range over `blocks` blocks from stored nodes.
    pub fn open(blocks: u64, nodes: &impl NodeReader) -> Result<Self, HistoryError> {
        let peaks = Self::peak_positions(blocks)
            .into_iter()
            .map(|position| {
                let node = nodes
                    .node(position)
                    .ok_or(HistoryError::MissingNode { blocks, position })?;
                Ok((position, node))
            })
            .collect::<Result<_, HistoryError>>()?;
        Ok(Self { blocks, peaks })
    }

    /// Appends a block's leaf and returns the new nodes with their positions.
    pub fn push(&mut self, leaf: Node) -> Vec<(u64, Node)> {
        let size = if self.blocks == 0 {
            0
        } else {
            leaf_index_to_mmr_size(self.blocks - 1)
        };
        let reader = |position: u64| self.peaks.get(&position).cloned();
        let mut range: MMR<Node, Sum, _> = MMR::new(size, Reader(&reader));
        range
            .push(leaf)
            .expect("all peaks are here, and work that was done never sums up to 2^256");
        let added: Vec<_> = (size..range.mmr_size())
            .filter_map(|position| Some((position, range.batch().get_elem(position).ok()??)))
            .collect();
        self.blocks += 1;
        // Only peaks are kept: regardless of the height, that is a few dozen nodes. The others are in the store.
        let positions = Self::peak_positions(self.blocks);
        let mut peaks = std::mem::take(&mut self.peaks);
        peaks.extend(added.iter().cloned());
        peaks.retain(|position, _| positions.contains(position));
        self.peaks = peaks;
        added
    }

    /// `history_root`. Rule: docs/protocol.md#R3
    pub fn root(&self) -> B256 {
        root_over(self.blocks, self.peaks.values()).expect("work that was done never sums up to 2^256")
    }

    /// Weight of all blocks committed to.
    pub fn weight(&self) -> Weight {
        self.peaks
            .values()
            .fold(Weight::default(), |sum, peak| sum.plus(Weight(peak.weight)))
    }
}

fn root_of(blocks: u64, bag: &Node) -> B256 {
    sha256(&[b"tally/history-root", &blocks.to_be_bytes(), &bag.encode()])
}

/// Shows that a block is an ancestor: nodes of the range over `blocks` blocks, in the order the library defines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryProof {
    /// Blocks in the range, genesis included: the number of the block whose `history_root` it leads to.
    pub blocks: u64,
    /// Number of the block that is shown to be an ancestor; below `blocks`.
    pub number: u64,
    /// At most [`MAX_PROOF_NODES`].
    pub nodes: Vec<Node>,
}

/// Proof that block `number` is one of the first `blocks`.
pub fn prove(blocks: u64, number: u64, nodes: &impl NodeReader) -> Result<HistoryProof, HistoryError> {
    if number >= blocks {
        return Err(HistoryError::NotAnAncestor { number, blocks });
    }
    let range: MMR<Node, Sum, _> = MMR::new(leaf_index_to_mmr_size(blocks - 1), Reader(nodes));
    let proof = range
        .gen_proof(vec![leaf_index_to_pos(number)])
        .map_err(|_| HistoryError::MissingNode {
            blocks,
            position: leaf_index_to_pos(number),
        })?;
    Ok(HistoryProof {
        blocks,
        number,
        nodes: proof.proof_items().to_vec(),
    })
}

/// Nodes in a proof for block `number` of `blocks`: the peaks to the left, the siblings up to its own peak, and one
/// for all peaks to the right. Rule: docs/protocol.md#R4
fn proof_len(blocks: u64, number: u64) -> usize {
    let (mut left_peaks, mut first, mut rest) = (0, 0, blocks);
    loop {
        let size = 1 << rest.ilog2();
        rest -= size;
        if number < first + size {
            return left_peaks + size.ilog2() as usize + usize::from(rest > 0);
        }
        first += size;
        left_peaks += 1;
    }
}

/// Verifies that `leaf` is block `proof.number` under the `history_root` `expected`. Rule: docs/protocol.md#R4
pub fn verify(proof: &HistoryProof, leaf: Node, expected: B256) -> Result<(), HistoryError> {
    let HistoryProof { blocks, number, nodes } = proof;
    if number >= blocks {
        return Err(HistoryError::NotAnAncestor {
            number: *number,
            blocks: *blocks,
        });
    }
    if nodes.len() > MAX_PROOF_NODES {
        return Err(HistoryError::TooManyNodes {
            count: nodes.len(),
            max: MAX_PROOF_NODES,
        });
    }
    // Bagging hashes as the tree does, so a shorter path could pass one block off as another.
    if *blocks > MAX_BLOCKS || nodes.len() != proof_len(*blocks, *number) {
        return Err(HistoryError::Malformed);
    }
    let proof = MerkleProof::<Node, Sum>::new(leaf_index_to_mmr_size(blocks - 1), nodes.clone());
    let bag = proof
        .calculate_root(vec![(leaf_index_to_pos(*number), leaf)])
        .map_err(|error| match error {
            MmrError::MergeError(_) => HistoryError::WeightOverflow,
            _ => HistoryError::Malformed,
        })?;
    let found = root_of(*blocks, &bag);
    if found == expected {
        Ok(())
    } else {
        Err(HistoryError::WrongRoot { found, expected })
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A leaf as block `number` might have it.
    pub(crate) fn leaf(number: u64) -> Node {
        Node {
            hash: sha256(&[&number.to_be_bytes()]),
            weight: U256::from(number + 1),
            min_time: number as u32,
            max_time: number as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::leaf;
    use super::*;

    /// The bag of another history whose weights stop at 2^256 - 1 would be the same.
    #[test]
    fn weights_that_overflow_are_rejected() {
        let heavy = |number| Node {
            weight: U256::MAX - U256::from(1),
            ..leaf(number)
        };
        let proof = HistoryProof {
            blocks: 2,
            number: 0,
            nodes: vec![heavy(1)],
        };
        let found = verify(&proof, leaf(0), B256::ZERO);
        assert!(matches!(found, Err(HistoryError::WrongRoot { .. })));
        let found = verify(
            &proof,
            Node {
                weight: U256::from(2),
                ..leaf(0)
            },
            B256::ZERO,
        );
        assert_eq!(found, Err(HistoryError::WeightOverflow));
    }

    #[test]
    fn nodes_stand_where_the_library_puts_them() {
        let (mut history, mut nodes) = (History::default(), BTreeMap::new());
        for number in 0..64 {
            nodes.extend(history.push(leaf(number)));
        }
        for size in [1u64, 2, 4, 8, 16, 32, 64] {
            for first in (0..64).step_by(size as usize) {
                let node = &nodes[&position_over(first, size)];
                let (last, sum) = (first + size - 1, (first + 1..=first + size).sum::<u64>());
                assert_eq!((node.min_time, node.max_time), (first as u32, last as u32));
                assert_eq!(node.weight, U256::from(sum));
            }
        }
    }

    #[test]
    fn every_ancestor_proves_itself_and_no_other() {
        let (mut history, mut nodes) = (History::default(), BTreeMap::new());
        assert_eq!(history.root(), B256::ZERO);
        for blocks in 1..40u64 {
            nodes.extend(history.push(leaf(blocks - 1)));
            let reader = |position: u64| nodes.get(&position).cloned();
            assert_eq!(History::open(blocks, &reader), Ok(history.clone()));
            assert_eq!(history.weight().0, U256::from(blocks * (blocks + 1) / 2));
            for number in 0..blocks {
                let proof = prove(blocks, number, &reader).unwrap();
                assert_eq!(verify(&proof, leaf(number), history.root()), Ok(()));
                let forged = Node {
                    weight: U256::from(1_000),
                    ..leaf(number)
                };
                assert!(matches!(
                    verify(&proof, forged, history.root()),
                    Err(HistoryError::WrongRoot { .. })
                ));
            }
            assert_eq!(
                prove(blocks, blocks, &reader),
                Err(HistoryError::NotAnAncestor { number: blocks, blocks })
            );
        }
    }
}
