//! Errors of the worker, and what the user can do about them.

use serde::{Deserialize, Serialize};

/// Why the worker did not do what the page requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum WalletError {
    #[error("The password is wrong.")]
    WrongPassword,
    #[error("The wallet is locked.")]
    Locked,
    #[error("There is no wallet for this chain in this browser.")]
    NoVault,
    #[error("This browser already keeps a wallet for this chain.")]
    VaultExists,
    #[error("{0}")]
    Vault(String),
    #[error("{0}")]
    Backup(String),
    #[error("{0}")]
    Edit(String),
    #[error("The password of the file is wrong.")]
    WrongFilePassword,
    /// What is wrong with a key file, and what to do.
    #[error("{0}")]
    KeyFile(String),
    #[error("No key was read.")]
    NoKeyRead,
    #[error("The public key of this account is not known here.")]
    NoPublicKey,
    #[error("{0}")]
    Phrase(String),
    #[error("Word {position} is not the one that was shown.")]
    WrongWord { position: u8 },
    #[error("You have not confirmed the phrase yet.")]
    PhraseNotChecked,
    #[error("{0}")]
    Payment(String),
    #[error("The recipient is not an address: {0}")]
    Recipient(String),
    /// What is wrong with a shared account or with a proposal.
    #[error("{0}")]
    Shared(String),
    #[error("These bytes were not shown for review before.")]
    NotReviewed,
    #[error("This browser could not keep or read the vault: {0}")]
    Storage(String),
    #[error("The request to the node failed: {0}")]
    Node(String),
    #[error("Another tab changed the wallet at the same moment.")]
    ChangedElsewhere,
    #[error("Cancelled.")]
    Cancelled,
    #[error("The wallet's worker did not start or stopped: {0}")]
    Worker(String),
}

impl WalletError {
    /// What the user can do next.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::WrongPassword => {
                "Type it again. If you forgot it, the recovery phrase restores the accounts under a new password."
            }
            Self::Locked => "Unlock it and try again.",
            Self::NoVault => "Create a wallet, or restore one from its phrase.",
            Self::VaultExists => "Unlock it, or remove it first if its phrase is written down.",
            Self::Vault(_) => "The recovery phrase restores the accounts, whatever happened to the vault.",
            Self::Backup(_) => "Nothing was changed. Choose another file, or restore from the recovery phrase.",
            Self::Edit(_) => "Nothing was changed. Correct it and try again.",
            Self::WrongFilePassword => {
                "Type the password of the file, not the wallet's. If you are sure of it, the file is damaged: use another copy."
            }
            Self::KeyFile(_) => "Nothing was changed.",
            Self::NoKeyRead => "Choose the file and read it again.",
            Self::NoPublicKey => "It becomes known with the account's first payment, or when you import its key.",
            Self::Phrase(_) => "Check each word against what you wrote down, in order.",
            Self::WrongWord { .. } => {
                "Compare it with what you wrote down. If a word is missing there, start again with a new phrase."
            }
            Self::PhraseNotChecked => "Start again with a new phrase.",
            Self::Payment(_) | Self::Recipient(_) => "Nothing was signed. Correct it and review again.",
            Self::Shared(_) => "Nothing was changed or signed. Correct it, or have it sent again.",
            Self::NotReviewed => "Nothing was signed. Review the payment again.",
            Self::Storage(_) => {
                "Allow this site to store data (private windows often do not), free some space, and try again."
            }
            Self::Node(_) => "Check whether the node still runs, then try again.",
            Self::ChangedElsewhere => "Nothing was overwritten. Try again: the wallet is read again first.",
            Self::Cancelled => "Nothing was changed.",
            Self::Worker(_) => {
                "Reload the page. If the error stays, the browser may be too old for WebAssembly with SIMD."
            }
        }
    }
}
