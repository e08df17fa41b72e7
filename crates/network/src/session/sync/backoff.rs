//! How long a peer is left alone that led nowhere. It is no penalty: silence and a claim that was not shown prove nothing.
//! Rule: docs/protocol.md#N6

/// Milliseconds after the first failure; each further one in a row doubles it, five times at most.
const PAUSE_MS: u64 = 10_000;
const MAX_DOUBLINGS: u32 = 5;

/// The pause where a chain changed while it was looked at.
const CHANGED_MS: u64 = 1_000;

/// Failures in a row, and the moment from which on another attempt is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    failures: u32,
    until: u64,
    /// Whether the last attempt ended because the chain had changed meanwhile.
    changed: bool,
}

impl Backoff {
    /// Whether an attempt is allowed at `now`, in milliseconds.
    pub(crate) fn ready(&self, now: u64) -> bool {
        self.until <= now
    }

    /// Attempts in a row that led nowhere; those with fewer come first.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// An attempt led nowhere.
    pub(crate) fn failed(&mut self, now: u64) {
        let pause = PAUSE_MS << self.failures.min(MAX_DOUBLINGS);
        self.failures = self.failures.saturating_add(1);
        self.until = self.until.max(now.saturating_add(pause));
    }

    /// An attempt led where it was to lead.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The chain changed while it was looked at: that happens to any peer once, and twice in a row it led nowhere.
    pub(crate) fn changed(&mut self, now: u64) {
        if std::mem::replace(&mut self.changed, true) {
            self.failed(now);
        } else {
            self.wait(now.saturating_add(CHANGED_MS));
        }
    }

    /// Nothing is wrong with the peer, and before `until` nothing would come of another attempt.
    pub(crate) fn wait(&mut self, until: u64) {
        self.until = self.until.max(until);
    }

    /// Whether nothing of it need be remembered.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        self.until.saturating_add(PAUSE_MS << MAX_DOUBLINGS) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_in_a_row_doubles_the_pause_up_to_an_end() {
        let mut backoff = Backoff::default();
        assert!(backoff.ready(0));
        let mut now = 0;
        for secs in [10, 20, 40, 80, 160, 320, 320] {
            backoff.failed(now);
            assert!(!backoff.ready(now + secs * 1_000 - 1), "{secs} s");
            now += secs * 1_000;
            assert!(backoff.ready(now), "{secs} s");
        }
        assert_eq!(backoff.failures(), 7);
        backoff.succeeded();
        assert_eq!(backoff, Backoff::default());
    }

    #[test]
    fn a_chain_that_changes_once_is_no_failure_and_one_that_always_does_is() {
        let mut backoff = Backoff::default();
        backoff.changed(0);
        assert_eq!((backoff.failures(), backoff.ready(CHANGED_MS)), (0, true));
        backoff.changed(CHANGED_MS);
        assert_eq!((backoff.failures(), backoff.ready(10_999)), (1, false));
        backoff.changed(11_000);
        assert_eq!((backoff.failures(), backoff.ready(30_999)), (2, false));
        backoff.succeeded();
        backoff.changed(31_000);
        assert_eq!((backoff.failures(), backoff.ready(32_000)), (0, true));
    }

    #[test]
    fn waiting_is_no_failure() {
        let mut backoff = Backoff::default();
        backoff.wait(5_000);
        assert_eq!(
            (backoff.ready(4_999), backoff.ready(5_000), backoff.failures()),
            (false, true, 0)
        );
    }
}
