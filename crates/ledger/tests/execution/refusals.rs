//! Transactions that cannot stand in a block, each with its exact reason.

use tally_chain::fees::intrinsic_gas;
use tally_chain::state_tree::Account;
use tally_chain::transaction::{MAX_GAS_LIMIT, Payload, TransactionError};
use tally_chain::{Address, Amount, Bytes, U256, UnixSecs};
use tally_ledger::{ExecutionError, InclusionError};
use tally_testkit::chain::{MAX_FEE, TestChain};
use tally_testkit::keys::TestKey;

use super::blocks::coins;

/// Why a template leaves out one transaction with a changed payload.
fn refused(change: impl FnOnce(&mut Payload)) -> InclusionError {
    let chain = TestChain::default();
    let alice = TestKey::public(0);
    let mut payload = chain.payload(&alice, Some(Address::repeat_byte(1)), coins(1), []);
    change(&mut payload);
    let assembled = chain.assemble([alice.sign(&chain.identity, payload)]);
    assert_eq!(assembled.transactions, []);
    let [(_, error)] = &assembled.refused[..] else {
        panic!("one transaction is refused")
    };
    error.clone()
}

#[test]
fn nonces() {
    assert_eq!(
        refused(|p| p.nonce = 5),
        InclusionError::NonceTooHigh { found: 5, expected: 0 }
    );
    let mut chain = TestChain::default();
    let alice = TestKey::public(0);
    let tx = chain.transaction(&alice, Some(Address::repeat_byte(1)), coins(1), []);
    chain.add(vec![tx.clone()]);
    let again = chain.assemble([tx.clone()]);
    let error = InclusionError::NonceTooLow { found: 0, expected: 1 };
    assert_eq!(again.refused, [(tx.id(), error)]);
}

#[test]
fn funds_must_cover_the_most_it_may_cost() {
    let required = |value: Amount| {
        let gas = Amount(U256::from(MAX_FEE)).checked_mul(500_000).unwrap();
        value.checked_add(gas).unwrap()
    };
    assert_eq!(
        refused(|p| p.value = coins(1_000_000)),
        InclusionError::InsufficientFunds {
            balance: coins(1_000_000),
            required: required(coins(1_000_000)),
        }
    );
}

#[test]
fn gas() {
    let chain = TestChain::default();
    let alice = TestKey::public(0);
    let mut payload = chain.payload(&alice, None, Amount::ZERO, vec![0u8; 100]);
    payload.gas_limit = 40_000;
    let tx = alice.sign(&chain.identity, payload.clone());
    let required = 2_000 + tx.envelope().len() as u64 + 1_500 + 4 * 100 + 32_000 + 2 * 4;
    assert_eq!(intrinsic_gas(&tx), required);
    payload.gas_limit = required - 1;
    let tx = alice.sign(&chain.identity, payload.clone());
    let error = InclusionError::GasLimitTooLow {
        gas_limit: required - 1,
        required,
    };
    assert_eq!(chain.assemble([tx.clone()]).refused, [(tx.id(), error)]);
    payload.gas_limit = required;
    let assembled = chain.assemble([alice.sign(&chain.identity, payload)]);
    assert_eq!(assembled.refused, []);
}

#[test]
fn initcode() {
    assert_eq!(
        refused(|p| {
            p.to = None;
            p.gas_limit = 1_000_000;
            p.data = Bytes::from(vec![0; 49_153]);
        }),
        InclusionError::InitcodeTooLong {
            len: 49_153,
            max: 49_152
        }
    );
}

#[test]
fn time_and_price() {
    let chain = TestChain::default();
    let time = UnixSecs(chain.next_time().into());
    let old = UnixSecs(time.0 - 86_401);
    assert_eq!(
        refused(|p| p.timestamp = old),
        InclusionError::Transaction(TransactionError::Expired { timestamp: old, time })
    );
    let early = UnixSecs(time.0 + 601);
    assert_eq!(
        refused(|p| p.timestamp = early),
        InclusionError::Transaction(TransactionError::FromTheFuture { timestamp: early, time })
    );
    assert_eq!(
        refused(|p| (p.max_fee, p.max_priority_fee) = (999_999_999, 0)),
        InclusionError::Transaction(TransactionError::FeeTooLow {
            max_fee: 999_999_999,
            base_fee: 1_000_000_000
        })
    );
}

