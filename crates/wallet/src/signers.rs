//! Who vouches for a payment of an account: one key, or a policy's. Rules: docs/protocol.md#T2, #T11

use std::collections::BTreeMap;

use tally_chain::Address;
use tally_chain::keys::{RawPublicKey, RsaPublicKey, SECP256K1_SIGNATURE_GAS};
use tally_chain::multisig::{Multisig, MultisigError, Policy};
use tally_chain::public_key::PublicKey;
use tally_chain::transaction::Authenticator;

/// Signatures by the place of their key.
pub type Signatures = BTreeMap<usize, Vec<u8>>;

/// The key or the policy that an account's address comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signers {
    /// One key signs. Rules: docs/protocol.md#A2, #A3
    Key(PublicKey),
    /// m of n keys sign. Rule: docs/protocol.md#A8
    Policy(Policy),
}

impl Signers {
    /// Rules: docs/protocol.md#A2, #A3, #A8
    pub fn address(&self) -> Address {
        match self {
            Self::Key(key) => key.address(),
            Self::Policy(policy) => policy.address(),
        }
    }

    /// How many keys sign.
    pub fn threshold(&self) -> usize {
        match self {
            Self::Key(_) => 1,
            Self::Policy(policy) => policy.threshold(),
        }
    }

    /// The keys, in the order in which signatures count them.
    pub fn keys(&self) -> Vec<RawPublicKey> {
        match self {
            Self::Key(key) => vec![RawPublicKey::from(key)],
            Self::Policy(policy) => policy.keys().to_vec(),
        }
    }

    /// What vouches for a payload, from exactly as many signatures as are required. Rule: docs/protocol.md#T12
    pub fn authenticator(&self, signatures: Signatures) -> Result<Authenticator, MultisigError> {
        let policy = match self {
            Self::Policy(policy) => policy,
            Self::Key(key) => {
                let missing = MultisigError::Missing { found: 0, required: 1 };
                let signature = signatures.into_values().next().ok_or(missing)?;
                return Ok(match RawPublicKey::from(key) {
                    RawPublicKey::Rsa(public_key) => Authenticator::RsaPssSha256 { public_key, signature },
                    RawPublicKey::Secp256k1(public_key) => Authenticator::Secp256k1 {
                        public_key,
                        // A signature of another length is none of this key, and does not verify.
                        signature: signature.try_into().unwrap_or([0; 64]),
                    },
                });
            }
        };
        Multisig::new(policy.clone(), signatures).map(Authenticator::Multisig)
    }

    /// An authenticator that costs as much gas as any that these keys can make, but for [`SLACK`].
    pub(crate) fn dearest(&self) -> Authenticator {
        let keys = self.keys();
        let mut places: Vec<usize> = (0..keys.len()).collect();
        places.sort_by_key(|place| std::cmp::Reverse(price(&keys[*place])));
        let chosen = places.into_iter().take(self.threshold());
        let signatures = chosen.map(|place| (place, vec![0xff; signature_len(&keys[place])]));
        self.authenticator(signatures.collect())
            .expect("as many signatures as the threshold")
    }
}

/// Bytes by which envelopes of one policy differ beside their signatures: lengths of lists, and who signed.
pub(crate) const SLACK: u64 = 8;

fn signature_len(key: &RawPublicKey) -> usize {
    match key {
        RawPublicKey::Rsa(key) => key.bits() / 8,
        RawPublicKey::Secp256k1(_) => 64,
    }
}

/// Gas that a signature of a key costs with its bytes. Rule: docs/protocol.md#X2
fn price(key: &RawPublicKey) -> u64 {
    let gas = match key {
        RawPublicKey::Rsa(key) => RsaPublicKey::signature_gas(key),
        RawPublicKey::Secp256k1(_) => SECP256K1_SIGNATURE_GAS,
    };
    gas + signature_len(key) as u64
}
