//! Accounts of several keys: policies of m of n, and the signatures they require.
//! Rules: docs/protocol.md#A7 to #A9, #T11 to #T13
//!
//! A policy has one encoding, so that it has one address; so have the signatures of a transaction of it.

use std::collections::BTreeMap;

use alloy_rlp::Encodable;

use crate::address::{self, Address};
use crate::codec::{CodecError, ListReader, wrap_list};
use crate::keys::{KeyError, RawPublicKey, RsaPublicKey, SignatureVerifier, check_secp256k1_tag};
use crate::transaction::TransactionError;

/// Most keys in a policy. Rule: docs/protocol.md#L10
pub const MAX_POLICY_KEYS: usize = 16;
/// Longest public key that is looked at, in bytes: far more than any accepted form has, so that the error of a wrong length is
/// that of the key.
const MAX_KEY_BYTES: usize = 4_096;
/// Longest signature that is looked at, in bytes.
const MAX_SIGNATURE_BYTES: usize = 4_096;

/// Why keys and a threshold are not a policy; keys are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum PolicyError {
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("policy requires {threshold} signatures of {keys} keys; it may require 1 to as many as it has keys")]
    Threshold { threshold: u64, keys: usize },
    #[error("policy has more than {max} keys")]
    TooManyKeys { max: usize },
    #[error("policy key {index} has the kind {found}; 1 (RSA) and 2 (secp256k1) exist")]
    UnknownKeyKind { index: usize, found: u64 },
    #[error("policy key {index}: {source}")]
    Key { index: usize, source: KeyError },
    #[error("policy key {index} is not in its place: keys stand in ascending order")]
    Unsorted { index: usize },
    #[error("policy key {index} is there twice")]
    Duplicate { index: usize },
}

/// Why the signatures are not those that a policy requires; signers are its keys, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum MultisigError {
    #[error("signers names key {index}, the policy has {keys} keys")]
    UnknownSigner { index: usize, keys: usize },
    #[error("{found} of {required} signatures are there")]
    Missing { found: usize, required: usize },
    #[error("{found} signatures or more are there, exactly {required} are required")]
    Extra { found: usize, required: usize },
    #[error("signature of key {signer}: {source}")]
    Form { signer: usize, source: KeyError },
    #[error("signature of key {signer} does not verify")]
    BadSignature { signer: usize },
}

/// m of n keys, sorted, each once. Rule: docs/protocol.md#A7
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    threshold: usize,
    keys: Vec<RawPublicKey>,
}

impl Policy {
    /// A policy of these keys, in any order; `threshold` of them sign.
    pub fn new(threshold: usize, mut keys: Vec<RawPublicKey>) -> Result<Self, PolicyError> {
        keys.sort_unstable();
        Self::checked(threshold as u64, keys)
    }

    /// Rule: docs/protocol.md#A7
    fn checked(threshold: u64, keys: Vec<RawPublicKey>) -> Result<Self, PolicyError> {
        if keys.len() > MAX_POLICY_KEYS {
            return Err(PolicyError::TooManyKeys { max: MAX_POLICY_KEYS });
        }
        if threshold == 0 || threshold > keys.len() as u64 {
            return Err(PolicyError::Threshold {
                threshold,
                keys: keys.len(),
            });
        }
        for (index, key) in keys.iter().enumerate() {
            // Only the first byte: whether it is a point costs a square root, and is checked when the key signs (A7).
            if let RawPublicKey::Secp256k1(point) = key {
                check_secp256k1_tag(point).map_err(|source| PolicyError::Key { index, source })?;
            }
        }
        // One order, and no key twice: otherwise the same keys would have several encodings, and so several addresses.
        for (before, pair) in keys.windows(2).enumerate() {
            let index = before + 1;
            match pair[0].cmp(&pair[1]) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Err(PolicyError::Duplicate { index }),
                std::cmp::Ordering::Greater => return Err(PolicyError::Unsorted { index }),
            }
        }
        #[allow(clippy::cast_possible_truncation, reason = "it is at most the number of keys")]
        let threshold = threshold as usize;
        Ok(Self { threshold, keys })
    }

    /// How many keys sign.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// Its keys, sorted.
    pub fn keys(&self) -> &[RawPublicKey] {
        &self.keys
    }

    /// `RLP [m, [[kind, public_key]…]]`. Rule: docs/protocol.md#A7
    pub fn encode(&self) -> Vec<u8> {
        let mut list = Vec::new();
        for key in &self.keys {
            let mut item = Vec::with_capacity(key.bytes().len() + 8);
            key.kind().encode(&mut item);
            key.bytes().encode(&mut item);
            list.extend(wrap_list(&item));
        }
        let mut out = Vec::with_capacity(list.len() + 8);
        self.threshold.encode(&mut out);
        out.extend(wrap_list(&list));
        wrap_list(&out)
    }

    /// Reads exactly one policy.
    pub fn decode(bytes: &[u8]) -> Result<Self, PolicyError> {
        Self::read(ListReader::open("policy", bytes)?)
    }

    fn read(mut items: ListReader<'_>) -> Result<Self, PolicyError> {
        let threshold = items.u64("policy.threshold")?;
        let mut list = items.list("policy.keys")?;
        let mut keys = Vec::new();
        while !list.is_empty() {
            let index = keys.len();
            if index == MAX_POLICY_KEYS {
                return Err(PolicyError::TooManyKeys { max: MAX_POLICY_KEYS });
            }
            let mut item = list.list("policy.key")?;
            keys.push(match item.u64("policy.key.kind")? {
                1 => {
                    let key = RsaPublicKey::from_spki(item.bytes("policy.key.public_key", MAX_KEY_BYTES)?);
                    RawPublicKey::Rsa(key.map_err(|source| PolicyError::Key { index, source })?)
                }
                2 => RawPublicKey::Secp256k1(item.fixed("policy.key.public_key")?),
                found => return Err(PolicyError::UnknownKeyKind { index, found }),
            });
            item.end()?;
        }
        items.end()?;
        Self::checked(threshold, keys)
    }

    /// Rule: docs/protocol.md#A8
    pub fn address(&self) -> Address {
        address::of_policy(&self.encode())
    }

    /// Whether every secp256k1 key is a point of the curve. A node checks this only of keys that sign; a wallet checks it of
    /// all, since a key that is none can never sign.
    pub fn check_points(&self, verifier: &dyn SignatureVerifier) -> Result<(), PolicyError> {
        for (index, key) in self.keys.iter().enumerate() {
            key.address(verifier)
                .map_err(|source| PolicyError::Key { index, source })?;
        }
        Ok(())
    }
}

