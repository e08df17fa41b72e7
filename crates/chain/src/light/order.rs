//! That times go forward from left to right in the history. Rule: docs/protocol.md#F8

/// The latest time so far, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeOrder {
    latest: u32,
    /// Seconds that a time may go back.
    slack: u32,
}

/// Times that go further back than a sample allows, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OutOfOrder {
    pub earliest: u32,
    pub latest: u32,
    pub slack: u32,
}

impl TimeOrder {
    pub fn new(slack: u32) -> Self {
        Self { latest: 0, slack }
    }

    /// Takes the times of what stands next: of a block, or the earliest and latest of several.
    pub fn push(&mut self, earliest: u32, latest: u32) -> Result<(), OutOfOrder> {
        if earliest.saturating_add(self.slack) < self.latest {
            return Err(OutOfOrder {
                earliest,
                latest: self.latest,
                slack: self.slack,
            });
        }
        self.latest = self.latest.max(latest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_back_by_the_slack_at_most() {
        let mut order = TimeOrder::new(10);
        assert_eq!(order.push(100, 120), Ok(()));
        assert_eq!(order.push(110, 110), Ok(()));
        let error = OutOfOrder {
            earliest: 109,
            latest: 120,
            slack: 10,
        };
        assert_eq!(order.push(109, 500), Err(error));
        assert_eq!(order.push(u32::MAX, u32::MAX), Ok(()));
    }
}
