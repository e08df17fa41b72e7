//! Figures that a bench found, and what they are computed from.

use std::time::Duration;

/// One figure: (name, value, unit).
pub type Figure = (&'static str, f64, &'static str);

/// What a bench found.
pub struct Figures {
    pub bench: &'static str,
    pub figures: Vec<Figure>,
}

pub fn millis(time: &Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The `p`-th percentile, milliseconds; zero of none.
pub fn percentile(times: &[Duration], p: usize) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = (times.len() * p / 100).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, millis)
}
