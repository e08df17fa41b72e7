//! The audit of a tab: one worker executes the chain from genesis on, others check its signatures. What is checked, and what
//! the report says, is [`tally_audit`]; here is what only a browser has. Decision: docs/adr/0025-an-audit-in-the-tab.md

// Browsers only; a native build of this package has only what its tests look at.
#[cfg(target_arch = "wasm32")]
mod fetch;
#[cfg(target_arch = "wasm32")]
mod helper;
#[cfg(target_arch = "wasm32")]
mod node;
#[cfg(any(target_arch = "wasm32", test))]
mod outcome;
#[cfg(target_arch = "wasm32")]
mod pool;
#[cfg(any(target_arch = "wasm32", test))]
mod roster;
#[cfg(target_arch = "wasm32")]
mod scope;
#[cfg(target_arch = "wasm32")]
mod web_crypto;
#[cfg(target_arch = "wasm32")]
mod worker;
