//! The browser's end of the event stream.

use std::{cell::RefCell, rc::Rc};

use gloo::timers::callback::Timeout;
use leptos::prelude::*;
use serde::Deserialize;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{EventSource, MessageEvent};

use super::{Change, Connection, Live, STALE_AFTER};
use crate::{browser, format};

const PATH: &str = "/api/v1/events";

/// Least time between two readings of the same thing, milliseconds.
const THROTTLE: u32 = 1_000;

/// Pauses before a refused stream is asked for again, milliseconds; the last one repeats.
const BACKOFF: [u32; 4] = [1_000, 3_000, 10_000, 30_000];

/// Events by name, and what each changes.
const EVENTS: [(&str, Change); 5] = [
    ("block", Change::Chain),
    ("reorg", Change::Chain),
    ("transaction", Change::Pool),
    ("dropped", Change::Pool),
    ("mining", Change::Mining),
];

/// What a `block` event says.
#[derive(Deserialize)]
struct BlockEvent {
    height: u64,
}

struct Stream {
    live: Live,
    source: Option<EventSource>,
    attempts: usize,
    /// Changes that wait for the throttle or for the end of a pause.
    waiting: Vec<Change>,
    flush: Option<Timeout>,
    was_connected: bool,
}

type Shared = Rc<RefCell<Stream>>;

/// Opens the stream and keeps it open for as long as the page lives.
pub fn follow(live: Live) {
    let stream = Stream {
        live,
        source: None,
        attempts: 0,
        waiting: Vec::new(),
        flush: None,
        was_connected: false,
    };
    let shared = Rc::new(RefCell::new(stream));
    open(&shared);
    let on_resume = shared.clone();
    Effect::new(move |_| {
        if !live.paused.get() {
            schedule(&on_resume, 0);
        }
    });
    Effect::new(move |_| {
        let lost = live.connection.get() == Connection::Reconnecting;
        if lost && live.age().is_some_and(|age| age >= STALE_AFTER) {
            live.connection.set(Connection::Stale);
        }
        if live.connection.get_untracked() == Connection::Live {
            live.contact.set(live.now.get());
        }
    });
}

fn open(shared: &Shared) {
    let Ok(source) = EventSource::new(PATH) else { return };
    listen(&source, "open", shared, |shared, _| connected(shared));
    listen(&source, "error", shared, |shared, _| lost(shared));
    for (name, change) in EVENTS {
        listen(&source, name, shared, move |shared, event| {
            arrived(shared, change, event)
        });
    }
    listen(&source, "reset", shared, |shared, _| missed(shared));
    shared.borrow_mut().source = Some(source);
}

/// Listens for as long as the page lives; a stream that was given up no longer fires.
fn listen(source: &EventSource, name: &str, shared: &Shared, then: impl Fn(&Shared, &web_sys::Event) + 'static) {
    let shared = shared.clone();
    let callback = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| then(&shared, &event));
    let _ = source.add_event_listener_with_callback(name, callback.as_ref().unchecked_ref());
    callback.forget();
}

fn connected(shared: &Shared) {
    let mut stream = shared.borrow_mut();
    let live = stream.live;
    stream.attempts = 0;
    let again = std::mem::replace(&mut stream.was_connected, true);
    drop(stream);
    live.contact.set(browser::now());
    live.connection.set(Connection::Live);
    if again {
        missed(shared);
    }
}

/// Whatever happened while the stream was away is read now.
fn missed(shared: &Shared) {
    shared.borrow_mut().waiting = vec![Change::Chain, Change::Pool, Change::Mining];
    schedule(shared, 0);
}

fn lost(shared: &Shared) {
    let mut stream = shared.borrow_mut();
    let live = stream.live;
    let refused = stream
        .source
        .as_ref()
        .is_some_and(|source| source.ready_state() == EventSource::CLOSED);
    if refused {
        // A plain break is retried by the browser itself; a refusal is not.
        let pause = BACKOFF[stream.attempts.min(BACKOFF.len() - 1)];
        stream.attempts += 1;
        stream.source = None;
        let again = shared.clone();
        Timeout::new(pause, move || open(&again)).forget();
    }
    drop(stream);
    if live.connection.get_untracked() != Connection::Stale {
        if live.contact.get_untracked().is_none() {
            live.contact.set(browser::now());
        }
        live.connection.set(Connection::Reconnecting);
    }
}

fn arrived(shared: &Shared, change: Change, event: &web_sys::Event) {
    let live = shared.borrow().live;
    if change == Change::Chain {
        live.tips.update(|tips| *tips = tips.wrapping_add(1));
    }
    if change == Change::Chain && !live.paused.get_untracked() {
        let data = event
            .dyn_ref::<MessageEvent>()
            .and_then(|message| message.data().as_string());
        if let Some(block) = data.and_then(|data| serde_json::from_str::<BlockEvent>(&data).ok()) {
            live.announcement.set(format!("Block {}", format::count(block.height)));
        }
    }
    let mut stream = shared.borrow_mut();
    if !stream.waiting.contains(&change) {
        stream.waiting.push(change);
    }
    drop(stream);
    schedule(shared, THROTTLE);
}

/// Tells the page what changed, after a pause in which more may gather.
fn schedule(shared: &Shared, pause: u32) {
    let mut stream = shared.borrow_mut();
    if stream.waiting.is_empty() || stream.flush.is_some() || stream.live.paused.get_untracked() {
        return;
    }
    let later = shared.clone();
    stream.flush = Some(Timeout::new(pause, move || {
        let mut stream = later.borrow_mut();
        stream.flush = None;
        if stream.live.paused.get_untracked() {
            return;
        }
        let (live, changes) = (stream.live, std::mem::take(&mut stream.waiting));
        drop(stream);
        changes.into_iter().for_each(|change| live.refresh(change));
    }));
}
