//! What the page is shown.

use tally_api::worker::light::{Headers, LightFailure, Tip};
use tally_chain::light::{Followed, Verified};

use super::background::Background;

pub(super) fn tip(followed: &Followed, millis: Option<u64>) -> Tip {
    of(followed.verified(), millis)
}

/// A verified tip for the page; `millis`: how long that took.
pub(crate) fn of(verified: &Verified, millis: Option<u64>) -> Tip {
    Tip {
        level: verified.level,
        height: verified.manifest.number.0,
        id: verified.tip.to_string(),
        time: verified.header.time.into(),
        weight: verified.weight.to_string(),
        checked: verified.checked,
        millis,
    }
}

/// The check in the background, where a sample was verified.
pub(super) fn headers(followed: &Followed, background: &Background) -> Option<Headers> {
    let sampled = followed.headers().is_none();
    let of = followed.verified().manifest.number.0;
    sampled.then(|| Headers {
        checked: background.headers.as_ref().map_or(0, |headers| headers.height().0),
        of,
        running: background.runs(of),
    })
}

/// Why nothing is verified.
pub(super) fn in_words(failure: &LightFailure) -> String {
    let LightFailure { rule, what, .. } = failure;
    let height = failure
        .height
        .map_or_else(String::new, |height| format!(", block {height}"));
    format!("what the node shows of its chain does not hold: rule {rule}{height}: {what}")
}
