//! The page's end of the audit's worker.

use std::cell::RefCell;

use tally_api::worker::audit::{AuditEnd, AuditTip, FromAudit, ToAudit};
use tally_api::worker::light::Tip;
use tally_api::worker::to_js;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageEvent, Worker};

use crate::{base, browser};

/// Workers that check signatures beside the one that executes.
const MOST_HELPERS: u32 = 6;

struct Client {
    worker: Worker,
    // Called by the browser for as long as the worker lives.
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(web_sys::Event)>,
}

thread_local! {
    static CLIENT: RefCell<Option<Client>> = const { RefCell::new(None) };
}

/// Starts a worker in place of the one before; `take` is given what it sends.
pub fn start(genesis: &str, tip: Option<Tip>, take: impl Fn(FromAudit) + Clone + 'static) {
    stop();
    let ended = |take: &dyn Fn(FromAudit), why: String| take(FromAudit::Done(Box::new(AuditEnd::Ended(why))));
    let worker = match browser::module_worker("audit-worker.js", "tally-audit") {
        Ok(worker) => worker,
        Err(why) => return ended(&take, why),
    };
    let begin = ToAudit::Start {
        genesis: genesis.to_owned(),
        node: format!("{}{}", browser::origin(), base::current().as_str()),
        tip: tip.map(|Tip { height, id, .. }| AuditTip { height, id }),
        helpers: browser::threads().unwrap_or(2).saturating_sub(1).clamp(1, MOST_HELPERS),
    };
    let taking = take.clone();
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        match serde_wasm_bindgen::from_value::<FromAudit>(event.data()) {
            Ok(FromAudit::Ready) => send(&begin),
            Ok(message) => taking(message),
            Err(error) => ended(&taking, error.to_string()),
        }
    });
    let on_error = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
        let why = js_sys::Reflect::get(&event, &"message".into())
            .ok()
            .and_then(|text| text.as_string())
            .unwrap_or_else(|| "its script could not be loaded".to_owned());
        ended(&take, format!("this browser does not run the audit: {why}"));
    });
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    CLIENT.set(Some(Client {
        worker,
        _on_message: on_message,
        _on_error: on_error,
    }));
}

/// Ends the worker, and with it those that it started.
pub fn stop() {
    if let Some(client) = CLIENT.take() {
        client.worker.terminate();
    }
}

/// Sends the worker a message.
pub fn send(message: &ToAudit) {
    let message: JsValue = to_js(message).expect("messages of the protocol are plain data");
    CLIENT.with_borrow(|client| {
        if let Some(client) = client {
            let _ = client.worker.post_message(&message);
        }
    });
}
