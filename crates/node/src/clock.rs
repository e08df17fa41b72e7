//! This machine's clock beside others: what a driver that measured them found. Rule: docs/protocol.md#N13
//!
//! The node measures nothing itself. [`Node::set_clock_reading`](crate::Node::set_clock_reading) is the door through which
//! the network gives it the result.

use serde::Serialize;

/// This machine's clock beside the median of its peers'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ClockReading {
    /// This machine's clock less the median, seconds: below 0, this machine's is behind.
    pub offset_secs: i64,
    /// Peers that were compared with, one of each address range or named host.
    pub peers: usize,
    /// Whether they are enough, and this node chose them itself: what fewer show, or inbound peers, only warns.
    pub chosen: bool,
}

impl ClockReading {
    /// Whether blocks of honest nodes would be rejected, or made in vain. Rule: docs/protocol.md#B4
    pub fn is_off(&self, allowance_secs: u64) -> bool {
        self.offset_secs.unsigned_abs() > allowance_secs
    }

    /// In words, for logs and pages.
    pub fn words(&self) -> String {
        let direction = if self.offset_secs < 0 { "behind" } else { "ahead of" };
        let time = span(self.offset_secs.unsigned_abs());
        let of = if self.peers == 1 {
            "that of 1 peer".to_owned()
        } else {
            format!("the median of {} peers", self.peers)
        };
        format!("this machine's clock is {time} {direction} {of}")
    }
}

/// So many seconds in words.
pub(crate) fn span(secs: u64) -> String {
    match secs {
        0..120 => format!("{secs} s"),
        120..7_200 => format!("{} min", secs / 60),
        _ => format!("{} h", secs / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_name_whose_clock_and_how_far() {
        let reading = |offset_secs, peers| ClockReading {
            offset_secs,
            peers,
            chosen: true,
        };
        assert_eq!(
            reading(-300, 4).words(),
            "this machine's clock is 5 min behind the median of 4 peers"
        );
        assert_eq!(
            reading(45, 1).words(),
            "this machine's clock is 45 s ahead of that of 1 peer"
        );
        assert!(reading(-13, 1).is_off(12) && !reading(12, 1).is_off(12));
    }
}
