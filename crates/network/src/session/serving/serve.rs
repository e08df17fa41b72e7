//! Answers to requests of peers, from one snapshot each, and what they cost. Rule: docs/protocol.md#N8

use tally_chain::codec::{CodecError, ListReader};
use tally_chain::header::HEADER_BYTES;
use tally_chain::{BlockId, Bytes, CheckedTransaction, Header, Height, Manifest, TxId};
use tally_node::{Node, Status, StoreError, Tip};

use crate::wire::Message;
use crate::wire::limits::{
    CHECKPOINT_COST, CHECKPOINTS_COST, MAX_BODY_BYTES, MAX_HEADERS, MAX_POOLED_BYTES, POOLED_COST, RECORD_COST,
    TRANSACTIONS_DEPTH,
};

/// An answer, and what it cost: bytes that were read for it, about.
pub(crate) struct Answer {
    pub(crate) message: Message,
    pub(crate) cost: u64,
}

fn records(count: usize) -> u64 {
    RECORD_COST * count as u64
}

/// What a request costs beside what its answer has in it.
pub(crate) fn request_cost(request: &Message) -> u64 {
    match request {
        Message::GetHeaders { locator: ids } | Message::GetBlocks(ids) | Message::GetManifests(ids) => {
            records(ids.len())
        }
        Message::GetCheckpoint => CHECKPOINT_COST,
        Message::GetPart { .. } => CHECKPOINTS_COST,
        Message::GetTransactions(ids) => POOLED_COST * ids.len() as u64,
        Message::GetBlockTransactions { .. } => RECORD_COST,
        no_request!() => 0,
    }
}

/// What a request is answered with; nothing if it is no request.
pub(crate) fn answer(node: &Node, request: &Message) -> Result<Option<Answer>, StoreError> {
    let (message, read) = match request {
        Message::Ping => (Message::Pong, 0),
        Message::GetHeaders { locator } => {
            let headers = headers_after(node, locator)?;
            let read = records(headers.len());
            (Message::Headers(headers), read)
        }
        Message::GetBlocks(ids) => {
            let blocks = blocks(node, ids)?;
            let read: u64 = blocks.iter().map(|block| block.len() as u64).sum();
            (Message::Blocks(blocks), read)
        }
        Message::GetCheckpoint => (Message::Checkpoint(node.checkpoint()?), 0),
        Message::GetPart { block, part } => {
            let part = node.checkpoint_part(block, *part)?.unwrap_or_default();
            let read = part.len() as u64;
            (Message::Part(part.into()), read)
        }
        Message::GetManifests(ids) => (Message::Manifests(manifests(node, ids)?), 0),
        Message::GetTransactions(ids) => (Message::Transactions(pooled(node, ids)), 0),
        Message::GetBlockTransactions { block, indexes } => {
            let (envelopes, read) = block_transactions(node, block, indexes)?;
            (Message::BlockTransactions(envelopes), read)
        }
        _ => return Ok(None),
    };
    let cost = request_cost(request) + read;
    Ok(Some(Answer { message, cost }))
}

fn headers_after(node: &Node, locator: &[BlockId]) -> Result<Vec<Header>, StoreError> {
    let snapshot = &node.tip().snapshot;
    let base = snapshot.base()?;
    for id in locator {
        // Between genesis and what this node began with there is nothing.
        if let Some(record) = node.sound_record(snapshot, id)?
            && record.height() >= base
            && snapshot.is_active(&record)?
        {
            let next = record.height().next();
            let headers = snapshot.records_from(next).take(MAX_HEADERS);
            return headers.map(|record| Ok(record?.header)).collect();
        }
    }
    Ok(Vec::new())
}

fn blocks(node: &Node, ids: &[BlockId]) -> Result<Vec<Bytes>, StoreError> {
    let snapshot = &node.tip().snapshot;
    let mut found = Vec::new();
    let mut total = 0_u64;
    for id in ids {
        let Some(record) = node
            .sound_record(snapshot, id)?
            .filter(|record| record.status != Status::Invalid)
        else {
            continue;
        };
        // Before the block is read: what is not sent need not be.
        total = total.saturating_add(record.bytes);
        if !found.is_empty() && total > MAX_BODY_BYTES as u64 {
            break;
        }
        found.extend(snapshot.block_bytes(id)?);
    }
    Ok(found)
}

