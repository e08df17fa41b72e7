//! Bitcoin's 80-byte header. Rules: docs/protocol.md#H1 to #H3

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::hash::{BlockId, sha256d};

/// Length of an encoded header in bytes.
pub const HEADER_BYTES: usize = 80;
/// Version of headers that are sealed by proof of work, the only engine so far. Rule: docs/protocol.md#H3
pub const HEADER_VERSION: u32 = 1;

/// What is hashed to seal a block. Rule: docs/protocol.md#H1
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// 1 is the only valid value. Rule: docs/protocol.md#H3
    pub version: u32,
    /// Id of the block before; zero in genesis. Rule: docs/protocol.md#H2
    pub parent: BlockId,
    /// In hash order. Rule: docs/protocol.md#M1
    pub manifest_root: B256,
    /// Unix seconds.
    pub time: u32,
    /// Compact target under proof of work. Rule: docs/protocol.md#H4
    pub bits: u32,
    /// What a miner varies first under proof of work; all 32 bits are free.
    pub nonce: u32,
}

impl Header {
    /// The 80 bytes, integers little-endian. Rule: docs/protocol.md#H1
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0..4].copy_from_slice(&self.version.to_le_bytes());
        out[4..36].copy_from_slice(self.parent.as_bytes());
        out[36..68].copy_from_slice(self.manifest_root.as_slice());
        out[68..72].copy_from_slice(&self.time.to_le_bytes());
        out[72..76].copy_from_slice(&self.bits.to_le_bytes());
        out[76..80].copy_from_slice(&self.nonce.to_le_bytes());
        out
    }

    /// Every 80 bytes decode to a header; the checks decide whether it is valid.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Self {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self {
            version: word(0),
            parent: BlockId(B256::from_slice(&bytes[4..36])),
            manifest_root: B256::from_slice(&bytes[36..68]),
            time: word(68),
            bits: word(72),
            nonce: word(76),
        }
    }

    /// Rule: docs/protocol.md#H2
    pub fn id(&self) -> BlockId {
        BlockId(sha256d(&self.encode()))
    }
}
