//! The texts of the seal.

use tally_api::worker::light::{LightFailure, Phase, State, Tip};
use tally_chain::light::Level;

use crate::format;

/// The two lines of the seal, and the second one where there is little room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub head: &'static str,
    pub line: String,
    pub short: String,
    pub class: &'static str,
}

/// How the light client stands; `now` in Unix seconds by this device's clock.
pub fn words(state: &State, now: Option<u64>) -> Words {
    let words = |head, line: String, short: String, class| Words {
        head,
        line,
        short,
        class,
    };
    match &state.phase {
        Phase::Idle => words("As told", "not verified".to_owned(), "not verified".to_owned(), "seal"),
        Phase::Checking { of: 0, .. } => words(
            "Checking",
            "the proof".to_owned(),
            "the proof".to_owned(),
            "seal seal-checking",
        ),
        Phase::Checking { checked, of } => words(
            "Checking",
            format!("{} of {}", format::count(*checked), format::count(*of)),
            format!("{} %", checked.saturating_mul(100) / of),
            "seal seal-checking",
        ),
        Phase::Verified => {
            let age = age(state.tip.as_ref(), now);
            let blocks = state.tip.as_ref().map_or(0, |tip| tip.height.saturating_add(1));
            let blocks = format::plural(blocks, "block", "blocks");
            let (newest, short) = match &age {
                Some(age) => (format!("{blocks}, newest {age} old"), format!("{age} old")),
                None => (blocks.clone(), blocks),
            };
            words("Verified from genesis", newest, short, "seal seal-verified")
        }
        Phase::Unverified(_) => words(
            "As told",
            "no proof of the chain".to_owned(),
            "no proof".to_owned(),
            "seal",
        ),
        Phase::Failed(failure) => words(
            "Does not hold",
            place(failure),
            format!("rule {}", failure.rule),
            "seal seal-failed",
        ),
    }
}

/// Rule and height of a failure.
pub fn place(failure: &LightFailure) -> String {
    match failure.height {
        Some(height) => format!("rule {}, block {}", failure.rule, format::count(height)),
        None => format!("rule {}", failure.rule),
    }
}

/// How old the tip is.
pub fn age(tip: Option<&Tip>, now: Option<u64>) -> Option<String> {
    let seconds = now?.saturating_sub(tip?.time);
    Some(format::duration(seconds as f64))
}

/// What is announced to screen readers: that the chain became verified, or does not hold.
pub fn announcement(before: &State, now: &State) -> Option<String> {
    match (&before.phase, &now.phase) {
        (Phase::Verified, Phase::Verified) | (Phase::Failed(_), Phase::Failed(_)) => None,
        (_, Phase::Verified) => Some("This tab has verified the chain from genesis.".to_owned()),
        (_, Phase::Failed(failure)) => Some(format!(
            "What the node shows of its chain does not hold: {}.",
            place(failure)
        )),
        _ => None,
    }
}

/// The name of a level, and what it means.
pub fn level(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::Sampled => (
            "Sampled",
            "The work of blocks drawn at random, the newest headers, and the sums and times of all between them.",
        ),
        Level::AllHeaders => ("All headers", "Work, time and link of every block since genesis."),
        Level::Executed => ("Executed", "Every block was executed."),
    }
}

/// What was looked at.
pub fn checked(tip: &Tip) -> String {
    let checked = &tip.checked;
    let headers = format::plural(checked.headers, "header", "headers");
    match tip.level {
        Level::Sampled => format!(
            "{headers}, {} with their manifests, {} of sums; {} drawn",
            format::count(checked.records),
            format::plural(checked.nodes, "node", "nodes"),
            format::plural(checked.draws, "place", "places"),
        ),
        Level::AllHeaders | Level::Executed => headers,
    }
}

/// What this level takes on trust.
pub fn assumptions(level: Level) -> Vec<&'static str> {
    let mut all = vec![
        "That no chain has more total work than the one this node shows: no node can prove that alone.",
        "That this device's clock is right, and that the genesis id is that of the chain you mean.",
        "That the page itself is honest: it comes from the server that it checks. The command tally light does not.",
    ];
    if level != Level::Executed {
        all.insert(
            1,
            "That blocks do what the rules allow: headers do not show it, an audit does.",
        );
    }
    if level == Level::Sampled {
        all.insert(
            0,
            "That no forger has a third of all miners' power: a sample proves no more.",
        );
    }
    all
}

#[cfg(test)]
mod tests;
