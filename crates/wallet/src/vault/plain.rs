//! What a vault encrypts, as JSON. Rule: docs/protocol.md#W12
//!
//! A field that is missing has the meaning it had before it was invented, so older vaults open; a field that is not
//! known is refused, so that no program drops what it does not understand.

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use tally_chain::{Address, KeyKind, PublicKey, UnixSecs};
use zeroize::Zeroizing;

use super::accounts::{Entry, Material};
use super::{ChainBinding, Contact, MAX_ACCOUNTS, MAX_CONTACTS, Settings, Vault, VaultError, check_label_length};
use crate::account::{Account, Origin};
use crate::phrase::Phrase;

impl Vault {
    pub(super) fn write(&self) -> Zeroizing<Vec<u8>> {
        let plain = Plain {
            phrase: Secret(self.phrase.text()),
            passphrase: Secret(self.passphrase.clone()),
            created_at: self.created_at,
            chain: self.chain.clone(),
            settings: self.settings.clone(),
            accounts: self.entries.iter().map(PlainAccount::of).collect(),
            contacts: self.contacts.clone(),
        };
        // Room for all of it, so that growing leaves no copies of secrets behind.
        let texts = plain.phrase.0.len() + plain.passphrase.0.len() + self.chain.name.len();
        let room = 1_024 + 6 * texts + 4_096 * self.entries.len() + 512 * self.contacts.len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *bytes, &plain).expect("strings and numbers are JSON");
        bytes
    }

    pub(super) fn read(plaintext: &[u8]) -> Result<Self, VaultError> {
        let contents = |field| VaultError::Contents { field };
        let plain: Plain = serde_json::from_slice(plaintext).map_err(|_| contents("form"))?;
        let phrase = Phrase::parse(&plain.phrase.0).map_err(|_| contents("phrase"))?;
        let mut vault = Self::new(phrase, &plain.passphrase.0, plain.chain, plain.created_at);
        vault.settings = plain.settings;
        if plain.accounts.len() > MAX_ACCOUNTS {
            return Err(contents("number of accounts"));
        }
        if plain.contacts.len() > MAX_CONTACTS {
            return Err(contents("number of contacts"));
        }
        for account in plain.accounts {
            let entry = account.read().ok_or(contents("account"))?;
            let known = |held: &Account| {
                let same = held.address == entry.account.address;
                same || (held.index().is_some()
                    && (held.kind(), held.index()) == (entry.account.kind(), entry.account.index()))
            };
            if vault.accounts().any(known) {
                return Err(contents("account"));
            }
            vault.push(entry)?;
        }
        for contact in plain.contacts {
            let known = vault.contacts.iter().any(|held| held.address == contact.address);
            if known || contact.label.is_empty() || check_label_length(&contact.label).is_err() {
                return Err(contents("contact"));
            }
            vault.contacts.push(contact);
        }
        Ok(vault)
    }
}

/// A secret text on its way into or out of the encrypted bytes; private to this file.
struct Secret(Zeroizing<String>);

impl Secret {
    fn base64(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(Base64::encode_string(bytes)))
    }

    fn bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        Base64::decode_vec(&self.0).ok().map(Zeroizing::new)
    }
}

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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    phrase: Secret,
    passphrase: Secret,
    created_at: UnixSecs,
    chain: ChainBinding,
    settings: Settings,
    accounts: Vec<PlainAccount>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<Contact>,
}

#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PlainOrigin {
    #[default]
    Derived,
    Imported,
    Watched,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainAccount {
    #[serde(default, skip_serializing_if = "is_default")]
    origin: PlainOrigin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<KeyKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    /// Only where the public key is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
    /// p and q of an RSA key. Rule: docs/protocol.md#W5
    #[serde(default, skip_serializing_if = "Option::is_none")]
    primes: Option<[Secret; 2]>,
    /// An imported secp256k1 key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Secret>,
    #[serde(default, skip_serializing_if = "is_default")]
    archived: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl PlainAccount {
    fn of(entry: &Entry) -> Self {
        let account = &entry.account;
        let (primes, secret) = match &entry.material {
            Material::None => (None, None),
            Material::Primes([p, q]) => (Some([Secret::base64(p), Secret::base64(q)]), None),
            Material::Secret(secret) => (None, Some(Secret::base64(secret.as_slice()))),
        };
        Self {
            origin: match account.origin {
                Origin::Derived { .. } => PlainOrigin::Derived,
                Origin::Imported => PlainOrigin::Imported,
                Origin::Watched => PlainOrigin::Watched,
            },
            kind: account.kind(),
            index: account.index(),
            label: account.label.clone(),
            public_key: account.key.as_ref().map(|key| Base64::encode_string(key.bytes())),
            address: account.key.is_none().then_some(account.address),
            primes,
            secret,
            archived: account.archived,
        }
    }

    fn read(self) -> Option<Entry> {
        let key = match &self.public_key {
            Some(text) => Some(PublicKey::from_bytes(&Base64::decode_vec(text).ok()?).ok()?),
            None => None,
        };
        let kind = key.as_ref().map(PublicKey::kind);
        let address = match (&key, self.address) {
            (Some(key), None) => key.address(),
            (None, Some(address)) => address,
            _ => return None,
        };
        let material = match (&self.primes, &self.secret) {
            (None, None) => Material::None,
            (Some([p, q]), None) => Material::Primes([p.bytes()?, q.bytes()?]),
            (None, Some(secret)) => {
                let mut bytes = Zeroizing::new([0; 32]);
                let read = secret.bytes()?;
                (read.len() == 32).then(|| bytes.copy_from_slice(&read))?;
                Material::Secret(bytes)
            }
            (Some(_), Some(_)) => return None,
        };
        let rsa = kind.map(KeyKind::is_rsa);
        let origin = match (self.origin, self.index) {
            (PlainOrigin::Derived, Some(index)) => Origin::Derived { index },
            (PlainOrigin::Imported, None) => Origin::Imported,
            (PlainOrigin::Watched, None) => Origin::Watched,
            _ => return None,
        };
        // Each origin has exactly what it needs.
        let complete = match (&origin, &material) {
            (Origin::Derived { .. } | Origin::Imported, Material::Primes(_)) => rsa == Some(true),
            (Origin::Derived { .. }, Material::None) | (Origin::Imported, Material::Secret(_)) => rsa == Some(false),
            (Origin::Watched, Material::None) => true,
            _ => false,
        };
        if !complete || kind != self.kind || check_label_length(&self.label).is_err() {
            return None;
        }
        let account = Account {
            origin,
            label: self.label,
            address,
            key,
            archived: self.archived,
        };
        Some(Entry { account, material })
    }
}
