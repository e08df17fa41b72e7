//! What a token may do.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Switch the miner.
    Mining,
    /// Add, remove and ban peers.
    Peers,
    /// Load that the node makes for itself.
    Load,
    /// Experiments.
    Lab,
    /// Audits of the store.
    Audit,
    /// Figures for monitors.
    Metrics,
    /// Create, rotate and revoke tokens, and read the log of operator actions.
    Tokens,
    /// Read what everyone may read where reading needs no token.
    Read,
}

/// Scopes of one token.
pub type Scopes = BTreeSet<Scope>;

impl Scope {
    pub const ALL: [Self; 8] = [
        Self::Mining,
        Self::Peers,
        Self::Load,
        Self::Lab,
        Self::Audit,
        Self::Metrics,
        Self::Tokens,
        Self::Read,
    ];

    /// The word in token files, in requests and in problems.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mining => "mining",
            Self::Peers => "peers",
            Self::Load => "load",
            Self::Lab => "lab",
            Self::Audit => "audit",
            Self::Metrics => "metrics",
            Self::Tokens => "tokens",
            Self::Read => "read",
        }
    }

    /// The scope with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }

    /// All words, for messages.
    pub fn words() -> String {
        Self::ALL.map(Self::word).join(", ")
    }
}
