//! `/transactions`: lists and one transaction with its proofs.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tally_chain::fees::effective_price;
use tally_chain::history::HistoryProof;
use tally_chain::merkle::InclusionProof;
use tally_chain::transaction::Transaction;
use tally_chain::{CheckedTransaction, Height, PortableReceipt, Receipt, U256};
use tally_node::{BlockKey, BlockRecord, FullBlock, Included, Located, Place, StoreError, Tip};
use utoipa::{IntoParams, ToSchema};

use super::cursor::{Cursor as _, PlaceCursor};
use super::extract::{Params, Segment};
use super::multisig::{MultisigBody, multisig};
use super::number::PageParams;
use super::problem::{Answer, Problem, ProblemBody, kinds};
use super::text::{hex, memo, parse_id};
use crate::server::Shared;

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransactionStatus {
    /// In the pool, ready for a block.
    Pending,
    /// In the pool, waiting for one with a lower nonce.
    Queued,
    /// In a block, and it did what it should.
    Included,
    /// In a block, fee paid, but its execution failed.
    Failed,
}

/// The block that a transaction is in.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionBlock {
    pub id: String,
    #[schema(example = 1_024)]
    pub height: u64,
    /// Place in the block, from 0.
    pub index: u32,
    /// Unix seconds.
    pub time: u32,
    /// Blocks that confirm it, its own included.
    #[schema(example = 6)]
    pub confirmations: u64,
}

/// An event that a contract emitted.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogBody {
    pub address: String,
    pub topics: Vec<String>,
    pub data: String,
}

/// What a transaction did.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptBody {
    pub success: bool,
    #[schema(example = 3_800)]
    pub gas_used: u64,
    /// Base units per gas that were paid.
    #[schema(example = "2000000000")]
    pub gas_price: String,
    /// The whole fee, in base units.
    #[schema(example = "7600000000000")]
    pub fee: String,
    /// The part of the fee that was burned.
    #[schema(example = "3800000000000")]
    pub burned: String,
    /// Address of the contract it created.
    pub contract: Option<String>,
    pub logs: Vec<LogBody>,
}

/// A transaction.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionBody {
    #[schema(example = "0x9c3a6c9d3f6a7f0d2bb0f1c0a6b4bb0f5b8b1a3c1f8a4d0e6d7c2b9a8f7e6d5c")]
    pub id: String,
    pub status: TransactionStatus,
    /// EIP-2718 type: 0x54 is Tally's own, 0x00 legacy.
    #[serde(rename = "type")]
    #[schema(example = "0x54")]
    pub kind: String,
    /// `rsa-pss-sha256`, `secp256k1`, `multisig` or `ethereum`.
    #[schema(example = "rsa-pss-sha256")]
    pub scheme: String,
    /// The policy that vouches for it, where the scheme is `multisig`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multisig: Option<MultisigBody>,
    #[schema(example = "0x6dbBd9E1099f6e32833374e4F68E1006fAC7f0c7")]
    pub sender: String,
    pub nonce: u64,
    /// When the sender made it, Unix seconds; Ethereum types carry none.
    pub timestamp: Option<u64>,
    /// Receiver; null creates a contract.
    #[schema(example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")]
    pub to: Option<String>,
    /// Base units.
    #[schema(example = "1500000000000000000")]
    pub value: String,
    /// Base units per gas.
    pub max_fee: String,
    /// Base units per gas.
    pub max_priority_fee: String,
    pub gas_limit: u64,
    pub data: String,
    /// The data as text, where it is text in a payment.
    pub memo: Option<String>,
    /// Length of the envelope in bytes.
    pub size: usize,
    /// Null while it waits.
    pub block: Option<TransactionBlock>,
    /// Null while it waits.
    pub receipt: Option<ReceiptBody>,
}

/// A page of transactions.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionPage {
    pub items: Vec<TransactionBody>,
    /// `cursor` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Shows that a transaction stands at `index` of `count` in its block (RFC 9162).
#[derive(Debug, Serialize, ToSchema)]
pub struct InclusionProofBody {
    pub index: u64,
    pub count: u64,
    /// Siblings from the leaf up.
    pub path: Vec<String>,
}

/// One node of a history proof.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryNodeBody {
    pub hash: String,
    pub weight: String,
    pub min_time: u32,
    pub max_time: u32,
}

/// Shows that block `number` is among the `blocks` ancestors of the tip.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryProofBody {
    pub blocks: u64,
    pub number: u64,
    pub nodes: Vec<HistoryNodeBody>,
    /// The tip whose `history_root` it leads to.
    pub tip: String,
    pub tip_header_hex: String,
    pub tip_manifest_hex: String,
}

/// A transaction with all that a browser needs to check it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionDetail {
    #[serde(flatten)]
    pub transaction: TransactionBody,
    /// The signed envelope.
    pub raw: String,
    pub inclusion_proof: Option<InclusionProofBody>,
    /// Header of its block.
    pub header_hex: Option<String>,
    /// Manifest of its block.
    pub manifest_hex: Option<String>,
    /// Only with `proof=true`, and only below the tip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_proof: Option<HistoryProofBody>,
}

