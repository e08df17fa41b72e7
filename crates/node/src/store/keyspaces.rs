//! The tables of the database, and the key that most of them begin with.

use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions};
use tally_chain::Height;

/// The open tables; cheap to clone.
#[derive(Clone)]
pub(super) struct Keyspaces {
    /// block id -> record of the block
    pub headers: Keyspace,
    /// block id -> block
    pub bodies: Keyspace,
    /// height -> block id
    pub chain: Keyspace,
    /// block id -> receipts, as an RLP list
    pub receipts: Keyspace,
    /// block id -> what its execution replaced
    pub undo: Keyspace,
    /// address -> account
    pub accounts: Keyspace,
    /// address || slot -> value
    pub storage: Keyspace,
    /// code hash -> code
    pub codes: Keyspace,
    /// transaction id -> height || index
    pub transactions: Keyspace,
    /// address || height -> index and id of each transaction there
    pub account_history: Keyspace,
    /// address || height -> nothing: blocks that an address produced
    pub produced: Keyspace,
    /// position -> node of the history range
    pub history: Keyspace,
    /// transaction id -> envelope: the mempool, written through
    pub pool: Keyspace,
    /// height -> checkpoint, whole or on its way
    pub checkpoints: Keyspace,
    /// height || number -> part of that checkpoint's state
    pub parts: Keyspace,
    pub meta: Keyspace,
}

impl Keyspaces {
    pub(super) fn open(database: &Database) -> Result<Self, fjall::Error> {
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

/// A height as a key.
pub(super) fn height_key(height: Height) -> [u8; 8] {
    height.0.to_be_bytes()
}
