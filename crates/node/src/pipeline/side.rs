//! Blocks beside the active chain: kept until their branch has the most weight, and forgotten where their bytes have changed on
//! the disk, for they can be fetched again. What the active chain needs cannot: that is the store's failure.

use tally_chain::block::Ancestors;
use tally_chain::consensus::Engine;
use tally_chain::{BlockId, Header, LinkedBlock, RawBlock, UnixSecs};

use super::{ImportError, Imported, Pipeline, active_ancestors, parent_of};
use crate::store::{BlockRecord, Commit, Compared, Snapshot, Status, StoreError};

/// The way from the active chain to a block, all of it from one snapshot: a block on it is linked by this, and the change
/// to it begins with this. Nothing of it is read a second time.
pub(super) struct Branch {
    pub(super) snapshot: Snapshot,
    /// The last block that is part of the active chain.
    pub(super) fork: BlockRecord,
    /// What the child of `fork` sees.
    pub(super) at_fork: Ancestors,
    /// The others, lowest first.
    pub(super) records: Vec<BlockRecord>,
}

impl Branch {
    /// What the next block of this branch sees.
    pub(super) fn ancestors(&self, engine: &Engine) -> Ancestors {
        let records = self.records.iter();
        records.fold(self.at_fork.clone(), |ancestors, record| {
            ancestors.then(parent_of(record), engine)
        })
    }
}

impl Pipeline {
    /// What becomes of a block that is here already, or whose parent is not.
    pub(super) fn known(&self, header: &Header) -> Result<Option<Imported>, ImportError> {
        let (id, parent) = (header.id(), header.parent);
        let snapshot = self.store.snapshot();
        let status = |id: &BlockId| Ok::<_, StoreError>(self.step(&snapshot, id)?.map(|record| record.status));
        match status(&id)? {
            Some(Status::Invalid) => Err(ImportError::KnownInvalid { id }),
            Some(_) => Ok(Some(Imported::Known { id })),
            None => match status(&parent)? {
                None => Err(ImportError::UnknownParent { parent }),
                Some(Status::Invalid) => Err(ImportError::InvalidParent { parent }),
                Some(_) => Ok(None),
            },
        }
    }

    /// The branch that ends with `last`, which is part of the active chain or beside it.
    pub(super) fn branch(&self, last: BlockId) -> Result<Branch, ImportError> {
        let snapshot = self.store.snapshot();
        // Nearly every block comes on the tip, of which all is in memory.
        let (fork, at_fork, records) = match last == self.tip.record.id {
            true => (self.tip.record.clone(), self.tip.ancestors.clone(), Vec::new()),
            false => {
                let (fork, records) = self.way_to(&snapshot, last)?;
                let at_fork = active_ancestors(&snapshot, &fork)?;
                (fork, at_fork, records)
            }
        };
        Ok(Branch {
            snapshot,
            fork,
            at_fork,
            records,
        })
    }

    /// The last block of the active chain before or at `last`, and the blocks after it up to `last`, lowest first. Where one of
    /// them is invalid, those after it are marked so, too.
    fn way_to(&self, snapshot: &Snapshot, last: BlockId) -> Result<(BlockRecord, Vec<BlockRecord>), ImportError> {
        let (tip, max) = (self.tip.record.height().0, self.max_reorg_depth);
        // One of them may have been forgotten since those after it came.
        let stored = |parent: BlockId| -> Result<BlockRecord, ImportError> {
            let record = self.step(snapshot, &parent)?;
            record.ok_or(ImportError::UnknownParent { parent })
        };
        let mut records = Vec::new();
        let mut record = stored(last)?;
        while !snapshot.is_active(&record)? {
            // Stored before that block was executed, on another branch than the one that made it so, perhaps in an earlier run:
            // no block after it is tried, or each one of more weight would have the invalid one executed again.
            if record.status == Status::Invalid {
                self.mark_invalid(records)?;
                return Err(ImportError::InvalidParent { parent: last });
            }
            let parent = stored(record.header.parent)?;
            records.push(record);
            record = parent;
        }
        let depth = tip - record.height().0;
        // Nothing leads back behind what this node began with, or behind what an earlier run has let go of.
        let max = max.min(tip - snapshot.base()?.max(self.goes_back_to).0);
        if depth > max {
            return Err(ImportError::TooDeep { depth, max });
        }
        records.reverse();
        Ok((record, records))
    }

