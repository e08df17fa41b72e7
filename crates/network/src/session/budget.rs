//! What comes back with time: messages, ids and requests that a peer may send or is sent, bytes of the store that answers to
//! it may read.

/// Tokens that come back with time. They are counted in thousandths, so that no part of one is lost where there are looks
/// at it every few milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Below zero after something that cost more than was left.
    thousandths: i64,
    most: i64,
    a_second: u64,
    /// Milliseconds.
    since: u64,
}

fn in_thousandths(tokens: u64) -> i64 {
    i64::try_from(tokens.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

impl Budget {
    /// All of `most` tokens are there at `now`, in milliseconds.
    pub(crate) fn new(a_second: u64, most: u64, now: u64) -> Self {
        let most = in_thousandths(most);
        Self {
            thousandths: most,
            most,
            a_second,
            since: now,
        }
    }

    fn at(&self, now: u64) -> i64 {
        // So many a second are as many thousandths a millisecond.
        let back = now.saturating_sub(self.since).saturating_mul(self.a_second);
        let back = i64::try_from(back).unwrap_or(i64::MAX);
        self.thousandths.saturating_add(back).min(self.most)
    }

    /// Takes `count` tokens if there are as many.
    pub(crate) fn spend(&mut self, count: u64, now: u64) -> bool {
        let has = self.has(count, now);
        if has {
            self.charge(count, now);
        }
        has
    }

    /// Takes `count` tokens, there or not: what follows waits for them.
    pub(crate) fn charge(&mut self, count: u64, now: u64) {
        self.thousandths = self.at(now).saturating_sub(in_thousandths(count));
        self.since = self.since.max(now);
    }

    /// Whether there are as many as `count` tokens at `now`.
    pub(crate) fn has(&self, count: u64, now: u64) -> bool {
        self.at(now) >= in_thousandths(count)
    }

    /// Whole tokens that there are at `now`.
    pub(crate) fn left(&self, now: u64) -> u64 {
        u64::try_from(self.at(now) / 1_000).unwrap_or(0)
    }

    /// Whether all of it has come back at `now`.
    pub(crate) fn is_whole(&self, now: u64) -> bool {
        self.at(now) >= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_comes_back_and_has_an_end() {
        let mut budget = Budget::new(10, 20, 0);
        assert!(budget.spend(20, 0));
        assert!(!budget.spend(1, 99));
        assert_eq!((budget.left(99), budget.left(100)), (0, 1));
        assert!(budget.spend(1, 100));
        assert!(!budget.spend(21, 1_000_000), "never more than at once");
        assert!(budget.spend(20, 1_000_000));
        assert!(!budget.is_whole(1_001_999) && budget.is_whole(1_002_000));
    }

    #[test]
    fn no_part_of_a_token_is_lost_however_often_it_is_looked_at() {
        for step in [1, 7, 50, 333] {
            let mut budget = Budget::new(30, 300, 0);
            assert!(budget.spend(300, 0));
            let mut spent = 0;
            for now in (0..=99_900).step_by(step) {
                while budget.spend(1, now) {
                    spent += 1;
                }
            }
            assert!((2_987..=2_997).contains(&spent), "{spent} in steps of {step} ms");
        }
    }

    #[test]
    fn what_costs_more_than_is_left_is_waited_for() {
        let mut budget = Budget::new(1_000, 4_000, 0);
        budget.charge(4_000, 0);
        assert_eq!(budget.left(0), 0);
        budget.charge(2_000, 0);
        assert!(!budget.has(1, 2_000) && budget.has(1, 2_001));
        assert_eq!(budget.left(u64::MAX), 4_000);
    }

    #[test]
    fn a_clock_that_goes_back_brings_nothing_twice() {
        let mut budget = Budget::new(1, 10, 10_000);
        assert!(budget.spend(10, 10_000));
        assert!(!budget.spend(1, 5_000));
        budget.charge(0, 5_000);
        assert_eq!((budget.left(10_999), budget.left(11_000)), (0, 1));
    }
}
