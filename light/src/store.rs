//! What is kept in IndexedDB, by genesis id. Nothing of it is secret, and where nothing can be kept a visit begins anew.

use futures::future::{Either, select};
use gloo::timers::future::TimeoutFuture;
use rexie::{ObjectStore, Rexie, TransactionMode};
use wasm_bindgen::JsValue;

use crate::Kept;

const DATABASE: &str = "tally-light";
const STORE: &str = "tips";
/// How long the database may take to open, in milliseconds. Some browsers never answer.
const OPEN_WITHIN: u32 = 4_000;

/// The tips that this browser has verified.
pub struct Store(Option<Rexie>);

impl Store {
    pub async fn open() -> Self {
        let opening = Rexie::builder(DATABASE)
            .version(1)
            .add_object_store(ObjectStore::new(STORE))
            .build();
        match select(Box::pin(opening), TimeoutFuture::new(OPEN_WITHIN)).await {
            Either::Left((database, _)) => Self(database.ok()),
            Either::Right(_) => Self(None),
        }
    }

    /// What is kept of a chain; none where it cannot be read.
    pub async fn kept(&self, genesis: &str) -> Option<Kept> {
        let transaction = self.0.as_ref()?.transaction(&[STORE], TransactionMode::ReadOnly).ok()?;
        let found = transaction.store(STORE).ok()?.get(genesis.into()).await.ok()??;
        serde_json::from_str(&found.as_string()?).ok()
    }

    /// Keeps a tip, unless what another tab has kept stays in its place. Rule: docs/protocol.md#F10
    pub async fn keep(&self, genesis: &str, kept: &Kept) -> Option<()> {
        let text = serde_json::to_string(kept).ok()?;
        let transaction = self
            .0
            .as_ref()?
            .transaction(&[STORE], TransactionMode::ReadWrite)
            .ok()?;
        let store = transaction.store(STORE).ok()?;
        let key = JsValue::from_str(genesis);
        let found = store.get(key.clone()).await.ok()?.and_then(|found| found.as_string());
        let found = found.and_then(|text| serde_json::from_str::<Kept>(&text).ok());
        if found.is_some_and(|found| kept.gives_way_to(&found)) {
            return None;
        }
        store.put(&JsValue::from_str(&text), Some(&key)).await.ok()?;
        transaction.done().await.map(drop).ok()
    }

    pub async fn forget(&self, genesis: &str) -> Option<()> {
        let transaction = self
            .0
            .as_ref()?
            .transaction(&[STORE], TransactionMode::ReadWrite)
            .ok()?;
        transaction.store(STORE).ok()?.delete(genesis.into()).await.ok()?;
        transaction.done().await.map(drop).ok()
    }
}
