//! Contracts: creation, storage, logs, failure, and what they see of the world.

use tally_chain::state_tree::{Account, account_key, storage_key};
use tally_chain::{Address, Amount, B256, Bytes, Height, Log, U256};
use tally_ledger::{BlockContext, CallError, CallOutcome, CallRequest, InclusionError, call};
use tally_testkit::chain::{PRIORITY_FEE, PRODUCER, TestChain};
use tally_testkit::keys::TestKey;

use super::blocks::{coins, fee, minus, plus};

/// Initcode that deploys `runtime` (at most 255 bytes).
fn initcode(runtime: &[u8]) -> Vec<u8> {
    let len = runtime.len() as u8;
    let copy = [0x60, len, 0x60, 12, 0x60, 0, 0x39, 0x60, len, 0x60, 0, 0xf3];
    [&copy[..], runtime].concat()
}

/// Deploys `runtime` in a block of its own.
fn deploy(chain: &mut TestChain, runtime: &[u8]) -> Address {
    let key = TestKey::public(0);
    let executed = chain.add(vec![chain.transaction(&key, None, Amount::ZERO, initcode(runtime))]);
    let receipt = &executed.receipts()[0];
    assert!(receipt.success);
    receipt.contract.expect("a creation names its contract")
}

fn word(number: u64) -> B256 {
    B256::from(U256::from(number))
}

#[test]
fn creation_storage_and_logs_with_proofs() {
    let mut chain = TestChain::default();
    let alice = TestKey::public(0);
    // SSTORE(0, SLOAD(0) + CALLDATALOAD(0)); LOG1(the sum, topic 7)
    let runtime = [
        0x5f, 0x54, 0x5f, 0x35, 0x01, 0x80, 0x5f, 0x55, 0x5f, 0x52, 0x60, 7, 0x60, 32, 0x5f, 0xa1, 0x00,
    ];
    let contract = deploy(&mut chain, &runtime);
    assert_eq!(contract, alice.address().create(0));
    let account = chain.account(contract);
    assert_eq!((account.nonce, account.balance), (1, Amount::ZERO));
    assert_eq!(chain.state.codes[&account.code_hash], Bytes::copy_from_slice(&runtime));

    let executed = chain.add(vec![chain.transaction(&alice, Some(contract), Amount::ZERO, word(5))]);
    let log = Log {
        address: contract,
        topics: vec![word(7)],
        data: Bytes::copy_from_slice(word(5).as_slice()),
    };
    assert_eq!(executed.receipts()[0].logs, [log]);
    assert_eq!(executed.receipts()[0].contract, None);
    chain.add(vec![chain.transaction(&alice, Some(contract), Amount::ZERO, word(6))]);
    assert_eq!(chain.state.storage[&(contract, B256::ZERO)], word(11));

    let root = chain.ancestors.parent.manifest.state_root;
    let key = storage_key(&contract, &B256::ZERO);
    let proof = chain.tree.prove(&key);
    assert_eq!(proof.verify(&key, Some(word(11).as_slice()), root), Ok(()));
    let key = account_key(&contract);
    let proof = chain.tree.prove(&key);
    assert_eq!(proof.verify(&key, Some(&account.encode()), root), Ok(()));

    // A slot that returns to zero leaves the tree.
    let leaves = chain.tree.len();
    let minus_eleven = B256::from(U256::ZERO.wrapping_sub(U256::from(11)));
    let executed = chain.add(vec![chain.transaction(
        &alice,
        Some(contract),
        Amount::ZERO,
        minus_eleven,
    )]);
    assert_eq!(executed.undo().storage, [((contract, B256::ZERO), word(11))].into());
    assert_eq!(chain.tree.len(), leaves - 1);
}

#[test]
fn several_transactions_of_a_block_see_each_other() {
    let mut chain = TestChain::default();
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    // SSTORE(0, SLOAD(0) + 1)
    let contract = alice.address().create(0);
    let creation = chain.transaction(
        &alice,
        None,
        Amount::ZERO,
        initcode(&[0x5f, 0x54, 0x60, 1, 0x01, 0x5f, 0x55]),
    );
    let mut second = chain.payload(&alice, Some(contract), Amount::ZERO, []);
    second.nonce = 1;
    let executed = chain.add(vec![
        creation,
        chain.transaction(&bob, Some(contract), Amount::ZERO, []),
        alice.sign(&chain.identity, second),
    ]);
    assert!(executed.receipts().iter().all(|receipt| receipt.success));
    assert_eq!(executed.changes().storage, [((contract, B256::ZERO), word(2))].into());
    assert_eq!(executed.undo().storage, [((contract, B256::ZERO), B256::ZERO)].into());
    assert_eq!(chain.account(alice.address()).nonce, 2);
}

