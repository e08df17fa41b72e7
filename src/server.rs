//! What every handler shares: the node, who may change it, and what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tally_app::server::ServerFacts;
use tally_node::{Node, StoreError, Tip};
use tokio::sync::watch;

use crate::api::metrics::Metrics;
use crate::api::problem::{Answer, Problem, kinds};
use crate::config::WebConfig;
use crate::operator::Tokens;

/// The node behind the router.
pub struct Server {
    pub node: Node,
    pub tokens: Tokens,
    pub web: WebConfig,
    pub metrics: Metrics,
    /// What the pages say about this server.
    pub facts: ServerFacts,
    streams: AtomicUsize,
    stopping: watch::Sender<bool>,
}

/// How handlers receive it.
pub type Shared = Arc<Server>;

impl Server {
    pub fn new(node: Node, tokens: Tokens, web: WebConfig) -> Shared {
        Arc::new(Self {
            facts: web.facts(),
            metrics: Metrics::new(&node),
            node,
            tokens,
            web,
            streams: AtomicUsize::new(0),
            stopping: watch::Sender::new(false),
        })
    }

    /// Runs what blocks a thread (reads of many blocks, imports, signature checks) beside the server's own threads.
    pub async fn blocking<T: Send + 'static>(
        self: &Shared,
        work: impl FnOnce(&Node) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let node = self.node.clone();
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || span.in_scope(|| work(&node))).await;
        done.unwrap_or_else(|error| Err(Problem::internal(error)))
    }

    /// Like [`Self::blocking`], for reads of one tip.
    pub async fn read<T: Send + 'static>(
        self: &Shared,
        work: impl FnOnce(&Node, &Tip) -> Result<T, ReadFailure> + Send + 'static,
    ) -> Answer<T> {
        self.blocking(move |node| work(node, &node.tip()).map_err(|failure| failure.0))
            .await
    }

    /// Asks every open event stream to end.
    pub fn stop_streams(&self) {
        self.stopping.send_replace(true);
    }

    /// Becomes true when the server is about to end.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Event streams open now.
    pub fn open_streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }

    /// Takes a place for one event stream; it is given back on drop.
    pub fn open_stream(self: &Shared) -> Answer<StreamPlace> {
        let max = self.web.max_streams;
        if *self.stopping.borrow() {
            return Err(Problem::new(&kinds::SHUTTING_DOWN, "the node is about to end"));
        }
        if self.streams.fetch_add(1, Ordering::Relaxed) >= max {
            self.streams.fetch_sub(1, Ordering::Relaxed);
            let problem = Problem::new(
                &kinds::TOO_MANY_STREAMS,
                format!("{max} event streams are open, more are not served"),
            );
            return Err(problem.with("limit", max));
        }
        Ok(StreamPlace(self.clone()))
    }
}

/// The place of one event stream.
pub struct StreamPlace(Shared);

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets `?` turn store errors and problems alike into the answer of a read.
pub struct ReadFailure(Problem);

impl From<StoreError> for ReadFailure {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<Problem> for ReadFailure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}
