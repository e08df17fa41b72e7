//! The worker: messages of the page, and one request to the node after the other.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::select;
use gloo::timers::future::TimeoutFuture;
use serde::{Serialize, de::DeserializeOwned};
use tally_api::worker::light::{FromLight, State, Tip, ToLight};
use tally_api::worker::to_js;
use tally_chain::UnixSecs;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{BroadcastChannel, DedicatedWorkerGlobalScope, MessageEvent};

use crate::fetch;
use crate::store::Store;
use crate::{Client, proved};

/// The page is shown progress so often at most, in milliseconds.
const REPORT_MS: u64 = 100;
/// Where the light clients of a browser's tabs notify each other, by genesis id, that what is kept was forgotten.
const CHANNEL: &str = "tally-light";
/// Longest wait for something to do, in milliseconds: clocks may be put.
const LONGEST_WAIT_MS: u64 = 60_000;

/// What the messages and the work share.
struct Shared {
    client: RefCell<Option<Client>>,
    /// Whether the page requested to forget what is kept.
    forget: Cell<bool>,
    /// The state that the page was shown last, and when, in milliseconds.
    shown: RefCell<(State, u64)>,
    wake: UnboundedSender<()>,
    /// The other tabs' light clients, where the browser has a channel to them.
    others: RefCell<Option<BroadcastChannel>>,
}

/// Runs the worker. Called once by its script.
#[wasm_bindgen]
pub fn light_worker() {
    console_error_panic_hook::set_once();
    let (wake, woken) = unbounded();
    let shared = Rc::new(Shared {
        client: RefCell::new(None),
        forget: Cell::new(false),
        shown: RefCell::default(),
        wake,
        others: RefCell::default(),
    });
    let woken = RefCell::new(Some(woken));
    listen(move |message: ToLight| match message {
        ToLight::Start { genesis, node } => {
            if let (Some(woken), Ok(id)) = (woken.take(), genesis.parse()) {
                // At once: the next message may be a check.
                shared.client.replace(Some(Client::new(id, None)));
                shared.follow_others(&genesis);
                spawn_local(work(shared.clone(), genesis, node, woken));
            }
        }
        // It needs nothing of the client, and nothing that it waits for.
        ToLight::Prove {
            request,
            genesis,
            chain,
        } => {
            let begun = now();
            let proved = proved(&genesis, &chain, UnixSecs(begun / 1_000));
            let outcome = proved.map(|tip| Tip {
                millis: Some(now().saturating_sub(begun)),
                ..tip
            });
            post(&FromLight::Proved { request, outcome });
        }
        other => {
            shared.take(other);
            // Fails where nothing works: then the message is of no use either.
            let _ = shared.wake.unbounded_send(());
        }
    });
    post(&FromLight::Ready);
}

impl Shared {
    fn take(&self, message: ToLight) {
        let mut client = self.client.borrow_mut();
        let Some(client) = client.as_mut() else { return };
        match message {
            ToLight::Look => client.look(),
            ToLight::Check {
                request,
                header,
                manifest,
            } => client.check(request, &header, &manifest),
            ToLight::CheckAll => client.check_all(),
            ToLight::Stop => client.stop(),
            ToLight::Forget => {
                client.forget();
                self.forget.set(true);
            }
            ToLight::Start { .. } | ToLight::Prove { .. } => {}
        }
    }

    /// Forgets with the other tabs: they would keep again what the reader has this browser forget.
    fn follow_others(self: &Rc<Self>, genesis: &str) {
        // Some browsers have none: then each tab forgets by its own button.
        let Ok(channel) = BroadcastChannel::new(CHANNEL) else {
            return;
        };
        let (shared, genesis) = (self.clone(), genesis.to_owned());
        let callback = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if event.data().as_string().as_ref() == Some(&genesis) {
                shared.with(Client::forget);
                let _ = shared.wake.unbounded_send(());
            }
        });
        channel.set_onmessage(Some(callback.as_ref().unchecked_ref()));
        callback.forget();
        self.others.replace(Some(channel));
    }

    /// Notifies the other tabs.
    fn notify_others(&self, genesis: &str) {
        if let Some(channel) = &*self.others.borrow() {
            let _ = channel.post_message(&genesis.into());
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Client) -> T) -> T {
        let mut client = self.client.borrow_mut();
        work(client.as_mut().expect("it is made before anything else is done"))
    }

    /// Sends the page what it has not seen: verdicts at once, the state if it changed and `now` is due.
    fn report(&self, now: u64, at_once: bool) {
        for (request, verdict) in self.with(Client::take_verdicts) {
            post(&FromLight::Checked { request, verdict });
        }
        let mut shown = self.shown.borrow_mut();
        if !at_once && now < shown.1 + REPORT_MS {
            return;
        }
        let state = self.with(|client| client.state());
        if state != shown.0 {
            post(&FromLight::State(Box::new(state.clone())));
            *shown = (state, now);
        }
    }
}

/// One request after the other, for as long as the worker lives.
async fn work(shared: Rc<Shared>, genesis: String, node: String, mut woken: UnboundedReceiver<()>) {
    let store = Store::open().await;
    let kept = store.kept(&genesis).await;
    shared.with(|client| client.remember(kept));
    loop {
        if shared.forget.take() {
            store.forget(&genesis).await;
            shared.notify_others(&genesis);
        }
        if let Some(kept) = shared.with(Client::take_kept) {
            store.keep(&genesis, &kept).await;
        }
        let Some(get) = shared.with(|client| client.next(now())) else {
            shared.report(now(), true);
            rest(&shared, &mut woken).await;
            continue;
        };
        let outcome = fetch::get(&node, &get, |part| {
            let taken = shared.with(|client| client.part_came(part));
            shared.report(now(), false);
            taken
        });
        let outcome = outcome.await;
        shared.with(|client| client.ended(outcome, now()));
        shared.report(now(), false);
    }
}

/// Waits for a message, or until something is due.
async fn rest(shared: &Shared, woken: &mut UnboundedReceiver<()>) {
    let due = shared.with(|client| client.due());
    let wait = due.map_or(LONGEST_WAIT_MS, |due| {
        due.saturating_sub(now()).clamp(1, LONGEST_WAIT_MS)
    });
    let wait = u32::try_from(wait).unwrap_or(u32::MAX);
    select(woken.next(), TimeoutFuture::new(wait)).await;
    // Many messages are one reason to look.
    while woken.try_recv().is_ok() {}
}

/// Milliseconds since 1970 by this device's clock.
fn now() -> u64 {
    js_sys::Date::now() as u64
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Sends a message to the page.
fn post(message: &impl Serialize) {
    let sent = to_js(message)
        .map_err(JsValue::from)
        .and_then(|value| scope().post_message(&value));
    sent.expect("messages of the protocol are plain data");
}

/// Hands every message of the page that can be read to `take`, for as long as the worker lives.
fn listen<T: DeserializeOwned>(take: impl Fn(T) + 'static) {
    let callback = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Ok(message) = serde_wasm_bindgen::from_value(event.data()) {
            take(message);
        }
    });
    scope().set_onmessage(Some(callback.as_ref().unchecked_ref()));
    callback.forget();
}
