//! Reads: every answer comes from one snapshot.

use std::cell::Cell;
use std::sync::Arc;

use fjall::Readable;
use tally_chain::history::{History, HistoryError, NODE_BYTES, Node};
use tally_chain::state_tree::{Account, account_key, storage_key, value_hash};
use tally_chain::{Address, Amount, B256, BlockId, Bytes, Height, RawBlock, Receipt, TxId, codec::ListReader};
use tally_ledger::{ChangeSet, StateError, StateView};

use super::keyspaces::{Keyspaces, height_key};
use super::record::block_id;
use super::{BlockRecord, Place, StoreError, history};

/// A consistent view of the store; cheap to clone.
#[derive(Clone)]
pub struct Snapshot(Arc<Inner>);

struct Inner {
    snapshot: fjall::Snapshot,
    keys: Keyspaces,
}

/// Key of an entry in an account's history, newest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryKey(pub Place);

/// Entries in the indexes of the active chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSizes {
    /// Blocks by height.
    pub chain: u64,
    /// Transactions by id.
    pub transactions: u64,
    /// Lines of accounts' histories.
    pub account_history: u64,
    /// Blocks by producer.
    pub produced: u64,
}

pub(super) fn damaged(what: &'static str) -> impl Fn(tally_chain::CodecError) -> StoreError {
    move |source| StoreError::Damaged { what, source }
}

impl Snapshot {
    pub(super) fn new(snapshot: fjall::Snapshot, keys: Keyspaces) -> Self {
        Self(Arc::new(Inner { snapshot, keys }))
    }

    pub(super) fn inner(&self) -> (&fjall::Snapshot, &Keyspaces) {
        (&self.0.snapshot, &self.0.keys)
    }

    fn get(
        &self,
        keyspace: impl Fn(&Keyspaces) -> &fjall::Keyspace,
        key: &[u8],
    ) -> Result<Option<fjall::Slice>, StoreError> {
        Ok(self.0.snapshot.get(keyspace(&self.0.keys), key)?)
    }

    /// Id of the block at the end of the active chain.
    pub fn tip(&self) -> Result<BlockId, StoreError> {
        self.get(|k| &k.meta, b"tip")?
            .and_then(|bytes| block_id(&bytes))
            .ok_or_else(|| StoreError::Missing {
                what: "the tip".to_owned(),
            })
    }

    /// Height of the block whose state this node began with: 0 where it has every block. Rule: docs/protocol.md#Q4
    pub fn base(&self) -> Result<Height, StoreError> {
        let bytes = self.get(|k| &k.meta, b"base")?;
        let height = bytes.and_then(|bytes| <[u8; 8]>::try_from(&bytes[..]).ok());
        Ok(height.map_or(Height::GENESIS, |bytes| Height(u64::from_be_bytes(bytes))))
    }

    /// Id of the block at `height` in the active chain.
    pub fn id_at(&self, height: Height) -> Result<Option<BlockId>, StoreError> {
        Ok(self
            .get(|k| &k.chain, &height_key(height))?
            .and_then(|bytes| block_id(&bytes)))
    }

    /// The record of a block on any branch.
    pub fn record(&self, id: &BlockId) -> Result<Option<BlockRecord>, StoreError> {
        self.get(|k| &k.headers, id.as_bytes())?
            .map(|bytes| BlockRecord::decode(*id, &bytes))
            .transpose()
    }

    /// The record of a block that must be there.
    pub fn known(&self, id: &BlockId) -> Result<BlockRecord, StoreError> {
        self.record(id)?.ok_or_else(|| StoreError::Missing {
            what: format!("block {id}"),
        })
    }

    /// Whether a block is part of the active chain.
    pub fn is_active(&self, record: &BlockRecord) -> Result<bool, StoreError> {
        Ok(self.id_at(record.height())? == Some(record.id))
    }

