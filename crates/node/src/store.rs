//! The embedded, crash-safe store. One batch per block, durable before it is published.
//!
//! Keys are big-endian, so that ranges run in order. Everything but `headers`, `bodies` and `pool` describes the active
//! chain and is rewritten by a reorg in the same batch that moves the tip.

mod commit;
mod condition;
mod error;
mod history;
mod making;
mod parts;
mod record;
mod snapshot;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};
use tally_chain::{BlockId, Bytes, ChainSpec, Height, TxId, genesis};

pub(crate) use commit::Batch;
pub use commit::{Commit, Indexed};
pub use condition::ROOM_KEPT;
pub use error::StoreError;
pub use record::{BlockRecord, Place, Status};
pub use snapshot::{HistoryKey, IndexSizes, Snapshot};

/// Layout of the data directory that this code reads and writes.
pub const FORMAT_VERSION: u32 = 2;

#[derive(Clone)]
struct Keyspaces {
    /// block id -> [`BlockRecord`]
    headers: Keyspace,
    /// block id -> block
    bodies: Keyspace,
    /// height -> block id
    chain: Keyspace,
    /// block id -> receipts, as an RLP list
    receipts: Keyspace,
    /// block id -> what its execution replaced
    undo: Keyspace,
    /// address -> account
    accounts: Keyspace,
    /// address || slot -> value
    storage: Keyspace,
    /// code hash -> code
    codes: Keyspace,
    /// transaction id -> height || index
    transactions: Keyspace,
    /// address || height -> index and id of each transaction there
    account_history: Keyspace,
    /// address || height -> nothing: blocks that an address produced
    produced: Keyspace,
    /// position -> node of the history range
    history: Keyspace,
    /// transaction id -> envelope: the mempool, written through
    pool: Keyspace,
    /// height -> checkpoint, whole or on its way
    checkpoints: Keyspace,
    /// height || number -> part of that checkpoint's state
    parts: Keyspace,
    meta: Keyspace,
}

impl Keyspaces {
    fn open(database: &Database) -> Result<Self, fjall::Error> {
        let plain = |name: &str| database.keyspace(name, KeyspaceCreateOptions::default);
        let large = |name: &str| {
            database.keyspace(name, || {
                KeyspaceCreateOptions::default().with_kv_separation(Some(KvSeparationOptions::default()))
            })
        };
        Ok(Self {
            headers: plain("headers")?,
            bodies: large("bodies")?,
            chain: plain("chain")?,
            receipts: large("receipts")?,
            undo: large("undo")?,
            accounts: plain("accounts")?,
            storage: plain("storage")?,
            codes: large("codes")?,
            transactions: plain("transactions")?,
            account_history: plain("histories")?,
            produced: plain("produced")?,
            history: plain("history")?,
            pool: plain("pool")?,
            checkpoints: plain("checkpoints")?,
            parts: large("parts")?,
            meta: plain("meta")?,
        })
    }
}

/// The open store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    database: Database,
    keys: Keyspaces,
    condition: Arc<condition::Condition>,
}

impl Store {
    /// Opens or creates the store for the chain of `spec`. The folder around `path` must exist.
    pub fn open(path: &Path, spec: &ChainSpec) -> Result<Self, StoreError> {
        making::make(path, spec)?;
        Self::open_in(path, spec)
    }

    fn open_in(path: &Path, spec: &ChainSpec) -> Result<Self, StoreError> {
        let opening = |error| StoreError::opening(path, error);
        let database = Database::builder(path).open().map_err(opening)?;
        let keys = Keyspaces::open(&database).map_err(opening)?;
        let condition = Arc::new(condition::Condition::new(path));
        let store = Self {
            database,
            keys,
            condition,
        };
        store.check_contents(path, spec)?;
        Ok(store)
    }

    fn check_contents(&self, path: &Path, spec: &ChainSpec) -> Result<(), StoreError> {
        let path = path.display().to_string();
        let Some(bytes) = self.keys.meta.get("genesis")? else {
            return self.create(spec);
        };
        let format = self.keys.meta.get("format")?;
        let format = format.and_then(|bytes| <[u8; 4]>::try_from(&bytes[..]).ok());
        match format.map_or(0, u32::from_be_bytes) {
            FORMAT_VERSION => {}
            1 => self.migrate_histories()?,
            found => {
                return Err(StoreError::WrongFormat {
                    path,
                    found,
                    expected: FORMAT_VERSION,
                });
            }
        }
        let expected = genesis::block(spec).id();
        let found = BlockId(tally_chain::B256::try_from(&bytes[..]).unwrap_or_default());
        match found == expected {
            true => Ok(()),
            false => Err(StoreError::WrongChain { path, found, expected }),
        }
    }

    fn create(&self, spec: &ChainSpec) -> Result<(), StoreError> {
        let mut commit = Commit::new(self);
        commit.genesis(spec);
        commit.apply()
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

fn height_key(height: Height) -> [u8; 8] {
    height.0.to_be_bytes()
}
