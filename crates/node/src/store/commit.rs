//! The one function that writes: undone blocks, new blocks, state, indexes and tip in one durable batch.

use fjall::{OwnedWriteBatch, PersistMode};
use tally_chain::codec::wrap_list;
use tally_chain::history::Node;
use tally_chain::{Amount, B256, ChainSpec, Height, Receipt, TxId, UnixSecs, genesis, history::History};
use tally_ledger::ChangeSet;

use super::history::entries as history_of;
use super::keyspaces::height_key;
use super::{BlockRecord, FORMAT_VERSION, Indexed, Place, Status, Store, StoreError};

/// A batch in the making.
pub struct Commit<'a> {
    store: &'a Store,
    batch: OwnedWriteBatch,
    /// Of the values that may be large: what has to have room on the disk.
    bytes: u64,
}

impl<'a> Commit<'a> {
    /// An empty batch, which is synced to the disk when it is written.
    pub fn new(store: &'a Store) -> Self {
        // A batch without a sync of its own would be whole or missing after a power cut; `202` and a block's event promise that
        // it is there.
        let batch = store.database.batch().durability(Some(PersistMode::SyncData));
        Self { store, batch, bytes: 0 }
    }

    pub(super) fn genesis(&mut self, spec: &ChainSpec) {
        let block = genesis::block(spec);
        let bytes = block.encode();
        let weight = spec.engine().weight(&block.header);
        let record = BlockRecord {
            id: block.id(),
            header: block.header,
            manifest: block.manifest,
            status: Status::Executed,
            weight,
            supply: spec.allocated().unwrap_or(Amount::ZERO),
            burned: Amount::ZERO,
            total_transactions: 0,
            transaction_count: 0,
            bytes: bytes.len() as u64,
            received: UnixSecs(block.header.time.into()),
        };
        let accounts = genesis::accounts(spec)
            .into_iter()
            .map(|(address, account)| (address, Some(account)))
            .collect();
        self.state(&ChangeSet {
            accounts,
            ..ChangeSet::default()
        });
        let mut history = History::default();
        let nodes = history.push(Node::leaf(record.id, &record.header, weight));
        self.block(&record, &bytes);
        self.active(&record, &[], &[], &ChangeSet::default(), &nodes);
        let meta = &self.store.keys.meta;
        self.batch.insert(meta, "format", FORMAT_VERSION.to_be_bytes());
        self.batch.insert(meta, "genesis", &record.id.as_bytes()[..]);
        self.tip(&record);
    }

    /// Stores a block under its id, on any branch.
    pub fn block(&mut self, record: &BlockRecord, bytes: &[u8]) {
        self.record(record);
        self.bytes += bytes.len() as u64;
        self.batch
            .insert(&self.store.keys.bodies, &record.id.as_bytes()[..], bytes);
    }

    /// Stores what is known of a block.
    pub fn record(&mut self, record: &BlockRecord) {
        self.batch
            .insert(&self.store.keys.headers, &record.id.as_bytes()[..], record.encode());
    }

    /// Drops a block that is in no chain.
    pub(crate) fn forget_block(&mut self, id: &tally_chain::BlockId) {
        self.batch.remove(&self.store.keys.headers, &id.as_bytes()[..]);
        self.batch.remove(&self.store.keys.bodies, &id.as_bytes()[..]);
    }

    /// Makes an executed block part of the active chain.
    pub fn active(
        &mut self,
        record: &BlockRecord,
        transactions: &[Indexed],
        receipts: &[Receipt],
        undo: &ChangeSet,
        history: &[(u64, Node)],
    ) {
        let keys = &self.store.keys;
        let id = &record.id.as_bytes()[..];
        self.batch.insert(&keys.chain, height_key(record.height()), id);
        let encoded: Vec<u8> = receipts.iter().flat_map(Receipt::encode).collect();
        let undo = undo.encode();
        self.bytes += (encoded.len() + undo.len()) as u64;
        self.batch.insert(&keys.receipts, id, wrap_list(&encoded));
        self.batch.insert(&keys.undo, id, undo);
        for (place, transaction) in places(record, transactions) {
            self.batch
                .insert(&keys.transactions, &transaction.id.as_bytes()[..], place.encode());
            // In the same batch, so that a payment is in a block or in the pool after a crash, and never in neither.
            self.batch.remove(&keys.pool, &transaction.id.as_bytes()[..]);
        }
        for (key, value) in history_of(record.height(), transactions) {
            self.batch.insert(&keys.account_history, key, value);
        }
        self.batch.insert(&keys.produced, produced_key(record), []);
        for (position, node) in history {
            self.batch
                .insert(&keys.history, position.to_be_bytes(), &node.encode()[..]);
        }
    }

