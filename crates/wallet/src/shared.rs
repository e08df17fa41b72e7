//! Shared accounts as they are handed on: a policy with a name. Rules: docs/protocol.md#W23, #W60, #W62

use alloy_rlp::Encodable as _;
use tally_chain::codec::{CodecError, ListReader, wrap_list};
use tally_chain::keys::{RawPublicKey, RsaPublicKey};
use tally_chain::multisig::{Policy, PolicyError};
use tally_chain::{Address, PublicKey, ReferenceVerifier};
use thiserror::Error;

use crate::keystore::common::shares_a_prime;
use crate::keystore::{WeakKey, check_rsa};
use crate::text::{self, TextError};
use crate::vault::{MAX_LABEL_BYTES, VaultError, check_label};

const KIND: &str = "tally-account";

/// Why something is not a shared account.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum SharedError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("the shared account: {0}")]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Label(VaultError),
    #[error("the keys of {address} and {other} have a prime number in common: anyone can sign for both. Use neither")]
    SharedPrime { address: Address, other: Address },
    #[error("the key of {address}: the key is rejected: {why}. Take up no account that counts on it")]
    Weak { address: Address, why: WeakKey },
}

fn rsa_keys(policy: &Policy) -> impl Iterator<Item = &RsaPublicKey> {
    policy.keys().iter().filter_map(|key| match key {
        RawPublicKey::Rsa(key) => Some(key),
        RawPublicKey::Secp256k1(_) => None,
    })
}

/// Rejects a policy with an RSA key that anyone could sign with. Rule: docs/protocol.md#W23
fn check_strength(policy: &Policy) -> Result<(), SharedError> {
    rsa_keys(policy).try_for_each(|key| {
        check_rsa(key).map_err(|why| SharedError::Weak {
            address: key.address(),
            why,
        })
    })
}

/// Rejects a policy two of whose RSA keys share a prime. Rule: docs/protocol.md#W27
fn check_primes(policy: &Policy) -> Result<(), SharedError> {
    let rsa: Vec<&RsaPublicKey> = rsa_keys(policy).collect();
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
    /// At most [`MAX_LABEL_BYTES`](crate::vault::MAX_LABEL_BYTES) bytes.
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

    /// The keys and the threshold.
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

    /// Reads what another person made: its keys are looked at as those in files are. Rule: docs/protocol.md#W23
    pub fn read(text: &str) -> Result<Self, SharedError> {
        let bytes = text::read(KIND, text)?;
        let mut items = ListReader::open("account", &bytes)?;
        let name = items.bytes("account.name", MAX_LABEL_BYTES)?;
        let name = String::from_utf8(name.to_vec()).map_err(|_| TextError::Damaged { kind: KIND })?;
        let policy = Policy::decode(items.raw_item("account.policy")?)?;
        items.end()?;
        let shared = Self::of(name, policy)?;
        check_strength(&shared.policy)?;
        Ok(shared)
    }
}

#[cfg(test)]
mod tests {
    use tally_chain::hash::sha256;

    use super::*;

    /// Random but for its last byte, which makes it a multiple of 3: every power of 256 leaves 1 when it is divided by 3.
    fn multiple_of_three() -> RsaPublicKey {
        let mut modulus: Vec<u8> = (0..8u8).flat_map(|block| sha256(&[&[block]]).0).collect();
        modulus[0] |= 0x80;
        modulus[255] = 1;
        let rest = modulus.iter().map(|byte| u32::from(*byte)).sum::<u32>() % 3;
        modulus[255] = [1, 3, 5][rest as usize];
        RsaPublicKey::from_modulus(&modulus).unwrap()
    }

    #[test]
    fn no_account_is_taken_up_that_counts_on_a_weak_key() {
        let weak = multiple_of_three();
        let address = weak.address();
        let point = alloy_primitives::hex!("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
        let point = PublicKey::from_bytes(&point).unwrap();
        let text = |keys: &[PublicKey]| SharedAccount::new("Club", 1, keys).unwrap().write();
        let why = WeakKey::RsaSmallFactor { factor: 3 };
        let read = SharedAccount::read(&text(&[PublicKey::from(&weak), point.clone()]));
        assert_eq!(read, Err(SharedError::Weak { address, why }));
        assert_eq!(
            read.unwrap_err().to_string(),
            format!(
                "the key of {address}: the key is rejected: its modulus is divisible by 3. Take up no account that counts on it"
            )
        );
        assert!(SharedAccount::read(&text(&[point])).is_ok());
    }
}
