//! Bytes of a file as text, no matter which program saved it: one way for the command line and the browser. Rule:
//! docs/protocol.md#W26
//!
//! Editors put byte order marks in front, Windows writes UTF-16, old programs write Latin-1. What our files consist of is
//! ASCII; what stands around it, a comment with an umlaut or a name, must not make a key unreadable.

use zeroize::Zeroizing;

/// Bytes that are looked at to distinguish UTF-16 without a mark from other files.
const PROBE: usize = 64;

/// The text of a file: UTF-8, UTF-16 of either order with or without a byte order mark, else Latin-1. Line ends become
/// `\n`. Every input has a text; whether it makes sense is for its reader.
pub fn decode(bytes: &[u8]) -> Zeroizing<String> {
    let (encoding, rest) = encoding_of(bytes);
    // Room for all of it, so that growing leaves no copies of secrets behind: three bytes a unit are the most.
    let mut text = Zeroizing::new(String::with_capacity(rest.len() * 3));
    match encoding {
        Encoding::Utf8(plain) => text.push_str(plain),
        Encoding::Utf16(order) => {
            let units = rest.chunks_exact(2).map(|pair| match order {
                Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
                Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
            });
            text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        Encoding::Latin1 => text.extend(rest.iter().map(|byte| char::from(*byte))),
    }
    if text.contains('\r') {
        let mut lines = Zeroizing::new(String::with_capacity(text.len()));
        for (place, part) in text.split("\r\n").enumerate() {
            if place > 0 {
                lines.push('\n');
            }
            lines.extend(part.chars().map(|c| if c == '\r' { '\n' } else { c }));
        }
        return lines;
    }
    text
}

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

enum Encoding<'a> {
    Utf8(&'a str),
    Utf16(Order),
    Latin1,
}

fn encoding_of(bytes: &[u8]) -> (Encoding<'_>, &[u8]) {
    match bytes {
        [0xff, 0xfe, rest @ ..] => return (Encoding::Utf16(Order::Little), rest),
        [0xfe, 0xff, rest @ ..] => return (Encoding::Utf16(Order::Big), rest),
        _ => {}
    }
    if let Some(order) = unmarked_utf16(bytes) {
        return (Encoding::Utf16(order), bytes);
    }
    let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(rest) {
        Ok(text) => (Encoding::Utf8(text), rest),
        Err(_) => (Encoding::Latin1, rest),
    }
}

/// ASCII in UTF-16 has a zero as every second byte, and no other file of ours has one at all.
fn unmarked_utf16(bytes: &[u8]) -> Option<Order> {
    let probe = &bytes[..bytes.len().min(PROBE) & !1];
    let ascii = |byte: u8| byte != 0 && byte.is_ascii();
    let all = |zero: usize| {
        probe
            .chunks_exact(2)
            .all(|pair| pair[zero] == 0 && ascii(pair[1 - zero]))
    };
    match probe.is_empty() {
        true => None,
        false if all(1) => Some(Order::Little),
        false if all(0) => Some(Order::Big),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_way_of_saving_a_text_gives_the_text() {
        let text = "-----BEGIN X-----\nab+/\n";
        let units = |order: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(order).collect() };
        let (little, big) = (units(u16::to_le_bytes), units(u16::to_be_bytes));
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            text.replace('\n', "\r\n").into_bytes(),
            text.replace('\n', "\r").into_bytes(),
            [b"\xff\xfe", &little[..]].concat(),
            [b"\xfe\xff", &big[..]].concat(),
            little,
            big,
        ] {
            assert_eq!(*decode(&bytes), text, "{bytes:?}");
        }
        assert_eq!(*decode(b"M\xfcller"), "Müller", "Latin-1");
        assert_eq!(*decode("Müller".as_bytes()), "Müller", "UTF-8");
        assert_eq!(*decode(b""), "");
        assert_eq!(*decode(&[0xff, 0xfe, 0x00, 0xd8]), "\u{fffd}", "half of a pair");
        // Half a unit at the end is an accident, not a reason to lose the rest.
        assert_eq!(*decode(b"\xff\xfea\0b\0c"), "ab");
    }
}
