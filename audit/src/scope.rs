//! The worker that this module runs in.

use js_sys::Reflect;
use serde::{Serialize, de::DeserializeOwned};
use tally_api::worker::to_js;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

pub fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Milliseconds since 1970 by this device's clock.
pub fn now() -> f64 {
    js_sys::Date::now()
}

/// Bytes that this module's memory has grown to.
pub fn memory() -> u64 {
    let buffer = wasm_bindgen::memory()
        .unchecked_into::<js_sys::WebAssembly::Memory>()
        .buffer();
    let length = Reflect::get(&buffer, &"byteLength".into()).ok();
    length
        .and_then(|length| length.as_f64())
        .map_or(0, |length| length as u64)
}

/// Sends a message to the page or the worker that started this one.
pub fn post(message: &impl Serialize) {
    let sent = to_js(message)
        .map_err(JsValue::from)
        .and_then(|value| scope().post_message(&value));
    sent.expect("messages of the protocol are plain data");
}

/// Hands every message to `take`, for as long as the worker lives.
pub fn listen(take: impl Fn(JsValue) + 'static) {
    let callback = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| take(event.data()));
    scope().set_onmessage(Some(callback.as_ref().unchecked_ref()));
    callback.forget();
}

/// A message of the protocol; none where it is something else.
pub fn read<T: DeserializeOwned>(data: JsValue) -> Option<T> {
    serde_wasm_bindgen::from_value(data).ok()
}