    /// Remembers blocks as invalid, so that neither they nor what comes after them is executed.
    pub(super) fn mark_invalid(&self, records: impl IntoIterator<Item = BlockRecord>) -> Result<(), StoreError> {
        let mut commit = Commit::new(&self.store);
        for record in records {
            commit.record(&BlockRecord {
                status: Status::Invalid,
                ..record
            });
        }
        commit.apply()
    }

    pub(super) fn keep_aside(&self, linked: &LinkedBlock, now: UnixSecs) -> Result<Imported, ImportError> {
        let mut commit = Commit::new(&self.store);
        // Not executed: only a branch that gets the most weight is worth that.
        commit.block(&self.linked_record(linked, now), &linked.encode());
        commit.apply()?;
        Ok(Imported::Side {
            id: linked.id(),
            height: linked.height(),
        })
    }

    /// A stored block of a branch, as it was when it was linked first. One whose bytes have changed is forgotten: to those
    /// after it, it is unknown until it is fetched again.
    pub(super) fn relink(
        &self,
        snapshot: &Snapshot,
        record: &BlockRecord,
        ancestors: &Ancestors,
        now: UnixSecs,
    ) -> Result<LinkedBlock, ImportError> {
        match self.relink_stored(snapshot, record, ancestors, now) {
            Err(error) if error.is_damage() => {
                self.forget(&record.id, &error)?;
                Err(ImportError::UnknownParent { parent: record.id })
            }
            relinked => Ok(relinked?),
        }
    }

    fn relink_stored(
        &self,
        snapshot: &Snapshot,
        record: &BlockRecord,
        ancestors: &Ancestors,
        now: UnixSecs,
    ) -> Result<LinkedBlock, StoreError> {
        let raw = stored_block(snapshot, record)?;
        // It was not too early when it came: a clock that was set back since then changes nothing about it.
        let now = now.max(record.received);
        let checked = raw.check(&self.spec, now, |transactions| self.checker.check_all(transactions));
        let linked = checked.and_then(|checked| checked.link(ancestors, &self.spec));
        linked.map_err(|error| unsound(record, &error))
    }

    /// What is stored of a block. Where that has changed on the disk, and the block is not of the active chain, it is
    /// forgotten: there is none any more.
    pub(crate) fn sound_record(
        &self,
        snapshot: &Snapshot,
        id: &BlockId,
        compared: Compared,
    ) -> Result<Option<BlockRecord>, StoreError> {
        let damage = match snapshot.sound(id, &self.engine, compared) {
            Err(error) if error.is_damage() => error,
            sound => return sound,
        };
        if snapshot.chain_has(id)? {
            return Err(damage);
        }
        self.forget(id, &damage)?;
        Ok(None)
    }

    /// The same of a block on the way to others. What those weigh is summed up by the history of their branch.
    fn step(&self, snapshot: &Snapshot, id: &BlockId) -> Result<Option<BlockRecord>, StoreError> {
        self.sound_record(snapshot, id, Compared::Alone)
    }

    fn forget(&self, id: &BlockId, damage: &StoreError) -> Result<(), StoreError> {
        let mut commit = Commit::new(&self.store);
        commit.forget_block(id);
        commit.apply()?;
        // Once for each block: it is unknown from now on.
        tracing::warn!(%id, %damage, "what is stored of a block is of an older version or was changed: it is fetched again");
        Ok(())
    }
}

/// A block that was right when it was stored is not now: its bytes have changed, and no peer is at fault.
pub(super) fn unsound(record: &BlockRecord, error: &dyn std::error::Error) -> StoreError {
    StoreError::Altered {
        what: format!("the body of block {} ({error})", record.id),
    }
}

/// The stored body of a block; one that is another block's is none. What else may have changed in it is seen by its roots.
pub(super) fn stored_block(snapshot: &Snapshot, record: &BlockRecord) -> Result<RawBlock, StoreError> {
    let what = format!("the body of block {}", record.id);
    match snapshot.block(&record.id)? {
        Some(block) if block.header.id() == record.id => Ok(block),
        Some(_) => Err(StoreError::Altered { what }),
        None => Err(StoreError::Missing { what }),
    }
}
