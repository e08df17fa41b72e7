//! What the store can still do. All writes pass through here: room is kept on the disk, and the first failure is remembered.
//!
//! After a failed write it is unknown what the disk holds, so the database takes no more (its own rule), and neither does
//! this: the process ends in order, and the next one recovers what was synced. A disk that is only nearly full is no such
//! failure: nothing was begun, and the node goes on by itself once there is room.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::error::plain;
use super::{Store, StoreError};
use crate::health::NotReady;

/// Bytes that stay free beside what a batch holds: the database's own files grow while they replace others, and a failure
/// there would break the store where a batch that waits does not.
pub const ROOM_KEPT: u64 = 8 << 20;

pub(super) struct Condition {
    path: PathBuf,
    /// What failed first.
    broken: watch::Sender<Option<String>>,
    /// Bytes that were free when there was too little room.
    full: Mutex<Option<u64>>,
}

impl Condition {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            broken: watch::Sender::new(None),
            full: Mutex::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a batch of so many bytes may be written. Each change of the answer is one line in the log.
    fn require_room(&self, bytes: u64) -> Result<(), StoreError> {
        let Some(free) = free_bytes(&self.path) else {
            return Ok(());
        };
        let needed = bytes.saturating_add(ROOM_KEPT);
        let path = self.path.display();
        let mut full = self.full.lock();
        if free >= needed {
            if full.take().is_some() {
                tracing::info!(%path, free, "there is room again");
            }
            return Ok(());
        }
        if full.replace(free).is_none() {
            tracing::error!(%path, free, needed, "no room: nothing is written until there is more");
        }
        Err(StoreError::NoRoom {
            path: self.path.clone(),
            free,
            needed,
        })
    }

    fn broken(&self) -> Option<StoreError> {
        let detail = self.broken.borrow().clone()?;
        Some(StoreError::Broken {
            path: self.path.clone(),
            detail,
        })
    }

    /// Remembers what failed first.
    fn fail(&self, detail: String) -> StoreError {
        self.broken.send_if_modified(|broken| {
            let first = broken.is_none();
            if first {
                tracing::error!(path = %self.path.display(), %detail, "the store is broken; the node has to start anew");
                *broken = Some(detail.clone());
            }
            first
        });
        self.broken().unwrap_or(StoreError::Broken {
            path: self.path.clone(),
            detail,
        })
    }
}

/// Bytes that this process may still use on the file system of `path`, where that can be known.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

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
        if let Some(detail) = self.condition.broken.borrow().clone() {
            return Some(NotReady::StoreBroken { detail });
        }
        let free = (*self.condition.full.lock())?;
        Some(NotReady::DiskFull {
            path: self.condition.path.clone(),
            free,
        })
    }

    /// Waits until the store is broken.
    pub async fn broken(&self) -> StoreError {
        let mut changes = self.condition.broken.subscribe();
        loop {
            if let Some(broken) = self.condition.broken() {
                return broken;
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
