//! Requests to the node: bounded in size and in time, whatever it sends.

use futures::future::{Either, select};
use gloo::timers::future::TimeoutFuture;
use js_sys::{Promise, Reflect, Uint8Array};
use tally_api::ProblemBody;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, DedicatedWorkerGlobalScope, ReadableStreamDefaultReader, RequestCache, RequestInit, Response,
};

use crate::{Get, NoAnswer, Stopped};

/// How long a node may be silent, in milliseconds.
const SILENCE_MS: u32 = 30_000;
/// Longest time for one answer, in milliseconds.
const WHOLE_MS: f64 = 600_000.0;
/// Longest answer with another status than 200 that is read, in bytes.
const MAX_REFUSAL: u64 = 64 * 1_024;
/// Characters of a media type that messages repeat.
const SHOWN_MEDIA: usize = 80;

/// Ends a request when it is dropped, answered or not.
struct Abort(AbortController);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// GET below the node's address; `take` is given each part of the answer as it comes, and may end it.
///
/// # Errors
/// Where no answer comes, or another than was expected.
pub async fn get(node: &str, get: &Get, mut take: impl FnMut(&[u8]) -> Result<(), Stopped>) -> Result<(), NoAnswer> {
    let abort = Abort(AbortController::new().map_err(broken)?);
    let init = RequestInit::new();
    init.set_signal(Some(&abort.0.signal()));
    // Answers about a tip may be kept for a year (F11). A damaged one would come back from the browser's cache with every try,
    // and what was verified is in IndexedDB.
    init.set_cache(RequestCache::NoStore);
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let url = format!("{node}/api/v1/{}", get.path);
    let response = in_time(scope.fetch_with_str_and_init(&url, &init)).await?;
    let response: Response = response.unchecked_into();
    if response.status() != 200 {
        return Err(problem(&response).await);
    }
    let media = response
        .headers()
        .get("content-type")
        .ok()
        .flatten()
        .unwrap_or_default();
    let found = media.split(';').next().unwrap_or_default().trim();
    if !found.eq_ignore_ascii_case(get.media) {
        return Err(NoAnswer::OtherMedia {
            found: found.chars().take(SHOWN_MEDIA).collect(),
            expected: get.media,
        });
    }
    read(&response, get.most, &mut take).await
}

/// Reads a body to its end, or until `take` has enough.
async fn read(
    response: &Response,
    most: u64,
    take: &mut impl FnMut(&[u8]) -> Result<(), Stopped>,
) -> Result<(), NoAnswer> {
    let Some(body) = response.body() else { return Ok(()) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let (mut read, begun) = (0, js_sys::Date::now());
    loop {
        let part = in_time(reader.read()).await?;
        let field = |name: &str| Reflect::get(&part, &name.into()).map_err(broken);
        if field("done")?.is_truthy() {
            return Ok(());
        }
        let bytes = Uint8Array::new(&field("value")?).to_vec();
        read += bytes.len() as u64;
        if read > most {
            return Err(NoAnswer::TooLong { most });
        }
        if take(&bytes) == Err(Stopped) {
            return Ok(());
        }
        if js_sys::Date::now() - begun > WHOLE_MS {
            let secs = (WHOLE_MS / 1_000.0) as u32;
            return Err(NoAnswer::BrokenOff(format!("it is not whole after {secs} s")));
        }
    }
}

/// The text of an answer with another status.
async fn problem(response: &Response) -> NoAnswer {
    let mut body = Vec::new();
    let mut take = |part: &[u8]| {
        body.extend_from_slice(part);
        Ok(())
    };
    // The status is known, whatever is missing of the words.
    let _ = read(response, MAX_REFUSAL, &mut take).await;
    let problem = ProblemBody::of_answer(response.status(), &body);
    NoAnswer::Problem {
        name: problem.name().to_owned(),
        text: problem.to_string(),
    }
}

/// What a promise came to, unless nothing comes for too long.
async fn in_time(promise: Promise) -> Result<JsValue, NoAnswer> {
    match select(JsFuture::from(promise), TimeoutFuture::new(SILENCE_MS)).await {
        Either::Left((done, _)) => done.map_err(broken),
        Either::Right(_) => Err(NoAnswer::Silent {
            secs: SILENCE_MS / 1_000,
        }),
    }
}

fn broken(error: JsValue) -> NoAnswer {
    let message = Reflect::get(&error, &"message".into()).ok();
    let message = message.and_then(|text| text.as_string());
    NoAnswer::BrokenOff(message.unwrap_or_else(|| "the browser gives no reason".to_owned()))
}
