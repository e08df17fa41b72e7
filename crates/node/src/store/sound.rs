//! Whether what is read of a block is what was stored, as far as no hash shows it; and whether a block is of the active chain
//! where its record cannot say so.

use fjall::Readable;
use tally_chain::consensus::Engine;
use tally_chain::{BlockId, Height, Weight};

use super::keyspaces::height_key;
use super::record::{block_id, weight_in};
use super::snapshot::Snapshot;
use super::{BlockRecord, StoreError};

/// How much of a record is compared with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Nothing: its id proves header and manifest. For steps of a walk, whose weights nobody looks at.
    Alone,
    /// Its weight with the parent's.
    Weight,
}

impl Snapshot {
    /// The record of a block on any branch, compared as far as `compared` says.
    ///
    /// # Errors
    /// What cannot be read, and a record that is not as it was stored.
    pub(crate) fn sound(
        &self,
        id: &BlockId,
        engine: &Engine,
        compared: Compared,
    ) -> Result<Option<BlockRecord>, StoreError> {
        let read = self.record(id)?;
        match &read {
            Some(record) if compared == Compared::Weight => self.check_weight(record, engine)?,
            _ => {}
        }
        Ok(read)
    }

    /// The total work up to a block is its parent's plus the work of its header. With a changed one, the node would blame peers whose claims
    /// are right, and accept claims that are not.
    fn check_weight(&self, record: &BlockRecord, engine: &Engine) -> Result<(), StoreError> {
        let parent = match record.height() {
            Height::GENESIS => Some(Weight::default()),
            _ => self.weight_of(&record.header.parent)?,
        };
        let own = engine.weight(&record.header);
        if parent.is_some_and(|parent| parent.plus(own) == record.weight) {
            return Ok(());
        }
        // One of the two is wrong, or nothing is stored of the parent.
        match self.weight_by_history(record, engine)? {
            Some(weight) if weight != record.weight => Err(StoreError::Altered {
                what: format!("the weight of block {}", record.id),
            }),
            _ => Ok(()),
        }
    }

    /// The stored weight of a block, of which nothing else is read.
    fn weight_of(&self, id: &BlockId) -> Result<Option<Weight>, StoreError> {
        let (snapshot, keys) = self.inner();
        let bytes = snapshot.get(&keys.headers, &id.as_bytes()[..])?;
        Ok(bytes.and_then(|bytes| weight_in(&bytes)))
    }

    /// The weight up to a block by its headers down to the active chain, and by the history of that; none where that cannot be
    /// known: before the block that this node began with, and where a block of the branch was forgotten.
    fn weight_by_history(&self, record: &BlockRecord, engine: &Engine) -> Result<Option<Weight>, StoreError> {
        let sum = || -> Result<Weight, StoreError> {
            let mut above = Weight::default();
            let mut record = record.clone();
            while !self.is_active(&record)? {
                above = above.plus(engine.weight(&record.header));
                record = self.known(&record.header.parent)?;
            }
            Ok(self.history(record.height().0 + 1)?.weight().plus(above))
        };
        match sum() {
            Err(error) if error.is_damage() => Ok(None),
            summed => summed.map(Some),
        }
    }

    /// Whether a block is part of the active chain whose record cannot say at which height: anyone may request it as often as
    /// they like, so that the chain is not searched.
    pub(crate) fn chain_has(&self, id: &BlockId) -> Result<bool, StoreError> {
        let (snapshot, keys) = self.inner();
        // Receipts are written and removed in the same batch as the block's place in the chain.
        if snapshot.contains_key(&keys.receipts, &id.as_bytes()[..])? {
            return Ok(true);
        }
        // Blocks that came with a checkpoint have none. They are the lowest, and a few hundred (Q4).
        for entry in snapshot.range(&keys.chain, ..=height_key(self.base()?)) {
            if block_id(&entry.value()?) == Some(*id) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
