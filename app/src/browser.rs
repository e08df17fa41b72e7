//! The one door to the browser's own services. On the server every function is quiet: it answers
//! nothing and does nothing, so a page can be written once.

#[cfg(feature = "hydrate")]
mod camera;
#[cfg(feature = "hydrate")]
mod focus;
#[cfg(feature = "hydrate")]
mod links;
#[cfg(feature = "hydrate")]
mod locks;
#[cfg(not(feature = "hydrate"))]
mod quiet;
#[cfg(feature = "hydrate")]
mod storage;

#[cfg(feature = "hydrate")]
pub use camera::*;
#[cfg(feature = "hydrate")]
pub use focus::*;
#[cfg(feature = "hydrate")]
pub use links::*;
#[cfg(feature = "hydrate")]
pub use locks::*;
#[cfg(not(feature = "hydrate"))]
pub use quiet::*;
#[cfg(feature = "hydrate")]
pub use real::*;
#[cfg(feature = "hydrate")]
pub use storage::*;

/// What stood on the clipboard when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiped {
    /// It was ours, and is gone.
    Done,
    /// Something else by now.
    Other,
    /// The browser does not show it.
    Unknown,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

#[cfg(feature = "hydrate")]
mod real {
    use std::{cell::RefCell, collections::HashMap, time::Duration};

    use futures::future::{Either, select};
    use gloo::{
        net::http::{Request, Response},
        timers::future::TimeoutFuture,
    };
    use leptos::leptos_dom::helpers::{self, IntervalHandle};
    use serde::{Serialize, de::DeserializeOwned};
    use sha2::{Digest as _, Sha256};
    use tally_api::{ProblemBody, problem::line};
    use tally_chain::B256;
    use wasm_bindgen::{JsCast, closure::Closure};
    use wasm_bindgen_futures::JsFuture;

    use super::Method;
    use crate::{base::at_base, browser::Wiped, reads::failure};

    fn document() -> Option<web_sys::Document> {
        web_sys::window()?.document()
    }

    /// Whether this tab is in view; a window that others cover wholly is not.
    pub fn is_visible() -> bool {
        document().is_none_or(|document| !document.hidden())
    }

    /// Unix seconds by this device's clock.
    pub fn now() -> Option<u64> {
        Some((js_sys::Date::now() / 1_000.0) as u64)
    }

    /// Sets a cookie of this node that the server reads for its first render.
    pub fn set_cookie(name: &str, value: &str) {
        if let Some(document) = document().and_then(|document| document.dyn_into::<web_sys::HtmlDocument>().ok()) {
            let path = at_base("/");
            let _ = document.set_cookie(&format!(
                "{name}={value}; Path={path}; Max-Age=31536000; SameSite=Strict"
            ));
        }
    }

    /// Sets or removes an attribute of the root element.
    pub fn set_root_attribute(name: &str, value: Option<&str>) {
        if let Some(root) = document().and_then(|document| document.document_element()) {
            let _ = match value {
                Some(value) => root.set_attribute(name, value),
                None => root.remove_attribute(name),
            };
        }
    }

    /// Takes everything out of the page's body.
    pub fn empty_body() {
        if let Some(body) = document().and_then(|document| document.body()) {
            body.set_text_content(None);
        }
    }

    /// The address fragment without `#`.
    pub fn fragment() -> String {
        let hash = web_sys::window()
            .and_then(|window| window.location().hash().ok())
            .unwrap_or_default();
        hash.trim_start_matches('#').to_owned()
    }

    /// Scheme, host and port of this page, as links begin.
    pub fn origin() -> String {
        let origin = web_sys::window().and_then(|window| window.location().origin().ok());
        origin.unwrap_or_default()
    }

