//! Stores of earlier formats, brought into today's.

use std::collections::BTreeMap;

use fjall::PersistMode;

use super::{FORMAT_VERSION, Store, StoreError};

impl Store {
    /// Brings the histories of format 1 (an entry for each transaction: `address || height || index` -> id) into today's.
    /// Where it is cut off, the next start does it again from what is still there.
    pub(super) fn migrate_histories(&self) -> Result<(), StoreError> {
        let old = self.database.keyspace("account_history", Default::default)?;
        let mut entries: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for entry in old.iter() {
            let (key, id) = entry.into_inner()?;
            let (account, index) = key.split_at(28.min(key.len()));
            entries
                .entry(account.to_vec())
                .or_default()
                .extend([index, &id[..]].concat());
        }
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in entries {
            batch.insert(&self.keys.account_history, key, value);
        }
        batch.insert(&self.keys.meta, "format", FORMAT_VERSION.to_be_bytes());
        self.write(batch, 0)?;
        Ok(self.database.delete_keyspace(old)?)
    }
}

#[cfg(test)]
mod tests {
    use tally_chain::{Address, B256, ChainSpec, Height, TxId};

    use super::*;
    use crate::store::{HistoryKey, Place};

    #[test]
    fn histories_of_the_first_format_are_taken_over() {
        let (folder, spec) = (tempfile::tempdir().unwrap(), ChainSpec::built_in("test").unwrap());
        let (account, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let place = |height, index| Place {
            height: Height(height),
            index,
        };
        let places = [place(3, 0), place(3, 2), place(9, 1)];
        let id = |place: &Place| TxId(B256::repeat_byte(place.height.0 as u8 + place.index as u8));
        {
            let store = Store::open(folder.path(), &spec).unwrap();
            let old = store.database.keyspace("account_history", Default::default).unwrap();
            for place in &places {
                let key = [account.as_slice(), &place.encode()[..]].concat();
                old.insert(key, &id(place).as_bytes()[..]).unwrap();
            }
            let key = [other.as_slice(), &place(4, 7).encode()[..]].concat();
            old.insert(key, &id(&place(4, 7)).as_bytes()[..]).unwrap();
            store.keys.meta.insert("format", 1u32.to_be_bytes()).unwrap();
            store.sync().unwrap();
        }
        // The second start finds nothing more to do.
        for _ in 0..2 {
            let store = Store::open(folder.path(), &spec).unwrap();
            let snapshot = store.snapshot();
            let history = |address, before| {
                let entries = snapshot.account_history(address, before);
                entries.map(|entry| entry.unwrap().0.0).collect::<Vec<_>>()
            };
            assert_eq!(history(&account, None), [places[2], places[1], places[0]]);
            assert_eq!(history(&account, Some(HistoryKey(places[1]))), [places[0]]);
            assert_eq!(history(&other, None), [place(4, 7)]);
            assert_eq!(snapshot.index_sizes().unwrap().account_history, 4);
            let found = snapshot.account_history(&account, None).next().unwrap().unwrap();
            assert_eq!(found.1, id(&places[2]));
        }
    }
}
