//! What a page and its workers send each other, by [`postMessage`]. Both sides are of one build: these forms are no part of
//! the interface of the node, and may change with it.
//!
//! [`postMessage`]: https://developer.mozilla.org/docs/Web/API/Worker/postMessage

pub mod audit;
pub mod light;
pub mod miner;
pub mod scanner;
pub mod wallet;

/// A message as `postMessage` takes it.
///
/// # Errors
/// None for the messages of these modules, whatever stands in them: integers of 2^53 and more, which a node or a file may have
/// put there, become big integers, which are read as well.
#[cfg(target_arch = "wasm32")]
pub fn to_js(message: &impl serde::Serialize) -> Result<wasm_bindgen::JsValue, serde_wasm_bindgen::Error> {
    let exact = serde_wasm_bindgen::Serializer::new().serialize_large_number_types_as_bigints(true);
    // Numbers are cheaper, and nearly always enough.
    serde_wasm_bindgen::to_value(message).or_else(|_| message.serialize(&exact))
}
