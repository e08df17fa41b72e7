//! Limits of transactions. Rules: docs/protocol.md#L3, #L4, #L6, #T7

/// Longest envelope in bytes. Rule: docs/protocol.md#L3
pub const MAX_TRANSACTION_BYTES: usize = 131_072;
/// Largest gas limit. Rule: docs/protocol.md#L4
pub const MAX_GAS_LIMIT: u64 = 16_777_216;
/// How long after its timestamp a transaction may be included, in seconds. Rule: docs/protocol.md#T7
pub const LIFETIME: u64 = 86_400;
/// How far a timestamp may be ahead of the block, in seconds. Rule: docs/protocol.md#T7
pub const MAX_AHEAD: u64 = 600;
/// Most addresses and slots in an access list. Rule: docs/protocol.md#L6
pub const MAX_ACCESS_ADDRESSES: usize = 256;
/// Most slots of all addresses of an access list together. Rule: docs/protocol.md#L6
pub const MAX_ACCESS_SLOTS: usize = 1_024;
