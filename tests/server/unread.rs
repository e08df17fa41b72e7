//! Answers that clients do not read.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::common::TestServer;
use crate::long;

/// More blocks than one answer has.
const HEIGHT: u64 = 5_000;

/// Requests a part of blocks, a megabyte long, and reads the status line only.
fn begin(server: &TestServer, address: &str) -> (u16, TcpStream) {
    let host = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /api/v1/light/blocks?from=1 HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {address}\r\n\r\n"
    )
    .unwrap();
    let mut line = [0; 12];
    stream.read_exact(&mut line).unwrap();
    let status = std::str::from_utf8(&line[9..]).unwrap().parse().unwrap();
    (status, stream)
}

#[test]
fn what_one_address_does_not_read_has_a_limit_and_others_are_answered() {
    let server = long::server_with(long::sampled(), HEIGHT, |web| {
        web.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let part = server.get("/api/v1/light/blocks?from=1").body.len();
    // As many as its 64 MiB have room for, and some more.
    let room = (64 << 20) / part;
    let opened: Vec<_> = (0..room + 8).map(|_| begin(&server, "203.0.113.1")).collect();
    let sent = opened.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(sent, room, "of {} bytes each", part);
    assert!(opened[room..].iter().all(|(status, _)| *status == 503));
    assert_eq!(begin(&server, "203.0.113.2").0, 200);
    assert_eq!(begin(&server, "127.0.0.1").0, 200);
    drop(opened);
    // The node sees that they are gone when it writes.
    while begin(&server, "203.0.113.1").0 != 200 {
        std::thread::yield_now();
    }
}
