//! The embedded, crash-safe store. One batch per block, durable before anyone hears of it.
//!
//! Keys are big-endian, so that ranges run in order. Everything but `headers`, `bodies` and `pool` describes the active
//! chain and is rewritten by a reorg in the same batch that moves the tip.

mod commit;
mod history;
mod parts;
mod record;
mod snapshot;

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};
use tally_chain::{BlockId, ChainSpec, CodecError, Height, TxId, genesis};

pub use commit::{Commit, Indexed};
pub use record::{BlockRecord, Place, Status};
pub use snapshot::{HistoryKey, IndexSizes, Snapshot};

/// Layout of the data directory that this code reads and writes.
pub const FORMAT_VERSION: u32 = 2;

/// Why the store cannot answer or write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("data directory {path} is in use by another process")]
    Locked { path: String },
    #[error("data directory {path} has format {found}, this program reads {expected}")]
    WrongFormat { path: String, found: u32, expected: u32 },
    #[error("data directory {path} holds chain {found}, not {expected}; choose another --data-dir or --chain")]
    WrongChain {
        path: String,
        found: BlockId,
        expected: BlockId,
    },
    #[error("store: {0}")]
    Database(#[from] fjall::Error),
    #[error("store: {what} is damaged: {source}")]
    Damaged { what: &'static str, source: CodecError },
    #[error("store: {what} is missing")]
    Missing { what: String },
    #[error("block {height} is not kept here: this node began with the state of block {base}")]
    NotKept { height: Height, base: Height },
    #[error("store: {0}")]
    State(#[from] tally_ledger::StateError),
}

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

/// The open store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    database: Database,
    keys: Keyspaces,
}

impl Store {
    /// Opens or creates the store for the chain of `spec`.
    pub fn open(path: &Path, spec: &ChainSpec) -> Result<Self, StoreError> {
        let shown = || path.display().to_string();
        let database = match Database::builder(path).open() {
            Err(fjall::Error::Locked) => return Err(StoreError::Locked { path: shown() }),
            other => other?,
        };
        let plain = |name: &str| database.keyspace(name, KeyspaceCreateOptions::default);
        let large = |name: &str| {
            database.keyspace(name, || {
                KeyspaceCreateOptions::default().with_kv_separation(Some(KvSeparationOptions::default()))
            })
        };
        let keys = Keyspaces {
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
        };
        let store = Self { database, keys };
        let expected = genesis::block(spec).id();
        match store.keys.meta.get("genesis")? {
            None => store.create(spec)?,
            Some(bytes) => {
                let found = store
                    .keys
                    .meta
                    .get("format")?
                    .and_then(|b| <[u8; 4]>::try_from(&b[..]).ok());
                let found = found.map_or(0, u32::from_be_bytes);
                if found == 1 {
                    store.migrate_histories()?;
                } else if found != FORMAT_VERSION {
                    return Err(StoreError::WrongFormat {
                        path: shown(),
                        found,
                        expected: FORMAT_VERSION,
                    });
                }
                let found = BlockId(tally_chain::B256::try_from(&bytes[..]).unwrap_or_default());
                if found != expected {
                    return Err(StoreError::WrongChain {
                        path: shown(),
                        found,
                        expected,
                    });
                }
            }
        }
        Ok(store)
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

    /// Adds accepted transactions to the stored pool and removes others. Reaches the operating system, so that it survives
    /// the end of this process, but not the disk: that would cost a sync for each transaction.
    pub fn write_pool<'a>(
        &self,
        added: impl IntoIterator<Item = (TxId, &'a [u8])>,
        removed: impl IntoIterator<Item = TxId>,
    ) -> Result<(), StoreError> {
        let mut batch = self.database.batch();
        for (id, envelope) in added {
            batch.insert(&self.keys.pool, &id.as_bytes()[..], envelope);
        }
        for id in removed {
            batch.remove(&self.keys.pool, &id.as_bytes()[..]);
        }
        Ok(batch.commit()?)
    }

    /// Flushes everything to the disk; called at shutdown.
    pub fn sync(&self) -> Result<(), StoreError> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }

    /// Bytes that the data directory takes.
    pub fn disk_space(&self) -> u64 {
        self.database.disk_space().unwrap_or(0)
    }
}

fn height_key(height: Height) -> [u8; 8] {
    height.0.to_be_bytes()
}
