//! Records that have changed on the disk: which of two is wrong, and what readers of one cost an import.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod support;

use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::*;
use tally_chain::{Address, BlockId, Bytes, Height, UnixSecs};
use tally_node::{Checkpoint, Clock, Imported, Node, NodeConfig, StateSnapshot};
use tempfile::tempdir;

/// Where a record has its weight: after the header and the status.
const WEIGHT: usize = 81;

/// Adds one to the weight in a stored record.
fn add_weight(dir: &Path, id: BlockId) {
    change_record(dir, id, |record| record[WEIGHT + 31] += 1);
}

fn change_record(dir: &Path, id: BlockId, change: impl FnOnce(&mut Vec<u8>)) {
    let database = fjall::Database::builder(dir.join("store")).open().unwrap();
    let headers = database
        .keyspace("headers", fjall::KeyspaceCreateOptions::default)
        .unwrap();
    let mut record = headers.get(&id.as_bytes()[..]).unwrap().unwrap().to_vec();
    change(&mut record);
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
    add_weight(dir.path(), changed);
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
    add_weight(dir.path(), first);
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

/// Each request for it would wait, and hold up the blocks that come.
#[test]
fn a_damaged_record_of_the_active_chain_is_reported_while_a_block_is_imported() {
    let (dir, other_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let other = open(other_dir.path(), &clock).unwrap();
    for block in chain_in(dir.path(), &clock) {
        other.import_block(&block).unwrap();
    }
    mine(&other, &clock, Address::repeat_byte(1));
    let (changed, next) = (id_at(&other, 3), blocks(&other).pop().unwrap());
    change_record(dir.path(), changed, |record| record.truncate(3));

    // An import looks at the clock while it holds the pipeline.
    const IMPORT: &str = "import that is held";
    let (holds, held) = channel();
    let (goes_on, release) = channel::<()>();
    let (release, hand) = (Mutex::new(release), clock.clone());
    let stopping: Clock = Arc::new(move || {
        if std::thread::current().name() == Some(IMPORT) {
            // Where the test has gone on, nothing holds it any more.
            let _ = holds.send(());
            let _ = release.lock().unwrap().recv();
        }
        UnixSecs(hand.now())
    });
    let node = Node::open(NodeConfig::new(dir.path().to_owned(), spec()), stopping).unwrap();
    let error = Err(format!("store: the record of block {changed} is not as it was stored"));
    assert_eq!(weight_of(&node, &changed), error);
    let import = {
        let node = node.clone();
        let import = move || {
            node.import_block(&next)
                .map(|imported| matches!(imported, Imported::Tip(_)))
        };
        std::thread::Builder::new()
            .name(IMPORT.to_owned())
            .spawn(import)
            .unwrap()
    };
    held.recv().unwrap();
    let (answers, answer) = channel();
    let reader = std::thread::spawn(move || answers.send(weight_of(&node, &changed)));
    let answer = answer.recv_timeout(Duration::from_secs(30));
    drop(goes_on);
    assert!(import.join().unwrap().unwrap());
    reader.join().unwrap().unwrap();
    assert_eq!(answer, Ok(error), "it waits for the import");
}

/// Of what came with a checkpoint there are no receipts.
#[test]
fn a_damaged_record_that_came_with_a_checkpoint_is_not_forgotten() {
    let (dir, source_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    chain_in(source_dir.path(), &clock);
    let source = open(source_dir.path(), &clock).unwrap();
    let tip = source.tip();
    let records = tip.snapshot.records_from(Height(1)).map(Result::unwrap);
    let given = StateSnapshot {
        checkpoint: Checkpoint {
            block: tip.record.id,
            height: tip.record.height(),
            roots: Vec::new(),
        },
        blocks: records
            .map(|record| (record.header, record.manifest, record.weight))
            .collect(),
        history: tip.snapshot.history(tip.record.height().0 + 1).unwrap(),
        state: tip.snapshot.whole_state().unwrap(),
    };
    let node = open(dir.path(), &clock).unwrap();
    assert!(node.install_snapshot(&given).unwrap());
    let changed = id_at(&node, 3);
    assert_eq!(weight_of(&node, &changed), weight_of(&source, &changed));
    node.close().unwrap();
    drop(node);
    change_record(dir.path(), changed, |record| record.truncate(3));
    let node = open(dir.path(), &clock).unwrap();
    let error = Err(format!("store: the record of block {changed} is not as it was stored"));
    for _ in 0..2 {
        assert_eq!(weight_of(&node, &changed), error);
    }
}
