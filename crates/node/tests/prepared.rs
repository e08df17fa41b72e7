//! The door between executed and committed: a prepared block is no tip until it is decided.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod support;

use std::path::Path;
use std::sync::Arc;

use support::*;
use tally_chain::block::Parent;
use tally_chain::{Address, Bytes, CheckedBlock, Height, RawBlock, UnixSecs, genesis};
use tally_node::Imported;
use tally_node::pipeline::{Pipeline, Preparation, Prepared};
use tally_node::store::Commit;
use tally_node::verifier::TransactionChecker;
use tempfile::tempdir;

/// Blocks on genesis, the first with a payment.
fn chain(clock: &HandClock, producer: Address, count: usize) -> Vec<Bytes> {
    let dir = tempdir().unwrap();
    let node = open(dir.path(), clock).unwrap();
    submit(&node, payment(&node, 0, 0, address_of(1), 7));
    for _ in 0..count {
        mine(&node, clock, producer);
    }
    let blocks = blocks(&node);
    node.close().unwrap();
    blocks
}

fn pipeline(dir: &Path) -> Pipeline {
    let spec = Arc::new(spec());
    let checker = Arc::new(TransactionChecker::new(genesis::identity(&spec)));
    Pipeline::open(&dir.join("store"), spec, checker, 100).unwrap()
}

fn checked(bytes: &[u8], now: UnixSecs) -> CheckedBlock {
    let spec = spec();
    let checker = TransactionChecker::new(genesis::identity(&spec));
    let raw = RawBlock::decode(bytes, u64::MAX).unwrap();
    raw.check(&spec, now, |transactions| checker.check_all(transactions))
        .unwrap()
}

fn prepare(pipeline: &Pipeline, bytes: &[u8], now: UnixSecs) -> Prepared {
    match pipeline.prepare(checked(bytes, now), now).unwrap() {
        Preparation::Ready(prepared) => *prepared,
        Preparation::Side(linked) => panic!("{} has no more work than the tip", linked.id()),
    }
}

#[test]
fn a_prepared_block_is_seen_when_it_is_decided() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let left = chain(&clock, Address::repeat_byte(1), 1);
    let right = chain(&clock, Address::repeat_byte(2), 2);
    let now = UnixSecs(clock.now());
    let mut pipeline = pipeline(dir.path());
    let genesis = pipeline.tip().record.clone();

    // Two blocks of one height are executed side by side, and one of them is decided.
    let (first, second) = (prepare(&pipeline, &left[0], now), prepare(&pipeline, &right[0], now));
    let ids = [first.record().id, second.record().id];
    assert_ne!(ids[0], ids[1]);
    assert_eq!(second.record().height(), Height(1));
    for id in &ids {
        let snapshot = pipeline.store().snapshot();
        assert_eq!(snapshot.record(id).unwrap(), None, "nothing is written");
    }
    assert_eq!(pipeline.tip().record, genesis);
    let advance = pipeline.decide(second).unwrap();
    assert_eq!((advance.from, advance.to), (genesis.id, ids[1]));
    assert_eq!(advance.joined.len(), 1);
    drop(first);
    let snapshot = pipeline.store().snapshot();
    assert_eq!(snapshot.tip().unwrap(), ids[1]);
    assert_eq!(snapshot.record(&ids[0]).unwrap(), None, "what is not decided is gone");
    assert_eq!(pipeline.tip().record, snapshot.known(&ids[1]).unwrap());
    // It holds the store open.
    drop(snapshot);

    // a block of no more work than the tip is not executed.
    let beside = pipeline.prepare(checked(&left[0], now), now).unwrap();
    assert!(matches!(&beside, Preparation::Side(linked) if linked.id() == ids[0]));
    // A prepared block that was dropped is imported like any other.
    drop(prepare(&pipeline, &right[1], now));
    assert_eq!(pipeline.tip().record.id, ids[1]);
    let imported = pipeline.import_block(&right[1], now).unwrap();
    assert!(matches!(imported, Imported::Tip(_)), "{imported:?}");
    drop(pipeline);

    let node = open(dir.path(), &clock).unwrap();
    assert_eq!(node.tip().record.height(), Height(2));
    assert_sound(&node);
}

#[test]
fn the_change_of_a_branch_is_decided_as_a_whole() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let left = chain(&clock, Address::repeat_byte(1), 1);
    let right = chain(&clock, Address::repeat_byte(2), 2);
    let now = UnixSecs(clock.now());
    let mut pipeline = pipeline(dir.path());
    pipeline.import_block(&left[0], now).unwrap();
    let before = pipeline.tip().record.id;
    pipeline.import_block(&right[0], now).unwrap();
    let prepared = prepare(&pipeline, &right[1], now);
    assert_eq!(pipeline.store().snapshot().tip().unwrap(), before);
    let advance = pipeline.decide(prepared).unwrap();
    assert_eq!((advance.undone.len(), advance.joined.len()), (1, 2));
    assert_eq!(pipeline.store().snapshot().tip().unwrap(), advance.to);
    drop(pipeline);
    assert_sound(&open(dir.path(), &clock).unwrap());
}

#[test]
#[should_panic(expected = "a block is decided on the tip that it was prepared on")]
fn a_block_that_was_prepared_on_another_tip_is_not_written() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let blocks = [1, 2].map(|byte| chain(&clock, Address::repeat_byte(byte), 1));
    let now = UnixSecs(clock.now());
    let mut pipeline = pipeline(dir.path());
    let [first, second] = blocks.map(|blocks| prepare(&pipeline, &blocks[0], now));
    pipeline.decide(first).unwrap();
    let _torn = pipeline.decide(second);
}

/// What the next block sees is known since the tip was made: it is not read from the disk again while a block is put on it.
#[test]
fn a_block_on_the_tip_sees_what_the_tip_knows() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let blocks = chain(&clock, Address::repeat_byte(1), 4);
    let now = UnixSecs(clock.now());
    let mut pipeline = pipeline(dir.path());
    for block in &blocks[..3] {
        pipeline.import_block(block, now).unwrap();
    }
    let before = pipeline.tip().clone();
    let id = before.snapshot.id_at(Height(2)).unwrap().unwrap();
    let mut changed = before.snapshot.known(&id).unwrap();
    changed.header.time += 500;
    let mut commit = Commit::new(pipeline.store());
    commit.record(&changed);
    commit.apply().unwrap();
    pipeline.import_block(&blocks[3], now).unwrap();
    let after = pipeline.tip();
    let parent = Parent {
        id: after.record.id,
        header: after.record.header,
        manifest: after.record.manifest.clone(),
    };
    let expected = before.ancestors.then(parent, &spec().engine());
    assert_eq!(after.ancestors, expected);
}
