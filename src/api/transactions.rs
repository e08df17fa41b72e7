//! `/transactions`: lists and one transaction with its proofs.

use axum::Json;
use axum::extract::State;
use tally_api::ProblemBody;
use tally_api::page::PageParams;
use tally_api::transactions::{
    HistoryNodeBody, HistoryProofBody, InclusionProofBody, LogBody, ProofParams, ReceiptBody, TransactionBlock,
    TransactionBody, TransactionDetail, TransactionPage, TransactionStatus,
};
use tally_chain::fees::effective_price;
use tally_chain::history::HistoryProof;
use tally_chain::merkle::InclusionProof;
use tally_chain::transaction::Transaction;
use tally_chain::{Amount, CheckedTransaction, Height, PortableReceipt, Receipt, U256};
use tally_node::{BlockKey, BlockRecord, FullBlock, Included, Located, Place, StoreError, Tip};

use super::cursor::{Cursor as _, PlaceCursor};
use super::extract::{Params, Segment};
use super::multisig::multisig;
use super::number::page_limit;
use super::problem::{Answer, Problem, kinds};
use super::text::{memo, parse_id};
use crate::server::Shared;

fn waiting_body(transaction: &CheckedTransaction, pending: bool) -> TransactionBody {
    let status = if pending {
        TransactionStatus::Pending
    } else {
        TransactionStatus::Queued
    };
    body(transaction, status, None)
}

/// The transaction at `index` of a block that was read whole.
pub fn of_block(tip: &Tip, block: &FullBlock, index: usize) -> TransactionBody {
    let transaction = &block.transactions[index];
    match block.receipts.get(index) {
        Some(receipt) => included_body(tip, transaction, &block.record, index as u32, receipt),
        // A block of a branch that was never executed has no receipts.
        None => body(transaction, TransactionStatus::Pending, None),
    }
}

/// A transaction of the active chain.
fn included_body(
    tip: &Tip,
    transaction: &CheckedTransaction,
    block: &BlockRecord,
    index: u32,
    receipt: &Receipt,
) -> TransactionBody {
    let status = if receipt.success {
        TransactionStatus::Included
    } else {
        TransactionStatus::Failed
    };
    let height = block.height().0;
    let place = TransactionBlock {
        id: block.id,
        height,
        index,
        time: block.header.time,
        confirmations: (tip.record.height().0 + 1).saturating_sub(height),
    };
    let base_fee = block.manifest.base_fee;
    body(
        transaction,
        status,
        Some((place, receipt_body(transaction, receipt, base_fee))),
    )
}

/// One that was looked up; `pending` counts where it is in no block.
pub fn located_body(tip: &Tip, located: &Located, pending: bool) -> TransactionBody {
    match &located.included {
        Some(Included { block, index, receipt }) => included_body(tip, &located.transaction, block, *index, receipt),
        None => waiting_body(&located.transaction, pending),
    }
}

fn body(
    transaction: &CheckedTransaction,
    status: TransactionStatus,
    place: Option<(TransactionBlock, ReceiptBody)>,
) -> TransactionBody {
    let view = transaction.view();
    let (block, receipt) = place.unzip();
    TransactionBody {
        id: transaction.id(),
        status,
        kind: format!("{:#04x}", view.kind),
        scheme: scheme(transaction.transaction()).to_owned(),
        multisig: multisig(transaction.transaction()),
        sender: transaction.sender(),
        nonce: view.nonce,
        timestamp: view.timestamp.map(|time| time.0),
        to: view.to,
        value: view.value,
        max_fee: view.max_fee,
        max_priority_fee: view.max_priority_fee,
        gas_limit: view.gas_limit,
        data: view.data.clone(),
        memo: view.to.and_then(|_| memo(view.data)),
        size: transaction.envelope().len(),
        block,
        receipt,
    }
}

fn scheme(transaction: &Transaction) -> &'static str {
    match transaction {
        Transaction::Tally(tally) => tally.authenticator.scheme(),
        Transaction::Ethereum(_) => "ethereum",
    }
}

fn receipt_body(transaction: &CheckedTransaction, receipt: &Receipt, base_fee: u128) -> ReceiptBody {
    let view = transaction.view();
    let price = effective_price(view.max_fee, view.max_priority_fee, base_fee).unwrap_or(base_fee);
    let times_gas = |price: u128| Amount(U256::from(price).saturating_mul(U256::from(receipt.gas_used)));
    ReceiptBody {
        success: receipt.success,
        gas_used: receipt.gas_used,
        gas_price: price,
        fee: times_gas(price),
        burned: times_gas(base_fee),
        contract: receipt.contract,
        logs: receipt
            .logs
            .iter()
            .map(|log| LogBody {
                address: log.address,
                topics: log.topics.clone(),
                data: log.data.clone(),
            })
            .collect(),
    }
}

fn inclusion(proof: InclusionProof) -> InclusionProofBody {
    let InclusionProof { index, count, path } = proof;
    InclusionProofBody { index, count, path }
}

fn history(tip: &Tip, proof: HistoryProof) -> HistoryProofBody {
    let nodes = proof.nodes.iter().map(|node| HistoryNodeBody {
        hash: node.hash,
        weight: node.weight.to_string(),
        min_time: node.min_time,
        max_time: node.max_time,
    });
    HistoryProofBody {
        blocks: proof.blocks,
        number: proof.number,
        nodes: nodes.collect(),
        tip: tip.record.id,
        tip_header_hex: tip.record.header.encode().into(),
        tip_manifest_hex: tip.record.manifest.encode().into(),
    }
}

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
        .read(move |node, tip| {
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
        .read(move |node, tip| {
            let located = node.transaction(tip, &id)?.ok_or_else(|| {
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
/// The answer is the file of docs/protocol.md#P1, to be kept as it is and checked with `tally receipt verify` or on the
/// page /receipt.
#[utoipa::path(get, path = "/transactions/{id}/receipt", tag = "chain",
    params(("id" = String, Path, description = "Transaction id, 0x and 64 hex digits")),
    responses(
        (status = 200, description = "The receipt (docs/protocol.md, rule P1)", body = Object),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub async fn receipt(State(server): State<Shared>, Segment(text): Segment) -> Answer<Json<PortableReceipt>> {
    let id = parse_id(&text)?;
    server
        .read(move |node, tip| {
            let place = tip.snapshot.place(&id)?;
            let receipt = match place {
                Some(place) => node.portable_receipt(tip, place)?,
                None => None,
            };
            let receipt = receipt.ok_or_else(|| {
                let (kind, detail) = match node.with_pool(|pool| pool.get(&id).is_some()) {
                    true => (&kinds::NOT_INCLUDED, format!("transaction {id} waits for a block")),
                    false => (
                        &kinds::UNKNOWN_TRANSACTION,
                        format!("this node knows no transaction {id}"),
                    ),
                };
                Problem::new(kind, detail).field("id").with("found", id.to_string())
            })?;
            Ok(Json(receipt))
        })
        .await
}
