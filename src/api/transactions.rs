//! `/transactions`: lists and one transaction with its proofs.

mod body;

use axum::Json;
use axum::extract::{Request, State};
use tally_api::ProblemBody;
use tally_api::page::PageParams;
use tally_api::transactions::{ProofParams, ReceiptParams, TransactionDetail, TransactionPage};
use tally_chain::{Height, PortableReceipt, TxId, portable};
use tally_node::{BlockKey, BlockRecord, Included, Node, Place, StoreError, Tip};

use super::cursor::{Cursor as _, PlaceCursor};
use super::extract::{Params, Segment};
use super::number::page_limit;
use super::problem::{Answer, Problem, kinds};
use super::text::parse_id;
use crate::server::{ReadFailure, Shared};
use crate::web::Client;
use body::{history, inclusion};
pub use body::{located_body, of_block};

/// The highest block of the active chain, not above `height`, that has a transaction.
fn filled_at_or_below(tip: &Tip, height: Height) -> Result<Option<BlockRecord>, StoreError> {
    let at = |height: u64| -> Result<BlockRecord, StoreError> {
        let missing = || StoreError::Missing {
            what: format!("block at height {height}"),
        };
        let id = tip.snapshot.id_at(Height(height))?.ok_or_else(missing)?;
        tip.snapshot.known(&id)
    };
    let top = at(height.0.min(tip.record.height().0))?;
    let wanted = top.total_transactions;
    if wanted == 0 {
        return Ok(None);
    }
    // The totals ascend with height: the first block to reach the total has its last transaction.
    let (mut low, mut high) = (tip.snapshot.base()?.0, top.height().0);
    while low < high {
        let middle = low + (high - low) / 2;
        if at(middle)?.total_transactions < wanted {
            low = middle + 1
        } else {
            high = middle
        }
    }
    at(low).map(Some)
}

/// Transactions of the active chain, newest first
#[utoipa::path(get, path = "/transactions", operation_id = "transactions", tag = "chain", params(PageParams), responses(
    (status = 200, description = "A page of transactions", body = TransactionPage),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn list(State(server): State<Shared>, Params(page): Params<PageParams>) -> Answer<Json<TransactionPage>> {
    let limit = page_limit(&page)?;
    let cursor = PlaceCursor::decode(page.cursor.as_deref())?;
    server
        .read(move |node| {
            let tip = &node.tip();
            let mut items = Vec::with_capacity(limit);
            let mut last = None;
            let mut below = cursor.map(|PlaceCursor(place)| place);
            let mut height = below.map_or(tip.record.height(), |place| place.height);
            while let Some(record) = filled_at_or_below(tip, height)? {
                let Some(block) = node.full_block(tip, BlockKey::Id(record.id))? else {
                    break;
                };
                let end = match below.take() {
                    Some(place) if place.height == record.height() => {
                        (place.index as usize).min(block.transactions.len())
                    }
                    _ => block.transactions.len(),
                };
                for index in (0..end).rev().take(limit - items.len()) {
                    items.push(of_block(tip, &block, index));
                    last = Some(Place {
                        height: record.height(),
                        index: index as u32,
                    });
                }
                if items.len() == limit || record.height().0 == 0 {
                    break;
                }
                height = Height(record.height().0 - 1);
            }
            let full = items.len() == limit;
            let next = last.filter(|_| full).map(|place| PlaceCursor(place).encode());
            Ok(Json(TransactionPage { items, next }))
        })
        .await
}

