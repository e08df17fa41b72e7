use serde::{Deserialize, Serialize};
use tally_chain::transaction::ChainIdentity;

use super::{BaseUnits, BlockRow, Listing, Scheme, TransactionRow};

/// What never changes while a node runs: the chain it serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainInfo {
    pub name: String,
    pub chain_id: u64,
    pub symbol: String,
    pub genesis_id: String,
    /// Seconds that the difficulty aims at between blocks.
    pub spacing: u64,
    /// Whether the chain is a playground whose funded keys are public.
    pub playground: bool,
    /// Version of the node that serves this page.
    pub version: String,
}

impl ChainInfo {
    /// What signatures on this chain are bound to.
    ///
    /// # Errors
    /// Where the node's genesis id is none.
    pub fn identity(&self) -> Result<ChainIdentity, String> {
        let genesis = self.genesis_id.parse();
        Ok(ChainIdentity {
            chain_id: self.chain_id,
            genesis: genesis.map_err(|_| "the chain's genesis id cannot be read")?,
        })
    }
}

/// One pending payment in the ribbon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notch {
    pub id: String,
    pub scheme: Scheme,
}

/// One block in the charts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChartPoint {
    pub height: u64,
    pub time: u64,
    /// Seconds since its parent; `None` where the parent is genesis, whose time is a matter of form.
    pub interval: Option<f64>,
    pub transactions: u32,
    /// Expected hashes.
    pub difficulty: f64,
}

/// The dashboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    pub tip: BlockRow,
    /// Estimated from the work of the last blocks, hashes a second.
    pub hash_rate: f64,
    /// Expected hashes for the next block.
    pub difficulty: f64,
    /// Mean seconds between the last blocks.
    pub interval: Option<f64>,
    pub pending: u64,
    pub supply: BaseUnits,
    /// Transactions a second over the last blocks.
    pub throughput: f64,
    /// Median seconds from seen to confirmed; `None` until this node has seen one arrive.
    pub confirmation: Option<f64>,
    /// Base fee per gas of the next block.
    pub base_fee: BaseUnits,
    /// Transactions in the chain so far.
    pub transactions: u64,
    /// Newest first.
    pub blocks: Vec<BlockRow>,
    /// The next to be included first.
    pub notches: Vec<Notch>,
    /// Newest first.
    pub latest: Vec<TransactionRow>,
    /// Oldest first.
    pub series: Vec<ChartPoint>,
    /// Seconds that the latest transactions waited from arrival to their block, oldest first.
    pub waits: Vec<f64>,
}

/// How many pending transactions offer a fee of at least so much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeBand {
    /// Lowest priority fee per gas in the band, base units.
    pub from: BaseUnits,
    pub count: u64,
    pub bytes: u64,
}

/// The mempool page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MempoolView {
    pub count: u64,
    pub bytes: u64,
    pub max_count: u64,
    pub max_bytes: u64,
    pub base_fee: BaseUnits,
    pub bands: Vec<FeeBand>,
    pub transactions: Listing<TransactionRow>,
}

impl ChainInfo {
    /// What a page shows while it cannot reach any node.
    pub fn unknown() -> Self {
        Self {
            name: "unknown".to_owned(),
            chain_id: 0,
            symbol: String::new(),
            genesis_id: String::new(),
            spacing: 0,
            playground: false,
            version: String::new(),
        }
    }
}
