//! What a vault encrypts, as JSON. Rule: docs/protocol.md#W12
//!
//! A field that is missing has the meaning it had before it was invented, so older vaults open; a field that is not
//! known is rejected, so that no program drops what it does not understand.

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use tally_chain::multisig::Policy;
use tally_chain::{Address, KeyKind, PublicKey, ReferenceVerifier, UnixSecs};
use zeroize::Zeroizing;

use super::accounts::{Entry, Material};
use super::label::check_label_length;
use super::{ChainBinding, Contact, MAX_ACCOUNTS, MAX_CONTACTS, Settings, Vault, VaultError};
use crate::account::{Account, Origin};
use crate::phrase::{Language, Phrase};

impl Vault {
    pub(super) fn write(&self) -> Zeroizing<Vec<u8>> {
        let plain = Plain {
            language: self.phrase.language(),
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

    /// The plain contents: what a fuzzer starts from.
    #[cfg(feature = "testing")]
    pub fn contents(&self) -> Zeroizing<Vec<u8>> {
        self.write()
    }

    /// A vault from plain contents, which a fuzzer has changed.
    #[cfg(feature = "testing")]
    pub fn from_contents(plaintext: &[u8]) -> Result<Self, VaultError> {
        Self::read(plaintext)
    }

    pub(super) fn read(plaintext: &[u8]) -> Result<Self, VaultError> {
        let contents = |field| VaultError::Contents { field };
        let plain: Plain = serde_json::from_slice(plaintext).map_err(|_| contents("form"))?;
        let phrase = Phrase::parse_in(plain.language, &plain.phrase.0).map_err(|_| contents("phrase"))?;
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
    #[serde(default, skip_serializing_if = "is_default")]
    language: Language,
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
    Shared,
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
    /// Of a shared account. Rule: docs/protocol.md#A7
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
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
                Origin::Shared => PlainOrigin::Shared,
            },
            kind: account.kind(),
            index: account.index(),
            label: account.label.clone(),
            public_key: account.key.as_ref().map(|key| Base64::encode_string(key.bytes())),
            address: account.signers().is_none().then_some(account.address),
            policy: account
                .policy
                .as_ref()
                .map(|policy| Base64::encode_string(&policy.encode())),
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
        let policy = match &self.policy {
            Some(text) => Some(Policy::decode(&Base64::decode_vec(text).ok()?).ok()?),
            None => None,
        };
        let address = match (&key, &policy, self.address) {
            (Some(key), None, None) => key.address(),
            (None, Some(policy), None) => policy.address(),
            (None, None, Some(address)) => address,
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
            (PlainOrigin::Shared, None) => Origin::Shared,
            _ => return None,
        };
        // Each origin has exactly what it needs.
        let complete = match (&origin, &material) {
            (Origin::Derived { .. } | Origin::Imported, Material::Primes(_)) => rsa == Some(true),
            (Origin::Derived { .. }, Material::None) | (Origin::Imported, Material::Secret(_)) => rsa == Some(false),
            (Origin::Watched, Material::None) => policy.is_none(),
            (Origin::Shared, Material::None) => {
                let policy = policy.as_ref()?;
                policy.check_points(&ReferenceVerifier).is_ok()
            }
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
            policy,
            archived: self.archived,
        };
        Some(Entry { account, material })
    }
}

#[cfg(test)]
mod tests {
    use tally_chain::BlockId;

    use super::*;
    use crate::keys::{Secp256k1Key, SigningKey};

    const JUNK: &str = tally_testkit::PUBLIC_PHRASE;

    /// What a vault encrypted before there were imported accounts, an order, an address book or other languages.
    const OLDER: &str = r#"{"phrase":"test test test test test test test test test test test junk","passphrase":"","created_at":1800000000,"chain":{"genesis":"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a","chain_id":8086,"name":"local"},"settings":{"auto_lock_secs":600,"fee_level":"normal"},"accounts":[{"kind":"secp256k1","index":0,"label":"Everyday","public_key":"AzmjYPj8ZcGVbhfYMm05d7Yvqv4nI+E54D+iK7ah0Ee0"}]}"#;

    fn vault() -> Vault {
        let chain = ChainBinding {
            genesis: BlockId([0x5a; 32].into()),
            chain_id: 8_086,
            name: "local".into(),
        };
        let mut vault = Vault::new(Phrase::parse(JUNK).unwrap(), "", chain, UnixSecs(1_800_000_000));
        vault.add_secp256k1("Everyday").unwrap();
        vault
    }

