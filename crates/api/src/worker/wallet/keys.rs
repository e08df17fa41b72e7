//! Key files as a page shows them.

use serde::{Deserialize, Serialize};
use tally_chain::KeyKind;

/// What a key file holds; nothing of it is secret. Rule: docs/protocol.md#W25
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundKey {
    /// The form of the file, in words.
    pub format: String,
    /// Whether it holds the private key.
    pub private: bool,
    pub kind: KeyKind,
    /// With its EIP-55 checksum.
    pub address: String,
    pub warnings: Vec<String>,
    /// Whether the wallet has it already.
    pub held: bool,
}

/// The forms in which a private key goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyFormat {
    Web3,
    Pkcs8,
}

/// A public key as other programs read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKeyTexts {
    pub pem: String,
    pub hex: String,
}
