//! `/blocks`: lists, one block, its transactions.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tally_api::ProblemBody;
use tally_api::blocks::{BlockBody, BlockList, BlockParams, BlockSummary, Format, HeaderBody, ManifestBody};
use tally_api::page::{MAX_PAGE, PageParams};
use tally_api::transactions::TransactionPage;
use tally_chain::pow::Target;
use tally_chain::{Header, Height, Manifest, Receipt};
use tally_node::{BlockKey, BlockRecord, FullBlock, Node, Status, StoreError, Tip};

use super::cursor::{BlockCursor, Cursor as _, OffsetCursor};
use super::extract::{Params, Segment};
use super::number::page_limit;
use super::problem::{Answer, Problem, kinds};
use super::transactions::of_block;
use crate::server::{ReadFailure, Shared};

/// Bits of a header as shown.
pub fn bits(bits: u32) -> String {
    format!("{bits:#010x}")
}

/// The summary of a record.
pub fn summary(record: &BlockRecord, active: bool) -> BlockSummary {
    BlockSummary {
        id: record.id,
        height: record.height().0,
        parent: record.header.parent,
        time: record.header.time,
        bits: bits(record.header.bits),
        producer: record.manifest.producer,
        size: record.bytes,
        transaction_count: record.transaction_count,
        gas_used: record.manifest.gas_used,
        gas_limit: record.manifest.gas_limit,
        base_fee: record.manifest.base_fee,
        burned: record.burned,
        active,
    }
}

fn manifest(manifest: &Manifest) -> ManifestBody {
    ManifestBody {
        number: manifest.number.0,
        producer: manifest.producer,
        state_root: manifest.state_root,
        transactions_root: manifest.transactions_root,
        receipts_root: manifest.receipts_root,
        history_root: manifest.history_root,
        gas_limit: manifest.gas_limit,
        gas_used: manifest.gas_used,
        base_fee: manifest.base_fee,
        extra: manifest.extra.clone(),
        seal: manifest.seal.clone(),
    }
}

fn header(header: &Header) -> HeaderBody {
    HeaderBody {
        version: header.version,
        parent: header.parent,
        manifest_root: header.manifest_root,
        time: header.time,
        bits: bits(header.bits),
        nonce: header.nonce,
    }
}

/// The target of a header as shown: 64 hex digits, most significant first.
pub fn target(bits: u32) -> String {
    Target::from_bits(bits).map_or_else(|_| String::new(), |target| format!("{:064x}", target.0))
}

fn body(node: &Node, tip: &Tip, block: &FullBlock) -> BlockBody {
    let record = &block.record;
    let subsidy = node.spec().subsidy(record.height());
    let views = block.transactions.iter().map(|transaction| transaction.view());
    let fees = Receipt::priority_fees(&block.receipts, views, record.manifest.base_fee);
    let shown = MAX_PAGE as usize;
    let next = (block.transactions.len() > shown).then(|| OffsetCursor(shown as u32).encode());
    BlockBody {
        summary: summary(record, block.active),
        header: header(&record.header),
        manifest: manifest(&record.manifest),
        header_hex: record.header.encode().into(),
        manifest_hex: record.manifest.encode().into(),
        target: target(record.header.bits),
        weight: node.spec().engine().weight(&record.header).to_string(),
        total_weight: record.weight.to_string(),
        reward: subsidy.checked_add(fees).unwrap_or(subsidy),
        subsidy,
        fees,
        supply: record.supply,
        confirmations: if block.active {
            (tip.record.height().0 + 1).saturating_sub(record.height().0)
        } else {
            0
        },
        transactions: block
            .transactions
            .iter()
            .take(shown)
            .map(|transaction| transaction.id())
            .collect(),
        next,
    }
}

fn parse_key(text: &str) -> Answer<BlockKey> {
    text.parse()
        .map_err(|error: tally_chain::hash::IdError| Problem::from(error))
}

