//! `/events`: what happens, as it happens (server-sent events), without gaps for those who come back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use tally_api::ProblemBody;
use tally_api::events::{Event as Happened, EventParams, Greeting, READY, RESET};
use tally_node::{ChainEvent, Node, Numbered};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::extract::Params;
use super::problem::Answer;
use crate::net_guard::Place;
use crate::server::Shared;
use crate::web::Client;

/// Silence after which a comment is sent, so that proxies and clients know the stream lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(1);

/// A stream in progress.
struct Follower {
    node: Node,
    receiver: Receiver<Arc<Numbered>>,
    /// Sent before anything new: a greeting, a reset, what was missed.
    first: std::collections::VecDeque<Event>,
    /// Number of the last event taken from the node.
    last: u64,
    /// When the server ends, the stream ends.
    stopping: tokio::sync::watch::Receiver<bool>,
    _place: Place,
}

/// Events from now on, or from the last one seen
///
/// Each has an id (`run-number`), a name and JSON: `block` (height, id, time, transactions, bytes), `transaction` (id,
/// pending), `reorg` (common, from, to, undone, returned), `dropped` (id, reason), `mining` (on, threads). The first is
/// `ready`; after a gap that cannot be filled comes `reset`: read again what you show. A client that comes back with
/// `Last-Event-ID` gets all that was missed first.
#[utoipa::path(get, path = "/events", tag = "node", params(EventParams,
    ("Last-Event-ID" = Option<String>, Header, description = "The last id seen", example = "1793500000-42")), responses(
    (status = 200, description = "The stream", content_type = "text/event-stream", body = String),
    (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
))]
pub async fn events(
    State(server): State<Shared>,
    Params(params): Params<EventParams>,
    request: Request,
) -> Answer<Response> {
    let header = request
        .headers()
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let last = header.or(params.last_event_id).filter(|id| !id.is_empty());
    let follower = Follower::new(&server, Client::of(&request), last.as_deref())?;
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("still here");
    let mut response = Sse::new(follower.stream()).keep_alive(keep_alive).into_response();
    // Proxies that buffer would hold events back.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl Follower {
    fn new(server: &Shared, client: Client, last: Option<&str>) -> Answer<Self> {
        let place = server.open_stream(client.0)?;
        let node = server.node.clone();
        let events = node.events();
        let run = events.run();
        let resumed = last.map(|id| parse_id(id).and_then(|(run, number)| Some((number, events.resume(run, number)?))));
        let mut first = std::collections::VecDeque::new();
        let (last, receiver) = match resumed {
            Some(Some((number, (missed, receiver)))) => {
                let last = missed.last().map_or(number, |event| event.number);
                first.push_back(greeting(&node, run, number, READY));
                first.extend(missed.iter().map(|event| encoded(run, event)));
                (last, receiver)
            }
            Some(None) => {
                let (number, receiver) = events.follow();
                first.push_back(greeting(&node, run, number, RESET));
                (number, receiver)
            }
            None => {
                let (number, receiver) = events.follow();
                first.push_back(greeting(&node, run, number, READY));
                (number, receiver)
            }
        };
        Ok(Self {
            node,
            receiver,
            first,
            last,
            stopping: server.stopping(),
            _place: place,
        })
    }

    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        futures::stream::unfold(self, |mut follower| async move {
            follower.next().await.map(|event| (Ok(event), follower))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.first.pop_front() {
                return Some(event);
            }
            let received = tokio::select! {
                received = self.receiver.recv() => received,
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            };
            match received {
                // What was sent as missed may also arrive through the channel.
                Ok(event) if event.number <= self.last => {}
                Ok(event) => {
                    self.last = event.number;
                    return Some(encoded(self.node.events().run(), &event));
                }
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(_)) => self.catch_up(),
            }
        }
    }

    /// The client was too slow for the channel: what is still kept is sent, otherwise the gap is announced.
    fn catch_up(&mut self) {
        let events = self.node.events();
        let run = events.run();
        match events.resume(run, self.last) {
            Some((missed, receiver)) => {
                self.receiver = receiver;
                self.last = missed.last().map_or(self.last, |event| event.number);
                self.first.extend(missed.iter().map(|event| encoded(run, event)));
            }
            None => {
                (self.last, self.receiver) = events.follow();
                let reset = greeting(&self.node, run, self.last, RESET);
                self.first.push_back(reset);
            }
        }
    }
}

/// `run-number`.
fn parse_id(text: &str) -> Option<(u64, u64)> {
    let (run, number) = text.split_once('-')?;
    Some((run.parse().ok()?, number.parse().ok()?))
}

fn encoded(run: u64, event: &Numbered) -> Event {
    let happened = happened(&event.event);
    let data = serde_json::to_string(&happened).unwrap_or_default();
    Event::default()
        .id(format!("{run}-{}", event.number))
        .event(happened.name())
        .data(data)
}

/// An event of the node as it travels.
fn happened(event: &ChainEvent) -> Happened {
    match event {
        ChainEvent::Block {
            height,
            id,
            time,
            transactions,
            bytes,
        } => Happened::Block {
            height: *height,
            id: *id,
            time: *time,
            transactions: *transactions,
            bytes: *bytes,
        },
        ChainEvent::Reorg {
            common,
            from,
            to,
            undone,
            returned,
            transactions: _,
        } => Happened::Reorg {
            common: *common,
            from: *from,
            to: *to,
            undone: *undone,
            returned: *returned,
        },
        ChainEvent::Transaction { id, pending } => Happened::Transaction {
            id: *id,
            pending: *pending,
        },
        ChainEvent::Dropped { id, reason } => Happened::Dropped {
            id: *id,
            reason: reason.clone(),
        },
        ChainEvent::Mining { on, threads } => Happened::Mining {
            on: *on,
            threads: *threads,
        },
    }
}

fn greeting(node: &Node, run: u64, number: u64, name: &str) -> Event {
    let tip = node.tip();
    let greeting = Greeting {
        height: tip.record.height(),
        id: tip.record.id,
    };
    let data = serde_json::to_string(&greeting).unwrap_or_default();
    Event::default()
        .id(format!("{run}-{number}"))
        .event(name)
        .retry(RETRY)
        .data(data)
}
