//! The operator's token in this tab. A link carries a code in its fragment, which no browser sends to a server by itself; here it is
//! exchanged for a token, once, and leaves the address bar. The token is in this tab's session storage, and goes nowhere but into
//! requests that need it.

use std::{future::Future, pin::Pin};

use leptos::{
    prelude::*,
    task::spawn_local,
    wasm_split::{SplitLoaderError, wasm_split},
};
use serde::{Serialize, de::DeserializeOwned};
use tally_api::{
    tokens::{NewTokenBody, SignInBody},
    worker::wallet::SecretText,
};

use crate::{
    base,
    browser::{self, Method},
    reads::failure,
};

/// Before the code of a link, in the fragment.
const CODE: &str = "sign-in=";
/// Before a token, in the fragment of a link that an operator put together.
const TOKEN: &str = "operator=";
/// Where a code is exchanged.
const SESSION: &str = "/api/v1/operator/session";

/// A code under exchange for a token.
type Exchange = Pin<Box<dyn Future<Output = Result<SecretText, String>>>>;

/// The part of the code did not come.
struct NotLoaded;

impl From<SplitLoaderError> for NotLoaded {
    fn from(_: SplitLoaderError) -> Self {
        Self
    }
}

/// In a part of the code of its own (`parts`): one tab in a thousand opens such a link.
#[wasm_split(sign_in, wasm_split_path = leptos::wasm_split, fallible)]
fn begin_exchange(code: SecretText) -> Result<Exchange, NotLoaded> {
    Ok(Box::pin(async move {
        let body = browser::send(Method::Post, SESSION, None, Some(&SignInBody { code })).await?;
        Ok(failure::parse::<NewTokenBody>(&body)?.secret)
    }))
}

/// Where this tab keeps it. A token is of one node, and two nodes of one origin have different base paths.
fn storage_key() -> String {
    format!("tally.operator{}", base::current().as_str())
}

/// Whether this tab holds a token, and the requests it may make with it.
#[derive(Clone, Copy)]
pub struct Operator {
    present: RwSignal<bool>,
    /// Why the link gave no token; empty while there is no reason.
    failure: RwSignal<String>,
}

impl Operator {
    /// Makes the context, and takes a code or a token out of the address once the page runs.
    pub fn provide() -> Self {
        let operator = Self {
            present: RwSignal::new(false),
            failure: RwSignal::new(String::new()),
        };
        provide_context(operator);
        Effect::new(move |_| {
            operator.take_from_address();
            // A link opened in a tab that already shows a page only changes the fragment.
            let handle = window_event_listener(leptos::ev::hashchange, move |_| operator.take_from_address());
            on_cleanup(move || handle.remove());
        });
        operator
    }

    fn take_from_address(self) {
        let fragment = browser::fragment();
        if let Some(code) = fragment.strip_prefix(CODE) {
            browser::clear_fragment();
            self.exchange(SecretText::new(code.to_owned()));
        } else if let Some(token) = fragment.strip_prefix(TOKEN) {
            browser::clear_fragment();
            self.accept(token);
        }
        self.present.set(browser::load_for_tab(&storage_key()).is_some());
    }

    /// Exchanges the code of a link; a token that the tab has stays until there is another.
    fn exchange(self, code: SecretText) {
        spawn_local(async move {
            let token = match begin_exchange(code).await {
                Ok(exchange) => exchange.await,
                Err(NotLoaded) => {
                    Err("The node did not send the code for operator links; open the link again.".to_owned())
                }
            };
            match token {
                Ok(token) => self.accept(token.expose()),
                Err(why) => self.failure.set(why),
            }
        });
    }

    /// The context.
    pub fn get() -> Self {
        use_context().expect("the root component provides the operator")
    }

    /// Whether this tab holds a token, reactively; false in the first render.
    pub fn is_present(self) -> bool {
        self.present.get()
    }

    /// Why the link that was opened gave no token, reactively; empty where it did, or none was opened.
    pub fn failure(self) -> RwSignal<String> {
        self.failure
    }

    /// Keeps a token.
    pub fn accept(self, token: &str) {
        browser::store_for_tab(&storage_key(), Some(token.trim()));
        self.failure.set(String::new());
        self.present.set(true);
    }

    /// Forgets the token.
    pub fn forget(self) {
        browser::store_for_tab(&storage_key(), None);
        self.present.set(false);
    }

    /// Reads JSON at a path of the API that needs the token.
    pub async fn read<A: DeserializeOwned>(self, path: &str) -> Result<A, String> {
        failure::parse(&self.bytes(path).await?)
    }

    /// Reads what is at a path of the API that needs the token.
    pub async fn bytes(self, path: &str) -> Result<Vec<u8>, String> {
        self.send(Method::Get, path, None::<&()>).await
    }

    /// Sends JSON to an operator path of the API with the token, and reads the JSON of the answer.
    pub async fn ask<T: Serialize, A: DeserializeOwned>(self, path: &str, body: Option<&T>) -> Result<A, String> {
        failure::parse(&self.send(Method::Post, path, body).await?)
    }

    /// Sends JSON to an operator path of the API with the token.
    pub async fn post<T: Serialize>(self, path: &str, body: &T) -> Result<(), String> {
        self.send(Method::Post, path, Some(body)).await.map(drop)
    }

    /// Puts JSON at an operator path of the API with the token.
    pub async fn put<T: Serialize>(self, path: &str, body: &T) -> Result<(), String> {
        self.send(Method::Put, path, Some(body)).await.map(drop)
    }

    /// Removes what an operator path of the API names, with the token.
    pub async fn delete(self, path: &str) -> Result<(), String> {
        self.send(Method::Delete, path, None::<&()>).await.map(drop)
    }

    async fn send<T: Serialize>(self, method: Method, path: &str, body: Option<&T>) -> Result<Vec<u8>, String> {
        match browser::load_for_tab(&storage_key()) {
            Some(token) => browser::send(method, path, Some(&token), body).await,
            None => Err("this tab holds no operator token; open the operator link; the node prints it, or where its token is, when it starts".to_owned()),
        }
    }
}
