//! What the tests of this package share. Each test binary uses a part of it.

#![allow(
    dead_code,
    reason = "every test binary includes this module and uses its own part of it"
)]

pub mod chain;
pub mod keys;

use std::path::Path;

use tally_chain::CodecError;
use tally_chain::codec::wrap_list;

pub fn text(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn json(path: impl AsRef<Path>) -> serde_json::Value {
    serde_json::from_str(&text(path)).unwrap()
}

/// Bytes of hex, with or without `0x`.
pub fn hex(text: &str) -> Vec<u8> {
    alloy_primitives::hex::decode(text.trim()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Bytes of the hex string in a JSON value.
pub fn json_hex(value: &serde_json::Value) -> Vec<u8> {
    hex(value.as_str().unwrap_or_else(|| panic!("not a string: {value}")))
}

/// RLP of a byte string.
pub fn rlp(bytes: &[u8]) -> Vec<u8> {
    alloy_rlp::encode(bytes)
}

/// RLP list of encoded items.
pub fn rlp_list(items: &[Vec<u8>]) -> Vec<u8> {
    wrap_list(&items.concat())
}

/// What the RLP reader reports of `field`.
pub fn rlp_error(field: &'static str, source: alloy_rlp::Error) -> CodecError {
    CodecError::Rlp { field, source }
}

/// Decodes base64 of either alphabet, padded or not.
pub fn base64(text: &str) -> Vec<u8> {
    let (mut bits, mut count, mut out) = (0u32, 0, Vec::new());
    for c in text.bytes().filter(|c| !c.is_ascii_whitespace() && *c != b'=') {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => panic!("{:?} is not base64", char::from(c)),
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

/// DER of one tag with its content.
pub fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let header = match len {
        0..=0x7f => vec![tag, len as u8],
        0x80..=0xff => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [header, content.to_vec()].concat()
}

/// DER of an unsigned integer given as big-endian bytes.
pub fn der_integer(bytes: &[u8]) -> Vec<u8> {
    let significant = &bytes[bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len())..];
    match significant.first() {
        Some(0..=0x7f) => der(2, significant),
        _ => der(2, &[&[0], significant].concat()),
    }
}

/// SubjectPublicKeyInfo around a PKCS#1 `RSAPublicKey`.
pub fn spki_of_pkcs1(pkcs1: &[u8]) -> Vec<u8> {
    let algorithm = hex("300d06092a864886f70d0101010500");
    der(0x30, &[algorithm, der(3, &[&[0], pkcs1].concat())].concat())
}

/// SubjectPublicKeyInfo of an RSA key of any size and form.
pub fn spki_of(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    spki_of_pkcs1(&der(0x30, &[der_integer(modulus), der_integer(exponent)].concat()))
}

/// Contents of the INTEGERs in a DER sequence, without leading zeros.
pub fn der_integers(sequence: &[u8]) -> Vec<Vec<u8>> {
    let (tag, mut rest, _) = read_der(sequence);
    assert_eq!(tag, 0x30);
    let mut integers = Vec::new();
    while !rest.is_empty() {
        let (tag, content, after) = read_der(rest);
        assert_eq!(tag, 2);
        integers.push(content[content.iter().position(|b| *b != 0).unwrap_or(content.len())..].to_vec());
        rest = after;
    }
    integers
}

fn read_der(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (len, at) = match bytes[1] {
        len @ 0..=0x7f => (usize::from(len), 2),
        0x81 => (usize::from(bytes[2]), 3),
        _ => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
    };
    (bytes[0], &bytes[at..at + len], &bytes[at + len..])
}
