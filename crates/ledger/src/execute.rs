//! Executing a block. Rules: docs/protocol.md#B2, #B6, sections X and I

use tally_chain::{Amount, B256, ChainSpec, LinkedBlock, Receipt, U256, merkle};

use crate::changes::ChangeSet;
use crate::context::BlockContext;
use crate::evm::{Executor, InclusionError, Refusal};
use crate::tree::StateTree;
use crate::view::{StateError, StateView};

/// Why a linked block is rejected, or could not be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum ExecutionError {
    #[error("transaction {index}: {source}")]
    Transaction { index: usize, source: InclusionError },
    #[error("gas_used is {found}, expected {expected}")]
    WrongGasUsed { found: u64, expected: u64 },
    #[error("receipts_root is {found}, expected {expected}")]
    WrongReceiptsRoot { found: B256, expected: B256 },
    #[error("state_root is {found}, expected {expected}")]
    WrongStateRoot { found: B256, expected: B256 },
    #[error("the supply would be 2^256 base units or more")]
    SupplyOverflow,
    #[error("the accounts touched had {had}, subsidy included, and now have {after}")]
    MoneyCreated { had: Amount, after: Amount },
    #[error("base fees burn {required}, but only {burned} left the accounts")]
    NotBurned { burned: Amount, required: Amount },
    #[error(transparent)]
    State(#[from] StateError),
}

/// A block and all that it does; nothing is written yet.
#[derive(Debug, Clone)]
pub struct ExecutedBlock {
    block: LinkedBlock,
    effects: Effects,
}

/// What a block does, by part.
#[derive(Debug, Clone)]
pub struct Effects {
    /// New values of exactly what changed.
    pub changes: ChangeSet,
    /// Former values of exactly what changed; code is not undone.
    pub undo: ChangeSet,
    /// One for each transaction, in order.
    pub receipts: Vec<Receipt>,
    /// The state tree after the block.
    pub tree: StateTree,
    /// Base fees, which no account receives. Rule: docs/protocol.md#I2
    pub burned: Amount,
    /// New money for the producer. Rule: docs/protocol.md#I1
    pub subsidy: Amount,
}

impl ExecutedBlock {
    /// The block itself.
    pub fn block(&self) -> &LinkedBlock {
        &self.block
    }

    /// New values of exactly what changed.
    pub fn changes(&self) -> &ChangeSet {
        &self.effects.changes
    }

    /// Former values of exactly what changed; code is not undone.
    pub fn undo(&self) -> &ChangeSet {
        &self.effects.undo
    }

    /// One for each transaction, in order.
    pub fn receipts(&self) -> &[Receipt] {
        &self.effects.receipts
    }

    /// The state tree after this block.
    pub fn tree(&self) -> &StateTree {
        &self.effects.tree
    }

    /// Rule: docs/protocol.md#I2
    pub fn burned(&self) -> Amount {
        self.effects.burned
    }

    /// Rule: docs/protocol.md#I1
    pub fn subsidy(&self) -> Amount {
        self.effects.subsidy
    }

    /// Takes the two apart, so that a writer need not copy them.
    pub fn into_parts(self) -> (LinkedBlock, Effects) {
        (self.block, self.effects)
    }
}

