//! Shared accounts as they are handed on: a policy with a name. Rules: docs/protocol.md#W60, #W62

use alloy_rlp::Encodable as _;
use tally_chain::codec::{CodecError, ListReader, wrap_list};
use tally_chain::keys::{RawPublicKey, RsaPublicKey};
use tally_chain::multisig::{Policy, PolicyError};
use tally_chain::{Address, PublicKey, ReferenceVerifier};
use thiserror::Error;

use crate::keystore::common::shares_a_prime;
use crate::text::{self, TextError};
use crate::vault::{MAX_LABEL_BYTES, VaultError, check_label};

const KIND: &str = "tally-account";

/// Why something is not a shared account.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SharedError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("the shared account: {0}")]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Label(VaultError),
    #[error("the keys of {address} and {other} have a prime number in common: anybody can sign for both. Use neither")]
    SharedPrime { address: Address, other: Address },
}

/// Rejects a policy two of whose RSA keys share a prime. Rule: docs/protocol.md#W27
fn check_primes(policy: &Policy) -> Result<(), SharedError> {
    let rsa: Vec<&RsaPublicKey> = policy
        .keys()
        .iter()
        .filter_map(|key| match key {
            RawPublicKey::Rsa(key) => Some(key),
            RawPublicKey::Secp256k1(_) => None,
        })
        .collect();
    for (place, key) in rsa.iter().enumerate() {
        if let Some(other) = shares_a_prime(key, rsa[..place].iter().copied()) {
            let (address, other) = (key.address(), other.address());
            return Err(SharedError::SharedPrime { address, other });
        }
    }
    Ok(())
}

/// A policy with the name that its maker gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedAccount {
    pub name: String,
    policy: Policy,
}

impl SharedAccount {
    /// m of these keys; every one of them can sign. Rule: docs/protocol.md#A7
    pub fn new(name: &str, threshold: usize, keys: &[PublicKey]) -> Result<Self, SharedError> {
        let keys = keys.iter().map(Into::into).collect();
        Self::of(name.to_owned(), Policy::new(threshold, keys)?)
    }

    /// A policy under a name.
    pub fn of(name: String, policy: Policy) -> Result<Self, SharedError> {
        check_label(&name).map_err(SharedError::Label)?;
        policy.check_points(&ReferenceVerifier)?;
        check_primes(&policy)?;
        Ok(Self { name, policy })
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Rule: docs/protocol.md#A8
    pub fn address(&self) -> Address {
        self.policy.address()
    }

    /// One line for a file, a QR code or a link. Nothing of it is secret. Rule: docs/protocol.md#W62
    pub fn write(&self) -> String {
        let mut list = Vec::new();
        self.name.as_bytes().encode(&mut list);
        list.extend(self.policy.encode());
        text::write(KIND, &wrap_list(&list))
    }

    pub fn read(text: &str) -> Result<Self, SharedError> {
        let bytes = text::read(KIND, text)?;
        let mut items = ListReader::open("account", &bytes)?;
        let name = items.bytes("account.name", MAX_LABEL_BYTES)?;
        let name = String::from_utf8(name.to_vec()).map_err(|_| TextError::Damaged { kind: KIND })?;
        let policy = Policy::decode(items.raw_item("account.policy")?)?;
        items.end()?;
        Self::of(name, policy)
    }
}
