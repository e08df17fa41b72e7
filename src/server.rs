//! What every handler shares: the node, who may change it, and what is measured.

#[cfg(test)]
pub(crate) mod testing;

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderValue, header};
use tally_app::server::{WorkError, Workers};
use tally_network::NetworkSlot;
use tally_node::{Health, LightReadError, Node, StoreError};
use tally_pages::ServerFacts;
use tokio::sync::watch;

use crate::api::metrics::Metrics;
use crate::api::problem::{Answer, Problem, kinds};
use crate::config::WebConfig;
use crate::net_guard::{Full, Guard, Place, Room};
use crate::operator::Tokens;
use crate::web::Proxies;

/// Of all event streams, one in this many is kept for loopback.
const KEPT_STREAMS: usize = 8;

/// Streams of headers at once: each holds a part of some hundred kilobytes, and reads the next one when its client has taken it.
const HEADER_STREAMS: Room = Room {
    all: 64,
    per_address: 4,
    kept_for_loopback: 16,
};

/// Monitors that measure at once.
const PROBES: usize = 2;
/// Looks at the state of the node at once: none reads blocks or accounts.
const LOOKS: usize = 4;
/// Proofs made at once: the node makes one after the other.
const PROOFS: usize = 1;

/// The node and its network behind the router.
pub struct Server {
    pub node: Node,
    /// Its peers; empty until it starts, and where the node runs alone. It ends before the node does.
    pub network: NetworkSlot,
    pub tokens: Tokens,
    pub web: WebConfig,
    pub metrics: Metrics,
    /// What the pages show of this server.
    pub facts: ServerFacts,
    /// Who may name the client of a request.
    pub proxies: Proxies,
    /// For reads of pages and API.
    pub reads: Workers,
    /// For what changes the node: a flood of reads does not hold up payments and blocks.
    changes: Workers,
    /// For templates: on a new tip all who mine wait for one assembly, which may take seconds, and hold up no other request.
    templates: Workers,
    /// For monitors: a flood of reads does not leave an operator without figures.
    probes: Workers,
    /// For the node's state, its peers and its miners: a flood of reads does not hide how the node is.
    looks: Workers,
    /// For proofs of new tips, which take long to make: requests that wait for one hold up no other read.
    proofs: Workers,
    streams: Guard,
    header_streams: Guard,
    stopping: watch::Sender<bool>,
}

/// How handlers receive it.
pub type Shared = Arc<Server>;

impl Server {
    pub fn new(node: Node, tokens: Tokens, web: WebConfig) -> Shared {
        let network = NetworkSlot::default();
        Arc::new(Self {
            facts: web.facts(),
            metrics: Metrics::new(&node, &network),
            proxies: Proxies::new(web.trusted_proxies.clone(), web.proxy_header),
            reads: Workers::for_this_machine(),
            changes: Workers::for_this_machine(),
            templates: Workers::for_this_machine(),
            probes: Workers::new(PROBES),
            looks: Workers::new(LOOKS),
            proofs: Workers::new(PROOFS),
            streams: Guard::new(Room {
                all: web.max_streams,
                per_address: web.max_streams_per_address,
                kept_for_loopback: web.max_streams / KEPT_STREAMS,
            }),
            header_streams: Guard::new(HEADER_STREAMS),
            node,
            network,
            tokens,
            web,
            stopping: watch::Sender::new(false),
        })
    }

    /// Whether the node can do its work now, with what its network has found: the one answer of `/readyz`, API and pages.
    pub fn health(&self) -> Health {
        self.network.health_of(&self.node)
    }

    /// Runs what changes the node (imports, signature checks) beside the server's own threads.
    pub async fn blocking<T: Send + 'static>(
        self: &Shared,
        work: impl FnOnce(&Node) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        self.work(&self.changes, work).await
    }

    /// Makes a template beside the server's own threads.
    pub async fn template<T: Send + 'static>(
        self: &Shared,
        work: impl FnOnce(&Node) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        self.work(&self.templates, work).await
    }

    /// Measures the node for a monitor, beside the server's own threads.
    pub async fn probe<T: Send + 'static>(
        self: &Shared,
        work: impl FnOnce(&Node) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        self.work(&self.probes, work).await
    }

    /// Makes a proof for light clients beside the server's own threads and beside all reads. The node makes one at a time, and
    /// requests that wait for it hold no thread.
    pub async fn prove<T: Send + 'static>(
        self: &Shared,
        work: impl FnOnce(&Node) -> Result<T, ReadFailure> + Send + 'static,
    ) -> Answer<T> {
        let prove = move |node: &Node| work(node).map_err(|failure| failure.0);
        self.work(&self.proofs, prove).await
    }

    /// Looks at the state of the node, beside the server's own threads and beside all other reads.
    pub async fn look<T: Send + 'static>(self: &Shared, work: impl FnOnce(&Node) -> T + Send + 'static) -> Answer<T> {
        self.work(&self.looks, move |node| Ok(work(node))).await
    }

    /// Runs a read beside the server's own threads. What it answers is of one moment: it takes the tip once.
    pub async fn read<T: Send + 'static>(
        self: &Shared,
        work: impl FnOnce(&Node) -> Result<T, ReadFailure> + Send + 'static,
    ) -> Answer<T> {
        let read = move |node: &Node| work(node).map_err(|failure| failure.0);
        self.work(&self.reads, read).await
    }

    async fn work<T: Send + 'static>(
        &self,
        workers: &Workers,
        work: impl FnOnce(&Node) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let node = self.node.clone();
        let span = tracing::Span::current();
        let done = workers.run(move || span.in_scope(|| work(&node))).await;
        done.unwrap_or_else(|error| Err(not_done(error)))
    }

    /// Signals every open event stream to end.
    pub fn stop_streams(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether it is about to end.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Becomes true when the server is about to end.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Event streams open now.
    pub fn open_streams(&self) -> usize {
        self.streams.taken()
    }

    /// Takes a place for one event stream of this address; it is given back on drop.
    pub fn open_stream(self: &Shared, client: IpAddr) -> Answer<Place> {
        if *self.stopping.borrow() {
            return Err(Problem::new(&kinds::SHUTTING_DOWN, "the node is about to end"));
        }
        self.streams.admit(client).map_err(|full| {
            let max = full.max();
            let detail = match full {
                Full::All { .. } => format!("{max} event streams are open, more are not served"),
                Full::Address { .. } => format!("{max} event streams of this address are open, more are not served"),
            };
            Problem::new(&kinds::TOO_MANY_STREAMS, detail).with("limit", max)
        })
    }
}

