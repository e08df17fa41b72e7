//! `/fees`: what to offer.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Answer, ProblemBody};
use crate::server::Shared;

/// Blocks that a payment of this level is expected to wait, when blocks are full.
const LEVEL_BLOCKS: [u64; 3] = [6, 2, 1];

/// One level.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeeLevelBody {
    /// Base units per gas.
    #[schema(example = "1000000000")]
    pub max_priority_fee: String,
    /// Until it is in a block.
    #[schema(example = 10)]
    pub expected_seconds: u64,
}

/// What to offer now.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeesBody {
    /// Base fee of the next block, base units per gas.
    #[schema(example = "1000000000")]
    pub base_fee: String,
    /// The base fee never falls below this.
    #[schema(example = "1000000000")]
    pub min_base_fee: String,
    pub low: FeeLevelBody,
    pub normal: FeeLevelBody,
    pub high: FeeLevelBody,
    /// Height of the next block.
    #[schema(example = 1_025)]
    pub height: u64,
}

/// Base fee of the next block, and priority fees for three levels of hurry
///
/// Where more than 512 transactions wait, by what waited at most half a second ago.
#[utoipa::path(get, path = "/fees", tag = "payments", responses(
    (status = 200, description = "The fees", body = FeesBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn fees(State(server): State<Shared>) -> Answer<Json<FeesBody>> {
    server
        .read(|node, tip| {
            let spec = node.spec();
            let base_fee = tip.ancestors.next_base_fee(spec);
            let view = node.pool_view(tip);
            let levels = view.fee_levels();
            let waiting: u64 = view.fee_histogram().iter().map(|bucket| bucket.gas).sum();
            // When all that waits fits into the next block, every level is in it.
            let backlog = waiting / spec.limits.gas_limit.max(1) + 1;
            let spacing = u64::from(spec.engine().spacing());
            let level = |fee: u128, blocks: u64| FeeLevelBody {
                max_priority_fee: fee.to_string(),
                expected_seconds: blocks.min(backlog) * spacing,
            };
            let [low, normal, high] = LEVEL_BLOCKS;
            Ok(Json(FeesBody {
                base_fee: base_fee.to_string(),
                min_base_fee: spec.fees.min_base_fee.to_string(),
                low: level(levels.low, low),
                normal: level(levels.normal, normal),
                high: level(levels.high, high),
                height: tip.record.height().next().0,
            }))
        })
        .await
}
