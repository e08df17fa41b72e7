//! `/blocks`: lists, one block, its transactions.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tally_chain::pow::Target;
use tally_chain::{Header, Height, Manifest, Receipt};
use tally_node::{BlockKey, BlockRecord, FullBlock, Node, Status, StoreError, Tip};
use utoipa::{IntoParams, ToSchema};

use super::cursor::{BlockCursor, Cursor as _, OffsetCursor};
use super::extract::{Params, Segment};
use super::number::PageParams;
use super::problem::{Answer, Problem, ProblemBody, kinds};
use super::text::hex;
use super::transactions::{TransactionBody, TransactionPage};
use crate::server::{ReadFailure, Shared};

/// A block as a line of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockSummary {
    #[schema(example = "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee")]
    pub id: String,
    #[schema(example = 1_024)]
    pub height: u64,
    pub parent: String,
    /// Unix seconds.
    pub time: u32,
    /// Compact target.
    #[schema(example = "0x1d7fffff")]
    pub bits: String,
    #[schema(example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")]
    pub producer: String,
    /// Encoded block, bytes.
    #[schema(example = 912)]
    pub size: u64,
    #[schema(example = 2)]
    pub transaction_count: u32,
    pub gas_used: u64,
    pub gas_limit: u64,
    /// Base units per gas.
    #[schema(example = "1000000000")]
    pub base_fee: String,
    /// Base units.
    #[schema(example = "3800000000000")]
    pub burned: String,
    /// Whether the active chain has it.
    pub active: bool,
}

/// A page of blocks, highest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockList {
    pub items: Vec<BlockSummary>,
    /// `cursor` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What the header commits to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManifestBody {
    pub number: u64,
    pub producer: String,
    pub state_root: String,
    pub transactions_root: String,
    pub receipts_root: String,
    pub history_root: String,
    pub gas_limit: u64,
    pub gas_used: u64,
    pub base_fee: String,
    pub extra: String,
    pub seal: String,
}

/// The 80 bytes that are sealed, field by field.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeaderBody {
    pub version: u32,
    pub parent: String,
    pub manifest_root: String,
    pub time: u32,
    pub bits: String,
    pub nonce: u32,
}

/// A block with all that a browser needs to check it.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockBody {
    #[serde(flatten)]
    pub summary: BlockSummary,
    pub header: HeaderBody,
    pub manifest: ManifestBody,
    /// The 80 bytes as hex.
    pub header_hex: String,
    /// The encoded manifest as hex; its double SHA-256 is `header.manifest_root`.
    pub manifest_hex: String,
    /// The largest id that seals it, 64 hex digits.
    pub target: String,
    /// Expected hashes of this block.
    pub weight: String,
    /// Expected hashes of the branch up to it.
    pub total_weight: String,
    /// What the producer received: subsidy and priority fees, in base units.
    pub reward: String,
    pub subsidy: String,
    pub fees: String,
    /// Coins there were after it, in base units.
    pub supply: String,
    /// Blocks that confirm it, itself included; 0 off the active chain.
    pub confirmations: u64,
    /// Ids of its first transactions.
    pub transactions: Vec<String>,
    /// `cursor` for `/blocks/{key}/transactions`, where there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Bits of a header as shown.
pub fn bits(bits: u32) -> String {
    format!("{bits:#010x}")
}

/// The summary of a record.
pub fn summary(record: &BlockRecord, active: bool) -> BlockSummary {
    BlockSummary {
        id: record.id.to_string(),
        height: record.height().0,
        parent: record.header.parent.to_string(),
        time: record.header.time,
        bits: bits(record.header.bits),
        producer: record.manifest.producer.to_string(),
        size: record.bytes,
        transaction_count: record.transaction_count,
        gas_used: record.manifest.gas_used,
        gas_limit: record.manifest.gas_limit,
        base_fee: record.manifest.base_fee.to_string(),
        burned: record.burned.to_string(),
        active,
    }
}

fn manifest(manifest: &Manifest) -> ManifestBody {
    ManifestBody {
        number: manifest.number.0,
        producer: manifest.producer.to_string(),
        state_root: manifest.state_root.to_string(),
        transactions_root: manifest.transactions_root.to_string(),
        receipts_root: manifest.receipts_root.to_string(),
        history_root: manifest.history_root.to_string(),
        gas_limit: manifest.gas_limit,
        gas_used: manifest.gas_used,
        base_fee: manifest.base_fee.to_string(),
        extra: hex(&manifest.extra),
        seal: hex(&manifest.seal),
    }
}

fn header(header: &Header) -> HeaderBody {
    HeaderBody {
        version: header.version,
        parent: header.parent.to_string(),
        manifest_root: header.manifest_root.to_string(),
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
    let shown = super::number::MAX_PAGE as usize;
    let next = (block.transactions.len() > shown).then(|| OffsetCursor(shown as u32).encode());
    BlockBody {
        summary: summary(record, block.active),
        header: header(&record.header),
        manifest: manifest(&record.manifest),
        header_hex: hex(&record.header.encode()),
        manifest_hex: hex(&record.manifest.encode()),
        target: target(record.header.bits),
        weight: node.spec().engine().weight(&record.header).to_string(),
        total_weight: record.weight.to_string(),
        reward: subsidy.checked_add(fees).unwrap_or(subsidy).to_string(),
        subsidy: subsidy.to_string(),
        fees: fees.to_string(),
        supply: record.supply.to_string(),
        confirmations: if block.active {
            (tip.record.height().0 + 1).saturating_sub(record.height().0)
        } else {
            0
        },
        transactions: block
            .transactions
            .iter()
            .take(shown)
            .map(|transaction| transaction.id().to_string())
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
    let limit = page.limit()?;
    let cursor = BlockCursor::decode(page.cursor.as_deref())?;
    server
        .read(move |_, tip| {
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

/// How a block is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BlockParams {
    /// `raw` for the encoded block as bytes; JSON without it.
    #[param(inline, nullable = false)]
    pub format: Option<Format>,
}

/// Forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Json,
    Raw,
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
            let read = server.read(move |node, tip| {
                let block = node.full_block(tip, key)?.ok_or_else(|| unknown(tip, key))?;
                Ok(body(node, tip, &block))
            });
            Ok(Json(read.await?).into_response())
        }
        Format::Raw => {
            let read = server.read(move |node, tip| {
                let record = node.block_record(tip, key)?.ok_or_else(|| unknown(tip, key))?;
                // A branch block may be younger than the tip's snapshot.
                let bytes = node.store().snapshot().block_bytes(&record.id)?;
                if record.status == Status::Given {
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
    let limit = page.limit()?;
    let skip = OffsetCursor::decode(page.cursor.as_deref())?.map_or(0, |OffsetCursor(count)| count as usize);
    server
        .read(move |node, tip| {
            let block = node.full_block(tip, key)?.ok_or_else(|| unknown(tip, key))?;
            let items = (skip..block.transactions.len()).take(limit);
            let items = items
                .map(|index| TransactionBody::of_block(tip, &block, index))
                .collect();
            let end = skip.saturating_add(limit);
            let next = (end < block.transactions.len()).then(|| OffsetCursor(end as u32).encode());
            Ok(Json(TransactionPage { items, next }))
        })
        .await
}
