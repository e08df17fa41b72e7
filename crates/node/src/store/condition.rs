//! What the store can still do: room is kept on the disk, and the first failure is remembered.
//!
//! After a failed write it is unknown what the disk holds, so the database takes no more (its own rule), and neither does
//! this: the process ends in order, and the next one recovers what was synced. A disk that is only nearly full is no such
//! failure: nothing was begun, and the node goes on by itself once there is room.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::StoreError;
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
    pub(super) fn require_room(&self, bytes: u64) -> Result<(), StoreError> {
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

    /// What failed first, if anything did.
    pub(super) fn broken(&self) -> Option<StoreError> {
        let detail = self.broken.borrow().clone()?;
        Some(StoreError::Broken {
            path: self.path.clone(),
            detail,
        })
    }

    /// Remembers what failed first.
    pub(super) fn fail(&self, detail: String) -> StoreError {
        self.broken.send_if_modified(|broken| {
            let first = broken.is_none();
            if first {
                tracing::error!(path = %self.path.display(), %detail, "the store is broken; the node has to be restarted");
                *broken = Some(detail.clone());
            }
            first
        });
        self.broken().unwrap_or(StoreError::Broken {
            path: self.path.clone(),
            detail,
        })
    }

    /// Why nothing can be written now.
    pub(super) fn not_ready(&self) -> Option<NotReady> {
        if let Some(detail) = self.broken.borrow().clone() {
            return Some(NotReady::StoreBroken { detail });
        }
        let free = (*self.full.lock())?;
        Some(NotReady::DiskFull {
            path: self.path.clone(),
            free,
        })
    }

    /// Waits until something has failed.
    pub(super) async fn wait_until_broken(&self) -> StoreError {
        let mut changes = self.broken.subscribe();
        loop {
            if let Some(broken) = self.broken() {
                return broken;
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Bytes that this process may still use on the file system of `path`, where that can be known.
#[cfg(unix)]
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
pub(super) fn free_bytes(_: &Path) -> Option<u64> {
    None
}
