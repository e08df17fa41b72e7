//! What the page and the light client's worker send each other. Nothing of it is secret.

use serde::{Deserialize, Serialize};
use tally_chain::Bytes;
use tally_chain::light::{Checked, Level};

/// From the page to the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToLight {
    /// The first message: which chain is verified, and where its node answers.
    Start {
        /// Id of genesis, as it is shown.
        genesis: String,
        /// Where the node's paths begin: origin and base path, without a slash at the end.
        node: String,
    },
    /// The chain may have a new tip.
    Look,
    /// Check whether this block is the verified tip or one of its ancestors.
    Check {
        /// Comes back with the verdict.
        request: u32,
        /// The 80 bytes of the header. Rule: docs/protocol.md#H1
        header: Bytes,
        /// The encoded manifest. Rule: docs/protocol.md#M1
        manifest: Bytes,
    },
    /// Verify the proof that a receipt carries. It needs no node, and shows nothing of the chain that is followed here.
    Prove {
        /// Comes back with the outcome.
        request: u32,
        /// Id of the genesis from which it is verified.
        genesis: String,
        /// Spec and proof as JSON. Rule: docs/protocol.md#P7
        chain: String,
    },
    /// Check all headers now, without pauses.
    CheckAll,
    /// Stop checking headers in the background.
    Stop,
    /// Forget the tip that was verified before, and verify what the node shows.
    Forget,
}

/// From the worker to the page.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromLight {
    /// The worker listens now.
    Ready,
    /// How it stands; whenever that changes, at most ten times a second.
    State(Box<State>),
    /// The answer to [`ToLight::Check`].
    Checked {
        /// The number of the request.
        request: u32,
        /// What was found.
        verdict: BlockVerdict,
    },
    /// The answer to [`ToLight::Prove`].
    Proved {
        /// The number of the request.
        request: u32,
        /// The tip that the proof leads to, or why there is none.
        outcome: Result<Tip, ProofError>,
    },
}

/// Why the proof that a receipt carries leads to no tip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProofError {
    /// It does not hold; why.
    False(String),
    /// It is a sample that may not be taken of its chain, which proves nothing against that; why. Rules: docs/protocol.md#F1, #P8
    TooLittle(String),
}

/// How the light client stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What it does, or what came of it.
    pub phase: Phase,
    /// The newest tip that it has verified. While it has failed, that of before.
    pub tip: Option<Tip>,
    /// The check of all headers, where a sample was verified.
    pub headers: Option<Headers>,
    /// Bytes that were received from the node.
    pub bytes: u64,
    /// Rises whenever verdicts of before no longer count, or may be better now: with each change of the phase to verified or
    /// from it, with a tip that does not follow the one before, and once what got no answer may get one.
    pub revision: u32,
}

/// What the light client does, or what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The first proof is verified.
    Checking {
        /// Parts that were checked.
        checked: u64,
        /// Parts in all; 0 until that is known.
        of: u64,
    },
    /// The tip is verified.
    Verified,
    /// The node gives no proof, so nothing is known; why.
    Unverified(String),
    /// What the node sent does not hold.
    Failed(Box<LightFailure>),
    /// Nothing has begun.
    #[default]
    Idle,
}

/// A verified tip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// How much was checked.
    pub level: Level,
    /// Its height.
    pub height: u64,
    /// Its id, as it is shown.
    pub id: String,
    /// Its time in Unix seconds.
    pub time: u64,
    /// Total work of the chain, a decimal number.
    pub weight: String,
    /// What was looked at.
    pub checked: Checked,
    /// From the first request until it was verified, in milliseconds; none for a tip that was kept from an earlier visit.
    pub millis: Option<u64>,
}

/// The check of all headers in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    /// Headers that were checked, from genesis on.
    pub checked: u64,
    /// Height of the tip.
    pub of: u64,
    /// Whether it goes on; false after [`ToLight::Stop`].
    pub running: bool,
}

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LightFailure {
    /// Number of the rule in docs/protocol.md.
    pub rule: String,
    /// Height of the block that it is about, where it is about one.
    pub height: Option<u64>,
    /// Byte of the answer at which the part begins that is wrong, from 0; none where it is about no byte.
    pub byte: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What the node sent around that byte, with all of the above, as JSON: a file to keep.
    pub evidence: String,
}

/// What the light client found about a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockVerdict {
    /// It is the verified tip or one of its ancestors.
    OnChain,
    /// Nothing is known: there is no verified tip, or the node gave no answer; why.
    Unknown(String),
    /// It is not on the verified chain; why.
    Refuted(String),
}
