//! HTTP/2 without TLS (prior knowledge): frames that are broken, out of order, too many, or that are never followed up.

use super::{After, Case, Expect, Port};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

// Error codes. RFC 9113, section 7
const PROTOCOL: u32 = 1;
const FLOW: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const SIZE: u32 = 6;
const COMPRESSION: u32 = 9;
const CALM: u32 = 11;
const ANY: &[u32] = &[0, PROTOCOL, 2, FLOW, 4, STREAM_CLOSED, SIZE, 7, 8, COMPRESSION, CALM];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The error code of the first RST_STREAM or GOAWAY among frames.
pub fn refusal(got: &[u8]) -> Option<u32> {
    let mut rest = got;
    while rest.len() >= 9 {
        let length = u32::from_be_bytes([0, rest[0], rest[1], rest[2]]) as usize;
        let payload = rest.get(9..9 + length)?;
        let code = match rest[3] {
            GOAWAY => payload.get(4..8),
            RST_STREAM => payload.get(..4),
            _ => None,
        };
        if let Some(code) = code {
            return Some(u32::from_be_bytes(code.try_into().expect("four bytes")));
        }
        rest = &rest[9 + length..];
    }
    None
}

/// A literal header without indexing, its name new. RFC 7541, section 6.2.2
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |text: &[u8]| {
        assert!(text.len() < 127, "short enough for one byte");
        text.len() as u8
    };
    [&[0, length(name)][..], name, &[length(value)], value].concat()
}

fn headers(pairs: &[(&str, &str)]) -> Vec<u8> {
    pairs
        .iter()
        .flat_map(|(name, value)| literal(name.as_bytes(), value.as_bytes()))
        .collect()
}

/// A whole GET for `/healthz`.
fn get() -> Vec<u8> {
    headers(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", "/healthz"),
    ])
}

fn begin(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[]), frames.concat()].concat()
}

