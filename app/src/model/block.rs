use serde::{Deserialize, Serialize};

use super::{BaseUnits, Listing, TransactionRow};

/// One block as a line of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRow {
    pub height: u64,
    /// Block id as shown (reversed hex). Rule: docs/protocol.md#H2
    pub id: String,
    /// Header time, Unix seconds.
    pub time: u64,
    /// Seconds since the parent's time; `None` for genesis. Negative where a miner's clock ran ahead.
    pub interval: Option<i64>,
    pub transactions: u32,
    pub gas_used: u64,
    pub gas_limit: u64,
    /// Encoded block, bytes.
    pub bytes: u64,
    /// Checksummed address of the producer.
    pub producer: String,
    /// Base fees that it burned.
    pub burned: BaseUnits,
}

impl BlockRow {
    /// Gas used as a share of the limit, 0 to 1.
    pub fn fullness(&self) -> f64 {
        if self.gas_limit == 0 {
            0.0
        } else {
            (self.gas_used as f64 / self.gas_limit as f64).min(1.0)
        }
    }
}

/// The 80 bytes that the work is done on, field by field. Rule: docs/protocol.md#H1
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderView {
    pub version: u32,
    pub parent: String,
    pub manifest_root: String,
    pub time: u32,
    /// Compact target, hex.
    pub bits: String,
    /// The target that the id may not exceed, 64 hex digits.
    pub target: String,
    pub nonce: u32,
}

/// What the header commits to. Rule: docs/protocol.md#M1
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestView {
    pub state_root: String,
    pub transactions_root: String,
    pub receipts_root: String,
    pub history_root: String,
    /// Base fee per gas, base units.
    pub base_fee: BaseUnits,
    /// Hex of the extra field.
    pub extra: String,
}

/// Everything the block page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockPage {
    pub row: BlockRow,
    pub header: HeaderView,
    pub manifest: ManifestView,
    /// False for a block of a branch that lost.
    pub canonical: bool,
    /// False for a block before or at the checkpoint that the node began with: only its header and manifest are there.
    pub kept: bool,
    /// The tip's height when this was read; confirmations follow from it.
    pub tip: u64,
    /// Expected hashes for this block's target.
    pub difficulty: f64,
    pub subsidy: BaseUnits,
    /// Priority fees, to the producer; unknown for a block off the main chain.
    pub tips: Option<BaseUnits>,
    /// Sum of the values moved by the block's transactions.
    pub moved: BaseUnits,
    pub transactions: Listing<TransactionRow>,
}

impl BlockPage {
    /// How many blocks confirm it, itself included; zero off the main chain.
    pub fn confirmations(&self) -> u64 {
        if self.canonical {
            (self.tip + 1).saturating_sub(self.row.height)
        } else {
            0
        }
    }
}
