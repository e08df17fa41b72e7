//! Changing to a branch of more weight: undone and joining blocks one after the other, all of it in one batch.
//!
//! Bodies are read when it is their turn and dropped then, so that no branch, however long and full, has to fit into memory.
//! What stays is what the batch itself has to hold: index entries, receipts, undo data, and the transactions that return to
//! the pool. Rule: docs/protocol.md#B9

use std::collections::BTreeSet;

use tally_chain::block::Ancestors;
use tally_chain::history::Node as HistoryNode;
use tally_chain::{Address, Amount, BlockId, CheckedTransaction, Height, LinkedBlock, TxId, UnixSecs};
use tally_ledger::{ExecutedBlock, ExecutionError, Overlay, StateTree, execute};

use super::side::{Branch, stored_block, unsound};
use super::{ImportError, Moved, Pipeline, Prepared};
use crate::store::{BlockRecord, Commit, Indexed, Snapshot, Status, StoreError};

/// Which blocks leave the active chain, and which join it.
pub(super) struct Switch {
    /// The blocks that are stored.
    branch: Branch,
    /// Highest first.
    undone: Vec<BlockRecord>,
    /// The block on them that gives the branch more weight than the active chain.
    last: LinkedBlock,
}

/// The active chain while blocks are taken from it and put on it, in memory.
struct Growing<'a> {
    overlay: Overlay<'a, Snapshot>,
    tree: StateTree,
    /// What the next block sees.
    ancestors: Ancestors,
    supply: Amount,
    total_transactions: u64,
    joined: Vec<Moved>,
}

impl Switch {
    /// What happens when `last`, which is linked to the end of `branch`, becomes the tip; no body is read for that.
    pub(super) fn to(branch: Branch, last: LinkedBlock) -> Result<Self, StoreError> {
        let after_fork = branch.snapshot.records_from(branch.fork.height().next());
        let undone = after_fork.rev().collect::<Result<Vec<_>, _>>()?;
        Ok(Self { branch, undone, last })
    }
}

impl Pipeline {
    /// Executes the change in memory, and collects what it writes in one batch.
    pub(super) fn execute_switch(&self, switch: Switch, now: UnixSecs) -> Result<Prepared, ImportError> {
        let Switch { branch, undone, last } = switch;
        let Branch {
            snapshot,
            fork,
            at_fork,
            records: stored,
        } = branch;
        let mut commit = Commit::new(&self.store);
        let mut chain = self.back_to(&snapshot, &fork, at_fork, &undone)?;
        // In the batch, what leaves comes before what joins: a transaction may be in blocks of both.
        let undone = self.leave(&snapshot, undone, &mut commit)?;
        let ids: Vec<_> = stored.iter().map(|record| record.id).chain([last.id()]).collect();
        for (record, next) in stored.iter().zip(1..) {
            let linked = self.relink(&snapshot, record, &chain.ancestors, now)?;
            self.join(&snapshot, &mut chain, linked, &ids[next..], &mut commit, now)?;
        }
        self.join(&snapshot, &mut chain, last, &[], &mut commit, now)?;
        let returned = self.give_back(&snapshot, &undone, &chain.joined, &mut commit)?;
        let Growing {
            overlay,
            tree,
            ancestors,
            joined,
            ..
        } = chain;
        let moved = joined
            .last()
            .expect("the block that gave the branch more work has joined");
        let record = moved.record.clone();
        let transactions = moved.transactions.iter().map(|transaction| transaction.id).collect();
        // Once for all blocks: of what several of them changed, only the last value is written.
        commit.state(overlay.changes());
        commit.tip(&record);
        Ok(Prepared {
            from: self.tip.record.id,
            common: fork.height(),
            batch: commit.into_batch(),
            record,
            ancestors,
            tree,
            transactions,
            undone,
            joined,
            returned,
        })
    }