fn manifests(node: &Node, ids: &[BlockId]) -> Result<Vec<Manifest>, StoreError> {
    let snapshot = &node.tip().snapshot;
    let records = ids.iter().map(|id| node.sound_record(snapshot, id));
    records
        .filter_map(|record| Some(record.transpose()?.map(|record| record.manifest)))
        .collect()
}

fn pooled(node: &Node, ids: &[TxId]) -> Vec<Bytes> {
    node.with_pool(|pool| {
        let mut total = 0;
        ids.iter()
            .filter_map(|id| pool.get(id).map(CheckedTransaction::envelope))
            .take_while(|envelope| {
                total += envelope.len();
                total <= MAX_POOLED_BYTES
            })
            .cloned()
            .collect()
    })
}

/// Envelopes at some places of a block, and how many bytes were read for them. Nothing of a block far below the tip: no peer
/// puts it together any more, and each such request would read a whole block.
fn block_transactions(node: &Node, id: &BlockId, indexes: &[u32]) -> Result<(Vec<Bytes>, u64), StoreError> {
    // Each place once: or a small request would fetch a huge answer.
    if !indexes.is_sorted_by(|a, b| a < b) {
        return Ok((Vec::new(), 0));
    }
    let tip = node.tip();
    let Some(record) = node.sound_record(&tip.snapshot, id)? else {
        return Ok((Vec::new(), 0));
    };
    if tip.record.height().0.saturating_sub(record.height().0) > TRANSACTIONS_DEPTH {
        return Ok((Vec::new(), 0));
    }
    let Some(block) = tip.snapshot.block_bytes(id)? else {
        return Ok((Vec::new(), 0));
    };
    let what = "a block";
    let envelopes = envelopes_at(&block, indexes).map_err(|source| StoreError::Damaged { what, source })?;
    Ok((envelopes, block.len() as u64))
}

/// Envelopes at ascending places of an encoded block; none of the others is decoded.
fn envelopes_at(block: &[u8], indexes: &[u32]) -> Result<Vec<Bytes>, CodecError> {
    let mut items = ListReader::open("block", block)?;
    items.fixed::<HEADER_BYTES>("header")?;
    items.raw_item("manifest")?;
    let mut list = items.list("transactions")?;
    let mut wanted = indexes.iter().peekable();
    let mut found = Vec::new();
    let mut place = 0_u32;
    while wanted.peek().is_some() && !list.is_empty() {
        let envelope = list.bytes("transaction", block.len())?;
        if wanted.next_if(|index| **index == place).is_some() {
            found.push(Bytes::copy_from_slice(envelope));
        }
        place += 1;
    }
    Ok(found)
}

/// The lowest block after which another branch may leave ours: as deep as this node goes back from `tip`, or the one with whose
/// state it began. Rules: docs/protocol.md#B9, #Q4
pub(crate) fn lowest_fork(node: &Node, tip: &Tip) -> Result<Height, StoreError> {
    let rolling = tip.record.height().0.saturating_sub(node.max_reorg_depth());
    Ok(tip.snapshot.base()?.max(Height(rolling)))
}

/// Ids of the active chain, the tip first, each step back twice as long as the last; genesis is the last one. No step goes
/// over the lowest block that another branch may leave: one that leaves ours just above it would seem to leave too deep.
pub(crate) fn locator(node: &Node) -> Result<Vec<BlockId>, StoreError> {
    let tip = node.tip();
    let Height(lowest) = lowest_fork(node, &tip)?;
    let mut ids = Vec::new();
    let (mut height, mut step) = (tip.record.height().0, 1);
    loop {
        ids.extend(tip.snapshot.id_at(Height(height))?);
        if height == 0 {
            return Ok(ids);
        }
        if ids.len() >= 10 {
            step *= 2;
        }
        let next = height.saturating_sub(step);
        height = if height > lowest { next.max(lowest) } else { next };
    }
}
