//! The accounts of a vault: derived, imported, watched. Rule: docs/protocol.md#W14

use tally_chain::keys::{RawPublicKey, RsaPublicKey};
use tally_chain::{Address, KeyKind, PublicKey};
use zeroize::Zeroizing;

use super::{MAX_ACCOUNTS, Vault, VaultError, check_label};
use crate::account::{Account, Origin};
use crate::keys::{RsaKey, Secp256k1Key, SigningKey};
use crate::keystore::common::shares_a_prime;
use crate::rsa_search::RsaSearch;
use crate::shared::SharedAccount;

/// An account with what its private key is made from.
pub(super) struct Entry {
    pub account: Account,
    pub material: Material,
}

/// What the private key of an account is made from. Wiped when dropped.
pub(super) enum Material {
    /// Nothing beyond the phrase; or there is no private key.
    None,
    /// The primes of an RSA key: imported, or derived and kept to spare the search.
    Primes([Zeroizing<Vec<u8>>; 2]),
    /// An imported secp256k1 key.
    Secret(Zeroizing<[u8; 32]>),
}

impl Material {
    /// All of a key.
    fn of(key: &SigningKey) -> Self {
        match key {
            SigningKey::Rsa(key) => Self::Primes(key.primes()),
            SigningKey::Secp256k1(key) => Self::Secret(key.secret()),
        }
    }

    /// What the phrase does not give at once.
    fn beside_phrase(key: &SigningKey) -> Self {
        match key {
            // The search for them takes up to a minute; a secp256k1 key is derived in no time.
            SigningKey::Rsa(key) => Self::Primes(key.primes()),
            SigningKey::Secp256k1(_) => Self::None,
        }
    }
}