    /// Removes the fragment from the address bar and from the history.
    pub fn clear_fragment() {
        let Some(window) = web_sys::window() else { return };
        let location = window.location();
        let path = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
        if let Ok(history) = window.history() {
            let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&path));
        }
    }

    /// Whether the browser grants its cryptography to this page.
    pub fn is_secure_context() -> Option<bool> {
        web_sys::window().map(|window| window.is_secure_context())
    }

    /// Puts text on the clipboard; false where the browser does not allow it.
    pub async fn copy(text: &str) -> bool {
        let Some(window) = web_sys::window().filter(|window| window.is_secure_context()) else {
            return false;
        };
        let promise = window.navigator().clipboard().write_text(text);
        JsFuture::from(promise).await.is_ok()
    }

    /// The text that the reader has marked.
    pub fn selected_text() -> Option<String> {
        let selection = web_sys::window()?.get_selection().ok()??;
        selection.to_string().as_string()
    }

    /// Empties the clipboard if what stands on it `is_ours`. It does not request the permission to look: only where the
    /// browser grants it, and the page is in front, is it known.
    pub async fn wipe_clipboard(is_ours: impl Fn(&str) -> bool) -> Wiped {
        wiped(is_ours).await.unwrap_or(Wiped::Unknown)
    }

    async fn wiped(is_ours: impl Fn(&str) -> bool) -> Option<Wiped> {
        let navigator = web_sys::window()
            .filter(|window| window.is_secure_context())?
            .navigator();
        let wanted = js_sys::Object::new();
        js_sys::Reflect::set(&wanted, &"name".into(), &"clipboard-read".into()).ok()?;
        let status = JsFuture::from(navigator.permissions().ok()?.query(&wanted).ok()?)
            .await
            .ok()?;
        if js_sys::Reflect::get(&status, &"state".into()).ok()?.as_string()? != "granted" {
            return None;
        }
        let text = JsFuture::from(navigator.clipboard().read_text())
            .await
            .ok()?
            .as_string()?;
        if !is_ours(&zeroize::Zeroizing::new(text)) {
            return Some(Wiped::Other);
        }
        JsFuture::from(navigator.clipboard().write_text("")).await.ok()?;
        Some(Wiped::Done)
    }

    /// Requests persistent storage: the browser keeps what this site stores until the reader deletes it. Whether it agrees. Without that
    /// it may delete all of it when space is short, Safari after seven days without a visit. None where the browser has no such function.
    pub async fn keep_storage() -> Option<bool> {
        let navigator = web_sys::window()
            .filter(|window| window.is_secure_context())?
            .navigator();
        let kept = JsFuture::from(navigator.storage().persist().ok()?).await.ok()?;
        kept.as_bool()
    }

    /// Loads the page again from its server.
    pub fn reload() {
        if let Some(window) = web_sys::window() {
            let _ = window.location().reload();
        }
    }

    /// Waits.
    pub async fn sleep(milliseconds: u32) {
        TimeoutFuture::new(milliseconds).await;
    }

    /// Calls back again and again while the page lives.
    pub fn every(milliseconds: u64, callback: impl Fn() + 'static) -> Option<IntervalHandle> {
        helpers::set_interval_with_handle(callback, Duration::from_millis(milliseconds)).ok()
    }

    /// Focuses the element of this id.
    pub fn focus(id: &str) {
        let element = document().and_then(|document| document.get_element_by_id(id));
        if let Some(element) = element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = element.focus();
        }
    }

    /// Closes the `<details>` element of this id.
    pub fn close_details(id: &str) {
        if let Some(element) = document().and_then(|document| document.get_element_by_id(id)) {
            let _ = element.remove_attribute("open");
        }
    }

    /// The filled fields of the form that is being sent, as a query.
    pub fn form_query(event: &web_sys::SubmitEvent) -> Option<String> {
        let form = event.target()?.dyn_into::<web_sys::HtmlFormElement>().ok()?;
        let fields = web_sys::FormData::new_with_form(&form).ok()?;
        let filled = web_sys::UrlSearchParams::new().ok()?;
        for entry in js_sys::try_iter(&fields).ok()?? {
            let pair = js_sys::Array::from(&entry.ok()?);
            let (name, value) = (pair.get(0).as_string()?, pair.get(1).as_string()?);
            if !value.trim().is_empty() {
                filled.append(&name, value.trim());
            }
        }
        filled.to_string().as_string()
    }

    /// The text of the file that was chosen in a file input, read as the command line reads it; rejected unread if it is larger
    /// than `max` bytes.
    pub async fn read_text(input: &web_sys::HtmlInputElement, max: usize) -> Result<String, String> {
        let file = input
            .files()
            .and_then(|files| files.get(0))
            .ok_or("No file was chosen.")?;
        if file.size() > max as f64 {
            return Err(format!("This file has {} bytes, at most {max} are read.", file.size()));
        }
        let unreadable = |_| "The browser could not read the file.".to_owned();
        let bytes = JsFuture::from(file.array_buffer()).await.map_err(unreadable)?;
        let bytes = zeroize::Zeroizing::new(js_sys::Uint8Array::new(&bytes).to_vec());
        Ok(tally_wallet::file_text::decode(&bytes).to_string())
    }

    /// Name and SHA-256 of the file that was chosen in a file input, of any size. It is read part by part;
    /// `progress` gets the percentage.
    pub async fn hash_file(input: &web_sys::HtmlInputElement, progress: impl Fn(u8)) -> Result<(String, B256), String> {
        const PART: f64 = 4_194_304.0;
        let file = input
            .files()
            .and_then(|files| files.get(0))
            .ok_or("No file was chosen.")?;
        let unreadable = || "The browser could not read the file.".to_owned();
        let (size, mut at, mut hasher) = (file.size(), 0.0, Sha256::new());
        while at < size {
            let end = (at + PART).min(size);
            let part = file.slice_with_f64_and_f64(at, end).map_err(|_| unreadable())?;
            let bytes = JsFuture::from(part.array_buffer()).await.map_err(|_| unreadable())?;
            let bytes = js_sys::Uint8Array::new(&bytes).to_vec();
            // A file that changes while it is read has no hash.
            if bytes.len() as f64 != end - at {
                return Err(unreadable());
            }
            hasher.update(&bytes);
            at = end;
            progress((at / size * 100.0) as u8);
        }
        Ok((file.name(), B256::from(<[u8; 32]>::from(hasher.finalize()))))
    }

    /// Hands bytes to the browser's downloads under this name.
    pub fn download(name: &str, bytes: &[u8]) {
        let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
        let link = document().and_then(|document| document.create_element("a").ok());
        let link = link.and_then(|link| link.dyn_into::<web_sys::HtmlAnchorElement>().ok());
        let blob = web_sys::Blob::new_with_u8_array_sequence(&parts).ok();
        let url = blob.and_then(|blob| web_sys::Url::create_object_url_with_blob(&blob).ok());
        if let (Some(link), Some(url)) = (link, url) {
            link.set_href(&url);
            link.set_download(name);
            link.click();
            // Once the download has begun, the browser no longer needs it.
            wasm_bindgen_futures::spawn_local(async move {
                sleep(10_000).await;
                let _ = web_sys::Url::revoke_object_url(&url);
            });
        }
    }

    /// Whether the key press belongs to a field that is being typed into.
    pub fn is_typing(event: &web_sys::KeyboardEvent) -> bool {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        target.is_some_and(|element| {
            matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
                || element.has_attribute("contenteditable")
        })
    }

    /// Requests JSON from this origin.
    pub async fn get_json<T: DeserializeOwned>(path: &str) -> Result<T, String> {
        let answer = Request::get(&at_base(path))
            .header("Accept", "application/json")
            .send()
            .await;
        let answer = answer.map_err(|error| error.to_string())?;
        if !answer.ok() {
            return Err(problem(answer).await);
        }
        let body = answer.binary().await;
        failure::parse(&body.map_err(|error| failure::broken_off(&error.to_string()))?)
    }

    /// Sends JSON to this origin.
    pub async fn send_json<T: Serialize>(path: &str, body: &T) -> Result<(), String> {
        done(
            Request::post(&at_base(path))
                .header("Accept", "application/json")
                .json(body),
        )
        .await
        .map(drop)
    }

    /// What a server answered to something that was sent.
    pub struct Posted {
        pub status: u16,
        pub body: Vec<u8>,
        /// Seconds that this device's clock is ahead of the answer's `Date`; none where it has none.
        pub ahead: Option<i64>,
    }

    /// How long an answer is waited for, in milliseconds.
    const ANSWER_WITHIN: u32 = 30_000;

    /// Sends JSON to this origin; the whole answer, whatever it is. An error means that no whole answer came.
    pub async fn post<T: Serialize>(path: &str, body: &T) -> Result<Posted, String> {
        let request = Request::post(&at_base(path))
            .header("Accept", "application/json")
            .json(body);
        let request = request.map_err(|error| error.to_string())?;
        let answer = async {
            let answer = request.send().await.map_err(|error| error.to_string())?;
            let ahead = answer.headers().get("date").and_then(|date| {
                let seconds = js_sys::Date::parse(&date) / 1_000.0;
                seconds
                    .is_finite()
                    .then(|| now().unwrap_or_default() as i64 - seconds as i64)
            });
            let status = answer.status();
            let body = answer.binary().await.map_err(|error| error.to_string())?;
            Ok(Posted { status, body, ahead })
        };
        match select(Box::pin(answer), TimeoutFuture::new(ANSWER_WITHIN)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(format!("the node did not answer within {} s", ANSWER_WITHIN / 1_000)),
        }
    }

    thread_local! {
        /// One channel a name, for sending and receiving: a channel does not receive its own messages.
        static CHANNELS: RefCell<HashMap<String, web_sys::BroadcastChannel>> = RefCell::default();
    }

    fn channel(name: &str) -> Option<web_sys::BroadcastChannel> {
        CHANNELS.with_borrow_mut(|channels| {
            if let Some(channel) = channels.get(name) {
                return Some(channel.clone());
            }
            let channel = web_sys::BroadcastChannel::new(name).ok()?;
            channels.insert(name.to_owned(), channel.clone());
            Some(channel)
        })
    }

    /// Sends to the other tabs of this origin.
    pub fn broadcast(name: &str, text: &str) {
        if let Some(channel) = channel(name) {
            let _ = channel.post_message(&text.into());
        }
    }

    /// Receives what other tabs of this origin send, for as long as the page lives.
    pub fn on_broadcast(name: &str, then: impl Fn(String) + 'static) {
        let Some(channel) = channel(name) else { return };
        let callback = Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            if let Some(text) = event.data().as_string() {
                then(text);
            }
        });
        let _ = channel.add_event_listener_with_callback("message", callback.as_ref().unchecked_ref());
        callback.forget();
    }

    /// Starts a worker from a module that stands beside the page's own script.
    pub fn module_worker(script: &str, name: &str) -> Result<web_sys::Worker, String> {
        let own = document().and_then(|document| {
            document
                .query_selector("link[rel=modulepreload][href$='/tally.js']")
                .ok()?
        });
        let own = own
            .and_then(|link| link.get_attribute("href"))
            .ok_or("the page does not name its own script")?;
        let folder = own.rsplit_once('/').map_or("", |parts| parts.0);
        let options = web_sys::WorkerOptions::new();
        options.set_type(web_sys::WorkerType::Module);
        options.set_name(name);
        web_sys::Worker::new_with_options(&format!("{folder}/{script}"), &options)
            .map_err(|_| "this browser does not start module workers".to_owned())
    }

    /// Threads that this device offers.
    pub fn threads() -> Option<u32> {
        let threads = web_sys::window()?.navigator().hardware_concurrency();
        (threads >= 1.0).then_some(threads as u32)
    }

    /// Sends this origin a request, with a bearer token where there is one, and with JSON where there is a body; the answer's bytes.
    pub async fn send<T: Serialize>(
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&T>,
    ) -> Result<Vec<u8>, String> {
        let request = match method {
            Method::Get => Request::get(&at_base(path)),
            Method::Post => Request::post(&at_base(path)),
            Method::Put => Request::put(&at_base(path)),
            Method::Delete => Request::delete(&at_base(path)),
        };
        let request = match token {
            Some(token) => request.header("Authorization", &format!("Bearer {token}")),
            None => request,
        };
        let answer = done(match body {
            Some(body) => request.json(body),
            None => request.build(),
        });
        let bytes = answer.await?.binary().await;
        bytes.map_err(|error| failure::broken_off(&error.to_string()))
    }

    async fn done(request: Result<Request, gloo::net::Error>) -> Result<Response, String> {
        let answer = request.map_err(|error| error.to_string())?.send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.ok() {
            Ok(answer)
        } else {
            Err(problem(answer).await)
        }
    }

    /// The problem of an answer in a sentence, with the request id where there is one.
    async fn problem(answer: Response) -> String {
        let status = answer.status();
        let request = answer.headers().get("x-request-id");
        // An answer that breaks off has its status all the same.
        let body = answer.binary().await.unwrap_or_default();
        let what = ProblemBody::of_answer(status, &body).sentence();
        match request {
            Some(id) => format!("{what} (request {})", line(&id)),
            None => what,
        }
    }
}
