//! Bodies: lengths that contradict each other, chunks that are none, JSON that is none.

use super::{After, Case, Expect, Port};

fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /api/v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn json(body: &[u8]) -> Vec<u8> {
    post(&format!("Content-Length: {}", body.len()), body)
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>, expect: Expect| {
        cases.push(Case::new(format!("body: {name}"), Port::Http, bytes, expect));
    };
    for length in [
        "-1",
        "+2",
        "0x2",
        "2 ",
        "1e3",
        "18446744073709551616",
        "99999999999999999999999",
        "2,2",
        "2, 3",
        "two",
        "",
        "\u{0}",
    ] {
        let expect = match length {
            // White space around a value is none of it.
            "2 " => Expect::Status(&[400, 422]),
            _ => Expect::StatusOrClosed(&[400, 411, 413, 422]),
        };
        add(
            &format!("length {length:?}"),
            post(&format!("Content-Length: {length}"), b"{}"),
            expect,
        );
    }
    add(
        "two lengths that differ",
        post("Content-Length: 2\r\nContent-Length: 3", b"{}"),
        Expect::StatusOrClosed(&[400]),
    );
    add(
        "two equal lengths",
        post("Content-Length: 2\r\nContent-Length: 2", b"{}"),
        Expect::StatusOrClosed(&[400, 422]),
    );
    add("no length", post("X: 1", b"{}"), Expect::Status(&[400, 411, 422]));
    // A length beside chunks is how requests are smuggled past proxies: the chunks count, and nothing behind them.
    add(
        "length and chunks",
        post(
            "Content-Length: 4\r\nTransfer-Encoding: chunked",
            b"2\r\n{}\r\n0\r\n\r\n",
        ),
        Expect::StatusOrClosed(&[400, 422]),
    );
    for coding in [
        "gzip",
        "identity",
        "chunked, gzip",
        "xchunked",
        "chunked chunked",
        ", chunked,",
        "\u{b}chunked",
    ] {
        let bytes = post(&format!("Transfer-Encoding: {coding}"), b"2\r\n{}\r\n0\r\n\r\n");
        add(
            &format!("coding {coding:?}"),
            bytes,
            Expect::StatusOrClosed(&[400, 422, 501]),
        );
    }
    add(
        "chunks in HTTP/1.0",
        b"POST /api/v1/transactions HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_vec(),
        Expect::StatusOrClosed(&[400, 415, 422]),
    );
    for (name, chunks) in [
        ("no digits", &b"zz\r\n{}\r\n0\r\n\r\n"[..]),
        ("a negative size", b"-2\r\n{}\r\n0\r\n\r\n"),
        ("0x", b"0x2\r\n{}\r\n0\r\n\r\n"),
        ("an enormous size", b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        ("a size of 16 digits, then nothing", b"7fffffffffffffff\r\n{}"),
        ("no end of chunk", b"2\r\n{}x0\r\n\r\n"),
        ("a space as size", b" \r\n{}\r\n0\r\n\r\n"),
        (
            "an endless extension",
            &[&b"2;"[..], &[b'a'; 40_000], b"\r\n{}\r\n0\r\n\r\n"].concat(),
        ),
        (
            "60 kB of trailers",
            &[&b"2\r\n{}\r\n0\r\nX: "[..], &[b'a'; 60_000], b"\r\n\r\n"].concat(),
        ),
        (
            "300 trailers",
            &[&b"2\r\n{}\r\n0\r\n"[..], &b"X: 1\r\n".repeat(300), b"\r\n"].concat(),
        ),
        ("a trailer with NUL", b"2\r\n{}\r\n0\r\nX\x00: 1\r\n\r\n"),
        ("bare LF", b"2\n{}\n0\n\n"),
    ] {
        let bytes = post("Transfer-Encoding: chunked", chunks);
        cases_or_time_out(&mut add, name, bytes);
    }
    for (name, body) in [
        ("empty", &b""[..]),
        ("no JSON", b"\xff\xfe\x00"),
        ("a list", b"[]"),
        ("a number", b"1e999"),
        ("NUL", b"{\"raw\":\"\x00\"}"),
        ("half of a pair", b"{\"raw\":\"\\ud800\"}"),
        ("unknown field with line feed", b"{\"a\\nFAKE\\u001b[31m\":1}"),
        ("the same field twice", b"{\"raw\":\"0x\",\"raw\":\"0x\"}"),
        ("a deep list", &[b'['; 50_000]),
        ("a deep object", &b"{\"a\":".repeat(10_000)),
        ("two values", b"{}{}"),
        ("BOM", b"\xef\xbb\xbf{}"),
        ("UTF-16", b"{\x00}\x00"),
        ("hex of one digit", b"{\"raw\":\"0x0\"}"),
        ("a wrong envelope", b"{\"raw\":\"0x54c0\"}"),
    ] {
        add(name, json(body), Expect::Status(&[400, 422]));
    }
    let long = 9 * 1_024 * 1_024;
    add(
        "9 MB promised",
        post(&format!("Content-Length: {long}"), b"{"),
        Expect::Status(&[413, 503]),
    );
    add("9 MB sent", json(&vec![b' '; long]), Expect::StatusOrClosed(&[413]));
    let endless = [
        post("Transfer-Encoding: chunked", b""),
        b"10000\r\n".to_vec(),
        vec![b' '; 0x10000],
    ]
    .concat();
    add(
        "chunks that are too long in all",
        endless,
        Expect::StatusOrClosed(&[400, 413, 503]),
    );
    add(
        "a body for GET",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello".to_vec(),
        Expect::Status(&[200]),
    );
    add(
        "Expect: 100-continue, then nothing",
        post("Content-Length: 2\r\nExpect: 100-continue", b""),
        Expect::Answers("HTTP/1.1 100"),
    );
    cases.push(
        Case::new(
            "body: early close",
            Port::Http,
            post("Content-Length: 100", b"{"),
            Expect::StatusOrClosed(&[400]),
        )
        .after(After::HalfClose),
    );
    cases.push(
        Case::new(
            "body: left in the middle",
            Port::Http,
            post("Content-Length: 100", b"{"),
            Expect::Ends,
        )
        .after(After::Leave),
    );
    cases.push(Case::new(
        "body: never comes",
        Port::Http,
        post("Content-Length: 100", b"{"),
        Expect::StatusOrClosed(&[400, 408, 503]),
    ));
    cases
}

/// Chunks that are broken are answered, or end the connection; those that may go on are waited for.
fn cases_or_time_out(add: &mut impl FnMut(&str, Vec<u8>, Expect), name: &str, bytes: Vec<u8>) {
    add(
        &format!("chunks: {name}"),
        bytes,
        Expect::StatusOrClosed(&[400, 413, 422, 431, 503]),
    );
}
