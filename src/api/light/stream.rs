//! Headers as a stream: a part is read when the client has taken the one before, so that no answer is held as a whole.

use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use tally_chain::BlockId;
use tally_node::HEADERS_AT_ONCE;

use crate::api::problem::Answer;
use crate::net_guard::Place;
use crate::server::Shared;

/// Bytes a second that a client takes on average. A slower one holds a place that others need; it can go on later, with a request
/// that begins where its answer ended.
const LEAST_RATE: u64 = 16 * 1_024;
/// How long a client may be slower than that at first.
const GRACE: Duration = Duration::from_secs(60);
/// Bytes that are handed on at once: the rate is looked at with each, so that a client which takes one every half minute does not
/// keep its place for as many of them as a part has.
const AT_ONCE: usize = 16 * 1_024;

/// What is left of an answer.
pub struct Pieces {
    server: Shared,
    /// The last block of the chain that the headers are of: after a reorg the answer breaks off, and mixes nothing.
    end: BlockId,
    client: IpAddr,
    /// What was read and is not handed on yet; at first what is sent before anything is read.
    rest: Bytes,
    next: u64,
    last: u64,
    /// Headers in each part.
    at_once: u64,
    begun: Instant,
    /// Bytes that were handed on.
    sent: u64,
    grace: Duration,
    _place: Place,
}

impl Pieces {
    /// `first` and then the headers of these heights.
    pub fn new(
        server: &Shared,
        client: IpAddr,
        end: BlockId,
        heights: RangeInclusive<u64>,
        first: Bytes,
    ) -> Answer<Self> {
        let place = server.open_headers(client)?;
        let (next, last) = heights.into_inner();
        Ok(Self {
            server: server.clone(),
            end,
            client,
            rest: first,
            next,
            last,
            at_once: HEADERS_AT_ONCE,
            begun: Instant::now(),
            sent: 0,
            grace: GRACE,
            _place: place,
        })
    }

    /// As the body of an answer. Where a part cannot be read it breaks off, and its client sees that it is not whole.
    pub fn body(self) -> Body {
        Body::from_stream(futures::stream::unfold(self, |mut pieces| async move {
            let piece = pieces.next().await?;
            Some((piece, pieces))
        }))
    }

    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.rest.is_empty() && self.next > self.last {
            return None;
        }
        let part = self.part().await;
        match &part {
            Ok(part) => self.sent += part.len() as u64,
            Err(_) => {
                self.rest.clear();
                self.next = self.last.saturating_add(1);
            }
        }
        Some(part)
    }

    async fn part(&mut self) -> io::Result<Bytes> {
        if self.sent > 0 && self.begun.elapsed() > self.grace + Duration::from_secs(self.sent / LEAST_RATE) {
            return Err(broken_off("the client takes its answer too slowly"));
        }
        if self.rest.is_empty() {
            self.rest = self.read().await?;
        }
        Ok(self.rest.split_to(self.rest.len().min(AT_ONCE)))
    }

    async fn read(&mut self) -> io::Result<Bytes> {
        let heights = self.next..=self.last.min(self.next.saturating_add(self.at_once - 1));
        self.next = heights.end().saturating_add(1);
        if self.server.is_stopping() {
            return Err(broken_off("the node is about to end"));
        }
        let end = self.end;
        let read = self.server.read_light(self.client, move |node| {
            Ok(node.light_headers(&node.tip(), end, heights)?)
        });
        let read = read.await;
        read.map(Bytes::from).map_err(|problem| broken_off(&problem.detail))
    }
}

fn broken_off(reason: &str) -> io::Error {
    tracing::debug!(reason, "a stream of headers breaks off");
    io::Error::other(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use http_body_util::BodyExt as _;
    use tally_chain::pow::Search;
    use tally_node::{Node, Work};

    use super::*;
    use crate::config::WebConfig;
    use crate::server::testing;

    fn mine(node: &Node) {
        let job = node.template(node.producer()).expect("a template");
        let nonce = Search::new(&job.header, job.target).scan(0, u32::MAX);
        let work = Work {
            template: job.id,
            extra_nonce: [0; 8],
            time: job.header.time,
            nonce: nonce.expect("two hashes are enough"),
        };
        node.submit_work(&work).expect("the block is right");
    }

    #[tokio::test]
    async fn parts_follow_each_other_and_break_off_where_the_chain_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let server = testing::server(folder.path(), WebConfig::default());
        (0..20).for_each(|_| mine(&server.node));
        let tip = server.node.tip();
        let end = tip.record.id;
        let all = server.node.light_headers(&tip, end, 1..=20).expect("all are there");
        let pieces = |end| {
            let first = Bytes::from_static(b"first");
            let client = Ipv4Addr::LOCALHOST.into();
            let mut pieces = Pieces::new(&server, client, end, 1..=20, first).expect("a place");
            pieces.at_once = 7;
            pieces
        };
        let whole = pieces(end).body().collect().await.expect("no part is missing");
        assert_eq!(whole.to_bytes(), [&b"first"[..], &all].concat());
        let mut other = pieces(BlockId::ZERO);
        assert_eq!(other.next().await.expect("the first part").expect("bytes"), "first");
        let error = other.next().await.expect("an error").expect_err("of no chain");
        assert_eq!(
            error.to_string(),
            format!("block {} is not in the chain of this node", BlockId::ZERO)
        );
        assert!(other.next().await.is_none(), "nothing follows");
        let mut slow = pieces(end);
        slow.grace = Duration::ZERO;
        assert!(slow.next().await.is_some_and(|part| part.is_ok()));
        let error = slow.next().await.expect("an error").expect_err("it is slow");
        assert_eq!(error.to_string(), "the client takes its answer too slowly");
        assert!(slow.next().await.is_none(), "nothing follows");
        let mut long = pieces(end);
        long.rest = vec![7; 2 * AT_ONCE + 1].into();
        for expected in [AT_ONCE, AT_ONCE, 1] {
            let part = long.next().await.expect("a part").expect("bytes");
            assert_eq!(part.len(), expected, "the rate is looked at with each");
        }
        server.stop_streams();
        let mut late = pieces(end);
        assert!(late.next().await.is_some_and(|part| part.is_ok()));
        let error = late.next().await.expect("an error").expect_err("it ends");
        assert_eq!(error.to_string(), "the node is about to end");
        server.node.close().expect("a store in order");
    }
}
