//! Blocks in a row, as bytes: what `/api/v1/light/blocks` answers. Rule: docs/protocol.md#F12

/// Blocks end an answer that has so many bytes: the one that reaches it is the last.
pub const PART_BYTES: usize = 1024 * 1024;
/// Most blocks in one answer.
pub const MAX_BLOCKS: u64 = 4_096;
/// Bytes of the length before each block.
const LENGTH_BYTES: usize = 4;

/// Why bytes are no blocks in a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum FramesError {
    #[error("the answer has no block")]
    Empty,
    #[error("the answer breaks off within a block")]
    TooShort,
    #[error("the answer has more than {max} blocks")]
    TooMany { max: u64 },
}

/// The longest answer for blocks of at most `block_bytes` bytes.
pub fn longest_part(block_bytes: u64) -> u64 {
    // The last block begins below the limit.
    (PART_BYTES as u64)
        .saturating_add(block_bytes)
        .saturating_add(LENGTH_BYTES as u64)
}

/// Adds a block to an answer: `length u32 BE | block`. False where it does not fit into 32 bits, or the answer is full before.
pub fn push_block(part: &mut Vec<u8>, block: &[u8]) -> bool {
    let Ok(length) = u32::try_from(block.len()) else {
        return false;
    };
    if part.len() >= PART_BYTES {
        return false;
    }
    part.extend_from_slice(&length.to_be_bytes());
    part.extend_from_slice(block);
    true
}

/// The blocks of an answer, of which nothing is copied.
#[derive(Debug, Clone)]
pub struct Blocks<'a> {
    bytes: &'a [u8],
    left: u64,
}

impl<'a> Blocks<'a> {
    /// Of an answer to a request for at most `count` blocks.
    pub fn of(bytes: &'a [u8], count: u64) -> Result<Self, FramesError> {
        let left = count.min(MAX_BLOCKS);
        if bytes.is_empty() {
            return Err(FramesError::Empty);
        }
        Ok(Self { bytes, left })
    }

    /// The next block.
    pub fn next_block(&mut self) -> Result<Option<&'a [u8]>, FramesError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or(FramesError::TooMany { max: MAX_BLOCKS })?;
        let (length, rest) = self
            .bytes
            .split_first_chunk::<LENGTH_BYTES>()
            .ok_or(FramesError::TooShort)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| FramesError::TooShort)?;
        let (block, rest) = rest.split_at_checked(length).ok_or(FramesError::TooShort)?;
        self.bytes = rest;
        Ok(Some(block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_as_they_were_written() {
        let mut part = Vec::new();
        for block in [&b"one"[..], b"", b"three"] {
            assert!(push_block(&mut part, block));
        }
        let mut blocks = Blocks::of(&part, 3).unwrap();
        for block in [&b"one"[..], b"", b"three"] {
            assert_eq!(blocks.next_block(), Ok(Some(block)));
        }
        assert_eq!(blocks.next_block(), Ok(None));
        let mut fewer = Blocks::of(&part, 1).unwrap();
        assert_eq!(fewer.next_block(), Ok(Some(&b"one"[..])));
        assert_eq!(fewer.next_block(), Err(FramesError::TooMany { max: MAX_BLOCKS }));
        assert_eq!(Blocks::of(&[], 3).err(), Some(FramesError::Empty));
        for end in [1, 3, 5, part.len() - 1] {
            let mut torn = Blocks::of(&part[..end], 3).unwrap();
            let fault = std::iter::from_fn(|| torn.next_block().transpose()).find(Result::is_err);
            assert_eq!(fault, Some(Err(FramesError::TooShort)), "{end}");
        }
    }

    #[test]
    fn an_answer_ends_with_the_block_that_fills_it() {
        let mut part = Vec::new();
        assert!(push_block(&mut part, &vec![0; PART_BYTES - 5]));
        assert!(push_block(&mut part, &[1; 70]));
        assert!(!push_block(&mut part, &[2]));
        assert!(part.len() as u64 <= longest_part(70));
    }
}
