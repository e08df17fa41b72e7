//! What a run of the laboratory came to, as JSON and for people. The names of the fields are stable.

use serde::{Deserialize, Serialize};

use crate::scenario::{Group, Scenario, rule_link};

/// The version of this form.
pub const VERSION: u32 = 1;

/// A whole run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// The program that ran, such as `0.1.0`.
    pub tally: String,
    /// The chain of the sandbox.
    pub chain: String,
    /// Its number.
    pub chain_id: u64,
    /// Its genesis id, 64 hex digits.
    pub genesis: String,
    /// Whether the honest version was sent in place of each attack, so that every scenario has to fail.
    pub untampered: bool,
    /// How many scenarios ended as the rules demand.
    pub held: usize,
    /// How many did not.
    pub failed: usize,
    /// In the order in which they ran.
    pub scenarios: Vec<Outcome>,
}

/// A rule of the specification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its number, such as `T3`.
    pub rule: String,
    /// Where it stands, from the root of the project.
    pub link: String,
}

/// What one scenario came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its name.
    pub id: String,
    /// For people.
    pub title: String,
    /// What it attacks.
    pub group: Group,
    /// What the attacker does.
    pub attack: String,
    /// The rules that decide it.
    pub rules: Vec<Rule>,
    /// What would happen without them.
    pub without: String,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// Whether each step ended as the rules demand.
    pub held: bool,
    /// The answer to the attack, in one line.
    pub verdict: String,
    /// How long it took.
    pub millis: u64,
}

/// Something that was done, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was done.
    pub what: String,
    /// What came of it.
    pub answer: Answer,
    /// What the rules demand, in words.
    pub expected: String,
    /// Whether that is what came.
    pub as_expected: bool,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum Answer {
    /// The node has taken it.
    Accepted {
        /// Its own words, an id perhaps.
        detail: String,
    },
    /// The node has rejected it with a problem of its REST API, or a wallet with an error.
    Refused {
        /// Name of the problem, such as `bad-signature`; `wallet` for an error of the wallet.
        kind: String,
        /// The node's own words.
        detail: String,
    },
    /// The node has noted an offence of the peer that sent it.
    Offence {
        /// The node's own words.
        detail: String,
        /// Points that the peer has now; at 100 it is banned.
        score: u64,
    },
    /// Something was counted or looked at.
    Observed {
        /// What.
        detail: String,
    },
}

impl Answer {
    /// In one line.
    pub fn line(&self) -> String {
        match self {
            Self::Accepted { detail } => format!("accepted: {detail}"),
            Self::Refused { kind, detail } => format!("{kind}: {detail}"),
            Self::Offence { detail, score } if *score >= 100 => format!("peer banned: it {detail}"),
            Self::Offence { detail, score } => format!("peer has {score} of 100 points: it {detail}"),
            Self::Observed { detail } => detail.clone(),
        }
    }
}

impl Outcome {
    /// Of these steps. The verdict is the answer to the last of those that are no acceptance, or, where one came out wrong, to
    /// the first such.
    pub fn of(scenario: &Scenario, steps: Vec<Step>, millis: u64) -> Self {
        let wrong = steps.iter().find(|step| !step.as_expected);
        let held = wrong.is_none() && !steps.is_empty();
        let attacked = |step: &&Step| !matches!(step.answer, Answer::Accepted { .. });
        let verdict = match wrong {
            Some(step) => format!("{}; expected: {}", step.answer.line(), step.expected),
            None => steps
                .iter()
                .rev()
                .find(attacked)
                .or(steps.last())
                .map_or_else(|| "nothing was done".to_owned(), |step| step.answer.line()),
        };
        Self {
            id: scenario.id.to_owned(),
            title: scenario.title.to_owned(),
            group: scenario.group,
            attack: scenario.attack.to_owned(),
            rules: scenario
                .rules
                .iter()
                .map(|rule| Rule {
                    rule: (*rule).to_owned(),
                    link: rule_link(rule),
                })
                .collect(),
            without: scenario.without.to_owned(),
            steps,
            held,
            verdict,
            millis,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(answer: Answer, as_expected: bool) -> Step {
        Step {
            what: "a payment".to_owned(),
            answer,
            expected: "bad-signature".to_owned(),
            as_expected,
        }
    }

    #[test]
    fn a_scenario_holds_if_each_of_its_steps_does_and_it_has_some() {
        let scenario = Scenario::named("tx-bit-flip").unwrap();
        let refused = |kind: &str| Answer::Refused {
            kind: kind.to_owned(),
            detail: "no".to_owned(),
        };
        let accepted = || Answer::Accepted {
            detail: "0x1".to_owned(),
        };
        let good = vec![step(refused("bad-signature"), true), step(accepted(), true)];
        let outcome = Outcome::of(scenario, good, 1);
        assert!(outcome.held);
        assert_eq!(outcome.verdict, "bad-signature: no");
        assert_eq!(outcome.rules[0].link, "docs/protocol.md#T3");
        let bad = vec![step(accepted(), false), step(refused("bad-signature"), true)];
        let outcome = Outcome::of(scenario, bad, 1);
        assert!(!outcome.held);
        assert_eq!(outcome.verdict, "accepted: 0x1; expected: bad-signature");
        assert!(!Outcome::of(scenario, Vec::new(), 1).held);
        let json = serde_json::to_value(&outcome).unwrap();
        assert_eq!(json["steps"][0]["answer"]["answer"], "accepted");
        assert_eq!(serde_json::from_value::<Outcome>(json).unwrap(), outcome);
    }
}
