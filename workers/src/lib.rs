//! The browser's workers: what holds keys and signs, what mines, what reads QR codes.

// Browsers only; a native build of this package is empty.
#![cfg(target_arch = "wasm32")]

mod mining_worker;
mod scan_worker;
mod scope;
mod vault_store;
mod wallet_worker;
