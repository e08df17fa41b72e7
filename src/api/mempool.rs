//! `/mempool`: what waits.

use axum::Json;
use axum::extract::State;
use tally_api::ProblemBody;
use tally_api::mempool::{BandBody, MempoolBody, WaitingBody};
use tally_api::page::PageParams;

use super::cursor::{Cursor as _, OffsetCursor};
use super::extract::Params;
use super::number::page_limit;
use super::problem::Answer;
use crate::server::Shared;

/// What waits for a block
///
/// Where more than 512 transactions wait, what waited at most half a second ago.
#[utoipa::path(get, path = "/mempool", tag = "payments", params(PageParams), responses(
    (status = 200, description = "The pool", body = MempoolBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn pool(State(server): State<Shared>, Params(page): Params<PageParams>) -> Answer<Json<MempoolBody>> {
    let limit = page_limit(&page)?;
    let skip = OffsetCursor::decode(page.cursor.as_deref())?.map_or(0, |OffsetCursor(count)| count as usize);
    server
        .read(move |node| {
            let tip = &node.tip();
            let view = node.pool_view(tip);
            let shown = view.page(skip, limit);
            let end = skip.saturating_add(shown.len());
            let limits = node.with_pool(|pool| *pool.config());
            Ok(Json(MempoolBody {
                count: view.len(),
                pending: view.pending_len(),
                bytes: view.bytes(),
                max_count: limits.max_count,
                max_bytes: limits.max_bytes,
                base_fee: tip.ancestors.next_base_fee(node.spec()),
                bands: view.fee_histogram().iter().map(band).collect(),
                // What has left the pool since the view was made is left out.
                items: node.pooled(shown).iter().map(waiting).collect(),
                next: (end < view.len()).then(|| OffsetCursor(end as u32).encode()),
            }))
        })
        .await
}

fn band(bucket: &tally_node::mempool::FeeBucket) -> BandBody {
    BandBody {
        from: bucket.from,
        count: bucket.count,
        bytes: bucket.bytes,
        gas: bucket.gas,
    }
}

/// A transaction of the pool as it is shown.
pub fn waiting(pooled: &tally_node::mempool::Pooled) -> WaitingBody {
    let transaction = pooled.transaction();
    let view = transaction.view();
    WaitingBody {
        id: transaction.id(),
        sender: transaction.sender(),
        nonce: view.nonce,
        pending: pooled.is_pending(),
        size: transaction.envelope().len(),
        max_fee: view.max_fee,
        max_priority_fee: view.max_priority_fee,
        arrived: pooled.arrived().0,
        expires: pooled.expires().0,
    }
}
