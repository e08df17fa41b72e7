//! Times in the words of a warning.

use tally_chain::UnixSecs;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// `2026-11-23T09:05:12Z`, as the review writes times.
pub(super) fn iso(time: UnixSecs) -> String {
    let (days, second) = (time.0 / DAY, time.0 % DAY);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years that begin with March have the day of leap years at their end; 400 of them have always as many days.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"),
            (4_000_000_000, "2096-10-02T07:06:40Z"),
        ] {
            assert_eq!(iso(UnixSecs(seconds)), text);
        }
        assert!(iso(UnixSecs(u64::MAX)).ends_with('Z'), "no time makes it stumble");
    }
}
