//! PUBLIC test keys: those of the phrase in docs/protocol.md#W6. Everyone who reads that page holds them.

use std::sync::LazyLock;

use k256::ecdsa::SigningKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::{BoxedUint, Pkcs1v15Sign, Pss, RsaPrivateKey};
use sha2::Sha256;
use tally_chain::hash::sha256;
use tally_chain::keys::RsaPublicKey;
use tally_chain::transaction::{
    Authenticator, ChainIdentity, EthereumTransaction, Payload, RawTransaction, TallyTransaction,
};
use tally_chain::{Address, address};

use super::hex;

/// Randomness for tests: the same seed gives the same bytes.
pub struct SeededRng {
    seed: u64,
    counter: u64,
}

impl SeededRng {
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: 0 }
    }
}

impl TryRng for SeededRng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|word| word as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in out.chunks_mut(32) {
            let block = sha256(&[&self.seed.to_be_bytes(), &self.counter.to_be_bytes()]);
            self.counter += 1;
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for SeededRng {}

/// An RSA test account.
pub struct RsaAccount {
    private: RsaPrivateKey,
    pub public: RsaPublicKey,
}

impl RsaAccount {
    fn from_primes(text: &str) -> Self {
        let [p, q] = [0, 1].map(|line| hex(text.lines().nth(line).unwrap()));
        let uint = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bytes.len() as u32 * 8).unwrap();
        let private = RsaPrivateKey::from_p_q(uint(&p), uint(&q), 65_537u64.into()).unwrap();
        let modulus = rsa::traits::PublicKeyParts::n_bytes(&private);
        let public = RsaPublicKey::from_modulus(&modulus).unwrap();
        Self { private, public }
    }

    pub fn address(&self) -> Address {
        self.public.address()
    }

    /// RSASSA-PSS with SHA-256 and a salt of `salt_len` bytes drawn from `seed`.
    pub fn sign_pss(&self, message: &[u8], salt_len: usize, seed: u64) -> Vec<u8> {
        let digest = sha256(&[message]);
        self.private
            .sign_with_rng(
                &mut SeededRng::new(seed),
                Pss::<Sha256>::new_with_salt(salt_len),
                digest.as_slice(),
            )
            .unwrap()
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub fn sign_pkcs1v15(&self, message: &[u8]) -> Vec<u8> {
        let digest_info = [
            hex("3031300d060960864801650304020105000420"),
            sha256(&[message]).to_vec(),
        ]
        .concat();
        self.private
            .sign_with_rng(&mut SeededRng::new(0), Pkcs1v15Sign::new_unprefixed(), &digest_info)
            .unwrap()
    }

    /// A signed Tally transaction; `seed` gives the salt.
    pub fn sign(&self, payload: Payload, chain: &ChainIdentity, seed: u64) -> TallyTransaction {
        let message = payload.signed_message(&chain.genesis, &self.address());
        self.with_signature(payload, self.sign_pss(&message, 32, seed))
    }

    pub fn with_signature(&self, payload: Payload, signature: Vec<u8>) -> TallyTransaction {
        let public_key = self.public.clone();
        TallyTransaction {
            payload,
            authenticator: Authenticator::RsaPssSha256 { public_key, signature },
        }
    }
}

/// RSA-2048 account 0. Rule: docs/protocol.md#W6
pub static RSA_2048: LazyLock<RsaAccount> =
    LazyLock::new(|| RsaAccount::from_primes(include_str!("public_rsa_2048.hex")));
/// RSA-3072 account 0.
pub static RSA_3072: LazyLock<RsaAccount> =
    LazyLock::new(|| RsaAccount::from_primes(include_str!("public_rsa_3072.hex")));
/// RSA-4096 account 0.
pub static RSA_4096: LazyLock<RsaAccount> =
    LazyLock::new(|| RsaAccount::from_primes(include_str!("public_rsa_4096.hex")));

/// A secp256k1 test account.
pub struct EcAccount(SigningKey);

impl EcAccount {
    pub fn from_secret(secret: &[u8]) -> Self {
        Self(SigningKey::from_slice(secret).unwrap())
    }

    /// SEC1 compressed.
    pub fn public_key(&self) -> [u8; 33] {
        let point = self.0.verifying_key().to_sec1_point(true);
        point.as_bytes().try_into().unwrap()
    }

    pub fn address(&self) -> Address {
        let point = self.0.verifying_key().to_sec1_point(false);
        address::of_secp256k1(&point.as_bytes()[1..].try_into().unwrap())
    }

    /// `r || s` with low s, and whether y is odd.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> ([u8; 64], bool) {
        let (signature, id) = self.0.sign_prehash_recoverable(digest);
        (signature.to_bytes().into(), id.is_y_odd())
    }

    pub fn sign(&self, payload: Payload, chain: &ChainIdentity) -> TallyTransaction {
        let message = payload.signed_message(&chain.genesis, &self.address());
        let (signature, _) = self.sign_digest(&sha256(&[&message]).0);
        self.with_signature(payload, signature)
    }

    pub fn with_signature(&self, payload: Payload, signature: [u8; 64]) -> TallyTransaction {
        let public_key = self.public_key();
        TallyTransaction {
            payload,
            authenticator: Authenticator::Secp256k1 { public_key, signature },
        }
    }

    /// Signs an Ethereum transaction in place.
    pub fn sign_ethereum(&self, mut transaction: EthereumTransaction) -> EthereumTransaction {
        let (signature, y_odd) = self.sign_digest(&transaction.signing_hash().0);
        (transaction.signature, transaction.y_odd) = (signature, y_odd);
        transaction
    }
}

/// secp256k1 account 0. Rule: docs/protocol.md#W6
pub static SECP256K1: LazyLock<EcAccount> =
    LazyLock::new(|| EcAccount::from_secret(&hex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")));

/// `r || s` with s replaced by n - s.
pub fn negate_s(signature: &[u8; 64]) -> [u8; 64] {
    let order =
        tally_chain::U256::from_be_slice(&hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));
    let s = tally_chain::U256::from_be_slice(&signature[32..]);
    let mut out = *signature;
    out[32..].copy_from_slice(&(order - s).to_be_bytes::<32>());
    out
}

/// Decodes an envelope that must be well-formed.
pub fn raw(envelope: Vec<u8>) -> RawTransaction {
    RawTransaction::decode(envelope).unwrap()
}
