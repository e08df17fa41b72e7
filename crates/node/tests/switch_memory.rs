//! A change to a branch of more work holds one body at a time: no branch, however long and full, has to fit into memory.
//! Rule: docs/protocol.md#B9
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod support;

use std::sync::Arc;

use support::*;
use tally_chain::{Address, Bytes, Height, UnixSecs, genesis};
use tally_node::pipeline::Pipeline;
use tally_node::verifier::{SignatureCache, TransactionChecker};
use tally_node::{Imported, Node};
use tally_testkit::memory::{Counting, peak_of};
use tempfile::tempdir;

/// Blocks of a megabyte that leave, and that join.
const BLOCKS: u64 = 12;
/// Far above what one of them needs on its way, far below what those of one branch have.
const MEMORY: usize = 10 << 20;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn close(node: &Node) -> Vec<Bytes> {
    let blocks = blocks(node);
    node.close().unwrap();
    blocks
}

/// Two chains whose blocks have the same megabyte of transactions each; the right one has an empty block more.
fn branches(clock: &HandClock) -> (Vec<Bytes>, Vec<Bytes>) {
    let (left_dir, right_dir) = (tempdir().unwrap(), tempdir().unwrap());
    let left = open(left_dir.path(), clock).unwrap();
    let right = open(right_dir.path(), clock).unwrap();
    for block in 0..BLOCKS {
        fill(&left, block * ENVELOPES);
        let envelopes: Vec<Bytes> =
            left.with_pool(|pool| pool.iter().map(|waiting| waiting.envelope().clone()).collect());
        for envelope in envelopes {
            submit(&right, envelope);
        }
        mine(&left, clock, Address::repeat_byte(1));
        mine_now(&right, Address::repeat_byte(2));
    }
    for node in [&left, &right] {
        assert_eq!(node.tip().record.total_transactions, BLOCKS * ENVELOPES);
    }
    mine(&right, clock, Address::repeat_byte(2));
    (close(&left), close(&right))
}

#[test]
fn a_change_of_branch_takes_no_more_memory_than_a_body_and_what_its_batch_holds() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let (left, right) = branches(&clock);
    let bytes: usize = left.iter().map(|block| block.len()).sum();
    assert!(bytes > MEMORY, "one branch alone is {bytes} bytes");
    let spec = Arc::new(spec());
    // Remembered transactions would be held as well; their number has a bound of its own.
    let checker = TransactionChecker::with_cache(genesis::identity(&spec), SignatureCache::new(0));
    let mut pipeline = Pipeline::open(&dir.path().join("store"), spec, Arc::new(checker), 100).unwrap();
    let now = UnixSecs(clock.now());
    for block in &left {
        pipeline.import_block(block, now).unwrap();
    }
    let (last, stored) = right.split_last().unwrap();
    for block in stored {
        let imported = pipeline.import_block(block, now).unwrap();
        assert!(matches!(imported, Imported::Side { .. }), "{imported:?}");
    }

    let (imported, peak) = peak_of(|| pipeline.import_block(last, now).unwrap());
    let Imported::Tip(advance) = imported else {
        panic!("the right branch has more work: {imported:?}")
    };
    let moved = (advance.undone.len() as u64, advance.joined.len() as u64);
    assert_eq!(moved, (BLOCKS, BLOCKS + 1));
    assert_eq!(advance.returned, [], "all of them are in blocks of both branches");
    assert!(peak < MEMORY, "{peak} bytes for {bytes} bytes of blocks");
    drop(pipeline);

    let node = open(dir.path(), &clock).unwrap();
    assert_eq!(node.tip().record.height(), Height(BLOCKS + 1));
    assert_sound(&node);
}
