//! Import, reorgs and restarts through the façade, on real stores.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod support;

use proptest::prelude::*;
use support::*;
use tally_chain::{Address, Amount, B256, BlockError, Height, U256};
use tally_ledger::ExecutionError;
use tally_node::{ChainEvent, ImportError, Imported, Lines, Node, Status, StoreError, SubmitError};
use tempfile::tempdir;

const ALICE: usize = 0;
const BOB: usize = 1;

fn producer(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

#[test]
fn the_largest_depth_of_a_reorg_is_one_like_any_other() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open_with(dir.path(), &clock, u64::MAX).unwrap();
    mine(&node, &clock, producer(1));
    assert_eq!(node.tip().record.height(), Height(1));
}

#[test]
fn a_payment_travels_from_the_pool_into_a_block() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let mut events = node.events().subscribe();
    let before = balance(&node, &address_of(BOB));
    let id = submit(&node, payment(&node, ALICE, 0, address_of(BOB), 7));
    let Imported::Tip(advance) = mine(&node, &clock, producer(1)) else {
        panic!("a block on the tip is the new tip")
    };
    assert_eq!(advance.joined[0].transactions[0].id, id);
    assert_eq!(
        balance(&node, &address_of(BOB)),
        before.checked_add(Amount(U256::from(7))).unwrap()
    );
    let tip = node.tip();
    let located = node.transaction(&id).unwrap().1.unwrap();
    let included = located.included.unwrap();
    assert!(included.receipt.success);
    assert_eq!(included.block.height(), Height(1));
    assert_eq!(node.with_pool(|pool| pool.len()), 0);
    let history = node
        .account_page(&tip, &address_of(BOB), Lines::Transactions, None, 10)
        .unwrap();
    assert_eq!(history.entries.len(), 1);
    assert_eq!(
        events.try_recv().unwrap().event,
        ChainEvent::Transaction { id, pending: true }
    );
    let block = events.try_recv().unwrap();
    assert!(matches!(
        block.event,
        ChainEvent::Block {
            height: Height(1),
            transactions: 1,
            ..
        }
    ));
    assert_sound(&node);

    let again = node.submit(located.transaction.envelope().clone()).unwrap_err();
    assert!(
        matches!(again, SubmitError::AlreadyIncluded { id: found, .. } if found == id),
        "{again}"
    );
}

