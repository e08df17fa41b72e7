//! What an opened database holds: this chain in this format, or nothing yet.

use std::path::Path;

use tally_chain::{B256, BlockId, ChainSpec, genesis};

use super::{Commit, FORMAT_VERSION, Store, StoreError};

impl Store {
    /// Opens the database in `path`, which becomes the store of the chain of `spec` where it is empty. One of the first
    /// format is brought into today's.
    pub(super) fn open_in(path: &Path, spec: &ChainSpec) -> Result<Self, StoreError> {
        let store = Self::open_database(path)?;
        store.check_contents(path, spec)?;
        Ok(store)
    }

    fn check_contents(&self, path: &Path, spec: &ChainSpec) -> Result<(), StoreError> {
        let path = path.display().to_string();
        let Some(bytes) = self.keys.meta.get("genesis")? else {
            return self.create(spec);
        };
        let format = self.keys.meta.get("format")?;
        let format = format.and_then(|bytes| <[u8; 4]>::try_from(&bytes[..]).ok());
        match format.map_or(0, u32::from_be_bytes) {
            FORMAT_VERSION => {}
            1 => self.migrate_histories()?,
            found => {
                return Err(StoreError::WrongFormat {
                    path,
                    found,
                    expected: FORMAT_VERSION,
                });
            }
        }
        let expected = genesis::block(spec).id();
        let found = BlockId(B256::try_from(&bytes[..]).unwrap_or_default());
        match found == expected {
            true => Ok(()),
            false => Err(StoreError::WrongChain { path, found, expected }),
        }
    }

    fn create(&self, spec: &ChainSpec) -> Result<(), StoreError> {
        let mut commit = Commit::new(self);
        commit.genesis(spec);
        commit.apply()
    }
}
