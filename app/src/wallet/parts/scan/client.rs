//! The worker that looks for QR codes, as the page uses it.

use std::cell::RefCell;

use futures::channel::oneshot;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageEvent, Worker};

use crate::browser;
use tally_api::worker::scanner::{FromScanner, Picture};

type Outcome = Result<Option<String>, String>;

struct Client {
    worker: Worker,
    ready: bool,
    /// What is to be sent once it listens.
    unsent: Option<JsValue>,
    waiting: Option<oneshot::Sender<Outcome>>,
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(web_sys::Event)>,
}

thread_local! {
    static CLIENT: RefCell<Option<Client>> = const { RefCell::new(None) };
}

/// Looks for a code; an earlier request that still waits is dropped.
pub async fn look(picture: Picture) -> Outcome {
    let message = serde_wasm_bindgen::to_value(&picture).map_err(|error| error.to_string())?;
    let (sender, receiver) = oneshot::channel();
    CLIENT.with_borrow_mut(|client| -> Result<(), String> {
        let client = match client {
            Some(client) => client,
            None => client.insert(start()?),
        };
        client.waiting = Some(sender);
        match client.ready {
            true => client
                .worker
                .post_message(&message)
                .map_err(|_| "the picture could not be handed on".to_owned()),
            false => {
                client.unsent = Some(message);
                Ok(())
            }
        }
    })?;
    receiver.await.unwrap_or(Ok(None))
}

/// Ends the worker.
pub fn stop() {
    if let Some(client) = CLIENT.take() {
        client.worker.terminate();
    }
}

fn start() -> Result<Client, String> {
    let worker = browser::module_worker("scan-worker.js", "tally-scan")?;
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(|event: MessageEvent| received(event.data()));
    let on_error = Closure::<dyn Fn(web_sys::Event)>::new(|_: web_sys::Event| {
        answer(Err("This picture could not be looked at.".to_owned()));
        stop();
    });
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    Ok(Client {
        worker,
        ready: false,
        unsent: None,
        waiting: None,
        _on_message: on_message,
        _on_error: on_error,
    })
}

fn received(data: JsValue) {
    match serde_wasm_bindgen::from_value::<FromScanner>(data) {
        Ok(FromScanner::Ready) => CLIENT.with_borrow_mut(|client| {
            let Some(client) = client else { return };
            client.ready = true;
            if let Some(message) = client.unsent.take() {
                let _ = client.worker.post_message(&message);
            }
        }),
        Ok(FromScanner::Seen(text)) => answer(Ok(text)),
        Err(error) => answer(Err(error.to_string())),
    }
}

fn answer(outcome: Outcome) {
    let waiting = CLIENT.with_borrow_mut(|client| client.as_mut().and_then(|client| client.waiting.take()));
    if let Some(waiting) = waiting {
        let _ = waiting.send(outcome);
    }
}
