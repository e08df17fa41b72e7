//! What happens on one connection, and when it has been silent for too long. One rule for HTTP/1 and HTTP/2:
//!
//! - without a request under way, the next one (with all of its head) has to come in time;
//! - with an answer under way, its client has to take the next part of it in time.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::net_guard::Place;
use crate::web::parts::Parts;

/// How long clients may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// For the first byte, and for a TLS handshake.
    pub first: Duration,
    /// For the whole head of the first request.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For taking the next part of an answer.
    pub write: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(10),
            head: Duration::from_secs(20),
            idle: Duration::from_secs(60),
            write: Duration::from_secs(30),
        }
    }
}

/// Why a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overdue {
    #[error("no request came in time")]
    Request,
    #[error("the client does not take its answer")]
    Answer,
}

/// What happens on one connection.
pub struct Activity {
    place: Place,
    times: Times,
    state: Mutex<State>,
}

struct State {
    /// Requests whose answers are not written yet.
    under_way: usize,
    /// When the last one ended, or the connection began.
    idle_since: Instant,
    answered: bool,
    /// Answers whose next part the client has to take first, with the time since when.
    waiting: BTreeMap<u64, Instant>,
    next: u64,
}

impl Activity {
    pub fn new(place: Place, times: Times) -> Arc<Self> {
        let state = State {
            under_way: 0,
            idle_since: Instant::now(),
            answered: false,
            waiting: BTreeMap::new(),
            next: 0,
        };
        Arc::new(Self {
            place,
            times,
            state: Mutex::new(state),
        })
    }

    /// A request has come.
    pub fn begin(self: &Arc<Self>) -> UnderWay {
        let mut state = self.state.lock();
        state.under_way += 1;
        state.next += 1;
        self.place.busy();
        UnderWay {
            activity: self.clone(),
            number: state.next,
        }
    }

    /// Waits until the connection's place went to another.
    pub async fn evicted(&self) {
        self.place.evicted().await;
    }

    /// Waits until the client has been silent for too long.
    pub async fn overdue(&self) -> Overdue {
        let shortest = self.times.head.min(self.times.idle).min(self.times.write);
        loop {
            let now = Instant::now();
            match self.next(now) {
                Err(overdue) => return overdue,
                // What begins meanwhile may be due earlier.
                Ok(due) => tokio::time::sleep_until(due.min(now + shortest)).await,
            }
        }
    }

    /// When to look again.
    fn next(&self, now: Instant) -> Result<Instant, Overdue> {
        let state = self.state.lock();
        let (due, overdue) = match (state.under_way, state.waiting.values().min()) {
            (0, _) if state.answered => (state.idle_since + self.times.idle, Overdue::Request),
            (0, _) => (state.idle_since + self.times.head, Overdue::Request),
            (_, Some(since)) => (*since + self.times.write, Overdue::Answer),
            // The node itself is at work, and that is limited elsewhere.
            (_, None) => return Ok(now + self.times.write),
        };
        if due <= now { Err(overdue) } else { Ok(due) }
    }
}

/// A request under way; it ends with its answer, on drop.
pub struct UnderWay {
    activity: Arc<Activity>,
    number: u64,
}

