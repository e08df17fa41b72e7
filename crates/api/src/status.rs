//! `/status`: the node in one look.

use serde::{Deserialize, Serialize};
use tally_chain::{Address, Amount, B256, BlockId};

/// The end of the active chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TipBody {
    /// 64 hex digits. Rule: docs/protocol.md#H2
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"))]
    pub id: BlockId,
    /// Genesis is 0.
    #[cfg_attr(feature = "openapi", schema(example = 1_024))]
    pub height: u64,
    /// Header time, Unix seconds.
    #[cfg_attr(feature = "openapi", schema(example = 1_793_500_000))]
    pub time: u32,
    /// Expected hashes of the whole branch.
    #[cfg_attr(feature = "openapi", schema(example = "34360000512"))]
    pub weight: String,
}

/// How far this node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncBody {
    /// Whether nothing that checked headers promise is left to fetch. A node without peers has all there is.
    #[cfg_attr(feature = "openapi", schema(example = true))]
    pub complete: bool,
    /// Connected peers.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub peers: u32,
}

/// The native miner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MinerBody {
    /// Whether it is switched on.
    pub on: bool,
    /// Threads while it mines.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub threads: usize,
    /// Receives subsidy and priority fees.
    #[serde(with = "crate::text::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))]
    pub address: Address,
    /// Hashes a second, by its own count.
    #[cfg_attr(feature = "openapi", schema(example = 11_900_000.0))]
    pub hash_rate: f64,
    /// Why it makes no blocks though it is on: none while it does.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "this machine's clock is 5 min behind the median of 4 peers")
    )]
    pub paused: Option<String>,
}

/// This machine's clock beside those of its peers. Its default is that of a node that compares no clocks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClockBody {
    /// This machine's clock less the median, seconds; below 0 it is behind. None while too few clocks are known.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub offset_secs: Option<i64>,
    /// Peers whose clocks were read.
    #[cfg_attr(feature = "openapi", schema(example = 4))]
    pub peers: usize,
    /// Seconds by which a block's time may be ahead: docs/protocol.md#B4
    #[cfg_attr(feature = "openapi", schema(example = 120))]
    pub allowance_secs: u64,
    /// Seconds by which this machine's clock is behind this node's own chain: it was set back. None where it is not.
    pub behind_chain_secs: Option<u64>,
    /// Whether the clock is further off than `allowance_secs`, by at least three peers of this node's choice or by its own
    /// chain: then this node neither mines nor punishes others for it.
    pub off: bool,
}

/// A chain of more work than this node's that it can only follow by starting again: docs/protocol.md#Q5
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeavierForkBody {
    /// Who showed it.
    pub peer: String,
    /// Its end.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"))]
    pub tip: BlockId,
    /// Height of its end.
    pub height: u64,
    /// Expected hashes of the whole branch.
    #[cfg_attr(feature = "openapi", schema(example = "34360000512"))]
    pub weight: String,
    /// The lowest block to which this node goes back: the one with whose state it began, or as deep as it follows a fork. The
    /// chain leaves this node's below it.
    pub base: u64,
}

/// The node in one look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatusBody {
    /// Of the node's program.
    #[cfg_attr(feature = "openapi", schema(example = "0.1.0"))]
    pub version: String,
    /// The chain's name.
    #[cfg_attr(feature = "openapi", schema(example = "local"))]
    pub chain: String,
    /// The number that every signature is bound to. Rule: docs/protocol.md#T5
    #[cfg_attr(feature = "openapi", schema(example = 8547))]
    pub chain_id: u64,
    /// What signatures are bound to, beside the chain id.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "4ee1a0e1dff40c0ae35f9b0a1c1ef2a2ef1b6ac11c10a1e6a2fcd64ae7d1e8ba"))]
    pub genesis_id: BlockId,
    /// Of the chain spec. Rule: docs/protocol.md#C2
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "0x5f1b07496c5aa5f4baac946b697d1b18e55c821e4084082b1918d0e07c2b0ffb"))]
    pub spec_hash: B256,
    /// The name of a coin.
    #[cfg_attr(feature = "openapi", schema(example = "TALLY"))]
    pub symbol: String,
    /// Decimal places between the base unit and one coin.
    #[cfg_attr(feature = "openapi", schema(example = 18))]
    pub decimals: u32,
    /// Seconds between blocks that the chain aims at.
    #[cfg_attr(feature = "openapi", schema(example = 10))]
    pub spacing: u32,
    /// The end of the active chain.
    pub tip: TipBody,
    /// The tip's height once more, for simple clients.
    #[cfg_attr(feature = "openapi", schema(example = 1_024))]
    pub height: u64,
    /// All coins there are, in base units.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "11051200000000000000000000"))]
    pub supply: Amount,
    /// Transactions in the chain.
    pub transactions: u64,
    /// Transactions that wait in this node's pool.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub pending: usize,
    /// The native miner.
    pub mining: MinerBody,
    /// How far this node is.
    pub sync: SyncBody,
    /// Why the node cannot do its work now, in sentences; empty: it can. `/readyz` has the figures.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub not_ready: Vec<String>,
    /// This machine's clock beside those of its peers.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub clock: ClockBody,
    /// None while no peer has shown one.
    pub heavier_fork: Option<HeavierForkBody>,
    /// The node's clock, Unix seconds.
    pub now: u64,
    /// When this run began, Unix seconds.
    pub started: u64,
    /// When the chain begins, Unix seconds, where that is still ahead.
    pub begins: Option<u64>,
}
