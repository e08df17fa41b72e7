//! `/status`: the node in one look.

use axum::Json;
use axum::extract::State;
use tally_api::ProblemBody;
use tally_api::status::{ClockBody, HeavierForkBody, MinerBody, StatusBody, SyncBody, TipBody};
use tally_chain::Height;
use tally_network::session::HeavierFork;
use tally_network::{NetworkStatus, health};
use tally_node::{Health, Node, NotReady, Tip};

use super::problem::Answer;
use crate::server::Shared;

fn clock_body(node: &Node) -> ClockBody {
    let (reading, behind_chain_secs) = (node.clock_reading(), node.behind_own_chain());
    ClockBody {
        offset_secs: reading.map(|reading| reading.offset_secs),
        peers: reading.map_or(0, |reading| reading.peers),
        allowance_secs: node.clock_allowance(),
        behind_chain_secs,
        off: node.clock_off().is_some() || behind_chain_secs.is_some(),
    }
}

fn fork_body(fork: HeavierFork) -> HeavierForkBody {
    HeavierForkBody {
        peer: fork.peer.0,
        tip: fork.tip,
        height: fork.height.0,
        weight: fork.weight.to_string(),
        base: fork.base.0,
    }
}

fn sync_body(health: &Health, network: Option<&NetworkStatus>) -> SyncBody {
    let syncing = |reason: &NotReady| matches!(reason, NotReady::Syncing { .. });
    let peers = network.map_or(0, |status| status.peers.len());
    SyncBody {
        complete: !health.reasons.iter().any(syncing),
        peers: u32::try_from(peers).unwrap_or(u32::MAX),
    }
}

/// The native miner as it is now.
pub fn miner_body(node: &Node) -> MinerBody {
    let status = node.mining().status();
    MinerBody {
        on: status.config.on,
        threads: status.config.threads,
        address: status.config.producer,
        hash_rate: status.hash_rate,
        paused: status.config.on.then(|| node.pauses()).flatten(),
    }
}

/// The chain, its tip, and what the node does
#[utoipa::path(get, path = "/status", operation_id = "status", tag = "node", responses(
    (status = 200, description = "The node", body = StatusBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn status(State(server): State<Shared>) -> Answer<Json<StatusBody>> {
    let network = server.network.clone();
    server
        .look(move |node| Json(body(node, &node.tip(), network.status())))
        .await
}

/// `network`: read once, for it is a copy of all that is shown of all peers.
fn body(node: &Node, tip: &Tip, network: Option<NetworkStatus>) -> StatusBody {
    let (spec, identity, record) = (node.spec(), node.identity(), &tip.record);
    let health = health(node, network.as_ref());
    let Height(height) = record.height();
    StatusBody {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        chain: spec.name.clone(),
        chain_id: identity.chain_id,
        genesis_id: identity.genesis,
        spec_hash: spec.hash(),
        symbol: spec.symbol.clone(),
        decimals: tally_chain::units::DECIMALS,
        spacing: spec.engine().spacing(),
        tip: TipBody {
            id: record.id,
            height,
            time: record.header.time,
            weight: record.weight.to_string(),
        },
        height,
        supply: record.supply,
        transactions: record.total_transactions,
        pending: node.with_pool(|pool| pool.len()),
        mining: miner_body(node),
        sync: sync_body(&health, network.as_ref()),
        not_ready: health.reasons.iter().map(ToString::to_string).collect(),
        clock: clock_body(node),
        heavier_fork: network.and_then(|status| status.heavier_fork).map(fork_body),
        now: node.now().0,
        started: node.started().0,
        begins: node.begins().map(|begins| begins.0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tally_chain::{B256, BlockId, U256, Weight};

    use super::*;

    #[test]
    fn a_heavier_fork_is_shown_with_its_figures() {
        let fork = HeavierFork {
            peer: "12D3KooW".into(),
            tip: BlockId(B256::repeat_byte(7)),
            height: Height(9),
            weight: Weight(U256::from(70_000)),
            base: Height(4),
        };
        let body = serde_json::to_value(fork_body(fork)).unwrap();
        let tip = "07".repeat(32);
        let expected = json!({ "peer": "12D3KooW", "tip": tip, "height": 9, "weight": "70000", "base": 4 });
        assert_eq!(body, expected);
    }
}
