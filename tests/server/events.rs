//! The event stream: complete, also for those who come back.

use std::io::{BufRead as _, BufReader};

use serde_json::{Value, json};

use crate::common::{ECC, TestServer};

/// One event as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: Value,
}

/// A client of the stream.
pub struct Stream {
    lines: Box<dyn std::io::BufRead + Send>,
}

impl Stream {
    pub fn open(url: &str, last: Option<&str>) -> Self {
        let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
        let mut request = agent.get(format!("{url}/api/v1/events"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request.call().unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self {
            lines: Box::new(BufReader::new(answer.into_body().into_reader())),
        }
    }

    /// The next event; `None` when the stream has ended, in whatever way.
    pub fn next(&mut self) -> Option<Event> {
        let mut event = Event {
            id: String::new(),
            name: String::new(),
            data: Value::Null,
        };
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("id", id)) => event.id = id.to_owned(),
                Some(("event", name)) => event.name = name.to_owned(),
                Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                None if line.trim_end().is_empty() && !event.name.is_empty() => return Some(event),
                _ => {}
            }
        }
    }

    fn take(&mut self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.next().expect("the stream goes on")).collect()
    }
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

fn number(event: &Event) -> u64 {
    event.id.split_once('-').unwrap().1.parse().unwrap()
}

#[test]
fn a_client_that_comes_back_misses_nothing() {
    let server = TestServer::start();
    let mut stream = Stream::open(&server.url, None);
    assert_eq!(
        stream.next().map(|event| (event.name, event.data["height"].clone())),
        Some(("ready".to_owned(), json!(0)))
    );
    server.mine();
    let id = server.send(&ECC[0].coin(&server.identity(), 0));
    server.mine();
    let seen = stream.take(3);
    assert_eq!(names(&seen), ["block", "transaction", "block"]);
    assert_eq!(seen[0].data["height"], 1);
    assert_eq!(
        (&seen[1].data["id"], &seen[1].data["pending"]),
        (&json!(id), &json!(true))
    );
    assert_eq!(seen[2].data["transactions"], 1);
    drop(stream);

    server.mine();
    server.send(&ECC[0].coin(&server.identity(), 1));
    server.mine();
    let mut stream = Stream::open(&server.url, Some(&seen[2].id));
    let missed = stream.take(4);
    assert_eq!(names(&missed), ["ready", "block", "transaction", "block"]);
    let numbers: Vec<_> = missed[1..].iter().map(number).collect();
    let last = number(&seen[2]);
    assert_eq!(numbers, [last + 1, last + 2, last + 3], "without a gap");
    server.mine();
    assert_eq!(
        stream.next().map(|event| number(&event)),
        Some(last + 4),
        "and live from there on"
    );
}

#[test]
fn a_gap_that_cannot_be_filled_is_reported() {
    let server = TestServer::start();
    server.mine();
    for last in ["1-1", "nonsense", "999999999999-1"] {
        let mut stream = Stream::open(&server.url, Some(last));
        let event = stream.next().unwrap();
        assert_eq!(
            (event.name.as_str(), &event.data["height"]),
            ("reset", &json!(1)),
            "{last}"
        );
    }
}

#[test]
fn streams_are_counted_and_end_with_the_server() {
    let server = TestServer::with(|web| web.max_streams = 1);
    let mut stream = Stream::open(&server.url, None);
    stream.next().unwrap();
    let refused = server.get("/api/v1/events");
    assert_eq!((refused.status, refused.problem().as_str()), (503, "too-many-streams"));
    assert!(server.get("/metrics").text().contains("tally_event_streams 1"));
    drop(server);
    assert_eq!(stream.next(), None);
}
