//! What the page's script calls.

// Browsers only; a native build of this package is empty.
#![cfg(target_arch = "wasm32")]

/// Loads the code that this page needs beside the frame's; the two below need it.
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn load() -> Result<(), wasm_bindgen::JsValue> {
    tally_app::load().await.map_err(wasm_bindgen::JsValue::from)
}

/// Brings the server-rendered page to life.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    tally_app::hydrate();
}

/// Renders the page in the browser alone, where what the server sent was changed on its way.
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn render_anew() -> Result<(), wasm_bindgen::JsValue> {
    tally_app::render_anew().await.map_err(wasm_bindgen::JsValue::from)
}
