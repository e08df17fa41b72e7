//! The browser's end of the event stream: one connection for all tabs of this browser, see [`super::election`].

use std::{cell::RefCell, rc::Rc};

use gloo::timers::callback::Timeout;
use leptos::{leptos_dom::helpers::window_event_listener_untyped, prelude::*};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{EventSource, MessageEvent};

use super::{
    Change, Connection, Live, STALE_AFTER,
    election::{Act, Election, Message},
};
use crate::{
    base::{self, at_base},
    browser, format,
};

const PATH: &str = "/api/v1/events";

/// The channel between the tabs of one node: two nodes of one origin have different base paths.
fn channel() -> String {
    format!("tally-live{}", base::current().as_str())
}

/// Pause between two looks at the clock of the election, milliseconds.
const TICK: u64 = 250;

/// Least time between two readings of the same thing, milliseconds.
const THROTTLE: u32 = 1_000;

/// Pauses before a rejected stream is requested again, milliseconds; the last one repeats.
const BACKOFF: [u32; 4] = [1_000, 3_000, 10_000, 30_000];

/// Events by name, and what each changes.
const EVENTS: [(&str, Change); 5] = [
    ("block", Change::Chain),
    ("reorg", Change::Chain),
    ("transaction", Change::Pool),
    ("dropped", Change::Pool),
    ("mining", Change::Mining),
];

struct Stream {
    live: Live,
    election: Election,
    source: Option<EventSource>,
    attempts: usize,
    /// Changes that wait for the throttle or for the end of a pause.
    waiting: Vec<Change>,
    flush: Option<Timeout>,
    was_connected: bool,
}

type Shared = Rc<RefCell<Stream>>;

/// Follows the node's events for as long as the page lives, and holds the stream when it is this tab's turn.
pub fn follow(live: Live) {
    let stream = Stream {
        live,
        election: Election::new((js_sys::Math::random() * 1e15) as u64),
        source: None,
        attempts: 0,
        waiting: Vec::new(),
        flush: None,
        was_connected: false,
    };
    let shared = Rc::new(RefCell::new(stream));
    let other = shared.clone();
    browser::on_broadcast(&channel(), move |text| {
        if let Ok(message) = serde_json::from_str::<Message>(&text) {
            receive(&other, &message);
        }
    });
    for event in ["visibilitychange", "pagehide", "pageshow"] {
        let seen = shared.clone();
        let leaves = event == "pagehide";
        window_event_listener_untyped(event, move |_| show(&seen, !leaves && wanted(live)));
    }
    let needed = shared.clone();
    Effect::new(move |_| {
        live.needed.track();
        show(&needed, wanted(live));
    });
    let ticking = shared.clone();
    browser::every(TICK, move || {
        let acts = ticking.borrow_mut().election.tick(milliseconds());
        act(&ticking, acts);
    });
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

/// Whether this tab is in view, or works out of view and must follow the chain.
fn wanted(live: Live) -> bool {
    browser::is_visible() || live.needed.get_untracked()
}

fn milliseconds() -> u64 {
    js_sys::Date::now() as u64
}

fn show(shared: &Shared, shown: bool) {
    let mut stream = shared.borrow_mut();
    let was_away = stream.election.is_away();
    let acts = stream.election.show(shown, milliseconds());
    let live = stream.live;
    drop(stream);
    act(shared, acts);
    // Out of view nothing is followed, and what the page shows grows old.
    if !shown && !was_away && live.connection.get_untracked() == Connection::Live {
        live.connection.set(Connection::Reconnecting);
    }
}

fn receive(shared: &Shared, message: &Message) {
    let mut stream = shared.borrow_mut();
    let acts = stream.election.receive(message, milliseconds());
    let follows = !stream.election.is_away() && !stream.election.leads();
    drop(stream);
    act(shared, acts);
    if !follows {
        return;
    }
    match message {
        Message::Lead { connected: true, .. } => joined(shared),
        Message::Lead { connected: false, .. } => parted(shared),
        Message::Event { name, height } => {
            if let Some((_, change)) = EVENTS.iter().find(|event| event.0 == name) {
                arrived(shared, *change, *height);
            }
        }
        Message::Reset => missed(shared),
        Message::Who | Message::Leave => {}
    }
}

fn act(shared: &Shared, acts: Vec<Act>) {
    for act in acts {
        match act {
            Act::Open => open(shared),
            Act::Close => {
                if let Some(source) = shared.borrow_mut().source.take() {
                    source.close();
                }
            }
            Act::Broadcast(message) => broadcast(&message),
        }
    }
}

fn broadcast(message: &Message) {
    if let Ok(text) = serde_json::to_string(message) {
        browser::broadcast(&channel(), &text);
    }
}

fn open(shared: &Shared) {
    if !shared.borrow().election.leads() || shared.borrow().source.is_some() {
        return;
    }
    let Ok(source) = EventSource::new(&at_base(PATH)) else {
        return;
    };
    listen(&source, "open", shared, |shared, _| {
        shared.borrow_mut().attempts = 0;
        announce(shared, true);
        joined(shared);
    });
    listen(&source, "error", shared, |shared, _| lost(shared));
    for (name, change) in EVENTS {
        listen(&source, name, shared, move |shared, event| {
            let height = height_of(event);
            broadcast(&Message::Event {
                name: name.to_owned(),
                height,
            });
            arrived(shared, change, height);
        });
    }
    listen(&source, "reset", shared, |shared, _| {
        broadcast(&Message::Reset);
        missed(shared);
    });
    shared.borrow_mut().source = Some(source);
}

/// Listens for as long as the page lives; a stream that was given up no longer counts.
fn listen(source: &EventSource, name: &str, shared: &Shared, then: impl Fn(&Shared, &web_sys::Event) + 'static) {
    let (shared, own) = (shared.clone(), source.clone());
    let callback = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
        if shared.borrow().source.as_ref() == Some(&own) {
            then(&shared, &event);
        }
    });
    let _ = source.add_event_listener_with_callback(name, callback.as_ref().unchecked_ref());
    callback.forget();
}

