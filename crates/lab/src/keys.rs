//! PUBLIC keys that sign whatever they are given, also what no wallet signs.

use k256::ecdsa::signature::hazmat::PrehashSigner as _;
use k256::ecdsa::{Signature, SigningKey};
use rsa::pkcs8::EncodePublicKey as _;
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPrivateKey, pss::Pss};
use sha2::Sha256;
use tally_chain::hash::sha256;
use tally_chain::keys::{PSS_SALT_BYTES, RawPublicKey, RsaPublicKey};
use tally_chain::transaction::{ChainIdentity, Payload};
use tally_chain::{Address, B256, Bytes, PublicKey, address};

use crate::forgery::Envelope;
use crate::numbers::{CUBE_P, CUBE_Q, PRIME_P, PRIME_Q, PRIME_R, SMALL_P, SMALL_Q};
use crate::random::Seeded;

/// The exponent that the protocol accepts. Rule: docs/protocol.md#A4
const EXPONENT: u64 = 65_537;

/// A key with the two parts of an authenticator. Rule: docs/protocol.md#T2
pub trait Signer {
    /// 1 is RSA, 2 is secp256k1.
    fn kind(&self) -> u64;
    /// The key as an authenticator has it.
    fn public_bytes(&self) -> Vec<u8>;
    /// The account of the key.
    fn address(&self) -> Address;
    /// A good signature of a digest.
    fn sign(&self, digest: &B256) -> Vec<u8>;

    /// A payload with this key's signature on it, not encoded yet.
    fn open(&self, chain: &ChainIdentity, payload: &Payload) -> Envelope {
        let mut envelope = Envelope::new(payload, self.kind(), self.public_bytes());
        envelope.signature = self.sign(&envelope.digest(chain, self.address()));
        envelope
    }

    /// A signed payment. Rule: docs/protocol.md#T2
    fn envelope(&self, chain: &ChainIdentity, payload: &Payload) -> Bytes {
        self.open(chain, payload).encode()
    }
}

/// A secp256k1 key.
pub struct Secp256k1Signer(SigningKey);

impl Secp256k1Signer {
    /// The key number `index` of a scenario.
    pub fn of(scenario: &str, index: u8) -> Self {
        // A digest is no number below the curve's order in one of 2^128 cases; the text is a constant of this crate.
        let secret = sha256(&[b"tally/lab/account", scenario.as_bytes(), &[index]]);
        Self(SigningKey::from_slice(secret.as_slice()).expect("a digest is a secret of the curve"))
    }

    /// As policies have it.
    pub fn public(&self) -> RawPublicKey {
        RawPublicKey::Secp256k1(self.compressed())
    }

    /// The key for signatures of Ethereum types.
    pub(crate) fn key(&self) -> &SigningKey {
        &self.0
    }

    fn compressed(&self) -> [u8; 33] {
        let point = self.0.verifying_key().to_sec1_point(true);
        point.as_bytes().try_into().expect("a compressed point has 33 bytes")
    }
}

impl Signer for Secp256k1Signer {
    fn kind(&self) -> u64 {
        2
    }

    fn public_bytes(&self) -> Vec<u8> {
        self.compressed().to_vec()
    }

    fn address(&self) -> Address {
        let point = self.0.verifying_key().to_sec1_point(false);
        let point = point.as_bytes()[1..].try_into();
        address::of_secp256k1(point.expect("an uncompressed point has 65 bytes"))
    }

    fn sign(&self, digest: &B256) -> Vec<u8> {
        let signature: Signature = self.0.sign_prehash(digest.as_slice()).expect("a digest has 32 bytes");
        signature.normalize_s().to_bytes().to_vec()
    }
}

/// An RSA key, weak ones included.
pub struct RsaSigner {
    key: RsaPrivateKey,
    spki: Vec<u8>,
}

