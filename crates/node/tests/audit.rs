//! The audit agrees with a sound store, and names exactly what was changed in any other.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use support::*;
use tally_chain::pow::{Search, Target};
use tally_chain::state_tree::Account;
use tally_chain::transaction::Payload;
use tally_chain::{
    Address, Amount, B256, BlockError, BlockId, Bytes, Height, Manifest, RawBlock, Receipt, TransactionError, TxId,
    U256, UnixSecs, merkle,
};
use tally_node::audit::{Ahead, Fault, Report, audit};
use tally_node::{ExecutionError, Node, Place, StoreError};
use tempfile::{TempDir, tempdir};

const ALICE: usize = 0;
const BOB: usize = 1;
const PRODUCER: Address = Address::repeat_byte(0x11);

/// Where the fields of a stored record stand.
const WEIGHT: usize = 81;
const SUPPLY: usize = 113;
const TOTAL: usize = 177;

/// A closed store of four blocks: a payment, a contract with one slot, a payment, nothing.
struct Sound {
    dir: TempDir,
    blocks: Vec<(BlockId, Bytes)>,
    payments: [TxId; 2],
    contract: Address,
    now: UnixSecs,
}

fn sound() -> Sound {
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
    let payload = Payload {
        chain_id: node.spec().chain_id,
        nonce,
        timestamp: node.now(),
        max_priority_fee: 1_000_000_000,
        max_fee: 3_000_000_000,
        gas_limit: 200_000,
        to: None,
        value: Amount::ZERO,
        data: Bytes::from_static(&[0x60, 1, 0x60, 0, 0x55, 0x60, 1, 0x60, 0, 0xf3]),
    };
    signed(node, from, payload)
}

/// The rows of a store, past all its rules.
struct Rows(Database);

impl Rows {
    fn open(dir: &Path) -> Self {
        Self(Database::builder(dir.join("store")).open().unwrap())
    }

    fn keyspace(&self, name: &str) -> fjall::Keyspace {
        assert!(self.0.keyspace_exists(name), "{name}");
        self.0.keyspace(name, KeyspaceCreateOptions::default).unwrap()
    }

    fn get(&self, keyspace: &str, key: impl AsRef<[u8]>) -> Vec<u8> {
        self.keyspace(keyspace).get(key).unwrap().unwrap().to_vec()
    }

    fn put(&self, keyspace: &str, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.keyspace(keyspace).insert(key.as_ref(), value.as_ref()).unwrap();
    }

    fn remove(&self, keyspace: &str, key: impl AsRef<[u8]>) {
        self.keyspace(keyspace).remove(key.as_ref()).unwrap();
    }

    /// Adds one to the last byte of a value's part that ends before `end`.
    fn bump(&self, keyspace: &str, key: impl AsRef<[u8]>, end: usize) {
        let mut value = self.get(keyspace, key.as_ref());
        value[end - 1] = value[end - 1].wrapping_add(1);
        self.put(keyspace, key, value);
    }
}

impl Sound {
    fn id(&self, height: usize) -> BlockId {
        self.blocks[height - 1].0
    }

    fn block(&self, height: usize) -> RawBlock {
        RawBlock::decode(&self.blocks[height - 1].1, u64::MAX).unwrap()
    }

    /// Audits a copy of the store in which `change` changed something.
    fn after(&self, change: impl FnOnce(&Rows)) -> Vec<Fault> {
        let copy = tempdir().unwrap();
        copy_folder(self.dir.path(), copy.path());
        let rows = Rows::open(copy.path());
        change(&rows);
        rows.0.persist(PersistMode::SyncAll).unwrap();
        drop(rows);
        self.audit(copy.path()).unwrap().faults
    }

    fn audit(&self, dir: &Path) -> Result<Report, StoreError> {
        audit(&dir.join("store"), &spec(), self.now, |_, _| {})
    }

