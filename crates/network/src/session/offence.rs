//! What a peer may do wrong, and what it costs. Rule: docs/protocol.md#N9

use tally_chain::{BlockId, CodecError, TransactionError};

/// Points at which a peer is banned.
pub const BAN_AT: u32 = 100;
/// Milliseconds in which one point is forgiven.
pub const FORGIVE_MS: u64 = 10_000;
/// How long a ban lasts, milliseconds.
pub const BAN_MS: u64 = 3_600_000;

/// What ends a conversation, or counts against a peer. Points are only for what the peer itself certainly did: nothing that
/// may follow from clocks, from a slow line, or from this node's own pool, chain, base or disk. Rule: docs/protocol.md#N9
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum Offence {
    #[error("sent bytes that are no message: {0}")]
    Malformed(#[from] CodecError),
    #[error("is of another chain: its genesis is {found}, ours is {expected}")]
    WrongGenesis { found: BlockId, expected: BlockId },
    #[error("has version {found} of the protocol, this node has {expected}")]
    WrongVersion { found: u64, expected: u64 },
    #[error("did not begin with hello")]
    NoHello,
    #[error("sent a header that breaks a rule: {reason}")]
    InvalidHeader { reason: String },
    /// After none of the blocks that the request named, or not one after the other.
    #[error("sent headers that continue nothing that our request named")]
    UnconnectedHeaders,
    /// Its headers were here to their end: the total work of a chain only grows.
    #[error("claimed more total work than it has shown: {shown} of {claimed} at most")]
    LowWork { shown: String, claimed: String },
    #[error("led to the invalid block {id}: {reason}")]
    InvalidBlock { id: BlockId, reason: String },
    /// Roots that are not those of the block, or a part that does not match the same peer's roots.
    #[error("showed a checkpoint that is none: {reason}")]
    InvalidCheckpoint { reason: String },
    /// It answered so; a peer that does not answer is not meant.
    #[error("withheld block {id}, whose header it had sent")]
    WithheldBlock { id: BlockId },
    /// No points: the conversation ends.
    #[error("did not answer in time")]
    Timeout,
    /// A late answer is not meant.
    #[error("sent an answer to no request")]
    Unrequested,
    #[error("sent an invalid transaction: {0}")]
    InvalidTransaction(TransactionError),
    #[error("announced block {id} with two different lists of transactions")]
    Equivocation { id: BlockId },
    /// All envelopes came from the peer: none was taken from this node's pool.
    #[error("sent transactions for block {id} that are not those that it named")]
    BadCompactBlock { id: BlockId },
    /// It had read that our chain has as much total work, or more.
    #[error("announced block {id}, whose parent is unknown")]
    Orphan { id: BlockId },
    /// It had read that our chain has as much total work, or more.
    #[error("announced block {id}, long after one with more total work")]
    StaleBlock { id: BlockId },
    #[error("sent more {what} than a peer may")]
    Flood { what: &'static str },
}

impl Offence {
    /// Points; at [`BAN_AT`] the peer is banned.
    pub fn points(&self) -> u32 {
        match self {
            Self::Malformed(_)
            | Self::WrongGenesis { .. }
            | Self::InvalidHeader { .. }
            | Self::LowWork { .. }
            | Self::InvalidBlock { .. }
            | Self::InvalidCheckpoint { .. }
            | Self::Equivocation { .. } => BAN_AT,
            Self::NoHello | Self::UnconnectedHeaders | Self::WithheldBlock { .. } | Self::BadCompactBlock { .. } => 50,
            Self::Flood { .. } | Self::Unrequested | Self::InvalidTransaction(_) => 20,
            Self::Orphan { .. } => 10,
            Self::StaleBlock { .. } => 2,
            Self::WrongVersion { .. } | Self::Timeout => 0,
        }
    }

    /// Whether a node whose own clock is wrong may see this in an honest peer: blocks, headers and transactions of times
    /// that it does not accept, and what follows from having rejected them. Rule: docs/protocol.md#N13
    pub fn may_come_of_a_wrong_clock(&self) -> bool {
        !matches!(
            self,
            Self::Malformed(_)
                | Self::WrongGenesis { .. }
                | Self::WrongVersion { .. }
                | Self::NoHello
                | Self::InvalidCheckpoint { .. }
                | Self::Timeout
                | Self::Unrequested
                | Self::Equivocation { .. }
                | Self::Flood { .. }
        )
    }

    /// Whether the ban for it covers the peer's address: where it is provably no mistake. A node of another chain may
    /// share an address with honest ones of this chain, and an operator may have mixed up the two.
    pub fn bans_address(&self) -> bool {
        self.points() >= BAN_AT && !matches!(self, Self::WrongGenesis { .. })
    }

    /// Whether the connection ends with it, regardless of the score.
    pub fn ends(&self) -> bool {
        matches!(self, Self::WrongVersion { .. } | Self::NoHello | Self::Timeout)
    }

    /// All that [`Self::name`] can be: counters begin with a zero for each.
    pub const NAMES: [&str; 18] = [
        "malformed",
        "wrong_genesis",
        "wrong_version",
        "no_hello",
        "invalid_header",
        "unconnected_headers",
        "low_work",
        "invalid_block",
        "invalid_checkpoint",
        "withheld_block",
        "timeout",
        "unrequested",
        "invalid_transaction",
        "equivocation",
        "bad_compact_block",
        "orphan",
        "stale_block",
        "flood",
    ];

    /// A name for counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::WrongGenesis { .. } => "wrong_genesis",
            Self::WrongVersion { .. } => "wrong_version",
            Self::NoHello => "no_hello",
            Self::InvalidHeader { .. } => "invalid_header",
            Self::UnconnectedHeaders => "unconnected_headers",
            Self::LowWork { .. } => "low_work",
            Self::InvalidBlock { .. } => "invalid_block",
            Self::InvalidCheckpoint { .. } => "invalid_checkpoint",
            Self::WithheldBlock { .. } => "withheld_block",
            Self::Timeout => "timeout",
            Self::Unrequested => "unrequested",
            Self::InvalidTransaction(_) => "invalid_transaction",
            Self::Equivocation { .. } => "equivocation",
            Self::BadCompactBlock { .. } => "bad_compact_block",
            Self::Orphan { .. } => "orphan",
            Self::StaleBlock { .. } => "stale_block",
            Self::Flood { .. } => "flood",
        }
    }
}

