//! Nothing acknowledged is lost, and no peer pays for what the store cannot do.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod support;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use support::*;
use tally_chain::state_tree::Account;
use tally_chain::transaction::Payload;
use tally_chain::{Address, B256, BlockId, Bytes, Height, RawBlock, RawTransaction, TxId, U256, UnixSecs, genesis};
use tally_ledger::{ExecutionError, StateError, StateView, execute};
use tally_node::pipeline::Pipeline;
use tally_node::verifier::TransactionChecker;
use tally_node::{ImportError, Imported, Node, Snapshot, StateSnapshot, StoreError};
use tally_testkit::keys;
use tempfile::tempdir;

const ALICE: usize = 0;
const BOB: usize = 1;

fn producer(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

/// The blocks of two nodes that share block 1: a payment in block 2 of the left one, three blocks of more work on the right.
fn branches(clock: &HandClock) -> (Vec<Bytes>, Vec<Bytes>, TxId) {
    let (left_dir, right_dir) = (tempdir().unwrap(), tempdir().unwrap());
    let left = open(left_dir.path(), clock).unwrap();
    let right = open(right_dir.path(), clock).unwrap();
    mine(&left, clock, producer(1));
    right.import_block(&blocks(&left)[0]).unwrap();
    let id = submit(&left, payment(&left, ALICE, 0, address_of(BOB), 7));
    mine(&left, clock, producer(1));
    for _ in 0..2 {
        mine(&right, clock, producer(2));
    }
    let both = (blocks(&left), blocks(&right), id);
    left.close().unwrap();
    right.close().unwrap();
    both
}

#[test]
fn the_batch_of_a_reorg_holds_what_returns_to_the_pool() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let (left, right, id) = branches(&clock);
    let spec = Arc::new(spec());
    let checker = Arc::new(TransactionChecker::new(genesis::identity(&spec)));
    let now = UnixSecs(clock.now());
    // No node around it: what the pipeline alone has written is what a crash right after the reorg leaves.
    let mut pipeline = Pipeline::open(&dir.path().join("store"), spec, checker, 100).unwrap();
    let pool = |pipeline: &Pipeline| pipeline.store().snapshot().pool().unwrap();
    for block in &left {
        pipeline.import_block(block, now).unwrap();
    }
    assert!(pool(&pipeline).is_empty());
    pipeline.import_block(&right[1], now).unwrap();
    let Imported::Tip(advance) = pipeline.import_block(&right[2], now).unwrap() else {
        panic!("the right branch has more work")
    };
    assert_eq!(advance.undone.len(), 1);
    let stored: Vec<_> = pool(&pipeline).into_iter().map(|(id, _)| id).collect();
    assert_eq!(stored, [id]);
    drop(pipeline);
    let node = open(dir.path(), &clock).unwrap();
    assert!(node.with_pool(|pool| pool.contains(&id)), "the next run has it again");
}

/// Whatever the clock shows when a block changes branches: it was not too early when it came, and is linked again by that.
#[test]
fn a_block_keeps_the_time_at_which_it_first_came() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let (left, right, _) = branches(&clock);
    let spec = Arc::new(spec());
    let checker = Arc::new(TransactionChecker::new(genesis::identity(&spec)));
    let mut pipeline = Pipeline::open(&dir.path().join("store"), spec, checker, 100).unwrap();
    let now = UnixSecs(clock.now());
    for block in left.iter().chain(&right[1..2]) {
        pipeline.import_block(block, now).unwrap();
    }
    let later = UnixSecs(now.0 + 60);
    let imported = pipeline.import_block(&right[2], later).unwrap();
    assert!(matches!(imported, Imported::Tip(_)), "{imported:?}");
    let snapshot = pipeline.store().snapshot();
    for (block, came) in [(&right[1], now), (&right[2], later), (&left[1], now)] {
        let id = RawBlock::decode(block, u64::MAX).unwrap().id();
        assert_eq!(snapshot.known(&id).unwrap().received, came);
    }
}

