//! A worker's own surroundings: its messages, its clock, its pauses.

use gloo::timers::future::TimeoutFuture;
use serde::{Serialize, de::DeserializeOwned};
use tally_api::worker::to_js;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Sends a message to the page.
pub fn post(message: &impl Serialize) {
    let sent = to_js(message)
        .map_err(JsValue::from)
        .and_then(|value| scope().post_message(&value));
    sent.expect("messages of the protocol are plain data");
}

/// Hands every message of the page that can be read to `take`, for as long as the worker lives.
pub fn listen<T: DeserializeOwned>(take: impl Fn(T) + 'static) {
    let callback = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Ok(message) = serde_wasm_bindgen::from_value(event.data()) {
            take(message);
        }
    });
    scope().set_onmessage(Some(callback.as_ref().unchecked_ref()));
    callback.forget();
}

/// Milliseconds since 1970 by this device's clock.
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// Lets messages in before the work goes on.
pub async fn breathe() {
    TimeoutFuture::new(0).await;
}