/// A policy with exactly as many signatures as it requires. Rule: docs/protocol.md#T11
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multisig {
    policy: Policy,
    /// By the place of the key in the policy.
    signatures: BTreeMap<usize, Vec<u8>>,
}

impl Multisig {
    /// Takes signatures by the place of their key in the policy.
    pub fn new(policy: Policy, signatures: BTreeMap<usize, Vec<u8>>) -> Result<Self, MultisigError> {
        let keys = policy.keys.len();
        if let Some((&index, _)) = signatures.range(keys..).next() {
            return Err(MultisigError::UnknownSigner { index, keys });
        }
        check_count(signatures.len(), policy.threshold)?;
        Ok(Self { policy, signatures })
    }

    /// The keys and the threshold.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Who signed: place in the policy, key, signature; in the order of the policy.
    pub fn signatures(&self) -> impl ExactSizeIterator<Item = (usize, &RawPublicKey, &[u8])> {
        self.signatures
            .iter()
            .map(|(&signer, signature)| (signer, &self.policy.keys[signer], &signature[..]))
    }

    /// Rule: docs/protocol.md#X2
    pub fn gas(&self) -> u64 {
        self.signatures().map(|(_, key, _)| key.signature_gas()).sum()
    }

    /// Policy, signers and signatures, as they follow the kind. Rule: docs/protocol.md#T11
    pub(crate) fn encode_items(&self, out: &mut Vec<u8>) {
        let signers = self.signatures.keys().fold(0u64, |signers, index| signers | 1 << index);
        let mut list = Vec::new();
        for signature in self.signatures.values() {
            signature[..].encode(&mut list);
        }
        out.extend(self.policy.encode());
        signers.encode(out);
        out.extend(wrap_list(&list));
    }

    /// Reads what follows the kind; what is there has one encoding. Rule: docs/protocol.md#T11
    pub(crate) fn read(items: &mut ListReader<'_>) -> Result<Self, TransactionError> {
        let policy = Policy::read(items.list("authenticator.policy")?)?;
        let signers = items.u64("authenticator.signers")?;
        let keys = policy.keys.len();
        // All bits, not only those of keys: one beyond them is an error, so that `signers` has one encoding.
        let named: Vec<usize> = (0..64).filter(|index| signers >> index & 1 == 1).collect();
        if let Some(&index) = named.iter().find(|index| **index >= keys) {
            return Err(MultisigError::UnknownSigner { index, keys }.into());
        }
        check_count(named.len(), policy.threshold)?;
        let mut list = items.list("authenticator.signatures")?;
        let mut signatures = BTreeMap::new();
        for &signer in &named {
            // Here fewer signatures than bits are there: the error counts the signatures.
            if list.is_empty() {
                check_count(signatures.len(), policy.threshold)?;
            }
            let signature = list.bytes("authenticator.signatures", MAX_SIGNATURE_BYTES)?;
            signatures.insert(signer, signature.to_vec());
        }
        if !list.is_empty() {
            check_count(named.len() + 1, policy.threshold)?;
        }
        Ok(Self { policy, signatures })
    }

    /// Every signature covers the same message. Rules: docs/protocol.md#T12, #A5, #A6
    pub(crate) fn verify(&self, verifier: &dyn SignatureVerifier, message: &[u8]) -> Result<(), MultisigError> {
        // The forms of all before the first verification: a comparison is cheap, a verification is not.
        for (signer, key, signature) in self.signatures() {
            key.check_signature_form(signature)
                .map_err(|source| MultisigError::Form { signer, source })?;
        }
        for (signer, key, signature) in self.signatures() {
            match key.verify(verifier, message, signature) {
                Ok(true) => {}
                Ok(false) => return Err(MultisigError::BadSignature { signer }),
                Err(source) => return Err(MultisigError::Form { signer, source }),
            }
        }
        Ok(())
    }
}

/// Rule: docs/protocol.md#T12
fn check_count(found: usize, required: usize) -> Result<(), MultisigError> {
    match found.cmp(&required) {
        std::cmp::Ordering::Less => Err(MultisigError::Missing { found, required }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(MultisigError::Extra { found, required }),
    }
}