impl Server {
    /// Takes a place for one stream of headers of this address; it is given back on drop.
    pub fn open_headers(&self, client: IpAddr) -> Answer<Place> {
        self.header_streams.admit(client).map_err(|full| {
            let max = full.max();
            let whose = match full {
                Full::All { .. } => "",
                Full::Address { .. } => " of this address",
            };
            Problem::new(
                &kinds::BUSY,
                format!("{max} streams of headers{whose} are open, more are not served"),
            )
            .with("limit", max)
            .header(header::RETRY_AFTER, HeaderValue::from(WorkError::RETRY_AFTER))
        })
    }
}

fn not_done(error: WorkError) -> Problem {
    match error {
        WorkError::Busy => {
            Problem::new(&kinds::BUSY, error).header(header::RETRY_AFTER, HeaderValue::from(WorkError::RETRY_AFTER))
        }
        WorkError::Failed(error) => Problem::internal(error),
    }
}

/// Lets `?` turn store errors and problems alike into the answer of a read.
pub struct ReadFailure(Problem);

impl From<StoreError> for ReadFailure {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<LightReadError> for ReadFailure {
    fn from(error: LightReadError) -> Self {
        Self((&error).into())
    }
}

impl From<Problem> for ReadFailure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn an_address_has_few_streams_of_headers_and_leaves_places_for_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let server = testing::server(folder.path(), WebConfig::default());
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let open = |address| server.open_headers(address);
        let taken: Vec<_> = (0..HEADER_STREAMS.per_address).map(|_| open(one)).collect();
        assert!(taken.iter().all(Result::is_ok));
        let full = open(one).expect_err("it has its places");
        assert_eq!(
            (full.kind, &full.members["limit"]),
            (&kinds::BUSY, &HEADER_STREAMS.per_address.into())
        );
        assert!(open(other).is_ok());
        drop(taken);
        assert!(open(one).is_ok());
        server.node.close().expect("a store in order");
    }

    #[tokio::test]
    async fn requests_that_wait_for_a_proof_hold_up_no_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let server = testing::server(folder.path(), WebConfig::default());
        let (begin, begun) = tokio::sync::oneshot::channel();
        let (go_on, wait) = channel::<()>();
        let making = server.prove(move |_| {
            let _ = begin.send(());
            Ok(wait.recv().is_ok())
        });
        // More than there are places for reads.
        let waiting = server.reads.free() + 1;
        let others = futures::future::join_all((0..waiting).map(|_| server.prove(|_| Ok(()))));
        let read = async {
            begun.await.expect("a proof is being made");
            let read = server.read(|_| Ok(7)).await.expect("room for a read");
            go_on.send(()).expect("it waits");
            read
        };
        let (made, others, read) = tokio::join!(making, others, read);
        assert!(made.expect("it was made"));
        assert!(others.iter().all(Result::is_ok), "they waited for it");
        assert_eq!(read, 7);
        server.node.close().expect("a store in order");
    }

    #[tokio::test]
    async fn requests_that_wait_for_a_template_hold_up_no_payment_and_no_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let server = testing::server(folder.path(), WebConfig::default());
        // As many as there are places, or more: all of them wait.
        let miners = 4 * std::thread::available_parallelism().map_or(4, usize::from);
        let (go_on, waiting): (Vec<_>, Vec<_>) = (0..miners)
            .map(|_| {
                let (go_on, wait) = channel::<()>();
                let server = server.clone();
                let making = async move {
                    let made = server.template(move |_| Ok(wait.recv().is_ok())).await;
                    made.expect("a place for each")
                };
                (go_on, tokio::spawn(making))
            })
            .unzip();
        tokio::task::yield_now().await;
        assert_eq!(server.blocking(|_| Ok(7)).await.expect("room for a payment"), 7);
        assert_eq!(server.read(|_| Ok(7)).await.expect("room for a read"), 7);
        for miner in go_on {
            miner.send(()).expect("it waits");
        }
        for waited in waiting {
            assert!(waited.await.expect("no panic"));
        }
        server.node.close().expect("a store in order");
    }
}