impl UnderWay {
    fn waits(&self, waits: bool) {
        let mut state = self.activity.state.lock();
        match waits {
            true => drop(state.waiting.insert(self.number, Instant::now())),
            false => drop(state.waiting.remove(&self.number)),
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.activity.state.lock();
        state.waiting.remove(&self.number);
        state.under_way -= 1;
        state.answered = true;
        if state.under_way == 0 {
            state.idle_since = Instant::now();
            self.activity.place.idle();
        }
    }
}

/// The body of an answer that knows whether its client takes it.
pub struct Watched {
    parts: Parts,
    request: UnderWay,
}

impl Watched {
    pub fn new(body: Body, request: UnderWay) -> Self {
        // The head comes first: a client that takes no byte gets no body frame.
        request.waits(true);
        let parts = Parts::of(body);
        Self { parts, request }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        // hyper polls the next frame only once the one before is on its way.
        self.request.waits(false);
        let frame = ready!(Pin::new(&mut self.parts).poll_frame(context));
        if let Some(Ok(_)) = frame {
            self.request.waits(true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.parts.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use http_body_util::BodyExt as _;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::net_guard::{Guard, Room};
    use crate::web::parts::PART;

    fn activity() -> Arc<Activity> {
        let room = Room {
            all: 9,
            per_address: 9,
            kept_for_loopback: 0,
        };
        let place = Guard::new(room).admit([127, 0, 0, 1].into()).expect("room");
        Activity::new(place, Times::default())
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn the_first_head_has_to_come_and_then_the_next() {
        let activity = activity();
        let begun = Instant::now();
        assert!(activity.next(begun + secs(19)).is_ok());
        assert_eq!(activity.next(begun + secs(20)), Err(Overdue::Request));
        let under_way = activity.begin();
        assert!(activity.next(begun + secs(3_600)).is_ok(), "the node may think");
        drop(under_way);
        let begun = Instant::now();
        assert!(activity.next(begun + secs(59)).is_ok());
        assert_eq!(activity.next(begun + secs(60)), Err(Overdue::Request));
    }

    #[tokio::test]
    async fn a_client_has_to_take_each_part_of_its_answer() {
        let activity = activity();
        let parts = futures::stream::iter(["one", "two"].map(Ok::<_, std::convert::Infallible>));
        let mut body = Watched::new(Body::from_stream(parts), activity.begin());
        let begun = Instant::now();
        assert!(activity.next(begun + secs(29)).is_ok(), "the head has to be taken");
        assert_eq!(activity.next(begun + secs(31)), Err(Overdue::Answer));
        for _ in 0..2 {
            body.frame().await.expect("a part").expect("no error");
            let given = Instant::now();
            assert!(activity.next(given + secs(29)).is_ok());
            assert_eq!(activity.next(given + secs(30)), Err(Overdue::Answer));
        }
        drop(body);
        assert_eq!(activity.next(Instant::now() + secs(60)), Err(Overdue::Request));
    }

    #[tokio::test]
    async fn long_answers_are_handed_on_in_parts() {
        let long: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
        let mut body = Watched::new(Body::from(long.clone()), activity().begin());
        let mut got = Vec::new();
        while !body.is_end_stream() {
            assert_eq!(body.size_hint().exact(), Some((long.len() - got.len()) as u64));
            let part = body.frame().await.expect("a part").expect("no error");
            let part = part.into_data().expect("data");
            assert!(part.len() <= PART, "{}", part.len());
            got.extend_from_slice(&part);
        }
        assert_eq!(got, long);
    }

    /// Reads 4 KiB every 16 ms.
    async fn read_slowly(mut client: tokio::io::DuplexStream) -> usize {
        let head = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        client.write_all(head).await.expect("the request is taken");
        let (mut part, mut all) = ([0; 4_096], 0);
        loop {
            match client.read(&mut part).await.expect("the connection stays") {
                0 => return all,
                length => all += length,
            }
            tokio::time::sleep(Duration::from_millis(16)).await;
        }
    }

    #[tokio::test]
    async fn a_slow_client_that_reads_gets_its_whole_answer() {
        const LONG: usize = 512 * 1_024;
        let room = Room {
            all: 9,
            per_address: 9,
            kept_for_loopback: 0,
        };
        let place = Guard::new(room).admit([127, 0, 0, 1].into()).expect("room");
        // The whole answer takes two seconds, each part of it an eighth of one at most: a busy machine has room.
        let times = Times {
            write: Duration::from_secs(1),
            ..Times::default()
        };
        let activity = Activity::new(place, times);
        let own = activity.clone();
        let service = hyper::service::service_fn(move |_: hyper::Request<hyper::body::Incoming>| {
            let body = Watched::new(Body::from(vec![7_u8; LONG]), own.begin());
            std::future::ready(Ok::<_, std::convert::Infallible>(hyper::Response::new(body)))
        });
        let (client, server) = tokio::io::duplex(8 * 1_024);
        let mut http = hyper::server::conn::http1::Builder::new();
        let serving = http
            .max_buf_size(8 * 1_024)
            .serve_connection(TokioIo::new(server), service);
        let serving = tokio::spawn(serving);
        let begun = Instant::now();
        let got = tokio::select! {
            overdue = activity.overdue() => panic!("{overdue} after {:?}", begun.elapsed()),
            got = read_slowly(client) => got,
        };
        assert!(got > LONG, "{got} bytes with the head");
        assert!(
            begun.elapsed() > 2 * times.write,
            "slow enough to measure: {:?}",
            begun.elapsed()
        );
        serving.await.expect("no panic").expect("no error");
    }

    #[tokio::test]
    async fn an_event_stream_that_is_taken_lives() {
        let activity = activity();
        let (send, receive) = tokio::sync::mpsc::channel::<Result<&str, std::convert::Infallible>>(1);
        let events = futures::stream::unfold(receive, |mut receive| async move {
            receive.recv().await.map(|event| (event, receive))
        });
        let mut body = Watched::new(Body::from_stream(events), activity.begin());
        for _ in 0..3 {
            send.send(Ok("event")).await.expect("it is read");
            body.frame().await.expect("an event").expect("no error");
            // The next one is waited for, as hyper does it.
            assert!(body.frame().now_or_never().is_none());
            assert!(activity.next(Instant::now() + secs(3_600)).is_ok());
        }
    }

    #[tokio::test]
    async fn the_watch_ends_when_time_is_over() {
        let room = Room {
            all: 9,
            per_address: 9,
            kept_for_loopback: 0,
        };
        let place = Guard::new(room).admit([127, 0, 0, 1].into()).expect("room");
        let head = Duration::from_millis(20);
        let activity = Activity::new(
            place,
            Times {
                head,
                ..Times::default()
            },
        );
        assert_eq!(activity.overdue().await, Overdue::Request);
    }
}
