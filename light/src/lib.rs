//! The light client of the pages: what a worker does with proofs of a node's chain, so that a tab that holds a genesis id
//! reaches a verified tip and can check of any block whether it leads there. Rules: docs/protocol.md#F1 to #F11
//!
//! [`Client`] is pure: it returns which request is next, is given the bytes as they come, and has no clock. The browser's part
//! (requests, IndexedDB, messages) is compiled for browsers only.

mod client;
mod receipt;

#[cfg(target_arch = "wasm32")]
mod fetch;
#[cfg(target_arch = "wasm32")]
mod store;
#[cfg(target_arch = "wasm32")]
mod worker;

pub use client::{Client, Get, Kept, NoAnswer, Stopped};
pub use receipt::proved;