#[test]
fn a_transaction_that_is_acknowledged_is_in_the_store() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let envelopes: Vec<_> = (0..40)
        .map(|nonce| payment(&node, ALICE, nonce, address_of(BOB), 7))
        .collect();
    // Eight threads submit at once, and each looks for its own as soon as it is acknowledged.
    std::thread::scope(|scope| {
        for part in envelopes.chunks(5) {
            let node = node.clone();
            scope.spawn(move || {
                for envelope in part {
                    let id = node.submit(envelope.clone()).unwrap().id;
                    let stored = node.snapshot().pool().unwrap();
                    assert!(stored.iter().any(|(found, _)| *found == id), "{id}");
                }
            });
        }
    });
    mine(&node, &clock, producer(1));
    assert_eq!(node.with_pool(|pool| pool.len()), 0);
    node.close().unwrap();
    assert!(
        node.snapshot().pool().unwrap().is_empty(),
        "what is in a block does not stay behind"
    );
}

#[test]
fn a_replaced_transaction_leaves_with_its_replacement() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let offer = |fee: u128| {
        let payload = Payload {
            max_priority_fee: fee,
            max_fee: 2 * fee,
            ..keys::payment(&node.identity(), 0, node.now(), address_of(BOB), 7)
        };
        signed(&node, ALICE, payload)
    };
    submit(&node, offer(2_000_000_000));
    let better = submit(&node, offer(4_000_000_000));
    let stored: Vec<_> = node.snapshot().pool().unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(stored, [better]);
}

#[test]
fn an_invalid_block_on_the_tip_is_remembered() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    mine(&node, &clock, producer(1));
    let tip = node.tip();
    let (block, forged) = forged_block(&node, &tip.ancestors, &clock);
    let first = node.import_block(&block).unwrap_err();
    assert!(
        matches!(&first, ImportError::Execution { id, .. } if *id == forged.id),
        "{first}"
    );
    let again = node.import_block(&block).unwrap_err();
    assert!(
        matches!(again, ImportError::KnownInvalid { id } if id == forged.id),
        "{again}"
    );
    assert!(node.header_tip(&forged.id).unwrap().is_none(), "nothing continues it");
    let full = node
        .full_block(&node.tip(), tally_node::BlockKey::Id(forged.id))
        .unwrap();
    assert!(full.is_none(), "its body is not kept");
    mine(&node, &clock, producer(1));
    assert_sound(&node);
}

/// A state of which one read fails: the one with this number.
struct Failing<'a> {
    state: &'a Snapshot,
    left: Cell<u64>,
}

impl Failing<'_> {
    fn read<T>(&self, read: impl FnOnce(&Snapshot) -> Result<T, StateError>) -> Result<T, StateError> {
        match self.left.get() {
            0 => Err(StateError("input/output error".to_owned())),
            left => {
                self.left.set(left - 1);
                read(self.state)
            }
        }
    }
}

impl StateView for Failing<'_> {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        self.read(|state| state.account(address))
    }

    fn storage(&self, address: &Address, slot: &B256) -> Result<B256, StateError> {
        self.read(|state| state.storage(address, slot))
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.read(|state| state.code(hash))
    }

    fn block_id(&self, number: Height) -> Result<Option<BlockId>, StateError> {
        self.read(|state| StateView::block_id(state, number))
    }
}

/// Makes a contract that reads a slot, a block id and another account's code.
fn make_contract(node: &Node, clock: &HandClock) -> Address {
    // SLOAD(0); BLOCKHASH(NUMBER - 1); EXTCODESIZE(CALLER); each popped. The other line returns these 14 bytes as the code.
    const CODE: &str = "60005450600143034050333b5000";
    let init = alloy_primitives::hex::decode(format!("6d{CODE}600052600e6012f3")).unwrap();
    submit(node, call(node, ALICE, 0, None, &init));
    mine(node, clock, producer(1));
    address_of(ALICE).create(0)
}

#[test]
fn code_that_is_missing_is_not_taken_for_empty_code() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let contract = make_contract(&node, &clock);
    let snapshot = node.tip().snapshot.clone();
    let made = snapshot.account(&contract).unwrap().unwrap();
    assert_eq!(snapshot.code(&made.code_hash).unwrap().len(), 14);
    let missing = B256::repeat_byte(7);
    assert_eq!(
        snapshot.code(&missing),
        Err(StateError(format!("code {missing} is missing")))
    );
}

