use std::cmp::Reverse;

use tally_chain::{Amount, Bytes, Height, RawTransaction, Receipt};
use tally_node::{BlockKey, BlockRecord, Status, StoreError};

use crate::{
    at::At,
    rows::{Slice, difficulty, parse_address, units},
};
use tally_app::format;
use tally_app::model::{
    BaseUnits, BlockEvidence, BlockPage, BlockQuery, BlockRow, BlockSort, HeaderView, Listing, ManifestView,
    TransactionRow,
};

/// How many blocks are looked at where sorting or filtering cannot use an index.
const WINDOW: usize = 1_000;

/// One page of the blocks table.
pub fn blocks(at: &At<'_>, query: &BlockQuery) -> Result<Listing<BlockRow>, StoreError> {
    let slice = Slice::new(query.page, query.rows);
    let plain = query.sort == BlockSort::Height && !query.filled && query.producer.is_none();
    if plain {
        return by_height(at, query.ascending, &slice);
    }
    let mut found = candidates(at, query)?;
    let looked_at = found.len();
    found.retain(|record| !query.filled || record.transaction_count > 0);
    let mut rows = found
        .iter()
        .map(|record| at.block_row(record))
        .collect::<Result<Vec<_>, _>>()?;
    sort(&mut rows, query.sort);
    if query.ascending {
        rows.reverse();
    }
    let total = rows.len() as u64;
    let rows = rows.into_iter().skip(slice.skip()).take(slice.take()).collect();
    Ok(slice.listing(
        rows,
        Some(total),
        (looked_at == WINDOW).then(|| format!("{} blocks", format::count(WINDOW as u64))),
    ))
}

/// The newest blocks that a query may be about, newest first.
fn candidates(at: &At<'_>, query: &BlockQuery) -> Result<Vec<BlockRecord>, StoreError> {
    let snapshot = &at.tip.snapshot;
    let Some(producer) = &query.producer else {
        return snapshot.records_from(first(at)?).rev().take(WINDOW).collect();
    };
    // A producer that is no address produced nothing.
    let Some(producer) = parse_address(producer) else {
        return Ok(Vec::new());
    };
    let mut records = Vec::new();
    for height in snapshot.produced(&producer).take(WINDOW) {
        records.extend(at.node.block_record(&at.tip, BlockKey::Height(height?))?);
    }
    Ok(records)
}

/// Largest first.
fn sort(rows: &mut [BlockRow], by: BlockSort) {
    match by {
        BlockSort::Height => rows.sort_by_key(|row| Reverse(row.height)),
        BlockSort::Interval => rows.sort_by_key(|row| Reverse(row.interval)),
        BlockSort::Transactions => rows.sort_by_key(|row| Reverse(row.transactions)),
        BlockSort::Gas => rows.sort_by_key(|row| Reverse(row.gas_used)),
        BlockSort::Bytes => rows.sort_by_key(|row| Reverse(row.bytes)),
        BlockSort::Burned => {
            rows.sort_by_key(|row| Reverse((row.burned.digits().len(), row.burned.digits().to_owned())))
        }
    }
}

/// The lowest block with all of its parts: genesis, or the one after the checkpoint that the node began with.
pub(super) fn first(at: &At<'_>) -> Result<Height, StoreError> {
    Ok(match at.tip.snapshot.base()? {
        Height::GENESIS => Height::GENESIS,
        base => base.next(),
    })
}

/// The whole chain, straight from its index.
fn by_height(at: &At<'_>, ascending: bool, slice: &Slice) -> Result<Listing<BlockRow>, StoreError> {
    let (skip, take) = (slice.skip() as u64, slice.take() as u64);
    let lowest = first(at)?.0;
    let total = (at.height() + 1).saturating_sub(lowest);
    let mut records: Vec<BlockRecord> = if skip >= total {
        Vec::new()
    } else {
        let first = if ascending {
            skip
        } else {
            total.saturating_sub(skip + take)
        };
        let last = if ascending {
            (skip + take - 1).min(total - 1)
        } else {
            total - 1 - skip
        };
        at.tip
            .snapshot
            .records_between(Height(lowest + first), Height(lowest + last))
            .collect::<Result<_, _>>()?
    };
    if !ascending {
        records.reverse();
    }
    let rows = records
        .iter()
        .map(|record| at.block_row(record))
        .collect::<Result<_, _>>()?;
    Ok(slice.listing(rows, Some(total), None))
}

