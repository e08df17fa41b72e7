//! What is public about an account.

use tally_chain::multisig::Policy;
use tally_chain::{Address, KeyKind, PublicKey};

use crate::signers::Signers;

/// Where an account of a vault comes from. Rule: docs/protocol.md#W14
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The phrase gives its key at this index. Rules: docs/protocol.md#W2, #W3
    Derived {
        /// Derivation index among the accounts of its kind.
        index: u32,
    },
    /// Its key came from outside and is kept in the vault: the phrase does not bring it back.
    Imported,
    /// The vault has no key for it: it is looked at, never signed for.
    Watched,
    /// Several keys vouch for it, some of them perhaps of this vault: a proposal collects their signatures.
    /// Rule: docs/protocol.md#W60
    Shared,
}

impl Origin {
    /// The word in files and lists.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Derived { .. } => "derived",
            Self::Imported => "imported",
            Self::Watched => "watched",
            Self::Shared => "shared",
        }
    }
}

/// One account of a vault; nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Where its key comes from.
    pub origin: Origin,
    /// The user's own name for it, at most [`MAX_LABEL_BYTES`](crate::vault::MAX_LABEL_BYTES) bytes.
    pub label: String,
    /// Its address on the chain.
    pub address: Address,
    /// None where only the address is known, of an account that is watched; and of a shared account.
    pub key: Option<PublicKey>,
    /// Of a shared account, and only there.
    pub policy: Option<Policy>,
    /// Put away by the user: kept, not shown among the others.
    pub archived: bool,
}

impl Account {
    /// Kind of its key, as far as the key is known.
    pub fn kind(&self) -> Option<KeyKind> {
        self.key.as_ref().map(PublicKey::kind)
    }

    /// Index at which the phrase gives its key.
    pub fn index(&self) -> Option<u32> {
        match self.origin {
            Origin::Derived { index } => Some(index),
            Origin::Imported | Origin::Watched | Origin::Shared => None,
        }
    }

    /// Whether the vault can sign for it alone.
    pub fn can_sign(&self) -> bool {
        matches!(self.origin, Origin::Derived { .. } | Origin::Imported)
    }

    /// Who vouches for its payments, as far as that is known.
    pub fn signers(&self) -> Option<Signers> {
        match (&self.policy, &self.key) {
            (Some(policy), _) => Some(Signers::Policy(policy.clone())),
            (None, key) => key.clone().map(Signers::Key),
        }
    }
}

/// The label that an account gets when its user gives none: `RSA account`, `RSA-4096 account 2`, `ECC account 3`.
pub fn usual_label(kind: KeyKind, index: u32) -> String {
    let name = match kind {
        KeyKind::Rsa2048 => "RSA account",
        KeyKind::Rsa3072 => "RSA-3072 account",
        KeyKind::Rsa4096 => "RSA-4096 account",
        KeyKind::Secp256k1 => "ECC account",
    };
    match index {
        0 => name.to_owned(),
        index => format!("{name} {}", u64::from(index) + 1),
    }
}