    fn one_more(&self, height: u64, field: &'static str, key: usize, end: usize) -> (Vec<Fault>, Fault) {
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
            expected = Some(Fault::Record {
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

/// The same block with another manifest or other transactions, sealed anew.
fn seal(mut block: RawBlock) -> (BlockId, Vec<u8>) {
    block.header.manifest_root = block.manifest.root();
    let target = Target::from_bits(block.header.bits).unwrap();
    block.header.nonce = Search::new(&block.header, target).scan(0, u32::MAX).unwrap();
    (block.id(), block.encode())
}

#[test]
fn a_sound_store_agrees() {
    let sound = sound();
    let mut heard = Vec::new();
    let report = audit(&sound.dir.path().join("store"), &spec(), sound.now, |height, tip| {
        heard.push((height.0, tip.0))
    })
    .unwrap();
    assert_eq!(report.faults, []);
    assert_eq!(heard, [(1, 4), (2, 4), (3, 4), (4, 4)]);
    assert_eq!(
        (report.blocks, report.transactions, report.height, report.tip),
        (4, 3, Height(4), sound.id(4))
    );
    // Ten accounts and an RSA one of the spec, the producer, the contract, and a receiver.
    assert_eq!(report.accounts, 14);
    let totals = report.totals;
    assert_eq!(totals.allocated, spec().allocated().unwrap());
    assert_eq!(totals.subsidies, Amount::from_coins("200").unwrap());
    assert!(totals.burned > Amount::ZERO);
    let issued = totals.allocated.checked_add(totals.subsidies).unwrap();
    assert_eq!(totals.supply, issued.checked_sub(totals.burned).unwrap());
    assert_eq!(totals.balances, totals.supply);
}

#[test]
fn a_folder_without_a_store_is_not_made_into_one() {
    let (dir, sound) = (tempdir().unwrap(), sound());
    let error = sound.audit(dir.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("store: a store in {} is missing", dir.path().join("store").display())
    );
    assert!(!dir.path().join("store").exists());
}

#[test]
fn a_changed_record_is_named_with_its_field() {
    let sound = sound();
    for (height, field, end) in [
        (2, "supply", SUPPLY + 32),
        (3, "weight", WEIGHT + 32),
        (4, "total of transactions", TOTAL + 8),
    ] {
        let (faults, expected) = sound.one_more(height, field, height as usize, end);
        assert_eq!(faults, [expected]);
    }
    let faults = sound.after(|rows| rows.remove("headers", sound.id(2).as_bytes()));
    assert_eq!(faults, [Fault::NoRecord { height: Height(2) }]);
    let faults = sound.after(|rows| rows.put("headers", sound.id(2).as_bytes(), [1, 2, 3]));
    assert_eq!(faults, [Fault::NoRecord { height: Height(2) }]);
}

#[test]
fn changed_receipts_and_undo_data_are_found() {
    let sound = sound();
    let (first, third) = (sound.id(1), sound.id(3));
    let height = Height(1);
    let other =
        |rows: &Rows, keyspace: &str| rows.put(keyspace, first.as_bytes(), rows.get(keyspace, third.as_bytes()));
    assert_eq!(
        sound.after(|rows| other(rows, "receipts")),
        [Fault::Receipts { height }]
    );
    assert_eq!(sound.after(|rows| other(rows, "undo")), [Fault::Undo { height }]);
    assert_eq!(
        sound.after(|rows| rows.put("receipts", first.as_bytes(), [7])),
        [Fault::Receipts { height }]
    );
    assert_eq!(
        sound.after(|rows| rows.remove("receipts", first.as_bytes())),
        [Fault::Receipts { height }]
    );
    // Undo data is dropped once no reorg may need it, so that its absence is no fault.
    assert_eq!(sound.after(|rows| rows.remove("undo", first.as_bytes())), []);
    // A receipt that says failure where there was success.
    let faults = sound.after(|rows| {
        let stored = rows.get("receipts", first.as_bytes());
        let mut receipt = receipt_of(&stored);
        receipt.success = false;
        rows.put(
            "receipts",
            first.as_bytes(),
            tally_chain::codec::wrap_list(&receipt.encode()),
        );
    });
    assert_eq!(faults, [Fault::Receipts { height }]);
}

fn receipt_of(list: &[u8]) -> Receipt {
    let mut items = tally_chain::codec::ListReader::open("receipts", list).unwrap();
    Receipt::decode(items.raw_item("receipt").unwrap()).unwrap()
}

#[test]
fn wrong_indexes_are_found() {
    let sound = sound();
    let [id, other] = sound.payments;
    let expected = Place {
        height: Height(1),
        index: 0,
    };
    let elsewhere = [&3u64.to_be_bytes()[..], &0u32.to_be_bytes()].concat();
    assert_eq!(
        sound.after(|rows| rows.put("transactions", id.as_bytes(), &elsewhere)),
        [Fault::Place {
            id,
            found: Some(Place {
                height: Height(3),
                index: 0
            }),
            expected
        }]
    );
    assert_eq!(
        sound.after(|rows| rows.put("transactions", [9; 32], &elsewhere)),
        [Fault::IndexSize {
            index: "transactions",
            found: 4,
            expected: 3
        }]
    );
    let bob = address_of(BOB);
    let entry = [bob.as_slice(), &1u64.to_be_bytes()].concat();
    let value = [&0u32.to_be_bytes()[..], other.as_bytes()].concat();
    assert_eq!(
        sound.after(|rows| rows.put("histories", &entry, &value)),
        [Fault::AccountHistory {
            address: bob,
            place: expected,
            found: Some(other),
            expected: id
        }]
    );
    assert_eq!(
        sound.after(|rows| rows.remove("histories", &entry)),
        [
            Fault::AccountHistory {
                address: bob,
                place: expected,
                found: None,
                expected: id
            },
            Fault::IndexSize {
                index: "accounts' histories",
                found: 5,
                expected: 6
            }
        ]
    );
    let produced = |height: u64| [PRODUCER.as_slice(), &height.to_be_bytes()].concat();
    assert_eq!(
        sound.after(|rows| {
            rows.remove("produced", produced(2));
            rows.put("produced", produced(9), []);
        }),
        [Fault::Produced {
            address: PRODUCER,
            height: Height(2)
        }]
    );
    assert_eq!(
        sound.after(|rows| rows.put("chain", 5u64.to_be_bytes(), sound.id(4).as_bytes())),
        [Fault::IndexSize {
            index: "the chain",
            found: 6,
            expected: 5
        }]
    );
    let at = 1u64.to_be_bytes();
    assert_eq!(
        sound.after(|rows| rows.bump("history", at, 32)),
        [Fault::HistoryNode {
            height: Height(1),
            position: 1
        }]
    );
}

#[test]
fn changed_state_is_found() {
    let sound = sound();
    let bob = address_of(BOB);
    let mut account = None;
    let faults = sound.after(|rows| {
        let before = Account::decode(&rows.get("accounts", bob)).unwrap();
        let more = Account {
            balance: before.balance.checked_add(Amount(U256::ONE)).unwrap(),
            ..before
        };
        rows.put("accounts", bob, more.encode());
        account = Some((before, more));
    });
    let (before, more) = account.unwrap();
    let show = |a: Account| format!("nonce {}, balance {}, code {}", a.nonce, a.balance, a.code_hash);
    let report = sound.audit(sound.dir.path()).unwrap();
    assert_eq!(
        faults[0],
        Fault::Account {
            address: bob,
            found: show(more),
            expected: show(before)
        }
    );
    assert!(matches!(faults[1], Fault::StateRoot { expected, .. } if expected == report.state_root));
    let balances = report.totals.balances.checked_add(Amount(U256::ONE)).unwrap();
    assert_eq!(
        faults[2..],
        [Fault::Balances {
            found: balances,
            expected: report.totals.supply
        }]
    );

    let slot = [sound.contract.as_slice(), &[0; 32]].concat();
    let two = B256::with_last_byte(2);
    let faults = sound.after(|rows| rows.put("storage", &slot, two));
    let (address, expected) = (sound.contract, B256::with_last_byte(1));
    assert_eq!(
        faults[0],
        Fault::Storage {
            address,
            slot: B256::ZERO,
            found: two,
            expected
        }
    );
    assert!(matches!(faults[1..], [Fault::StateRoot { expected, .. }] if expected == report.state_root));

    let mut hash = B256::ZERO;
    let faults = sound.after(|rows| {
        hash = Account::decode(&rows.get("accounts", sound.contract))
            .unwrap()
            .code_hash;
        rows.put("codes", hash, [0xfe]);
    });
    assert_eq!(faults, [Fault::Code { hash }]);
}

#[test]
fn a_changed_body_is_found_by_the_rule_that_it_breaks() {
    let sound = sound();
    let height = Height(3);
    let key = sound.id(3);
    assert_eq!(
        sound.after(|rows| rows.remove("bodies", key.as_bytes())),
        [Fault::NoBody { height }]
    );
    assert_eq!(
        sound.after(|rows| rows.remove("chain", 3u64.to_be_bytes())),
        [Fault::NoId { height }]
    );

    // One bit of a signature: the root over the envelopes shows it.
    let block = sound.block(3);
    let mut envelope = block.transactions[0].envelope().to_vec();
    *envelope.last_mut().unwrap() ^= 1;
    let expected = merkle::root(&[merkle::leaf_hash(&envelope)]);
    let found = block.manifest.transactions_root;
    let body = tally_chain::block::encode_block(&block.header, &block.manifest, [Bytes::from(envelope.clone())].iter());
    let source = BlockError::WrongTransactionsRoot { found, expected };
    assert_eq!(
        sound.after(|rows| rows.put("bodies", key.as_bytes(), &body)),
        [Fault::Block { height, source }]
    );

    // The same with the root made to fit: the signature itself is checked again.
    let manifest = Manifest {
        transactions_root: expected,
        ..block.manifest.clone()
    };
    let transactions = vec![tally_chain::RawTransaction::decode(envelope).unwrap()];
    let (_, body) = seal(RawBlock {
        header: block.header,
        manifest,
        transactions,
    });
    let source = BlockError::Transaction {
        index: 0,
        source: TransactionError::BadSignature,
    };
    assert_eq!(
        sound.after(|rows| rows.put("bodies", key.as_bytes(), &body)),
        [Fault::Block { height, source }]
    );

    // A valid block, but not the one of the index.
    let mut other = sound.block(3);
    other.manifest.extra = Bytes::from_static(b"another");
    let (id, body) = seal(other);
    assert_eq!(
        sound.after(|rows| rows.put("bodies", key.as_bytes(), &body)),
        [Fault::WrongId {
            height,
            found: id,
            expected: key
        }]
    );

    // The block of another height.
    let body = &sound.blocks[3].1;
    let source = BlockError::WrongParent {
        found: key,
        expected: sound.id(2),
    };
    assert_eq!(
        sound.after(|rows| rows.put("bodies", key.as_bytes(), body)),
        [Fault::Block { height, source }]
    );
}

#[test]
fn a_rewritten_tip_that_gives_itself_money_does_not_execute() {
    let sound = sound();
    let mut block = sound.block(4);
    let expected = block.manifest.state_root;
    block.manifest.state_root = B256::repeat_byte(0xee);
    let record_from = sound.id(4);
    let manifest = block.manifest.encode();
    let (id, body) = seal(block);
    let faults = sound.after(|rows| {
        // Record, body, chain and tip: everything that a forger would rewrite.
        let mut record = rows.get("headers", record_from.as_bytes());
        record.truncate(record.len() - manifest.len());
        record[..80].copy_from_slice(&RawBlock::decode(&body, u64::MAX).unwrap().header.encode());
        record.extend(&manifest);
        rows.put("headers", id.as_bytes(), record);
        rows.put("bodies", id.as_bytes(), &body);
        rows.put("chain", 4u64.to_be_bytes(), id.as_bytes());
        rows.put("meta", "tip", id.as_bytes());
    });
    let source = ExecutionError::WrongStateRoot {
        found: B256::repeat_byte(0xee),
        expected,
    };
    assert_eq!(
        faults,
        [Fault::Execution {
            height: Height(4),
            source
        }]
    );
}

#[test]
fn another_genesis_is_found() {
    let sound = sound();
    let genesis = tally_chain::genesis::block(&spec()).id();
    let height = Height::GENESIS;
    assert_eq!(
        sound.after(|rows| rows.put("bodies", genesis.as_bytes(), &sound.blocks[0].1)),
        [Fault::Record {
            height,
            field: "body",
            found: "other bytes".to_owned(),
            expected: "genesis of the spec".to_owned()
        }]
    );
    assert_eq!(
        sound.after(|rows| rows.remove("bodies", genesis.as_bytes())),
        [Fault::NoBody { height }]
    );
}

#[test]
fn a_clock_that_was_set_back_is_no_fault_of_the_store() {
    let sound = sound();
    let first = RawBlock::decode(&sound.blocks[0].1, u64::MAX).unwrap().header.time;
    let last = RawBlock::decode(&sound.blocks[3].1, u64::MAX).unwrap().header.time;
    let behind = UnixSecs(u64::from(first) - 3_600);
    let report = audit(&sound.dir.path().join("store"), &spec(), behind, |_, _| {}).unwrap();
    assert_eq!(report.faults, []);
    let secs = u64::from(last) - behind.0;
    assert_eq!(report.ahead, Some(Ahead { blocks: 4, secs }));
    let report = audit(&sound.dir.path().join("store"), &spec(), sound.now, |_, _| {}).unwrap();
    assert_eq!((report.faults, report.ahead), (vec![], None));
}
