//! `/status`: the node in one look.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tally_chain::Height;
use tally_node::net::HeavierFork;
use tally_node::{Health, NetworkStatus, Node, NotReady, P2p, Tip};
use utoipa::ToSchema;

use super::problem::{Answer, ProblemBody};
use crate::server::Shared;

/// The end of the active chain.
#[derive(Debug, Serialize, ToSchema)]
pub struct TipBody {
    #[schema(example = "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee")]
    pub id: String,
    #[schema(example = 1_024)]
    pub height: u64,
    /// Header time, Unix seconds.
    #[schema(example = 1_793_500_000)]
    pub time: u32,
    /// Expected hashes of the whole branch.
    #[schema(example = "34360000512")]
    pub weight: String,
}

/// How far this node is.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncBody {
    /// Whether nothing that checked headers promise is left to fetch. A node without peers has all there is.
    #[schema(example = true)]
    pub complete: bool,
    /// Connected peers.
    #[schema(example = 0)]
    pub peers: u32,
}

/// The native miner.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinerBody {
    pub on: bool,
    #[schema(example = 1)]
    pub threads: usize,
    /// Receives subsidy and priority fees.
    #[schema(example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")]
    pub address: String,
    /// Hashes a second, by its own count.
    #[schema(example = 11_900_000.0)]
    pub hash_rate: f64,
    /// Why it makes no blocks though it is on: none while it does.
    #[schema(example = "this machine's clock is 5 min behind the median of 4 peers")]
    pub paused: Option<String>,
}

/// This machine's clock beside those of its peers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockBody {
    /// This machine's clock less the median, seconds; below 0 it is behind. None while too few clocks are known.
    #[schema(example = 0)]
    pub offset_secs: Option<i64>,
    /// Peers whose clocks were read.
    #[schema(example = 4)]
    pub peers: usize,
    /// Seconds by which a block's time may be ahead: docs/protocol.md#B4
    #[schema(example = 120)]
    pub allowance_secs: u64,
    /// Seconds by which this machine's clock is behind this node's own chain: it was set back. None where it is not.
    pub behind_chain_secs: Option<u64>,
    /// Whether the clock is further off than `allowance_secs`, by at least three peers of this node's choice or by its own
    /// chain: then this node neither mines nor punishes others for it.
    pub off: bool,
}

impl ClockBody {
    pub fn of(node: &Node) -> Self {
        let (reading, behind_chain_secs) = (node.clock_reading(), node.behind_own_chain());
        Self {
            offset_secs: reading.map(|reading| reading.offset_secs),
            peers: reading.map_or(0, |reading| reading.peers),
            allowance_secs: node.clock_allowance(),
            behind_chain_secs,
            off: node.clock_off().is_some() || behind_chain_secs.is_some(),
        }
    }
}

/// A chain of more work than this node's that it can only follow by beginning anew: docs/protocol.md#Q5
#[derive(Debug, Serialize, ToSchema)]
pub struct HeavierForkBody {
    /// Who showed it.
    pub peer: String,
    /// Its end.
    #[schema(example = "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee")]
    pub tip: String,
    pub height: u64,
    /// Expected hashes of the whole branch.
    #[schema(example = "34360000512")]
    pub weight: String,
    /// The lowest block to which this node goes back: the one with whose state it began, or as deep as it follows a fork. The
    /// chain leaves this node's below it.
    pub base: u64,
}

impl From<HeavierFork> for HeavierForkBody {
    fn from(fork: HeavierFork) -> Self {
        Self {
            peer: fork.peer.0,
            tip: fork.tip.to_string(),
            height: fork.height.0,
            weight: fork.weight.to_string(),
            base: fork.base.0,
        }
    }
}