#[test]
fn a_branch_of_more_work_wins_and_its_losers_return_to_the_pool() {
    let (left_dir, right_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let left = open(left_dir.path(), &clock).unwrap();
    let right = open(right_dir.path(), &clock).unwrap();
    mine(&left, &clock, producer(1));
    for block in blocks(&left) {
        right.import_block(&block).unwrap();
    }
    let id = submit(&left, payment(&left, ALICE, 0, address_of(BOB), 7));
    mine(&left, &clock, producer(1));
    for _ in 0..3 {
        mine(&right, &clock, producer(2));
    }
    let mut events = left.events().subscribe();
    let imported: Vec<_> = blocks(&right)
        .iter()
        .map(|block| left.import_block(block).unwrap())
        .collect();
    assert!(matches!(imported[0], Imported::Known { .. }));
    assert!(matches!(imported[1], Imported::Side { height: Height(2), .. }));
    let Imported::Tip(advance) = &imported[2] else {
        panic!("the branch of more work is followed: {imported:?}")
    };
    assert_eq!(
        (advance.common, advance.undone.len(), advance.joined.len()),
        (Height(1), 1, 2)
    );
    assert_eq!(left.tip().record.id, right.tip().record.id);
    assert!(matches!(
        events.try_recv().unwrap().event,
        ChainEvent::Reorg {
            undone: 1,
            returned: 1,
            ..
        }
    ));
    assert!(
        left.with_pool(|pool| pool.get(&id).is_some()),
        "the losing branch's payment waits again"
    );
    assert!(left.transaction(&id).unwrap().1.unwrap().included.is_none());
    assert_sound(&left);
    mine(&left, &clock, producer(1));
    assert!(left.transaction(&id).unwrap().1.unwrap().included.is_some());
    assert_sound(&left);
}

#[test]
fn a_run_that_may_go_back_further_knows_what_the_one_before_has_let_go_of() {
    let (dir, other_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let node = open_with(dir.path(), &clock, 1).unwrap();
    let other = open(other_dir.path(), &clock).unwrap();
    mine(&node, &clock, producer(1));
    other.import_block(&blocks(&node)[0]).unwrap();
    for _ in 0..3 {
        mine(&node, &clock, producer(1));
        mine(&other, &clock, producer(2));
    }
    node.close().unwrap();
    drop(node);
    let node = open_with(dir.path(), &clock, 100).unwrap();
    // Of blocks 3 and 4 it knows what they replaced. The other chain leaves its own at block 1.
    let error = node.import_block(&blocks(&other)[1]).unwrap_err();
    assert!(matches!(error, ImportError::TooDeep { depth: 3, max: 2 }), "{error}");
    assert!(node.health().is_ready());
    mine(&node, &clock, producer(1));
    assert_sound(&node);
}

#[test]
fn what_is_in_blocks_of_both_branches_is_not_reported_to_return() {
    let (left_dir, right_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let left = open(left_dir.path(), &clock).unwrap();
    let right = open(right_dir.path(), &clock).unwrap();
    mine(&left, &clock, producer(1));
    right.import_block(&blocks(&left)[0]).unwrap();
    let envelope = payment(&left, ALICE, 0, address_of(BOB), 7);
    let id = submit(&left, envelope.clone());
    submit(&right, envelope);
    mine(&left, &clock, producer(1));
    for _ in 0..2 {
        mine(&right, &clock, producer(2));
    }
    let mut events = left.events().subscribe();
    for block in blocks(&right) {
        left.import_block(&block).unwrap();
    }
    let event = events.try_recv().unwrap();
    assert!(
        matches!(
            event.event,
            ChainEvent::Reorg {
                undone: 1,
                returned: 0,
                ..
            }
        ),
        "{event:?}"
    );
    assert!(left.transaction(&id).unwrap().1.unwrap().included.is_some());
    assert_sound(&left);
}

#[test]
fn a_restart_continues_where_it_stopped() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    for nonce in 0..5 {
        submit(&node, payment(&node, ALICE, nonce, address_of(BOB), 7));
        mine(&node, &clock, producer(1));
    }
    let waiting = submit(&node, payment(&node, ALICE, 5, address_of(BOB), 7));
    let tip = node.tip().record.clone();
    node.close().unwrap();
    drop(node);
    let node = open(dir.path(), &clock).unwrap();
    assert_eq!(node.tip().record, tip);
    assert!(node.with_pool(|pool| pool.get(&waiting).is_some()), "the pool survives");
    mine(&node, &clock, producer(1));
    assert!(node.transaction(&waiting).unwrap().1.unwrap().included.is_some());
    assert_sound(&node);
}

#[test]
fn one_data_directory_has_one_node_and_one_chain() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let second = open(dir.path(), &clock).err().unwrap();
    assert!(matches!(second, StoreError::Locked { .. }), "{second}");
    node.close().unwrap();
    drop(node);
    let mut spec = spec();
    spec.symbol = "OTHER".to_owned();
    let other = tally_node::store::Store::open(&dir.path().join("store"), &spec)
        .err()
        .unwrap();
    assert!(matches!(other, StoreError::WrongChain { .. }), "{other}");
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let (dir, other_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let node = open_with(dir.path(), &clock, 2).unwrap();
    let other = open(other_dir.path(), &clock).unwrap();
    for _ in 0..4 {
        mine(&node, &clock, producer(1));
        mine(&other, &clock, producer(2));
    }
    mine(&other, &clock, producer(2));
    let tip = node.tip().record.clone();
    let foreign = blocks(&other);
    let deep = node.import_block(&foreign[0]).unwrap_err();
    assert!(matches!(deep, ImportError::TooDeep { depth: 4, max: 2 }), "{deep}");
    let orphan = node.import_block(&foreign[4]).unwrap_err();
    assert!(matches!(orphan, ImportError::UnknownParent { .. }), "{orphan}");
    let mut cut = blocks(&node).pop().unwrap().to_vec();
    cut.push(0);
    let trailing = node.import_block(&cut).unwrap_err();
    assert!(
        matches!(trailing, ImportError::Block(BlockError::Codec(_))),
        "{trailing}"
    );
    assert_eq!(node.tip().record, tip);
    assert_sound(&node);
}

#[test]
fn a_branch_of_more_work_with_a_false_state_is_refused_and_remembered() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    mine(&node, &clock, producer(1));
    let ancestors = node.tip().ancestors.clone();
    mine(&node, &clock, producer(1));
    let tip = node.tip().record.clone();

    let (second, parent) = forged_block(&node, &ancestors, &clock);
    let imported = node.import_block(&second).unwrap();
    assert_eq!(
        imported,
        Imported::Side {
            id: parent.id,
            height: Height(2)
        }
    );
    let engine = node.spec().engine();
    let (third, _) = forged_block(&node, &ancestors.then(parent.clone(), &engine), &clock);
    let error = node.import_block(&third).unwrap_err();
    let ImportError::Execution { id, height, source } = error else {
        panic!("{error}")
    };
    assert_eq!((id, height), (parent.id, Height(2)));
    assert!(
        matches!(*source, ExecutionError::WrongStateRoot { found: B256::ZERO, .. }),
        "{source}"
    );

    let again = node.import_block(&third).unwrap_err();
    assert!(
        matches!(again, ImportError::InvalidParent { parent: found } if found == parent.id),
        "{again}"
    );
    let again = node.import_block(&second).unwrap_err();
    assert!(
        matches!(again, ImportError::KnownInvalid { id } if id == parent.id),
        "{again}"
    );
    assert_eq!(node.tip().record, tip);
    assert_sound(&node);
}

/// A block that does not execute has three stored ones on it, of which one gets more work. What is stored on the others is
/// not tried again, in this run and the next.
#[test]
fn stored_blocks_on_an_invalid_one_are_invalid_and_it_is_executed_once() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    mine(&node, &clock, producer(1));
    let ancestors = node.tip().ancestors.clone();
    mine(&node, &clock, producer(1));
    mine(&node, &clock, producer(1));
    let tip = node.tip().record.clone();
    let engine = node.spec().engine();

    let (second, invalid) = forged_block(&node, &ancestors, &clock);
    let after_invalid = ancestors.then(invalid.clone(), &engine);
    let forks = [(); 3].map(|()| forged_block(&node, &after_invalid, &clock));
    for block in std::iter::once(&second).chain(forks.iter().map(|(block, _)| block)) {
        let imported = node.import_block(block).unwrap();
        assert!(matches!(imported, Imported::Side { .. }), "{imported:?}");
    }
    let heavier = |node: &Node, fork: usize| {
        let parent = forks[fork].1.clone();
        forged_block(node, &after_invalid.then(parent, &engine), &clock).0
    };
    let error = node.import_block(&heavier(&node, 0)).unwrap_err();
    assert!(
        matches!(&error, ImportError::Execution { id, .. } if *id == invalid.id),
        "{error}"
    );
    let not_tried = |node: &Node, fork: usize| {
        let expected = forks[fork].1.id;
        let error = node.import_block(&heavier(node, fork)).unwrap_err();
        assert!(
            matches!(&error, ImportError::InvalidParent { parent } if *parent == expected),
            "{error}"
        );
        let record = node.snapshot().known(&expected).unwrap();
        assert_eq!(record.status, Status::Invalid);
    };
    assert!(
        node.header_tip(&forks[1].1.id).unwrap().is_none(),
        "nothing continues it"
    );
    not_tried(&node, 1);
    node.close().unwrap();
    drop(node);
    let node = open(dir.path(), &clock).unwrap();
    not_tried(&node, 2);
    for id in [invalid.id, forks[0].1.id] {
        assert_eq!(node.snapshot().known(&id).unwrap().status, Status::Invalid);
    }
    assert_eq!(node.tip().record, tip);
    assert_sound(&node);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    /// Two nodes mine apart and exchange everything; whatever the order, they end on the same tip of most work.
    #[test]
    fn import_order_does_not_matter_for_the_tip(
        left_blocks in 1usize..5,
        right_blocks in 6usize..9,
        order in Just((0..8usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let (a, b, c, clock) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap(), clock());
        let left = open(a.path(), &clock).unwrap();
        let right = open(b.path(), &clock).unwrap();
        for nonce in 0..left_blocks as u64 {
            submit(&left, payment(&left, ALICE, nonce, address_of(BOB), 7));
            mine(&left, &clock, producer(1));
        }
        for nonce in 0..right_blocks as u64 {
            submit(&right, payment(&right, BOB, nonce, address_of(ALICE), 9));
            mine(&right, &clock, producer(2));
        }
        let mut waiting = [blocks(&left), blocks(&right)];
        let third = open(c.path(), &clock).unwrap();
        // Each branch arrives in its own order; `order` sets how the two interleave.
        for pick in order.iter().map(|n| n % 2).chain([0; 5]).chain([1; 9]) {
            if !waiting[pick].is_empty() {
                third.import_block(&waiting[pick].remove(0)).unwrap();
            }
        }
        let best = if left.tip().record.weight > right.tip().record.weight { &left } else { &right };
        prop_assert_eq!(third.tip().record.id, best.tip().record.id);
        assert_sound(&third);
    }
}
