//! What a proof may consist of. Rules: docs/protocol.md#F1 to #F5

/// What a proof begins with. Rule: docs/protocol.md#F3
pub const MAGIC: &[u8; 8] = b"tlylight";
/// The version that is written, and the only one that is read. Rule: docs/protocol.md#F3
pub const VERSION: u8 = 1;
/// Up to this height a proof has all headers. Rule: docs/protocol.md#F1
pub const ALL_HEADERS_UP_TO: u64 = 10_000;
/// Height above which nothing is verified: positions and sums then stay within 64 bits. Rule: docs/protocol.md#F1
pub const MAX_HEIGHT: u64 = 1 << 40;
/// Fewest newest blocks whose headers are all in a sampled proof, the tip included; their work is that of so many blocks of the
/// mean weight, or more are shown. Rule: docs/protocol.md#F4
pub const TAIL_BLOCKS: u64 = 200;
/// Most of them: doubled five times. Rule: docs/protocol.md#F4
pub const MAX_TAIL_BLOCKS: u64 = TAIL_BLOCKS << 5;
/// The tip of a sample has at least the mean work of blocks divided by this. Rule: docs/protocol.md#F5
pub const TIP_SHARE: u64 = 16;
/// Windows of a chain as high as can be, but for that of all blocks. Rule: docs/protocol.md#F4
pub const MAX_WINDOWS: u64 = 33;
/// A sample misses a forgery with a chance of at most 2 to minus this many. Rule: docs/protocol.md#F5
pub const SECURITY_BITS: u32 = 50;
/// Most draws of a sample. Rule: docs/protocol.md#F1
pub const MAX_DRAWS: u32 = 4_096;
/// Most records: those of block 1, of the draws, and of the first blocks of windows. Rule: docs/protocol.md#F5
pub const MAX_RECORDS: u64 = 1 + MAX_DRAWS as u64 + MAX_WINDOWS;
