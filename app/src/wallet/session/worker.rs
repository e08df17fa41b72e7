//! The page's end of the wallet's worker. On the server there is none: every request fails quietly.

#[cfg(not(feature = "hydrate"))]
pub use quiet::*;
#[cfg(feature = "hydrate")]
pub use real::*;

#[cfg(feature = "hydrate")]
mod real {
    use std::{cell::RefCell, collections::HashMap};

    use futures::channel::oneshot;
    use serde::Serialize;
    use wasm_bindgen::{JsCast, JsValue, closure::Closure};
    use web_sys::{MessageEvent, Worker};

    use crate::browser;
    use crate::wallet::protocol::{Answer, FromWorker, Request, SearchProgress, ToWorker, WalletError};

    type Waiting = oneshot::Sender<Result<Answer, WalletError>>;

    /// A worker with the requests it has not answered yet.
    struct Client {
        worker: Worker,
        /// Whether it listens; until then messages wait.
        ready: bool,
        waiting: HashMap<u32, Waiting>,
        unsent: Vec<JsValue>,
        // Called by the browser for as long as the worker lives.
        _on_message: Closure<dyn Fn(MessageEvent)>,
        _on_error: Closure<dyn Fn(web_sys::Event)>,
    }

    #[derive(Default)]
    struct Shared {
        client: Option<Client>,
        last_number: u32,
        on_progress: Option<Box<dyn Fn(SearchProgress)>>,
    }

    thread_local! {
        static SHARED: RefCell<Shared> = RefCell::default();
    }

    /// Who gets the progress of a search.
    pub fn on_progress(callback: impl Fn(SearchProgress) + 'static) {
        SHARED.with_borrow_mut(|shared| shared.on_progress = Some(Box::new(callback)));
    }

    /// Sends the worker a request, starting one if none runs.
    pub async fn request(request: Request) -> Result<Answer, WalletError> {
        let receiver = SHARED.with_borrow_mut(|shared| {
            if shared.client.is_none() {
                shared.client = Some(start()?);
            }
            shared.last_number = shared.last_number.wrapping_add(1);
            let number = shared.last_number;
            let message = message(&ToWorker::Request { number, request })?;
            let client = shared.client.as_mut().ok_or_else(|| lost("it is gone"))?;
            let (sender, receiver) = oneshot::channel();
            client.waiting.insert(number, sender);
            client.send(message)?;
            Ok(receiver)
        })?;
        receiver.await.unwrap_or(Err(WalletError::Locked))
    }

    /// Stops the search under way.
    pub fn cancel() {
        SHARED.with_borrow_mut(|shared| {
            if let (Some(client), Ok(message)) = (shared.client.as_mut(), message(&ToWorker::Cancel)) {
                let _ = client.send(message);
            }
        });
    }

    /// Ends the worker, and with it all memory that held a secret.
    pub fn stop() {
        let client = SHARED.with_borrow_mut(|shared| shared.client.take());
        if let Some(client) = client {
            client.worker.terminate();
        }
    }

    impl Client {
        fn send(&mut self, message: JsValue) -> Result<(), WalletError> {
            if !self.ready {
                self.unsent.push(message);
                return Ok(());
            }
            self.worker
                .post_message(&message)
                .map_err(|_| lost("it takes no messages"))
        }
    }

    fn start() -> Result<Client, WalletError> {
        let worker = browser::module_worker("wallet-worker.js", "tally-wallet").map_err(|why| lost(&why))?;
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(|event: MessageEvent| received(event.data()));
        let on_error = Closure::<dyn Fn(web_sys::Event)>::new(|event: web_sys::Event| {
            let why = js_sys::Reflect::get(&event, &"message".into())
                .ok()
                .and_then(|text| text.as_string());
            failed(&why.unwrap_or_else(|| "its script could not be loaded".to_owned()));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Client {
            worker,
            ready: false,
            waiting: HashMap::new(),
            unsent: Vec::new(),
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    fn received(data: JsValue) {
        match serde_wasm_bindgen::from_value::<FromWorker>(data) {
            Ok(FromWorker::Ready) => SHARED.with_borrow_mut(|shared| {
                let Some(client) = shared.client.as_mut() else { return };
                client.ready = true;
                for message in std::mem::take(&mut client.unsent) {
                    let _ = client.worker.post_message(&message);
                }
            }),
            Ok(FromWorker::Answer { number, outcome }) => {
                let waiting = SHARED
                    .with_borrow_mut(|shared| shared.client.as_mut().and_then(|client| client.waiting.remove(&number)));
                if let Some(waiting) = waiting {
                    let _ = waiting.send(outcome);
                }
            }
            Ok(FromWorker::Progress(progress)) => SHARED.with_borrow(|shared| {
                if let Some(callback) = &shared.on_progress {
                    callback(progress);
                }
            }),
            Err(error) => failed(&error.to_string()),
        }
    }

    /// Fails all that wait, and gives the worker up.
    fn failed(why: &str) {
        let client = SHARED.with_borrow_mut(|shared| shared.client.take());
        let Some(client) = client else { return };
        client.worker.terminate();
        for waiting in client.waiting.into_values() {
            let _ = waiting.send(Err(lost(why)));
        }
    }

    fn lost(why: &str) -> WalletError {
        WalletError::Worker(why.to_owned())
    }

    fn message(message: &impl Serialize) -> Result<JsValue, WalletError> {
        tally_api::worker::to_js(message).map_err(|error| lost(&error.to_string()))
    }
}

#[cfg(not(feature = "hydrate"))]
mod quiet {
    use crate::wallet::protocol::{Answer, Request, SearchProgress, WalletError};

    pub fn on_progress(_callback: impl Fn(SearchProgress) + 'static) {}
    pub async fn request(_request: Request) -> Result<Answer, WalletError> {
        Err(WalletError::Worker("there is none on the server".to_owned()))
    }
    pub fn cancel() {}
    pub fn stop() {}
}
