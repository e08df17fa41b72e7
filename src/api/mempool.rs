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
#[utoipa::path(get, path = "/mempool", tag = "payments", params(PageParams), responses(
    (status = 200, description = "The pool", body = MempoolBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn pool(State(server): State<Shared>, Params(page): Params<PageParams>) -> Answer<Json<MempoolBody>> {
    let limit = page_limit(&page)?;
    let skip = OffsetCursor::decode(page.cursor.as_deref())?.map_or(0, |OffsetCursor(count)| count as usize);
    server
        .read(move |node, tip| {
            let base_fee = tip.ancestors.next_base_fee(node.spec());
            let now = node.now();
            Ok(Json(node.with_pool(|pool| {
                let first = pool.best(base_fee, now).map(|transaction| transaction.id());
                let taken: Vec<_> = first.take(skip.saturating_add(limit)).collect();
                let ready = taken.len();
                // Only the rest of the page is looked for among what no block could take now.
                let rest = (skip + limit).saturating_sub(ready);
                let known: std::collections::HashSet<_> = if rest > 0 {
                    taken.iter().copied().collect()
                } else {
                    Default::default()
                };
                let others = pool
                    .entries()
                    .filter(|pooled| !known.contains(&pooled.transaction().id()))
                    .take(rest);
                let all = taken.iter().filter_map(|id| pool.entry(id)).chain(others);
                let items: Vec<_> = all.skip(skip).take(limit).map(waiting).collect();
                let end = skip + items.len();
                MempoolBody {
                    count: pool.len(),
                    pending: pool.pending_len(),
                    bytes: pool.bytes(),
                    max_count: pool.config().max_count,
                    max_bytes: pool.config().max_bytes,
                    base_fee,
                    bands: pool.fee_histogram(base_fee).into_iter().map(band).collect(),
                    items,
                    next: (end < pool.len()).then(|| OffsetCursor(end as u32).encode()),
                }
            })))
        })
        .await
}

fn band(bucket: tally_node::mempool::FeeBucket) -> BandBody {
    BandBody {
        from: bucket.from,
        count: bucket.count,
        bytes: bucket.bytes,
        gas: bucket.gas,
    }
}

/// A transaction of the pool as it is told.
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
