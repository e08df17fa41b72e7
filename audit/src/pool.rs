//! The workers that check signatures.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
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

/// Claims that are handed out at once: enough to make messages cheap, few enough to keep all workers busy.
const BATCH: usize = 128;

/// How long a worker may take until it listens, in milliseconds.
const READY_MS: u32 = 20_000;

type Waiting = Rc<RefCell<BTreeMap<u32, oneshot::Sender<Vec<u8>>>>>;

struct Helper {
    worker: Worker,
    waiting: Waiting,
    // Called by the browser for as long as the worker lives.
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(Event)>,
}

/// All of them.
pub struct Pool {
    helpers: Vec<Helper>,
    last_number: Cell<u32>,
}

/// The answer to some claims, when it comes; none where a worker ended: then they are checked where they are needed.
pub struct Batch {
    pub claims: usize,
    answer: Option<oneshot::Receiver<Vec<u8>>>,
}

impl Batch {
    pub async fn answer(self) -> Option<Vec<u8>> {
        self.answer?.await.ok()
    }
}

impl Pool {
    /// Starts so many, and waits until they listen: what is sent before is lost. Where the browser starts none, there is none.
    pub async fn start(script: &str, count: u32) -> Self {
        let started: Vec<_> = (0..count).filter_map(|_| helper(script)).collect();
        let mut helpers = Vec::new();
        for (helper, ready) in started {
            match select(ready, TimeoutFuture::new(READY_MS)).await {
                Either::Left((Ok(()), _)) => helpers.push(helper),
                _ => helper.worker.terminate(),
            }
        }
        Self {
            helpers,
            last_number: Cell::new(0),
        }
    }

    /// Hands claims out, each batch to the worker that has the fewest.
    pub fn check(&self, claims: &[&Claim]) -> Vec<Batch> {
        claims.chunks(BATCH).map(|batch| self.hand_out(batch)).collect()
    }

    fn hand_out(&self, batch: &[&Claim]) -> Batch {
        let claims = batch.len();
        let least = self.helpers.iter().min_by_key(|helper| helper.waiting.borrow().len());
        let Some(helper) = least else {
            return Batch { claims, answer: None };
        };
        let number = self.last_number.get().wrapping_add(1);
        self.last_number.set(number);
        let bytes = Uint8Array::from(&encode(batch.iter().copied())[..]);
        let message = Array::of2(&number.into(), &bytes);
        let (sender, receiver) = oneshot::channel();
        helper.waiting.borrow_mut().insert(number, sender);
        let transfer = Array::of1(&bytes.buffer());
        if helper.worker.post_message_with_transfer(&message, &transfer).is_err() {
            helper.waiting.borrow_mut().remove(&number);
        }
        let answer = Some(receiver);
        Batch { claims, answer }
    }
}

fn helper(script: &str) -> Option<(Helper, oneshot::Receiver<()>)> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    options.set_name("tally-audit-helper");
    let worker = Worker::new_with_options(script, &options).ok()?;
    let waiting = Waiting::default();
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
        let sender = number.and_then(|number| answered.borrow_mut().remove(&number));
        if let Some(sender) = sender {
            let _ = sender.send(Uint8Array::new(&reply.get(1)).to_vec());
        }
    });
    let lost = waiting.clone();
    // All that it has not answered is checked elsewhere.
    let on_error = Closure::<dyn Fn(Event)>::new(move |_| {
        drop(sender.take());
        lost.borrow_mut().clear();
    });
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    let helper = Helper {
        worker,
        waiting,
        _on_message: on_message,
        _on_error: on_error,
    };
    Some((helper, ready))
}
