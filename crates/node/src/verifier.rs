//! Signatures at native speed, each checked once. Rules: docs/protocol.md#A5, #A6, #T10
//!
//! [`NativeVerifier`] gives the verdicts of `ReferenceVerifier`, faster. [`TransactionChecker`] remembers what it has
//! checked, so that a transaction that came in alone costs nothing when its block comes.

#[cfg(test)]
pub(crate) mod fixture;
mod recent;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PSS_2048_8192_SHA256};
use parking_lot::Mutex;
use rayon::prelude::*;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId, Signature};
use secp256k1::{Message, PublicKey, ecdsa};
use tally_chain::hash::sha256;
use tally_chain::keys::{RsaPublicKey, SignatureVerifier};
use tally_chain::transaction::ChainIdentity;
use tally_chain::{B256, CheckedTransaction, RawTransaction, TransactionError};

use recent::Recent;

/// Caches are cut into this many parts, so that the cores do not wait for each other.
const SHARDS: usize = 16;
/// Parsed RSA keys that are kept at least, in all; a parsed 4096-bit key takes about 2 KiB.
const PARSED_KEYS: usize = 8_192;
/// Envelope bytes whose checks are remembered at least, in all; up to twice as many are held.
pub const DEFAULT_CACHE_BYTES: usize = 128 * 1024 * 1024;
/// What remembering one transaction costs beside its envelope, in bytes.
const ENTRY_BYTES: usize = 256;

type Shard<K, V> = Mutex<Recent<K, V>>;

fn shards<K: Eq + std::hash::Hash, V: Clone>(budget: usize) -> Box<[Shard<K, V>]> {
    (0..SHARDS).map(|_| Mutex::new(Recent::new(budget / SHARDS))).collect()
}

/// AWS-LC for RSA, libsecp256k1 for ECDSA; the verdicts of `ReferenceVerifier`.
pub struct NativeVerifier {
    keys: Box<[Shard<RsaPublicKey, Arc<ParsedPublicKey>>]>,
}

impl Default for NativeVerifier {
    fn default() -> Self {
        Self {
            keys: shards(PARSED_KEYS),
        }
    }
}

impl NativeVerifier {
    /// The parsed form of a key: parsing costs a fifth of a verification, and senders come back.
    fn parsed(&self, key: &RsaPublicKey) -> Option<Arc<ParsedPublicKey>> {
        let shard = &self.keys[usize::from(key.modulus()[1]) % SHARDS];
        if let Some(parsed) = shard.lock().get(key) {
            return Some(parsed);
        }
        let parsed = Arc::new(ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.pkcs1()).ok()?);
        shard.lock().insert(key.clone(), Arc::clone(&parsed), 1);
        Some(parsed)
    }
}

impl SignatureVerifier for NativeVerifier {
    fn verify_rsa_pss(&self, key: &RsaPublicKey, message: &[u8], signature: &[u8]) -> bool {
        // AWS-LC takes the salt to be as long as the digest, 32 bytes: what A5 requires.
        self.parsed(key)
            .is_some_and(|parsed| parsed.verify_sig(message, signature).is_ok())
    }

    fn verify_secp256k1(&self, key: &[u8; 33], digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        let (Ok(key), Ok(signature)) = (
            PublicKey::from_byte_array_compressed(*key),
            Signature::from_compact(signature),
        ) else {
            return false;
        };
        ecdsa::verify(&signature, Message::from_digest(*digest), &key).is_ok()
    }

    fn decompress_secp256k1(&self, key: &[u8; 33]) -> Option<[u8; 64]> {
        PublicKey::from_byte_array_compressed(*key)
            .ok()
            .map(|key| uncompressed(&key))
    }

    fn recover_secp256k1(&self, digest: &[u8; 32], signature: &[u8; 64], y_odd: bool) -> Option<[u8; 64]> {
        let id = if y_odd { RecoveryId::One } else { RecoveryId::Zero };
        let signature = RecoverableSignature::from_compact(signature, id).ok()?;
        let key = signature.recover_ecdsa(Message::from_digest(*digest)).ok()?;
        Some(uncompressed(&key))
    }
}