    /// The chain as it was when `fork` was its tip, by what the blocks after it have replaced. `ancestors`: what the child
    /// of `fork` sees.
    fn back_to<'a>(
        &self,
        snapshot: &'a Snapshot,
        fork: &BlockRecord,
        ancestors: Ancestors,
        undone: &[BlockRecord],
    ) -> Result<Growing<'a>, StoreError> {
        let mut overlay = Overlay::new(snapshot);
        let mut tree = self.tip.tree.clone();
        for record in undone {
            let missing = || StoreError::Missing {
                what: format!("the undo data of block {}", record.id),
            };
            let changes = snapshot.undo(&record.id)?.ok_or_else(missing)?;
            tree = tree.update(&changes);
            overlay.apply(&changes);
        }
        // Before any block is executed on it: on another state none fits its manifest, and its sender would be blamed.
        let (found, expected) = (tree.root(), fork.manifest.state_root);
        if found != expected {
            let what = format!("the way back to block {} (root {found}, expected {expected})", fork.id);
            return Err(StoreError::Altered { what });
        }
        Ok(Growing {
            overlay,
            tree,
            ancestors,
            supply: fork.supply,
            total_transactions: fork.total_transactions,
            joined: Vec::new(),
        })
    }

    /// Takes blocks out of the active chain, one body after the other.
    fn leave(
        &self,
        snapshot: &Snapshot,
        undone: Vec<BlockRecord>,
        commit: &mut Commit<'_>,
    ) -> Result<Vec<Moved>, StoreError> {
        let leave = |record: BlockRecord| -> Result<Moved, StoreError> {
            let transactions = index(&self.stored_transactions(snapshot, &record)?);
            commit.inactive(&record, &transactions);
            // Where it joins again it is executed again: nothing of its execution is kept.
            commit.record(&BlockRecord {
                status: Status::Linked,
                supply: Amount::ZERO,
                total_transactions: 0,
                ..record.clone()
            });
            Ok(Moved { record, transactions })
        };
        undone.into_iter().map(leave).collect()
    }

    /// Runs the next block over the state of those before it, and makes it part of the active chain. `after` are those that
    /// stand on it.
    fn join(
        &self,
        snapshot: &Snapshot,
        chain: &mut Growing<'_>,
        linked: LinkedBlock,
        after: &[BlockId],
        commit: &mut Commit<'_>,
        now: UnixSecs,
    ) -> Result<(), ImportError> {
        let (id, height) = (linked.id(), linked.height());
        let record = self.linked_record(&linked, now);
        match execute(linked, &chain.overlay, &chain.tree, &self.spec) {
            Ok(block) => Ok(self.put_on(snapshot, chain, &block, record, commit)?),
            // The state could not be read: the block is not at fault.
            Err(ExecutionError::State(error)) => Err(StoreError::State(error).into()),
            Err(source) => {
                tracing::warn!(%id, %height, reason = %source, "block execution failed");
                // It carries real work. Unless this is remembered, each peer that sends it costs another execution.
                self.reject_branch(snapshot, record, after)?;
                let source = Box::new(source);
                Err(ImportError::Execution { id, height, source })
            }
        }
    }

    /// Puts an executed block on the chain and into the batch. `record` is what is known of it without its execution.
    fn put_on(
        &self,
        snapshot: &Snapshot,
        chain: &mut Growing<'_>,
        block: &ExecutedBlock,
        record: BlockRecord,
        commit: &mut Commit<'_>,
    ) -> Result<(), StoreError> {
        let linked = block.block();
        chain.overlay.apply(block.changes());
        chain.overlay.set_block_id(record.height(), record.id);
        chain.tree = block.tree().clone();
        chain.supply = chain
            .supply
            .checked_add(block.subsidy())
            .and_then(|sum| sum.checked_sub(block.burned()))
            .ok_or_else(|| StoreError::Altered {
                what: format!("the supply before block {}", record.id),
            })?;
        chain.total_transactions += linked.transactions().len() as u64;
        let stored = snapshot.record(&record.id)?;
        let record = BlockRecord {
            status: Status::Executed,
            supply: chain.supply,
            burned: block.burned(),
            total_transactions: chain.total_transactions,
            // When it first came: by a clock that was set back since then it would be too early when it is linked again.
            received: stored.as_ref().map_or(record.received, |stored| stored.received),
            ..record
        };
        let leaf = HistoryNode::leaf(record.id, &record.header, self.engine.weight(&record.header));
        let history = chain.ancestors.history.clone().push(leaf);
        // The blocks of a branch are stored, and were read from there: their bodies are not written again.
        match stored {
            Some(_) => commit.record(&record),
            None => commit.block(&record, &linked.encode()),
        }
        let transactions = index(linked.transactions());
        commit.active(&record, &transactions, block.receipts(), block.undo(), &history);
        // A branch that forks below is rejected (B9), so that nothing leads back there.
        if let Some(old) = record.height().0.checked_sub(self.max_reorg_depth.saturating_add(1))
            && let Some(id) = snapshot.id_at(Height(old))?
        {
            commit.forget_undo(&id);
        }
        chain.ancestors = chain.ancestors.then(linked.as_parent(), &self.engine);
        chain.joined.push(Moved { record, transactions });
        Ok(())
    }

    /// Puts the transactions of undone blocks that are in no joined one back into the stored pool, in the order of their
    /// blocks. In this batch and no later one: a crash right after it must not lose what was acknowledged.
    fn give_back(
        &self,
        snapshot: &Snapshot,
        undone: &[Moved],
        joined: &[Moved],
        commit: &mut Commit<'_>,
    ) -> Result<Vec<CheckedTransaction>, StoreError> {
        let moved = joined.iter().flat_map(|moved| &moved.transactions);
        let again: BTreeSet<TxId> = moved.map(|transaction| transaction.id).collect();
        let mut returned = Vec::new();
        for Moved { record, transactions } in undone.iter().rev() {
            // Mostly both branches have the same ones, and no body is read a second time.
            if transactions.iter().all(|transaction| again.contains(&transaction.id)) {
                continue;
            }
            let transactions = self.stored_transactions(snapshot, record)?.into_iter();
            returned.extend(transactions.filter(|transaction| !again.contains(&transaction.id())));
        }
        for transaction in &returned {
            commit.pooled(&transaction.id(), transaction.envelope());
        }
        Ok(returned)
    }

    fn stored_transactions(
        &self,
        snapshot: &Snapshot,
        record: &BlockRecord,
    ) -> Result<Vec<CheckedTransaction>, StoreError> {
        let block = stored_block(snapshot, record)?;
        let checked = self.checker.check_all(block.transactions);
        checked.map_err(|(_, error)| unsound(record, &error))
    }

    /// Remembers a block as invalid, and what is stored of the branch on it. Where the block is not stored (it stood on the
    /// tip), its header and manifest are kept for that. Stored blocks of other branches on it are found when a block comes
    /// that continues one of them ([`Self::branch`]): no index leads from a block to those after it.
    fn reject_branch(&self, snapshot: &Snapshot, invalid: BlockRecord, after: &[BlockId]) -> Result<(), StoreError> {
        let mut records = vec![snapshot.record(&invalid.id)?.unwrap_or(invalid)];
        for id in after {
            records.extend(snapshot.record(id)?);
        }
        self.mark_invalid(records)
    }
}

fn index(transactions: &[CheckedTransaction]) -> Vec<Indexed> {
    transactions
        .iter()
        .map(|transaction| {
            let (sender, view) = (transaction.sender(), transaction.view());
            let recipient: Option<Address> = view.to.or_else(|| Some(sender.create(view.nonce)));
            Indexed {
                id: transaction.id(),
                sender,
                recipient,
            }
        })
        .collect()
}
