//! The vault: a phrase, its accounts and what belongs to them. Rules: docs/protocol.md#W10 to #W14
//!
//! Accounts are in [`accounts`], the address book in [`contacts`], the encrypted form in [`plain`].

mod accounts;
mod contacts;
mod plain;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, BlockId, KeyKind, UnixSecs};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::fees::FeeLevel;
use crate::hd::{HdError, Seed};
use crate::phrase::Phrase;
use crate::sealed::{self, ContainerError, KdfParams, VaultKey};

pub use contacts::Contact;

/// Most accounts in a vault. Rule: docs/protocol.md#W11
pub const MAX_ACCOUNTS: usize = 256;
/// Most entries of the address book. Rule: docs/protocol.md#W11
pub const MAX_CONTACTS: usize = 1_024;
/// Longest label in bytes. Rule: docs/protocol.md#W11
pub const MAX_LABEL_BYTES: usize = 64;
/// Longest passphrase of BIP-39 in bytes. Rule: docs/protocol.md#W1
pub const MAX_PASSPHRASE_BYTES: usize = 256;

/// Why a vault does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum VaultError {
    #[error(transparent)]
    Container(#[from] ContainerError),
    #[error("the vault opened, but its {field} is not valid")]
    Contents { field: &'static str },
    #[error("this vault is bound to the chain with genesis {expected}, not {found}")]
    OtherChain { found: BlockId, expected: BlockId },
    #[error("the vault already has the account {kind} {index}")]
    Exists { kind: KeyKind, index: u32 },
    #[error("the vault already has the account {address}")]
    HasAccount { address: Address },
    #[error(
        "{address} and {other} have a prime number in common: anyone can take the coins of both. Keep neither, and move what they hold to a new account"
    )]
    SharedPrime { address: Address, other: Address },
    #[error("the vault is full: it has {max} accounts")]
    Full { max: usize },
    #[error("label has {len} bytes, at most {max} are allowed")]
    LabelTooLong { len: usize, max: usize },
    #[error("label has the character U+{code:04X}, which cannot be seen or changes how the rest is seen")]
    LabelCharacter { code: u32 },
    #[error("a name is needed")]
    LabelEmpty,
    #[error("passphrase has {len} bytes, at most {max} are allowed")]
    PassphraseTooLong { len: usize, max: usize },
    #[error("the vault has no account {address}")]
    NoAccount { address: Address },
    #[error("the list has {len} accounts; there is no place {position} in it")]
    NoPlace { position: usize, len: usize },
    #[error("{kind} has no prime search; only RSA accounts need one")]
    NotRsa { kind: KeyKind },
    #[error("the vault has no private key of {address}: it only watches this account")]
    WatchOnly { address: Address },
    #[error("{address} is not only watched; its key stays in the vault, so it can be archived but not removed")]
    NotWatched { address: Address },
    #[error("the public key belongs to {key}, not to {address}")]
    OtherKey { address: Address, key: Address },
    #[error("the address book already has {address}")]
    HasContact { address: Address },
    #[error("the address book has no {address}")]
    NoContact { address: Address },
    #[error("the address book is full: it has {max} entries")]
    ContactsFull { max: usize },
    #[error("the vault's secrets do not give the key of {address}")]
    Inconsistent { address: Address },
    #[error(transparent)]
    Hd(#[from] HdError),
}

/// The chain that a vault was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainBinding {
    /// Id of block 0, which signatures are bound to.
    pub genesis: BlockId,
    /// The number that signatures are bound to.
    pub chain_id: u64,
    /// The name in the chain spec.
    pub name: String,
}

impl ChainBinding {
    /// What signatures are bound to.
    pub fn identity(&self) -> ChainIdentity {
        ChainIdentity {
            chain_id: self.chain_id,
            genesis: self.genesis,
        }
    }
}

/// The user's choices that travel with the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Seconds without use after which the vault locks itself; 0 for never.
    pub auto_lock_secs: u32,
    /// The fee level that a new payment begins with.
    pub fee_level: FeeLevel,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            auto_lock_secs: 600,
            fee_level: FeeLevel::Normal,
        }
    }
}

/// An open vault. Secrets in it are wiped when it is dropped; it neither prints nor serialises them.
pub struct Vault {
    phrase: Phrase,
    passphrase: Zeroizing<String>,
    seed: Seed,
    created_at: UnixSecs,
    chain: ChainBinding,
    /// The user's choices.
    pub settings: Settings,
    entries: Vec<accounts::Entry>,
    contacts: Vec<Contact>,
}

