//! The page's end of the light client's worker.

use std::{cell::RefCell, collections::HashMap};

use futures::channel::oneshot;
use tally_api::worker::light::{BlockVerdict, FromLight, Phase, State, Tip, ToLight};
use tally_api::worker::to_js;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageEvent, Worker};

use super::outcome::Unproved;
use crate::{base, browser, model::BlockEvidence};

/// The worker with the messages that it has not received yet.
struct Client {
    worker: Worker,
    /// Whether it listens; until then messages wait.
    ready: bool,
    unsent: Vec<JsValue>,
    // Called by the browser for as long as the worker lives.
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(web_sys::Event)>,
}

#[derive(Default)]
struct Shared {
    client: Option<Client>,
    /// Why there is none.
    lost: Option<String>,
    last_number: u32,
    waiting: HashMap<u32, oneshot::Sender<BlockVerdict>>,
    /// Those who wait for the outcome of a receipt's proof.
    proving: HashMap<u32, oneshot::Sender<Result<Tip, Unproved>>>,
    on_state: Option<Box<dyn Fn(State)>>,
}

thread_local! {
    static SHARED: RefCell<Shared> = RefCell::default();
}

/// Starts the worker; `on_state` is given its state whenever that changes.
pub fn start(genesis: &str, on_state: impl Fn(State) + 'static) {
    SHARED.with_borrow_mut(|shared| shared.on_state = Some(Box::new(on_state)));
    match client() {
        Ok(client) => SHARED.with_borrow_mut(|shared| shared.client = Some(client)),
        Err(why) => return failed(&why),
    }
    send(&ToLight::Start {
        genesis: genesis.to_owned(),
        node: format!("{}{}", browser::origin(), base::current().as_str()),
    });
}

/// Sends the worker a message, or keeps it until the worker listens.
pub fn send(message: &ToLight) {
    let message = to_js(message).expect("messages of the protocol are plain data");
    SHARED.with_borrow_mut(|shared| {
        let Some(client) = shared.client.as_mut() else { return };
        match client.ready {
            true => drop(client.worker.post_message(&message)),
            false => client.unsent.push(message),
        }
    });
}

/// What the worker finds about a block.
pub async fn check(block: &BlockEvidence) -> BlockVerdict {
    let waiting = SHARED.with_borrow_mut(|shared| {
        if let Some(why) = &shared.lost {
            return Err(why.clone());
        }
        shared.last_number = shared.last_number.wrapping_add(1);
        let (sender, receiver) = oneshot::channel();
        shared.waiting.insert(shared.last_number, sender);
        Ok((shared.last_number, receiver))
    });
    let (request, receiver) = match waiting {
        Ok(waiting) => waiting,
        Err(why) => return BlockVerdict::Unknown(why),
    };
    send(&ToLight::Check {
        request,
        header: block.header.clone(),
        manifest: block.manifest.clone(),
    });
    let lost = || BlockVerdict::Unknown("the light client ended".to_owned());
    receiver.await.unwrap_or_else(|_| lost())
}

/// What the worker finds about the proof of a receipt. `chain`: spec and proof as JSON.
pub async fn prove(genesis: String, chain: String) -> Result<Tip, Unproved> {
    let (request, receiver) = SHARED.with_borrow_mut(|shared| {
        if let Some(why) = &shared.lost {
            return Err(Unproved::NotHere(why.clone()));
        }
        shared.last_number = shared.last_number.wrapping_add(1);
        let (sender, receiver) = oneshot::channel();
        shared.proving.insert(shared.last_number, sender);
        Ok((shared.last_number, receiver))
    })?;
    send(&ToLight::Prove {
        request,
        genesis,
        chain,
    });
    let lost = || Err(Unproved::NotHere("the light client ended".to_owned()));
    receiver.await.unwrap_or_else(|_| lost())
}

fn client() -> Result<Client, String> {
    let worker = browser::module_worker("light-worker.js", "tally-light")?;
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
        unsent: Vec::new(),
        _on_message: on_message,
        _on_error: on_error,
    })
}

fn received(data: JsValue) {
    match serde_wasm_bindgen::from_value::<FromLight>(data) {
        Ok(FromLight::Ready) => SHARED.with_borrow_mut(|shared| {
            let Some(client) = shared.client.as_mut() else { return };
            client.ready = true;
            for message in std::mem::take(&mut client.unsent) {
                let _ = client.worker.post_message(&message);
            }
        }),
        Ok(FromLight::State(state)) => show(*state),
        Ok(FromLight::Checked { request, verdict }) => {
            let waiting = SHARED.with_borrow_mut(|shared| shared.waiting.remove(&request));
            if let Some(waiting) = waiting {
                let _ = waiting.send(verdict);
            }
        }
        Ok(FromLight::Proved { request, outcome }) => {
            let waiting = SHARED.with_borrow_mut(|shared| shared.proving.remove(&request));
            if let Some(waiting) = waiting {
                let _ = waiting.send(outcome.map_err(Unproved::from));
            }
        }
        Err(error) => failed(&error.to_string()),
    }
}

/// The one who is shown states may send messages meanwhile.
fn show(state: State) {
    let on_state = SHARED.with_borrow_mut(|shared| shared.on_state.take());
    let Some(on_state) = on_state else { return };
    on_state(state);
    SHARED.with_borrow_mut(|shared| shared.on_state = Some(on_state));
}

/// There is no light client: all that waits gets no verdict.
fn failed(why: &str) {
    let why = format!("this browser does not run the light client: {why}");
    let (client, waiting, proving) = SHARED.with_borrow_mut(|shared| {
        shared.lost = Some(why.clone());
        let waiting = std::mem::take(&mut shared.waiting);
        (shared.client.take(), waiting, std::mem::take(&mut shared.proving))
    });
    if let Some(client) = client {
        client.worker.terminate();
    }
    for waiting in waiting.into_values() {
        let _ = waiting.send(BlockVerdict::Unknown(why.clone()));
    }
    for proving in proving.into_values() {
        let _ = proving.send(Err(Unproved::NotHere(why.clone())));
    }
    show(State {
        phase: Phase::Unverified(why),
        ..State::default()
    });
}
