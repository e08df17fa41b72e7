//! The HTTPS port: plain text, broken records, handshakes that never end.

use super::{After, Case, Expect, Port};

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION: u8 = 23;
const HEARTBEAT: u8 = 24;

fn record(kind: u8, version: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    [&[kind][..], &version, &length, payload].concat()
}

/// A ClientHello that offers one suite of TLS 1.3 and no key.
fn hello() -> Vec<u8> {
    let body = [&[3_u8, 3][..], &[7; 32], &[0], &[0, 2, 0x13, 0x01], &[1, 0], &[0, 0]].concat();
    let length = (body.len() as u32).to_be_bytes();
    [&[1][..], &length[1..], &body].concat()
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>, expect: Expect| {
        cases.push(Case::new(format!("tls: {name}"), Port::Https, bytes, expect));
    };
    let plain = || Expect::Contains(400, "This is an HTTPS port");
    add(
        "plain GET",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        plain(),
    );
    add(
        "plain authority form",
        b"GET localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        plain(),
    );
    add("plain HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), plain());
    add(
        "a Stratum line",
        b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n".to_vec(),
        plain(),
    );
    add("one letter", b"G".to_vec(), plain());
    add("zeros", vec![0; 100], plain());
    add("SSLv2", vec![0x80, 0x2e, 1, 3, 1], plain());
    let modern = [3, 3];
    add(
        "a broken hello",
        record(HANDSHAKE, modern, &[1, 0, 0, 5, 3, 3, 0, 0, 0]),
        Expect::Ends,
    );
    add("an empty record", record(HANDSHAKE, modern, &[]), Expect::Ends);
    add(
        "a record of 65,535 bytes",
        record(HANDSHAKE, modern, &[1; 65_535]),
        Expect::Ends,
    );
    add("version 0", record(HANDSHAKE, [0, 0], &hello()), Expect::Ends);
    add("version 255", record(HANDSHAKE, [255, 255], &hello()), Expect::Ends);
    add(
        "a hello without what is needed",
        record(HANDSHAKE, [3, 1], &hello()),
        Expect::Ends,
    );
    add(
        "no hello",
        record(HANDSHAKE, modern, &[20, 0, 0, 4, 1, 2, 3, 4]),
        Expect::Ends,
    );
    let then = |more: Vec<u8>| [record(HANDSHAKE, [3, 1], &[1, 0, 1]), more].concat();
    add(
        "a hello in pieces, then an alert",
        then(record(ALERT, modern, &[2, 40])),
        Expect::Ends,
    );
    add(
        "a hello in pieces, then a heartbeat",
        then(record(HEARTBEAT, modern, &[1, 0xff, 0xff])),
        Expect::Ends,
    );
    add(
        "a hello in pieces, then data",
        then(record(APPLICATION, modern, b"GET / HTTP/1.1\r\n\r\n")),
        Expect::Ends,
    );
    add(
        "a hello of 16 MB",
        record(HANDSHAKE, modern, &[1, 0xff, 0xff, 0xff, 3, 3]),
        Expect::Ends,
    );
    add(
        "hundreds of empty pieces",
        record(HANDSHAKE, modern, &[1]).repeat(500),
        Expect::Ends,
    );
    add("silent", Vec::new(), Expect::Closed);
    add(
        "half a record, then silence",
        record(HANDSHAKE, modern, &hello())[..20].to_vec(),
        Expect::Ends,
    );
    add(
        "a record that never ends",
        vec![HANDSHAKE, 3, 3, 0xff, 0x00],
        Expect::Ends,
    );
    cases.push(
        Case::new(
            "tls: left",
            Port::Https,
            record(HANDSHAKE, modern, &hello()),
            Expect::Ends,
        )
        .after(After::Leave),
    );
    cases.push(
        Case::new(
            "tls: half-closed",
            Port::Https,
            record(HANDSHAKE, modern, &hello()[..10]),
            Expect::Ends,
        )
        .after(After::HalfClose),
    );
    cases.push(
        Case::new(
            "tls: a byte every 20 ms",
            Port::Https,
            record(HANDSHAKE, modern, &[0; 2_000]),
            Expect::Ends,
        )
        .after(After::Slow),
    );
    cases
}
