//! What the page and a mining worker send each other. Nothing of it is secret.

use serde::{Deserialize, Serialize};
use tally_chain::Bytes;

/// A block that lacks only its seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The node's name for it.
    pub template: u64,
    /// The 80 bytes of the header. Rule: docs/protocol.md#H1
    pub header: Bytes,
    /// The encoded manifest. Rule: docs/protocol.md#M1
    pub manifest: Bytes,
    /// Where this worker's own extra nonces begin, so that no two workers try the same. Rule: docs/protocol.md#M2
    pub extra_nonce: [u8; 8],
    /// The latest time, in Unix seconds, that the header may have.
    pub max_time: u32,
}

/// A nonce that seals a job, with the fields that it was found with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundNonce {
    /// Of the job.
    pub template: u64,
    /// The last 8 bytes of the manifest's `extra`. Rule: docs/protocol.md#M2
    pub extra_nonce: [u8; 8],
    /// Of the header, in Unix seconds.
    pub time: u32,
    /// Of the header.
    pub nonce: u32,
}

/// From the page to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToMiner {
    /// Drop what you have and do this.
    Work(Job),
}

/// From a worker to the page.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromMiner {
    /// It listens now.
    Ready,
    /// How much was tried since the last such message.
    Hashed {
        /// Headers that were hashed.
        hashes: u32,
        /// How long that took, in milliseconds.
        milliseconds: f64,
    },
    /// It rests until the next job.
    Found(FoundNonce),
    /// The job cannot be worked on.
    Rejected(String),
}
