//! What a proof may consist of. Rules: docs/protocol.md#F1 to #F5

/// What a proof begins with. Rule: docs/protocol.md#F3
pub const MAGIC: &[u8; 8] = b"tlylight";
/// The version that is written, and the only one that is read. Rule: docs/protocol.md#F3
pub const VERSION: u8 = 1;
/// Up to this height a proof has all headers. Rule: docs/protocol.md#F1
pub const ALL_HEADERS_UP_TO: u64 = 10_000;
/// Height above which nothing is verified: positions and sums then stay within 64 bits. Rule: docs/protocol.md#F1
pub const MAX_HEIGHT: u64 = 1 << 40;
/// Newest blocks whose headers are all in a sampled proof, the tip included. Rule: docs/protocol.md#F4
pub const TAIL_BLOCKS: u64 = 200;
/// A sample misses a forgery with a chance of at most 2 to minus this many. Rule: docs/protocol.md#F5
pub const SECURITY_BITS: u32 = 50;
/// Most draws of a sample. Rule: docs/protocol.md#F1
pub const MAX_DRAWS: u32 = 4_096;
