//! Block templates: transactions and a manifest that will execute.

use tally_chain::block::MAX_TRANSACTIONS;
use tally_chain::header::HEADER_BYTES;
use tally_chain::manifest::MAX_MANIFEST_BYTES;
use tally_chain::merkle;
use tally_chain::{
    Address, Amount, Ancestors, Bytes, ChainSpec, CheckedTransaction, Manifest, Receipt, TxId, UnixSecs,
};

use crate::evm::{BlockContext, Executor, InclusionError, Refusal};
use crate::execute::{ExecutionError, close, receipts_root};
use crate::tree::StateTree;
use crate::view::{StateError, StateView};

/// Most bytes of a block beside its transactions: header, manifest and the headers of the RLP items around them.
const FRAME_BYTES: u64 = HEADER_BYTES as u64 + MAX_MANIFEST_BYTES as u64 + 32;

/// What a producer chooses.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    pub ancestors: &'a Ancestors,
    /// Unix seconds; must be above the ancestors' median.
    pub time: u32,
    pub producer: Address,
    /// At most 64 bytes; the last 8 are the extra nonce. Rule: docs/protocol.md#M2
    pub extra: Bytes,
}

/// A block that lacks only its seal.
#[derive(Debug, Clone)]
pub struct Assembled {
    pub manifest: Manifest,
    /// `bits` of the header. Rule: docs/protocol.md#D1
    pub bits: u32,
    pub transactions: Vec<CheckedTransaction>,
    pub receipts: Vec<Receipt>,
    /// What was left out, and why.
    pub refused: Vec<(TxId, InclusionError)>,
    /// Priority fees to the producer.
    pub fees: Amount,
}

/// Takes transactions in the given order while they fit, skips those that cannot stand at their place, and says why.
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
    let context = BlockContext {
        chain_id: spec.chain_id,
        number: ancestors.parent.manifest.number.next(),
        parent: ancestors.parent.id,
        time,
        producer,
        gas_limit: spec.limits.gas_limit,
        base_fee: ancestors.next_base_fee(spec),
    };
    let mut executor = Executor::new(context.clone(), view);
    let mut room = spec.limits.block_bytes.saturating_sub(FRAME_BYTES);
    let (mut taken, mut receipts, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for tx in transactions {
        match take(&tx, taken.len(), &mut room, &mut executor, &context) {
            Ok(receipt) => {
                receipts.push(receipt);
                taken.push(tx);
            }
            Err(Refusal::Inclusion(error)) => refused.push((tx.id(), error)),
            Err(Refusal::State(error)) => return Err(error),
        }
    }
    let (gas_used, fees) = (executor.gas_used(), executor.tips());
    let closed = close(executor, &context, spec).map_err(|error| match error {
        ExecutionError::State(error) => error,
        other => StateError(other.to_string()),
    })?;
    let envelopes: Vec<_> = taken.iter().map(|tx| merkle::leaf_hash(tx.envelope())).collect();
    let manifest = Manifest {
        number: context.number,
        producer,
        state_root: tree.update(&closed.changes).root(),
        transactions_root: merkle::root(&envelopes),
        receipts_root: receipts_root(&receipts),
        history_root: ancestors.history.root(),
        gas_limit: context.gas_limit,
        gas_used,
        base_fee: context.base_fee,
        extra,
        seal: Bytes::new(),
    };
    Ok(Assembled {
        manifest,
        bits: spec.engine().next_bits(ancestors),
        transactions: taken,
        receipts,
        refused,
        fees,
    })
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
    *room -= bytes;
    Ok(receipt)
}
