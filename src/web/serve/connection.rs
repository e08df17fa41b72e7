//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::activity::{Activity, Overdue, Watched};
use super::{Front, plain};
use crate::net_guard::Place;

/// How long a client has to notice that its connection ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves one connection until it ends.
pub async fn serve(
    stream: TcpStream,
    remote: SocketAddr,
    place: Place,
    front: Arc<Front>,
    mut stop: watch::Receiver<bool>,
) {
    let times = front.server.web.times;
    // Until the first request is whole, others may need the place more.
    place.idle();
    let begin = async {
        let mut first = [0];
        match timeout(times.first, stream.peek(&mut first)).await {
            Ok(Ok(1)) => Some(first[0]),
            // Nothing came in time, or the client is gone.
            _ => None,
        }
    };
    let first = tokio::select! {
        first = begin => first,
        () = place.evicted() => None,
        () = stopped(&mut stop) => None,
    };
    match (first, &front.tls) {
        (None, _) => tracing::debug!(%remote, "a connection without a request"),
        (Some(_), None) => http(stream, remote, place, &front, stop).await,
        (Some(plain::HANDSHAKE), Some(tls)) => {
            let handshake = tokio::select! {
                handshake = timeout(times.first, tls.acceptor().accept(stream)) => handshake,
                () = place.evicted() => return,
                () = stopped(&mut stop) => return,
            };
            match handshake {
                Ok(Ok(stream)) => http(stream, remote, place, &front, stop).await,
                Ok(Err(error)) => tracing::debug!(%remote, %error, "no TLS"),
                Err(_) => tracing::debug!(%remote, "the TLS handshake takes too long"),
            }
        }
        (Some(_), Some(_)) => tokio::select! {
            () = plain::refuse(stream) => {}
            () = place.evicted() => {}
        },
    }
}

/// Waits until the server is about to end.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A server that is gone has ended.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    remote: SocketAddr,
    place: Place,
    front: &Front,
    mut stop: watch::Receiver<bool>,
) {
    let activity = Activity::new(place, front.server.web.times);
    let service = Service {
        router: front.router.clone(),
        remote,
        activity: activity.clone(),
    };
    let connection = front.http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let overdue = tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%remote, error, "a connection failed");
            }
            return;
        }
        overdue = activity.overdue() => overdue,
        () = activity.evicted() => {
            // Its place is another's by now, and that one needs the descriptor: what cannot be written at once is left out.
            connection.as_mut().graceful_shutdown();
            let _ = connection.as_mut().now_or_never();
            tracing::debug!(%remote, "a connection without a request gave up its place");
            return;
        }
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
            return;
        }
    };
    tracing::debug!(%remote, reason = %overdue, "a connection is ended");
    if overdue == Overdue::Request {
        // A client that is there learns it in order, by GOAWAY or the end of the stream.
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = timeout(FAREWELL, connection) => {}
            () = activity.evicted() => {}
        }
    }
}

/// The router as hyper calls it, for one connection.
struct Service {
    router: Router,
    remote: SocketAddr,
    activity: Arc<Activity>,
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<Watched>;
    type Error = Infallible;
    type Future = futures::future::BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let under_way = self.activity.begin();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.remote));
        let router = self.router.clone();
        Box::pin(async move {
            let answer = AssertUnwindSafe(router.oneshot(request)).catch_unwind().await;
            // Handlers are caught further in, with a problem and a request id; this is for what stands around them.
            let response = match answer {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            };
            Ok(response.map(|body| Watched::new(body, under_way)))
        })
    }
}

#[cfg(test)]
mod tests {
    use tally_node::Node;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::activity::Times;
    use super::*;
    use crate::config::WebConfig;
    use crate::net_guard::{Guard, Room};
    use crate::server::testing;

    const REMOTE: [u8; 4] = [192, 0, 2, 1];
    /// Of a request that is not whole: hyper alone would wait for the rest of it.
    const HALF: &str = "GET / HTTP/1.1\r\nhost: ";

    /// A node behind a router, in this folder.
    fn front(folder: &std::path::Path, times: Times) -> (Front, Node) {
        let web = WebConfig {
            times,
            ..WebConfig::default()
        };
        let server = testing::server(folder, web);
        let front = Front::new(&server).expect("no TLS to load");
        (front, server.node.clone())
    }

    /// Room for one connection of an address.
    fn guard() -> Guard {
        Guard::new(Room {
            all: 9,
            per_address: 1,
            kept_for_loopback: 0,
        })
    }

    #[tokio::test]
    async fn a_connection_that_gave_up_its_place_is_gone_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let (front, node) = front(folder.path(), Times::default());
        let (_running, stop) = watch::channel(false);
        for begun in ["", HALF, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
            let guard = guard();
            let place = guard.admit(REMOTE.into()).expect("room");
            place.idle();
            let (mut client, stream) = tokio::io::duplex(4_096);
            client.write_all(begun.as_bytes()).await.expect("there is room");
            let remote = SocketAddr::from((REMOTE, 4_711));
            let serving = http(stream, remote, place, &front, stop.clone());
            tokio::pin!(serving);
            assert_eq!(serving.as_mut().now_or_never(), None, "{begun:?} is waited for");
            let _newcomer = guard.admit(REMOTE.into()).expect("the idle one goes");
            assert_eq!(serving.as_mut().now_or_never(), Some(()), "{begun:?} is ended at once");
            // Its stream is closed: what there is to read ends.
            client.read_to_end(&mut Vec::new()).await.expect("an end in order");
        }
        node.close().expect("a store in order");
    }

    #[tokio::test]
    async fn and_so_is_one_that_is_about_to_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let times = Times {
            head: Duration::from_millis(1),
            ..Times::default()
        };
        let (front, node) = front(folder.path(), times);
        let (_running, stop) = watch::channel(false);
        let guard = guard();
        let place = guard.admit(REMOTE.into()).expect("room");
        place.idle();
        let (mut client, stream) = tokio::io::duplex(4_096);
        client.write_all(HALF.as_bytes()).await.expect("there is room");
        let serving = http(stream, SocketAddr::from((REMOTE, 4_711)), place, &front, stop);
        tokio::pin!(serving);
        // Its time is over, and it has a second to notice.
        let ended = timeout(Duration::from_millis(50), serving.as_mut()).await;
        assert_eq!(
            ended.map_err(|early| early.to_string()),
            Err("deadline has elapsed".to_owned())
        );
        let _newcomer = guard.admit(REMOTE.into()).expect("the idle one goes");
        assert_eq!(serving.as_mut().now_or_never(), Some(()));
        node.close().expect("a store in order");
    }
}
