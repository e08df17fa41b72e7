//! What the sections of the page share: what was read with the token, and how failures are shown.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use tally_api::tokens::{LogPageBody, NewTokenBody, TokensBody};

use crate::{operations::operator::Operator, ui::Toasts};

/// The path of requests about tokens.
pub const TOKENS_PATH: &str = "/api/v1/tokens";
/// The path of the log.
pub const LOG_PATH: &str = "/api/v1/operator/log";

/// Something that is read with the token.
#[derive(Clone)]
pub enum Reading<T> {
    Waiting,
    /// Why not, in a sentence.
    Failed(String),
    Read(T),
}

/// What the sections of the page share.
#[derive(Clone, Copy)]
pub struct AdminState {
    pub operator: Operator,
    pub toasts: Toasts,
    pub tokens: RwSignal<Reading<TokensBody>>,
    /// The newest page of the log.
    pub log: RwSignal<Reading<LogPageBody>>,
    /// A token whose text is shown now, and never again.
    pub new: RwSignal<Option<Arc<NewTokenBody>>>,
}

impl AdminState {
    /// Nothing is read yet.
    pub fn new() -> Self {
        Self {
            operator: Operator::get(),
            toasts: Toasts::get(),
            tokens: RwSignal::new(Reading::Waiting),
            log: RwSignal::new(Reading::Waiting),
            new: RwSignal::new(None),
        }
    }

    /// Reads both anew; what was shown stays until there is an answer.
    pub fn read(self) {
        spawn_local(async move {
            let tokens = self.operator.read(TOKENS_PATH).await;
            let _ = self.tokens.try_set(tokens.map_or_else(Reading::Failed, Reading::Read));
            let log = self.operator.read(LOG_PATH).await;
            let _ = self.log.try_set(log.map_or_else(Reading::Failed, Reading::Read));
        });
    }

    /// Shows the text of a new token.
    pub fn show(self, new: NewTokenBody) {
        let _ = self.new.try_set(Some(Arc::new(new)));
        self.read();
    }
}