fn announce(shared: &Shared, connected: bool) {
    let acts = shared.borrow_mut().election.connected(connected);
    act(shared, acts);
}

/// The stream is connected, this tab's or the leader's.
fn joined(shared: &Shared) {
    let mut stream = shared.borrow_mut();
    let live = stream.live;
    let again = std::mem::replace(&mut stream.was_connected, true);
    drop(stream);
    let was_live = live.connection.get_untracked() == Connection::Live;
    live.contact.set(browser::now());
    if was_live {
        return;
    }
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
    announce(shared, false);
    let mut stream = shared.borrow_mut();
    let refused = stream
        .source
        .as_ref()
        .is_some_and(|source| source.ready_state() == EventSource::CLOSED);
    if refused {
        // A plain break is retried by the browser itself; a rejection is not.
        let pause = BACKOFF[stream.attempts.min(BACKOFF.len() - 1)];
        stream.attempts += 1;
        stream.source = None;
        let again = shared.clone();
        Timeout::new(pause, move || open(&again)).forget();
    }
    drop(stream);
    parted(shared);
}

/// The stream is lost, this tab's or the leader's.
fn parted(shared: &Shared) {
    let live = shared.borrow().live;
    if live.connection.get_untracked() != Connection::Stale {
        if live.contact.get_untracked().is_none() {
            live.contact.set(browser::now());
        }
        live.connection.set(Connection::Reconnecting);
    }
}

/// The height that a `block` event names. The browser reads the JSON: a reader for all events, with all that they carry, would be in
/// every page for this one number.
fn height_of(event: &web_sys::Event) -> Option<u64> {
    let data = event.dyn_ref::<MessageEvent>()?.data().as_string()?;
    let block = js_sys::JSON::parse(&data).ok()?;
    let height = js_sys::Reflect::get(&block, &"height".into()).ok()?.as_f64()?;
    (height.fract() == 0.0 && (0.0..=js_sys::Number::MAX_SAFE_INTEGER).contains(&height)).then_some(height as u64)
}

fn arrived(shared: &Shared, change: Change, height: Option<u64>) {
    let live = shared.borrow().live;
    if change == Change::Chain {
        live.tips.update(|tips| *tips = tips.wrapping_add(1));
    }
    if change == Change::Chain
        && !live.paused.get_untracked()
        && let Some(height) = height
    {
        live.announcement.set(format!("Block {}", format::count(height)));
    }
    let mut stream = shared.borrow_mut();
    if !stream.waiting.contains(&change) {
        stream.waiting.push(change);
    }
    drop(stream);
    schedule(shared, THROTTLE);
}

/// Notifies the page of what changed, after a pause in which more may gather.
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