impl Vault {
    /// A vault without accounts; `passphrase` is BIP-39's, empty for none.
    pub fn new(phrase: Phrase, passphrase: &str, chain: ChainBinding, created_at: UnixSecs) -> Self {
        Self {
            seed: phrase.seed(passphrase),
            phrase,
            passphrase: Zeroizing::new(passphrase.to_owned()),
            created_at,
            chain,
            settings: Settings::default(),
            entries: Vec::new(),
            contacts: Vec::new(),
        }
    }

    /// Decrypts a vault; the key seals it again after a change.
    pub fn open(bytes: &[u8], password: &str) -> Result<(Self, VaultKey), VaultError> {
        let (plaintext, key) = sealed::open(bytes, password)?;
        Ok((Self::read(&plaintext)?, key))
    }

    /// Decrypts a later state of a vault whose key is known; a key of another password is a wrong password.
    pub fn reopen(bytes: &[u8], key: &VaultKey) -> Result<Self, VaultError> {
        Self::read(&sealed::reopen(bytes, key)?)
    }

    /// Encrypts the vault under a key, with a fresh nonce each time.
    pub fn seal<R: CryptoRng + ?Sized>(&self, key: &VaultKey, rng: &mut R) -> Result<Vec<u8>, VaultError> {
        Ok(sealed::seal(&self.write(), key, rng)?)
    }

    /// Opens a sealed vault with its password and seals it under a new one, with a fresh salt.
    pub fn change_password<R: CryptoRng + ?Sized>(
        bytes: &[u8],
        current: &str,
        new: &str,
        params: KdfParams,
        rng: &mut R,
    ) -> Result<Changed, VaultError> {
        let (vault, _) = Self::open(bytes, current)?;
        let key = VaultKey::derive(new, params, rng)?;
        let sealed = vault.seal(&key, rng)?;
        Ok(Changed { vault, key, sealed })
    }

    /// The phrase, for showing it once more to its owner.
    pub fn phrase(&self) -> &Phrase {
        &self.phrase
    }

    /// Whether a passphrase belongs to the phrase: without it the phrase gives other accounts.
    pub fn has_passphrase(&self) -> bool {
        !self.passphrase.is_empty()
    }

    /// When the vault was made.
    pub fn created_at(&self) -> UnixSecs {
        self.created_at
    }

    /// The chain that it was made for.
    pub fn chain(&self) -> &ChainBinding {
        &self.chain
    }

    /// Rejects another chain than the vault's own.
    pub fn check_chain(&self, genesis: BlockId) -> Result<(), VaultError> {
        if genesis == self.chain.genesis {
            return Ok(());
        }
        Err(VaultError::OtherChain {
            found: genesis,
            expected: self.chain.genesis,
        })
    }
}

/// A vault under a new password.
#[derive(Debug)]
pub struct Changed {
    /// The vault as it is, open.
    pub vault: Vault,
    /// The key of the new password.
    pub key: VaultKey,
    /// The file to keep in place of the old one.
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault")
            .field("chain", &self.chain)
            .field("accounts", &self.accounts().collect::<Vec<_>>())
            .field("contacts", &self.contacts)
            .finish_non_exhaustive()
    }
}

/// Rule: docs/protocol.md#W14
pub(crate) fn check_label(label: &str) -> Result<(), VaultError> {
    check_label_length(label)?;
    match tally_chain::visible::hidden(label) {
        Some(c) => Err(VaultError::LabelCharacter { code: c.into() }),
        None => Ok(()),
    }
}

fn check_label_length(label: &str) -> Result<(), VaultError> {
    if label.len() > MAX_LABEL_BYTES {
        return Err(VaultError::LabelTooLong {
            len: label.len(),
            max: MAX_LABEL_BYTES,
        });
    }
    Ok(())
}

/// Whether a passphrase of BIP-39 is taken. Rule: docs/protocol.md#W1
pub fn check_passphrase(passphrase: &str) -> Result<(), VaultError> {
    if passphrase.len() > MAX_PASSPHRASE_BYTES {
        return Err(VaultError::PassphraseTooLong {
            len: passphrase.len(),
            max: MAX_PASSPHRASE_BYTES,
        });
    }
    Ok(())
}
