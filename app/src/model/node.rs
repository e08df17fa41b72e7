use serde::{Deserialize, Serialize};

use super::ChartPoint;

/// The native miner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinerView {
    pub running: bool,
    pub threads: u32,
    /// Hashes a second, measured by the miner itself.
    pub hash_rate: f64,
    /// Why it makes no blocks though it is on.
    pub paused: Option<String>,
    pub producer: String,
    /// The newest block on the main chain that pays this producer.
    pub last_block: Option<u64>,
}

/// An external miner that is connected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerView {
    pub name: String,
    pub agent: String,
    /// Hashes a second, estimated from its shares.
    pub hash_rate: f64,
    pub shares: u64,
    pub rejected: u64,
    pub blocks: u64,
    /// Unix seconds.
    pub since: u64,
}

/// The mining page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MiningView {
    /// When the chain begins, Unix seconds, where that is still ahead.
    pub begins: Option<u64>,
    /// External miners, the fastest first; at most 100.
    pub workers: Vec<WorkerView>,
    /// How many there are.
    pub connected: u64,
    pub miner: MinerView,
    /// Estimated for the whole network from the last blocks.
    pub network_hash_rate: f64,
    /// Expected hashes for the next block.
    pub difficulty: f64,
    /// Compact target of the next block, hex.
    pub bits: String,
    pub next_height: u64,
    /// Transactions that wait to be in it.
    pub pending: u64,
    pub subsidy: super::BaseUnits,
    /// Blocks until the subsidy halves; `None` where it never does.
    pub halving_in: Option<u64>,
    pub series: Vec<ChartPoint>,
}

/// One connection to another node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerView {
    pub id: String,
    pub address: String,
    pub agent: String,
    /// None before its hello.
    pub height: Option<u64>,
    /// Seconds until its next block is not too far ahead of this node's clock any more: one of the two clocks is wrong.
    pub ahead_secs: Option<u64>,
    pub inbound: bool,
    pub connected_since: u64,
    /// Round trip of the last ping.
    pub latency_ms: Option<u64>,
    /// Points for offences; at 100 it is banned.
    pub score: u32,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

/// A banned node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanView {
    pub id: String,
    /// The addresses that are banned with it, if any.
    pub address: Option<String>,
    pub reason: String,
}

/// An address range that the node has nothing to do with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeBanView {
    pub range: String,
    pub reason: String,
}

/// The node's clock beside those of its peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockView {
    /// Whose clock differs, and by how much.
    pub words: String,
    /// Seconds by which a block's time may be ahead.
    pub allowance_secs: u64,
    /// Whether it differs by more than that.
    pub off: bool,
}

/// A chain of more work that this node can only follow by starting again. Rule: docs/protocol.md#Q5
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeavierForkView {
    /// Who showed it.
    pub peer: String,
    /// Its end.
    pub tip: String,
    pub height: u64,
    /// The lowest block to which this node goes back.
    pub base: u64,
}

/// A chain that is being taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncView {
    /// Who sends its headers.
    pub source: String,
    pub done: u64,
    /// Blocks whose headers are known.
    pub left: u64,
    /// Blocks a second since it began.
    pub a_second: u64,
    /// During checkpoint sync: the height that its headers reach, and the parts of the state that are
    /// here, of so many.
    pub headers: Option<u64>,
    pub parts: Option<(u64, u64)>,
}

/// The network page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkView {
    pub version: String,
    /// This node's own peer id; `None` while it has no network.
    pub peer_id: Option<String>,
    /// Where it answers, as URLs.
    pub listening: Vec<String>,
    pub peers: Vec<PeerView>,
    pub bans: Vec<BanView>,
    pub range_bans: Vec<RangeBanView>,
    /// None while too few clocks are known.
    pub clock: Option<ClockView>,
    /// Seconds by which the clock is behind this node's own chain: it was set back.
    pub behind_chain_secs: Option<u64>,
    pub heavier_fork: Option<HeavierForkView>,
    pub sync: Option<SyncView>,
    pub tip: u64,
    pub tip_id: String,
}

/// One figure that the node measured itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    pub name: String,
    pub value: String,
    /// What was measured and over what.
    pub note: String,
}

/// The performance page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerformanceView {
    /// Unix seconds.
    pub started: u64,
    pub figures: Vec<Figure>,
    pub throughput: f64,
    pub confirmation: Option<f64>,
    pub series: Vec<ChartPoint>,
    /// Seconds that the latest transactions waited from arrival to their block, oldest first.
    pub waits: Vec<f64>,
}

/// How a self-check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Pass,
    Warn,
    Fail,
}

/// One thing that the node checked about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfCheck {
    pub name: String,
    pub verdict: Verdict,
    /// What was found, and what to do where it is not a pass.
    pub detail: String,
}

/// The security page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityView {
    pub checks: Vec<SelfCheck>,
}
