//! Random histories: money is conserved, trees agree, undo leads back.

use proptest::prelude::*;
use tally_chain::{Address, Amount, U256};
use tally_ledger::StateTree;
use tally_testkit::chain::TestChain;
use tally_testkit::keys::TestKey;

use super::blocks::{minus, plus};

/// What one random transaction does.
#[derive(Debug, Clone)]
enum Act {
    Pay {
        from: usize,
        to: u8,
        value: u64,
    },
    /// Creates a contract that destroys itself, money and all.
    Burn {
        from: usize,
        value: u64,
    },
    Fail {
        from: usize,
        value: u64,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let (from, value) = (0..2usize, any::<u64>());
    prop_oneof![
        4 => (from.clone(), 0..6u8, value).prop_map(|(from, to, value)| Act::Pay { from, to, value }),
        1 => (from.clone(), value).prop_map(|(from, value)| Act::Burn { from, value }),
        1 => (from, value).prop_map(|(from, value)| Act::Fail { from, value }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn histories(blocks in prop::collection::vec(prop::collection::vec(act(), 0..6), 1..6)) {
        let keys = [TestKey::public(0), TestKey::public(1)];
        let mut chain = TestChain::default();
        let mut expected = chain.spec.allocated().unwrap();
        for acts in blocks {
            let mut nonces = [0, 1].map(|i: usize| chain.account(keys[i].address()).nonce);
            let transactions = acts.into_iter().map(|act| {
                let (from, to, value, data) = match act {
                    Act::Pay { from, to, value } => (from, Some(Address::repeat_byte(to)), value, vec![]),
                    Act::Burn { from, value } => (from, None, value, vec![0x30, 0xff]),
                    Act::Fail { from, value } => (from, None, value, vec![0x5f, 0x5f, 0xfd]),
                };
                let mut payload = chain.payload(&keys[from], to, Amount(U256::from(value)), data);
                payload.nonce = nonces[from];
                nonces[from] += 1;
                keys[from].sign(&chain.identity, payload)
            }).collect();
            let (root, accounts) = (chain.tree.root(), chain.state.accounts.clone());
            let executed = chain.add(transactions);
            expected = minus(plus(expected, executed.subsidy()), executed.burned());
            prop_assert_eq!(chain.state.supply(), expected);
            prop_assert_eq!(StateTree::from_leaves(chain.state.leaves()).root(), chain.tree.root());
            let mut undone = chain.state.clone();
            undone.apply(executed.undo());
            prop_assert_eq!(undone.accounts, accounts);
            prop_assert_eq!(chain.tree.update(executed.undo()).root(), root);
        }
    }
}
