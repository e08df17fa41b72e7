//! The browser's entry points: what the page's script and the workers call.

// Browsers only; a native build of this package is empty.
#![cfg(target_arch = "wasm32")]

mod mining_worker;
mod scope;
mod vault_store;
mod wallet_worker;

use wasm_bindgen::prelude::wasm_bindgen;

/// Brings the server-rendered page to life.
#[wasm_bindgen]
pub fn hydrate() {
    tally_app::hydrate();
}
