//! Execution is bounded by what is executed, whatever is paid for it. Rule: docs/protocol.md#X7

use alloy_primitives::keccak256;
use tally_chain::fees::upfront_gas;
use tally_chain::state_tree::Account;
use tally_chain::{Address, Amount, Bytes, CheckedTransaction};
use tally_ledger::{ExecutionError, InclusionError, StateTree};
use tally_testkit::chain::TestChain;
use tally_testkit::keys::TestKey;

const CONTRACT: Address = Address::repeat_byte(0xcc);
/// A quarter of the block's million.
const BUDGET: u64 = 250_000;

/// A chain whose blocks have a million gas, with a contract that runs `code`.
fn chain(code: &[u8]) -> TestChain {
    let mut spec = TestChain::default().spec;
    spec.limits.gas_limit = 4 * BUDGET;
    let mut chain = TestChain::new(spec);
    let account = Account {
        nonce: 1,
        code_hash: keccak256(code),
        ..Account::default()
    };
    chain.state.accounts.insert(CONTRACT, account);
    chain
        .state
        .codes
        .insert(account.code_hash, Bytes::copy_from_slice(code));
    chain.tree = StateTree::from_leaves(chain.state.leaves());
    chain
}

fn call(chain: &TestChain, key: &TestKey, to: Address, data: &[u8], gas_limit: u64) -> CheckedTransaction {
    let mut payload = chain.payload(key, Some(to), Amount::ZERO, data.to_vec());
    payload.gas_limit = gas_limit;
    key.sign(&chain.identity, payload)
}

/// A template leaves `second` out, and a block that another node made with both is rejected, for the same reason.
fn second_is_rejected(chain: &TestChain, first: &CheckedTransaction, second: &CheckedTransaction, left: u64) {
    let gas = second.view().gas_limit - upfront_gas(second).initial;
    let error = InclusionError::ExecutionExceedsBlock { gas, left };
    let assembled = chain.assemble([first.clone(), second.clone()]);
    assert_eq!(assembled.refused, [(second.id(), error.clone())]);
    assert_eq!(assembled.transactions, std::slice::from_ref(first));
    let mut manifest = assembled.manifest;
    let both = [first, second];
    manifest.transactions_root =
        tally_chain::merkle::root(&both.map(|tx| tally_chain::merkle::leaf_hash(tx.envelope())));
    let block = chain.seal(manifest, assembled.seal, both.map(Clone::clone).to_vec());
    let error = ExecutionError::Transaction {
        index: 1,
        source: error,
    };
    assert_eq!(chain.execute(block).unwrap_err(), error);
}

#[test]
fn what_runs_under_the_floor_is_counted() {
    // JUMPDEST, PUSH0, JUMP: until the gas is gone.
    let chain = chain(&[0x5b, 0x5f, 0x56]);
    let data = [1; 7_000];
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    let at_the_floor = |key| {
        let floor = upfront_gas(&call(&chain, key, CONTRACT, &data, 500_000)).floor;
        call(&chain, key, CONTRACT, &data, floor)
    };
    let (first, second) = (at_the_floor(&alice), at_the_floor(&bob));
    let upfront = upfront_gas(&first);
    // 40 a byte is the floor, 16 a byte the initial gas: the loop burns the difference.
    assert_eq!(upfront.floor - upfront.initial, 24 * 7_000);
    second_is_rejected(&chain, &first, &second, BUDGET - 24 * 7_000);
}

#[test]
fn what_is_refunded_is_counted() {
    // Five times SSTORE(0, 1) and SSTORE(0, 0): each pair costs 20,109 and is given back almost whole.
    let code = [0x60, 1, 0x5f, 0x55, 0x5f, 0x5f, 0x55].repeat(5);
    let spent = 5 * 20_109 + 2_100;
    let chain = chain(&code);
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    let first = call(&chain, &alice, CONTRACT, &[], 200_000);
    let upfront = upfront_gas(&first).initial;
    let used = chain.assemble([first.clone()]).receipts[0].gas_used;
    assert_eq!(
        used,
        upfront + spent - (upfront + spent) / 5,
        "a fifth is refunded (EIP-3529)"
    );
    // More than is left, and less than would be left if the refund counted.
    let second = call(&chain, &bob, CONTRACT, &[], BUDGET - spent + upfront + 1);
    assert_eq!(upfront_gas(&second).initial, upfront);
    second_is_rejected(&chain, &first, &second, BUDGET - spent);
    let fits = call(&chain, &bob, CONTRACT, &[], BUDGET - spent + upfront);
    assert_eq!(chain.assemble([first, fits]).refused, []);
}

#[test]
fn data_that_runs_nothing_leaves_the_bound_alone() {
    let chain = chain(&[]);
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    let plain = Address::repeat_byte(1);
    let heavy = |key| call(&chain, key, plain, &[1; 10_000], 420_000);
    let (first, second) = (heavy(&alice), heavy(&bob));
    assert!(upfront_gas(&first).floor - upfront_gas(&first).initial > BUDGET / 2 + 100_000);
    let assembled = chain.assemble([first.clone(), second.clone()]);
    assert_eq!(
        (assembled.refused, assembled.transactions),
        (vec![], vec![first, second])
    );
}
