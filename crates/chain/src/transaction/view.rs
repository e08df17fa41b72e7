//! What transactions of both families have in common.

use alloy_primitives::{Address, B256, Bytes};

use crate::units::{Amount, UnixSecs};

/// The fields that both families share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View<'a> {
    /// EIP-2718 type byte; 0 for legacy.
    pub kind: u8,
    /// The number that the signature is bound to. Rule: docs/protocol.md#T5
    pub chain_id: u64,
    /// The sender's account nonce when it executes. Rule: docs/protocol.md#T6
    pub nonce: u64,
    /// Only Tally transactions carry one.
    pub timestamp: Option<UnixSecs>,
    /// Base units per gas.
    pub max_priority_fee: u128,
    /// Base units per gas, base fee included.
    pub max_fee: u128,
    /// Most gas that it may use.
    pub gas_limit: u64,
    /// None creates a contract.
    pub to: Option<Address>,
    /// What `to` receives, in base units.
    pub value: Amount,
    /// Memo, call data, or the init code of a contract.
    pub data: &'a Bytes,
    /// Addresses and slots that are warm from the start (EIP-2930); empty for Tally transactions.
    pub access_list: &'a [(Address, Vec<B256>)],
}
