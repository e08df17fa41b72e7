//! The median of the times of the last blocks, which the next block's time exceeds. Rule: docs/protocol.md#B3

use crate::block::BlockError;

/// Blocks whose median time a new block must exceed under proof of work. Rule: docs/protocol.md#B3
pub const MEDIAN_SPAN: usize = 11;

/// The median of block times in Unix seconds; zero of none. Rule: docs/protocol.md#B3
pub(crate) fn median(times: &[u32]) -> u32 {
    let mut times = times.to_vec();
    times.sort_unstable();
    // Of an even number, which only the first blocks of a chain have, the later of the two in the middle, as in Bitcoin.
    times.get(times.len() / 2).copied().unwrap_or(0)
}

/// Checks a time, in Unix seconds, against those of up to eleven blocks before it: it is after their median.
/// Rule: docs/protocol.md#B3
pub(crate) fn check_after_median(time: u32, recent_times: &[u32]) -> Result<(), BlockError> {
    let median = median(recent_times);
    match time > median {
        true => Ok(()),
        false => Err(BlockError::TooEarly { time, median }),
    }
}

/// Appends a block's time to those that the next block is compared with: eleven at most, oldest first.
/// Rule: docs/protocol.md#B3
pub(crate) fn push(recent_times: &mut Vec<u32>, time: u32) {
    recent_times.push(time);
    if recent_times.len() > MEDIAN_SPAN {
        recent_times.remove(0);
    }
}
