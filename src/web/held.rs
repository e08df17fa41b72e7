//! Answers that their clients have not taken yet: what they keep in memory has a limit, for each address and in all.
//!
//! A client may read slowly, or open hundreds of streams and read none. What it has not read stays in memory, so a new answer beyond
//! its address's share is not sent. Where all answers together reach the limit, the oldest of the address that holds most are given up:
//! few slow readers leave room for everybody else.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;

use crate::api::problem::{Problem, kinds};
use crate::net_guard::household;
use crate::web::Client;
use crate::web::parts::Parts;

/// How much may be held, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// By all answers together.
    pub all: u64,
    /// By the answers to one remote address, or one /64 of IPv6. Loopback has no limit of its own: a proxy may stand there.
    pub per_address: u64,
    /// Of `all`, what only loopback may hold.
    pub kept_for_loopback: u64,
}

/// The longest answer is a block of 128 MiB: four of them in all, and a share of many pages and parts of blocks.
pub const MOST: Most = Most {
    all: 512 << 20,
    per_address: 64 << 20,
    kept_for_loopback: 64 << 20,
};
/// What the shortest answer costs beside its bytes: its head, its task, its place in a connection.
const LEAST: u64 = 4 << 10;
/// What a stream is counted as, whose length nobody knows; it holds one part at a time.
const STREAM: u64 = 64 << 10;
/// An answer is not given up for others before this age.
const YOUNG: Duration = Duration::from_secs(10);
/// An answer whose bytes are in memory in any case, and cost nothing while they wait.
#[derive(Debug, Clone, Copy)]
pub struct Embedded;

/// Counts what answers hold; clones count together.
#[derive(Clone)]
pub struct Held(Arc<Inner>);

struct Inner {
    most: Most,
    state: Mutex<Answers>,
}

#[derive(Default)]
struct Answers {
    /// By number, which rises with time.
    all: BTreeMap<u64, Answer>,
    next: u64,
    /// Bytes of each address that has answers.
    sums: BTreeMap<IpAddr, u64>,
}

struct Answer {
    address: IpAddr,
    bytes: u64,
    since: Instant,
    content: Content,
}

/// What is left to send; `None` once it was given up.
type Content = Arc<Mutex<Option<Parts>>>;

/// Why an answer is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Full {
    #[error("{max} bytes of answers wait to be read, more are not sent")]
    All { max: u64 },
    #[error("{max} bytes of answers to this address wait to be read, more are not sent")]
    Address { max: u64 },
}

impl Full {
    fn max(self) -> u64 {
        match self {
            Self::All { max } | Self::Address { max } => max,
        }
    }
}

impl Held {
    pub fn new(most: Most) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Inner { most, state }))
    }

    /// Counts an answer, as long as its body lives.
    fn admit(&self, address: IpAddr, body: Body, now: Instant) -> Result<Body, Full> {
        let hint = body.size_hint();
        let bytes = LEAST + hint.exact().unwrap_or_else(|| hint.lower().max(STREAM));
        let address = household(address);
        let mut state = self.0.state.lock();
        let given_up = state.make_room(self.0.most, address, bytes, now)?;
        let content = Arc::new(Mutex::new(Some(Parts::of(body))));
        let answer = Answer {
            address,
            bytes,
            since: now,
            content: content.clone(),
        };
        let number = state.insert(answer);
        drop(state);
        // Their bytes go outside of the lock.
        drop(given_up);
        Ok(Body::new(Counted {
            held: self.clone(),
            number,
            content,
        }))
    }

    #[cfg(test)]
    fn bytes(&self) -> u64 {
        self.0.state.lock().sums.values().sum()
    }
}

impl Answers {
    fn insert(&mut self, answer: Answer) -> u64 {
        let number = self.next;
        self.next += 1;
        *self.sums.entry(answer.address).or_default() += answer.bytes;
        self.all.insert(number, answer);
        number
    }

