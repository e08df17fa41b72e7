//! The vault: a phrase, its accounts and what belongs to them. Rules: docs/protocol.md#W10 to #W14
//!
//! Accounts are in [`accounts`], the address book in [`contacts`], the encrypted form in [`plain`]. What shared accounts need of a
//! vault, labels and errors, is in files that do not know it: [`label`], [`error`].

mod accounts;
mod contacts;
mod error;
mod label;
mod plain;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use tally_chain::transaction::ChainIdentity;
use tally_chain::{BlockId, UnixSecs};
use zeroize::Zeroizing;

use crate::fees::FeeLevel;
use crate::hd::Seed;
use crate::phrase::Phrase;
use crate::sealed::{self, KdfParams, VaultKey};

pub use contacts::Contact;
pub use error::VaultError;
pub use label::MAX_LABEL_BYTES;
pub(crate) use label::check_label;

/// Most accounts in a vault. Rule: docs/protocol.md#W11
pub const MAX_ACCOUNTS: usize = 256;
/// Most entries of the address book. Rule: docs/protocol.md#W11
pub const MAX_CONTACTS: usize = 1_024;
/// Longest passphrase of BIP-39 in bytes. Rule: docs/protocol.md#W1
pub const MAX_PASSPHRASE_BYTES: usize = 256;

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
