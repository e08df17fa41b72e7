//! The one way of a batch to the disk, and whether it is open: all writes of the store pass through here.

use super::condition::free_bytes;
use super::error::plain;
use super::{Store, StoreError};
use crate::health::NotReady;

impl Store {
    /// Writes a batch of about `bytes` bytes.
    pub(super) fn write(&self, batch: fjall::OwnedWriteBatch, bytes: u64) -> Result<(), StoreError> {
        self.require_room(bytes)?;
        batch.commit().map_err(|error| self.write_failed(&error))
    }

    /// Whether a batch of about `bytes` bytes could be written now; before work that would be in vain.
    pub fn require_room(&self, bytes: u64) -> Result<(), StoreError> {
        match self.condition.broken() {
            Some(broken) => Err(broken),
            None => self.condition.require_room(bytes),
        }
    }

    /// Whether `bytes` are free on the disk, or that cannot be known; changes and logs nothing.
    pub fn has_room(&self, bytes: u64) -> bool {
        free_bytes(self.condition.path()).is_none_or(|free| free >= bytes)
    }

    pub(super) fn write_failed(&self, error: &fjall::Error) -> StoreError {
        self.condition.fail(format!("cannot write: {}", plain(error)))
    }

    /// Looks whether the database's own threads have failed and how much room there is; called about once a second.
    pub(crate) fn probe(&self) {
        // Nothing is waiting to be written: this finds out whether something could be.
        if let Err(error) = self.database.persist(fjall::PersistMode::Buffer) {
            self.write_failed(&error);
        }
        // The answer is in the condition.
        let _ = self.require_room(0);
    }

    /// Declares the store broken by something else than a write: reads that fail for long.
    pub(crate) fn give_up(&self, detail: String) {
        self.condition.fail(detail);
    }

    /// Why nothing can be written now.
    pub fn not_ready(&self) -> Option<NotReady> {
        self.condition.not_ready()
    }

    /// Waits until the store is broken.
    pub async fn broken(&self) -> StoreError {
        self.condition.wait_until_broken().await
    }
}
