//! The state that an audit builds, in memory.

use std::collections::BTreeMap;

use tally_chain::state_tree::Account;
use tally_chain::{Address, Amount, B256, BlockId, Bytes, ChainSpec, Height, genesis};
use tally_ledger::{ChangeSet, ExecutedBlock, StateError, StateTree, StateView};

/// Ancestors that `BLOCKHASH` reaches; ids of older ones are dropped. Rule: docs/protocol.md#X1
const REACHED_ANCESTORS: u64 = 256;

/// All accounts, slots and code after some block.
#[derive(Clone)]
pub struct MemoryState {
    accounts: BTreeMap<Address, Account>,
    storage: BTreeMap<(Address, B256), B256>,
    codes: BTreeMap<B256, Bytes>,
    block_ids: BTreeMap<Height, BlockId>,
    tree: StateTree,
}

impl MemoryState {
    /// The allocations of a spec, after its genesis with this id.
    pub fn genesis(spec: &ChainSpec, id: BlockId) -> Self {
        let accounts: BTreeMap<_, _> = genesis::accounts(spec).into_iter().collect();
        let leaves = accounts
            .iter()
            .filter_map(|(address, account)| StateTree::account_leaf(address, account))
            .collect();
        Self {
            tree: StateTree::from_leaves(leaves),
            accounts,
            storage: BTreeMap::new(),
            codes: BTreeMap::new(),
            block_ids: BTreeMap::from([(Height::GENESIS, id)]),
        }
    }

    /// The state of a checkpoint, after these blocks.
    pub fn given(state: ChangeSet, block_ids: BTreeMap<Height, BlockId>) -> Self {
        let tree = StateTree::empty().update(&state);
        let accounts = state.accounts.into_iter();
        Self {
            tree,
            accounts: accounts
                .filter_map(|(address, account)| Some((address, account?)))
                .collect(),
            storage: state.storage,
            codes: state.codes,
            block_ids,
        }
    }

    /// The tree over it.
    pub fn tree(&self) -> &StateTree {
        &self.tree
    }

    /// Accounts by address.
    pub fn accounts(&self) -> &BTreeMap<Address, Account> {
        &self.accounts
    }

    /// Values that are not zero, by account and slot.
    pub fn storage(&self) -> &BTreeMap<(Address, B256), B256> {
        &self.storage
    }

    /// Contract code by its `keccak256`.
    pub fn codes(&self) -> &BTreeMap<B256, Bytes> {
        &self.codes
    }

    /// Sum of all balances; none where it needs more than 256 bits.
    pub fn balances(&self) -> Option<Amount> {
        let mut balances = self.accounts.values().map(|account| account.balance);
        balances.try_fold(Amount::ZERO, Amount::checked_add)
    }

    /// Takes over what the next block changed.
    pub fn apply(&mut self, height: Height, id: BlockId, executed: &ExecutedBlock) {
        let changes = executed.changes();
        for (address, account) in &changes.accounts {
            match account {
                Some(account) => drop(self.accounts.insert(*address, *account)),
                None => drop(self.accounts.remove(address)),
            }
        }
        for (key, value) in &changes.storage {
            if value.is_zero() {
                self.storage.remove(key);
            } else {
                self.storage.insert(*key, *value);
            }
        }
        self.codes
            .extend(changes.codes.iter().map(|(hash, code)| (*hash, code.clone())));
        self.block_ids.insert(height, id);
        // A tab has a chain of any length to audit, and some hundred megabytes.
        let oldest = Height(height.0.saturating_sub(REACHED_ANCESTORS));
        while self
            .block_ids
            .first_key_value()
            .is_some_and(|(first, _)| *first < oldest)
        {
            self.block_ids.pop_first();
        }
        self.tree = executed.tree().clone();
    }
}

impl StateView for MemoryState {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        Ok(self.accounts.get(address).copied())
    }

    fn storage(&self, address: &Address, slot: &B256) -> Result<B256, StateError> {
        Ok(self.storage.get(&(*address, *slot)).copied().unwrap_or_default())
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        Ok(self.codes.get(hash).cloned().unwrap_or_default())
    }

    fn block_id(&self, number: Height) -> Result<Option<BlockId>, StateError> {
        Ok(self.block_ids.get(&number).copied())
    }
}
