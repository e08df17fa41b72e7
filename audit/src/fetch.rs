//! Requests to the node: bounded in size and in time, whatever it sends.

use futures::future::{Either, select};
use gloo::timers::future::TimeoutFuture;
use js_sys::{Promise, Reflect, Uint8Array};
use tally_api::ProblemBody;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader, RequestCache, RequestInit, Response};

use crate::scope::{now, scope};

/// How long a node may be silent, in milliseconds.
const SILENCE_MS: u32 = 30_000;
/// Longest time for one answer, in milliseconds.
const WHOLE_MS: f64 = 600_000.0;
/// Longest answer with another status than 200 that is read, in bytes.
const MAX_REFUSAL: u64 = 64 * 1_024;

/// Why a request got no answer that can be checked: it shows nothing about the chain.
#[derive(Debug, Clone)]
pub enum NoAnswer {
    /// It is worth trying again.
    Passing(String),
    /// The node will not answer otherwise.
    Final(String),
}

impl NoAnswer {
    fn of(problem: &ProblemBody) -> Self {
        let text = format!("the node answers: {problem}");
        match problem.name() {
            "unknown-block" => Self::Final(format!("{text}. Its chain may have changed since: audit it again.")),
            "not-kept" => Self::Final(format!(
                "{text}. It began with a checkpoint, and has no blocks before it to execute."
            )),
            _ => Self::Passing(text),
        }
    }
}

/// Ends a request when it is dropped, answered or not.
struct Abort(AbortController);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// GET of at most `most` bytes below `/api/v1/` of the node.
pub async fn get(node: &str, path: &str, most: u64) -> Result<Vec<u8>, NoAnswer> {
    let abort = Abort(AbortController::new().map_err(broken)?);
    let init = RequestInit::new();
    init.set_signal(Some(&abort.0.signal()));
    // A chain is read once: nothing of it is worth a place in the browser's cache.
    init.set_cache(RequestCache::NoStore);
    let url = format!("{node}/api/v1/{path}");
    let response = in_time(scope().fetch_with_str_and_init(&url, &init)).await?;
    let response: Response = response.unchecked_into();
    if response.status() != 200 {
        let body = read(&response, MAX_REFUSAL).await.unwrap_or_default();
        return Err(NoAnswer::of(&ProblemBody::of_answer(response.status(), &body)));
    }
    read(&response, most).await
}

async fn read(response: &Response, most: u64) -> Result<Vec<u8>, NoAnswer> {
    let mut whole = Vec::new();
    let Some(body) = response.body() else { return Ok(whole) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let begun = now();
    loop {
        let part = in_time(reader.read()).await?;
        let field = |name: &str| Reflect::get(&part, &name.into()).map_err(broken);
        if field("done")?.is_truthy() {
            return Ok(whole);
        }
        let bytes = Uint8Array::new(&field("value")?);
        if whole.len() as u64 + u64::from(bytes.length()) > most {
            return Err(NoAnswer::Final(format!(
                "the node sends more than the {most} bytes that this tab takes at once; tally audit has no such limit"
            )));
        }
        let old = whole.len();
        whole.resize(old + bytes.length() as usize, 0);
        bytes.copy_to(&mut whole[old..]);
        if now() - begun > WHOLE_MS {
            return Err(NoAnswer::Passing("the answer takes too long".to_owned()));
        }
    }
}

/// What a promise came to, unless nothing comes for too long.
async fn in_time(promise: Promise) -> Result<JsValue, NoAnswer> {
    match select(JsFuture::from(promise), TimeoutFuture::new(SILENCE_MS)).await {
        Either::Left((done, _)) => done.map_err(broken),
        Either::Right(_) => Err(NoAnswer::Passing(format!("nothing came for {} s", SILENCE_MS / 1_000))),
    }
}

fn broken(error: JsValue) -> NoAnswer {
    let message = Reflect::get(&error, &"message".into()).ok();
    let message = message.and_then(|text| text.as_string());
    let message = message.unwrap_or_else(|| "the browser gives no reason".to_owned());
    NoAnswer::Passing(format!("the answer breaks off: {message}"))
}
