//! Listening, with or without TLS, and ending in good order.
//!
//! Nothing that a client does or leaves undone holds a place for long: docs/operators.md lists the limits.

mod activity;
mod connection;
mod plain;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use tally_node::supervise;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::proxies::Proxies;
use super::router;
use super::tls::Tls;
use crate::config::WebConfig;
use crate::descriptors;
use crate::net_guard::{self, Guard, Room, Seldom};
use crate::server::Shared;

pub use activity::Times;

/// How long open requests may still take once the server ends.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes of the head of a request, and of what HTTP/1 buffers.
const MAX_HEAD: usize = 64 * 1_024;
/// Requests under way on one connection of HTTP/2.
const MAX_STREAMS: u32 = 100;
/// What hyper holds of one answer under HTTP/2, in bytes, when the client has allowed more than it reads. The answer counts as sent then.
const STREAM_BUFFER: usize = 16 * 1_024;
/// Streams that a client opens and resets at once before its connection ends.
const MAX_RESETS: usize = 20;
/// Idle time after which a client of HTTP/2 gets a ping, and the time that it has to answer.
const PING: Duration = Duration::from_secs(20);
/// How much of all descriptors connections may take, in eighths.
const SHARE: u64 = 3;
/// What the system holds of answers that a client has not taken yet, in bytes of one connection (it doubles the figure for
/// its own needs).
const SEND_BUFFER: u32 = 128 * 1_024;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;
/// What loopback keeps of all places: one in this many.
const KEPT: usize = 8;

/// A server that listens.
pub struct Running {
    /// Where; the port is the real one, also if port 0 was given.
    pub address: SocketAddr,
    server: Shared,
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What every connection needs.
struct Front {
    router: Router,
    http: auto::Builder<TokioExecutor>,
    tls: Option<Tls>,
    server: Shared,
}

impl Front {
    fn new(server: &Shared) -> anyhow::Result<Self> {
        let tls = server
            .web
            .tls
            .as_ref()
            .map(|files| Tls::load(files.clone()))
            .transpose()?;
        let mut http = auto::Builder::new(TokioExecutor::new());
        // Time-outs of heads and of idle connections are those of `activity`, the same for both versions.
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .max_concurrent_streams(MAX_STREAMS)
            .max_pending_accept_reset_streams(MAX_RESETS)
            .max_header_list_size(MAX_HEAD as u32)
            .max_send_buf_size(STREAM_BUFFER);
        Ok(Self {
            router: router(server),
            http,
            tls,
            server: server.clone(),
        })
    }
}

/// The places of connections, as the settings and the system's limit allow.
fn guard(web: &WebConfig) -> Guard {
    let all = descriptors::connections(web.max_connections, SHARE);
    if all < web.max_connections {
        tracing::info!(
            connections = all,
            wanted = web.max_connections,
            "the limit of open files allows fewer connections"
        );
    }
    Guard::new(Room {
        all,
        per_address: web.max_connections_per_address.min(all),
        kept_for_loopback: all / KEPT,
    })
}

/// Listens with small send buffers: the system would hold megabytes for a client, and take more only once a third of
/// them is read, which a slow client does not do in time.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A port that was in use a moment ago can be taken, as with `TcpListener::bind`.
    socket.set_reuseaddr(true)?;
    // Connections have it from their listener.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Binds the address of the settings and serves from now on.
///
/// # Errors
/// Where the address cannot be bound, or certificate and key cannot be used.
pub async fn start(server: Shared) -> anyhow::Result<Running> {
    let wanted = server.web.listen;
    let listener = listen(wanted).with_context(|| format!("cannot listen on {wanted}"))?;
    let address = listener.local_addr()?;
    let front = Arc::new(Front::new(&server)?);
    let (stopping, stop) = watch::channel(false);
    let task = supervise::task("http listener", serve(listener, front, stop));
    Ok(Running {
        address,
        server,
        stopping,
        task,
    })
}

async fn serve(listener: TcpListener, front: Arc<Front>, mut stop: watch::Receiver<bool>) {
    let guard = guard(&front.server.web);
    let (failing, full) = (Seldom::default(), Seldom::default());
    let mut connections = JoinSet::new();
    let renewing = renew(&front);
    tokio::pin!(renewing);
    let ending = stop.clone();
    loop {
        let (stream, remote) = tokio::select! {
            accepted = net_guard::accept(&listener, "http", &failing) => accepted,
            // What has ended is forgotten; a panic in it was logged, and cost this connection only.
            Some(_) = connections.join_next() => continue,
            () = &mut renewing => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        if let Some(connection) = admit(stream, remote, &guard, &front, &full, &ending) {
            connections.spawn(connection);
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // Those that are still there after it are dropped with their set.
    let _ = tokio::time::timeout(GRACE, all).await;
}

fn admit(
    stream: TcpStream,
    remote: SocketAddr,
    guard: &Guard,
    front: &Arc<Front>,
    full: &Seldom,
    stop: &watch::Receiver<bool>,
) -> Option<impl Future<Output = ()> + Send + use<>> {
    // A proxy carries many clients: what they do is limited request by request.
    let counted = match front.server.proxies.trust(remote.ip()) {
        true => Proxies::COUNTED_AS,
        false => remote.ip(),
    };
    match guard.admit(counted) {
        Ok(place) => {
            // Answers are small and are not delayed.
            let _ = stream.set_nodelay(true);
            Some(connection::serve(stream, remote, place, front.clone(), stop.clone()))
        }
        Err(reason) => {
            if let Some(unlogged) = full.now() {
                tracing::warn!(%remote, %reason, unlogged, "a connection is not taken");
            }
            None
        }
    }
}

/// Looks after certificate and key where there are any.
async fn renew(front: &Front) {
    match &front.tls {
        Some(tls) => tls.follow(&front.server.web).await,
        None => std::future::pending().await,
    }
}

impl Running {
    /// Ends event streams, lets open requests finish, and stops.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.server.stop_streams();
        self.stopping.send_replace(true);
        Ok(self.task.await?)
    }
}
