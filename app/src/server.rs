//! The server's side of [`crate::reads`]: what a running node knows, in the shapes that pages show.
//!
//! Every answer is read from one tip, so its parts never contradict each other. This file only lists the parts; what each of them
//! reads from is in [`at`].

mod accounts;
mod at;
mod blocks;
mod figures;
mod lookup;
mod overview;
mod rows;
mod transactions;
mod workers;

pub use accounts::account;
pub use at::{At, ServerFacts, chain, read, this_chain};
pub use blocks::{block, block_evidence, blocks};
pub use figures::{mining, network, performance, security};
pub use lookup::search;
pub use overview::{mempool, overview};
pub use transactions::{transaction, transaction_evidence, transactions};
pub use workers::{WorkError, Workers};
