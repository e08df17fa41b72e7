//! Whole blocks: fees, subsidy, receipts, roots, undo.

use tally_chain::fees::{intrinsic_gas, min_gas};
use tally_chain::state_tree::account_key;
use tally_chain::transaction::{Authenticator, EthereumKind, Transaction};
use tally_chain::{Address, Amount, Height, Receipt, U256, merkle};
use tally_ledger::{ExecutionError, Overlay, StateTree, StateView};
use tally_testkit::chain::{MAX_FEE, PRIORITY_FEE, PRODUCER, TestChain};
use tally_testkit::keys::TestKey;

pub fn coins(count: u64) -> Amount {
    Amount(U256::from(count) * U256::from(10).pow(U256::from(18)))
}

pub fn plus(a: Amount, b: Amount) -> Amount {
    a.checked_add(b).unwrap()
}

pub fn minus(a: Amount, b: Amount) -> Amount {
    a.checked_sub(b).unwrap()
}

pub fn fee(price: u128, gas: u64) -> Amount {
    Amount(U256::from(price)).checked_mul(gas).unwrap()
}

#[test]
fn an_empty_block_pays_the_subsidy_and_burns_nothing() {
    let mut chain = TestChain::default();
    let executed = chain.add(vec![]);
    assert_eq!(executed.subsidy(), coins(50));
    assert_eq!(executed.burned(), Amount::ZERO);
    assert_eq!(executed.receipts(), []);
    assert_eq!(chain.account(PRODUCER).balance, coins(50));
    assert_eq!(executed.changes().accounts.len(), 1);
    assert_eq!(executed.undo().accounts, [(PRODUCER, None)].into());
}

#[test]
fn a_transfer_costs_exactly_its_gas() {
    let mut chain = TestChain::default();
    let (alice, bob) = (TestKey::public(0), Address::repeat_byte(0xb0));
    let before = chain.account(alice.address()).balance;
    let tx = chain.transaction(&alice, Some(bob), coins(3), []);
    let Transaction::Tally(inner) = tx.transaction() else {
        panic!("a 0x54 transaction")
    };
    let Authenticator::Secp256k1 { .. } = inner.authenticator else {
        panic!("signed with secp256k1")
    };
    let gas = 2_000 + tx.envelope().len() as u64 + 1_500;
    assert_eq!(intrinsic_gas(&tx), gas);
    assert_eq!(min_gas(&[], false, tx.envelope().len(), 1_500), gas);

    let assembled = chain.assemble([tx.clone()]);
    assert_eq!(assembled.fees, fee(PRIORITY_FEE, gas));
    let executed = chain.add(vec![tx.clone()]);
    let base_fee = executed.block().manifest().base_fee;
    assert_eq!(base_fee, 1_000_000_000);
    let price = base_fee + PRIORITY_FEE;
    assert_eq!(
        executed.receipts(),
        [Receipt {
            transaction: tx.id(),
            success: true,
            gas_used: gas,
            contract: None,
            logs: vec![],
        }]
    );
    assert_eq!(executed.burned(), fee(base_fee, gas));
    assert_eq!(chain.account(bob).balance, coins(3));
    let sender = chain.account(alice.address());
    assert_eq!(sender.nonce, 1);
    assert_eq!(sender.balance, minus(minus(before, coins(3)), fee(price, gas)));
    assert_eq!(chain.account(PRODUCER).balance, plus(coins(50), fee(PRIORITY_FEE, gas)));
}

#[test]
fn the_price_never_exceeds_max_fee() {
    let mut chain = TestChain::default();
    let alice = TestKey::public(0);
    let mut payload = chain.payload(&alice, Some(Address::repeat_byte(1)), Amount::ZERO, []);
    (payload.max_fee, payload.max_priority_fee) = (1_500_000_000, 1_500_000_000);
    let executed = chain.add(vec![alice.sign(&chain.identity, payload)]);
    let gas = executed.receipts()[0].gas_used;
    assert_eq!(chain.account(PRODUCER).balance, plus(coins(50), fee(500_000_000, gas)));
}

#[test]
fn ethereum_transactions_pay_the_gas_of_the_evm() {
    let mut chain = TestChain::default();
    let (alice, bob) = (TestKey::public(0), TestKey::public(1).address());
    let slots = vec![(bob, vec![Default::default(); 2]), (PRODUCER, vec![])];
    for (kind, list, expected) in [
        (EthereumKind::Legacy, vec![], 21_000),
        (EthereumKind::AccessList, slots.clone(), 21_000 + 2 * 2_400 + 2 * 1_900),
        (EthereumKind::DynamicFee, slots, 21_000 + 2 * 2_400 + 2 * 1_900),
        (EthereumKind::DynamicFee, vec![], 21_000),
    ] {
        let producer = chain.account(PRODUCER).balance;
        let payload = chain.payload(&alice, Some(bob), coins(1), []);
        let tx = alice.sign_ethereum(&chain.identity, kind, payload, list);
        assert_eq!(intrinsic_gas(&tx), expected);
        let executed = chain.add(vec![tx]);
        assert_eq!(executed.receipts()[0].gas_used, expected);
        let base_fee = executed.block().manifest().base_fee;
        let tip = match kind {
            EthereumKind::DynamicFee => PRIORITY_FEE,
            _ => MAX_FEE - base_fee,
        };
        let earned = minus(chain.account(PRODUCER).balance, producer);
        assert_eq!(earned, plus(coins(50), fee(tip, expected)));
    }
}

