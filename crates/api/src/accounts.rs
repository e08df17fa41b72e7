//! `/accounts/{address}`: balance and nonce, with a proof if wanted, and history.

use serde::{Deserialize, Serialize};
use tally_chain::{Address, Amount, B256, BlockId, Bytes};

use crate::mempool::WaitingBody;
use crate::transactions::TransactionBody;

/// Most waiting transactions in one answer of `/accounts/{address}/pending`.
pub const MAX_WAITING: usize = 100;

/// What ends the path of a state proof: nothing, or a leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofLeaf {
    /// The leaf's own key. Rule: docs/protocol.md#S3
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: B256,
    /// SHA-256 of the leaf's value.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub value_hash: B256,
}

/// Shows an account, or that there is none, under the tip's state root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateProofBody {
    /// The account's key in the state tree.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: B256,
    /// The encoded account; null where there is none.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub value: Option<Bytes>,
    /// Siblings from the root down.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub siblings: Vec<B256>,
    /// The leaf at the end of the path; null where it ends empty.
    pub leaf: Option<ProofLeaf>,
    /// Header and manifest of the tip, whose `state_root` the proof leads to.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub header_hex: Bytes,
    /// The encoded manifest of the tip.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub manifest_hex: Bytes,
}

/// An account at the tip. One that never received anything is empty, not unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountBody {
    /// With its EIP-55 checksum.
    #[serde(with = "crate::text::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))]
    pub address: Address,
    /// Base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1000000000000000000000000"))]
    pub balance: Amount,
    /// Transactions of this account that are in blocks.
    pub nonce: u64,
    /// What its next transaction should carry, waiting ones counted.
    pub next_nonce: u64,
    /// Transactions of it that wait in this node's pool.
    pub pending: usize,
    /// What those may cost at most, base units: so much of the balance is spoken for.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "0", required))]
    pub pending_cost: Amount,
    /// Whether it is a contract.
    pub contract: bool,
    /// Keccak-256 of its code; that of nothing where it has none.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub code_hash: B256,
    /// A name from the chain spec. PUBLIC marks accounts whose keys are published.
    pub label: Option<String>,
    /// Height at which this was read.
    pub height: u64,
    /// Id of the block at that height.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub tip: BlockId,
    /// Only with `proof=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<StateProofBody>,
}

impl AccountBody {
    /// What may still be spent, base units: the balance without what waiting transactions may cost.
    pub fn free(&self) -> Amount {
        self.balance.checked_sub(self.pending_cost).unwrap_or(Amount::ZERO)
    }
}

/// What an account has waiting in this node's pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountPoolBody {
    /// Transactions of this account that are in blocks.
    pub nonce: u64,
    /// The first nonce that no block could take yet: where a gap is, the one that is missing.
    pub next_nonce: u64,
    /// All that wait; `items` has at most 100 of them.
    pub count: usize,
    /// Lowest nonce first.
    pub items: Vec<WaitingBody>,
}

impl AccountPoolBody {
    /// The nonce that is missing, and how many wait for it. Rule: docs/protocol.md#W54
    pub fn gap(&self) -> Option<(u64, usize)> {
        let behind = self.items.iter().filter(|item| item.nonce > self.next_nonce).count();
        let held = self.items.iter().any(|item| item.nonce == self.next_nonce);
        (behind > 0 && !held).then_some((self.next_nonce, behind))
    }
}

/// What a line of a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    /// A transaction that the account sent or received.
    Transaction,
    /// The reward of a block that the account produced.
    Reward,
    /// A kind that this version does not know: a client shows that there is a line. No node sends it.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// What the answer proves of a reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RewardProof {
    /// Nothing: it is only what this node reports. No commitment of a block has its reward.
    None,
    /// A proof that this version does not know and cannot check: to a client it proves nothing. No node sends it.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// What the producer of a block received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RewardBody {
    /// Of the block.
    pub height: u64,
    /// Id of the block.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub block: BlockId,
    /// Of the block, Unix seconds.
    pub time: u32,
    /// Blocks that confirm it, its own counted.
    pub confirmations: u64,
    /// Subsidy and fees together, base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "50000000000000000000"))]
    pub value: Amount,
    /// New coins, base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub subsidy: Amount,
    /// Priority fees of the block's transactions, base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub fees: Amount,
    /// What this answer proves of it.
    pub proof: RewardProof,
}

/// A line of an account's history: of `transaction` and `reward`, the one that `kind` names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryLine {
    /// Which of the two it is.
    pub kind: LineKind,
    /// Of the kind `transaction`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<TransactionBody>,
    /// Of the kind `reward`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reward: Option<RewardBody>,
}

/// A page of an account's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryPageBody {
    /// Newest first.
    pub items: Vec<HistoryLine>,
    /// `cursor` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use tally_chain::TxId;

    use super::*;

    #[test]
    fn a_gap_is_a_nonce_that_others_wait_for() {
        let pool = |next_nonce, nonces: &[u64]| AccountPoolBody {
            nonce: 3,
            next_nonce,
            count: nonces.len(),
            items: nonces.iter().map(|&nonce| waiting(nonce, nonce < next_nonce)).collect(),
        };
        assert_eq!(pool(3, &[]).gap(), None);
        assert_eq!(pool(5, &[3, 4]).gap(), None);
        assert_eq!(pool(5, &[3, 4, 6, 8]).gap(), Some((5, 2)));
        // The next one is there, but waits for coins.
        assert_eq!(pool(5, &[3, 4, 5, 6]).gap(), None);
    }

    fn waiting(nonce: u64, pending: bool) -> WaitingBody {
        WaitingBody {
            id: TxId(B256::repeat_byte(7)),
            sender: Address::ZERO,
            nonce,
            pending,
            size: 1,
            max_fee: 2,
            max_priority_fee: 1,
            arrived: 0,
            expires: 1,
        }
    }
}
