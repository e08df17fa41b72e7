//! The workers that check signatures.

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot;
use futures::future::{Either, select};
use gloo::timers::future::TimeoutFuture;
use js_sys::{Array, Uint8Array};
use tally_audit::Claim;
use tally_audit::claims::encode;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::roster::Roster;

/// Claims that are handed out at once: enough to make messages cheap, few enough to keep all workers busy.
const BATCH: usize = 128;
/// How long a worker may take until it listens, in milliseconds.
const READY_MS: u32 = 20_000;
/// How long a worker that has claims may answer none, in milliseconds: many times what the slowest claims of one batch take.
const SILENCE_MS: u32 = 30_000;

type Waiting = Rc<RefCell<Roster<oneshot::Sender<Vec<u8>>>>>;

struct Helper {
    worker: Worker,
    // Called by the browser for as long as the worker lives.
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(Event)>,
}

/// All of them; those that are lost keep their places.
pub struct Pool {
    helpers: Vec<Helper>,
    waiting: Waiting,
}

/// The answer to some claims, when it comes; none where a worker ended: then they are checked where they are needed.
pub struct Batch {
    pub claims: usize,
    coming: Option<Coming>,
}

/// Where an answer comes from.
struct Coming {
    answer: oneshot::Receiver<Vec<u8>>,
    waiting: Waiting,
    place: usize,
    worker: Worker,
}

impl Batch {
    pub async fn answer(self) -> Option<Vec<u8>> {
        let mut coming = self.coming?;
        loop {
            let answers = coming.waiting.borrow().answers(coming.place);
            match select(&mut coming.answer, TimeoutFuture::new(SILENCE_MS)).await {
                Either::Left((answer, _)) => return answer.ok(),
                Either::Right(_) => {}
            }
            // A browser that is short of memory ends a worker without an event. One that has answered other claims meanwhile
            // works, and has these still before it.
            if coming.waiting.borrow().answers(coming.place) == answers {
                coming.waiting.borrow_mut().lose(coming.place);
                coming.worker.terminate();
                return None;
            }
        }
    }
}

impl Pool {
    /// Starts so many, and waits until they listen: what is sent before is lost. Where the browser starts none, there is none.
    pub async fn start(script: &str, count: u32) -> Self {
        let waiting = Waiting::default();
        let mut helpers = Vec::new();
        let mut starting = Vec::new();
        for _ in 0..count {
            if let Some((helper, ready)) = helper(script, helpers.len(), &waiting) {
                helpers.push(helper);
                starting.push(ready);
            }
        }
        for (place, ready) in starting.into_iter().enumerate() {
            match select(ready, TimeoutFuture::new(READY_MS)).await {
                Either::Left((Ok(()), _)) => waiting.borrow_mut().join(place),
                _ => helpers[place].worker.terminate(),
            }
        }
        Self { helpers, waiting }
    }

    /// Hands claims out, each batch to the worker that has the fewest.
    pub fn check(&self, claims: &[&Claim]) -> Vec<Batch> {
        claims.chunks(BATCH).map(|batch| self.hand_out(batch)).collect()
    }

    fn hand_out(&self, batch: &[&Claim]) -> Batch {
        let claims = batch.len();
        let (sender, answer) = oneshot::channel();
        let handed_out = self.waiting.borrow_mut().hand_out(sender);
        let Some((place, number)) = handed_out else {
            return Batch { claims, coming: None };
        };
        let worker = &self.helpers[place].worker;
        let bytes = Uint8Array::from(&encode(batch.iter().copied())[..]);
        let message = Array::of2(&number.into(), &bytes);
        let transfer = Array::of1(&bytes.buffer());
        if worker.post_message_with_transfer(&message, &transfer).is_err() {
            self.waiting.borrow_mut().lose(place);
        }
        let coming = Coming {
            answer,
            waiting: self.waiting.clone(),
            place,
            worker: worker.clone(),
        };
        let coming = Some(coming);
        Batch { claims, coming }
    }
}

/// A worker in this place, and the news that it listens.
fn helper(script: &str, place: usize, waiting: &Waiting) -> Option<(Helper, oneshot::Receiver<()>)> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    options.set_name("tally-audit-helper");
    let worker = Worker::new_with_options(script, &options).ok()?;
    let (sender, ready) = oneshot::channel();
    let (answered, sender) = (waiting.clone(), Rc::new(RefCell::new(Some(sender))));
    let listens = sender.clone();
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        // The first message shows that it listens.
        if !Array::is_array(&event.data()) {
            let _ = listens.take().map(|sender| sender.send(()));
            return;
        }
        let reply = Array::from(&event.data());
        let number = reply.get(0).as_f64().map(|number| number as u32);
        let sender = number.and_then(|number| answered.borrow_mut().answered(place, number));
        if let Some(sender) = sender {
            let _ = sender.send(Uint8Array::new(&reply.get(1)).to_vec());
        }
    });
    let (lost, ended) = (waiting.clone(), worker.clone());
    // All that it has not answered is checked elsewhere, and it is given nothing more.
    let on_error = Closure::<dyn Fn(Event)>::new(move |event: Event| {
        // Otherwise it would be an error of this worker as well, for which the page ends the audit.
        event.prevent_default();
        drop(sender.take());
        lost.borrow_mut().lose(place);
        ended.terminate();
    });
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    let helper = Helper {
        worker,
        _on_message: on_message,
        _on_error: on_error,
    };
    Some((helper, ready))
}