#[test]
fn opcodes_see_this_block() {
    let mut chain = TestChain::default();
    chain.add(vec![]);
    chain.add(vec![]);
    let alice = TestKey::public(0);
    let reads: [&[u8]; 11] = [
        &[0x41],                      // COINBASE
        &[0x44],                      // PREVRANDAO
        &[0x43],                      // NUMBER
        &[0x42],                      // TIMESTAMP
        &[0x46],                      // CHAINID
        &[0x48],                      // BASEFEE
        &[0x3a],                      // GASPRICE
        &[0x32, 0x31],                // BALANCE(ORIGIN)
        &[0x60, 1, 0x43, 0x03, 0x40], // BLOCKHASH(NUMBER - 1)
        &[0x5f, 0x40],                // BLOCKHASH(0)
        &[0x45],                      // GASLIMIT
    ];
    let mut runtime = Vec::new();
    for (slot, read) in reads.into_iter().enumerate() {
        runtime.extend(read);
        runtime.extend([0x60, slot as u8, 0x55]);
    }
    let contract = deploy(&mut chain, &runtime);
    let balance = chain.account(alice.address()).balance;
    let parent = chain.ancestors.parent.clone();
    let time = chain.next_time();
    let executed = chain.add(vec![chain.transaction(&alice, Some(contract), coins(1), [])]);
    assert!(executed.receipts()[0].success);
    let manifest = executed.block().manifest();
    let price = manifest.base_fee + PRIORITY_FEE;
    let left = minus(minus(balance, coins(1)), fee(price, 500_000));
    let randao = tally_chain::hash::sha256(&[b"tally/randao", parent.id.as_bytes()]);
    let expected = [
        PRODUCER.into_word(),
        randao,
        word(4),
        word(time.into()),
        word(chain.spec.chain_id),
        word(manifest.base_fee as u64),
        word(price as u64),
        B256::from(left.0),
        parent.id.0,
        chain.identity.genesis.0,
        word(chain.spec.limits.gas_limit),
    ];
    for (slot, value) in expected.into_iter().enumerate() {
        let found = chain.state.storage.get(&(contract, word(slot as u64)));
        assert_eq!(found, Some(&value), "slot {slot}");
    }
}

#[test]
fn a_revert_keeps_fee_and_nonce_only() {
    let mut chain = TestChain::default();
    let bob = TestKey::public(1);
    // SSTORE(0, 1); LOG0; REVERT
    let contract = deploy(&mut chain, &[0x60, 1, 0x5f, 0x55, 0x5f, 0x5f, 0xa0, 0x5f, 0x5f, 0xfd]);
    let before = chain.account(bob.address());
    let executed = chain.add(vec![chain.transaction(&bob, Some(contract), coins(9), [])]);
    let receipt = &executed.receipts()[0];
    assert_eq!(
        (receipt.success, receipt.contract, &receipt.logs),
        (false, None, &vec![])
    );
    let gas = receipt.gas_used;
    assert!(gas > 22_000 && gas < 30_000, "a cold write and no more: {gas}");
    let price = executed.block().manifest().base_fee + PRIORITY_FEE;
    let after = Account {
        nonce: 1,
        balance: minus(before.balance, fee(price, gas)),
        ..before
    };
    assert_eq!(chain.account(bob.address()), after);
    assert_eq!(chain.account(contract).balance, Amount::ZERO);
    assert!(executed.changes().storage.is_empty());
}

#[test]
fn running_out_of_gas_costs_all_of_it() {
    let mut chain = TestChain::default();
    let bob = TestKey::public(1);
    // JUMPDEST; JUMP(0)
    let contract = deploy(&mut chain, &[0x5b, 0x5f, 0x56]);
    let executed = chain.add(vec![chain.transaction(&bob, Some(contract), coins(1), [])]);
    let receipt = &executed.receipts()[0];
    assert_eq!((receipt.success, receipt.gas_used), (false, 500_000));
    assert_eq!(chain.account(contract).balance, Amount::ZERO);
    assert_eq!(chain.account(bob.address()).nonce, 1);
}

#[test]
fn a_failed_creation_keeps_the_nonce_and_names_no_contract() {
    let mut chain = TestChain::default();
    let alice = TestKey::public(0);
    let executed = chain.add(vec![chain.transaction(&alice, None, coins(1), [0xfe])]);
    let receipt = &executed.receipts()[0];
    assert_eq!(
        (receipt.success, receipt.contract, receipt.gas_used),
        (false, None, 500_000)
    );
    assert_eq!(chain.account(alice.address()).nonce, 1);
    assert_eq!(chain.account(alice.address().create(0)), Account::default());
}

