//! The state while a block executes: what was read, and what it became.

use std::collections::BTreeMap;

use revm::bytecode::Bytecode;
use revm::context_interface::DBErrorMarker;
use revm::state::{AccountInfo, EvmState};
use revm::{Database, primitives};
use tally_chain::state_tree::Account;
use tally_chain::{Address, Amount, B256, Height, U256};

use crate::changes::ChangeSet;
use crate::view::{StateError, StateView};
use crate::watch::Seen;

impl DBErrorMarker for StateError {}

/// A value as the block found it and as it stands now.
#[derive(Debug, Clone, Copy)]
struct Tracked<T> {
    before: T,
    now: T,
}

impl<T: Copy> Tracked<T> {
    fn new(before: T) -> Self {
        Self { before, now: before }
    }
}

/// Serves the EVM from a [`StateView`] and takes what each transaction changes.
#[derive(Debug)]
pub(crate) struct BlockState<'a, V: ?Sized> {
    view: &'a V,
    accounts: BTreeMap<Address, Tracked<Option<Account>>>,
    storage: BTreeMap<(Address, B256), Tracked<B256>>,
    /// Code read or created, analysed once.
    codes: BTreeMap<B256, Bytecode>,
    created: BTreeMap<B256, Bytecode>,
    /// What the present transaction looked at.
    pub seen: Seen,
    /// Whether the accounts that are read are kept in `seen`.
    pub watch_accounts: bool,
}

/// What a block did to the state.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub changes: ChangeSet,
    pub undo: ChangeSet,
    /// Balances of the changed accounts before and after.
    pub before: Option<Amount>,
    pub after: Option<Amount>,
}

impl<'a, V: StateView + ?Sized> BlockState<'a, V> {
    pub fn new(view: &'a V) -> Self {
        Self {
            view,
            accounts: BTreeMap::new(),
            storage: BTreeMap::new(),
            codes: BTreeMap::new(),
            created: BTreeMap::new(),
            seen: Seen::default(),
            watch_accounts: false,
        }
    }

    fn tracked_account(&mut self, address: Address) -> Result<&mut Tracked<Option<Account>>, StateError> {
        match self.accounts.entry(address) {
            std::collections::btree_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::btree_map::Entry::Vacant(entry) => {
                Ok(entry.insert(Tracked::new(self.view.account(&address)?)))
            }
        }
    }

    fn tracked_slot(&mut self, address: Address, slot: B256) -> Result<&mut Tracked<B256>, StateError> {
        match self.storage.entry((address, slot)) {
            std::collections::btree_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::btree_map::Entry::Vacant(entry) => {
                Ok(entry.insert(Tracked::new(self.view.storage(&address, &slot)?)))
            }
        }
    }

    pub fn account(&mut self, address: Address) -> Result<Account, StateError> {
        Ok(self.tracked_account(address)?.now.unwrap_or_default())
    }

    /// Sets an account; an empty one is removed (EIP-161).
    pub fn set_account(&mut self, address: Address, account: Account) -> Result<(), StateError> {
        self.tracked_account(address)?.now = (!account.is_empty()).then_some(account);
        Ok(())
    }

    pub fn code(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        if let Some(code) = self.codes.get(&hash) {
            return Ok(code.clone());
        }
        let code = Bytecode::new_raw_checked(self.view.code(&hash)?)
            .map_err(|error| StateError(format!("code {hash}: {error}")))?;
        self.codes.insert(hash, code.clone());
        Ok(code)
    }

    /// Takes over what one transaction left in the EVM's journal.
    pub fn commit(&mut self, state: EvmState) -> Result<(), StateError> {
        for (address, account) in state {
            // Only looked at.
            if !account.is_touched() {
                continue;
            }
            if account.is_selfdestructed() {
                // Only an account created by this very transaction is destroyed (EIP-6780): its storage was never taken over.
                self.tracked_account(address)?.now = None;
                continue;
            }
            let info = account.info;
            self.set_account(
                address,
                Account {
                    nonce: info.nonce,
                    balance: Amount(info.balance),
                    code_hash: info.code_hash,
                },
            )?;
            if let Some(code) = info.code.filter(|code| !code.is_empty()) {
                let known = self.codes.insert(info.code_hash, code.clone()).is_some();
                if !known {
                    self.created.insert(info.code_hash, code);
                }
            }
            for (slot, value) in account.storage {
                if value.is_changed() {
                    self.tracked_slot(address, B256::from(slot))?.now = B256::from(value.present_value);
                }
            }
        }
        Ok(())
    }

    /// What changed in all; what came back to its old value did not.
    pub fn finish(self) -> Outcome {
        let (mut changes, mut undo) = (ChangeSet::default(), ChangeSet::default());
        let (mut before, mut after) = (Some(Amount::ZERO), Some(Amount::ZERO));
        let add = |sum: Option<Amount>, account: Option<Account>| {
            sum.and_then(|sum| sum.checked_add(account.map_or(Amount::ZERO, |account| account.balance)))
        };
        for (address, account) in self.accounts {
            if account.before != account.now {
                before = add(before, account.before);
                after = add(after, account.now);
                changes.accounts.insert(address, account.now);
                undo.accounts.insert(address, account.before);
            }
        }
        for (key, slot) in self.storage {
            if slot.before != slot.now {
                changes.storage.insert(key, slot.now);
                undo.storage.insert(key, slot.before);
            }
        }
        // Codes are not undone: they are found by their hash only, and one that no account names does no harm.
        let created = self.created.into_iter();
        changes.codes = created.map(|(hash, code)| (hash, code.original_bytes())).collect();
        Outcome {
            changes,
            undo,
            before,
            after,
        }
    }
}

impl<V: StateView + ?Sized> Database for BlockState<'_, V> {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        if self.watch_accounts {
            self.seen.accounts.insert(address);
        }
        let account = self.tracked_account(address)?.now;
        Ok(account.map(|account| AccountInfo {
            balance: account.balance.0,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: None,
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, StateError> {
        match code_hash == primitives::KECCAK_EMPTY {
            true => Ok(Bytecode::default()),
            false => {
                self.seen.code = true;
                self.code(code_hash)
            }
        }
    }

    fn storage(&mut self, address: Address, index: U256) -> Result<U256, StateError> {
        let slot = self.tracked_slot(address, B256::from(index))?;
        Ok(slot.now.into())
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        match self.view.block_id(Height(number))? {
            Some(id) => Ok(id.0),
            None => Err(StateError(format!("block {number} is not among the ancestors"))),
        }
    }
}
