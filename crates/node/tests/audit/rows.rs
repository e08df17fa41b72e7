//! What the store holds of blocks and accounts: records, receipts, undo data, indexes, state.

use tally_chain::state_tree::Account;
use tally_chain::{Amount, B256, Height, Receipt, U256};
use tally_node::Place;
use tally_node::audit::{StoreFault, audit};
use tempfile::tempdir;

use crate::fixture::{BOB, PRODUCER, Rows, STATUS, SUPPLY, TOTAL, WEIGHT, sound};
use crate::support::{address_of, spec};

#[test]
fn a_sound_store_agrees() {
    let sound = sound();
    let mut seen = Vec::new();
    let report = audit(&sound.dir.path().join("store"), &spec(), sound.now, |height, tip| {
        seen.push((height.0, tip.0))
    })
    .unwrap();
    assert_eq!(report.faults, []);
    assert_eq!(seen, [(1, 4), (2, 4), (3, 4), (4, 4)]);
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
    assert_eq!(faults, [StoreFault::NoRecord { height: Height(2) }]);
    // Its status: executed, and found wrong.
    let faults = sound.after(|rows| {
        let mut record = rows.get("headers", sound.id(2).as_bytes());
        record[STATUS] = 2;
        rows.put("headers", sound.id(2).as_bytes(), record);
    });
    assert_eq!(faults, [StoreFault::NoRecord { height: Height(2) }]);
    let faults = sound.after(|rows| rows.put("headers", sound.id(2).as_bytes(), [1, 2, 3]));
    assert_eq!(faults, [StoreFault::NoRecord { height: Height(2) }]);
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
        [StoreFault::Receipts { height }]
    );
    assert_eq!(sound.after(|rows| other(rows, "undo")), [StoreFault::Undo { height }]);
    assert_eq!(
        sound.after(|rows| rows.put("receipts", first.as_bytes(), [7])),
        [StoreFault::Receipts { height }]
    );
    assert_eq!(
        sound.after(|rows| rows.remove("receipts", first.as_bytes())),
        [StoreFault::Receipts { height }]
    );
    // Undo data is dropped once no reorg may need it, so that its absence is no fault.
    assert_eq!(sound.after(|rows| rows.remove("undo", first.as_bytes())), []);
    // A receipt of a failure where there was success.
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
    assert_eq!(faults, [StoreFault::Receipts { height }]);
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
        [StoreFault::Place {
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
        [StoreFault::IndexSize {
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
        [StoreFault::AccountHistory {
            address: bob,
            place: expected,
            found: Some(other),
            expected: id
        }]
    );
    assert_eq!(
        sound.after(|rows| rows.remove("histories", &entry)),
        [
            StoreFault::AccountHistory {
                address: bob,
                place: expected,
                found: None,
                expected: id
            },
            StoreFault::IndexSize {
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
        [StoreFault::Produced {
            address: PRODUCER,
            height: Height(2)
        }]
    );
    assert_eq!(
        sound.after(|rows| rows.put("chain", 5u64.to_be_bytes(), sound.id(4).as_bytes())),
        [StoreFault::IndexSize {
            index: "the chain",
            found: 6,
            expected: 5
        }]
    );
    let at = 1u64.to_be_bytes();
    assert_eq!(
        sound.after(|rows| rows.bump("history", at, 32)),
        [StoreFault::HistoryNode {
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
        StoreFault::Account {
            address: bob,
            found: show(more),
            expected: show(before)
        }
    );
    assert!(matches!(faults[1], StoreFault::StateRoot { expected, .. } if expected == report.state_root));
    let balances = report.totals.balances.checked_add(Amount(U256::ONE)).unwrap();
    assert_eq!(
        faults[2..],
        [StoreFault::Balances {
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
        StoreFault::Storage {
            address,
            slot: B256::ZERO,
            found: two,
            expected
        }
    );
    assert!(matches!(faults[1..], [StoreFault::StateRoot { expected, .. }] if expected == report.state_root));

    let mut hash = B256::ZERO;
    let faults = sound.after(|rows| {
        hash = Account::decode(&rows.get("accounts", sound.contract))
            .unwrap()
            .code_hash;
        rows.put("codes", hash, [0xfe]);
    });
    assert_eq!(faults, [StoreFault::Code { hash }]);
}
