//! Hashes per second of one thread, as an exponential average over time.

use std::time::{Duration, Instant};

/// After this long the past counts for about a third.
const MEMORY: Duration = Duration::from_secs(5);
/// A thread that reports nothing for this long is idle, and its rate fades.
const SILENCE: Duration = Duration::from_secs(1);

pub(super) struct Meter {
    rate: f64,
    last: Instant,
    /// Hashes since `last`.
    pending: u64,
}

impl Meter {
    pub fn new(now: Instant) -> Self {
        Self {
            rate: 0.0,
            last: now,
            pending: 0,
        }
    }

    /// Adds hashes that were done by `now`.
    pub fn record(&mut self, hashes: u64, now: Instant) {
        self.pending += hashes;
        let elapsed = now.saturating_duration_since(self.last).as_secs_f64();
        // Too short to divide by.
        if elapsed < 1e-3 {
            return;
        }
        let current = self.pending as f64 / elapsed;
        self.rate = if self.rate == 0.0 {
            current
        } else {
            current + (self.rate - current) * (-elapsed / MEMORY.as_secs_f64()).exp()
        };
        self.last = now;
        self.pending = 0;
    }

    pub fn rate(&self, now: Instant) -> f64 {
        let idle = now.saturating_duration_since(self.last).saturating_sub(SILENCE);
        self.rate * (-idle.as_secs_f64() / MEMORY.as_secs_f64()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_rate_and_fades_when_idle() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut meter = Meter::new(start);
        for step in 1..=200 {
            meter.record(1_000, at(step * 10));
        }
        let close = |found: f64, expected: f64| (found / expected - 1.0).abs() < 0.02;
        assert!(close(meter.rate(at(2_000)), 100_000.0));
        for step in 201..=5_000 {
            meter.record(3_000, at(step * 10));
        }
        assert!(close(meter.rate(at(50_000)), 300_000.0));
        assert!(close(meter.rate(at(51_000)), 300_000.0));
        assert!(meter.rate(at(120_000)) < 1.0);
    }

    #[test]
    fn moments_too_short_are_added_up() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        meter.record(500, start);
        assert_eq!(meter.rate(start), 0.0);
        meter.record(500, start + Duration::from_secs(1));
        assert_eq!(meter.rate(start + Duration::from_secs(1)), 1_000.0);
    }
}
