//! What can be compared once every block is done: the flat state, the indexes and the money at the tip.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use tally_chain::Height;
use tally_chain::state_tree::Account;
use tally_ledger::{StateTree, StateView as _};

use super::{Auditor, StoreFault};
use crate::store::StoreError;

impl Auditor<'_> {
    /// Compares the flat state, the indexes and the money at the tip.
    pub(super) fn check_end(&mut self) -> Result<(), StoreError> {
        self.check_accounts()?;
        let stored = StateTree::from_leaves(self.snapshot.state_leaves()?).root();
        let expected = self.replay.state.tree().root();
        if stored != expected {
            self.fault(StoreFault::StateRoot {
                found: stored,
                expected,
            });
        }
        self.replay.totals.balances = self.snapshot.total_balance()?;
        let (found, expected) = (self.replay.totals.balances, self.replay.totals.supply);
        if found != expected {
            self.fault(StoreFault::Balances { found, expected });
        }
        self.check_indexes()
    }

    fn check_indexes(&mut self) -> Result<(), StoreError> {
        let mut producers = 0;
        for (address, expected) in std::mem::take(&mut self.produced) {
            let found: HashSet<Height> = self.snapshot.produced(&address).collect::<Result<_, _>>()?;
            producers += expected.len() as u64;
            let mut missing: Vec<Height> = expected.difference(&found).copied().collect();
            missing.sort_unstable();
            for height in missing {
                self.fault(StoreFault::Produced { address, height });
            }
        }
        // Every right entry is there; more than these would be wrong ones.
        let sizes = self.snapshot.index_sizes()?;
        for (index, found, expected) in [
            ("the chain", sizes.chain, 1 + self.given + self.replay.blocks()),
            ("transactions", sizes.transactions, self.replay.transactions()),
            ("accounts' histories", sizes.account_history, self.touched),
            ("producers", sizes.produced, producers),
        ] {
            if found != expected {
                self.fault(StoreFault::IndexSize { index, found, expected });
            }
        }
        Ok(())
    }

    fn check_accounts(&mut self) -> Result<(), StoreError> {
        let stored: BTreeMap<_, _> = self.snapshot.accounts().collect::<Result<_, _>>()?;
        let show = |account: Option<&Account>| match account {
            Some(account) => format!(
                "nonce {}, balance {}, code {}",
                account.nonce, account.balance, account.code_hash
            ),
            None => "nothing".to_owned(),
        };
        let mut wrong = Vec::new();
        let built = &self.replay.state;
        for address in built.accounts().keys().chain(stored.keys()).collect::<BTreeSet<_>>() {
            let (found, expected) = (stored.get(address), built.accounts().get(address));
            if found != expected {
                wrong.push(StoreFault::Account {
                    address: *address,
                    found: show(found),
                    expected: show(expected),
                });
            }
        }
        for ((address, slot), expected) in built.storage() {
            let (found, expected) = (self.snapshot.storage(address, slot)?, *expected);
            if found != expected {
                wrong.push(StoreFault::Storage {
                    address: *address,
                    slot: *slot,
                    found,
                    expected,
                });
            }
        }
        for (hash, code) in built.codes() {
            if self.snapshot.stored_code(hash)?.as_ref() != Some(code) {
                wrong.push(StoreFault::Code { hash: *hash });
            }
        }
        wrong.into_iter().for_each(|fault| self.fault(fault));
        Ok(())
    }
}
