//! The one way of a block into the chain, mined here or received: decode, check, prepare (link, execute), decide (commit).

mod decide;
mod install;
mod outcome;
mod prepared;
mod side;
mod switch;

use std::path::Path;
use std::sync::Arc;

use tally_chain::block::{Ancestors, CheckedBlock, MEDIAN_SPAN, Parent};
use tally_chain::consensus::Engine;
use tally_chain::{
    Amount, ChainSpec, CheckedTransaction, Header, Height, LinkedBlock, Manifest, RawBlock, TxId, UnixSecs,
};
use tally_ledger::StateTree;

use crate::store::{BlockRecord, Snapshot, Status, Store, StoreError};
use crate::verifier::TransactionChecker;

pub use outcome::{Advance, ImportError, Imported, Moved};
pub use prepared::{Preparation, Prepared};

/// The end of the active chain with everything that answers and new blocks need; immutable.
pub struct Tip {
    /// The record of the last block.
    pub record: BlockRecord,
    /// What the next block sees.
    pub ancestors: Ancestors,
    /// The state tree after it.
    pub tree: StateTree,
    /// The store as it was when this block became the tip.
    pub snapshot: Snapshot,
    /// Ids of its transactions, where they are remembered: the network announces the newest block with them.
    pub transactions: Option<Arc<[TxId]>>,
}

/// Takes blocks in, one after the other, and holds the tip.
///
/// A block is checked by itself, then linked to the ancestors of its branch. Where the branch has more weight than the active
/// chain, the block and those below it are executed, and the change of the tip is written as one batch: a crash leaves the
/// tip before or the tip after. Otherwise the block is stored beside the chain. Nothing else writes blocks, state or indexes;
/// the stored pool has a writer of its own. What an import did is returned: `Node` publishes it. Rules: docs/protocol.md#B1
/// to #B9
pub struct Pipeline {
    spec: Arc<ChainSpec>,
    engine: Engine,
    store: Store,
    checker: Arc<TransactionChecker>,
    max_reorg_depth: u64,
    /// The lowest block to which the stored undo data leads back. An earlier run may have been configured with a smaller
    /// reorg depth, and has then deleted more of it.
    goes_back_to: Height,
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
        // At every start: on a state that has changed on the disk no block may be built.
        if tree.root() != record.manifest.state_root {
            let (found, expected) = (tree.root(), record.manifest.state_root);
            let what = format!("the state of tip {} (root {found}, expected {expected})", record.id);
            return Err(StoreError::Altered { what });
        }
        let ancestors = active_ancestors(&snapshot, &record)?;
        // What this node claims to peers, and compares their claims with.
        if record.weight != ancestors.history.weight() {
            let what = format!("the weight of block {}", record.id);
            return Err(StoreError::Altered { what });
        }
        let goes_back_to = snapshot.goes_back_to(record.height())?;
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
            goes_back_to,
            tip,
        })
    }

    /// The end of the active chain.
    pub fn tip(&self) -> &Arc<Tip> {
        &self.tip
    }

    /// Where blocks are written.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Takes an encoded block through every stage. After `Tip` the block is on the disk.
    pub fn import_block(&mut self, bytes: &[u8], now: UnixSecs) -> Result<Imported, ImportError> {
        let raw = RawBlock::decode(bytes, self.spec.limits.block_bytes)?;
        // Before any check: what is here already, or has no parent here, costs a hash and two reads.
        if let Some(known) = self.known(&raw.header)? {
            return Ok(known);
        }
        let checked = raw.check(&self.spec, now, |transactions| self.checker.check_all(transactions))?;
        self.import_checked(checked, now)
    }

    /// [`Self::import_block`] for a block made of transactions that this node has checked: those of its pool.
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
        let checked = CheckedBlock::from_checked_transactions(header, manifest, transactions, &self.spec, now)?;
        self.import_checked(checked, now)
    }

    fn import_checked(&mut self, checked: CheckedBlock, now: UnixSecs) -> Result<Imported, ImportError> {
        match self.prepare(checked, now)? {
            Preparation::Side(linked) => self.keep_aside(&linked, now),
            // Weight decides under proof of work: there is nothing to wait for.
            Preparation::Ready(prepared) => Ok(Imported::Tip(self.decide(*prepared)?)),
        }
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
            // Known once it has been executed.
            supply: Amount::ZERO,
            burned: Amount::ZERO,
            total_transactions: 0,
            transaction_count: transactions.len() as u32,
            bytes: tally_chain::block::encoded_len(linked.manifest(), lens),
            received: now,
        }
    }
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
