//! `/events`: what happens, as server-sent events. Each has an id (`run-number`), a name and JSON.

use serde::{Deserialize, Serialize};
use tally_chain::{BlockId, Height, TxId, UnixSecs};

/// Name of the first event of a stream, with a [`Greeting`].
pub const READY: &str = "ready";
/// Name of the event after a gap that cannot be filled, with a [`Greeting`]: the client reads again what it shows.
pub const RESET: &str = "reset";

/// Where to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct EventParams {
    /// The last id seen, for clients that cannot send the header `Last-Event-ID`.
    #[cfg_attr(feature = "openapi", param(nullable = false))]
    pub last_event_id: Option<String>,
}

/// The tip at the start of a stream, or after a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Height of the tip.
    pub height: Height,
    /// Id of the tip.
    pub id: BlockId,
}

/// Something that happened on the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The active chain grew by a block, or a reorg made it active.
    Block {
        /// Height of the block.
        height: Height,
        /// Its id.
        id: BlockId,
        /// The time in its header, Unix seconds.
        time: UnixSecs,
        /// How many transactions it has.
        transactions: u32,
        /// Length of the encoded block.
        bytes: u64,
    },
    /// The active chain changed its branch; the blocks of the new one follow as `block`.
    Reorg {
        /// Height of the last block that both branches share.
        common: Height,
        /// The tip before.
        from: BlockId,
        /// The tip of the new branch.
        to: BlockId,
        /// Blocks that left the active chain.
        undone: u64,
        /// Transactions of the blocks that left which are in none of the new ones.
        returned: u64,
    },
    /// A transaction entered the pool.
    Transaction {
        /// Its id.
        id: TxId,
        /// Whether it can be included now, or waits for one with a lower nonce.
        pending: bool,
    },
    /// A transaction left the pool without being included.
    Dropped {
        /// Its id.
        id: TxId,
        /// Why it left, in a sentence.
        reason: String,
    },
    /// The native miner was switched.
    Mining {
        /// Whether it mines now.
        on: bool,
        /// Threads while it mines.
        threads: usize,
    },
    /// Something that this version does not know: a client passes over it. No node sends it.
    #[serde(other, skip_serializing)]
    Unknown,
}

impl Event {
    /// The name under which the stream carries it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Block { .. } => "block",
            Self::Reorg { .. } => "reorg",
            Self::Transaction { .. } => "transaction",
            Self::Dropped { .. } => "dropped",
            Self::Mining { .. } => "mining",
            Self::Unknown => "unknown",
        }
    }
}