    /// Takes a block out of the active chain. Its history nodes are overwritten by the branch that replaces it.
    pub fn inactive(&mut self, record: &BlockRecord, transactions: &[Indexed]) {
        let keys = &self.store.keys;
        let id = &record.id.as_bytes()[..];
        self.batch.remove(&keys.chain, height_key(record.height()));
        self.batch.remove(&keys.receipts, id);
        self.batch.remove(&keys.undo, id);
        for transaction in transactions {
            self.batch.remove(&keys.transactions, &transaction.id.as_bytes()[..]);
        }
        for (key, _) in history_of(record.height(), transactions) {
            self.batch.remove(&keys.account_history, key);
        }
        self.batch.remove(&keys.produced, produced_key(record));
    }

    /// Puts a transaction of a block that left back into the stored pool: in the same batch, or a crash would lose it.
    pub fn pooled(&mut self, id: &TxId, envelope: &[u8]) {
        self.bytes += envelope.len() as u64;
        self.batch.insert(&self.store.keys.pool, &id.as_bytes()[..], envelope);
    }

    /// Drops undo data that no reorg may need any more.
    pub fn forget_undo(&mut self, id: &tally_chain::BlockId) {
        self.batch.remove(&self.store.keys.undo, &id.as_bytes()[..]);
    }

    /// Brings the flat state to its new values.
    pub fn state(&mut self, changes: &ChangeSet) {
        let keys = &self.store.keys;
        for (address, account) in &changes.accounts {
            match account {
                Some(account) => self.batch.insert(&keys.accounts, address.as_slice(), account.encode()),
                None => self.batch.remove(&keys.accounts, address.as_slice()),
            }
        }
        for ((address, slot), value) in &changes.storage {
            let key = [address.as_slice(), slot.as_slice()].concat();
            match *value {
                B256::ZERO => self.batch.remove(&keys.storage, key),
                value => self.batch.insert(&keys.storage, key, value.as_slice()),
            }
        }
        for (hash, code) in &changes.codes {
            self.batch.insert(&keys.codes, hash.as_slice(), &code[..]);
        }
    }

    /// Puts the state of a checkpoint in the place of genesis. Rule: docs/protocol.md#Q4
    pub(crate) fn install_snapshot(
        &mut self,
        records: &[BlockRecord],
        history: &History,
        state: &ChangeSet,
        height: Height,
    ) {
        let keys = &self.store.keys;
        for record in records {
            self.record(record);
            self.batch
                .insert(&keys.chain, height_key(record.height()), &record.id.as_bytes()[..]);
        }
        for (position, node) in history.peaks() {
            self.batch
                .insert(&keys.history, position.to_be_bytes(), &node.encode()[..]);
        }
        self.state(state);
        self.batch.insert(&keys.meta, "base", height_key(height));
    }

    /// Moves the tip.
    pub fn tip(&mut self, record: &BlockRecord) {
        self.batch
            .insert(&self.store.keys.meta, "tip", &record.id.as_bytes()[..]);
    }

    /// What was collected, without the store that it is for.
    pub(crate) fn into_batch(self) -> Batch {
        Batch {
            batch: self.batch,
            bytes: self.bytes,
        }
    }

    /// Writes everything at once and waits until it is on the disk.
    pub fn apply(self) -> Result<(), StoreError> {
        let store = self.store;
        self.into_batch().write(store)
    }
}

/// A finished batch, which may wait in memory until it is written or dropped.
pub(crate) struct Batch {
    batch: OwnedWriteBatch,
    /// As in [`Commit`].
    bytes: u64,
}

impl Batch {
    /// Writes everything at once and waits until it is on the disk. `store`: the one that the batch was made for.
    pub(crate) fn write(self, store: &Store) -> Result<(), StoreError> {
        store.write(self.batch, self.bytes)
    }
}

fn places<'t>(record: &BlockRecord, transactions: &'t [Indexed]) -> impl Iterator<Item = (Place, &'t Indexed)> {
    let height = record.height();
    transactions
        .iter()
        .zip(0..)
        .map(move |(transaction, index)| (Place { height, index }, transaction))
}

fn produced_key(record: &BlockRecord) -> Vec<u8> {
    [record.manifest.producer.as_slice(), &height_key(record.height())[..]].concat()
}
