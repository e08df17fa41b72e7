use serde::{Deserialize, Serialize};
use tally_chain::{Bytes, merkle::InclusionProof};

/// The bytes behind a block's page: what this tab checks itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockEvidence {
    /// The 80 bytes of the header. Rule: docs/protocol.md#H1
    pub header: Bytes,
    /// The encoded manifest. Rule: docs/protocol.md#M1
    pub manifest: Bytes,
}

/// The bytes behind a transaction's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionEvidence {
    /// The full signed envelope. Rule: docs/protocol.md#T1
    pub envelope: Bytes,
    /// The block it is in, and its path to that block's root; none while it waits.
    pub inclusion: Option<(BlockEvidence, InclusionProof)>,
    /// Its encoded receipt, and that one's path to the block's root; none while it waits. Rule: docs/protocol.md#X5
    #[serde(default)]
    pub outcome: Option<(Bytes, InclusionProof)>,
}
