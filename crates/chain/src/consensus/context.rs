//! What engines look at of the blocks before.

use crate::units::Height;

/// What the next seal depends on, of the blocks before. Blocks and headers without their blocks have it alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealContext {
    /// Time of block 1 of the branch, in Unix seconds; `None` while genesis is the parent. Rule: docs/protocol.md#D1
    pub anchor_time: Option<u32>,
    /// Time of the parent, in Unix seconds.
    pub parent_time: u32,
    /// Height of the parent.
    pub parent_height: Height,
}
