//! `/fees`: what to offer.

use axum::Json;
use axum::extract::State;
use tally_api::ProblemBody;
use tally_api::fees::{FeeLevelBody, FeesBody};

use super::problem::Answer;
use crate::server::Shared;

/// Blocks that a payment of this level is expected to wait, when blocks are full.
const LEVEL_BLOCKS: [u64; 3] = [6, 2, 1];

/// Base fee of the next block, and priority fees of three levels
///
/// Where more than 512 transactions wait, by what waited at most half a second ago.
#[utoipa::path(get, path = "/fees", tag = "payments", responses(
    (status = 200, description = "The fees", body = FeesBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn fees(State(server): State<Shared>) -> Answer<Json<FeesBody>> {
    server
        .read(|node| {
            let tip = &node.tip();
            let spec = node.spec();
            let base_fee = tip.ancestors.next_base_fee(spec);
            let view = node.pool_view(tip);
            let levels = view.fee_levels();
            let waiting: u64 = view.fee_histogram().iter().map(|bucket| bucket.gas).sum();
            // When all that waits fits into the next block, every level is in it.
            let backlog = waiting / spec.limits.gas_limit.max(1) + 1;
            let spacing = u64::from(spec.engine().spacing());
            let level = |fee: u128, blocks: u64| FeeLevelBody {
                max_priority_fee: fee,
                expected_seconds: blocks.min(backlog) * spacing,
            };
            let [low, normal, high] = LEVEL_BLOCKS;
            Ok(Json(FeesBody {
                base_fee,
                min_base_fee: spec.fees.min_base_fee.into(),
                low: level(levels.low, low),
                normal: level(levels.normal, normal),
                high: level(levels.high, high),
                height: tip.record.height().next().0,
            }))
        })
        .await
}
