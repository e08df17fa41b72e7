//! What the façade shows of the store: reads, whether anything can be written now, and the parts of a checkpoint that come in.
//!
//! [`Store`](crate::store::Store) itself is not handed out: blocks, state and indexes are written by the pipeline alone.

use tally_chain::Height;

use crate::checkpoint::Checkpoint;
use crate::health::NotReady;
use crate::node::Node;
use crate::store::{Snapshot, StoreError};

impl Node {
    /// Reads of everything that is stored by now, blocks beside the chain among it. It may be a block ahead of [`Node::tip`]:
    /// an answer about the active chain reads from the tip's own snapshot.
    pub fn snapshot(&self) -> Snapshot {
        self.store().snapshot()
    }

    /// Whether `bytes` bytes are free on the disk, or that cannot be known; changes and logs nothing.
    pub fn has_room(&self, bytes: u64) -> bool {
        self.store().has_room(bytes)
    }

    /// Whether a batch of about `bytes` bytes could be written now; before work that would be in vain. A disk that is found
    /// full is remembered, and logged once: [`Node::cannot_store`].
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], or [`StoreError::Broken`] once a write has failed.
    pub fn require_room(&self, bytes: u64) -> Result<(), StoreError> {
        self.store().require_room(bytes)
    }

    /// Why nothing can be written now: the disk was found full, or the store is broken.
    pub fn cannot_store(&self) -> Option<NotReady> {
        self.store().not_ready()
    }

    /// Waits until the store is broken, and returns what failed first.
    pub async fn store_broken(&self) -> StoreError {
        self.store().broken().await
    }

    /// Bytes that the store takes on the disk.
    pub fn disk_space(&self) -> u64 {
        self.store().disk_space()
    }

    /// Writes down with which checkpoint this node is about to begin; parts of any other are dropped.
    /// Rule: docs/protocol.md#Q4
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn expect_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.store().expect_checkpoint(checkpoint)
    }

    /// Keeps a part of the expected checkpoint's state, which the caller has checked; [`Snapshot::part`] reads it.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn keep_part(&self, height: Height, number: u32, part: &[u8]) -> Result<(), StoreError> {
        self.store().keep_part(height, number, part)
    }
}
