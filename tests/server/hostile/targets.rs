//! Request lines: targets that are no path, methods that do not exist, versions that do not exist.

use super::{After, Case, Expect, Port};

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>, expect: Expect| {
        cases.push(Case::new(format!("target: {name}"), Port::Http, bytes, expect));
    };
    for target in [
        "localhost:80",
        "localhost",
        "evil.example:443",
        "127.0.0.1:1",
        "[::1]:80",
        "user@localhost:80",
    ] {
        add(target, get(target), Expect::Status(&[400]));
    }
    for target in ["*", "ftp://localhost/", "ws://localhost/", "gopher://localhost/1"] {
        add(target, get(target), Expect::Status(&[400]));
    }
    // `javascript:` and the like are no URLs with a host.
    for target in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http:",
        "http://",
        "http:///",
        "://",
        "data:,x",
        "http://localhost:port/",
    ] {
        add(target, get(target), Expect::StatusOrClosed(&[400, 421]));
    }
    for target in [
        "http://localhost/healthz",
        "HTTP://localhost/healthz",
        "http://localhost:1/healthz",
        "http://evil.example/healthz",
    ] {
        add(target, get(target), Expect::Status(&[200]));
    }
    for target in [
        "http://evil.example/",
        "http://evil.example/api/v1/status",
        "http://localhost@evil.example/",
    ] {
        add(target, get(target), Expect::Status(&[400, 421]));
    }
    for target in ["//", "///", "//evil.example/"] {
        add(target, get(target), Expect::Status(&[200, 404]));
    }
    for target in [
        "/..",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/pkg/../Cargo.toml",
        "/pkg/%2e%2e/%2e%2e/x",
        "/blocks/.",
        "/..%5cx",
    ] {
        add(target, get(target), Expect::Status(&[400]));
    }
    for target in [
        "/api/v1/nothing",
        "/api/v1//status",
        "/api/v1/status/",
        "/pkg/",
        "/api/v1/blocks/1/2/3/4",
    ] {
        add(target, get(target), Expect::Status(&[404]));
    }
    for target in [
        "/api/v1/blocks/%",
        "/api/v1/blocks/%zz",
        "/api/v1/blocks/%ff%fe",
        "/api/v1/blocks/%00",
        "/api/v1/accounts/%80",
        "/api/v1/transactions/%c0%ae",
    ] {
        add(target, get(target), Expect::Status(&[400, 404, 422]));
    }
    for target in [
        "/account/%",
        "/account/%ff",
        "/block/%00",
        "/tx/%zz",
        "/account/%c0%ae%c0%ae",
        "/search?text=%ff",
        "/search?text=%",
    ] {
        add(target, get(target), Expect::Status(&[200, 400, 404]));
    }
    for target in [
        "/api/v1/blocks?limit=-1",
        "/api/v1/blocks?limit=99999999999999999999",
        "/api/v1/blocks?a%0aFAKE%1b%5b31m",
        "/api/v1/blocks?cursor=%00",
        "/api/v1/blocks?limit=1&limit=2",
    ] {
        add(target, get(target), Expect::Status(&[400]));
    }
    for target in [
        "/ui/account?page=40000000",
        "/ui/account?address=x&page=4294967295&rows=4294967295",
        "/ui/nothing",
        "/ui/blocks?query=%5b%5b%5b",
    ] {
        add(target, get(target), Expect::Status(&[200, 400, 404]));
    }
    add(
        "64 kB of path",
        get(&format!("/{}", "a".repeat(60_000))),
        Expect::Status(&[404, 414, 431]),
    );
    add(
        "100 kB of path",
        get(&format!("/{}", "a".repeat(100_000))),
        Expect::StatusOrClosed(&[414, 431]),
    );
    add(
        "1 MB of path",
        get(&format!("/{}", "a".repeat(1 << 20))),
        Expect::StatusOrClosed(&[414, 431]),
    );
    add(
        "30 kB of query",
        get(&format!("/api/v1/blocks?{}", "a".repeat(30_000))),
        Expect::Status(&[400, 414]),
    );
    add("10,000 slashes", get(&"/".repeat(10_000)), Expect::Status(&[200, 404]));
    add(
        "10,000 percents",
        get(&format!("/account/{}", "%25".repeat(10_000))),
        Expect::Status(&[200, 404]),
    );

    for method in [
        "TRACE",
        "PROPFIND",
        "PATCH",
        "DELETE",
        "BREW",
        "get",
        "G",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    ] {
        let bytes = format!("{method} /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
        add(method, bytes.into_bytes(), Expect::Status(&[400, 405]));
    }
    for method in ["TRACE", "PUT", "POST", "DELETE"] {
        let bytes = format!("{method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        add(method, bytes.into_bytes(), Expect::Status(&[404, 405]));
    }
    for target in ["localhost:80", "/", "http://localhost/", "*", "evil.example:443"] {
        let bytes = format!("CONNECT {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        add(&format!("CONNECT {target}"), bytes.into_bytes(), Expect::Status(&[400]));
    }
    for target in ["*", "localhost"] {
        let bytes = format!("OPTIONS {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        add(&format!("OPTIONS {target}"), bytes.into_bytes(), Expect::Status(&[400]));
    }
    for line in [
        "GET",
        "GET ",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 x",
        "GET / HTTP/2.0",
        "GET / HTTP/3.0",
        "GET / HTTP/1.2",
        "GET / HTTP/9.9",
        "GET / http/1.1",
        "GET / HTP/1.1",
        "GET / HTTP/1.10",
        "GET\t/\tHTTP/1.1",
        " GET / HTTP/1.1",
        "GET / HTTP/1.1\u{0}",
        "G\u{0}T / HTTP/1.1",
        "GET /\u{0} HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
        "GÉT / HTTP/1.1",
        "(GET) / HTTP/1.1",
        "GET / FTP/1.1",
    ] {
        let bytes = format!("{line}\r\nHost: localhost\r\n\r\n");
        add(
            &format!("line {line:?}"),
            bytes.into_bytes(),
            Expect::StatusOrClosed(&[400, 505]),
        );
    }
    add("HTTP/0.9", b"GET /\r\n".to_vec(), Expect::StatusOrClosed(&[400]));
    add(
        "HTTP/1.0 without Host",
        b"GET /healthz HTTP/1.0\r\n\r\n".to_vec(),
        Expect::Status(&[200]),
    );
    add(
        "HTTP/1.0 page without Host",
        b"GET / HTTP/1.0\r\n\r\n".to_vec(),
        Expect::Status(&[421]),
    );
    add("nothing but line ends", b"\r\n\r\n\r\n".to_vec(), Expect::Ends);
    cases.extend(
        [
            &b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\nHost: loc",
            b"",
            b"\x00\x01\x02",
        ]
        .into_iter()
        .flat_map(|bytes| {
            let name = |how: &str| format!("{how} after {:?}", String::from_utf8_lossy(bytes));
            [
                Case::new(
                    name("half-closed"),
                    Port::Http,
                    bytes,
                    Expect::StatusOrClosed(&[200, 400]),
                )
                .after(After::HalfClose),
                Case::new(name("left"), Port::Http, bytes, Expect::Ends).after(After::Leave),
            ]
        }),
    );
    cases
}
