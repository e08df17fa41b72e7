//! The vault: a phrase, its accounts and what belongs to them.

use base64ct::{Base64, Encoding};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use tally_chain::keys::RsaPublicKey;
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, BlockId, Bytes, ReferenceVerifier, SignatureVerifier, UnixSecs, address};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::account::{Account, AccountKind};
use crate::fees::FeeLevel;
use crate::hd::{HdError, Seed};
use crate::keys::{RsaKey, SigningKey};
use crate::phrase::Phrase;
use crate::rsa_search::RsaSearch;
use crate::sealed::{self, ContainerError, VaultKey};

/// Most accounts in a vault. Rule: docs/protocol.md#W11
pub const MAX_ACCOUNTS: usize = 256;
/// Longest label in bytes. Rule: docs/protocol.md#W11
pub const MAX_LABEL_BYTES: usize = 64;

/// Why a vault does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VaultError {
    #[error(transparent)]
    Container(#[from] ContainerError),
    #[error("the vault opened, but its {field} is not valid")]
    Contents { field: &'static str },
    #[error("this vault is bound to the chain with genesis {expected}, not {found}")]
    OtherChain { found: BlockId, expected: BlockId },
    #[error("the vault already has the account {kind} {index}")]
    Exists { kind: AccountKind, index: u32 },
    #[error("the vault is full: it has {max} accounts")]
    Full { max: usize },
    #[error("label has {len} bytes, at most {max} are allowed")]
    LabelTooLong { len: usize, max: usize },
    #[error("the vault has no account {address}")]
    NoAccount { address: Address },
    #[error("{kind} has no prime search; only RSA accounts need one")]
    NotRsa { kind: AccountKind },
    #[error("the phrase does not give the stored key of {address}")]
    Inconsistent { address: Address },
    #[error(transparent)]
    Hd(#[from] HdError),
}

/// The chain that a vault was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainBinding {
    pub genesis: BlockId,
    pub chain_id: u64,
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
    pub settings: Settings,
    entries: Vec<Entry>,
}

/// An account with the primes of its key, if it is RSA: they spare the search at every unlocking.
struct Entry {
    account: Account,
    primes: Option<[Zeroizing<Vec<u8>>; 2]>,
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
        }
    }

    /// Decrypts a vault; the key seals it again after a change.
    pub fn open(bytes: &[u8], password: &str) -> Result<(Self, VaultKey), VaultError> {
        let (plaintext, key) = sealed::open(bytes, password)?;
        Ok((Self::read(&plaintext)?, key))
    }

    /// Encrypts the vault under a key, with a fresh nonce each time.
    pub fn seal<R: CryptoRng + ?Sized>(&self, key: &VaultKey, rng: &mut R) -> Result<Vec<u8>, VaultError> {
        Ok(sealed::seal(&self.write(), key, rng)?)
    }

    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.entries.iter().map(|entry| &entry.account)
    }

    pub fn account(&self, address: Address) -> Result<&Account, VaultError> {
        self.entry(address).map(|entry| &entry.account)
    }

    /// The phrase, for showing it once more to its owner.
    pub fn phrase(&self) -> &Phrase {
        &self.phrase
    }

    pub fn created_at(&self) -> UnixSecs {
        self.created_at
    }

    pub fn chain(&self) -> &ChainBinding {
        &self.chain
    }

    /// Refuses to work on another chain than the vault's own.
    pub fn check_chain(&self, genesis: BlockId) -> Result<(), VaultError> {
        if genesis == self.chain.genesis {
            return Ok(());
        }
        Err(VaultError::OtherChain {
            found: genesis,
            expected: self.chain.genesis,
        })
    }

    /// The lowest derivation index of this kind that no account has.
    pub fn next_index(&self, kind: AccountKind) -> u32 {
        let taken = |index| self.accounts().any(|a| a.kind == kind && a.index == index);
        (0..)
            .find(|index| !taken(*index))
            .expect("a vault has fewer accounts than there are indexes")
    }

    /// Adds the next secp256k1 account.
    pub fn add_secp256k1(&mut self, label: &str) -> Result<&Account, VaultError> {
        let index = self.next_index(AccountKind::Secp256k1);
        let key = SigningKey::Secp256k1(self.seed.secp256k1(index)?);
        self.add(index, &key, label, None)
    }

    /// The search for the next RSA account of this kind; its key goes to [`add_rsa`](Self::add_rsa).
    pub fn search(&self, kind: AccountKind) -> Result<RsaSearch, VaultError> {
        let bits = kind.rsa_bits().ok_or(VaultError::NotRsa { kind })?;
        Ok(self.seed.rsa(bits, self.next_index(kind))?)
    }

    /// Adds the RSA account that [`search`](Self::search) found at `index`.
    pub fn add_rsa(&mut self, index: u32, key: RsaKey, label: &str) -> Result<&Account, VaultError> {
        let primes = key.primes();
        self.add(index, &SigningKey::Rsa(key), label, Some(primes))
    }

    fn add(
        &mut self,
        index: u32,
        key: &SigningKey,
        label: &str,
        primes: Option<[Zeroizing<Vec<u8>>; 2]>,
    ) -> Result<&Account, VaultError> {
        check_label(label)?;
        let kind = key.kind();
        if self.accounts().any(|a| a.kind == kind && a.index == index) {
            return Err(VaultError::Exists { kind, index });
        }
        if self.entries.len() >= MAX_ACCOUNTS {
            return Err(VaultError::Full { max: MAX_ACCOUNTS });
        }
        let account = Account {
            kind,
            index,
            label: label.to_owned(),
            address: key.address(),
            public_key: key.public_key().into(),
        };
        let entry = self.entries.push_mut(Entry { account, primes });
        Ok(&entry.account)
    }

    /// Gives an account another label.
    pub fn rename(&mut self, address: Address, label: &str) -> Result<(), VaultError> {
        check_label(label)?;
        let entry = self.entries.iter_mut().find(|entry| entry.account.address == address);
        entry.ok_or(VaultError::NoAccount { address })?.account.label = label.to_owned();
        Ok(())
    }

    /// The private key of an account, for signing.
    pub fn signing_key(&self, address: Address) -> Result<SigningKey, VaultError> {
        let Entry { account, primes } = self.entry(address)?;
        let inconsistent = VaultError::Inconsistent { address };
        let key = match (account.kind.rsa_bits(), primes) {
            (Some(bits), Some([p, q])) => {
                SigningKey::Rsa(RsaKey::from_primes(bits, p, q).map_err(|_| inconsistent.clone())?)
            }
            (None, None) => SigningKey::Secp256k1(self.seed.secp256k1(account.index)?),
            _ => return Err(inconsistent),
        };
        if key.address() == address {
            Ok(key)
        } else {
            Err(inconsistent)
        }
    }

    fn entry(&self, address: Address) -> Result<&Entry, VaultError> {
        let found = self.entries.iter().find(|entry| entry.account.address == address);
        found.ok_or(VaultError::NoAccount { address })
    }

    /// Rule: docs/protocol.md#W12
    fn write(&self) -> Zeroizing<Vec<u8>> {
        let plain = Plain {
            phrase: Secret(self.phrase.text()),
            passphrase: Secret(self.passphrase.clone()),
            created_at: self.created_at,
            chain: self.chain.clone(),
            settings: self.settings.clone(),
            accounts: self.entries.iter().map(PlainAccount::of).collect(),
        };
        // Room for all of it, so that growing leaves no copies of secrets behind.
        let room = 1_024 + 6 * self.passphrase.len() + 6 * self.chain.name.len() + 4_096 * self.entries.len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *bytes, &plain).expect("strings and numbers are JSON");
        bytes
    }

    fn read(plaintext: &[u8]) -> Result<Self, VaultError> {
        let contents = |field| VaultError::Contents { field };
        let plain: Plain = serde_json::from_slice(plaintext).map_err(|_| contents("form"))?;
        let phrase = Phrase::parse(&plain.phrase.0).map_err(|_| contents("phrase"))?;
        let mut vault = Self::new(phrase, &plain.passphrase.0, plain.chain, plain.created_at);
        vault.settings = plain.settings;
        if plain.accounts.len() > MAX_ACCOUNTS {
            return Err(contents("number of accounts"));
        }
        for account in plain.accounts {
            let entry = account.read().ok_or(contents("account"))?;
            if vault.account(entry.account.address).is_ok() {
                return Err(contents("account"));
            }
            vault.entries.push(entry);
        }
        Ok(vault)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault")
            .field("chain", &self.chain)
            .field("accounts", &self.accounts().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn check_label(label: &str) -> Result<(), VaultError> {
    if label.len() > MAX_LABEL_BYTES {
        return Err(VaultError::LabelTooLong {
            len: label.len(),
            max: MAX_LABEL_BYTES,
        });
    }
    Ok(())
}

/// A secret text on its way into or out of the encrypted bytes; private to this file.
struct Secret(Zeroizing<String>);

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// What is encrypted. Rule: docs/protocol.md#W12
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    phrase: Secret,
    passphrase: Secret,
    created_at: UnixSecs,
    chain: ChainBinding,
    settings: Settings,
    accounts: Vec<PlainAccount>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainAccount {
    kind: AccountKind,
    index: u32,
    label: String,
    public_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    primes: Option<[Secret; 2]>,
}

impl PlainAccount {
    fn of(entry: &Entry) -> Self {
        let base64 = |bytes: &Zeroizing<Vec<u8>>| Secret(Zeroizing::new(Base64::encode_string(bytes)));
        Self {
            kind: entry.account.kind,
            index: entry.account.index,
            label: entry.account.label.clone(),
            public_key: Base64::encode_string(&entry.account.public_key),
            primes: entry.primes.as_ref().map(|[p, q]| [base64(p), base64(q)]),
        }
    }

    fn read(self) -> Option<Entry> {
        let public_key = Base64::decode_vec(&self.public_key).ok()?;
        let address = match self.kind.rsa_bits() {
            Some(bits) => {
                let key = RsaPublicKey::from_spki(&public_key).ok()?;
                (key.bits() == bits.get() as usize).then(|| key.address())?
            }
            None => {
                let point = ReferenceVerifier.decompress_secp256k1(public_key.as_slice().try_into().ok()?)?;
                address::of_secp256k1(&point)
            }
        };
        let primes = match self.primes {
            Some([p, q]) => Some([
                Zeroizing::new(Base64::decode_vec(&p.0).ok()?),
                Zeroizing::new(Base64::decode_vec(&q.0).ok()?),
            ]),
            None => None,
        };
        let well_formed = primes.is_some() == self.kind.rsa_bits().is_some() && check_label(&self.label).is_ok();
        well_formed.then_some(Entry {
            account: Account {
                kind: self.kind,
                index: self.index,
                label: self.label,
                address,
                public_key: Bytes::from(public_key),
            },
            primes,
        })
    }
}