    fn remove(&mut self, number: u64) -> Option<Answer> {
        let answer = self.all.remove(&number)?;
        if let Some(sum) = self.sums.get_mut(&answer.address) {
            *sum -= answer.bytes;
            if *sum == 0 {
                self.sums.remove(&answer.address);
            }
        }
        Some(answer)
    }

    /// Sees to it that so many bytes fit, and returns what was given up for them. An answer that is longer than its limit is sent
    /// where nothing else is held. Nothing is given up where that would not be enough.
    fn make_room(&mut self, most: Most, address: IpAddr, bytes: u64, now: Instant) -> Result<Vec<Option<Parts>>, Full> {
        let own = self.sums.get(&address).copied().unwrap_or_default();
        if !address.is_loopback() && own > 0 && own + bytes > most.per_address {
            let max = most.per_address;
            return Err(Full::Address { max });
        }
        let own_machine = address.is_loopback();
        let counted = self
            .sums
            .iter()
            .filter(|(other, _)| own_machine || !other.is_loopback());
        let held: u64 = counted.map(|(_, sum)| sum).sum();
        let max = most.all - if own_machine { 0 } else { most.kept_for_loopback };
        if held == 0 || held + bytes <= max {
            return Ok(Vec::new());
        }
        let numbers = self.enough_for(held + bytes - max, own + bytes, now);
        let numbers = numbers.ok_or(Full::All { max })?;
        let answers: Vec<_> = numbers.into_iter().filter_map(|number| self.remove(number)).collect();
        Ok(answers.iter().map(|answer| answer.content.lock().take()).collect())
    }

    /// Answers that may go so that `wanted` bytes become free: the oldest first, always of the address that holds most then. One that
    /// would hold no more than the newcomer (`its` bytes with what it asks for) keeps what it has, and so do those whose first
    /// answer is young, and loopback.
    fn enough_for(&self, wanted: u64, its: u64, now: Instant) -> Option<Vec<u64>> {
        let mut queues: BTreeMap<IpAddr, (u64, VecDeque<(u64, u64)>)> = BTreeMap::new();
        for (number, answer) in &self.all {
            if answer.address.is_loopback() {
                continue;
            }
            let is_old = now.saturating_duration_since(answer.since) >= YOUNG;
            let sum = || self.sums.get(&answer.address).copied().unwrap_or_default();
            let queue = queues.entry(answer.address).or_insert_with(|| (sum(), VecDeque::new()));
            // Once one of them is old, the address is: resetting streams makes nobody young.
            if is_old || !queue.1.is_empty() {
                queue.1.push_back((*number, answer.bytes));
            }
        }
        let (mut chosen, mut free) = (Vec::new(), 0);
        while free < wanted {
            let open = queues.values_mut().filter(|(_, queue)| !queue.is_empty());
            let (sum, queue) =
                open.max_by_key(|(sum, queue)| (*sum, queue.front().map(|(number, _)| Reverse(*number))))?;
            if *sum <= its {
                return None;
            }
            let (number, bytes) = queue.pop_front()?;
            *sum -= bytes;
            free += bytes;
            chosen.push(number);
        }
        Some(chosen)
    }
}

/// Counts the answer to a request.
pub async fn hold(State(held): State<Held>, request: Request, next: Next) -> Response {
    let Client(address) = Client::of(&request);
    let (parts, body) = next.run(request).await.into_parts();
    // Event streams have places of their own.
    let event_stream = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if event_stream || body.is_end_stream() || parts.extensions.get::<Embedded>().is_some() {
        return Response::from_parts(parts, body);
    }
    match held.admit(address, body, Instant::now()) {
        Ok(body) => Response::from_parts(parts, body),
        Err(full) => Problem::new(&kinds::BUSY, full)
            .with("limit", full.max())
            .header(header::RETRY_AFTER, HeaderValue::from(1))
            .into_response(),
    }
}

/// The body of an answer that is counted until it was sent.
struct Counted {
    held: Held,
    number: u64,
    content: Content,
}

