//! What the tests of several packages share.
//!
//! A dev-dependency only, which `cargo xtask check` holds: nothing of it ships. Packages that it uses itself (`chain`,
//! `ledger`) use it in `tests/` and `benches/`. Their tests in `src/` are another build of the same crate, whose types are
//! others: they use what needs no such type, as [`corpora()`].

#![deny(missing_docs)]

#[cfg(feature = "chain")]
pub mod chain;
mod corpora;
#[cfg(feature = "chain")]
pub mod keys;
pub mod memory;
mod pipe;
pub mod process;

pub use corpora::corpora;
pub use pipe::pipe;

/// PUBLIC: the phrase of many handbooks. The keys of its accounts are published.
pub const PUBLIC_PHRASE: &str = "test test test test test test test test test test test junk";
