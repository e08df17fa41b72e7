//! Stratum lines that are none, and bytes for the port of other nodes.

use super::{After, Case, Expect, Port};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |port: Port, name: &str, bytes: Vec<u8>, expect: Expect| {
        let of = if port == Port::P2p { "p2p" } else { "stratum" };
        cases.push(Case::new(format!("{of}: {name}"), port, bytes, expect));
    };
    let line = |method: &str, params: &str| format!("{{\"id\":1,\"method\":\"{method}\",\"params\":{params}}}\n");
    for (method, params, text) in [
        ("mining.nothing", "[]", "[20,"),
        ("mining.submit", "[]", "[24,"),
        ("mining.authorize", "[]", "[24,"),
        ("mining.authorize", "[null]", "[24,"),
        ("mining.authorize", "{}", "[24,"),
        ("mining.authorize", "[\"\\u0000\\n\\u001b[31m\"]", "[24,"),
        ("mining.subscribe", "null", "mining.notify"),
        ("mining.subscribe", "[[[[[]]]]]", "mining.notify"),
        ("mining.configure", "[[\"version-rolling\"],{}]", "version-rolling"),
        ("", "[]", "[20,"),
    ] {
        add(
            Port::Stratum,
            &format!("{method} {params}"),
            line(method, params).into_bytes(),
            Expect::Answers(text),
        );
    }
    let name = format!("[\"{}\"]", "x".repeat(500));
    add(
        Port::Stratum,
        "a long name",
        line("mining.authorize", &name).into_bytes(),
        Expect::Answers("[24,"),
    );
    for (name, bytes) in [
        ("ten lines of nonsense", b"nonsense\n".repeat(10)),
        ("ten lists", b"[]\n".repeat(10)),
        ("ten numbers", b"1e999\n".repeat(10)),
        ("not UTF-8", b"\xff\xfe\xfd\n".to_vec()),
        ("a line of 100 kB", [vec![b'{'; 100_000], b"\n".to_vec()].concat()),
        (
            "10,000 brackets",
            [vec![b'['; 4_000], b"\n".to_vec()].concat().repeat(10),
        ),
        ("NUL", vec![0; 8_192]),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(5)),
    ] {
        add(Port::Stratum, name, bytes, Expect::Ends);
    }
    for (name, bytes) in [
        ("nonsense", vec![0xa5; 10_000]),
        ("zeros", vec![0; 10_000]),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("a length that never ends", vec![0xff; 20]),
        ("a length of 2^63", b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec()),
        ("another multistream", b"\x13/multistream/9.9.9\n".to_vec()),
        ("a line without its end", b"\x13/multistream/1.0.0x".to_vec()),
        ("an empty line", b"\x00\x00\x00\x00".to_vec()),
    ] {
        add(Port::P2p, name, bytes, Expect::Ends);
    }
    let multistream = b"\x13/multistream/1.0.0\n";
    let propose = |protocol: &str| {
        let length = [protocol.len() as u8 + 1];
        [&multistream[..], &length, protocol.as_bytes(), b"\n"].concat()
    };
    add(
        Port::P2p,
        "multistream alone is answered",
        multistream.to_vec(),
        Expect::Answers("/multistream/1.0.0"),
    );
    add(
        Port::P2p,
        "an unknown protocol",
        propose("/nothing/1"),
        Expect::Answers("na\n"),
    );
    add(Port::P2p, "ls", propose("ls"), Expect::Answers("/multistream/1.0.0"));
    let noise = [propose("/noise"), vec![0, 4, 1, 2, 3, 4]].concat();
    add(Port::P2p, "a broken handshake of noise", noise, Expect::Ends);
    let long = [propose("/noise"), vec![0xff, 0xff], vec![7; 70_000]].concat();
    add(Port::P2p, "a handshake of noise that is too long", long, Expect::Ends);
    for (port, of) in [(Port::Stratum, "stratum"), (Port::P2p, "p2p")] {
        let first = if port == Port::P2p {
            &multistream[..5]
        } else {
            b"{\"id\":1,"
        };
        cases.push(Case::new(format!("{of}: left"), port, first, Expect::Ends).after(After::Leave));
        cases.push(Case::new(format!("{of}: half-closed"), port, first, Expect::Ends).after(After::HalfClose));
    }
    cases
}