    /// The older text with the public key that belongs there.
    fn older() -> String {
        let written = String::from_utf8(vault().write().to_vec()).unwrap();
        let key = |text: &str| text.split("public_key\":\"").nth(1).unwrap()[..44].to_owned();
        OLDER.replace(&key(OLDER), &key(&written))
    }

    #[test]
    fn a_vault_of_before_opens_and_an_untouched_one_is_written_as_before() {
        let read = Vault::read(older().as_bytes()).unwrap();
        let account = read.accounts().next().unwrap();
        assert_eq!(
            (&account.origin, account.archived),
            (&Origin::Derived { index: 0 }, false)
        );
        assert_eq!(read.signing_key(account.address).unwrap().address(), account.address);
        assert!(read.contacts().is_empty());
        assert_eq!(String::from_utf8(read.write().to_vec()).unwrap(), older());
    }

    #[test]
    fn contents_that_contradict_themselves_are_refused() {
        let older = older();
        let contents = |field| Some(VaultError::Contents { field });
        for (from, to, error) in [
            (r#""kind":"secp256k1""#, r#""kind":"rsa-2048""#, "account"),
            (r#""index":0,"#, "", "account"),
            (
                r#""label":"Everyday""#,
                r#""label":"Everyday","secret":"AAAA""#,
                "account",
            ),
            (
                r#""label":"Everyday""#,
                r#""label":"Everyday","primes":["AAAA","AAAA"]"#,
                "account",
            ),
            (r#""label":"Everyday""#, r#""label":"Everyday","archived":1"#, "form"),
            (r#"{"kind""#, r#"{"origin":"imported","kind""#, "account"),
            (r#"{"kind""#, r#"{"origin":"found","kind""#, "form"),
            (r#""label":"Everyday""#, r#""label":"Everyday","novelty":1"#, "form"),
            ("junk", "test", "phrase"),
            (r#"{"phrase""#, r#"{"language":"french","phrase""#, "phrase"),
            ("}]}", r#"}],"contacts":[{"address":"0x00","label":"x"}]}"#, "form"),
            (
                "}]}",
                r#"}],"contacts":[{"address":"0x1111111111111111111111111111111111111111","label":""}]}"#,
                "contact",
            ),
        ] {
            assert!(older.contains(from), "{from}");
            let changed = older.replacen(from, to, 1);
            assert_eq!(Vault::read(changed.as_bytes()).err(), contents(error), "{to}");
        }
        let twice = older.replace("}]}", &format!("}},{}", older.split("\"accounts\":[").nth(1).unwrap()));
        assert_eq!(Vault::read(twice.as_bytes()).err(), contents("account"));
    }

    /// Everyone who knows the password can encrypt anything: it is checked, never trusted.
    #[test]
    fn ten_thousand_changed_contents_are_checked_without_panic() {
        let mut vault = vault();
        let secret = Secp256k1Key::from_secret(&[7; 32]).unwrap();
        vault.import(SigningKey::Secp256k1(secret), "Old").unwrap();
        vault.watch(Address::ZERO, None, "Seen").unwrap();
        vault.add_contact(Address::repeat_byte(3), "Ann").unwrap();
        let good = vault.write();
        let accounts = good.windows(8).position(|window| window == b"accounts").unwrap();
        let mut state = 1u64;
        let mut below = |limit: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % limit as u64) as usize
        };
        let mut refused = 0;
        for _ in 0..10_000 {
            let mut bytes = good.to_vec();
            // Mostly among the accounts: what comes before costs a key derivation each time.
            let place = accounts + below(bytes.len() - accounts);
            match below(4) {
                0 => bytes.truncate(place),
                1 => bytes[place] = b' ' + below(95) as u8,
                2 => drop(bytes.remove(place)),
                _ => bytes[place] ^= 1 << below(8),
            }
            if let Ok(vault) = Vault::read(&bytes) {
                assert!(vault.accounts().len() <= 3);
                for account in vault.accounts() {
                    // Either it signs as itself or it gives an error.
                    if let Ok(key) = vault.signing_key(account.address) {
                        assert_eq!(key.address(), account.address);
                    }
                }
            } else {
                refused += 1;
            }
        }
        assert!(refused > 5_000, "{refused}");
    }
}