/// Executes a block over its parent's state and compares every root with its manifest.
pub fn execute<V: StateView + ?Sized>(
    block: LinkedBlock,
    view: &V,
    tree: &StateTree,
    spec: &ChainSpec,
) -> Result<ExecutedBlock, ExecutionError> {
    let mut executor = Executor::new(BlockContext::of(&block, spec), view);
    let mut receipts = Vec::with_capacity(block.transactions().len());
    for (index, tx) in block.transactions().iter().enumerate() {
        let receipt = executor.include(tx).map_err(|refusal| match refusal {
            Refusal::Inclusion(source) => ExecutionError::Transaction { index, source },
            Refusal::State(error) => ExecutionError::State(error),
        })?;
        receipts.push(receipt);
    }
    let manifest = block.manifest();
    // What is cheap to compare comes before the tree, of which every changed path has to be hashed.
    let (found, expected) = (manifest.gas_used, executor.gas_used());
    if found != expected {
        return Err(ExecutionError::WrongGasUsed { found, expected });
    }
    let (found, expected) = (manifest.receipts_root, receipts_root(&receipts));
    if found != expected {
        return Err(ExecutionError::WrongReceiptsRoot { found, expected });
    }
    let closed = close(executor, &BlockContext::of(&block, spec), spec)?;
    let tree = tree.update(&closed.changes);
    let (found, expected) = (manifest.state_root, tree.root());
    if found != expected {
        return Err(ExecutionError::WrongStateRoot { found, expected });
    }
    let effects = Effects {
        changes: closed.changes,
        undo: closed.undo,
        receipts,
        tree,
        burned: closed.burned,
        subsidy: closed.subsidy,
    };
    Ok(ExecutedBlock { block, effects })
}

/// Rule: docs/protocol.md#K2
pub(crate) fn receipts_root(receipts: &[Receipt]) -> B256 {
    let leaves: Vec<_> = receipts
        .iter()
        .map(|receipt| merkle::leaf_hash(&receipt.encode()))
        .collect();
    merkle::root(&leaves)
}

pub(crate) struct Closed {
    pub changes: ChangeSet,
    pub undo: ChangeSet,
    pub burned: Amount,
    pub subsidy: Amount,
}

/// Pays the subsidy and adds up what the block did. Rules: docs/protocol.md#X4, #I1, #I2
pub(crate) fn close<V: StateView + ?Sized>(
    mut executor: Executor<'_, V>,
    context: &BlockContext,
    spec: &ChainSpec,
) -> Result<Closed, ExecutionError> {
    // After the last transaction: nothing in this block can spend it (X4).
    let subsidy = spec.subsidy(context.number);
    if !subsidy.is_zero() {
        let state = executor.state();
        let mut producer = state.account(context.producer)?;
        producer.balance = producer
            .balance
            .checked_add(subsidy)
            .ok_or(ExecutionError::SupplyOverflow)?;
        state.set_account(context.producer, producer)?;
    }
    settle(executor, context, subsidy, subsidy)
}

/// Adds up a block whose producer is not known, and so not paid: the tips have left the senders, and no account has them.
pub(crate) fn close_shared<V: StateView + ?Sized>(
    executor: Executor<'_, V>,
    context: &BlockContext,
    spec: &ChainSpec,
) -> Result<Closed, ExecutionError> {
    let (subsidy, tips) = (spec.subsidy(context.number), executor.tips());
    let mut closed = settle(executor, context, Amount::ZERO, subsidy)?;
    let burned = closed.burned;
    closed.burned = burned
        .checked_sub(tips)
        .ok_or(ExecutionError::NotBurned { burned, required: tips })?;
    Ok(closed)
}

/// What the block burned: what its accounts had, with what was `issued` to them, less what they have.
fn settle<V: StateView + ?Sized>(
    executor: Executor<'_, V>,
    context: &BlockContext,
    issued: Amount,
    subsidy: Amount,
) -> Result<Closed, ExecutionError> {
    let gas_used = executor.gas_used();
    let outcome = executor.finish();
    let had = outcome.before.and_then(|before| before.checked_add(issued));
    let (Some(had), Some(after)) = (had, outcome.after) else {
        return Err(ExecutionError::SupplyOverflow);
    };
    // A second look that relies on nothing above it: money is added up over all changed accounts, however they changed.
    let burned = had
        .checked_sub(after)
        .ok_or(ExecutionError::MoneyCreated { had, after })?;
    let required = Amount(U256::from(context.base_fee) * U256::from(gas_used));
    // More may be gone than the base fees: a contract that destroys itself in favour of itself burns its balance (I2).
    if burned < required {
        return Err(ExecutionError::NotBurned { burned, required });
    }
    Ok(Closed {
        changes: outcome.changes,
        undo: outcome.undo,
        burned,
        subsidy,
    })
}
