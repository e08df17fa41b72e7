//! What a block changes, as a value; and a view with such changes on top.

use std::collections::BTreeMap;

use alloy_rlp::Encodable;
use tally_chain::codec::{CodecError, ListReader, wrap_list};
use tally_chain::state_tree::Account;
use tally_chain::{Address, Amount, B256, BlockId, Bytes, Height};

use crate::view::{StateError, StateView};

/// New values of what changed: `None` removes an account, zero clears a slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// Nonce, balance and code hash by address.
    pub accounts: BTreeMap<Address, Option<Account>>,
    /// Values by account and slot.
    pub storage: BTreeMap<(Address, B256), B256>,
    /// New contract code by its `keccak256`.
    pub codes: BTreeMap<B256, Bytes>,
}

impl ChangeSet {
    /// Puts `later` on top: where both have a value, that of `later` holds.
    pub fn merge(&mut self, later: ChangeSet) {
        self.accounts.extend(later.accounts);
        self.storage.extend(later.storage);
        self.codes.extend(later.codes);
    }

    /// The sum of all balances; none where it does not fit into 256 bits.
    pub fn total_balance(&self) -> Option<Amount> {
        let balances = self.accounts.values().flatten().map(|account| account.balance);
        balances
            .into_iter()
            .try_fold(Amount::ZERO, |sum, balance| sum.checked_add(balance))
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.storage.is_empty() && self.codes.is_empty()
    }

    /// Canonical RLP: `[[[address, nonce, balance, code_hash] or [address]…], [[address, slot, value]…], [[hash, code]…]]`,
    /// each list ascending.
    pub fn encode(&self) -> Vec<u8> {
        let mut accounts = Vec::new();
        for (address, account) in &self.accounts {
            let mut entry = Vec::with_capacity(96);
            address.encode(&mut entry);
            if let Some(account) = account {
                account.nonce.encode(&mut entry);
                account.balance.0.encode(&mut entry);
                account.code_hash.encode(&mut entry);
            }
            accounts.extend(wrap_list(&entry));
        }
        let mut storage = Vec::new();
        for ((address, slot), value) in &self.storage {
            let mut entry = Vec::with_capacity(96);
            address.encode(&mut entry);
            slot.encode(&mut entry);
            value.encode(&mut entry);
            storage.extend(wrap_list(&entry));
        }
        let mut codes = Vec::new();
        for (hash, code) in &self.codes {
            let mut entry = Vec::with_capacity(code.len() + 40);
            hash.encode(&mut entry);
            code.encode(&mut entry);
            codes.extend(wrap_list(&entry));
        }
        wrap_list(&[wrap_list(&accounts), wrap_list(&storage), wrap_list(&codes)].concat())
    }

    /// Decodes exactly one encoded set.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut items = ListReader::open("changes", bytes)?;
        let mut changes = Self::default();
        let mut list = items.list("changes.accounts")?;
        while !list.is_empty() {
            let mut entry = list.list("changes.account")?;
            let address = entry.address("changes.account.address")?;
            let account = match entry.is_empty() {
                true => None,
                false => Some(Account {
                    nonce: entry.u64("changes.account.nonce")?,
                    balance: Amount(entry.u256("changes.account.balance")?),
                    code_hash: entry.b256("changes.account.code_hash")?,
                }),
            };
            entry.end()?;
            insert_ascending("changes.accounts", &mut changes.accounts, address, account)?;
        }
        let mut list = items.list("changes.storage")?;
        while !list.is_empty() {
            let mut entry = list.list("changes.slot")?;
            let key = (entry.address("changes.slot.address")?, entry.b256("changes.slot.slot")?);
            let value = entry.b256("changes.slot.value")?;
            entry.end()?;
            insert_ascending("changes.storage", &mut changes.storage, key, value)?;
        }
        let mut list = items.list("changes.codes")?;
        while !list.is_empty() {
            let mut entry = list.list("changes.code")?;
            let hash = entry.b256("changes.code.hash")?;
            // Code has no limit of its own here: it is no longer than the set that it stands in.
            let code = Bytes::copy_from_slice(entry.bytes("changes.code.bytes", bytes.len())?);
            entry.end()?;
            insert_ascending("changes.codes", &mut changes.codes, hash, code)?;
        }
        items.end()?;
        Ok(changes)
    }
}

/// One order, and no key twice, so that a set has one encoding.
fn insert_ascending<K: Ord, T>(
    field: &'static str,
    map: &mut BTreeMap<K, T>,
    key: K,
    value: T,
) -> Result<(), CodecError> {
    if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
        return Err(CodecError::Rlp {
            field,
            source: alloy_rlp::Error::Custom("entries are not in ascending order"),
        });
    }
    map.insert(key, value);
    Ok(())
}

/// A state with changes on top that are not written yet.
#[derive(Debug)]
pub struct Overlay<'a, V: ?Sized> {
    base: &'a V,
    changes: ChangeSet,
    block_ids: BTreeMap<Height, BlockId>,
}

impl<'a, V: ?Sized> Overlay<'a, V> {
    /// The base as it is, with no changes yet.
    pub fn new(base: &'a V) -> Self {
        Self {
            base,
            changes: ChangeSet::default(),
            block_ids: BTreeMap::new(),
        }
    }

    /// Puts the changes of one more block on top.
    pub fn apply(&mut self, changes: &ChangeSet) {
        self.changes.merge(changes.clone());
    }

    /// Names a block that the base does not know, or knows otherwise.
    pub fn set_block_id(&mut self, number: Height, id: BlockId) {
        self.block_ids.insert(number, id);
    }

    /// Everything applied so far.
    pub fn changes(&self) -> &ChangeSet {
        &self.changes
    }
}

impl<V: StateView + ?Sized> StateView for Overlay<'_, V> {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        match self.changes.accounts.get(address) {
            Some(account) => Ok(*account),
            None => self.base.account(address),
        }
    }

    fn storage(&self, address: &Address, slot: &B256) -> Result<B256, StateError> {
        match self.changes.storage.get(&(*address, *slot)) {
            Some(value) => Ok(*value),
            None => self.base.storage(address, slot),
        }
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        match self.changes.codes.get(hash) {
            Some(code) => Ok(code.clone()),
            None => self.base.code(hash),
        }
    }

    fn block_id(&self, number: Height) -> Result<Option<BlockId>, StateError> {
        match self.block_ids.get(&number) {
            Some(id) => Ok(Some(*id)),
            None => self.base.block_id(number),
        }
    }
}
