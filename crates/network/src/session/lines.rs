//! Lines of the log that would be repeated again and again: each at most once a minute.

use std::collections::BTreeMap;

/// Milliseconds between two equal lines.
const LINE_MS: u64 = 60_000;

/// When each line was last logged.
#[derive(Debug, Default)]
pub(crate) struct Lines(BTreeMap<&'static str, u64>);

impl Lines {
    /// Whether a line is to be written at `now`, in milliseconds; if so, it counts as written. There are as many as places
    /// in the code that write one, each with its own word.
    pub(crate) fn is_due(&mut self, what: &'static str, now: u64) -> bool {
        let due = self.0.get(what).is_none_or(|last| now >= last.saturating_add(LINE_MS));
        if due {
            self.0.insert(what, now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_written_once_a_minute() {
        let mut lines = Lines::default();
        let written = (0..180_u64).filter(|second| lines.is_due("clock", second * 1_000));
        assert_eq!(written.collect::<Vec<_>>(), [0, 60, 120]);
        assert!(lines.is_due("store", 179_000), "another line has its own minute");
    }
}