    /// Records of the active chain from `first` on, in ascending order.
    pub fn records_from(&self, first: Height) -> impl DoubleEndedIterator<Item = Result<BlockRecord, StoreError>> + '_ {
        self.records_between(first, Height(u64::MAX))
    }

    /// Records of the active chain in `first..=last`, in ascending order.
    pub fn records_between(
        &self,
        first: Height,
        last: Height,
    ) -> impl DoubleEndedIterator<Item = Result<BlockRecord, StoreError>> + '_ {
        self.0
            .snapshot
            .range(&self.0.keys.chain, height_key(first)..=height_key(last))
            .map(|entry| {
                let id = block_id(&entry.value()?).ok_or_else(|| StoreError::Altered {
                    what: "a block id of the chain".to_owned(),
                })?;
                self.known(&id)
            })
    }

    /// The encoded block.
    pub fn block_bytes(&self, id: &BlockId) -> Result<Option<Bytes>, StoreError> {
        Ok(self
            .get(|k| &k.bodies, id.as_bytes())?
            .map(|bytes| Bytes::copy_from_slice(&bytes)))
    }

    /// The whole block, if its body is kept.
    pub fn block(&self, id: &BlockId) -> Result<Option<RawBlock>, StoreError> {
        let Some(bytes) = self.get(|k| &k.bodies, id.as_bytes())? else {
            return Ok(None);
        };
        let block = RawBlock::decode(&bytes, u64::MAX).map_err(|error| StoreError::Altered {
            what: format!("the body of block {id} ({error})"),
        })?;
        Ok(Some(block))
    }

    /// Receipts of an executed block of the active chain.
    pub fn receipts(&self, id: &BlockId) -> Result<Vec<Receipt>, StoreError> {
        let Some(bytes) = self.get(|k| &k.receipts, id.as_bytes())? else {
            return Ok(Vec::new());
        };
        let mut items = ListReader::open("receipts", &bytes).map_err(damaged("receipts"))?;
        let mut receipts = Vec::new();
        while !items.is_empty() {
            let item = items.raw_item("receipt").map_err(damaged("receipts"))?;
            receipts.push(Receipt::decode(item).map_err(damaged("receipts"))?);
        }
        Ok(receipts)
    }

    /// What to apply to the state after a block to get the state before it.
    pub(crate) fn undo(&self, id: &BlockId) -> Result<Option<ChangeSet>, StoreError> {
        self.get(|k| &k.undo, id.as_bytes())?
            .map(|bytes| ChangeSet::decode(&bytes).map_err(damaged("undo data")))
            .transpose()
    }

    /// The lowest block to which the undo data leads back from the tip at `tip`: it is kept without a gap.
    pub(crate) fn goes_back_to(&self, tip: Height) -> Result<Height, StoreError> {
        let (mut low, mut high) = (self.base()?.0, tip.0);
        while low < high {
            let middle = low + (high - low) / 2;
            let kept = match self.id_at(Height(middle + 1))? {
                Some(id) => self.0.snapshot.contains_key(&self.0.keys.undo, &id.as_bytes()[..])?,
                None => false,
            };
            if kept {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(Height(low))
    }

    /// Where a transaction stands in the active chain.
    pub fn place(&self, id: &TxId) -> Result<Option<Place>, StoreError> {
        Ok(self
            .get(|k| &k.transactions, id.as_bytes())?
            .and_then(|bytes| Place::decode(&bytes)))
    }

    /// Transactions that touched an account, newest first, those before `before` (exclusive) only.
    pub fn account_history(
        &self,
        address: &Address,
        before: Option<HistoryKey>,
    ) -> impl Iterator<Item = Result<(HistoryKey, TxId), StoreError>> + '_ {
        let before = before.map_or(Place::LAST, |HistoryKey(place)| place);
        let key = |height: Height| [address.as_slice(), &height_key(height)[..]].concat();
        self.0
            .snapshot
            .range::<Vec<u8>, _>(&self.0.keys.account_history, key(Height(0))..=key(before.height))
            .rev()
            .flat_map(move |entry| {
                let read = || -> Result<_, StoreError> {
                    let (key, value) = entry.into_inner()?;
                    let altered = || StoreError::Altered {
                        what: "an entry of an account's history".to_owned(),
                    };
                    let height = key.get(20..).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
                    let height = Height(u64::from_be_bytes(height.ok_or_else(altered)?));
                    let (entries, rest) = value.as_chunks::<{ history::ENTRY }>();
                    if entries.is_empty() || !rest.is_empty() {
                        return Err(altered());
                    }
                    let entries = entries.iter().map(|entry| history::decode(height, entry));
                    Ok(entries.filter(|(place, _)| *place < before).collect::<Vec<_>>())
                };
                match read() {
                    Ok(entries) => entries
                        .into_iter()
                        .rev()
                        .map(|(place, id)| Ok((HistoryKey(place), id)))
                        .collect(),
                    Err(error) => vec![Err(error)],
                }
            })
    }

    /// Heights of the blocks that an address produced, newest first.
    pub fn produced(&self, address: &Address) -> impl Iterator<Item = Result<Height, StoreError>> + '_ {
        self.produced_below(address, Height(u64::MAX))
    }

    /// Heights of the blocks below `below` that an address produced, newest first; the index is entered there.
    pub(crate) fn produced_below(
        &self,
        address: &Address,
        below: Height,
    ) -> impl Iterator<Item = Result<Height, StoreError>> + '_ {
        let key = |height: Height| [address.as_slice(), &height_key(height)[..]].concat();
        self.0
            .snapshot
            .range::<Vec<u8>, _>(&self.0.keys.produced, key(Height(0))..=key(below))
            .rev()
            .map(|entry| {
                let key = entry.key()?;
                let bytes = key.get(20..).and_then(|b| <[u8; 8]>::try_from(b).ok());
                let altered = || StoreError::Altered {
                    what: "an entry of the blocks that an address produced".to_owned(),
                };
                bytes.map(|b| Height(u64::from_be_bytes(b))).ok_or_else(altered)
            })
            .filter(move |height| !height.as_ref().is_ok_and(|height| *height >= below))
    }

    /// The history range over blocks `0..blocks` of the active chain.
    pub fn history(&self, blocks: u64) -> Result<History, StoreError> {
        self.over_history(|nodes| History::open(blocks, &nodes))
    }

    /// The node of the history range at this position. Rule: docs/protocol.md#R1
    pub(crate) fn history_node(&self, position: u64) -> Result<Option<Node>, StoreError> {
        let bytes = self.get(|k| &k.history, &position.to_be_bytes())?;
        Ok(bytes.and_then(|bytes| <&[u8; NODE_BYTES]>::try_from(&bytes[..]).ok().map(Node::decode)))
    }

    /// Lets `work` read history nodes. A node that cannot be read is not one that is missing: that error is the answer.
    pub(crate) fn over_history<T>(
        &self,
        work: impl FnOnce(&dyn Fn(u64) -> Option<Node>) -> Result<T, HistoryError>,
    ) -> Result<T, StoreError> {
        let failed = Cell::new(None);
        let node = |position| match self.history_node(position) {
            Ok(node) => node,
            Err(error) => {
                failed.set(Some(error));
                None
            }
        };
        let done = work(&node);
        match failed.take() {
            Some(error) => Err(error),
            None => done.map_err(|error| match error {
                HistoryError::MissingNode { blocks, position } => StoreError::Missing {
                    what: format!("the node at position {position} of the history of {blocks} blocks"),
                },
                error => StoreError::Altered {
                    what: format!("the history of the chain ({error})"),
                },
            }),
        }
    }

    /// Every account at the tip, by address.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = Result<(Address, Account), StoreError>> + '_ {
        self.0.snapshot.iter(&self.0.keys.accounts).map(|entry| {
            let (key, value) = entry.into_inner()?;
            let address = Address::try_from(&key[..]).map_err(|_| StoreError::Altered {
                what: "the address of an account".to_owned(),
            })?;
            Ok((address, Account::decode(&value).map_err(damaged("account"))?))
        })
    }

    /// Leaves of the state tree at the tip, in no particular order. Rule: docs/protocol.md#S2
    pub fn state_leaves(&self) -> Result<Vec<(B256, B256)>, StoreError> {
        let mut leaves = Vec::new();
        for entry in self.0.snapshot.iter(&self.0.keys.accounts) {
            let (key, value) = entry.into_inner()?;
            leaves.push((account_key(&Address::from_slice(&key)), value_hash(&value)));
        }
        for entry in self.0.snapshot.iter(&self.0.keys.storage) {
            let (key, value) = entry.into_inner()?;
            let (address, slot) = key.split_at(20);
            leaves.push((
                storage_key(&Address::from_slice(address), &B256::from_slice(slot)),
                value_hash(&value),
            ));
        }
        Ok(leaves)
    }

    /// Every account, slot and code at the tip. Takes memory for all of it.
    pub fn whole_state(&self) -> Result<ChangeSet, StoreError> {
        let mut whole = ChangeSet::default();
        for entry in self.accounts() {
            let (address, account) = entry?;
            whole.accounts.insert(address, Some(account));
        }
        for entry in self.0.snapshot.iter(&self.0.keys.storage) {
            let (key, value) = entry.into_inner()?;
            let (address, slot) = key.split_at(20);
            let key = (Address::from_slice(address), B256::from_slice(slot));
            whole.storage.insert(key, B256::from_slice(&value));
        }
        for entry in self.0.snapshot.iter(&self.0.keys.codes) {
            let (hash, code) = entry.into_inner()?;
            whole
                .codes
                .insert(B256::from_slice(&hash), Bytes::copy_from_slice(&code));
        }
        Ok(whole)
    }

    /// Sum of all balances at the tip.
    pub fn total_balance(&self) -> Result<Amount, StoreError> {
        self.accounts().try_fold(Amount::ZERO, |sum, entry| {
            let (_, account) = entry?;
            sum.checked_add(account.balance).ok_or_else(|| StoreError::Altered {
                what: "an account (the balances add up to 2^256 or more)".to_owned(),
            })
        })
    }

    /// Counts the entries of the indexes; reads all of them.
    pub(crate) fn index_sizes(&self) -> Result<IndexSizes, StoreError> {
        let (snapshot, keys) = (&self.0.snapshot, &self.0.keys);
        Ok(IndexSizes {
            chain: snapshot.len(&keys.chain)? as u64,
            transactions: snapshot.len(&keys.transactions)? as u64,
            account_history: snapshot
                .iter(&keys.account_history)
                .map(|entry| Ok(entry.value()?.len() as u64 / history::ENTRY as u64))
                .sum::<Result<u64, StoreError>>()?,
            produced: snapshot.len(&keys.produced)? as u64,
        })
    }

    /// The code of a contract by its `keccak256`.
    pub(crate) fn stored_code(&self, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        let bytes = self.get(|k| &k.codes, hash.as_slice())?;
        Ok(bytes.map(|bytes| Bytes::copy_from_slice(&bytes)))
    }

    /// The envelope of a transaction in the stored pool.
    pub(crate) fn pooled(&self, id: &TxId) -> Result<Option<Bytes>, StoreError> {
        let bytes = self.get(|k| &k.pool, id.as_bytes())?;
        Ok(bytes.map(|bytes| Bytes::copy_from_slice(&bytes)))
    }

    /// Envelopes of the stored pool.
    pub fn pool(&self) -> Result<Vec<(TxId, Bytes)>, StoreError> {
        self.0
            .snapshot
            .iter(&self.0.keys.pool)
            .map(|entry| {
                let (key, value) = entry.into_inner()?;
                let id = B256::try_from(&key[..]).map_err(|_| StoreError::Altered {
                    what: "an id of the stored pool".to_owned(),
                })?;
                Ok((TxId(id), Bytes::copy_from_slice(&value)))
            })
            .collect()
    }
}

/// The state after the tip.
impl StateView for Snapshot {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        let read = || -> Result<_, StoreError> {
            self.get(|k| &k.accounts, address.as_slice())?
                .map(|bytes| Account::decode(&bytes).map_err(damaged("account")))
                .transpose()
        };
        read().map_err(|error| StateError(error.to_string()))
    }

    fn storage(&self, address: &Address, slot: &B256) -> Result<B256, StateError> {
        let key = [address.as_slice(), slot.as_slice()].concat();
        let bytes = self
            .get(|k| &k.storage, &key)
            .map_err(|error| StateError(error.to_string()))?;
        Ok(bytes.map_or(B256::ZERO, |bytes| B256::from_slice(&bytes)))
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        let code = self.stored_code(hash).map_err(|error| StateError(error.to_string()))?;
        // Run as if it were empty, it would make every block that calls it look invalid.
        code.ok_or_else(|| StateError(format!("code {hash} is missing")))
    }

    fn block_id(&self, number: Height) -> Result<Option<BlockId>, StateError> {
        self.id_at(number).map_err(|error| StateError(error.to_string()))
    }
}
