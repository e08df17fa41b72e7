//! The operator's token. The node prints it in a link's fragment, which no browser sends to a
//! server; here it moves into this tab's session storage and out of the address bar, and is used
//! for nothing but the requests that change the node.

use leptos::prelude::*;
use serde::Serialize;

use crate::{
    base,
    browser::{self, Method},
};

/// Where this tab keeps it. A token is of one node, and two nodes of one origin have different base paths.
fn storage_key() -> String {
    format!("tally.operator{}", base::current().as_str())
}

/// Whether this tab holds a token, and the requests it may make with it.
#[derive(Clone, Copy)]
pub struct Operator {
    present: RwSignal<bool>,
}

impl Operator {
    /// Makes the context, and takes a token out of the address once the page runs.
    pub fn provide() -> Self {
        let operator = Self {
            present: RwSignal::new(false),
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
        if let Some(token) = browser::fragment().strip_prefix("operator=") {
            browser::store_for_tab(&storage_key(), Some(token));
            browser::clear_fragment();
        }
        self.present.set(browser::load_for_tab(&storage_key()).is_some());
    }

    /// The context.
    pub fn get() -> Self {
        use_context().expect("the root component provides the operator")
    }

    /// Whether this tab holds a token, reactively; false in the first render.
    pub fn is_present(self) -> bool {
        self.present.get()
    }

    /// Keeps a token that the reader typed.
    pub fn accept(self, token: &str) {
        browser::store_for_tab(&storage_key(), Some(token.trim()));
        self.present.set(true);
    }

    /// Forgets the token.
    pub fn forget(self) {
        browser::store_for_tab(&storage_key(), None);
        self.present.set(false);
    }

    /// Sends JSON to an operator path of the API with the token.
    pub async fn post<T: Serialize>(self, path: &str, body: &T) -> Result<(), String> {
        self.send(Method::Post, path, Some(body)).await
    }

    /// Puts JSON at an operator path of the API with the token.
    pub async fn put<T: Serialize>(self, path: &str, body: &T) -> Result<(), String> {
        self.send(Method::Put, path, Some(body)).await
    }

    /// Removes what an operator path of the API names, with the token.
    pub async fn delete(self, path: &str) -> Result<(), String> {
        self.send(Method::Delete, path, None::<&()>).await
    }

    async fn send<T: Serialize>(self, method: Method, path: &str, body: Option<&T>) -> Result<(), String> {
        match browser::load_for_tab(&storage_key()) {
            Some(token) => browser::send_change(method, path, &token, body).await,
            None => Err("this tab holds no operator token; open the operator link; the node prints it, or where its token is, when it starts".to_owned()),
        }
    }
}
