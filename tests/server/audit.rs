//! The audit agrees with an honest store and finds what was changed in a dishonest one.

use std::path::Path;

use serde_json::Value;
use tally_chain::state_tree::Account;
use tally_chain::{Amount, ChainSpec, Height, U256};
use tally_node::audit::{Report, StoreFault, audit};
use tally_node::store::{Commit, Store};
use tally_node::{BlockRecord, ChangeSet, StoreError, system_clock};

use crate::binary;
use crate::common::{ECC, RSA, TestServer, until};

/// A stopped node's data directory, with some blocks and payments.
fn stopped() -> tempfile::TempDir {
    let mut server = TestServer::start();
    let identity = server.identity();
    for round in 0..4 {
        server.send(&ECC[0].coin(&identity, round));
        server.send(&RSA.coin(&identity, round));
        server.mine();
    }
    std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap())
}

fn report(folder: &Path) -> Report {
    let spec = ChainSpec::built_in("test").unwrap();
    until("the store is free", || {
        match audit(&folder.join("store"), &spec, (system_clock())(), |_, _| {}) {
            Err(StoreError::Locked { .. }) => None,
            other => Some(other.unwrap()),
        }
    })
}

fn open(folder: &Path) -> Store {
    let spec = ChainSpec::built_in("test").unwrap();
    until("the store is free", || {
        match Store::open(&folder.join("store"), &spec) {
            Err(StoreError::Locked { .. }) => None,
            other => Some(other.unwrap()),
        }
    })
}

#[test]
fn an_honest_store_agrees() {
    let folder = stopped();
    let report = report(folder.path());
    assert_eq!(report.faults, []);
    assert_eq!((report.height, report.blocks, report.transactions), (Height(4), 4, 8));
    assert_eq!(report.totals.supply, report.totals.balances);
    let issued = report.totals.allocated.checked_add(report.totals.subsidies).unwrap();
    assert_eq!(report.totals.supply, issued.checked_sub(report.totals.burned).unwrap());
    assert!(!report.totals.burned.is_zero());

    let output = binary::tally()
        .args(["audit", "--json", "--chain", "test", "--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["supply"], report.totals.supply.to_string());
    assert_eq!(printed["faults"], serde_json::json!([]));
}

#[test]
fn a_changed_record_is_found() {
    let folder = stopped();
    let store = open(folder.path());
    let snapshot = store.snapshot();
    let record = snapshot.known(&snapshot.id_at(Height(2)).unwrap().unwrap()).unwrap();
    let burned = record.burned;
    let mut commit = Commit::new(&store);
    commit.record(&BlockRecord {
        burned: Amount(U256::from(7)),
        ..record
    });
    commit.apply().unwrap();
    drop((snapshot, store));
    let expected = StoreFault::Record {
        height: Height(2),
        field: "burned",
        found: "7".to_owned(),
        expected: burned.to_string(),
    };
    assert_eq!(report(folder.path()).faults, [expected]);
}

#[test]
fn money_from_nowhere_is_found_and_has_its_exit_code() {
    let folder = stopped();
    let store = open(folder.path());
    let mut changes = ChangeSet::default();
    let thief = ECC[3].address();
    let account = Account {
        balance: Amount::from_coins("1000001").unwrap(),
        ..Account::default()
    };
    changes.accounts.insert(thief, Some(account));
    let mut commit = Commit::new(&store);
    commit.state(&changes);
    commit.apply().unwrap();
    drop(store);
    let report = report(folder.path());
    let names: Vec<_> = report
        .faults
        .iter()
        .map(|fault| fault.to_string().split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(names[0], format!("account {thief}"));
    assert!(
        matches!(report.faults[1], StoreFault::StateRoot { .. }),
        "{:?}",
        report.faults[1]
    );
    let one = Amount::from_coins("1").unwrap();
    assert_eq!(
        report.faults[2],
        StoreFault::Balances {
            found: report.totals.supply.checked_add(one).unwrap(),
            expected: report.totals.supply
        }
    );
    assert_eq!(report.faults.len(), 3);

    let audit = binary::tally()
        .args(["audit", "--chain", "test", "--data-dir"])
        .arg(folder.path())
        .output();
    let audit = audit.unwrap();
    assert_eq!(audit.status.code(), Some(5));
    assert!(
        String::from_utf8_lossy(&audit.stdout).contains("3 faults"),
        "{}",
        String::from_utf8_lossy(&audit.stdout)
    );
}
