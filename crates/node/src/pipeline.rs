//! The one way a block takes, whoever made it: decode, check, link, execute, commit, publish.

mod beginning;
mod side;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use tally_chain::block::{Ancestors, CheckedBlock, MEDIAN_SPAN, Parent};
use tally_chain::consensus::Engine;
use tally_chain::history::Node as HistoryNode;
use tally_chain::{
    Address, Amount, BlockError, BlockId, ChainSpec, CheckedTransaction, Header, Height, LinkedBlock, Manifest,
    RawBlock, TxId, UnixSecs,
};
use tally_ledger::{ExecutedBlock, ExecutionError, Overlay, StateTree, execute};

use crate::store::{BlockRecord, Commit, Indexed, Snapshot, Status, Store, StoreError};
use crate::verifier::TransactionChecker;
use side::{stored_block, unsound};

/// Why a block is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Block(#[from] BlockError),
    #[error("parent {parent} is unknown")]
    UnknownParent { parent: BlockId },
    #[error("parent {parent} is invalid")]
    InvalidParent { parent: BlockId },
    #[error("block {id} was found invalid before")]
    KnownInvalid { id: BlockId },
    #[error("block forks {depth} blocks below the tip, at most {max} are allowed")]
    TooDeep { depth: u64, max: u64 },
    #[error("block {id} at height {height} does not execute: {source}")]
    Execution {
        id: BlockId,
        height: Height,
        source: Box<ExecutionError>,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// The block was here before; nothing changed.
    Known { id: BlockId },
    /// Stored on a branch that is not the heaviest.
    Side { id: BlockId, height: Height },
    /// The block is the new tip.
    Tip(Advance),
}

/// How the tip moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    pub from: BlockId,
    pub to: BlockId,
    /// Height of the last block that both branches share.
    pub common: Height,
    /// Blocks that left the active chain, highest first.
    pub undone: Vec<Moved>,
    /// Blocks that joined it, lowest first.
    pub joined: Vec<Moved>,
}

impl Advance {
    /// Transactions that are in no block any more, in the order of their blocks; `joined` are those of the new branch.
    pub(crate) fn returned<'a>(&'a self, joined: &'a BTreeSet<TxId>) -> impl Iterator<Item = &'a CheckedTransaction> {
        returned(&self.undone, joined)
    }
}

/// A block that left or joined the active chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub record: BlockRecord,
    pub transactions: Vec<CheckedTransaction>,
}

/// The end of the active chain with everything that answers and new blocks need; immutable.
pub struct Tip {
    pub record: BlockRecord,
    /// What the next block sees.
    pub ancestors: Ancestors,
    pub tree: StateTree,
    pub snapshot: Snapshot,
    /// Ids of its transactions, where they are remembered: whoever joins a network tells others of them.
    pub transactions: Option<Arc<[TxId]>>,
}

/// Owns the store and moves the tip.
pub struct Pipeline {
    spec: Arc<ChainSpec>,
    engine: Engine,
    store: Store,
    checker: Arc<TransactionChecker>,
    max_reorg_depth: u64,
    tip: Arc<Tip>,
}

impl Pipeline {
    /// Opens the data directory, rebuilds the state tree and compares it with the tip's root.
    pub fn open(
        path: &Path,
        spec: Arc<ChainSpec>,
        checker: Arc<TransactionChecker>,
        max_reorg_depth: u64,
    ) -> Result<Self, StoreError> {
        let store = Store::open(path, &spec)?;
        let engine = spec.engine();
        let snapshot = store.snapshot();
        let record = snapshot.known(&snapshot.tip()?)?;
        let tree = StateTree::from_leaves(snapshot.state_leaves()?);
        if tree.root() != record.manifest.state_root {
            let what = format!(
                "state of tip {}: root is {}, expected {}",
                record.id,
                tree.root(),
                record.manifest.state_root
            );
            return Err(StoreError::Missing { what });
        }
        let ancestors = active_ancestors(&snapshot, &record)?;
        let tip = Arc::new(Tip {
            record,
            ancestors,
            tree,
            snapshot,
            transactions: None,
        });
        Ok(Self {
            spec,
            engine,
            store,
            checker,
            max_reorg_depth,
            tip,
        })
    }

