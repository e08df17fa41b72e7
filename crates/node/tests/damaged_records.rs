//! Records that have changed on the disk: which of two is wrong, and what readers of one cost an import.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod support;

use std::path::Path;

use support::*;
use tally_chain::{Address, BlockId, Bytes, Height};
use tally_node::{Imported, Node};
use tempfile::tempdir;

/// Where a record has its weight: after the header and the status.
const WEIGHT: usize = 81;

/// Adds one to the weight in a stored record.
fn make_heavier(dir: &Path, id: BlockId) {
    let database = fjall::Database::builder(dir.join("store")).open().unwrap();
    let headers = database
        .keyspace("headers", fjall::KeyspaceCreateOptions::default)
        .unwrap();
    let mut record = headers.get(&id.as_bytes()[..]).unwrap().unwrap().to_vec();
    record[WEIGHT + 31] += 1;
    headers.insert(&id.as_bytes()[..], &record[..]).unwrap();
    database.persist(fjall::PersistMode::SyncAll).unwrap();
}

/// Fourteen blocks in the folder: so many that the third is not read when a node is opened.
fn chain_in(dir: &Path, clock: &HandClock) -> Vec<Bytes> {
    let node = open(dir, clock).unwrap();
    for _ in 0..14 {
        mine(&node, clock, Address::repeat_byte(1));
    }
    let made = blocks(&node);
    node.close().unwrap();
    made
}

fn id_at(node: &Node, height: u64) -> BlockId {
    node.snapshot().id_at(Height(height)).unwrap().unwrap()
}

fn weight_of(node: &Node, id: &BlockId) -> Result<Option<String>, String> {
    let record = node.sound_record(&node.snapshot(), id);
    let weight = record.map(|record| record.map(|record| record.weight.to_string()));
    weight.map_err(|error| error.to_string())
}

/// The block after it differs from it as well, and is right.
#[test]
fn a_weight_of_the_active_chain_that_changed_is_that_blocks_alone() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    chain_in(dir.path(), &clock);
    let node = open(dir.path(), &clock).unwrap();
    let (changed, next) = (id_at(&node, 3), id_at(&node, 4));
    let expected = weight_of(&node, &next);
    assert!(matches!(expected, Ok(Some(_))));
    node.close().unwrap();
    drop(node);
    make_heavier(dir.path(), changed);
    let node = open(dir.path(), &clock).unwrap();
    let error = format!("store: the weight of block {changed} is not as it was stored");
    // Each time: what the active chain needs is not forgotten.
    for _ in 0..2 {
        assert_eq!(weight_of(&node, &changed), Err(error.clone()));
        assert_eq!(weight_of(&node, &next), expected);
    }
}

#[test]
fn of_a_branch_the_block_whose_weight_changed_is_forgotten_and_no_other() {
    let (dir, other_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let own = chain_in(dir.path(), &clock);
    let other = open(other_dir.path(), &clock).unwrap();
    other.import_block(&own[0]).unwrap();
    for _ in 0..3 {
        mine(&other, &clock, Address::repeat_byte(2));
    }
    let branch = blocks(&other);
    let [first, second, third] = [2, 3, 4].map(|height| id_at(&other, height));
    let node = open(dir.path(), &clock).unwrap();
    for block in &branch[1..] {
        assert!(matches!(node.import_block(block).unwrap(), Imported::Side { .. }));
    }
    let expected = [second, third].map(|id| weight_of(&node, &id));
    node.close().unwrap();
    drop(node);
    make_heavier(dir.path(), first);
    let node = open(dir.path(), &clock).unwrap();
    for (id, expected) in [second, third].iter().zip(&expected) {
        assert_eq!(weight_of(&node, id), *expected);
    }
    assert_eq!(
        node.header_tip(&third).unwrap().map(|tip| tip.weight.to_string()),
        expected[1].clone().unwrap()
    );
    assert_eq!(weight_of(&node, &first), Ok(None));
    assert!(matches!(node.import_block(&branch[1]).unwrap(), Imported::Side { .. }));
    assert_eq!(weight_of(&node, &second), expected[0]);
    assert_eq!(weight_of(&node, &first), weight_of(&other, &first));
}