/// A block by height or id, with one page of its transactions.
pub fn block(at: &At<'_>, key: &str, page: u32, rows: u32) -> Result<Option<BlockPage>, StoreError> {
    let Ok(key) = key.parse::<BlockKey>() else {
        return Ok(None);
    };
    let Some(record) = at.node.block_record(&at.tip, key)? else {
        return Ok(None);
    };
    let snapshot = at.node.snapshot();
    let canonical = at.tip.snapshot.is_active(&record)?;
    let body = snapshot
        .block(&record.id)?
        .map(|block| block.transactions)
        .unwrap_or_default();
    let receipts = if canonical {
        at.tip.snapshot.receipts(&record.id)?
    } else {
        Vec::new()
    };
    let moved = body.iter().map(|raw| raw.transaction().view().value);
    Ok(Some(BlockPage {
        row: at.block_row(&record)?,
        header: header(&record),
        manifest: manifest(&record),
        canonical,
        kept: record.status != Status::HeaderOnly,
        tip: at.height(),
        difficulty: difficulty(record.header.bits),
        subsidy: units(at.node.spec().subsidy(record.height())),
        tips: canonical.then(|| tips(&record, &body, &receipts)),
        moved: units(moved.fold(Amount::ZERO, |sum, value| Amount(sum.0.saturating_add(value.0)))),
        transactions: page_of(at, &record, body, &receipts, &Slice::new(page, rows))?,
    }))
}

fn header(record: &BlockRecord) -> HeaderView {
    let header = &record.header;
    HeaderView {
        version: header.version,
        parent: header.parent.to_string(),
        manifest_root: header.manifest_root.to_string(),
        time: header.time,
        bits: format!("{:#010x}", header.bits),
        target: tally_chain::pow::Target::from_bits(header.bits)
            .map_or_else(|error| error.to_string(), |target| format!("{:064x}", target.0)),
        nonce: header.nonce,
    }
}

fn manifest(record: &BlockRecord) -> ManifestView {
    let manifest = &record.manifest;
    ManifestView {
        state_root: manifest.state_root.to_string(),
        transactions_root: manifest.transactions_root.to_string(),
        receipts_root: manifest.receipts_root.to_string(),
        history_root: manifest.history_root.to_string(),
        base_fee: BaseUnits::new(manifest.base_fee),
        extra: manifest.extra.to_string(),
    }
}

/// What the producer received beyond the subsidy.
fn tips(record: &BlockRecord, body: &[RawTransaction], receipts: &[Receipt]) -> BaseUnits {
    let views = body.iter().map(|raw| raw.transaction().view());
    units(Receipt::priority_fees(receipts, views, record.manifest.base_fee))
}

/// One page of a block's transactions. Off the main chain they have no outcome, and read as waiting.
fn page_of(
    at: &At<'_>,
    record: &BlockRecord,
    body: Vec<RawTransaction>,
    receipts: &[Receipt],
    slice: &Slice,
) -> Result<Listing<TransactionRow>, StoreError> {
    let total = body.len() as u64;
    let mut rows = Vec::new();
    for (index, raw) in body.into_iter().enumerate().skip(slice.skip()).take(slice.take()) {
        let Ok(transaction) = at.node.checker().check_one(raw) else {
            continue;
        };
        rows.push(match receipts.get(index) {
            Some(receipt) => at.included_row(&transaction, record, index as u32, receipt)?,
            None => at.pending_row(&transaction)?,
        });
    }
    Ok(slice.listing(rows, Some(total), None))
}

/// The bytes behind a block's page.
pub fn block_evidence(at: &At<'_>, id: &str) -> Result<Option<BlockEvidence>, StoreError> {
    let Ok(id) = id.parse() else { return Ok(None) };
    Ok(at.node.block_record(&at.tip, BlockKey::Id(id))?.as_ref().map(evidence))
}

/// Header and manifest as they are hashed.
pub fn evidence(record: &BlockRecord) -> BlockEvidence {
    BlockEvidence {
        header: Bytes::copy_from_slice(&record.header.encode()),
        manifest: record.manifest.encode().into(),
    }
}
