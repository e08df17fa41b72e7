//! The persistent tree against the definition of its root.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tally_chain::state_tree::{self, Account, StateProofError, account_key, root_of, storage_key};
use tally_chain::{Address, Amount, B256, Bytes, CodecError, U256};
use tally_ledger::{ChangeSet, StateTree};

fn account(nonce: u64) -> Account {
    Account {
        nonce,
        balance: Amount(U256::from(nonce * 7)),
        ..Account::default()
    }
}

fn root_by_definition(accounts: &BTreeMap<Address, Account>, storage: &BTreeMap<(Address, B256), B256>) -> B256 {
    let accounts = accounts.iter().filter_map(|(a, v)| StateTree::account_leaf(a, v));
    let storage = storage
        .iter()
        .filter_map(|((a, s), v)| StateTree::storage_leaf(a, s, v));
    let mut leaves: Vec<_> = accounts.chain(storage).collect();
    leaves.sort_unstable();
    root_of(&leaves)
}

#[test]
fn empty_and_single_leaf_trees() {
    let tree = StateTree::empty();
    assert_eq!((tree.root(), tree.len(), tree.is_empty()), (B256::ZERO, 0, true));
    let address = Address::repeat_byte(1);
    let (key, hash) = StateTree::account_leaf(&address, &account(1)).unwrap();
    let one = StateTree::from_leaves(vec![(key, hash)]);
    assert_eq!((one.root(), one.len()), (state_tree::leaf_hash(&key, &hash), 1));
    let removed = one.update(&ChangeSet {
        accounts: [(address, None)].into(),
        ..ChangeSet::default()
    });
    assert_eq!(removed.root(), B256::ZERO);
    assert_eq!(one.len(), 1, "the old version stands");
}

#[test]
fn keys_with_long_common_prefixes_collapse_when_one_goes() {
    let key = |last: u8| {
        let mut bytes = [0xaa; 32];
        bytes[31] = last;
        B256::new(bytes)
    };
    let leaves: Vec<_> = (0..4).map(|last| (key(last), B256::repeat_byte(last + 1))).collect();
    for count in 0..=4 {
        let tree = StateTree::from_leaves(leaves[..count].to_vec());
        assert_eq!(tree.root(), root_of(&leaves[..count]));
    }
    let tree = StateTree::from_leaves(leaves.clone());
    assert_eq!(tree.prove(&key(3)).siblings.len(), 256);
}

#[test]
fn proofs_show_presence_and_absence() {
    let mut changes = ChangeSet::default();
    for byte in 1..=40 {
        let address = Address::repeat_byte(byte);
        changes.accounts.insert(address, Some(account(byte.into())));
        let slot = (address, B256::repeat_byte(byte));
        changes.storage.insert(slot, B256::repeat_byte(9));
    }
    let tree = StateTree::empty().update(&changes);
    assert_eq!(tree.len(), 80);
    for byte in 1..=40 {
        let address = Address::repeat_byte(byte);
        let (key, value) = (account_key(&address), account(byte.into()).encode());
        let proof = tree.prove(&key);
        assert_eq!(proof.verify(&key, Some(&value), tree.root()), Ok(()));
        assert_eq!(
            proof.verify(&key, None, tree.root()),
            Err(StateProofError::Present { key })
        );
        let key = storage_key(&address, &B256::repeat_byte(byte));
        let proof = tree.prove(&key);
        assert_eq!(proof.verify(&key, Some(&[9; 32]), tree.root()), Ok(()));
        let key = storage_key(&address, &B256::ZERO);
        let proof = tree.prove(&key);
        assert_eq!(proof.verify(&key, None, tree.root()), Ok(()));
        assert_eq!(
            proof.verify(&key, Some(&[9; 32]), tree.root()),
            Err(StateProofError::Absent { key })
        );
    }
}

#[test]
fn change_sets_are_read_in_one_form_only() {
    let entry = |byte| [&[0xd5, 0x94][..], &[byte; 20]].concat();
    let list = |entries: &[u8]| tally_chain::codec::wrap_list(entries);
    let set = |accounts: &[u8]| list(&[list(accounts), list(&[]), list(&[])].concat());
    let two = set(&[entry(1), entry(2)].concat());
    let decoded = ChangeSet::decode(&two).unwrap();
    assert_eq!(decoded.accounts.len(), 2);
    assert_eq!(decoded.encode(), two);
    let not_ascending = CodecError::Rlp {
        field: "changes.accounts",
        source: alloy_rlp::Error::Custom("entries are not in ascending order"),
    };
    for entries in [[entry(2), entry(1)].concat(), [entry(1), entry(1)].concat()] {
        assert_eq!(ChangeSet::decode(&set(&entries)), Err(not_ascending.clone()));
    }
    let longer = [two, vec![0]].concat();
    assert_eq!(
        ChangeSet::decode(&longer),
        Err(CodecError::TrailingBytes {
            field: "changes",
            count: 1
        })
    );
}

fn small_address() -> impl Strategy<Value = Address> {
    (0u8..24).prop_map(Address::repeat_byte)
}

fn change_set() -> impl Strategy<Value = ChangeSet> {
    let value = prop_oneof![Just(None), (0u64..4).prop_map(|nonce| Some(account(nonce)))];
    let accounts = prop::collection::btree_map(small_address(), value, 0..16);
    let slot = (small_address(), (0u8..4).prop_map(B256::repeat_byte));
    let storage = prop::collection::btree_map(slot, (0u8..3).prop_map(B256::repeat_byte), 0..16);
    let codes = prop::collection::btree_map(any::<[u8; 32]>().prop_map(B256::new), any::<Vec<u8>>(), 0..3);
    (accounts, storage, codes).prop_map(|(accounts, storage, codes)| ChangeSet {
        accounts,
        storage,
        codes: codes
            .into_iter()
            .map(|(hash, code)| (hash, Bytes::from(code)))
            .collect(),
    })
}

proptest! {
    #[test]
    fn updates_agree_with_a_full_rebuild(sets in prop::collection::vec(change_set(), 1..8)) {
        let (mut accounts, mut storage) = (BTreeMap::new(), BTreeMap::new());
        let mut tree = StateTree::empty();
        for set in sets {
            let older = (tree.clone(), tree.root());
            tree = tree.update(&set);
            for (address, value) in &set.accounts {
                match value.filter(|value| !value.is_empty()) {
                    Some(value) => accounts.insert(*address, value),
                    None => accounts.remove(address),
                };
            }
            storage.extend(set.storage.clone());
            storage.retain(|_, value: &mut B256| !value.is_zero());
            prop_assert_eq!(tree.root(), root_by_definition(&accounts, &storage));
            prop_assert_eq!(tree.len(), accounts.len() + storage.len());
            prop_assert_eq!(older.0.root(), older.1);
        }
    }

    #[test]
    fn change_sets_survive_their_encoding(set in change_set()) {
        prop_assert_eq!(ChangeSet::decode(&set.encode()), Ok(set));
    }

    #[test]
    fn change_sets_from_noise_do_not_panic(noise in any::<Vec<u8>>()) {
        if let Ok(set) = ChangeSet::decode(&noise) {
            prop_assert_eq!(set.encode(), noise);
        }
    }

    #[test]
    fn merged_changes_do_what_both_do(first in change_set(), second in change_set()) {
        let mut both = first.clone();
        both.merge(second.clone());
        let tree = StateTree::empty();
        prop_assert_eq!(tree.update(&both).root(), tree.update(&first).update(&second).root());
    }
}
