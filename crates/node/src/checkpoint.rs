//! States that a new node can start from: made from the tip and its undo data, checked part by part by the node that takes one.
//! Rules: docs/protocol.md#Q1 to #Q4

mod make;

use alloy_rlp::Encodable;
use tally_chain::codec::{CodecError, ListReader, wrap_list};
use tally_chain::history::History;
use tally_chain::{B256, BlockId, Header, Height, Manifest, Weight};
use tally_ledger::parts::MAX_DEPTH;
use tally_ledger::{ChangeSet, PartRoot};

/// Longest encoded part in bytes. Rule: docs/protocol.md#Q2
pub const MAX_PART_BYTES: usize = 4 << 20;
/// Which states are offered, and whether a new node takes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointConfig {
    /// Heights that are multiples of this; at least 1.
    pub every: u64,
    /// Blocks that stand on a checkpoint before it is offered or taken.
    pub depth: u64,
    /// Accounts and slots that a part has on average at most.
    pub part_leaves: usize,
    /// Whether a node without blocks begins with one.
    pub begin: bool,
    /// A block that the chain must have with which such a node begins: its operator trusts it. Rule: docs/protocol.md#Q5
    pub trusted: Option<BlockId>,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            every: 1_000,
            depth: 100,
            part_leaves: 4_096,
            begin: false,
            trusted: None,
        }
    }
}

/// A block, and the claimed roots of its state's parts. Rule: docs/protocol.md#Q1
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Id of the block whose state it is.
    pub block: BlockId,
    /// Height of that block.
    pub height: Height,
    /// The root of each part, from key zero up; their count is a power of two.
    pub roots: Vec<PartRoot>,
}

impl Checkpoint {
    /// The three fields, one after the other.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.block.0.encode(out);
        self.height.0.encode(out);
        let mut roots = Vec::new();
        for root in &self.roots {
            match root {
                PartRoot::Empty => [].as_slice().encode(&mut roots),
                PartRoot::Leaf { key, value_hash } => {
                    [key.as_slice(), value_hash.as_slice()].concat()[..].encode(&mut roots);
                }
                PartRoot::Branch(hash) => hash.as_slice().encode(&mut roots),
            }
        }
        out.extend(wrap_list(&roots));
    }

    /// Reads the three fields; at most 4,096 roots.
    pub fn read(items: &mut ListReader<'_>) -> Result<Self, CodecError> {
        let block = BlockId(items.b256("block")?);
        let height = Height(items.u64("height")?);
        let mut list = items.list("roots")?;
        let mut roots = Vec::new();
        while !list.is_empty() {
            let (len, max) = (roots.len() + 1, 1 << MAX_DEPTH);
            if len > max {
                let field = "roots";
                return Err(CodecError::TooLong { field, len, max });
            }
            let bytes = list.bytes("root", 64)?;
            roots.push(match bytes.len() {
                0 => PartRoot::Empty,
                32 => PartRoot::Branch(B256::from_slice(bytes)),
                64 => PartRoot::Leaf {
                    key: B256::from_slice(&bytes[..32]),
                    value_hash: B256::from_slice(&bytes[32..]),
                },
                len => {
                    let (field, expected) = ("root", 32);
                    return Err(CodecError::WrongLength { field, len, expected });
                }
            });
        }
        Ok(Self { block, height, roots })
    }
}

/// The state of a checkpoint with what the next block looks at; seals and parts were checked.
#[derive(Debug, Clone)]
pub struct StateSnapshot {
    /// The block whose state it is, with the roots of the parts.
    pub checkpoint: Checkpoint,
    /// Block 1 and those that end with the checkpoint's, as many as the next block looks at; each with the weight of its branch.
    pub blocks: Vec<(Header, Manifest, Weight)>,
    /// Over all blocks up to the checkpoint's, itself included.
    pub history: History,
    /// Every account, slot and code of that state.
    pub state: ChangeSet,
}
