//! One block for many producers: for each it is what assembling for this producer alone gives.

use alloy_primitives::keccak256;
use tally_chain::fees::upfront_gas;
use tally_chain::hash::sha256;
use tally_chain::state_tree::Account;
use tally_chain::{Address, Amount, Bytes, CheckedTransaction};
use tally_ledger::{Candidate, Draft, InclusionError, SharedBlock, StateTree, assemble};
use tally_testkit::chain::TestChain;
use tally_testkit::keys::TestKey;

use super::blocks::coins;

const EXTRA: Bytes = Bytes::from_static(&[0; 8]);
/// SSTORE(0, CALLDATALOAD(0)).
const STORES: (Address, &[u8]) = (Address::repeat_byte(0xc1), &[0x5f, 0x35, 0x5f, 0x55]);
/// SSTORE(0, COINBASE).
const ASKS_PRODUCER: (Address, &[u8]) = (Address::repeat_byte(0xc2), &[0x41, 0x5f, 0x55]);
/// SSTORE(0, BALANCE(CALLDATALOAD(0))).
const ASKS_BALANCE: (Address, &[u8]) = (Address::repeat_byte(0xc3), &[0x5f, 0x35, 0x31, 0x5f, 0x55]);
/// SSTORE(0, TIMESTAMP).
const ASKS_TIME: (Address, &[u8]) = (Address::repeat_byte(0xc4), &[0x42, 0x5f, 0x55]);
/// SSTORE(0, COINBASE), and then JUMPDEST, PUSH1 3, JUMP until the gas is gone.
const ASKS_AND_BURNS: (Address, &[u8]) = (Address::repeat_byte(0xc5), &[0x41, 0x5f, 0x55, 0x5b, 0x60, 0x03, 0x56]);

fn chain() -> TestChain {
    with_contracts(TestChain::default())
}

fn with_contracts(mut chain: TestChain) -> TestChain {
    for (address, code) in [STORES, ASKS_PRODUCER, ASKS_BALANCE, ASKS_TIME, ASKS_AND_BURNS] {
        let account = Account {
            nonce: 1,
            code_hash: keccak256(code),
            ..Account::default()
        };
        chain.state.accounts.insert(address, account);
        chain.state.codes.insert(account.code_hash, Bytes::from_static(code));
    }
    chain.tree = StateTree::from_leaves(chain.state.leaves());
    chain
}

fn shared(chain: &TestChain, code: bool, transactions: &[CheckedTransaction]) -> SharedBlock {
    let draft = Draft {
        ancestors: &chain.ancestors,
        time: chain.next_time(),
        code,
    };
    SharedBlock::assemble(draft, transactions.to_vec(), &chain.state, &chain.tree, &chain.spec).unwrap()
}

/// The shared block for a producer is what is assembled for it alone, and executes.
fn agrees(chain: &TestChain, shared: &SharedBlock, producer: Address) {
    let manifest = shared.manifest_for(producer, EXTRA, &chain.state).unwrap().unwrap();
    let alone = Candidate {
        ancestors: &chain.ancestors,
        time: chain.next_time(),
        producer,
        extra: EXTRA,
    };
    let transactions = (*shared.transactions).clone();
    let alone = assemble(alone, transactions.clone(), &chain.state, &chain.tree, &chain.spec).unwrap();
    assert_eq!((&alone.manifest, alone.seal), (&manifest, shared.seal));
    assert_eq!((alone.latest_time, alone.refused), (shared.latest_time, vec![]));
    let executed = chain.execute(chain.seal(manifest, shared.seal, transactions)).unwrap();
    assert_eq!(executed.receipts(), alone.receipts);
}

fn word(address: Address) -> Vec<u8> {
    address.into_word().to_vec()
}

#[test]
fn every_producer_gets_the_block_it_would_have_assembled() {
    let chain = chain();
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    let receiver = Address::repeat_byte(7);
    let call = chain.transaction(&bob, Some(STORES.0), Amount::ZERO, vec![9; 32]);
    let transactions = [chain.transaction(&alice, Some(receiver), coins(3), []), call];
    let block = shared(&chain, true, &transactions);
    assert_eq!(*block.transactions, transactions);
    assert!(!block.left_out_for_sharing());
    // An unrelated account, a sender and a receiver of plain payments, and the zero address.
    for producer in [Address::repeat_byte(0x99), alice.address(), receiver, Address::ZERO] {
        agrees(&chain, &block, producer);
    }
    // Code has looked at its caller and at itself: they need a block of their own.
    for producer in [bob.address(), STORES.0] {
        assert_eq!(block.manifest_for(producer, EXTRA, &chain.state).unwrap(), None);
    }
    agrees(&chain, &shared(&chain, true, &[]), Address::repeat_byte(0x99));
}

