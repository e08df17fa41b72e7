//! Checkpoints and the parts of their states: written beside the chain, which does not depend on them.

use fjall::{PersistMode, Readable as _};
use tally_chain::Height;
use tally_chain::codec::{ListReader, wrap_list};

use super::keyspaces::height_key;
use super::snapshot::damaged;
use super::{Snapshot, Store, StoreError};
use crate::checkpoint::Checkpoint;

/// Checkpoints that are kept beside the one that this node began with.
const KEPT: usize = 2;

fn part_key(height: Height, part: u32) -> Vec<u8> {
    [&height_key(height)[..], &part.to_be_bytes()].concat()
}

impl Store {
    /// Keeps a checkpoint with all its parts, and drops what is older than the one before it.
    pub(crate) fn keep_checkpoint(&self, checkpoint: &Checkpoint, parts: &[Vec<u8>]) -> Result<(), StoreError> {
        let mut batch = self.database.batch();
        let bytes = parts.iter().map(|part| part.len() as u64).sum();
        for (number, part) in (0..).zip(parts) {
            batch.insert(&self.keys.parts, part_key(checkpoint.height, number), &part[..]);
        }
        batch.insert(
            &self.keys.checkpoints,
            height_key(checkpoint.height),
            encode(checkpoint),
        );
        self.write(batch, bytes)?;
        let snapshot = self.snapshot();
        let base = snapshot.base()?;
        let others = snapshot.checkpoints()?.into_iter().rev();
        for old in others.filter(|other| other.height != base).skip(KEPT) {
            self.drop_checkpoint(&old)?;
        }
        Ok(())
    }

    /// Writes down what this node is about to begin with, so that parts that came are not fetched again; whatever else was
    /// begun is dropped.
    pub(crate) fn expect_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        for other in self.snapshot().checkpoints()? {
            if other != *checkpoint {
                self.drop_checkpoint(&other)?;
            }
        }
        let mut batch = self.database.batch();
        batch.insert(
            &self.keys.checkpoints,
            height_key(checkpoint.height),
            encode(checkpoint),
        );
        self.write(batch, 0)
    }

    /// Keeps a part that was checked.
    pub(crate) fn keep_part(&self, height: Height, number: u32, part: &[u8]) -> Result<(), StoreError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::Buffer));
        batch.insert(&self.keys.parts, part_key(height, number), part);
        self.write(batch, part.len() as u64)
    }

    fn drop_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let mut batch = self.database.batch();
        batch.remove(&self.keys.checkpoints, height_key(checkpoint.height));
        for number in (0..).take(checkpoint.roots.len()) {
            batch.remove(&self.keys.parts, part_key(checkpoint.height, number));
        }
        self.write(batch, 0)
    }
}

fn encode(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut out = Vec::new();
    checkpoint.encode(&mut out);
    wrap_list(&out)
}

impl Snapshot {
    /// All checkpoints kept, lowest first.
    pub(crate) fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        let (snapshot, keys) = self.inner();
        let read = |bytes: &[u8]| {
            let mut items = ListReader::open("checkpoint", bytes)?;
            let checkpoint = Checkpoint::read(&mut items)?;
            items.end().map(|()| checkpoint)
        };
        let entries = snapshot.iter(&keys.checkpoints);
        entries
            .map(|entry| read(&entry.value()?).map_err(damaged("checkpoint")))
            .collect()
    }

    /// The kept checkpoint of this height.
    pub(crate) fn checkpoint(&self, height: Height) -> Result<Option<Checkpoint>, StoreError> {
        let mut all = self.checkpoints()?.into_iter();
        Ok(all.find(|checkpoint| checkpoint.height == height))
    }

    /// One part of a checkpoint, encoded.
    pub fn part(&self, height: Height, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let (snapshot, keys) = self.inner();
        let part = snapshot.get(&keys.parts, part_key(height, number))?;
        Ok(part.map(|bytes| bytes.to_vec()))
    }
}
