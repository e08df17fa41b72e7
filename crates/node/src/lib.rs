//! All the I/O of a Tally node but its network: store, import pipeline, mempool, miner, events.
//!
//! [`Node`] is the façade; a block travels through [`pipeline`], a transaction through [`Node::submit`]. Peers are the crate
//! `tally-network`: it reads and changes a node through the same doors as the API does, and this crate knows nothing of it.

#![deny(missing_docs)]

mod account_pages;
pub mod audit;
pub mod checkpoint;
mod clock;
pub mod config;
pub mod counted;
pub mod events;
pub mod health;
mod keeper;
pub mod light;
pub mod mempool;
pub mod miner;
pub mod mining;
mod node;
pub mod pipeline;
mod pool_view;
mod pool_writer;
pub mod reads;
pub mod stats;
pub mod store;
mod submit;
pub mod supervise;
mod templates;
pub mod verifier;
pub mod workers;

pub use account_pages::{AccountPage, AccountPageError, HistoryCursor, HistoryEntry, Lines, NoCursor, Reward};
pub use checkpoint::{Checkpoint, CheckpointConfig, StateSnapshot};
pub use clock::ClockReading;
pub use config::{DEFAULT_MAX_REORG_DEPTH, MiningConfig, NodeConfig};
pub use events::{ChainEvent, Events, Numbered};
pub use health::{Health, NetworkFindings, NotReady};
pub use light::{HEADERS_AT_ONCE, LightProof, LightReadError, PROVED_BELOW_TIP};
pub use miner::MiningJob;
pub use mining::{Mining, MiningStatus};
pub use node::{Clock, Node, system_clock};
pub use pipeline::{Advance, ImportError, Imported, Moved, Pipeline, Preparation, Prepared, Tip};
pub use reads::{BlockKey, FullBlock, Included, Located, ProvenAccount};
pub use store::{BlockRecord, HistoryKey, Place, Snapshot, Status, Store, StoreError};
pub use submit::{SubmitError, Submitted};
pub use templates::{MAX_PRODUCERS, MAX_PRODUCERS_PER_CLIENT, TemplateError, Work, WorkError};
// Parts of [`ImportError`] and of [`StoreError`], for callers that distinguish them.
pub use tally_ledger::{ChangeSet, ExecutionError, InclusionError, StateError};