#[test]
fn what_looks_at_the_producer_is_left_out() {
    let chain = chain();
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    let payment = chain.transaction(&bob, Some(Address::repeat_byte(7)), coins(3), []);
    let stand_in = Address::from_slice(&sha256(&[b"tally/any-producer"])[12..]);
    for (to, data) in [(ASKS_PRODUCER.0, vec![]), (ASKS_BALANCE.0, word(stand_in))] {
        let reads = chain.transaction(&alice, Some(to), Amount::ZERO, data);
        let block = shared(&chain, true, &[reads.clone(), payment.clone()]);
        assert_eq!(block.refused, [(reads.id(), InclusionError::DependsOnProducer)]);
        assert!(block.left_out_for_sharing());
        agrees(&chain, &block, Address::repeat_byte(0x99));
    }
    // Looking at one account rules out only this one as the producer.
    let watched = Address::repeat_byte(0x77);
    let reads = chain.transaction(&alice, Some(ASKS_BALANCE.0), Amount::ZERO, word(watched));
    let block = shared(&chain, true, &[reads, payment]);
    assert_eq!(block.manifest_for(watched, EXTRA, &chain.state).unwrap(), None);
    agrees(&chain, &block, Address::repeat_byte(0x99));
}

#[test]
fn a_block_of_plain_payments_suits_everybody() {
    let chain = chain();
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    let payment = chain.transaction(&bob, Some(Address::repeat_byte(7)), coins(3), []);
    let call = chain.transaction(&alice, Some(STORES.0), Amount::ZERO, vec![9; 32]);
    let creation = chain.transaction(&alice, None, Amount::ZERO, vec![0]);
    for code in [call, creation] {
        let block = shared(&chain, false, &[code.clone(), payment.clone()]);
        assert_eq!(block.refused, [(code.id(), InclusionError::RunsCode)]);
        for producer in [alice.address(), bob.address(), STORES.0] {
            agrees(&chain, &block, producer);
        }
    }
}

/// What is run and left out pays nothing: a pool full of it is not run to its end at every assembly.
#[test]
fn what_is_left_out_has_a_bound_of_its_own() {
    const BUDGET: u64 = 250_000;
    let mut spec = TestChain::default().spec;
    spec.limits.gas_limit = 4 * BUDGET;
    let chain = with_contracts(TestChain::new(spec));
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    let sign = |key: &TestKey, to, data: Vec<u8>, gas_limit| {
        let mut payload = chain.payload(key, Some(to), Amount::ZERO, data);
        payload.gas_limit = gas_limit;
        key.sign(&chain.identity, payload)
    };
    let burns = |data| sign(&alice, ASKS_AND_BURNS.0, data, 200_000);
    let (first, second) = (burns(vec![]), burns(vec![1]));
    let payment = sign(&bob, Address::repeat_byte(7), vec![], 10_000);
    let gas = 200_000 - upfront_gas(&second).initial;
    let left = BUDGET - 200_000;
    for (code, why) in [
        (true, InclusionError::DependsOnProducer),
        (false, InclusionError::RunsCode),
    ] {
        let block = shared(&chain, code, &[first.clone(), second.clone(), payment.clone()]);
        let bounded = InclusionError::ExecutionExceedsBlock { gas, left };
        assert_eq!(block.refused, [(first.id(), why), (second.id(), bounded)]);
        assert_eq!(*block.transactions, std::slice::from_ref(&payment));
        agrees(&chain, &block, Address::repeat_byte(0x99));
    }
}

#[test]
fn the_time_may_move_as_far_as_nothing_changes() {
    let chain = chain();
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    let payment = chain.transaction(&bob, Some(Address::repeat_byte(7)), coins(3), []);
    let day = u32::try_from(payment.expires().unwrap().0).unwrap();
    assert_eq!(day, chain.next_time() + 86_400);
    assert_eq!(shared(&chain, true, std::slice::from_ref(&payment)).latest_time, day);
    assert_eq!(shared(&chain, true, &[]).latest_time, u32::MAX);
    let reads = chain.transaction(&alice, Some(ASKS_TIME.0), Amount::ZERO, []);
    let block = shared(&chain, true, &[payment, reads]);
    assert_eq!(block.latest_time, chain.next_time());
    agrees(&chain, &block, Address::repeat_byte(0x99));
}
