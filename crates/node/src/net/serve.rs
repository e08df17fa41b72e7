//! Answers to what peers ask, from one snapshot each.

use tally_chain::{BlockId, Bytes, CheckedTransaction, Header, Height, Manifest, TxId};

use super::limits::{MAX_BODY_BYTES, MAX_HEADERS, MAX_POOLED_BYTES};
use super::wire::Message;
use crate::node::Node;
use crate::store::{Status, StoreError};

/// What a question is answered with; nothing if it is no question.
pub(super) fn answer(node: &Node, question: &Message) -> Result<Option<Message>, StoreError> {
    Ok(Some(match question {
        Message::Ping => Message::Pong,
        Message::GetHeaders { locator } => Message::Headers(headers_after(node, locator)?),
        Message::GetBlocks(ids) => Message::Blocks(blocks(node, ids)?),
        Message::GetCheckpoint => Message::Checkpoint(node.checkpoint()?),
        Message::GetPart { block, part } => {
            Message::Part(node.checkpoint_part(block, *part)?.unwrap_or_default().into())
        }
        Message::GetManifests(ids) => Message::Manifests(manifests(node, ids)?),
        Message::GetTransactions(ids) => Message::Transactions(pooled(node, ids)),
        Message::GetBlockTransactions { block, indexes } => {
            Message::BlockTransactions(block_transactions(node, block, indexes)?)
        }
        _ => return Ok(None),
    }))
}

fn headers_after(node: &Node, locator: &[BlockId]) -> Result<Vec<Header>, StoreError> {
    let snapshot = &node.tip().snapshot;
    let base = snapshot.base()?;
    for id in locator {
        // Between genesis and what this node began with there is nothing.
        if let Some(record) = snapshot.record(id)?
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
    let mut total = 0;
    for id in ids {
        let valid = snapshot
            .record(id)?
            .is_some_and(|record| record.status != Status::Invalid);
        let Some(bytes) = valid.then(|| snapshot.block_bytes(id)).transpose()?.flatten() else {
            continue;
        };
        total += bytes.len();
        if !found.is_empty() && total > MAX_BODY_BYTES {
            break;
        }
        found.push(bytes);
    }
    Ok(found)
}

fn manifests(node: &Node, ids: &[BlockId]) -> Result<Vec<Manifest>, StoreError> {
    let snapshot = &node.tip().snapshot;
    let records = ids.iter().map(|id| snapshot.record(id));
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

fn block_transactions(node: &Node, id: &BlockId, indexes: &[u32]) -> Result<Vec<Bytes>, StoreError> {
    // Each place once: or a small question would fetch a huge answer.
    if !indexes.is_sorted_by(|a, b| a < b) {
        return Ok(Vec::new());
    }
    let snapshot = &node.tip().snapshot;
    let Some(block) = snapshot.block(id)? else {
        return Ok(Vec::new());
    };
    let at = |index: &u32| block.transactions.get(*index as usize);
    Ok(indexes
        .iter()
        .filter_map(at)
        .map(|transaction| transaction.envelope().clone())
        .collect())
}

/// Ids of the active chain, the tip first, each step back twice as long as the last; genesis is the last one.
pub(super) fn locator(node: &Node) -> Result<Vec<BlockId>, StoreError> {
    let tip = node.tip();
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
        height = height.saturating_sub(step);
    }
}
