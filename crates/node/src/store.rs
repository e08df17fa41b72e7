//! The embedded, crash-safe store. One batch per block, durable before it is published.
//!
//! Keys are big-endian, so that ranges run in order. Everything but `headers`, `bodies` and `pool` describes the active
//! chain and is rewritten by a reorg in the same batch that moves the tip.

mod commit;
mod condition;
mod contents;
mod error;
mod history;
mod keyspaces;
mod making;
mod migrate;
mod parts;
mod record;
mod snapshot;
mod sound;
mod writes;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fjall::{Database, PersistMode};
use tally_chain::{Bytes, TxId};

use condition::Condition;
use keyspaces::Keyspaces;

pub(crate) use commit::Batch;
pub use commit::Commit;
pub use condition::ROOM_KEPT;
pub use error::StoreError;
pub use record::{BlockRecord, Indexed, Place, Status};
pub use snapshot::{HistoryKey, IndexSizes, Snapshot};
pub(crate) use sound::Compared;

/// Layout of the data directory that this code reads and writes.
pub const FORMAT_VERSION: u32 = 2;

/// The open store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    database: Database,
    keys: Keyspaces,
    condition: Arc<Condition>,
}

impl Store {
    /// Opens the database in `path`; whose chain it holds is not looked at.
    fn open_database(path: &Path) -> Result<Self, StoreError> {
        let opening = |error| StoreError::opening(path, error);
        let database = Database::builder(path).open().map_err(opening)?;
        let keys = Keyspaces::open(&database).map_err(opening)?;
        let condition = Arc::new(Condition::new(path));
        Ok(Self {
            database,
            keys,
            condition,
        })
    }

    /// A consistent view of everything committed so far.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.database.snapshot(), self.keys.clone())
    }

    /// Changes the stored pool: envelopes are added, `None` removes. On the disk when this returns.
    pub fn write_pool(&self, changes: &BTreeMap<TxId, Option<Bytes>>) -> Result<(), StoreError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        let mut bytes = 0;
        for (id, envelope) in changes {
            match envelope {
                Some(envelope) => {
                    bytes += envelope.len() as u64;
                    batch.insert(&self.keys.pool, &id.as_bytes()[..], &envelope[..]);
                }
                None => batch.remove(&self.keys.pool, &id.as_bytes()[..]),
            }
        }
        self.write(batch, bytes)
    }

    /// Flushes everything to the disk; called at shutdown.
    pub fn sync(&self) -> Result<(), StoreError> {
        let synced = self.database.persist(PersistMode::SyncAll);
        synced.map_err(|error| self.write_failed(&error))
    }

    /// The folder that it is in.
    pub fn path(&self) -> &Path {
        self.condition.path()
    }

    /// Bytes that the data directory takes.
    pub fn disk_space(&self) -> u64 {
        self.database.disk_space().unwrap_or(0)
    }
}
