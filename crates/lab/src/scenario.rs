//! What a scenario is.

use serde::{Deserialize, Serialize};

/// What a scenario attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Single transactions, and the keys that sign them.
    Transactions,
    /// Single blocks.
    Blocks,
    /// Which of several chains counts.
    Chain,
    /// A node as a program in a network: its peers, its disk, its memory.
    Network,
    /// The chain of the demos that Tally replaces, beside Tally's answer.
    OldSystem,
}

impl Group {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Transactions,
        Self::Blocks,
        Self::Chain,
        Self::Network,
        Self::OldSystem,
    ];

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Transactions => "Transactions and keys",
            Self::Blocks => "Blocks",
            Self::Chain => "Which chain counts",
            Self::Network => "Network, disk and clock",
            Self::OldSystem => "The old system",
        }
    }
}

/// One attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// The name under which `tally lab run` finds it.
    pub id: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it attacks.
    pub group: Group,
    /// What the attacker does, and what for.
    pub attack: &'static str,
    /// Numbers of the rules of docs/protocol.md that decide it, the most important one first.
    pub rules: &'static [&'static str],
    /// What would happen without these rules.
    pub without: &'static str,
}

/// Where a rule stands, from the root of the project.
pub fn rule_link(rule: &str) -> String {
    format!("docs/protocol.md#{rule}")
}
