//! Headers without what follows from those before them, for readers that take very many. Rule: docs/protocol.md#F2

use alloy_primitives::B256;

use super::{Engine, HeaderSeal};
use crate::hash::BlockId;
use crate::header::Header;

/// Length of the part of a compact header that is always there, in bytes: manifest root and nonce.
const FIXED_BYTES: usize = 36;
/// Longest time in it, in bytes: a difference of two `u32`, with its sign, has 33 bits.
const MAX_TIME_BYTES: usize = 5;
/// Longest compact header in bytes. Most have 37. Rule: docs/protocol.md#F2
pub const MAX_COMPACT_BYTES: usize = FIXED_BYTES + MAX_TIME_BYTES;

/// Why bytes are no compact header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum CompactError {
    #[error("the time of a compact header has more than {max} bytes")]
    LongTime { max: usize },
    #[error("the time of a compact header ends in a byte that adds nothing")]
    PaddedTime,
    #[error("the time of a compact header is {change} seconds after its parent's {parent_time}, which is no time")]
    NoTime { parent_time: u32, change: i64 },
}

/// What a compact header contains by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CompactHeader {
    manifest_root: B256,
    nonce: u32,
    /// Seconds after the parent; less than zero before it.
    time_change: i64,
}

impl CompactHeader {
    /// Reads one and returns it with its length; `None` where the bytes end before it does.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, CompactError> {
        let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED_BYTES>() else {
            return Ok(None);
        };
        let Some((number, len)) = read_number(rest)? else {
            return Ok(None);
        };
        let header = Self {
            manifest_root: B256::from_slice(&fixed[..32]),
            nonce: u32::from_le_bytes([fixed[32], fixed[33], fixed[34], fixed[35]]),
            time_change: unfold(number),
        };
        Ok(Some((header, FIXED_BYTES + len)))
    }

    /// The header after a parent of this time, in Unix seconds, by which D1 gives this seal.
    pub fn after(self, parent: BlockId, parent_time: u32, seal: HeaderSeal) -> Result<Header, CompactError> {
        let change = self.time_change;
        let time =
            u32::try_from(i64::from(parent_time) + change).map_err(|_| CompactError::NoTime { parent_time, change })?;
        let seal = HeaderSeal {
            nonce: self.nonce,
            ..seal
        };
        Ok(seal.header(parent, self.manifest_root, time))
    }
}

impl Engine {
    /// Writes a header without version, parent and bits, and its time as the difference from its parent's in Unix seconds.
    /// Rule: docs/protocol.md#F2
    pub(crate) fn encode_compact(&self, header: &Header, parent_time: u32, out: &mut Vec<u8>) {
        match self {
            Self::ProofOfWork(_) => {
                out.extend_from_slice(header.manifest_root.as_slice());
                out.extend_from_slice(&header.nonce.to_le_bytes());
                write_number(fold(i64::from(header.time) - i64::from(parent_time)), out);
            }
        }
    }
}

/// A number with its sign in the lowest bit, so that small numbers of both signs are short.
fn fold(number: i64) -> u64 {
    let doubled = number.unsigned_abs() << 1;
    match number < 0 {
        true => doubled - 1,
        false => doubled,
    }
}

#[allow(clippy::cast_possible_wrap, reason = "35 bits at most are read, and i64 holds them")]
fn unfold(number: u64) -> i64 {
    let half = (number >> 1) as i64;
    match number & 1 {
        1 => -half - 1,
        _ => half,
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that another byte follows.
fn write_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    out.push(low_bits(number));
}

#[allow(clippy::cast_possible_truncation, reason = "seven bits are left")]
fn low_bits(number: u64) -> u8 {
    (number & 0x7f) as u8
}

/// A number and its length; `None` where the bytes end before it does.
fn read_number(bytes: &[u8]) -> Result<Option<(u64, usize)>, CompactError> {
    let mut number = 0;
    for (place, byte) in bytes.iter().copied().take(MAX_TIME_BYTES).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return match byte == 0 && place > 0 {
                // One number has one form.
                true => Err(CompactError::PaddedTime),
                false => Ok(Some((number, place + 1))),
            };
        }
    }
    match bytes.len() < MAX_TIME_BYTES {
        true => Ok(None),
        false => Err(CompactError::LongTime { max: MAX_TIME_BYTES }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form_each() {
        for (number, bytes) in [
            (0, &[0u8][..]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[126]),
            (-64, &[127]),
            (64, &[0x80, 1]),
            (i64::from(u32::MAX), &[0xfe, 0xff, 0xff, 0xff, 0x1f]),
        ] {
            let mut out = Vec::new();
            write_number(fold(number), &mut out);
            assert_eq!(out, bytes, "{number}");
            assert_eq!(read_number(bytes), Ok(Some((fold(number), bytes.len()))));
            assert_eq!(unfold(fold(number)), number);
            assert_eq!(read_number(&bytes[..bytes.len() - 1]), Ok(None));
        }
        assert_eq!(read_number(&[0x80, 0]), Err(CompactError::PaddedTime));
        assert_eq!(read_number(&[0xff; 5]), Err(CompactError::LongTime { max: 5 }));
    }

    #[test]
    fn a_time_that_no_header_holds_is_rejected() {
        let compact = |time_change| CompactHeader {
            manifest_root: B256::ZERO,
            nonce: 0,
            time_change,
        };
        let seal = HeaderSeal {
            version: 1,
            bits: 1,
            nonce: 0,
        };
        let error = |parent_time, change| Err(CompactError::NoTime { parent_time, change });
        assert_eq!(compact(-6).after(BlockId::ZERO, 5, seal), error(5, -6));
        assert_eq!(compact(1).after(BlockId::ZERO, u32::MAX, seal), error(u32::MAX, 1));
        assert_eq!(
            compact(-5).after(BlockId::ZERO, 5, seal).map(|header| header.time),
            Ok(0)
        );
    }
}