/// The node in one look.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusBody {
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    #[schema(example = "local")]
    pub chain: String,
    #[schema(example = 8547)]
    pub chain_id: u64,
    /// What signatures are bound to, beside the chain id.
    #[schema(example = "4ee1a0e1dff40c0ae35f9b0a1c1ef2a2ef1b6ac11c10a1e6a2fcd64ae7d1e8ba")]
    pub genesis_id: String,
    #[schema(example = "0x5f1b07496c5aa5f4baac946b697d1b18e55c821e4084082b1918d0e07c2b0ffb")]
    pub spec_hash: String,
    #[schema(example = "TALLY")]
    pub symbol: String,
    /// Decimal places between the base unit and one coin.
    #[schema(example = 18)]
    pub decimals: u32,
    /// Seconds between blocks that the chain aims at.
    #[schema(example = 10)]
    pub spacing: u32,
    pub tip: TipBody,
    /// The tip's height once more, for simple clients.
    #[schema(example = 1_024)]
    pub height: u64,
    /// All coins there are, in base units.
    #[schema(example = "11051200000000000000000000")]
    pub supply: String,
    /// Transactions in the chain.
    pub transactions: u64,
    /// Transactions that wait in this node's pool.
    #[schema(example = 3)]
    pub pending: usize,
    pub mining: MinerBody,
    pub sync: SyncBody,
    /// Why the node cannot do its work now, in sentences; empty: it can. `/readyz` has the figures.
    pub not_ready: Vec<String>,
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

impl SyncBody {
    fn of(health: &Health, network: Option<&NetworkStatus>) -> Self {
        let syncing = |reason: &NotReady| matches!(reason, NotReady::Syncing { .. });
        let peers = network.map_or(0, |status| status.peers.len());
        Self {
            complete: !health.reasons.iter().any(syncing),
            peers: u32::try_from(peers).unwrap_or(u32::MAX),
        }
    }
}

impl MinerBody {
    pub fn of(node: &Node) -> Self {
        let status = node.mining().status();
        Self {
            on: status.config.on,
            threads: status.config.threads,
            address: status.config.producer.to_string(),
            hash_rate: status.hash_rate,
            paused: status.config.on.then(|| node.pauses()).flatten(),
        }
    }
}

/// The chain, its tip, and what the node does
#[utoipa::path(get, path = "/status", operation_id = "status", tag = "node", responses(
    (status = 200, description = "The node", body = StatusBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn status(State(server): State<Shared>) -> Answer<Json<StatusBody>> {
    server.read(|node, tip| Ok(Json(body(node, tip)))).await
}

fn body(node: &Node, tip: &Tip) -> StatusBody {
    let (spec, identity, record) = (node.spec(), node.identity(), &tip.record);
    let health = node.health();
    // Once: it is a copy of all that is shown of all peers.
    let network = node.network().map(P2p::status);
    let Height(height) = record.height();
    StatusBody {
        version: env!("CARGO_PKG_VERSION"),
        chain: spec.name.clone(),
        chain_id: identity.chain_id,
        genesis_id: identity.genesis.to_string(),
        spec_hash: spec.hash().to_string(),
        symbol: spec.symbol.clone(),
        decimals: tally_chain::units::DECIMALS,
        spacing: spec.engine().spacing(),
        tip: TipBody {
            id: record.id.to_string(),
            height,
            time: record.header.time,
            weight: record.weight.to_string(),
        },
        height,
        supply: record.supply.to_string(),
        transactions: record.total_transactions,
        pending: node.with_pool(|pool| pool.len()),
        mining: MinerBody::of(node),
        sync: SyncBody::of(&health, network.as_ref()),
        not_ready: health.reasons.iter().map(ToString::to_string).collect(),
        clock: ClockBody::of(node),
        heavier_fork: network
            .and_then(|status| status.heavier_fork)
            .map(HeavierForkBody::from),
        now: node.now().0,
        started: node.started().0,
        begins: node.begins().map(|begins| begins.0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tally_chain::{B256, BlockId, U256, Work};

    use super::*;

    #[test]
    fn a_heavier_fork_is_shown_with_its_figures() {
        let fork = HeavierFork {
            peer: "12D3KooW".into(),
            tip: BlockId(B256::repeat_byte(7)),
            height: Height(9),
            weight: Work(U256::from(70_000)),
            base: Height(4),
        };
        let body = serde_json::to_value(HeavierForkBody::from(fork)).unwrap();
        let tip = "07".repeat(32);
        let expected = json!({ "peer": "12D3KooW", "tip": tip, "height": 9, "weight": "70000", "base": 4 });
        assert_eq!(body, expected);
    }
}