#[test]
fn contracts_do_not_sign() {
    let mut chain = TestChain::default();
    let alice = TestKey::public(0);
    let code = Bytes::from_static(&[0x60, 0x00]);
    let code_hash = alloy_primitives::keccak256(&code);
    chain.state.codes.insert(code_hash, code);
    chain.state.accounts.insert(
        alice.address(),
        Account {
            balance: coins(5),
            code_hash,
            nonce: 0,
        },
    );
    let tx = chain.transaction(&alice, Some(Address::repeat_byte(1)), coins(1), []);
    let error = InclusionError::SenderHasCode {
        sender: alice.address(),
    };
    assert_eq!(chain.assemble([tx.clone()]).refused, [(tx.id(), error)]);
}

#[test]
fn a_full_block_takes_no_more_but_smaller_ones_still_fit() {
    let mut spec = TestChain::default().spec;
    spec.limits.gas_limit = 1_000_000;
    let chain = TestChain::new(spec);
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    let with_gas = |key: &TestKey, gas_limit| {
        let mut payload = chain.payload(key, Some(Address::repeat_byte(1)), coins(1), []);
        payload.gas_limit = gas_limit;
        key.sign(&chain.identity, payload)
    };
    let first = with_gas(&alice, 200_000);
    let (large, small) = (with_gas(&bob, 999_000), with_gas(&bob, 240_000));
    let assembled = chain.assemble([first.clone(), large.clone(), small.clone()]);
    let used = intrinsic_gas(&first);
    let error = InclusionError::GasExceedsBlock {
        gas_limit: 999_000,
        left: 1_000_000 - used,
    };
    assert_eq!(assembled.refused, [(large.id(), error.clone())]);
    assert_eq!(assembled.transactions, [first.clone(), small]);

    // The same rule holds for a block that another node made.
    let mut manifest = assembled.manifest;
    let leaves = [&first, &large].map(|tx| tally_chain::merkle::leaf_hash(tx.envelope()));
    manifest.transactions_root = tally_chain::merkle::root(&leaves);
    let block = chain.seal(manifest, assembled.seal, vec![first, large]);
    assert_eq!(
        chain.execute(block).unwrap_err(),
        ExecutionError::Transaction {
            index: 1,
            source: error
        }
    );
}

#[test]
fn execution_may_use_a_quarter_of_the_gas_limit() {
    let mut spec = TestChain::default().spec;
    spec.limits.gas_limit = 1_000_000;
    let chain = TestChain::new(spec);
    let alice = TestKey::public(0);
    let mut payload = chain.payload(&alice, Some(Address::repeat_byte(1)), coins(1), []);
    payload.gas_limit = 300_000;
    let tx = alice.sign(&chain.identity, payload);
    let gas = 300_000 - intrinsic_gas(&tx);
    let error = InclusionError::ExecutionExceedsBlock { gas, left: 250_000 };
    assert_eq!(chain.assemble([tx.clone()]).refused, [(tx.id(), error)]);
}

#[test]
fn bytes_are_bounded_too() {
    let mut spec = TestChain::default().spec;
    spec.limits.block_bytes = 65_536;
    let chain = TestChain::new(spec);
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    let with_bytes = |key: &TestKey, len: usize| {
        let mut payload = chain.payload(key, Some(Address::repeat_byte(1)), coins(1), vec![1; len]);
        payload.gas_limit = MAX_GAS_LIMIT;
        key.sign(&chain.identity, payload)
    };
    let (first, second) = (with_bytes(&alice, 40_000), with_bytes(&bob, 40_000));
    let item = |tx: &tally_chain::CheckedTransaction| tx.envelope().len() as u64 + 3;
    let assembled = chain.assemble([first.clone(), second.clone()]);
    let error = InclusionError::BytesExceedBlock {
        bytes: item(&second),
        left: 65_536 - 624 - item(&first),
    };
    assert_eq!(assembled.refused, [(second.id(), error)]);
    chain
        .execute(chain.seal(assembled.manifest, assembled.seal, assembled.transactions))
        .unwrap();
}
