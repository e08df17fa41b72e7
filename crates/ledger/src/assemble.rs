//! Block templates: transactions and a manifest that will execute.

use tally_chain::block::MAX_TRANSACTIONS;
use tally_chain::consensus::HeaderSeal;
use tally_chain::header::HEADER_BYTES;
use tally_chain::manifest::MAX_MANIFEST_BYTES;
use tally_chain::merkle;
use tally_chain::{
    Address, Amount, Ancestors, B256, Bytes, ChainSpec, CheckedTransaction, Manifest, Receipt, TxId, UnixSecs,
};

use crate::context::BlockContext;
use crate::evm::{Executor, InclusionError, Refusal};
use crate::execute::{ExecutionError, close, receipts_root};
use crate::tree::StateTree;
use crate::view::{StateError, StateView};

/// Most bytes of a block beside its transactions: header, manifest and the headers of the RLP items around them.
const FRAME_BYTES: u64 = HEADER_BYTES as u64 + MAX_MANIFEST_BYTES as u64 + 32;

/// What a producer chooses.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// The blocks that it continues.
    pub ancestors: &'a Ancestors,
    /// Unix seconds; at least the ancestors' earliest time for a block. Rule: docs/protocol.md#B3
    pub time: u32,
    /// Receives the subsidy and the priority fees.
    pub producer: Address,
    /// At most 64 bytes; the last 8 are the extra nonce. Rule: docs/protocol.md#M2
    pub extra: Bytes,
}

/// A block that lacks only its seal.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// Its roots are those of the execution; only the extra nonce may still change.
    pub manifest: Manifest,
    /// Fields of the header that the engine decides. Rule: docs/protocol.md#D1
    pub seal: HeaderSeal,
    /// The last time, in Unix seconds, that the header may have: a later one would change what the block does.
    pub latest_time: u32,
    /// What it holds, in the order in which it executes.
    pub transactions: Vec<CheckedTransaction>,
    /// One for each transaction, in order.
    pub receipts: Vec<Receipt>,
    /// What was left out, and why.
    pub refused: Vec<(TxId, InclusionError)>,
    /// Priority fees to the producer.
    pub fees: Amount,
}

/// Takes transactions in the given order while they fit, skips those that cannot stand at their place, and returns the reasons.
pub fn assemble<V: StateView + ?Sized>(
    candidate: Candidate<'_>,
    transactions: impl IntoIterator<Item = CheckedTransaction>,
    view: &V,
    tree: &StateTree,
    spec: &ChainSpec,
) -> Result<Assembled, StateError> {
    let Candidate {
        ancestors,
        time,
        producer,
        extra,
    } = candidate;
    let context = BlockContext::next(ancestors, time, producer, spec);
    let mut executor = Executor::new(context.clone(), view);
    let selected = select(&mut executor, &context, transactions, spec)?;
    let (gas_used, fees) = (executor.gas_used(), executor.tips());
    let latest_time = latest_time(time, executor.time_seen(), &selected.taken);
    let closed = close(executor, &context, spec).map_err(unclosed)?;
    Ok(Assembled {
        manifest: Manifest {
            producer,
            extra,
            state_root: tree.update(&closed.changes).root(),
            ..selected.manifest(&context, ancestors, gas_used, spec)
        },
        seal: spec.engine().next_seal(ancestors),
        latest_time,
        transactions: selected.taken,
        receipts: selected.receipts,
        refused: selected.refused,
        fees,
    })
}

/// A block that was just put together executes: what stands in the way of closing it is the state's fault.
pub(crate) fn unclosed(error: ExecutionError) -> StateError {
    match error {
        ExecutionError::State(error) => error,
        other => StateError(other.to_string()),
    }
}

/// The last time, in Unix seconds, that the header may have without changing what the block does.
pub(crate) fn latest_time(time: u32, time_seen: bool, taken: &[CheckedTransaction]) -> u32 {
    // Code that has read the time may do something else at another one.
    if time_seen {
        return time;
    }
    let first = taken.iter().filter_map(CheckedTransaction::expires).min();
    first.map_or(u32::MAX, |first| u32::try_from(first.0).unwrap_or(u32::MAX))
}

/// What was taken into a block, and what was not.
pub(crate) struct Selected {
    pub taken: Vec<CheckedTransaction>,
    pub receipts: Vec<Receipt>,
    pub refused: Vec<(TxId, InclusionError)>,
}

impl Selected {
    /// The manifest without what depends on the producer.
    pub fn manifest(&self, context: &BlockContext, ancestors: &Ancestors, gas_used: u64, spec: &ChainSpec) -> Manifest {
        let envelopes: Vec<_> = self.taken.iter().map(|tx| merkle::leaf_hash(tx.envelope())).collect();
        Manifest {
            number: context.number,
            producer: Address::ZERO,
            state_root: B256::ZERO,
            transactions_root: merkle::root(&envelopes),
            receipts_root: receipts_root(&self.receipts),
            history_root: ancestors.history.root(),
            gas_limit: context.gas_limit,
            gas_used,
            base_fee: context.base_fee,
            extra: Bytes::new(),
            seal: spec.engine().manifest_seal(),
        }
    }
}

/// Takes transactions in the given order while they fit.
pub(crate) fn select<V: StateView + ?Sized>(
    executor: &mut Executor<'_, V>,
    context: &BlockContext,
    transactions: impl IntoIterator<Item = CheckedTransaction>,
    spec: &ChainSpec,
) -> Result<Selected, StateError> {
    let mut room = spec.limits.block_bytes.saturating_sub(FRAME_BYTES);
    let mut selected = Selected {
        taken: Vec::new(),
        receipts: Vec::new(),
        refused: Vec::new(),
    };
    for tx in transactions {
        match take(&tx, selected.taken.len(), &mut room, executor, context) {
            Ok(receipt) => {
                selected.receipts.push(receipt);
                selected.taken.push(tx);
            }
            Err(Refusal::Inclusion(error)) => selected.refused.push((tx.id(), error)),
            // The store's fault and no transaction's: none is left out for it.
            Err(Refusal::State(error)) => return Err(error),
        }
    }
    Ok(selected)
}

fn take<V: StateView + ?Sized>(
    tx: &CheckedTransaction,
    count: usize,
    room: &mut u64,
    executor: &mut Executor<'_, V>,
    context: &BlockContext,
) -> Result<Receipt, Refusal> {
    if count == MAX_TRANSACTIONS {
        return Err(InclusionError::TooManyTransactions { max: MAX_TRANSACTIONS }.into());
    }
    let bytes = alloy_rlp::Encodable::length(tx.envelope()) as u64;
    let left = *room;
    if bytes > left {
        return Err(InclusionError::BytesExceedBlock { bytes, left }.into());
    }
    tx.check_includable(UnixSecs(context.time.into()), context.base_fee)
        .map_err(InclusionError::Transaction)?;
    let receipt = executor.include(tx)?;
    // Only now: what cannot be included leaves its room to those after it.
    *room -= bytes;
    Ok(receipt)
}
