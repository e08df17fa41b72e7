//! What came of a check, in words.

use serde::Serialize;
use tally_chain::UnixSecs;
use tally_chain::light::{Level, Verified};

/// What is known now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything was checked, up to the id that the reader trusts.
    Holds,
    /// Nothing speaks against it, and it is not settled: nothing is trusted that settles it, or its proof shows too little.
    Open,
    /// Something does not hold.
    False,
    /// It is not what is verified here, or lacks what is needed.
    Unreadable,
}

/// What does not hold, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Number of the rule in docs/protocol.md, where it is one of them.
    pub rule: Option<String>,
    /// The field of the file, or what else was given.
    pub field: String,
    /// What is wrong.
    pub why: String,
}

impl Fault {
    /// Of a numbered rule.
    pub fn new(rule: &str, field: &str, why: impl ToString) -> Self {
        Self {
            rule: Some(rule.to_owned()),
            ..Self::about(field, why)
        }
    }

    /// Of none.
    pub fn about(field: &str, why: impl ToString) -> Self {
        Self {
            rule: None,
            field: field.to_owned(),
            why: why.to_string(),
        }
    }
}

/// A claim that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Whether it holds; none where that is not shown.
    pub holds: Option<bool>,
}

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was examined.
    pub what: String,
    /// What is known.
    pub verdict: Verdict,
    /// One sentence about it.
    pub summary: String,
    /// Where something is wrong.
    pub fault: Option<Fault>,
    /// The claims, in the order in which they are checked.
    pub checks: Vec<Check>,
    /// Name and value.
    pub facts: Vec<(&'static str, String)>,
    /// What is taken on trust.
    pub trust: Vec<&'static str>,
}

impl Report {
    /// Nothing was verified.
    pub fn unreadable(what: &str, fault: Fault) -> Self {
        Self::of(
            what,
            Verdict::Unreadable,
            "It is not what is verified here, or something is missing.",
        )
        .with(fault)
    }

    /// Something is false.
    pub fn refuted(what: &str, fault: Fault) -> Self {
        Self::of(what, Verdict::False, "Do not rely on it.").with(fault)
    }

    /// A sample that may not be taken of its chain: another proof may show that chain. Rules: docs/protocol.md#F1, #P8
    pub fn not_shown(what: &str, fault: Fault) -> Self {
        let summary =
            "Its sample shows too little, which says nothing against the chain. A proof with all headers shows more.";
        Self::of(what, Verdict::Open, summary).with(fault)
    }

    /// Without more than a verdict.
    pub fn of(what: &str, verdict: Verdict, summary: &str) -> Self {
        Self {
            what: what.to_owned(),
            verdict,
            summary: summary.to_owned(),
            fault: None,
            checks: Vec::new(),
            facts: Vec::new(),
            trust: Vec::new(),
        }
    }

    fn with(self, fault: Fault) -> Self {
        let fault = Some(fault);
        Self { fault, ..self }
    }

    /// Adds what was verified of a chain.
    pub fn chain(&mut self, chain: &Verified, now: UnixSecs) {
        let headers = chain.checked.headers;
        self.facts.push(("Genesis", chain.genesis.to_string()));
        self.facts.push((
            "Level",
            match chain.level {
                Level::Sampled => format!("sampled: the work of {headers} headers, drawn at random and the newest"),
                Level::AllHeaders | Level::Executed => {
                    format!("all headers: work, time and link of {headers} headers since genesis")
                }
            },
        ));
        self.facts.push(("Newest block", chain.tip.to_string()));
        self.facts.push(("Its height", chain.manifest.number.to_string()));
        self.facts.push(("Its time", time(chain.header.time)));
        self.facts.push(("Its age", age(chain.header.time, now)));
        self.facts
            .push(("Total work", format!("{} hashes expected", chain.weight)));
        self.trust.extend(assumptions(chain.level));
    }
}

/// What a verified chain does not show.
pub fn assumptions(level: Level) -> Vec<&'static str> {
    let mut all = vec![
        "That the genesis id is that of the chain you mean.",
        "That no chain has more work: the file shows one, up to a block that may be old.",
        "That blocks do what the rules allow: they are not executed here.",
        "That this device's clock is right, and that this page is the one whose hash you compared.",
    ];
    if level == Level::Sampled {
        all.insert(
            0,
            "That no forger has a third of all miners' power: a sample proves no more.",
        );
    }
    all
}

/// A time of a block, in UTC.
pub fn time(seconds: u32) -> String {
    UnixSecs(seconds.into()).utc().to_string()
}

/// How long ago that was by the reader's clock.
fn age(seconds: u32, now: UnixSecs) -> String {
    let age = now.0.saturating_sub(seconds.into());
    match age {
        0..120 => format!("{age} seconds"),
        120..7_200 => format!("{} minutes", age / 60),
        7_200..172_800 => format!("{} hours", age / 3_600),
        _ => format!("{} days", age / 86_400),
    }
}
