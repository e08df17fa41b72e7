//! Headers: forms that proxies and servers read differently, too many, too long, too slow.

use super::{After, Case, Expect, Port};

fn head(headers: &[u8]) -> Vec<u8> {
    [&b"GET /healthz HTTP/1.1\r\n"[..], headers, b"\r\n\r\n"].concat()
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>, expect: Expect| {
        cases.push(Case::new(format!("head: {name}"), Port::Http, bytes, expect));
    };
    add(
        "no Host",
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        Expect::Contains(400, "the request has no Host"),
    );
    add(
        "two Hosts",
        head(b"Host: localhost\r\nHost: evil.example"),
        Expect::Contains(400, "more than one Host"),
    );
    add(
        "two equal Hosts",
        head(b"Host: localhost\r\nHost: localhost"),
        Expect::Status(&[400]),
    );
    for host in [
        "",
        "evil.example",
        "localhost:x",
        "localhost/",
        "*",
        "[",
        "[::1",
        "loca\tlhost",
        "\u{202e}localhost",
        "a,localhost",
    ] {
        let bytes = format!("GET /api/v1/status HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
        add(&format!("Host {host:?}"), bytes, Expect::Status(&[421]));
    }
    add(
        "Host with NUL",
        head(b"Host: local\x00host"),
        Expect::StatusOrClosed(&[400]),
    );
    add(
        "Host not UTF-8, any name is fine",
        head(b"Host: \xff\xfe"),
        Expect::Status(&[200]),
    );
    add(
        "Host not UTF-8",
        b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n".to_vec(),
        Expect::Status(&[421]),
    );

    let after_host = |text: &str| head(format!("Host: localhost\r\n{text}").as_bytes());
    for (name, text) in [
        ("space before colon", "X : 1"),
        ("no colon", "X"),
        ("empty name", ": 1"),
        ("name with space", "X Y: 1"),
        ("name with NUL", "X\u{0}: 1"),
        ("name not ASCII", "Ä: 1"),
        ("value with NUL", "X: a\u{0}b"),
        ("value with CR", "X: a\rb"),
        ("bare CR", "X: 1\rY: 2"),
        ("obs-fold", "X: 1\r\n folded"),
        ("obs-fold tab", "X: 1\r\n\tfolded"),
        ("first line folded", " X: 1"),
        ("parentheses", "(X): 1"),
        ("a second request line", "GET / HTTP/1.1"),
    ] {
        add(name, after_host(text), Expect::StatusOrClosed(&[400]));
    }
    add(
        "value not ASCII",
        head(b"Host: localhost\r\nX: \xc3\xa4\xff"),
        Expect::Status(&[200]),
    );
    add(
        "bare LF",
        b"GET /healthz HTTP/1.1\nHost: localhost\n\n".to_vec(),
        Expect::StatusOrClosed(&[200, 400]),
    );
    add(
        "LF CR",
        b"GET /healthz HTTP/1.1\n\rHost: localhost\n\r\n\r".to_vec(),
        Expect::StatusOrClosed(&[400]),
    );

    add(
        "100 kB in one header",
        after_host(&format!("X: {}", "a".repeat(100_000))),
        Expect::StatusOrClosed(&[431]),
    );
    add(
        "1 MB in one header",
        after_host(&format!("X: {}", "a".repeat(1 << 20))),
        Expect::StatusOrClosed(&[431]),
    );
    add(
        "a name of 80 kB",
        after_host(&format!("{}: x", "a".repeat(80_000))),
        Expect::StatusOrClosed(&[400, 431]),
    );
    let many = |count: usize| {
        (0..count)
            .map(|at| format!("X-{at}: 1"))
            .collect::<Vec<_>>()
            .join("\r\n")
    };
    add("90 headers", after_host(&many(90)), Expect::Status(&[200]));
    add("101 headers", after_host(&many(101)), Expect::StatusOrClosed(&[431]));
    add(
        "5,000 headers",
        after_host(&many(5_000)),
        Expect::StatusOrClosed(&[431]),
    );
    add(
        "the same header 99 times",
        after_host(&vec!["X: 1"; 98].join("\r\n")),
        Expect::Status(&[200]),
    );

    for (name, text) in [
        (
            "upgrade to WebSocket",
            "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13",
        ),
        (
            "upgrade to h2c",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        ),
        ("upgrade to nonsense", "Connection: upgrade\r\nUpgrade: \"\",,,"),
        ("Expect nonsense", "Expect: the-unexpected"),
        ("Range", "Range: bytes=0-18446744073709551615,1-2,3-4"),
        (
            "If-None-Match of 20 kB",
            &format!("If-None-Match: {}", "\"a\",".repeat(5_000)),
        ),
        (
            "Accept-Encoding nonsense",
            "Accept-Encoding: gzip;q=nan, br;q=-1, *;q=1e999, \"gzip",
        ),
        (
            "Accept-Language of 20 kB",
            &format!("Accept-Language: {}", "xx-XX;q=0.1,".repeat(1_700)),
        ),
        ("Cookie nonsense", "Cookie: =;;;=a; \u{1}"),
        ("Authorization nonsense", "Authorization: Bearer \u{fffd}\u{fffd}"),
        ("Origin null", "Origin: null"),
        ("X-Forwarded-For nonsense", "X-Forwarded-For: ,,,[::::,999.1.1.1,'"),
        ("Forwarded nonsense", "Forwarded: for=\"[;;;=, for=, =,;"),
        ("Last-Event-ID nonsense", "Last-Event-ID: 99999999999999999999-1"),
        ("Connection: close, keep-alive", "Connection: close, keep-alive"),
        ("Via a hundred proxies", &format!("Via: {}", "1.1 a, ".repeat(100))),
    ] {
        add(name, after_host(text), Expect::StatusOrClosed(&[200, 400, 417]));
    }
    add(
        "Last-Event-ID nonsense on the stream",
        b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 18446744073709551616-x\r\n\r\n".to_vec(),
        Expect::Contains(200, "event: reset"),
    );
    add(
        "Accept nonsense on metrics",
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: */*;q=,text/plain;;;version=\xff\r\n\r\n".to_vec(),
        Expect::Status(&[200, 406]),
    );
    // Pipelining: both are answered, also where the second is broken.
    let two = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2);
    add("two at once", two, Expect::Status(&[200]));
    let mixed = [
        &b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
        b"\xff\xff\xff\r\n\r\n",
    ]
    .concat();
    add("one, then nonsense", mixed, Expect::Contains(200, "HTTP/1.1 400"));
    add(
        "500 at once",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(500),
        Expect::Status(&[200]),
    );

    // Silence has an end.
    for (name, bytes) in [
        ("silent", &b""[..]),
        ("one byte", b"G"),
        ("half of a request line", b"GET / HT"),
        ("half of a head", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "),
        ("a head without its end", b"GET / HTTP/1.1\r\nHost: localhost\r\n"),
    ] {
        cases.push(Case::new(
            format!("head: {name}, then silence"),
            Port::Http,
            bytes,
            Expect::Closed,
        ));
    }
    let slow = head(format!("Host: localhost\r\nX: {}", "a".repeat(2_000)).as_bytes());
    cases.push(Case::new("head: a byte every 20 ms", Port::Http, slow, Expect::Closed).after(After::Slow));
    cases
}