impl RsaSigner {
    fn new(p: &[u8], q: &[u8], exponent: u64) -> Self {
        let number = |bytes: &[u8]| {
            let bits = u32::try_from(bytes.len() * 8).expect("a prime of this crate is short");
            BoxedUint::from_be_slice(bytes, bits).expect("as many bits as it has")
        };
        let key = RsaPrivateKey::from_p_q(number(p), number(q), BoxedUint::from(exponent));
        let key = key.expect("the primes of this crate make keys");
        let spki = key.to_public_key().to_public_key_der();
        let spki = spki.expect("a public key has an encoding").as_bytes().to_vec();
        Self { key, spki }
    }

    /// 2,048 bits and the usual exponent: one of three, each two of which have a prime in common.
    pub fn good(index: usize) -> Self {
        let (p, q) = [(PRIME_P, PRIME_Q), (PRIME_P, PRIME_R), (PRIME_Q, PRIME_R)][index % 3];
        Self::new(&p, &q, EXPONENT)
    }

    /// 2,048 bits, and no prime in common with the others.
    pub fn independent() -> Self {
        Self::new(&CUBE_P, &CUBE_Q, EXPONENT)
    }

    /// 1,024 bits.
    pub fn short() -> Self {
        Self::new(&SMALL_P, &SMALL_Q, EXPONENT)
    }

    /// 2,048 bits with the exponent 3.
    pub fn cube() -> Self {
        Self::new(&CUBE_P, &CUBE_Q, 3)
    }

    /// As wallets hold it; only of keys that the protocol accepts.
    pub fn public(&self) -> Option<PublicKey> {
        RsaPublicKey::from_spki(&self.spki)
            .ok()
            .map(|key| PublicKey::from(&key))
    }

    /// A signature with the older padding.
    pub fn sign_pkcs1(&self, digest: &B256) -> Vec<u8> {
        let signature = self.key.sign(Pkcs1v15Sign::new::<Sha256>(), digest.as_slice());
        signature.expect("a key signs a digest")
    }

    #[cfg(test)]
    pub(crate) fn verifies(&self, digest: &B256, signature: &[u8]) -> bool {
        let scheme = Pss::<Sha256>::new_with_salt(PSS_SALT_BYTES);
        self.key
            .to_public_key()
            .verify(scheme, digest.as_slice(), signature)
            .is_ok()
    }

    #[cfg(test)]
    pub(crate) fn verifies_pkcs1(&self, digest: &B256, signature: &[u8]) -> bool {
        let scheme = Pkcs1v15Sign::new::<Sha256>();
        self.key
            .to_public_key()
            .verify(scheme, digest.as_slice(), signature)
            .is_ok()
    }
}

impl Signer for RsaSigner {
    fn kind(&self) -> u64 {
        1
    }

    fn public_bytes(&self) -> Vec<u8> {
        self.spki.clone()
    }

    fn address(&self) -> Address {
        address::of_rsa(&self.spki)
    }

    fn sign(&self, digest: &B256) -> Vec<u8> {
        let scheme = Pss::<Sha256>::new_blinded_with_salt(PSS_SALT_BYTES);
        let mut rng = Seeded::new(&digest.to_string());
        let signature = self.key.sign_with_rng(&mut rng, scheme, digest.as_slice());
        signature.expect("a key signs a digest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_keys_are_real_keys_whose_signatures_verify() {
        let digest = B256::repeat_byte(7);
        for key in [RsaSigner::good(0), RsaSigner::short(), RsaSigner::cube()] {
            assert!(key.verifies(&digest, &key.sign(&digest)));
            assert!(key.verifies_pkcs1(&digest, &key.sign_pkcs1(&digest)));
            assert!(!key.verifies(&digest, &key.sign_pkcs1(&digest)));
        }
        assert!(RsaSigner::good(2).public().is_some() && RsaSigner::independent().public().is_some());
        assert!(RsaSigner::short().public().is_none() && RsaSigner::cube().public().is_none());
    }
}