impl Vault {
    /// In the user's order, archived ones among them.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.entries.iter().map(|entry| &entry.account)
    }

    /// The account of this address.
    pub fn account(&self, address: Address) -> Result<&Account, VaultError> {
        self.place(address).map(|place| &self.entries[place].account)
    }

    /// The lowest derivation index of this kind that no account has.
    pub fn next_index(&self, kind: KeyKind) -> u32 {
        (0..)
            .find(|index| !self.has_index(kind, *index))
            .expect("a vault has fewer accounts than there are indexes")
    }

    fn has_index(&self, kind: KeyKind, index: u32) -> bool {
        self.accounts()
            .any(|account| account.kind() == Some(kind) && account.index() == Some(index))
    }

    /// Adds the next secp256k1 account.
    pub fn add_secp256k1(&mut self, label: &str) -> Result<&Account, VaultError> {
        let index = self.next_index(KeyKind::Secp256k1);
        let key = SigningKey::Secp256k1(self.seed.secp256k1(index)?);
        self.add_derived(index, &key, label)
    }

    /// The search for the next RSA account of this kind; its key goes to [`add_rsa`](Self::add_rsa).
    pub fn search(&self, kind: KeyKind) -> Result<RsaSearch, VaultError> {
        self.search_at(kind, self.next_index(kind))
    }

    /// The search for the RSA key of any index.
    pub fn search_at(&self, kind: KeyKind, index: u32) -> Result<RsaSearch, VaultError> {
        let bits = kind.rsa_bits().ok_or(VaultError::NotRsa { kind })?;
        Ok(self.seed.rsa(bits, index)?)
    }

    /// The address of the secp256k1 account of any index, held or not.
    pub fn secp256k1_address(&self, index: u32) -> Result<Address, VaultError> {
        Ok(self.seed.secp256k1(index)?.address())
    }

    /// Adds the RSA account that [`search`](Self::search) found at `index`.
    pub fn add_rsa(&mut self, index: u32, key: RsaKey, label: &str) -> Result<&Account, VaultError> {
        self.add_derived(index, &SigningKey::Rsa(key), label)
    }

    /// An account that was imported or watched under the same address becomes the derived one, and keeps its label.
    fn add_derived(&mut self, index: u32, key: &SigningKey, label: &str) -> Result<&Account, VaultError> {
        check_label(label)?;
        let kind = key.kind();
        if self.has_index(kind, index) {
            return Err(VaultError::Exists { kind, index });
        }
        let origin = Origin::Derived { index };
        self.put(origin, key.public_key(), Material::beside_phrase(key), label)
    }

    /// Keeps a private key that came from outside. The phrase does not bring it back: only a backup file does.
    ///
    /// An account that was watched under the same address becomes the imported one, and keeps its label.
    pub fn import(&mut self, key: SigningKey, label: &str) -> Result<&Account, VaultError> {
        check_label(label)?;
        let address = key.address();
        // A watched account may get its key. A derived one would become imported, as if the phrase did not bring it back.
        if self.account(address).is_ok_and(Account::can_sign) {
            return Err(VaultError::HasAccount { address });
        }
        self.check_primes(&key.public_key())?;
        self.put(Origin::Imported, key.public_key(), Material::of(&key), label)
    }

    /// Rejects an RSA key from outside that shares a prime with another of the vault or of its shared accounts.
    /// Rule: docs/protocol.md#W27
    fn check_primes(&self, key: &PublicKey) -> Result<(), VaultError> {
        let keys = self.accounts().flat_map(|account| {
            let own = account.key.as_ref().map(RawPublicKey::from);
            let shared = account.policy.iter().flat_map(|policy| policy.keys().to_vec());
            own.into_iter().chain(shared)
        });
        let keys: Vec<RawPublicKey> = keys.collect();
        let rsa = |key: &RawPublicKey| match key {
            RawPublicKey::Rsa(key) => Some(key.clone()),
            RawPublicKey::Secp256k1(_) => None,
        };
        // A prime in common gives both keys away, no matter who holds the other: the keys of shared accounts count, too.
        let Some(own) = rsa(&RawPublicKey::from(key)) else {
            return Ok(());
        };
        let others: Vec<RsaPublicKey> = keys.iter().filter_map(rsa).collect();
        match shares_a_prime(&own, others.iter()) {
            Some(other) => Err(VaultError::SharedPrime {
                address: own.address(),
                other: other.address(),
            }),
            None => Ok(()),
        }
    }

    fn put(&mut self, origin: Origin, key: PublicKey, material: Material, label: &str) -> Result<&Account, VaultError> {
        let address = key.address();
        if let Ok(place) = self.place(address) {
            let entry = &mut self.entries[place];
            entry.account.origin = origin;
            entry.account.key = Some(key);
            entry.material = material;
            return Ok(&entry.account);
        }
        let account = Account {
            origin,
            label: label.to_owned(),
            address,
            key: Some(key),
            policy: None,
            archived: false,
        };
        self.push(Entry { account, material })
    }

    /// Adds an account to look at, without a private key; `key` is its public key where it is known.
    pub fn watch(&mut self, address: Address, key: Option<PublicKey>, label: &str) -> Result<&Account, VaultError> {
        check_label(label)?;
        if self.account(address).is_ok() {
            return Err(VaultError::HasAccount { address });
        }
        if let Some(other) = key.as_ref().map(PublicKey::address).filter(|key| *key != address) {
            return Err(VaultError::OtherKey { address, key: other });
        }
        if let Some(key) = &key {
            self.check_primes(key)?;
        }
        let account = Account {
            origin: Origin::Watched,
            label: label.to_owned(),
            address,
            key,
            policy: None,
            archived: false,
        };
        self.push(Entry {
            account,
            material: Material::None,
        })
    }

    pub(super) fn push(&mut self, entry: Entry) -> Result<&Account, VaultError> {
        if self.entries.len() >= MAX_ACCOUNTS {
            return Err(VaultError::Full { max: MAX_ACCOUNTS });
        }
        Ok(&self.entries.push_mut(entry).account)
    }

    /// Takes up an account of several keys, under its name. Rule: docs/protocol.md#W60
    pub fn add_shared(&mut self, shared: &SharedAccount) -> Result<&Account, VaultError> {
        let address = shared.address();
        if self.account(address).is_ok() {
            return Err(VaultError::HasAccount { address });
        }
        let account = Account {
            origin: Origin::Shared,
            label: shared.name.clone(),
            address,
            key: None,
            policy: Some(shared.policy().clone()),
            archived: false,
        };
        self.push(Entry {
            account,
            material: Material::None,
        })
    }

    /// Takes a watched or a shared account out. One with a key can only be archived.
    pub fn unwatch(&mut self, address: Address) -> Result<(), VaultError> {
        let place = self.place(address)?;
        if self.entries[place].account.can_sign() {
            return Err(VaultError::NotWatched { address });
        }
        self.entries.remove(place);
        Ok(())
    }

    /// Gives an account another label.
    pub fn rename(&mut self, address: Address, label: &str) -> Result<(), VaultError> {
        check_label(label)?;
        let place = self.place(address)?;
        self.entries[place].account.label = label.to_owned();
        Ok(())
    }

    /// Puts an account away, or takes it back.
    pub fn set_archived(&mut self, address: Address, archived: bool) -> Result<(), VaultError> {
        let place = self.place(address)?;
        self.entries[place].account.archived = archived;
        Ok(())
    }

    /// Moves an account to another place in the list, counted from 0.
    pub fn move_to(&mut self, address: Address, position: usize) -> Result<(), VaultError> {
        let (place, len) = (self.place(address)?, self.entries.len());
        if position >= len {
            return Err(VaultError::NoPlace { position, len });
        }
        let entry = self.entries.remove(place);
        self.entries.insert(position, entry);
        Ok(())
    }

    /// The private key of an account, for signing.
    pub fn signing_key(&self, address: Address) -> Result<SigningKey, VaultError> {
        let Entry { account, material } = &self.entries[self.place(address)?];
        let inconsistent = VaultError::Inconsistent { address };
        let bits = account.kind().and_then(KeyKind::rsa_bits);
        let key = match (&account.origin, material, bits) {
            (Origin::Watched, ..) => return Err(VaultError::WatchOnly { address }),
            (_, Material::Primes([p, q]), Some(bits)) => {
                SigningKey::Rsa(RsaKey::from_primes(bits, p, q).map_err(|_| inconsistent.clone())?)
            }
            (Origin::Derived { index }, Material::None, None) => SigningKey::Secp256k1(self.seed.secp256k1(*index)?),
            (Origin::Imported, Material::Secret(secret), None) => {
                SigningKey::Secp256k1(Secp256k1Key::from_secret(secret).map_err(|_| inconsistent.clone())?)
            }
            _ => return Err(inconsistent),
        };
        // The last check before a signature: whatever was stored, the key has to be that of this account.
        if key.address() == address {
            Ok(key)
        } else {
            Err(inconsistent)
        }
    }

    fn place(&self, address: Address) -> Result<usize, VaultError> {
        let found = self.entries.iter().position(|entry| entry.account.address == address);
        found.ok_or(VaultError::NoAccount { address })
    }
}
