//! Vaults in IndexedDB, one for each chain, by genesis id. What is stored is public (which chain, since when) or
//! encrypted (the vault itself).

use std::cell::RefCell;

use futures::future::{Either, select};
use gloo::timers::future::TimeoutFuture;
use js_sys::{Reflect, Uint8Array};
use rexie::{ObjectStore, Rexie, Store, TransactionMode};
use serde::{Deserialize, Serialize};
use tally_api::worker::wallet::{Chain, OtherVault, WalletError};
use wasm_bindgen::{JsCast, JsValue};

const DATABASE: &str = "tally-wallet";
const STORE: &str = "vaults";
const VAULT: &str = "vault";
/// How long the database may take to open, in milliseconds: a slow disk takes a second.
const OPEN_WITHIN: u32 = 8_000;

/// What is readable about a vault without its password.
#[derive(Serialize, Deserialize)]
struct Cover {
    chain: Chain,
    created_at: u64,
}

/// The vaults of this browser.
pub struct VaultStore {
    database: Rexie,
    /// The vault as it was last read here, if it was. Rule: docs/protocol.md#W55
    seen: RefCell<Option<Option<Vec<u8>>>>,
}

impl VaultStore {
    /// Opens the database. Some browsers never answer, neither with it nor with an error: they are waited for only so long.
    pub async fn open() -> Result<Self, WalletError> {
        let opening = Rexie::builder(DATABASE)
            .version(1)
            .add_object_store(ObjectStore::new(STORE))
            .build();
        let database = match select(Box::pin(opening), TimeoutFuture::new(OPEN_WITHIN)).await {
            Either::Left((database, _)) => database.map_err(storage_error)?,
            Either::Right(_) => {
                let why = format!(
                    "its storage (IndexedDB) did not answer within {} s.",
                    OPEN_WITHIN / 1_000
                );
                return Err(WalletError::Storage(why));
            }
        };
        Ok(Self {
            database,
            seen: RefCell::new(None),
        })
    }

    /// The encrypted vault of a chain.
    pub async fn vault(&self, genesis: &str) -> Result<Option<Vec<u8>>, WalletError> {
        let transaction = self
            .database
            .transaction(&[STORE], TransactionMode::ReadOnly)
            .map_err(storage_error)?;
        let store = transaction.store(STORE).map_err(storage_error)?;
        let found = bytes_in(&store, genesis).await?;
        *self.seen.borrow_mut() = Some(found.clone());
        Ok(found)
    }

    /// The vaults of other chains than this one.
    pub async fn others(&self, genesis: &str) -> Result<Vec<OtherVault>, WalletError> {
        let transaction = self
            .database
            .transaction(&[STORE], TransactionMode::ReadOnly)
            .map_err(storage_error)?;
        let store = transaction.store(STORE).map_err(storage_error)?;
        let records = store.get_all(None, None).await.map_err(storage_error)?;
        let covers = records
            .into_iter()
            .filter_map(|record| serde_wasm_bindgen::from_value::<Cover>(record).ok());
        let others = covers.filter(|cover| cover.chain.genesis != genesis);
        Ok(others
            .map(|cover| OtherVault {
                chain: cover.chain,
                created_at: cover.created_at,
            })
            .collect())
    }

    /// Keeps a vault in the place of its chain; durable when this returns. What another tab has written since this
    /// one read is not overwritten. Rule: docs/protocol.md#W55
    pub async fn put(&self, chain: &Chain, created_at: u64, vault: &[u8]) -> Result<(), WalletError> {
        let cover = Cover {
            chain: chain.clone(),
            created_at,
        };
        let record = serde_wasm_bindgen::to_value(&cover).map_err(|error| WalletError::Storage(error.to_string()))?;
        Reflect::set(&record, &VAULT.into(), &Uint8Array::from(vault))
            .map_err(|_| WalletError::Storage("no object".to_owned()))?;
        let transaction = self
            .database
            .transaction(&[STORE], TransactionMode::ReadWrite)
            .map_err(storage_error)?;
        let store = transaction.store(STORE).map_err(storage_error)?;
        let seen = self.seen.borrow().clone();
        if let Some(seen) = seen
            && bytes_in(&store, &chain.genesis).await? != seen
        {
            return Err(WalletError::ChangedElsewhere);
        }
        let key = JsValue::from_str(&chain.genesis);
        store.put(&record, Some(&key)).await.map_err(storage_error)?;
        transaction.done().await.map(drop).map_err(storage_error)?;
        *self.seen.borrow_mut() = Some(Some(vault.to_vec()));
        Ok(())
    }

    pub async fn remove(&self, genesis: &str) -> Result<(), WalletError> {
        let transaction = self
            .database
            .transaction(&[STORE], TransactionMode::ReadWrite)
            .map_err(storage_error)?;
        let store = transaction.store(STORE).map_err(storage_error)?;
        store.delete(genesis.into()).await.map_err(storage_error)?;
        transaction.done().await.map(drop).map_err(storage_error)
    }
}

/// The encrypted vault of a chain within a transaction.
async fn bytes_in(store: &Store, genesis: &str) -> Result<Option<Vec<u8>>, WalletError> {
    let Some(record) = store.get(genesis.into()).await.map_err(storage_error)? else {
        return Ok(None);
    };
    let bytes = Reflect::get(&record, &VAULT.into()).ok();
    let bytes = bytes.and_then(|value| value.dyn_into::<Uint8Array>().ok());
    let bytes =
        bytes.ok_or_else(|| WalletError::Vault("The stored vault is damaged: it holds no bytes.".to_owned()))?;
    Ok(Some(bytes.to_vec()))
}

fn storage_error(error: rexie::Error) -> WalletError {
    WalletError::Storage(error.to_string())
}
