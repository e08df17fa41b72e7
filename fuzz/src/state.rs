//! The state: the tree that is kept is the one that is defined, proofs hold for it alone, and parts make it again.

use std::collections::BTreeMap;

use tally_chain::state_tree::{Account, PathEnd, StateProof, account_key, empty_code_hash, root_of};
use tally_chain::{Address, Amount, B256, U256};
use tally_ledger::{ChangeSet, PartRoots, StateTree};

use crate::target::Target;

pub const TARGETS: &[Target] = &[
    Target {
        name: "state-tree",
        run: tree,
        seeds: || vec![(0..120).collect(), vec![0; 60]],
    },
    Target {
        name: "state-proof",
        run: proof,
        seeds: || vec![(0..120).collect()],
    },
    Target {
        name: "state-parts",
        run: parts,
        seeds: || vec![(0..120).collect()],
    },
    Target {
        name: "changes",
        run: changes,
        seeds: || vec![sample(&(0..120).collect::<Vec<u8>>()).0.encode()],
    },
];

/// Rounds of writes: three bytes each (which account, how, how much); slot writes and deletions among them.
fn sample(data: &[u8]) -> (ChangeSet, Vec<ChangeSet>) {
    let mut whole = ChangeSet::default();
    let mut rounds = Vec::new();
    for round in data.chunks(30) {
        let mut changes = ChangeSet::default();
        for write in round.chunks_exact(3) {
            let address = Address::repeat_byte(write[0] % 32 + 1);
            if write[1].is_multiple_of(3) {
                let slot = B256::with_last_byte(write[1] / 3);
                changes.storage.insert((address, slot), B256::with_last_byte(write[2]));
            } else {
                let account = (write[2] != 0).then(|| Account {
                    nonce: u64::from(write[1]),
                    balance: Amount(U256::from(write[2])),
                    code_hash: empty_code_hash(),
                });
                changes.accounts.insert(address, account);
            }
        }
        whole.accounts.extend(changes.accounts.clone());
        whole.storage.extend(changes.storage.clone());
        rounds.push(changes);
    }
    (whole, rounds)
}

fn leaves(whole: &ChangeSet) -> Vec<(B256, B256)> {
    let accounts = whole.accounts.iter();
    let accounts = accounts.filter_map(|(address, account)| StateTree::account_leaf(address, account.as_ref()?));
    let storage = whole.storage.iter();
    let storage = storage.filter_map(|((address, slot), value)| StateTree::storage_leaf(address, slot, value));
    accounts
        .chain(storage)
        .collect::<BTreeMap<_, _>>()
        .into_iter()
        .collect()
}

/// Written step by step, built at once, and computed by the rule: one root.
fn tree(data: &[u8]) {
    let (whole, rounds) = sample(data);
    let stepwise = rounds
        .iter()
        .fold(StateTree::empty(), |tree, changes| tree.update(changes));
    let leaves = leaves(&whole);
    assert_eq!(stepwise.root(), root_of(&leaves));
    assert_eq!(StateTree::from_leaves(leaves.clone()).root(), root_of(&leaves));
    assert_eq!(stepwise.len(), leaves.len());
}

/// A proof shows what is there and nothing else, also when it is damaged.
fn proof(data: &[u8]) {
    let (whole, _) = sample(data);
    let tree = StateTree::empty().update(&whole);
    let byte = data.first().copied().unwrap_or_default();
    let address = Address::repeat_byte(byte % 40 + 1);
    let key = account_key(&address);
    let value = whole
        .accounts
        .get(&address)
        .cloned()
        .flatten()
        .filter(|account| !account.is_empty());
    let value = value.map(|account| account.encode());
    let proof = tree.prove(&key);
    assert_eq!(proof.verify(&key, value.as_deref(), tree.root()), Ok(()));
    let other = match value {
        Some(_) => None,
        None => Some(
            Account {
                nonce: 1,
                ..Account::default()
            }
            .encode(),
        ),
    };
    let _ = proof
        .verify(&key, other.as_deref(), tree.root())
        .expect_err("the contrary");
    let forged = StateProof {
        siblings: data.chunks(32).map(|part| tally_chain::hash::sha256(&[part])).collect(),
        end: match byte % 3 {
            0 => PathEnd::Empty,
            _ => PathEnd::Leaf {
                key,
                value_hash: tally_chain::state_tree::value_hash(data),
            },
        },
    };
    if forged.verify(&key, Some(data), tree.root()).is_ok() {
        assert_eq!(
            value.as_deref(),
            Some(data),
            "a made-up proof shows what is there, at most"
        );
    }
}

fn parts(data: &[u8]) {
    let (whole, _) = sample(data);
    let tree = StateTree::empty().update(&whole);
    let depth = usize::from(data.first().copied().unwrap_or_default() % 5);
    let roots = PartRoots::of(&tree, depth);
    let kept: Vec<_> = roots.iter().cloned().collect();
    let checked = PartRoots::check(kept, tree.root());
    assert_eq!(checked.as_ref(), Ok(&roots));
}

fn changes(data: &[u8]) {
    if let Ok(changes) = ChangeSet::decode(data) {
        assert_eq!(changes.encode(), data, "one encoding");
    }
}