#[test]
fn data_pays_by_the_floor() {
    let mut chain = TestChain::default();
    let alice = TestKey::public(0);
    let memo = b"for the tally stick\0".to_vec();
    let tx = chain.transaction(&alice, Some(Address::repeat_byte(7)), coins(1), memo.clone());
    let tokens = 4 * (memo.len() as u64 - 1) + 1;
    let gas = 2_000 + tx.envelope().len() as u64 + 1_500 + 10 * tokens;
    assert_eq!(intrinsic_gas(&tx), gas);
    assert_eq!(chain.add(vec![tx]).receipts()[0].gas_used, gas);
}

#[test]
fn emptied_accounts_disappear_and_nothing_is_created_by_nothing() {
    let mut chain = TestChain::default();
    let alice = TestKey::public(0);
    let unused = Address::repeat_byte(0xee);
    let executed = chain.add(vec![chain.transaction(&alice, Some(unused), Amount::ZERO, [])]);
    assert!(!executed.changes().accounts.contains_key(&unused));
    let proof = chain.tree.prove(&account_key(&unused));
    let root = executed.block().manifest().state_root;
    assert_eq!(proof.verify(&account_key(&unused), None, root), Ok(()));
}

#[test]
fn undo_leads_back_to_the_parent() {
    let mut chain = TestChain::default();
    let (alice, bob) = (TestKey::public(0), TestKey::public(1));
    chain.add(vec![]);
    let (state, root) = (chain.state.clone(), chain.tree.root());
    let executed = chain.add(vec![
        chain.transaction(&alice, Some(bob.address()), coins(1), []),
        chain.transaction(&bob, Some(Address::repeat_byte(0xcc)), coins(2), []),
    ]);
    let back = chain.tree.update(executed.undo());
    assert_eq!(back.root(), root);
    assert_eq!(back.len(), state.accounts.len());
    let mut undone = chain.state.clone();
    undone.apply(executed.undo());
    assert_eq!(undone.accounts, state.accounts);
    let (block, effects) = executed.into_parts();
    assert_eq!(effects.tree.root(), block.manifest().state_root);
}

#[test]
fn a_block_on_an_overlay_is_the_same_block() {
    let mut chain = TestChain::default();
    let base = chain.clone();
    let alice = TestKey::public(0);
    let first = chain.add(vec![chain.transaction(
        &alice,
        Some(Address::repeat_byte(1)),
        coins(1),
        [],
    )]);
    let second = chain.mine(vec![chain.transaction(
        &alice,
        Some(Address::repeat_byte(2)),
        coins(1),
        [],
    )]);

    let mut overlay = Overlay::new(&base.state);
    overlay.apply(first.changes());
    overlay.set_block_id(first.block().height(), first.block().id());
    assert_eq!(overlay.changes(), first.changes());
    assert_eq!(overlay.block_id(Height(1)), Ok(Some(first.block().id())));
    assert_eq!(overlay.block_id(Height(0)), Ok(Some(base.identity.genesis)));
    let executed = tally_ledger::execute(second.clone(), &overlay, first.tree(), &chain.spec).unwrap();
    assert_eq!(executed.tree().root(), second.manifest().state_root);
    let dynamic: &dyn StateView = &overlay;
    assert!(
        tally_ledger::execute(second, dynamic, first.tree(), &chain.spec)
            .is_ok_and(|again| { again.changes() == executed.changes() })
    );
}

#[test]
fn false_claims_are_named() {
    let chain = TestChain::default();
    let alice = TestKey::public(0);
    let tx = chain.transaction(&alice, Some(Address::repeat_byte(1)), coins(1), []);
    let assembled = chain.assemble([tx]);
    let honest = assembled.manifest.clone();
    let seal = |manifest| chain.execute(chain.seal(manifest, assembled.seal, assembled.transactions.clone()));
    assert!(seal(honest.clone()).is_ok());

    let mut manifest = honest.clone();
    manifest.gas_used += 1;
    assert_eq!(
        seal(manifest).unwrap_err(),
        ExecutionError::WrongGasUsed {
            found: honest.gas_used + 1,
            expected: honest.gas_used
        }
    );
    let wrong = merkle::root(&[]);
    let mut manifest = honest.clone();
    manifest.receipts_root = wrong;
    assert_eq!(
        seal(manifest).unwrap_err(),
        ExecutionError::WrongReceiptsRoot {
            found: wrong,
            expected: honest.receipts_root
        }
    );
    let mut manifest = honest.clone();
    manifest.state_root = wrong;
    assert_eq!(
        seal(manifest).unwrap_err(),
        ExecutionError::WrongStateRoot {
            found: wrong,
            expected: honest.state_root
        }
    );
    assert_eq!(
        StateTree::from_leaves(chain.state.leaves()).root(),
        chain.ancestors.parent.manifest.state_root,
        "genesis as the chain computes it"
    );
}

#[test]
fn a_supply_that_overflows_is_named() {
    let mut spec = TestChain::default().spec;
    spec.issuance.reward = Amount(U256::MAX);
    let chain = TestChain::new(spec);
    let mut manifest = chain.assemble([]).manifest;
    manifest.producer = TestKey::public(0).address();
    let seal = chain.spec.engine().next_seal(&chain.ancestors);
    let block = chain.seal(manifest, seal, vec![]);
    assert_eq!(chain.execute(block).unwrap_err(), ExecutionError::SupplyOverflow);
}
