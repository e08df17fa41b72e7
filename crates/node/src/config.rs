//! The settings of a node at its start.

use std::path::PathBuf;

use tally_chain::{Address, ChainSpec};

use crate::checkpoint::CheckpointConfig;
use crate::mempool::MempoolConfig;

/// Settings of one node.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Where the store and the files of the network are kept.
    pub data_dir: PathBuf,
    /// The chain.
    pub spec: ChainSpec,
    /// Blocks below the tip at which a fork is still followed. Rule: docs/protocol.md#B9
    pub max_reorg_depth: u64,
    /// Limits of the pool.
    pub mempool: MempoolConfig,
    /// The native miner at the start.
    pub mining: MiningConfig,
    /// When checkpoints are made, and whether the node begins with one.
    pub checkpoints: CheckpointConfig,
}

impl NodeConfig {
    /// The usual settings: one thread that does not mine, and rewards that go nowhere.
    pub fn new(data_dir: PathBuf, spec: ChainSpec) -> Self {
        Self {
            data_dir,
            spec,
            max_reorg_depth: DEFAULT_MAX_REORG_DEPTH,
            mempool: MempoolConfig::default(),
            mining: MiningConfig {
                on: false,
                threads: 1,
                producer: Address::ZERO,
            },
            checkpoints: CheckpointConfig::default(),
        }
    }
}

/// Settings of the native miner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MiningConfig {
    /// Whether it mines.
    pub on: bool,
    /// Threads while it mines; at least 1.
    pub threads: usize,
    /// Receives the subsidy and the priority fees.
    pub producer: Address,
}

/// Default of [`NodeConfig::max_reorg_depth`]: at 10-second blocks about 17 hours.
pub const DEFAULT_MAX_REORG_DEPTH: u64 = 6_000;
