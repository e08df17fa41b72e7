//! Steps of scenarios that send transactions.

use tally_chain::Bytes;

/// One step of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Sends an honest transaction, which the node has to take.
    Take {
        /// What it is.
        what: String,
        /// The bytes to send.
        envelope: Bytes,
    },
    /// Sends a transaction that the node has to reject with this problem.
    Refuse {
        /// What is wrong with it.
        what: String,
        /// The bytes to send.
        envelope: Bytes,
        /// What it was before it was tampered with: the node takes it.
        honest: Bytes,
        /// Name of the problem.
        kind: &'static str,
    },
    /// Mines a block with all that waits.
    Mine,
    /// Something that was tried without a node.
    Tried {
        /// What was tried.
        what: String,
        /// What came of it: a result, or the reason of a rejection.
        found: Result<String, String>,
        /// The reason that it has to be rejected for; none where it has to succeed.
        refused: Option<String>,
    },
}

/// An honest transaction.
pub(crate) fn take(what: &str, envelope: Bytes) -> Act {
    Act::Take {
        what: what.to_owned(),
        envelope,
    }
}

/// A tampered transaction beside the honest one.
pub(crate) fn refuse(what: &str, kind: &'static str, envelope: Bytes, honest: &Bytes) -> Act {
    Act::Refuse {
        what: what.to_owned(),
        envelope,
        honest: honest.clone(),
        kind,
    }
}
