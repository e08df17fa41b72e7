//! Strict DER, as much as key files need. Bounded by the file: nothing is allocated for a length that is only claimed.

use zeroize::Zeroizing;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0]` and `[1]` around other items.
pub(super) const CONTEXT_0: u8 = 0xa0;
pub(super) const CONTEXT_1: u8 = 0xa1;
/// `[1]` in the place of a bit string's own tag.
pub(super) const CONTEXT_1_BITS: u8 = 0x81;

/// Reads items one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(der: &'a [u8]) -> Self {
        Self(der)
    }

    /// The items inside the one item that the bytes are.
    pub fn inside(tag: u8, der: &'a [u8]) -> Option<Self> {
        let mut reader = Self(der);
        let content = reader.take(tag)?;
        reader.is_empty().then_some(Self(content))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn next_is(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The content of the next item, which has this tag.
    pub fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&[found, first], rest) = self.0.split_first_chunk::<2>()?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let len = digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit));
                // The shortest form only.
                let shortest = digits[0] != 0 && len >= 0x80;
                shortest.then_some((len, rest))?
            }
            _ => return None,
        };
        if found != tag {
            return None;
        }
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(content)
    }

    pub fn sequence(&mut self) -> Option<Self> {
        self.take(SEQUENCE).map(Self)
    }

    /// A number that is not negative, big-endian without leading zeros (zero is empty).
    pub fn unsigned(&mut self) -> Option<&'a [u8]> {
        match self.take(INTEGER)? {
            [] => None,
            [0] => Some(&[]),
            [0, next, ..] if *next < 0x80 => None,
            [0, digits @ ..] => Some(digits),
            [first, ..] if *first >= 0x80 => None,
            digits => Some(digits),
        }
    }

    /// A number that fits 64 bits.
    pub fn small(&mut self) -> Option<u64> {
        let digits = self.unsigned()?;
        (digits.len() <= 8).then(|| digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
    }

    /// A string of whole bytes.
    pub fn bit_string(&mut self) -> Option<&'a [u8]> {
        self.take(BIT_STRING)?.strip_prefix(&[0])
    }
}

/// One item around the joined parts. Wiped when dropped: it may be secret.
pub(super) fn item(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(len + 5));
    out.push(tag);
    match len {
        0..=0x7f => out.push(len as u8),
        0x80..=0xff => out.extend([0x81, len as u8]),
        0x100..=0xffff => out.extend([0x82, (len >> 8) as u8, len as u8]),
        _ => out.extend([0x83, (len >> 16) as u8, (len >> 8) as u8, len as u8]),
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A number that is not negative, from big-endian bytes.
pub(super) fn unsigned(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = &bytes[start..];
    let sign: &[u8] = if digits.first().is_none_or(|first| *first >= 0x80) {
        &[0]
    } else {
        &[]
    };
    item(INTEGER, &[sign, digits])
}

/// Writes an OID's content as people do: `1.2.840.113549`.
pub(super) fn oid_text(content: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0u64;
    for byte in content.iter().take(32) {
        arc = arc.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.push(first);
                arc -= first * 40;
            }
            arcs.push(arc);
            arc = 0;
        }
    }
    let texts: Vec<String> = arcs.iter().map(u64::to_string).collect();
    texts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shortest_form_is_read() {
        assert_eq!(Reader::new(&[4, 1, 9]).take(OCTET_STRING), Some(&[9][..]));
        for wrong in [
            &[4, 0x81, 1, 9][..],
            &[4, 2, 9],
            &[4, 0x80, 9],
            &[4],
            &[2, 1, 9],
            &[4, 0x84, 0, 0, 0, 1, 9],
        ] {
            assert_eq!(Reader::new(wrong).take(OCTET_STRING), None, "{wrong:?}");
        }
        let long = item(OCTET_STRING, &[&[7; 300]]);
        assert_eq!(long[..4], [4, 0x82, 1, 44]);
        assert_eq!(Reader::new(&long).take(OCTET_STRING).unwrap().len(), 300);
    }

    #[test]
    fn numbers_have_one_encoding() {
        for (bytes, der) in [
            (&[][..], &[2, 1, 0][..]),
            (&[0, 0, 5], &[2, 1, 5]),
            (&[0x80], &[2, 2, 0, 0x80]),
            (&[1, 0, 1], &[2, 3, 1, 0, 1]),
        ] {
            assert_eq!(*unsigned(bytes), der);
            let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
            assert_eq!(Reader::new(der).unsigned(), Some(&bytes[start..]));
        }
        for wrong in [&[2, 0][..], &[2, 2, 0, 5], &[2, 1, 0x80]] {
            assert_eq!(Reader::new(wrong).unsigned(), None, "{wrong:?}");
        }
        assert_eq!(Reader::new(&[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]).small(), None);
    }

    #[test]
    fn object_identifiers_as_text() {
        assert_eq!(
            oid_text(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13]),
            "1.2.840.113549.1.5.13"
        );
        assert_eq!(oid_text(&[0x2b, 0x81, 4, 0, 10]), "1.3.132.0.10");
    }
}
