//! What a header commits to. Rules: docs/protocol.md#M1, #M2

use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::{Encodable, RlpEncodable};
use serde::{Deserialize, Serialize};

use crate::codec::{CodecError, ListReader};
use crate::hash::sha256d;
use crate::units::Height;

/// Longest encoded manifest in bytes. Rule: docs/protocol.md#L5
pub const MAX_MANIFEST_BYTES: usize = 512;
/// Longest `extra` in bytes. Rule: docs/protocol.md#M2
pub const MAX_EXTRA_BYTES: usize = 64;
/// Length of the extra nonce at the end of `extra`, in bytes. Rule: docs/protocol.md#M2
pub const EXTRA_NONCE_BYTES: usize = 8;

#[derive(RlpEncodable)]
struct Wire<'a> {
    number: u64,
    producer: Address,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    history_root: B256,
    gas_limit: u64,
    gas_used: u64,
    base_fee: u128,
    extra: &'a Bytes,
    seal: &'a Bytes,
}

/// The commitments of one block, about 250 bytes: what a light client downloads beside the header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Height of the block; genesis is 0. Rule: docs/protocol.md#B1
    pub number: Height,
    /// Receives the subsidy and the priority fees.
    pub producer: Address,
    /// Root of the state after the block. Rule: docs/protocol.md#S3
    pub state_root: B256,
    /// Root over the envelopes. Rule: docs/protocol.md#K2
    pub transactions_root: B256,
    /// Root over the receipts, in the order of the transactions. Rule: docs/protocol.md#K2
    pub receipts_root: B256,
    /// Root of the range over all blocks before this one; zero in genesis. Rule: docs/protocol.md#R3
    pub history_root: B256,
    /// Most gas of all transactions together; the chain spec's.
    pub gas_limit: u64,
    /// Gas of all transactions together; at most `gas_limit`.
    pub gas_used: u64,
    /// Base units per gas.
    pub base_fee: u128,
    /// At most 64 bytes; the last 8 are the miner's extra nonce.
    pub extra: Bytes,
    /// The consensus engine's own data; empty under proof of work.
    pub seal: Bytes,
}

impl Manifest {
    /// Its RLP list, in the order of the fields. Rule: docs/protocol.md#M1
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(320);
        Wire {
            number: self.number.0,
            producer: self.producer,
            state_root: self.state_root,
            transactions_root: self.transactions_root,
            receipts_root: self.receipts_root,
            history_root: self.history_root,
            gas_limit: self.gas_limit,
            gas_used: self.gas_used,
            base_fee: self.base_fee,
            extra: &self.extra,
            seal: &self.seal,
        }
        .encode(&mut out);
        out
    }

    /// Decodes exactly one manifest of at most [`MAX_MANIFEST_BYTES`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(CodecError::TooLong {
                field: "manifest",
                len: bytes.len(),
                max: MAX_MANIFEST_BYTES,
            });
        }
        let mut items = ListReader::open("manifest", bytes)?;
        let manifest = Self {
            number: Height(items.u64("manifest.number")?),
            producer: items.address("manifest.producer")?,
            state_root: items.b256("manifest.state_root")?,
            transactions_root: items.b256("manifest.transactions_root")?,
            receipts_root: items.b256("manifest.receipts_root")?,
            history_root: items.b256("manifest.history_root")?,
            gas_limit: items.u64("manifest.gas_limit")?,
            gas_used: items.u64("manifest.gas_used")?,
            base_fee: items.u128("manifest.base_fee")?,
            extra: Bytes::copy_from_slice(items.bytes("manifest.extra", MAX_EXTRA_BYTES)?),
            seal: Bytes::copy_from_slice(items.bytes("manifest.seal", MAX_MANIFEST_BYTES)?),
        };
        items.end()?;
        Ok(manifest)
    }

    /// `manifest_root`. Rule: docs/protocol.md#M1
    pub fn root(&self) -> B256 {
        sha256d(&self.encode())
    }
}
