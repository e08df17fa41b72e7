//! What the page and the audit's worker send each other. Nothing of it is secret.

use serde::{Deserialize, Serialize};

/// From the page to the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToAudit {
    /// The first message: which chain is executed, up to which block.
    Start {
        /// Id of genesis, as it is shown.
        genesis: String,
        /// Where the node's paths begin: origin and base path, without a slash at the end.
        node: String,
        /// The tip that the light client has verified; without it the one that the node claims.
        tip: Option<AuditTip>,
        /// Workers that check signatures.
        helpers: u32,
    },
    /// Stop after the block at hand, and keep everything.
    Pause,
    /// Go on.
    Resume,
}

/// The block that an audit leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditTip {
    /// Its height.
    pub height: u64,
    /// Its id, as it is shown.
    pub id: String,
}

/// From the worker to the page.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromAudit {
    /// It listens now.
    Ready,
    /// How far it is; at most five times a second.
    Progress(AuditProgress),
    /// It is at its end.
    Done(Box<AuditEnd>),
}

/// How far an audit is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditProgress {
    /// Blocks that were executed.
    pub blocks: u64,
    /// Height of the tip; 0 until it is known.
    pub of: u64,
    /// Transactions of these blocks.
    pub transactions: u64,
    /// Bytes that were received from the node.
    pub bytes: u64,
    /// Milliseconds at work, pauses left out.
    pub millis: u64,
    /// Bytes of this worker's memory.
    pub memory: u64,
    /// Whether it waits for [`ToAudit::Resume`].
    pub paused: bool,
    /// Why nothing comes from the node at present; it is tried again.
    pub waits: Option<String>,
}

/// Blocks whose time is too far ahead of this device's clock. Rule: docs/protocol.md#B4
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditAhead {
    /// How many.
    pub blocks: u64,
    /// Seconds by which the latest of them is ahead of the clock.
    pub secs: u64,
}

/// What an audit came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuditEnd {
    /// Every block up to this one was executed, and everything agrees but what `ahead` names.
    Executed {
        /// The tip.
        tip: AuditTip,
        /// Whether the tip is only what the node claims: none was verified when the audit began.
        claimed: bool,
        /// Blocks that break rule B4 by this device's clock.
        ahead: Option<AuditAhead>,
        /// How far it came: all.
        progress: AuditProgress,
        /// The report, as JSON in the form of `tally audit --json`.
        report: String,
    },
    /// A block breaks a rule.
    Fault {
        /// Its height, where the fault is about one block.
        height: Option<u64>,
        /// Number of the rule in docs/protocol.md.
        rule: Option<String>,
        /// What is wrong.
        what: String,
        /// The report, as JSON.
        report: String,
        /// The bytes of the block with all of the above, as JSON: a file to keep.
        evidence: String,
    },
    /// It cannot go on, and nothing is known of the rest; why.
    Ended(String),
}
