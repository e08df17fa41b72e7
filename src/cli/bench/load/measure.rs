//! What is kept of a run: counts and a histogram, so that its memory does not grow with the transfers.

use std::time::Duration;

/// Times by whole milliseconds; those of ten minutes and more count as ten minutes.
pub struct Histogram(Vec<u32>);

const MOST: usize = 600_000;

impl Default for Histogram {
    fn default() -> Self {
        Self(vec![0; MOST + 1])
    }
}

impl Histogram {
    pub fn add(&mut self, time: Duration) {
        let at = usize::try_from(time.as_millis()).unwrap_or(MOST).min(MOST);
        self.0[at] += 1;
    }

    /// Seconds within which `p` of a hundred lie; zero of none.
    pub fn percentile(&self, p: u64) -> f64 {
        let count: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        let (wanted, mut seen) = ((count * p).div_ceil(100), 0);
        for (millis, count) in self.0.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted && seen > 0 {
                return millis as f64 / 1_000.0;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_read_from_the_counts() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(99), 0.0);
        for millis in 1..=100 {
            histogram.add(Duration::from_millis(millis));
        }
        let found = [50, 95, 99, 100].map(|p| histogram.percentile(p));
        assert_eq!(found, [0.05, 0.095, 0.099, 0.1]);
        histogram.add(Duration::from_secs(10_000));
        assert_eq!(histogram.percentile(100), 600.0);
    }
}