#[test]
fn what_a_self_destruct_destroys_is_burned() {
    let mut chain = TestChain::default();
    let alice = TestKey::public(0);
    // SSTORE(0, 1); SELFDESTRUCT(ADDRESS), in the very transaction that creates the contract
    let code = [0x60, 1, 0x5f, 0x55, 0x30, 0xff];
    let before = chain.state.supply();
    let executed = chain.add(vec![chain.transaction(&alice, None, coins(4), code)]);
    let receipt = &executed.receipts()[0];
    assert!(receipt.success);
    let base = fee(executed.block().manifest().base_fee, receipt.gas_used);
    assert_eq!(executed.burned(), plus(base, coins(4)));
    assert!(executed.changes().storage.is_empty());
    let contract = alice.address().create(0);
    assert!(!executed.changes().accounts.contains_key(&contract));
    let supply = minus(plus(before, executed.subsidy()), executed.burned());
    assert_eq!(chain.state.supply(), supply);
}

#[test]
fn a_later_self_destruct_only_moves_money() {
    let mut chain = TestChain::default();
    let alice = TestKey::public(0);
    let heir = Address::repeat_byte(0x0e);
    // SELFDESTRUCT(CALLDATALOAD(0))
    let contract = deploy(&mut chain, &[0x5f, 0x35, 0xff]);
    let executed = chain.add(vec![chain.transaction(
        &alice,
        Some(contract),
        coins(2),
        heir.into_word(),
    )]);
    let base = fee(executed.block().manifest().base_fee, executed.receipts()[0].gas_used);
    assert_eq!(executed.burned(), base);
    assert_eq!(chain.account(heir).balance, coins(2));
    assert!(chain.account(contract).has_code());
}

#[test]
fn refunds_are_a_fifth_at_most() {
    let mut chain = TestChain::default();
    let alice = TestKey::public(0);
    // SSTORE(0, CALLDATALOAD(0))
    let contract = deploy(&mut chain, &[0x5f, 0x35, 0x5f, 0x55]);
    chain.add(vec![chain.transaction(&alice, Some(contract), Amount::ZERO, word(1))]);
    let tx = chain.transaction(&alice, Some(contract), Amount::ZERO, B256::ZERO);
    let envelope = 2_000 + tx.envelope().len() as u64 + 1_500;
    let executed = chain.add(vec![tx]);
    // 32 zero bytes of data, three cheap opcodes (2 + 3 + 2), a cold reset.
    let spent = envelope + 32 * 4 + 7 + 5_000;
    let refund = 4_800.min(spent / 5);
    assert_eq!(executed.receipts()[0].gas_used, spent - refund);
}

#[test]
fn calls_cost_nothing_and_leave_nothing() {
    let mut chain = TestChain::default();
    let alice = TestKey::public(0);
    // SSTORE(0, 1); return CALLER
    let contract = deploy(
        &mut chain,
        &[0x60, 1, 0x5f, 0x55, 0x33, 0x5f, 0x52, 0x60, 32, 0x5f, 0xf3],
    );
    let context = BlockContext {
        chain_id: chain.spec.chain_id,
        number: Height(2),
        parent: chain.ancestors.parent.id,
        time: chain.next_time(),
        producer: PRODUCER,
        gas_limit: chain.spec.limits.gas_limit,
        base_fee: 1_000_000_000,
    };
    let state = chain.state.clone();
    let request = CallRequest {
        from: alice.address(),
        to: Some(contract),
        value: Amount::ZERO,
        data: Bytes::new(),
        gas_limit: u64::MAX,
    };
    let outcome = call(&context, &chain.state, request.clone()).unwrap();
    let output = Bytes::copy_from_slice(alice.address().into_word().as_slice());
    let gas_used = outcome.gas_used();
    assert_eq!(outcome, CallOutcome::Returned { gas_used, output });
    assert!(gas_used > 43_000 && gas_used < 44_000, "{gas_used}");
    assert_eq!(chain.state, state);
    let nobody = Address::repeat_byte(0xdd);
    assert_eq!(
        call(
            &context,
            &chain.state,
            CallRequest {
                from: nobody,
                value: coins(1),
                ..request.clone()
            }
        ),
        Err(CallError::Refused(InclusionError::InsufficientFunds {
            balance: Amount::ZERO,
            required: coins(1)
        }))
    );
    let halted = call(
        &context,
        &chain.state,
        CallRequest {
            to: None,
            data: Bytes::from_static(&[0xfe]),
            gas_limit: 100_000,
            ..request
        },
    );
    assert_eq!(
        halted,
        Ok(CallOutcome::Halted {
            gas_used: 100_000,
            reason: "InvalidFEOpcode".to_owned()
        })
    );
}