#[test]
fn whatever_cannot_be_read_while_a_block_executes_is_no_fault_of_the_block() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    mine(&node, &clock, producer(1));
    let contract = make_contract(&node, &clock);
    let before = node.tip();
    submit(&node, call(&node, ALICE, 1, Some(contract), &[]));
    submit(&node, payment(&node, BOB, 0, address_of(ALICE), 9));
    mine(&node, &clock, producer(1));
    let block = blocks(&node).pop().unwrap();
    let link = || {
        let raw = RawBlock::decode(&block, u64::MAX).unwrap();
        let checked = raw.check(node.spec(), node.now(), |transactions| {
            node.checker().check_all(transactions)
        });
        checked.unwrap().link(&before.ancestors, node.spec()).unwrap()
    };
    let run = |reads| {
        let state = Failing {
            state: &before.snapshot,
            left: Cell::new(reads),
        };
        execute(link(), &state, &before.tree, node.spec()).map(|_| ())
    };
    let mut reads = 0;
    while let Err(error) = run(reads) {
        assert!(matches!(error, ExecutionError::State(_)), "read {reads}: {error}");
        reads += 1;
    }
    assert!(
        reads >= 6,
        "the block reads accounts, code, a slot and a block id: {reads}"
    );
}

#[test]
fn a_state_that_does_not_fit_its_checkpoint_is_named_and_changes_nothing() {
    let (source_dir, dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let source = open(source_dir.path(), &clock).unwrap();
    for _ in 0..2 {
        mine(&source, &clock, producer(1));
    }
    let node = open(dir.path(), &clock).unwrap();
    type Change = fn(&mut StateSnapshot);
    let unfit: [(Change, &str); 5] = [
        (|it| it.blocks.clear(), "it has no block"),
        (
            |it| {
                it.blocks.pop();
            },
            "its last block is another",
        ),
        (
            |it| it.checkpoint.height = Height(1),
            "its last block has another height",
        ),
        (
            |it| {
                it.state.accounts.pop_first();
            },
            "its state has another root",
        ),
        (
            |it| {
                it.history.push(tally_chain::history::Node {
                    hash: B256::ZERO,
                    weight: U256::ZERO,
                    min_time: 0,
                    max_time: 0,
                });
            },
            "its history has another length",
        ),
    ];
    for (change, expected) in unfit {
        let mut installed = state_of(&source);
        change(&mut installed);
        let error = node.install_snapshot(&installed).unwrap_err();
        assert!(
            matches!(error, StoreError::Unfit { what } if what == expected),
            "{error}"
        );
        assert!(!error.is_failure(), "the store works: {error}");
        assert_eq!(node.tip().record.height(), Height::GENESIS);
        assert_sound(&node);
    }
    assert!(node.install_snapshot(&state_of(&source)).unwrap());
    assert_eq!(node.tip().record.id, source.tip().record.id);
    assert_sound(&node);
}

#[test]
fn what_is_submitted_while_a_node_begins_is_in_its_pool_and_on_its_disk() {
    let (source_dir, dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let source = open(source_dir.path(), &clock).unwrap();
    for _ in 0..2 {
        mine(&source, &clock, producer(1));
    }
    let installed = state_of(&source);
    source.close().unwrap();
    let node = open(dir.path(), &clock).unwrap();
    let begun = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for from in [ALICE, BOB] {
            let (node, begun) = (&node, &begun);
            scope.spawn(move || {
                let mut nonces = 0..10_000;
                while !begun.load(Ordering::SeqCst)
                    && let Some(nonce) = nonces.next()
                {
                    let raw = RawTransaction::decode(payment(node, from, nonce, producer(7), 1)).unwrap();
                    node.submit_relayed(&[node.checker().check_one(raw).unwrap()]);
                }
            });
        }
        // From now on something is on its way to the disk all the time.
        while node.with_pool(|pool| pool.len()) < 20 {
            std::thread::yield_now();
        }
        let done = node.install_snapshot(&installed);
        begun.store(true, Ordering::SeqCst);
        assert!(done.unwrap());
    });
    let pool =
        |node: &Node| node.with_pool(|pool| pool.iter().map(|transaction| transaction.id()).collect::<BTreeSet<_>>());
    let before = pool(&node);
    assert!(before.len() >= 20, "{}", before.len());
    node.close().unwrap();
    drop(node);
    let node = open(dir.path(), &clock).unwrap();
    assert_eq!(pool(&node), before);
}
