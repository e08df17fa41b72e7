//! The workers of this tab's miner. On the server there are none.

#[cfg(not(feature = "hydrate"))]
pub use quiet::*;
#[cfg(feature = "hydrate")]
pub use real::*;

use super::protocol::FoundNonce;

/// What the crew reports to the panel. The server has no crew.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "the server renders, and never calls it")
)]
pub enum Report {
    /// Hashes a second of one worker, by its place.
    Rate {
        worker: usize,
        rate: f64,
    },
    Found(FoundNonce),
    Failed(String),
}

#[cfg(feature = "hydrate")]
mod real {
    use std::cell::RefCell;
    use std::rc::Rc;

    use wasm_bindgen::{JsCast, JsValue, closure::Closure};
    use web_sys::{MessageEvent, Worker};

    use super::super::protocol::{FromMiner, Job, ToMiner};
    use super::Report;
    use crate::browser;

    struct Hand {
        worker: Worker,
        ready: bool,
        _on_message: Closure<dyn Fn(MessageEvent)>,
        _on_error: Closure<dyn Fn(web_sys::Event)>,
    }

    #[derive(Default)]
    struct Crew {
        hands: Vec<Hand>,
        job: Option<Job>,
    }

    thread_local! {
        static CREW: RefCell<Crew> = RefCell::default();
    }

    /// Starts so many workers in place of those that ran; they wait for a job.
    pub fn hire(count: usize, report: impl Fn(Report) + 'static) -> Result<(), String> {
        dismiss();
        let report: Rc<dyn Fn(Report)> = Rc::new(report);
        let hands = (0..count)
            .map(|place| start(place, report.clone()))
            .collect::<Result<_, _>>()?;
        CREW.with_borrow_mut(|crew| crew.hands = hands);
        Ok(())
    }

    /// Gives everyone the same job, each its own extra nonces.
    pub fn give(job: Job) {
        CREW.with_borrow_mut(|crew| {
            crew.job = Some(job);
            for place in 0..crew.hands.len() {
                crew.send(place);
            }
        });
    }

    /// Ends all workers.
    pub fn dismiss() {
        let crew = CREW.take();
        for hand in &crew.hands {
            hand.worker.terminate();
        }
    }

    impl Crew {
        fn send(&self, place: usize) {
            let Some((hand, job)) = self.hands.get(place).filter(|hand| hand.ready).zip(self.job.as_ref()) else {
                return;
            };
            let mut job = job.clone();
            // The first bytes differ by tab and worker, the last ones count.
            job.extra_nonce[0] = place as u8;
            job.extra_nonce[1..5].copy_from_slice(&random());
            if let Ok(message) = tally_api::worker::to_js(&ToMiner::Work(job)) {
                let _ = hand.worker.post_message(&message);
            }
        }
    }

    fn random() -> [u8; 4] {
        ((js_sys::Math::random() * f64::from(u32::MAX)) as u32).to_le_bytes()
    }

    fn start(place: usize, report: Rc<dyn Fn(Report)>) -> Result<Hand, String> {
        let worker = browser::module_worker("mining-worker.js", "tally-miner")?;
        let reporter = report.clone();
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            received(place, event.data(), reporter.as_ref());
        });
        let on_error = Closure::<dyn Fn(web_sys::Event)>::new(move |_: web_sys::Event| {
            report(Report::Failed("a mining worker did not start".to_owned()));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Hand {
            worker,
            ready: false,
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    fn received(place: usize, data: JsValue, report: &dyn Fn(Report)) {
        match serde_wasm_bindgen::from_value::<FromMiner>(data) {
            Ok(FromMiner::Ready) => CREW.with_borrow_mut(|crew| {
                if let Some(hand) = crew.hands.get_mut(place) {
                    hand.ready = true;
                }
                crew.send(place);
            }),
            Ok(FromMiner::Hashed { hashes, milliseconds }) => {
                let rate = f64::from(hashes) * 1_000.0 / milliseconds.max(1.0);
                report(Report::Rate { worker: place, rate });
            }
            Ok(FromMiner::Found(seal)) => report(Report::Found(seal)),
            Ok(FromMiner::Rejected(why)) => report(Report::Failed(why)),
            Err(error) => report(Report::Failed(error.to_string())),
        }
    }
}

#[cfg(not(feature = "hydrate"))]
mod quiet {
    use super::super::protocol::Job;
    use super::Report;

    pub fn hire(_count: usize, _report: impl Fn(Report) + 'static) -> Result<(), String> {
        Err("only a browser mines here".to_owned())
    }
    pub fn give(_job: Job) {}
    pub fn dismiss() {}
}