/// Points of one peer; forgiven as time goes on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Score {
    points: u32,
    since: u64,
}

impl Score {
    /// Points at `now`, in milliseconds.
    pub fn at(&self, now: u64) -> u32 {
        let forgiven = u32::try_from(now.saturating_sub(self.since) / FORGIVE_MS).unwrap_or(u32::MAX);
        self.points.saturating_sub(forgiven)
    }

    /// Adds points; returns whether it is enough for a ban.
    pub fn add(&mut self, points: u32, now: u64) -> bool {
        let left = self.at(now);
        // What has passed of the time to the next point is not lost, however often something is added.
        let passed = if left > 0 {
            now.saturating_sub(self.since) % FORGIVE_MS
        } else {
            0
        };
        *self = Self {
            points: left.saturating_add(points),
            since: now - passed,
        };
        self.points >= BAN_AT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_an_offence_is_among_the_names() {
        // The names stand in one place of this file each; this reads them from there, so that none can be left out.
        let source = include_str!("offence.rs");
        let by_arm = source.lines().filter_map(|line| {
            let line = line.trim().strip_prefix("Self::")?;
            line.split_once("=> \"")?.1.strip_suffix("\",")
        });
        let mut by_arm: Vec<_> = by_arm.collect();
        let mut names = Offence::NAMES.to_vec();
        by_arm.sort_unstable();
        names.sort_unstable();
        assert_eq!(by_arm, names);
    }

    #[test]
    fn points_are_forgiven_and_add_up() {
        let mut score = Score::default();
        assert!(!score.add(60, 0));
        assert_eq!(score.at(10 * FORGIVE_MS), 50);
        assert!(!score.add(49, 10 * FORGIVE_MS));
        assert!(score.add(1, 10 * FORGIVE_MS + 1));
        assert_eq!(score.at(u64::MAX), 0);
    }

    #[test]
    fn no_part_of_the_time_is_lost_however_often_points_are_added() {
        let mut score = Score::default();
        assert!(!score.add(50, 0));
        for now in (9_999..=99_990).step_by(9_999) {
            score.add(0, now);
        }
        assert_eq!((score.at(99_990), score.at(100_000)), (41, 40));
        // Nothing is saved up for later either.
        let mut score = Score::default();
        score.add(1, 15_000);
        assert_eq!((score.at(24_999), score.at(25_000)), (1, 0));
    }
}
