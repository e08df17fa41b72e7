//! The browser's entry points: what the page's script and the workers call.

// Browsers only; a native build of this package is empty.
#![cfg(target_arch = "wasm32")]

#[cfg(feature = "workers")]
mod mining_worker;
#[cfg(feature = "workers")]
mod scan_worker;
#[cfg(feature = "workers")]
mod scope;
#[cfg(feature = "workers")]
mod vault_store;
#[cfg(feature = "workers")]
mod wallet_worker;

/// Brings the server-rendered page to life.
#[cfg(feature = "page")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    tally_app::hydrate();
}
