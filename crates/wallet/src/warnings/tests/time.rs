//! The time in the bytes against this machine's clock. Rule: docs/protocol.md#W51

use super::*;

#[test]
fn another_day_than_today_is_named_and_one_ahead_needs_a_yes() {
    let known = [(address(UNKNOWN), Bond::Contact)];
    let review = super::review(UNKNOWN);
    let timestamp = review.timestamp;
    let at = |now: u64| {
        let now = UnixSecs(now);
        let local = Local {
            known: &known,
            playground: false,
            typed: None,
            now,
        };
        (Warnings::of(&review, &local, Err("silent".to_owned())).local, now)
    };
    // 600 s ahead and 86,400 s behind are what a block takes.
    for now in [timestamp.0 - 600, timestamp.0, timestamp.0 + 86_400] {
        assert_eq!(at(now).0, []);
    }
    let (found, now) = at(timestamp.0 - 601);
    let ahead = Warning::DatedAhead { timestamp, now };
    assert_eq!(found, std::slice::from_ref(&ahead));
    assert_eq!(ahead.weight(), Weight::Stop);
    let words = ahead.to_string();
    for part in [
        "before about 2027-01-15T07:50:00Z",
        "until 2027-01-16T08:00:00Z",
        "clock shows 2027-01-15T07:49:59Z",
    ] {
        assert!(words.contains(part), "{words}");
    }
    let (found, now) = at(timestamp.0 + 86_401);
    assert_eq!(found, [Warning::TooOld { timestamp, now }]);
    assert_eq!(found[0].weight(), Weight::Note);
}