/// What a client gets in the middle of an answer that was given up.
#[derive(Debug, thiserror::Error)]
#[error("the answer was given up: it was not read, and others needed its room")]
struct GivenUp;

impl Drop for Counted {
    fn drop(&mut self) {
        let answer = self.held.0.state.lock().remove(self.number);
        drop(answer);
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut content = self.content.lock();
        let Some(parts) = &mut *content else {
            return Poll::Ready(Some(Err(axum::Error::new(GivenUp))));
        };
        let frame = ready!(Pin::new(&mut *parts).poll_frame(context));
        // As a copy: a piece of the answer's own bytes would keep all of them in memory when the answer is given up.
        let copied = |frame: Frame<Bytes>| frame.map_data(|part| Bytes::copy_from_slice(&part));
        Poll::Ready(match parts.has_rest() {
            true => frame.map(|frame| frame.map(copied)),
            false => frame,
        })
    }

    fn is_end_stream(&self) -> bool {
        let content = self.content.lock();
        content.as_ref().is_some_and(Parts::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let content = self.content.lock();
        content.as_ref().map_or_else(SizeHint::default, Parts::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::web::parts::PART;

    const KIB: u64 = 1 << 10;

    fn held() -> Held {
        Held::new(Most {
            all: 1_000 * KIB,
            per_address: 300 * KIB,
            kept_for_loopback: 100 * KIB,
        })
    }

    fn body(kib: u64) -> Body {
        Body::from(vec![7; ((kib * KIB) - LEAST) as usize])
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let (held, now) = (held(), Instant::now());
        let first = held.admit(address(1), body(200), now).expect("room");
        let full = held.admit(address(1), body(101), now).expect_err("301 of 300");
        assert_eq!(full, Full::Address { max: 300 * KIB });
        let _second = held.admit(address(1), body(100), now).expect("room");
        let _other = held.admit(address(2), body(300), now).expect("room of its own");
        drop(first);
        assert_eq!(held.bytes(), 400 * KIB);
        let _again = held.admit(address(1), body(200), now).expect("it was given back");
    }

    #[test]
    fn a_long_answer_is_sent_where_nothing_else_is_held() {
        let (held, now) = (held(), Instant::now());
        let long = held.admit(address(1), body(2_000), now).expect("the only one");
        let full = held.admit(address(1), body(5), now).expect_err("the share is used");
        assert_eq!(full, Full::Address { max: 300 * KIB });
        drop(long);
        assert_eq!(held.bytes(), 0);
    }

    #[test]
    fn short_answers_and_streams_cost_something() {
        let (held, now) = (held(), Instant::now());
        let _short = held.admit(address(1), Body::from("x"), now).expect("room");
        assert_eq!(held.bytes(), LEAST + 1);
        let parts = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let _stream = held.admit(address(1), Body::from_stream(parts), now).expect("room");
        assert_eq!(held.bytes(), 2 * LEAST + 1 + STREAM);
    }

    #[tokio::test]
    async fn few_slow_readers_leave_room_for_others() {
        let (held, begun) = (held(), Instant::now());
        let mut slow: Vec<_> = (1..=3)
            .map(|last| held.admit(address(last), body(300), begun).expect("room"))
            .collect();
        let small = held.admit(address(9), body(10), begun);
        let young = small.expect_err("those are young");
        assert_eq!(young, Full::All { max: 900 * KIB });
        let _own = held
            .admit(IpAddr::from([127, 0, 0, 1]), body(100), begun)
            .expect("kept for it");
        let later = begun + YOUNG;
        let _honest = held.admit(address(9), body(10), later).expect("the oldest goes");
        assert_eq!(held.bytes(), 710 * KIB);
        // Of equal ones the oldest.
        let error = slow[0].frame().await.expect("a frame").expect_err("given up");
        assert_eq!(error.to_string(), GivenUp.to_string());
        let part = slow[1].frame().await.expect("a frame").expect("still there");
        assert_eq!(part.into_data().expect("data").len(), PART);
        // An address with little is not touched while another has more.
        let _much = held.admit(address(8), body(295), later + YOUNG).expect("the next goes");
        assert_eq!(held.bytes(), 705 * KIB);
        let error = slow[1].frame().await.expect("a frame").expect_err("given up");
        assert_eq!(error.to_string(), GivenUp.to_string());
    }

    #[tokio::test]
    async fn nothing_is_given_up_in_vain_and_loopback_keeps_what_it_has() {
        let (held, begun) = (held(), Instant::now());
        let own = IpAddr::from([127, 0, 0, 1]);
        let mut local = held.admit(own, body(90), begun).expect("room");
        let later = begun + YOUNG;
        let young: Vec<_> = (1..=3)
            .map(|last| held.admit(address(last), body(300), later).expect("room"))
            .collect();
        let full = held
            .admit(address(9), body(10), later)
            .expect_err("all of them are young");
        assert_eq!(full, Full::All { max: 900 * KIB });
        assert!(
            local.frame().await.expect("a frame").is_ok(),
            "it frees nothing for others"
        );
        assert_eq!(young.len(), 3);
    }

    #[tokio::test]
    async fn an_address_with_little_keeps_it_while_others_have_more() {
        let (held, begun) = (held(), Instant::now());
        let mut little = held.admit(address(8), body(10), begun).expect("room");
        let later = begun + YOUNG;
        let _much: Vec<_> = (1..=2)
            .map(|last| held.admit(address(last), body(300), later).expect("room"))
            .collect();
        let _third = held.admit(address(3), body(285), later).expect("room");
        let full = held
            .admit(address(9), body(20), later)
            .expect_err("only the little one is old");
        assert_eq!(full, Full::All { max: 900 * KIB });
        assert!(little.frame().await.expect("a frame").is_ok());
    }

    #[tokio::test]
    async fn what_is_given_up_is_freed_though_nothing_reads_it() {
        let held = held();
        let owner = Arc::new(vec![7_u8; 200 << 10]);
        let tracked = Bytes::from_owner(Tracked(owner.clone()));
        let mut body = held
            .admit(address(1), Body::from(tracked), Instant::now())
            .expect("room");
        let part = body.frame().await.expect("a part").expect("no error");
        let given_up = {
            let mut answers = held.0.state.lock();
            let numbers = answers.enough_for(1, 0, Instant::now() + YOUNG).expect("it is old");
            numbers
                .into_iter()
                .filter_map(|number| answers.remove(number))
                .collect::<Vec<_>>()
        };
        given_up.iter().for_each(|answer| drop(answer.content.lock().take()));
        drop(given_up);
        assert_eq!(Arc::strong_count(&owner), 1, "the part in flight is a copy");
        drop((part, body));
        assert_eq!(held.bytes(), 0);
    }

    struct Tracked(Arc<Vec<u8>>);

    impl AsRef<[u8]> for Tracked {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    #[tokio::test]
    async fn a_stream_that_has_ended_may_be_polled_again() {
        let parts = futures::stream::unfold(2, |left| async move {
            (left > 0).then(|| (Ok::<_, std::io::Error>(Bytes::from_static(b"part")), left - 1))
        });
        let mut body = held()
            .admit(address(1), Body::from_stream(parts), Instant::now())
            .expect("room");
        for _ in 0..2 {
            assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
        }
        assert!(body.frame().await.is_none() && body.frame().await.is_none());
    }

    #[tokio::test]
    async fn an_answer_comes_as_it_was() {
        let long: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
        let body = held().admit(address(1), Body::from(long.clone()), Instant::now());
        let body = body.expect("room");
        assert_eq!(body.size_hint().exact(), Some(long.len() as u64));
        assert_eq!(body.collect().await.expect("all of it").to_bytes(), long);
    }
}