/// One transaction, pending or in a block
#[utoipa::path(get, path = "/transactions/{id}", operation_id = "transaction", tag = "chain",
    params(("id" = String, Path, description = "Transaction id, 0x and 64 hex digits"), ProofParams),
    responses(
        (status = 200, description = "The transaction", body = TransactionDetail),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub async fn one(
    State(server): State<Shared>,
    Segment(text): Segment,
    Params(params): Params<ProofParams>,
) -> Answer<Json<TransactionDetail>> {
    let id = parse_id(&text)?;
    server
        .read(move |node| {
            let (tip, located) = node.transaction(&id)?;
            let tip = tip.as_ref();
            let located = located.ok_or_else(|| {
                let problem = Problem::new(
                    &kinds::UNKNOWN_TRANSACTION,
                    format!("this node knows no transaction {id}"),
                );
                problem.field("id").with("found", id.to_string())
            })?;
            let pending = node.with_pool(|pool| pool.entry(&id).is_some_and(|pooled| pooled.is_pending()));
            let included = located.included.as_ref();
            let proof = match included {
                Some(Included { block, index, .. }) => node.transaction_proof(
                    tip,
                    Place {
                        height: block.height(),
                        index: *index,
                    },
                )?,
                None => None,
            };
            let below_tip = included.filter(|included| params.proof && included.block.id != tip.record.id);
            let history_proof = match below_tip {
                Some(included) => Some(node.history_proof(tip, included.block.height())?),
                None => None,
            };
            Ok(Json(TransactionDetail {
                transaction: located_body(tip, &located, pending),
                raw: located.transaction.envelope().clone(),
                inclusion_proof: proof.map(inclusion),
                header_hex: included.map(|included| included.block.header.encode().into()),
                manifest_hex: included.map(|included| included.block.manifest.encode().into()),
                history_proof: history_proof.map(|proof| history(tip, proof)),
            }))
        })
        .await
}

/// A portable receipt: all that shows, without this node, that a transaction is on the chain and what it did
///
/// The answer is the file of docs/protocol.md#P1, or with `version=2` that of #P7, which has the proof of the chain in it: to be
/// kept as it is and checked with `tally receipt verify` or on the page /receipt.
#[utoipa::path(get, path = "/transactions/{id}/receipt", tag = "chain",
    params(("id" = String, Path, description = "Transaction id, 0x and 64 hex digits"), ReceiptParams),
    responses(
        (status = 200, description = "The receipt (docs/protocol.md, rules P1 and P7)", body = Object),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub async fn receipt(
    State(server): State<Shared>,
    Segment(text): Segment,
    Params(params): Params<ReceiptParams>,
    request: Request,
) -> Answer<Json<PortableReceipt>> {
    let id = parse_id(&text)?;
    let Client(client) = Client::of(&request);
    match params.version.unwrap_or(portable::VERSION) {
        portable::VERSION => {
            server
                .read(move |node| Ok(Json(receipt_at(node, &node.tip(), id)?)))
                .await
        }
        // It may have to make the proof, which takes longer than a read: only that waits for the place of proofs.
        portable::PROVED => {
            let read = server.read(move |node| {
                let tip = node.tip();
                Ok((receipt_at(node, &tip, id)?, tip.record.id))
            });
            let (receipt, end) = read.await?;
            let prove = move |node: &Node| Ok(node.receipt_proof(&node.tip(), end)?);
            let chain = match server.node.kept_light_proof(end) {
                Some(_) => server.read_light(client, prove).await?,
                None => server.prove(client, prove).await?,
            };
            Ok(Json(receipt.with_chain(chain)))
        }
        found => {
            let what = format!(
                "version is {found}, expected {} or {}",
                portable::VERSION,
                portable::PROVED
            );
            Err(Problem::new(&kinds::INVALID_PARAMETER, what).field("version"))
        }
    }
}

/// The receipt of a transaction that leads to this tip.
fn receipt_at(node: &Node, tip: &Tip, id: TxId) -> Result<PortableReceipt, ReadFailure> {
    let receipt = match tip.snapshot.place(&id)? {
        Some(place) => node.portable_receipt(tip, place)?,
        None => None,
    };
    let missing = || {
        let (kind, detail) = match node.with_pool(|pool| pool.get(&id).is_some()) {
            true => (&kinds::NOT_INCLUDED, format!("transaction {id} waits for a block")),
            false => (
                &kinds::UNKNOWN_TRANSACTION,
                format!("this node knows no transaction {id}"),
            ),
        };
        Problem::new(kind, detail).field("id").with("found", id.to_string())
    };
    Ok(receipt.ok_or_else(missing)?)
}
