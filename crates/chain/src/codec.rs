//! Canonical RLP with named fields and limits checked before allocation. Rules: docs/protocol.md#E1, #E2

use alloy_primitives::{Address, B256, U256};
use alloy_rlp::{Decodable, Header};

/// Why bytes are not what they should be; `field` names the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum CodecError {
    #[error("{field}: {source}")]
    Rlp {
        field: &'static str,
        source: alloy_rlp::Error,
    },
    #[error("{field}: {count} bytes after its end")]
    TrailingBytes { field: &'static str, count: usize },
    #[error("{field}: {len} bytes, at most {max} are allowed")]
    TooLong {
        field: &'static str,
        len: usize,
        max: usize,
    },
    #[error("{field}: {len} bytes, expected {expected}")]
    WrongLength {
        field: &'static str,
        len: usize,
        expected: usize,
    },
    #[error("{field}: {count} items, at most {max} are allowed")]
    TooMany {
        field: &'static str,
        count: usize,
        max: usize,
    },
}

fn named<T>(field: &'static str, result: alloy_rlp::Result<T>) -> Result<T, CodecError> {
    result.map_err(|source| CodecError::Rlp { field, source })
}

/// Reads the items of one RLP list, each by its name.
#[derive(Debug, Clone)]
pub struct ListReader<'a> {
    field: &'static str,
    rest: &'a [u8],
}

impl<'a> ListReader<'a> {
    /// Opens `bytes` as exactly one list and nothing after it.
    pub fn open(field: &'static str, mut bytes: &'a [u8]) -> Result<Self, CodecError> {
        let rest = named(field, Header::decode_bytes(&mut bytes, true))?;
        match bytes.len() {
            0 => Ok(Self { field, rest }),
            count => Err(CodecError::TrailingBytes { field, count }),
        }
    }

    /// A nested list.
    pub fn list(&mut self, field: &'static str) -> Result<Self, CodecError> {
        let rest = named(field, Header::decode_bytes(&mut self.rest, true))?;
        Ok(Self { field, rest })
    }

    /// An unsigned integer below 2^64 without leading zeros.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, CodecError> {
        named(field, u64::decode(&mut self.rest))
    }

    /// An unsigned integer below 2^128 without leading zeros.
    pub fn u128(&mut self, field: &'static str) -> Result<u128, CodecError> {
        named(field, u128::decode(&mut self.rest))
    }

    /// An unsigned integer below 2^256 without leading zeros.
    pub fn u256(&mut self, field: &'static str) -> Result<U256, CodecError> {
        named(field, U256::decode(&mut self.rest))
    }

    /// A string of any length up to `max` bytes, borrowed from the input.
    pub fn bytes(&mut self, field: &'static str, max: usize) -> Result<&'a [u8], CodecError> {
        let bytes = named(field, Header::decode_bytes(&mut self.rest, false))?;
        match bytes.len() {
            len if len > max => Err(CodecError::TooLong { field, len, max }),
            _ => Ok(bytes),
        }
    }

    /// A string of exactly `N` bytes.
    pub fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], CodecError> {
        let bytes = named(field, Header::decode_bytes(&mut self.rest, false))?;
        bytes.try_into().map_err(|_| CodecError::WrongLength {
            field,
            len: bytes.len(),
            expected: N,
        })
    }

    /// A string of exactly 32 bytes.
    pub fn b256(&mut self, field: &'static str) -> Result<B256, CodecError> {
        self.fixed(field).map(B256::new)
    }

    /// A string of exactly 20 bytes.
    pub fn address(&mut self, field: &'static str) -> Result<Address, CodecError> {
        self.fixed(field).map(Address::new)
    }

    /// An address, or nothing (the empty string).
    pub fn optional_address(&mut self, field: &'static str) -> Result<Option<Address>, CodecError> {
        match self.bytes(field, 20)? {
            [] => Ok(None),
            bytes => <[u8; 20]>::try_from(bytes)
                .map(|b| Some(Address::new(b)))
                .map_err(|_| CodecError::WrongLength {
                    field,
                    len: bytes.len(),
                    expected: 20,
                }),
        }
    }

    /// The next item as it stands, header included.
    pub fn raw_item(&mut self, field: &'static str) -> Result<&'a [u8], CodecError> {
        let start = self.rest;
        let header = named(field, Header::decode(&mut self.rest))?;
        // `Header::decode` has compared this length with what is left.
        self.rest = &self.rest[header.payload_length..];
        Ok(&start[..start.len() - self.rest.len()])
    }

    /// Whether every item has been read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The list must end here.
    pub fn end(self) -> Result<(), CodecError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(CodecError::TrailingBytes {
                field: self.field,
                count,
            }),
        }
    }
}

/// Wraps `payload` (already encoded items) as one RLP list.
pub fn wrap_list(payload: &[u8]) -> Vec<u8> {
    let header = Header {
        list: true,
        payload_length: payload.len(),
    };
    let mut out = Vec::with_capacity(payload.len() + 9);
    header.encode(&mut out);
    out.extend_from_slice(payload);
    out
}