    pub fn tip(&self) -> &Arc<Tip> {
        &self.tip
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Takes an encoded block through every stage. After `Tip` the block is on the disk.
    pub fn import_block(&mut self, bytes: &[u8], now: UnixSecs) -> Result<Imported, ImportError> {
        let raw = RawBlock::decode(bytes, self.spec.limits.block_bytes)?;
        if let Some(known) = self.known(&raw.header)? {
            return Ok(known);
        }
        let checked = raw.check(&self.spec, now, |transactions| self.checker.check_all(transactions))?;
        self.import_checked(checked, now)
    }

    /// The same of a block that is put together from transactions which this node has checked: those of its pool.
    pub fn import_parts(
        &mut self,
        header: Header,
        manifest: Manifest,
        transactions: Vec<CheckedTransaction>,
        now: UnixSecs,
    ) -> Result<Imported, ImportError> {
        if let Some(known) = self.known(&header)? {
            return Ok(known);
        }
        let checked = CheckedBlock::of(header, manifest, transactions, &self.spec, now)?;
        self.import_checked(checked, now)
    }

    fn import_checked(&mut self, checked: CheckedBlock, now: UnixSecs) -> Result<Imported, ImportError> {
        let ancestors = self.ancestors(checked.header().parent)?;
        let linked = checked.link(&ancestors, &self.spec)?;
        if linked.weight() <= self.tip.record.weight {
            return self.keep_aside(&linked, now);
        }
        let switch = self.plan_switch(linked, now)?;
        let executed = self.execute(switch, now)?;
        self.commit(executed, now)
    }

    fn linked_record(&self, linked: &LinkedBlock, now: UnixSecs) -> BlockRecord {
        let transactions = linked.transactions();
        let lens = transactions.iter().map(|transaction| transaction.envelope().len());
        BlockRecord {
            id: linked.id(),
            header: *linked.header(),
            manifest: linked.manifest().clone(),
            status: Status::Linked,
            weight: linked.weight(),
            supply: Amount::ZERO,
            burned: Amount::ZERO,
            total_transactions: 0,
            transaction_count: transactions.len() as u32,
            bytes: tally_chain::block::encoded_len(linked.manifest(), lens),
            received: now,
        }
    }

    /// Which blocks leave and which join when the branch of `linked` becomes the active one.
    fn plan_switch(&self, linked: LinkedBlock, now: UnixSecs) -> Result<Switch, ImportError> {
        let snapshot = self.store.snapshot();
        let branch = self.branch(&snapshot, linked.header().parent)?;
        let mut undone = Vec::new();
        for record in snapshot.records_from(branch.fork.height().next()).rev() {
            let record = record?;
            let transactions = self.stored_transactions(&snapshot, &record)?;
            undone.push(Moved { record, transactions });
        }
        let mut ancestors = active_ancestors(&snapshot, &branch.fork)?;
        let mut joining = Vec::new();
        for record in branch.records {
            let relinked = self.relink(&snapshot, &record, &ancestors, now)?;
            ancestors = ancestors.then(relinked.as_parent(), &self.engine);
            joining.push(relinked);
        }
        joining.push(linked);
        Ok(Switch {
            snapshot,
            fork: branch.fork,
            undone,
            joining,
        })
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

    /// Runs the joining blocks over the state at the fork, in memory.
    fn execute(&self, switch: Switch, now: UnixSecs) -> Result<Executed, ImportError> {
        let Switch {
            snapshot,
            fork,
            undone,
            joining,
        } = switch;
        let mut overlay = Overlay::new(&snapshot);
        let mut tree = self.tip.tree.clone();
        for Moved { record, .. } in &undone {
            let missing = || StoreError::Missing {
                what: format!("undo data of block {}", record.id),
            };
            let changes = snapshot.undo(&record.id)?.ok_or_else(missing)?;
            tree = tree.update(&changes);
            overlay.apply(&changes);
        }
        let mut executed: Vec<ExecutedBlock> = Vec::new();
        let mut joining = joining.into_iter();
        while let Some(linked) = joining.next() {
            let (id, height) = (linked.id(), linked.height());
            let invalid = self.linked_record(&linked, now);
            match execute(linked, &overlay, &tree, &self.spec) {
                Ok(block) => {
                    overlay.apply(block.changes());
                    overlay.set_block_id(height, id);
                    tree = block.tree().clone();
                    executed.push(block);
                }
                // The state could not be read: that says nothing of the block.
                Err(ExecutionError::State(error)) => return Err(StoreError::State(error).into()),
                Err(source) => {
                    tracing::warn!(%id, %height, reason = %source, "block does not execute");
                    self.mark_invalid(&snapshot, invalid, joining.map(|linked| linked.id()))?;
                    let source = Box::new(source);
                    return Err(ImportError::Execution { id, height, source });
                }
            }
        }
        let changes = overlay.changes().clone();
        Ok(Executed {
            snapshot,
            fork,
            undone,
            executed,
            changes,
            tree,
        })
    }

    /// Remembers a block as invalid, so that neither it nor what is stored of its branch is tried again. Where the block is
    /// not stored (it stood on the tip), its header and manifest are kept for that.
    fn mark_invalid(
        &self,
        snapshot: &Snapshot,
        invalid: BlockRecord,
        after: impl Iterator<Item = BlockId>,
    ) -> Result<(), ImportError> {
        let mut commit = Commit::new(&self.store);
        let mut mark = |record: BlockRecord| {
            commit.record(&BlockRecord {
                status: Status::Invalid,
                ..record
            });
        };
        mark(snapshot.record(&invalid.id)?.unwrap_or(invalid));
        for id in after {
            snapshot.record(&id)?.into_iter().for_each(&mut mark);
        }
        Ok(commit.apply()?)
    }

    /// Writes everything in one batch; after it the new tip is what everybody sees.
    fn commit(&mut self, executed: Executed, now: UnixSecs) -> Result<Imported, ImportError> {
        let Executed {
            snapshot,
            fork,
            undone,
            executed,
            changes,
            tree,
        } = executed;
        let mut commit = Commit::new(&self.store);
        for Moved { record, transactions } in &undone {
            commit.inactive(record, &index(transactions));
            let status = BlockRecord {
                supply: Amount::ZERO,
                total_transactions: 0,
                ..record.clone()
            };
            commit.record(&BlockRecord {
                status: Status::Linked,
                ..status
            });
        }
        let ids = |block: &ExecutedBlock| -> Vec<_> {
            let transactions = block.block().transactions();
            transactions.iter().map(CheckedTransaction::id).collect()
        };
        let again: BTreeSet<TxId> = executed.iter().flat_map(ids).collect();
        // In this batch and no later one: a crash right after it must not lose what was acknowledged.
        for transaction in returned(&undone, &again) {
            commit.pooled(&transaction.id(), transaction.envelope());
        }
        let (mut supply, mut total) = (fork.supply, fork.total_transactions);
        let mut history = snapshot.history(fork.height().0 + 1)?;
        let mut ancestors = active_ancestors(&snapshot, &fork)?;
        let mut joined = Vec::new();
        for block in &executed {
            let linked = block.block();
            supply = supply
                .checked_add(block.subsidy())
                .and_then(|sum| sum.checked_sub(block.burned()))
                .ok_or_else(|| StoreError::Missing {
                    what: "a supply below 2^256".to_owned(),
                })?;
            total += linked.transactions().len() as u64;
            let record = BlockRecord {
                status: Status::Executed,
                supply,
                burned: block.burned(),
                total_transactions: total,
                ..self.linked_record(linked, now)
            };
            let leaf = HistoryNode::leaf(record.id, &record.header, self.engine.weight(&record.header));
            // The blocks of a branch are stored, and were read from there: their bodies are not written again.
            match snapshot.record(&record.id)? {
                Some(_) => commit.record(&record),
                None => commit.block(&record, &linked.encode()),
            }
            commit.active(
                &record,
                &index(linked.transactions()),
                block.receipts(),
                block.undo(),
                &history.push(leaf),
            );
            if let Some(old) = record.height().0.checked_sub(self.max_reorg_depth + 1)
                && let Some(id) = snapshot.id_at(Height(old))?
            {
                commit.forget_undo(&id);
            }
            ancestors = ancestors.then(linked.as_parent(), &self.engine);
            joined.push(Moved {
                record,
                transactions: linked.transactions().to_vec(),
            });
        }
        let record = joined.last().map(|moved| moved.record.clone()).unwrap_or(fork.clone());
        commit.state(&changes);
        commit.tip(&record);
        commit.apply()?;
        let (from, to, common) = (self.tip.record.id, record.id, fork.height());
        let snapshot = self.store.snapshot();
        let ids = |moved: &Moved| moved.transactions.iter().map(CheckedTransaction::id).collect();
        self.tip = Arc::new(Tip {
            record,
            ancestors,
            tree,
            snapshot,
            transactions: joined.last().map(ids),
        });
        Ok(Imported::Tip(Advance {
            from,
            to,
            common,
            undone,
            joined,
        }))
    }
}

struct Switch {
    snapshot: Snapshot,
    fork: BlockRecord,
    undone: Vec<Moved>,
    joining: Vec<LinkedBlock>,
}

struct Executed {
    snapshot: Snapshot,
    fork: BlockRecord,
    undone: Vec<Moved>,
    executed: Vec<ExecutedBlock>,
    changes: tally_ledger::ChangeSet,
    tree: StateTree,
}

fn returned<'a>(undone: &'a [Moved], joined: &'a BTreeSet<TxId>) -> impl Iterator<Item = &'a CheckedTransaction> {
    let transactions = undone.iter().rev().flat_map(|moved| &moved.transactions);
    transactions.filter(|transaction| !joined.contains(&transaction.id()))
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

/// What a child of a block of the active chain sees.
pub(crate) fn active_ancestors(snapshot: &Snapshot, parent: &BlockRecord) -> Result<Ancestors, StoreError> {
    let height = parent.height();
    let first = Height(height.0.saturating_sub(MEDIAN_SPAN as u64 - 1));
    let recent_times = snapshot
        .records_between(first, height)
        .map(|record| record.map(|record| record.header.time))
        .collect::<Result<_, _>>()?;
    let anchor_time = match height {
        Height::GENESIS => None,
        _ => match snapshot.id_at(Height(1))? {
            Some(id) => Some(snapshot.known(&id)?.header.time),
            None => None,
        },
    };
    Ok(Ancestors {
        parent: parent_of(parent),
        recent_times,
        anchor_time,
        history: snapshot.history(height.0 + 1)?,
    })
}

fn parent_of(record: &BlockRecord) -> Parent {
    Parent {
        id: record.id,
        header: record.header,
        manifest: record.manifest.clone(),
    }
}