fn uncompressed(key: &PublicKey) -> [u8; 64] {
    let mut out = [0; 64];
    out.copy_from_slice(&key.serialize_uncompressed()[1..]);
    out
}

/// Transactions that were checked lately, by the SHA-256 of their envelope; bounded in bytes.
pub struct SignatureCache {
    shards: Box<[Shard<B256, CheckedTransaction>]>,
}

impl SignatureCache {
    /// Remembers at least the last `bytes` of envelopes.
    pub fn new(bytes: usize) -> Self {
        Self { shards: shards(bytes) }
    }

    fn shard(&self, envelope_hash: &B256) -> &Shard<B256, CheckedTransaction> {
        &self.shards[usize::from(envelope_hash[0]) % SHARDS]
    }

    /// The checked transaction, if this very envelope was checked before.
    pub fn get(&self, envelope_hash: &B256) -> Option<CheckedTransaction> {
        self.shard(envelope_hash).lock().get(envelope_hash)
    }

    /// Remembers a checked transaction by the SHA-256 of its envelope.
    pub fn insert(&self, envelope_hash: B256, transaction: CheckedTransaction) {
        let weight = transaction.envelope().len() + ENTRY_BYTES;
        self.shard(&envelope_hash)
            .lock()
            .insert(envelope_hash, transaction, weight);
    }

    /// Transactions remembered now.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The one door from raw to checked transactions in a node: checks each envelope once, batches on all cores.
pub struct TransactionChecker {
    identity: ChainIdentity,
    verifier: NativeVerifier,
    cache: SignatureCache,
}

impl TransactionChecker {
    /// A checker for one chain that remembers [`DEFAULT_CACHE_BYTES`].
    pub fn new(identity: ChainIdentity) -> Self {
        Self::with_cache(identity, SignatureCache::new(DEFAULT_CACHE_BYTES))
    }

    /// With a cache of another size.
    pub fn with_cache(identity: ChainIdentity, cache: SignatureCache) -> Self {
        Self {
            identity,
            verifier: NativeVerifier::default(),
            cache,
        }
    }

    /// What signatures are bound to.
    pub fn identity(&self) -> &ChainIdentity {
        &self.identity
    }

    /// What was checked before.
    pub fn cache(&self) -> &SignatureCache {
        &self.cache
    }

    /// Checks one transaction, unless its very envelope was checked before.
    pub fn check_one(&self, raw: RawTransaction) -> Result<CheckedTransaction, TransactionError> {
        let hash = sha256(&[raw.envelope()]);
        if let Some(known) = self.cache.get(&hash) {
            return Ok(known);
        }
        let checked = raw.check(&self.identity, &self.verifier)?;
        self.cache.insert(hash, checked.clone());
        Ok(checked)
    }

    /// Checks a batch on all cores, in order; of several failures it returns the one with the smallest index.
    pub fn check_all(
        &self,
        transactions: Vec<RawTransaction>,
    ) -> Result<Vec<CheckedTransaction>, (usize, TransactionError)> {
        let first_failure = AtomicUsize::new(usize::MAX);
        let verdicts: Vec<_> = transactions
            .into_par_iter()
            .enumerate()
            .map(|(index, raw)| {
                // Only what comes after a failure is skipped, so the first failure is always found.
                if index > first_failure.load(Ordering::Relaxed) {
                    return None;
                }
                let verdict = self.check_one(raw);
                if verdict.is_err() {
                    first_failure.fetch_min(index, Ordering::Relaxed);
                }
                Some(verdict.map_err(|error| (index, error)))
            })
            .collect();
        // Skipped ones stand behind the failure that ends the collecting.
        verdicts.into_iter().flatten().collect()
    }
}
