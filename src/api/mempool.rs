//! `/mempool`: what waits.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::cursor::{Cursor as _, OffsetCursor};
use super::extract::Params;
use super::number::PageParams;
use super::problem::{Answer, ProblemBody};
use crate::server::Shared;

/// How many pending transactions offer a priority fee of at least so much, and less than the next band.
#[derive(Debug, Serialize, ToSchema)]
pub struct BandBody {
    /// Base units per gas.
    #[schema(example = "1073741824")]
    pub from: String,
    pub count: usize,
    pub bytes: usize,
    pub gas: u64,
}

/// One waiting transaction.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingBody {
    pub id: String,
    pub sender: String,
    pub nonce: u64,
    /// Whether a block could take it now.
    pub pending: bool,
    pub size: usize,
    /// Base units per gas.
    pub max_fee: String,
    /// Base units per gas.
    pub max_priority_fee: String,
    /// When it arrived, Unix seconds.
    pub arrived: u64,
    /// Until when it may wait, Unix seconds.
    pub expires: u64,
}

/// The pool.
#[derive(Debug, Serialize, ToSchema)]
pub struct MempoolBody {
    #[schema(example = 3)]
    pub count: usize,
    /// Those that a block could take now.
    #[schema(example = 3)]
    pub pending: usize,
    pub bytes: usize,
    pub max_count: usize,
    pub max_bytes: usize,
    /// Base fee of the next block, base units per gas.
    #[schema(example = "1000000000")]
    pub base_fee: String,
    /// Pending ones by priority fee, lowest first.
    pub bands: Vec<BandBody>,
    /// Those that a block would take first, then the rest.
    pub items: Vec<WaitingBody>,
    /// `cursor` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What waits for a block
///
/// Where more than 512 transactions wait, what waited at most half a second ago.
#[utoipa::path(get, path = "/mempool", tag = "payments", params(PageParams), responses(
    (status = 200, description = "The pool", body = MempoolBody),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn pool(State(server): State<Shared>, Params(page): Params<PageParams>) -> Answer<Json<MempoolBody>> {
    let limit = page.limit()?;
    let skip = OffsetCursor::decode(page.cursor.as_deref())?.map_or(0, |OffsetCursor(count)| count as usize);
    server
        .read(move |node, tip| {
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
                base_fee: tip.ancestors.next_base_fee(node.spec()).to_string(),
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
        from: bucket.from.to_string(),
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
        id: transaction.id().to_string(),
        sender: transaction.sender().to_string(),
        nonce: view.nonce,
        pending: pooled.is_pending(),
        size: transaction.envelope().len(),
        max_fee: view.max_fee.to_string(),
        max_priority_fee: view.max_priority_fee.to_string(),
        arrived: pooled.arrived().0,
        expires: pooled.expires().0,
    }
}
