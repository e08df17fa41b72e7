//! All the I/O of a Tally node but its network: store, import pipeline, mempool, miner, events.
//!
//! [`Node`] is the façade: tip and reads ([`Tip`], [`Snapshot`]), [`Node::import_block`], [`Node::submit`], [`Node::events`]. A
//! block travels through [`pipeline`], and is written to the [`store`]: these two modules are for tests that damage or compare
//! what is stored, and `cargo xtask check` keeps other crates from naming them. Peers are the crate `tally-network`: it reads and
//! changes a node through the same doors as the API does, and this crate knows nothing of it.

#![deny(missing_docs)]

mod account_pages;
pub mod audit;
mod checkpoint;
mod clock;
mod config;
pub mod counted;
mod events;
mod health;
mod keeper;
pub mod light;
pub mod mempool;
pub mod miner;
mod mining;
mod node;
pub mod pipeline;
mod pool_view;
mod pool_writer;
mod reads;
mod stats;
pub mod store;
mod stored;
mod submit;
pub mod supervise;
mod templates;
pub mod verifier;
pub mod workers;

// Nothing of a node: how all packages of the program read files.
pub mod regular_file;

pub use account_pages::{AccountPage, AccountPageError, HistoryCursor, HistoryEntry, Lines, NoCursor, Reward};
pub use checkpoint::{Checkpoint, CheckpointConfig, MAX_PART_BYTES, StateSnapshot};
pub use clock::ClockReading;
pub use config::{DEFAULT_MAX_REORG_DEPTH, MiningConfig, NodeConfig};
pub use events::{ChainEvent, Events, Numbered};
pub use health::{Health, NetworkFindings, NotReady};
pub use light::{BLOCKS_AT_ONCE, HEADERS_AT_ONCE, LightProof, LightReadError, PROVED_BELOW_TIP};
pub use miner::MiningJob;
pub use mining::{Mining, MiningStatus};
pub use node::{Clock, Node, system_clock};
pub use pipeline::{Advance, ImportError, Imported, Moved, Tip};
pub use reads::{BlockKey, FullBlock, Included, Located, ProvenAccount};
pub use store::{BlockRecord, HistoryKey, Place, Snapshot, Status, StoreError};
pub use submit::{SubmitError, Submitted};
pub use templates::{MAX_PRODUCERS, MAX_PRODUCERS_PER_CLIENT, TemplateError, Work, WorkError};
// Parts of [`ImportError`] and of [`StoreError`], for callers that distinguish them.
pub use tally_ledger::{ChangeSet, ExecutionError, InclusionError, StateError};