/// The problem of a block that is not there.
fn unknown(tip: &Tip, key: BlockKey) -> ReadFailure {
    if let (BlockKey::Height(height), Ok(base)) = (key, tip.snapshot.base())
        && height < base
    {
        return StoreError::NotKept { height, base }.into();
    }
    let (what, found) = match key {
        BlockKey::Height(height) => ("height", height.to_string()),
        BlockKey::Id(id) => ("id", id.to_string()),
    };
    Problem::new(&kinds::UNKNOWN_BLOCK, format!("no block has the {what} {found}"))
        .field(what)
        .with("found", found)
        .into()
}

/// Blocks of the active chain, highest first
#[utoipa::path(get, path = "/blocks", operation_id = "blocks", tag = "chain", params(PageParams), responses(
    (status = 200, description = "A page of blocks", body = BlockList),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn list(State(server): State<Shared>, Params(page): Params<PageParams>) -> Answer<Json<BlockList>> {
    let limit = page_limit(&page)?;
    let cursor = BlockCursor::decode(page.cursor.as_deref())?;
    server
        .read(move |node| {
            let tip = &node.tip();
            let from = cursor.map_or(tip.record.height(), |BlockCursor(height)| {
                height.min(tip.record.height())
            });
            let last = Height(from.0.saturating_sub(limit as u64 - 1));
            let mut items = Vec::with_capacity(limit);
            for record in tip.snapshot.records_between(last, from).rev() {
                items.push(summary(&record?, true));
            }
            let next = last.0.checked_sub(1).map(|height| BlockCursor(Height(height)).encode());
            Ok(Json(BlockList { items, next }))
        })
        .await
}

/// One block, on whatever branch
#[utoipa::path(get, path = "/blocks/{key}", operation_id = "block", tag = "chain",
    params(("key" = String, Path, description = "Height, or id of 64 hex digits", example = "0"), BlockParams),
    responses(
        (status = 200, description = "The block, or its bytes with `format=raw`",
            content((BlockBody = "application/json"), (Vec<u8> = "application/octet-stream"))),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub async fn one(
    State(server): State<Shared>,
    Segment(key): Segment,
    Params(params): Params<BlockParams>,
) -> Answer<Response> {
    let key = parse_key(&key)?;
    match params.format.unwrap_or(Format::Json) {
        Format::Json => {
            let read = server.read(move |node| {
                let tip = &node.tip();
                let block = node.full_block(tip, key)?.ok_or_else(|| unknown(tip, key))?;
                Ok(body(node, tip, &block))
            });
            Ok(Json(read.await?).into_response())
        }
        Format::Raw => {
            let read = server.read(move |node| {
                let tip = &node.tip();
                let record = node.block_record(tip, key)?.ok_or_else(|| unknown(tip, key))?;
                // A branch block may be younger than the tip's snapshot.
                let bytes = node.snapshot().block_bytes(&record.id)?;
                if record.status == Status::HeaderOnly {
                    let (height, base) = (record.height(), tip.snapshot.base()?);
                    return Err(StoreError::NotKept { height, base }.into());
                }
                bytes.ok_or_else(|| unknown(tip, key))
            });
            let bytes = read.await?;
            let kind = [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            )];
            Ok((kind, bytes.to_vec()).into_response())
        }
    }
}

/// Transactions of one block, in its order
#[utoipa::path(get, path = "/blocks/{key}/transactions", operation_id = "block_transactions", tag = "chain",
    params(("key" = String, Path, description = "Height, or id of 64 hex digits", example = "0"), PageParams),
    responses(
        (status = 200, description = "A page of transactions", body = TransactionPage),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub async fn transactions(
    State(server): State<Shared>,
    Segment(key): Segment,
    Params(page): Params<PageParams>,
) -> Answer<Json<TransactionPage>> {
    let key = parse_key(&key)?;
    let limit = page_limit(&page)?;
    let skip = OffsetCursor::decode(page.cursor.as_deref())?.map_or(0, |OffsetCursor(count)| count as usize);
    server
        .read(move |node| {
            let tip = &node.tip();
            let block = node.full_block(tip, key)?.ok_or_else(|| unknown(tip, key))?;
            let items = (skip..block.transactions.len()).take(limit);
            let items = items.map(|index| of_block(tip, &block, index)).collect();
            let end = skip.saturating_add(limit);
            let next = (end < block.transactions.len()).then(|| OffsetCursor(end as u32).encode());
            Ok(Json(TransactionPage { items, next }))
        })
        .await
}
