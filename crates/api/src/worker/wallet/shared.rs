//! Shared accounts and proposals, as page and worker exchange them. Nothing of it is secret.

use serde::{Deserialize, Serialize};
use tally_chain::{Bytes, KeyKind};

use super::{PaymentDraft, ReviewText};

/// What a page may request about shared accounts and proposals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SharedRequest {
    /// Keeps an account of these keys: accounts of this wallet by address, public keys in hex or PEM.
    Create {
        name: String,
        required: usize,
        keys: Vec<String>,
    },
    /// Keeps the account of a text.
    TakeUp { text: String },
    /// The text of an account, for the others.
    HandOn { address: String },
    /// Builds a proposal and shows it.
    Propose { draft: PaymentDraft },
    /// Reads a proposal and shows it.
    Read { text: String },
    /// Adds the signatures of another copy to the one that is shown.
    Combine { text: String },
    /// Signs the proposal of this text, with every key of this wallet that is still to sign. Only the one that was shown
    /// last is signed.
    Sign { text: String },
    /// The transaction of the proposal of this text, which was shown last.
    Complete { text: String },
}

impl SharedRequest {
    /// Whether it writes the vault.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Create { .. } | Self::TakeUp { .. })
    }
}

/// One of the keys that vouch for a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignerView {
    pub kind: KeyKind,
    /// With its EIP-55 checksum.
    pub address: String,
    pub signed: bool,
    /// Whether this wallet has the key.
    pub own: bool,
}

/// A proposal as it is shown: read back from its bytes, every signature checked. Rule: docs/protocol.md#W64
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalView {
    /// What is handed on.
    pub text: String,
    pub payload: Bytes,
    pub review: ReviewText,
    pub required: usize,
    pub signers: Vec<SignerView>,
}

impl ProposalView {
    pub fn signed(&self) -> usize {
        self.signers.iter().filter(|signer| signer.signed).count()
    }

    pub fn is_complete(&self) -> bool {
        self.signed() >= self.required
    }

    /// Whether a key of this wallet is still needed.
    pub fn waits_for_us(&self) -> bool {
        !self.is_complete() && self.signers.iter().any(|signer| signer.own && !signer.signed)
    }
}
