//! The history tree while it is read from left to right. Rules: docs/protocol.md#R1 to #R3, #F6

use alloy_primitives::{B256, U256};

use crate::history::{self, Node};

/// Weights that sum up to 2^256 or more: no chain has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WeightOverflow;

/// The range over blocks `0..blocks`, as its peaks. Nodes are added at its right end: leaves, or nodes over many blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Range {
    blocks: u64,
    weight: U256,
    /// Left to right, each with the number of its blocks.
    peaks: Vec<(u64, Node)>,
}

impl Range {
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Sum of all weights.
    pub fn weight(&self) -> U256 {
        self.weight
    }

    pub fn peaks(&self) -> impl DoubleEndedIterator<Item = &Node> {
        self.peaks.iter().map(|(_, node)| node)
    }

    /// The range over `blocks` blocks with these peaks; `None` where that many blocks have another number of peaks, or their
    /// weights overflow.
    pub fn from_peaks(blocks: u64, peaks: Vec<Node>) -> Option<Self> {
        if peaks.len() != blocks.count_ones() as usize {
            return None;
        }
        let mut range = Self::default();
        for node in peaks {
            let size = largest_between(range.blocks, blocks);
            range.push(size, node).ok()?;
        }
        Some(range)
    }

    /// Adds the node over the next `size` blocks: a power of two of which the number of blocks is a multiple.
    pub fn push(&mut self, mut size: u64, mut node: Node) -> Result<(), WeightOverflow> {
        debug_assert!(size.is_power_of_two() && self.blocks.is_multiple_of(size));
        self.weight = self.weight.checked_add(node.weight).ok_or(WeightOverflow)?;
        self.blocks += size;
        while let Some((_, left)) = self.peaks.pop_if(|(left_size, _)| *left_size == size) {
            node = history::parent(&left, &node).ok_or(WeightOverflow)?;
            size *= 2;
        }
        self.peaks.push((size, node));
        Ok(())
    }

    /// `history_root` of the block whose ancestors these are.
    pub fn root(&self) -> B256 {
        history::root_over(self.blocks, self.peaks()).expect("the sum of all weights was checked with each push")
    }
}

/// Blocks under the largest node that begins at block `from` and ends before block `to`, which is later.
pub(super) fn largest_between(from: u64, to: u64) -> u64 {
    let fits = 1 << (to - from).ilog2();
    match from {
        0 => fits,
        _ => fits.min(1 << from.trailing_zeros()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;
    use crate::history::testing::leaf;

    #[test]
    fn leaves_make_the_range_of_the_library() {
        let (mut range, mut history) = (Range::default(), History::default());
        for blocks in 0..200 {
            assert_eq!((range.blocks(), range.root()), (blocks, history.root()));
            assert_eq!(range.weight(), history.weight().0);
            let peaks: Vec<Node> = history.peaks().map(|(_, node)| node.clone()).collect();
            assert_eq!(Range::from_peaks(blocks, peaks), Some(range.clone()));
            range.push(1, leaf(blocks)).unwrap();
            history.push(leaf(blocks));
        }
        assert_eq!(Range::from_peaks(3, vec![leaf(0)]), None);
    }

    /// Whatever is left out between two blocks, the largest nodes in its place lead to the same root.
    #[test]
    fn nodes_over_many_blocks_stand_for_their_leaves() {
        let blocks = 45;
        let over = |first: u64, size: u64| {
            let mut part = Range::default();
            (first..first + size).for_each(|number| part.push(1, leaf(number)).unwrap());
            part.peaks().next().unwrap().clone()
        };
        let root = {
            let mut range = Range::default();
            (0..blocks).for_each(|number| range.push(1, leaf(number)).unwrap());
            range.root()
        };
        for from in 0..blocks {
            for to in from..=blocks {
                let mut range = Range::default();
                while range.blocks() < blocks {
                    let first = range.blocks();
                    let size = match (from..to).contains(&first) {
                        true => largest_between(first, to),
                        false => 1,
                    };
                    range.push(size, over(first, size)).unwrap();
                }
                assert_eq!(range.root(), root, "{from} to {to}");
            }
        }
    }

    #[test]
    fn weights_that_overflow_are_an_error() {
        let heavy = Node {
            weight: U256::MAX,
            ..leaf(0)
        };
        let mut range = Range::default();
        range.push(1, heavy.clone()).unwrap();
        assert_eq!(range.push(1, heavy), Err(WeightOverflow));
    }
}
