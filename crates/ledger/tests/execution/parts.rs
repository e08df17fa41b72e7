//! A state in parts: what comes together is the whole, and nothing else passes for a part.

use alloy_primitives::keccak256;
use proptest::prelude::*;
use tally_chain::state_tree::Account;
use tally_chain::{Address, Amount, B256, Bytes};
use tally_ledger::parts::{MAX_DEPTH, PartError, PartRoot, PartRoots, divide};
use tally_ledger::{ChangeSet, StateTree};

fn account(nonce: u64, code: Option<&Bytes>) -> Account {
    Account {
        nonce,
        balance: Amount(alloy_primitives::U256::from(nonce * 7)),
        code_hash: code.map_or_else(tally_chain::state_tree::empty_code_hash, keccak256),
    }
}

/// Accounts by small numbers, every third with code, and slots.
fn state(accounts: &[u64], slots: &[(u64, u64)]) -> ChangeSet {
    let mut whole = ChangeSet::default();
    for number in accounts {
        let code = (number % 3 == 0).then(|| Bytes::from(vec![1, (number % 5) as u8]));
        let address = Address::left_padding_from(&number.to_be_bytes());
        whole.accounts.insert(address, Some(account(number + 1, code.as_ref())));
        whole.codes.extend(code.map(|code| (keccak256(&code), code)));
    }
    for (number, slot) in slots {
        let address = Address::left_padding_from(&number.to_be_bytes());
        let key = (address, B256::left_padding_from(&slot.to_be_bytes()));
        whole
            .storage
            .insert(key, B256::left_padding_from(&(slot + 1).to_be_bytes()));
    }
    whole
}

fn tree(whole: &ChangeSet) -> StateTree {
    StateTree::empty().update(whole)
}

/// An empty part beside a branch could be named as a branch of zero: the hash above would be the same.
#[test]
fn nothing_is_not_named_as_a_branch() {
    let whole = state(&(0..40).collect::<Vec<_>>(), &[]);
    let tree = tree(&whole);
    let mut roots: Vec<_> = PartRoots::of(&tree, 6).iter().copied().collect();
    let part = roots.iter().position(|root| *root == PartRoot::Empty);
    let part = part.expect("40 keys leave some of 64 parts empty");
    roots[part] = PartRoot::Branch(B256::ZERO);
    assert_eq!(PartRoots::check(roots, tree.root()), Err(PartError::Form { part }));
}

proptest! {
    #[test]
    fn parts_make_the_whole(
        accounts in proptest::collection::vec(0u64..500, 0..40),
        slots in proptest::collection::vec((0u64..500, 0u64..9), 0..40),
        depth in 0usize..8,
    ) {
        let whole = state(&accounts, &slots);
        let tree = tree(&whole);
        let roots = PartRoots::of(&tree, depth);
        let again = PartRoots::check(roots.iter().copied().collect(), tree.root());
        prop_assert_eq!(again.as_ref(), Ok(&roots));
        let parts = divide(&whole, depth);
        prop_assert_eq!(parts.len(), roots.len());
        let mut together = ChangeSet::default();
        for (at, part) in parts.iter().enumerate() {
            prop_assert_eq!(roots.check_part(at, part), Ok(()));
            together.merge(part.clone());
        }
        prop_assert_eq!(together, whole);
    }

    #[test]
    fn no_other_content_passes(
        accounts in proptest::collection::vec(0u64..500, 2..40),
        depth in 0usize..5,
        pick in any::<prop::sample::Index>(),
        change in 0u8..4,
    ) {
        let whole = state(&accounts, &[(1, 1), (2, 2)]);
        let roots = PartRoots::of(&tree(&whole), depth);
        let parts = divide(&whole, depth);
        let filled: Vec<_> = (0..parts.len()).filter(|at| !parts[*at].accounts.is_empty()).collect();
        let at = filled[pick.index(filled.len())];
        let mut content = parts[at].clone();
        let (address, found) = content.accounts.pop_first().unwrap();
        let mut found = found.unwrap();
        match change {
            0 => {} // one is missing
            1 => {
                found.balance = Amount(alloy_primitives::U256::from(1));
                content.accounts.insert(address, Some(found));
            }
            2 => {
                content.accounts.insert(address, Some(found));
                let mut other = address.into_array();
                other[0] = 9;
                content.accounts.insert(other.into(), Some(found));
            }
            _ => {
                content.accounts.insert(address, None);
            }
        }
        let error = roots.check_part(at, &content).unwrap_err();
        let expected = match change {
            // The code of the missing one stays, unless another has the same.
            0 => error == PartError::Root { part: at } || matches!(error, PartError::ForeignCode { .. }),
            1 => error == PartError::Root { part: at },
            2 => error == PartError::Root { part: at } || matches!(error, PartError::Foreign { part, .. } if part == at),
            _ => error == PartError::EmptyAccount { address },
        };
        prop_assert!(expected, "{change}: {error}");
    }
}

#[test]
fn code_comes_with_its_account_and_no_other_does() {
    let whole = state(&[3], &[]);
    let (roots, content) = (PartRoots::of(&tree(&whole), 0), divide(&whole, 0).remove(0));
    assert_eq!(roots.check_part(0, &content), Ok(()));
    let hash = *content.codes.keys().next().unwrap();
    let mut without = content.clone();
    without.codes.clear();
    assert_eq!(roots.check_part(0, &without), Err(PartError::MissingCode { hash }));
    let mut wrong = content.clone();
    wrong.codes.insert(hash, Bytes::from_static(b"other"));
    assert_eq!(roots.check_part(0, &wrong), Err(PartError::ForeignCode { hash }));
    let mut more = content;
    let code = Bytes::from_static(b"of nobody");
    let hash = keccak256(&code);
    more.codes.insert(hash, code);
    assert_eq!(roots.check_part(0, &more), Err(PartError::ForeignCode { hash }));
}

#[test]
fn roots_that_do_not_make_the_state_root_are_refused() {
    let whole = state(&[1, 2, 4, 5, 7], &[]);
    let tree = tree(&whole);
    let roots: Vec<_> = PartRoots::of(&tree, 3).iter().copied().collect();
    let expected = tree.root();
    for at in 0..roots.len() {
        let mut wrong = roots.clone();
        wrong[at] = PartRoot::Branch(B256::repeat_byte(7));
        let error = PartRoots::check(wrong, expected).unwrap_err();
        assert!(matches!(error, PartError::StateRoot { .. }), "{error}");
    }
    let (count, max) = (3, 1 << MAX_DEPTH);
    let error = PartRoots::check(roots[..3].to_vec(), expected).unwrap_err();
    assert_eq!(error, PartError::Count { count, max });
    assert_eq!(
        PartRoots::check(Vec::new(), expected),
        Err(PartError::Count { count: 0, max })
    );
    let many = vec![PartRoot::Empty; 2 << MAX_DEPTH];
    assert!(matches!(
        PartRoots::check(many, B256::ZERO),
        Err(PartError::Count { .. })
    ));
}

#[test]
fn a_single_leaf_cannot_be_proven_at_another_place() {
    let whole = state(&[1], &[]);
    let tree = tree(&whole);
    let mut roots: Vec<_> = PartRoots::of(&tree, 2).iter().copied().collect();
    let at = roots.iter().position(|root| *root != PartRoot::Empty).unwrap();
    let PartRoot::Leaf { key, .. } = roots[at] else {
        panic!("one account is one leaf")
    };
    let part = (at + 1) % 4;
    roots.swap(at, part);
    assert_eq!(
        PartRoots::check(roots, tree.root()),
        Err(PartError::Foreign { key, part })
    );
}