impl TransactionBody {
    /// A transaction that waits.
    pub fn waiting(transaction: &CheckedTransaction, pending: bool) -> Self {
        let status = if pending {
            TransactionStatus::Pending
        } else {
            TransactionStatus::Queued
        };
        Self::new(transaction, status, None)
    }

    /// The transaction at `index` of a block that was read whole.
    pub fn of_block(tip: &Tip, block: &FullBlock, index: usize) -> Self {
        let transaction = &block.transactions[index];
        match block.receipts.get(index) {
            Some(receipt) => Self::included(tip, transaction, &block.record, index as u32, receipt),
            // A block of a branch that was never executed has no receipts.
            None => Self::new(transaction, TransactionStatus::Pending, None),
        }
    }

    /// A transaction of the active chain.
    pub fn included(
        tip: &Tip,
        transaction: &CheckedTransaction,
        block: &BlockRecord,
        index: u32,
        receipt: &Receipt,
    ) -> Self {
        let status = if receipt.success {
            TransactionStatus::Included
        } else {
            TransactionStatus::Failed
        };
        let height = block.height().0;
        let place = TransactionBlock {
            id: block.id.to_string(),
            height,
            index,
            time: block.header.time,
            confirmations: (tip.record.height().0 + 1).saturating_sub(height),
        };
        let base_fee = block.manifest.base_fee;
        Self::new(
            transaction,
            status,
            Some((place, receipt_body(transaction, receipt, base_fee))),
        )
    }

    /// One that was looked up; `pending` counts where it is in no block.
    pub fn located(tip: &Tip, located: &Located, pending: bool) -> Self {
        match &located.included {
            Some(Included { block, index, receipt }) => {
                Self::included(tip, &located.transaction, block, *index, receipt)
            }
            None => Self::waiting(&located.transaction, pending),
        }
    }

    fn new(
        transaction: &CheckedTransaction,
        status: TransactionStatus,
        place: Option<(TransactionBlock, ReceiptBody)>,
    ) -> Self {
        let view = transaction.view();
        let (block, receipt) = place.unzip();
        Self {
            id: transaction.id().to_string(),
            status,
            kind: format!("{:#04x}", view.kind),
            scheme: scheme(transaction.transaction()).to_owned(),
            multisig: multisig(transaction.transaction()),
            sender: transaction.sender().to_string(),
            nonce: view.nonce,
            timestamp: view.timestamp.map(|time| time.0),
            to: view.to.map(|to| to.to_string()),
            value: view.value.to_string(),
            max_fee: view.max_fee.to_string(),
            max_priority_fee: view.max_priority_fee.to_string(),
            gas_limit: view.gas_limit,
            data: hex(view.data),
            memo: view.to.and_then(|_| memo(view.data)),
            size: transaction.envelope().len(),
            block,
            receipt,
        }
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
    let times_gas = |price: u128| {
        U256::from(price)
            .saturating_mul(U256::from(receipt.gas_used))
            .to_string()
    };
    ReceiptBody {
        success: receipt.success,
        gas_used: receipt.gas_used,
        gas_price: price.to_string(),
        fee: times_gas(price),
        burned: times_gas(base_fee),
        contract: receipt.contract.map(|address| address.to_string()),
        logs: receipt
            .logs
            .iter()
            .map(|log| LogBody {
                address: log.address.to_string(),
                topics: log.topics.iter().map(ToString::to_string).collect(),
                data: hex(&log.data),
            })
            .collect(),
    }
}

fn inclusion(proof: InclusionProof) -> InclusionProofBody {
    let InclusionProof { index, count, path } = proof;
    InclusionProofBody {
        index,
        count,
        path: path.iter().map(ToString::to_string).collect(),
    }
}

fn history(tip: &Tip, proof: HistoryProof) -> HistoryProofBody {
    let nodes = proof.nodes.iter().map(|node| HistoryNodeBody {
        hash: node.hash.to_string(),
        weight: node.weight.to_string(),
        min_time: node.min_time,
        max_time: node.max_time,
    });
    HistoryProofBody {
        blocks: proof.blocks,
        number: proof.number,
        nodes: nodes.collect(),
        tip: tip.record.id.to_string(),
        tip_header_hex: hex(&tip.record.header.encode()),
        tip_manifest_hex: hex(&tip.record.manifest.encode()),
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
    let limit = page.limit()?;
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
                    items.push(TransactionBody::of_block(tip, &block, index));
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

/// What a transaction is wanted with.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProofParams {
    /// With a proof that leads to the tip.
    pub proof: bool,
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
                transaction: TransactionBody::located(tip, &located, pending),
                raw: hex(located.transaction.envelope()),
                inclusion_proof: proof.map(inclusion),
                header_hex: included.map(|included| hex(&included.block.header.encode())),
                manifest_hex: included.map(|included| hex(&included.block.manifest.encode())),
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
