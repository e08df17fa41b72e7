//! A sound store, and ways past all its rules to change it.

use std::path::Path;

use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use tally_chain::pow::{Search, Target};
use tally_chain::{Address, BlockId, Bytes, Height, RawBlock, TxId, U256, UnixSecs};
use tally_node::audit::{Report, StoreFault, audit};
use tally_node::{Node, StoreError};
use tempfile::{TempDir, tempdir};

use crate::support::{address_of, blocks, call, clock, mine, open, payment, spec, submit};

const ALICE: usize = 0;
pub const BOB: usize = 1;
pub const PRODUCER: Address = Address::repeat_byte(0x11);

/// Where the fields of a stored record stand.
pub const STATUS: usize = 80;
pub const WEIGHT: usize = 81;
pub const SUPPLY: usize = 113;
pub const TOTAL: usize = 177;

/// A closed store of four blocks: a payment, a contract with one slot, a payment, nothing.
pub struct Sound {
    pub dir: TempDir,
    pub blocks: Vec<(BlockId, Bytes)>,
    pub payments: [TxId; 2],
    pub contract: Address,
    pub now: UnixSecs,
}

pub fn sound() -> Sound {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let first = submit(&node, payment(&node, ALICE, 0, address_of(BOB), 7));
    mine(&node, &clock, PRODUCER);
    submit(&node, creation(&node, ALICE, 1));
    mine(&node, &clock, PRODUCER);
    let second = submit(&node, payment(&node, BOB, 0, Address::repeat_byte(0x33), 5));
    mine(&node, &clock, PRODUCER);
    mine(&node, &clock, PRODUCER);
    let ids = node
        .tip()
        .snapshot
        .records_from(Height(1))
        .map(|record| record.unwrap().id)
        .collect::<Vec<_>>();
    let blocks = ids.into_iter().zip(blocks(&node)).collect();
    node.close().unwrap();
    let (payments, contract, now) = ([first, second], address_of(ALICE).create(1), UnixSecs(clock.now()));
    Sound {
        dir,
        blocks,
        payments,
        contract,
        now,
    }
}

/// A contract that keeps 1 in slot 0 and has one zero byte as code.
fn creation(node: &Node, from: usize, nonce: u64) -> Bytes {
    call(
        node,
        from,
        nonce,
        None,
        &[0x60, 1, 0x60, 0, 0x55, 0x60, 1, 0x60, 0, 0xf3],
    )
}

/// The rows of a store, past all its rules.
pub struct Rows(Database);

impl Rows {
    fn open(dir: &Path) -> Self {
        Self(Database::builder(dir.join("store")).open().unwrap())
    }

    fn keyspace(&self, name: &str) -> fjall::Keyspace {
        assert!(self.0.keyspace_exists(name), "{name}");
        self.0.keyspace(name, KeyspaceCreateOptions::default).unwrap()
    }

    pub fn get(&self, keyspace: &str, key: impl AsRef<[u8]>) -> Vec<u8> {
        self.keyspace(keyspace).get(key).unwrap().unwrap().to_vec()
    }

    pub fn put(&self, keyspace: &str, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.keyspace(keyspace).insert(key.as_ref(), value.as_ref()).unwrap();
    }

    pub fn remove(&self, keyspace: &str, key: impl AsRef<[u8]>) {
        self.keyspace(keyspace).remove(key.as_ref()).unwrap();
    }

    /// Adds one to the last byte of a value's part that ends before `end`.
    pub fn bump(&self, keyspace: &str, key: impl AsRef<[u8]>, end: usize) {
        let mut value = self.get(keyspace, key.as_ref());
        value[end - 1] = value[end - 1].wrapping_add(1);
        self.put(keyspace, key, value);
    }
}

impl Sound {
    pub fn id(&self, height: usize) -> BlockId {
        self.blocks[height - 1].0
    }

    pub fn block(&self, height: usize) -> RawBlock {
        RawBlock::decode(&self.blocks[height - 1].1, u64::MAX).unwrap()
    }

    /// Audits a copy of the store in which `change` changed something.
    pub fn after(&self, change: impl FnOnce(&Rows)) -> Vec<StoreFault> {
        let copy = tempdir().unwrap();
        copy_folder(self.dir.path(), copy.path());
        let rows = Rows::open(copy.path());
        change(&rows);
        rows.0.persist(PersistMode::SyncAll).unwrap();
        drop(rows);
        self.audit(copy.path()).unwrap().faults
    }

    pub fn audit(&self, dir: &Path) -> Result<Report, StoreError> {
        audit(&dir.join("store"), &spec(), self.now, |_, _| {})
    }

    pub fn one_more(&self, height: u64, field: &'static str, key: usize, end: usize) -> (Vec<StoreFault>, StoreFault) {
        let mut expected = None;
        let faults = self.after(|rows| {
            let id = self.id(key);
            let start = if field == "total of transactions" {
                end - 8
            } else {
                end - 32
            };
            let before = rows.get("headers", id.as_bytes());
            rows.bump("headers", id.as_bytes(), end);
            let after = rows.get("headers", id.as_bytes());
            let shown = |row: &[u8]| U256::from_be_slice(&row[start..end]).to_string();
            let height = Height(height);
            expected = Some(StoreFault::Record {
                height,
                field,
                found: shown(&after),
                expected: shown(&before),
            });
        });
        (faults, expected.unwrap())
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// The same block with another manifest or other transactions, sealed again.
pub fn seal(mut block: RawBlock) -> (BlockId, Vec<u8>) {
    block.header.manifest_root = block.manifest.root();
    let target = Target::from_bits(block.header.bits).unwrap();
    block.header.nonce = Search::new(&block.header, target).scan(0, u32::MAX).unwrap();
    (block.id(), block.encode())
}
