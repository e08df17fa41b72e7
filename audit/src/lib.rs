//! The audit of a tab: one worker executes the chain from genesis on, others check its signatures. What is checked, and what
//! the report says, is [`tally_audit`]; here is what only a browser has. Decision: docs/adr/0025-an-audit-in-the-tab.md

// Browsers only; a native build of this package is empty.
#![cfg(target_arch = "wasm32")]

mod fetch;
mod helper;
mod node;
mod outcome;
mod pool;
mod scope;
mod web_crypto;
mod worker;