fn request(block: &[u8]) -> Vec<u8> {
    begin(&[frame(HEADERS, END_STREAM | END_HEADERS, 1, block)])
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>, expect: Expect| {
        cases.push(Case::new(format!("frames: {name}"), Port::Http, bytes, expect));
    };
    add("a request", request(&get()), Expect::Answers("alive"));

    // Pseudo-headers: a stream of its own is refused (RST_STREAM), or the request is answered with a problem.
    for (name, pairs) in [
        (
            "no path",
            vec![(":method", "GET"), (":scheme", "http"), (":authority", "localhost")],
        ),
        (
            "no method",
            vec![(":scheme", "http"), (":authority", "localhost"), (":path", "/")],
        ),
        (
            "an unknown pseudo-header",
            vec![(":method", "GET"), (":scheme", "http"), (":path", "/"), (":evil", "1")],
        ),
        (
            "two paths",
            vec![(":method", "GET"), (":scheme", "http"), (":path", "/"), (":path", "/x")],
        ),
        (
            "a pseudo-header after others",
            vec![(":method", "GET"), ("x", "1"), (":scheme", "http"), (":path", "/")],
        ),
        ("an answer's pseudo-header", vec![(":status", "200"), (":path", "/")]),
        (
            "upper case",
            vec![
                (":method", "GET"),
                (":scheme", "http"),
                (":path", "/"),
                ("X-Upper", "1"),
            ],
        ),
        (
            "connection headers",
            vec![
                (":method", "GET"),
                (":scheme", "http"),
                (":path", "/"),
                ("connection", "close"),
            ],
        ),
        (
            "transfer-encoding",
            vec![
                (":method", "GET"),
                (":scheme", "http"),
                (":path", "/"),
                ("transfer-encoding", "chunked"),
            ],
        ),
        (
            "an empty path",
            vec![
                (":method", "GET"),
                (":scheme", "http"),
                (":authority", "localhost"),
                (":path", ""),
            ],
        ),
        (
            "a path without a slash",
            vec![
                (":method", "GET"),
                (":scheme", "http"),
                (":authority", "localhost"),
                (":path", "healthz"),
            ],
        ),
        ("CONNECT", vec![(":method", "CONNECT"), (":authority", "localhost:80")]),
        (
            "a method of spaces",
            vec![
                (":method", "G T"),
                (":scheme", "http"),
                (":authority", "localhost"),
                (":path", "/"),
            ],
        ),
        (
            "an authority of nonsense",
            vec![
                (":method", "GET"),
                (":scheme", "http"),
                (":authority", "a b@[:"),
                (":path", "/"),
            ],
        ),
        (
            "line feed in a value",
            vec![
                (":method", "GET"),
                (":scheme", "http"),
                (":path", "/"),
                ("x", "a\r\nb: c"),
            ],
        ),
    ] {
        // The stream ends with a frame, the connection may stay: then silence ends it.
        add(name, request(&headers(&pairs)), Expect::Refused(ANY));
    }
    add(
        "asterisk",
        request(&headers(&[
            (":method", "OPTIONS"),
            (":scheme", "http"),
            (":authority", "localhost"),
            (":path", "*"),
        ])),
        Expect::Refused(ANY),
    );

    // Broken compression and frames end the connection with their code.
    add(
        "an index beyond the table",
        request(&[0xff, 0xff, 0xff, 0xff, 0x0f]),
        Expect::Refused(&[COMPRESSION, PROTOCOL]),
    );
    add(
        "an endless integer",
        request(&[&[0x7f_u8][..], &[0xff; 40]].concat()),
        Expect::Refused(&[COMPRESSION, PROTOCOL]),
    );
    add(
        "a broken Huffman code",
        request(&[0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, b'x']),
        Expect::Refused(ANY),
    );
    add(
        "a table size that is too large",
        request(&[0x3f, 0xff, 0xff, 0xff, 0x7f]),
        Expect::Refused(&[COMPRESSION, PROTOCOL]),
    );
    for (name, frames) in [
        ("DATA on stream 0", frame(DATA, 0, 0, b"x")),
        ("HEADERS on stream 0", frame(HEADERS, END_HEADERS, 0, &get())),
        ("SETTINGS on a stream", frame(SETTINGS, 0, 1, &[])),
        ("SETTINGS of 5 bytes", frame(SETTINGS, 0, 0, &[0; 5])),
        ("SETTINGS ack with a payload", frame(SETTINGS, 1, 0, &[0; 6])),
        (
            "a frame size below the least",
            frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 1]),
        ),
        (
            "a window above the greatest",
            frame(SETTINGS, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff]),
        ),
        ("push switched on with 2", frame(SETTINGS, 0, 0, &[0, 2, 0, 0, 0, 2])),
        ("PING of 7 bytes", frame(PING, 0, 0, &[0; 7])),
        ("PING on a stream", frame(PING, 0, 1, &[0; 8])),
        ("WINDOW_UPDATE of 0", frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
        ("WINDOW_UPDATE of 3 bytes", frame(WINDOW_UPDATE, 0, 0, &[0; 3])),
        (
            "a window that overflows",
            frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]).repeat(2),
        ),
        (
            "PUSH_PROMISE from a client",
            frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]),
        ),
        ("CONTINUATION of nothing", frame(CONTINUATION, END_HEADERS, 1, &get())),
        ("RST_STREAM of an idle stream", frame(RST_STREAM, 0, 1, &[0; 4])),
        ("RST_STREAM of 3 bytes", frame(RST_STREAM, 0, 1, &[0; 3])),
        ("an even stream", frame(HEADERS, END_HEADERS | END_STREAM, 2, &get())),
        (
            "padding longer than the frame",
            frame(HEADERS, END_HEADERS | PADDED, 1, &[0xff, 0x82]),
        ),
        ("PRIORITY of 4 bytes", frame(PRIORITY, 0, 1, &[0; 4])),
        (
            "a stream that depends on itself",
            frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 16]),
        ),
        ("a frame of 16 MB", vec![0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1]),
        (
            "HEADERS, then DATA between them",
            [frame(HEADERS, 0, 1, &get()), frame(DATA, 0, 1, b"x")].concat(),
        ),
        (
            "HEADERS, then another stream's",
            [frame(HEADERS, 0, 1, &get()), frame(HEADERS, END_HEADERS, 3, &get())].concat(),
        ),
        (
            "DATA after the end",
            [
                frame(HEADERS, END_HEADERS | END_STREAM, 1, &get()),
                frame(DATA, 0, 1, b"x"),
            ]
            .concat(),
        ),
        (
            "streams that go back",
            [
                frame(HEADERS, END_HEADERS | END_STREAM, 5, &get()),
                frame(HEADERS, END_HEADERS | END_STREAM, 3, &get()),
            ]
            .concat(),
        ),
        (
            "more body than its length",
            [
                frame(
                    HEADERS,
                    END_HEADERS,
                    1,
                    &[get(), literal(b"content-length", b"1")].concat(),
                ),
                frame(DATA, END_STREAM, 1, b"xyz"),
            ]
            .concat(),
        ),
        ("unknown frames", frame(0xfa, 0xff, 0x7fff_ffff, &[0xff; 100])),
        ("GOAWAY at once", frame(GOAWAY, 0, 0, &[0; 8])),
    ] {
        add(name, begin(&[frames]), Expect::Refused(ANY));
    }

    // Floods.
    let flood = |frames: Vec<u8>, times: usize| begin(&[frames.repeat(times)]);
    add(
        "settings flood",
        flood(frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]), 5_000),
        Expect::Refused(ANY),
    );
    add(
        "ping flood",
        flood(frame(PING, 0, 0, &[7; 8]), 5_000),
        Expect::Refused(ANY),
    );
    add(
        "priority flood",
        flood(frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 16]), 5_000),
        Expect::Refused(ANY),
    );
    add(
        "empty DATA flood",
        [
            begin(&[frame(
                HEADERS,
                END_HEADERS,
                1,
                &headers(&[
                    (":method", "POST"),
                    (":scheme", "http"),
                    (":authority", "localhost"),
                    (":path", "/api/v1/transactions"),
                    ("content-type", "application/json"),
                ]),
            )]),
            frame(DATA, 0, 1, &[]).repeat(20_000),
        ]
        .concat(),
        Expect::Refused(ANY),
    );
    add(
        "continuation flood",
        [
            begin(&[frame(HEADERS, 0, 1, &get())]),
            frame(CONTINUATION, 0, 1, &literal(b"x", &[b'a'; 100])).repeat(3_000),
        ]
        .concat(),
        Expect::Refused(ANY),
    );
    add(
        "empty continuation flood",
        [
            begin(&[frame(HEADERS, 0, 1, &get())]),
            frame(CONTINUATION, 0, 1, &[]).repeat(5_000),
        ]
        .concat(),
        Expect::Refused(ANY),
    );
    let resets: Vec<u8> = (0..2_000_u32)
        .flat_map(|at| {
            let stream = 2 * at + 1;
            [
                frame(HEADERS, END_HEADERS | END_STREAM, stream, &get()),
                frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]),
            ]
            .concat()
        })
        .collect();
    add("rapid reset", begin(&[resets]), Expect::Refused(ANY));
    let many: Vec<u8> = (0..1_000_u32)
        .flat_map(|at| frame(HEADERS, END_HEADERS, 2 * at + 1, &get()))
        .collect();
    add("1,000 streams that stay open", begin(&[many]), Expect::Refused(ANY));
    add(
        "window 0",
        [
            PREFACE.to_vec(),
            frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]),
            frame(
                HEADERS,
                END_STREAM | END_HEADERS,
                1,
                &headers(&[
                    (":method", "GET"),
                    (":scheme", "http"),
                    (":authority", "localhost"),
                    (":path", "/api/openapi.json"),
                ]),
            ),
        ]
        .concat(),
        Expect::Ends,
    );

    // Silence.
    for (name, bytes) in [
        ("half a preface", PREFACE[..10].to_vec()),
        ("a preface alone", PREFACE.to_vec()),
        ("half a frame", begin(&[vec![0, 0, 10, HEADERS]])),
        ("settings alone", begin(&[])),
        ("headers that do not end", begin(&[frame(HEADERS, 0, 1, &get())])),
    ] {
        add(&format!("{name}, then silence"), bytes, Expect::Ends);
    }
    add(
        "a wrong preface",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_vec(),
        Expect::StatusOrClosed(&[400, 505]),
    );
    add(
        "no settings",
        [PREFACE, &frame(PING, 0, 0, &[0; 8])[..]].concat(),
        Expect::Refused(ANY),
    );
    cases.push(
        Case::new(
            "frames: left in the middle",
            Port::Http,
            begin(&[frame(HEADERS, 0, 1, &get())]),
            Expect::Ends,
        )
        .after(After::Leave),
    );
    cases
}
