//! Keys from a seed: BIP-32 for secp256k1, BIP-85's application for RSA.

use bip32::{ChildNumber, XPrv};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use sha3::Shake256;
use sha3::digest::{ExtendableOutput, Update, XofReader};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::keys::{RsaBits, Secp256k1Key};
use crate::rsa_search::RsaSearch;

/// Derivation indexes are hardened or plain numbers below this. Rule: docs/protocol.md#W2
pub const MAX_INDEX: u32 = 0x7fff_ffff;

const BIP85_PURPOSE: u32 = 83_696_968;
const BIP85_RSA: u32 = 828_365;

/// Why a key could not be derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum HdError {
    #[error("derivation index {index} is above the limit of {MAX_INDEX}")]
    Index { index: u32 },
    #[error("this path yields no valid key (chance below 2^-127); use the next index")]
    Unusable,
}

/// The 64-byte seed that all keys of a wallet come from. Wiped when dropped.
pub struct Seed(Zeroizing<[u8; 64]>);

impl Seed {
    pub(crate) fn new(bytes: Zeroizing<[u8; 64]>) -> Self {
        Self(bytes)
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The secp256k1 key at `m/44'/60'/0'/0/index`. Rule: docs/protocol.md#W2
    pub fn secp256k1(&self, index: u32) -> Result<Secp256k1Key, HdError> {
        let path = [hard(44)?, hard(60)?, hard(0)?, plain(0)?, plain(index)?];
        Ok(Secp256k1Key::new(derive(self.master()?, &path)?.private_key().clone()))
    }

    /// The search for the RSA key at `m/83696968'/828365'/bits'/index'`. Rule: docs/protocol.md#W3
    pub fn rsa(&self, bits: RsaBits, index: u32) -> Result<RsaSearch, HdError> {
        let path = [hard(BIP85_RSA)?, hard(bits.get())?, hard(index)?];
        Ok(RsaSearch::new(bits, index, self.bip85(&path)?.stream()))
    }

    /// BIP-85 entropy at `m/83696968'/path`.
    fn bip85(&self, path: &[ChildNumber]) -> Result<Bip85Entropy, HdError> {
        let purpose = self
            .master()?
            .derive_child(hard(BIP85_PURPOSE)?)
            .map_err(|_| HdError::Unusable)?;
        Ok(Bip85Entropy::of(&derive(purpose, path)?))
    }

    fn master(&self) -> Result<XPrv, HdError> {
        XPrv::new(self.0.as_slice()).map_err(|_| HdError::Unusable)
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(hidden)")
    }
}

/// `HMAC-SHA512("bip-entropy-from-k", k)` of a derived private key k, BIP-85.
struct Bip85Entropy(Zeroizing<[u8; 64]>);

impl Bip85Entropy {
    fn of(key: &XPrv) -> Self {
        let secret = Zeroizing::new(key.to_bytes());
        let mut mac = Hmac::<Sha512>::new_from_slice(b"bip-entropy-from-k").expect("HMAC takes keys of any length");
        Mac::update(&mut mac, secret.as_slice());
        let mut entropy = Zeroizing::new([0u8; 64]);
        entropy.copy_from_slice(&mac.finalize().into_bytes());
        Self(entropy)
    }

    /// BIP85-DRNG-SHAKE256: the byte stream that the entropy seeds.
    fn stream(&self) -> Drng {
        let mut hasher = Shake256::default();
        hasher.update(self.0.as_slice());
        Drng(hasher.finalize_xof())
    }
}

/// BIP-85's deterministic random byte stream.
pub(crate) struct Drng(sha3::Shake256Reader);

impl Drng {
    pub(crate) fn read(&mut self, out: &mut [u8]) {
        self.0.read(out);
    }
}

fn derive(from: XPrv, path: &[ChildNumber]) -> Result<XPrv, HdError> {
    path.iter().try_fold(from, |key, &child| {
        key.derive_child(child).map_err(|_| HdError::Unusable)
    })
}

fn hard(index: u32) -> Result<ChildNumber, HdError> {
    ChildNumber::new(index, true).map_err(|_| HdError::Index { index })
}

fn plain(index: u32) -> Result<ChildNumber, HdError> {
    ChildNumber::new(index, false).map_err(|_| HdError::Index { index })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The master key and the vectors of BIP-85 itself.
    const MASTER: &str = "xprv9s21ZrQH143K2LBWUUQRFXhucrQqBpKdRRxNVq2zBqsx8HVqFk2uYo8kmbaLLHRdqtQpUm98uKfu3vca1LqdGhUtyoFnCNkfmXRyPXLjbKb";

    fn published(index: u32) -> Bip85Entropy {
        let master: XPrv = MASTER.parse().unwrap();
        let path = [hard(BIP85_PURPOSE).unwrap(), hard(0).unwrap(), hard(index).unwrap()];
        Bip85Entropy::of(&derive(master, &path).unwrap())
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn bip85_entropy_is_that_of_the_published_vectors() {
        assert_eq!(
            hex(published(0).0.as_slice()),
            "efecfbccffea313214232d29e71563d941229afb4338c21f9517c41aaa0d16f00b83d2a09ef747e7a64e8e2bd5a14869e693da66ce94ac2da570ab7ee48618f7"
        );
        assert_eq!(
            hex(published(1).0.as_slice()),
            "70c6e3e8ebee8dc4c0dbba66076819bb8c09672527c4277ca8729532ad711872218f826919f6b67218adde99018a6df9095ab2b58d803b5b93ec9802085a690e"
        );
    }

    #[test]
    fn bip85_stream_is_that_of_the_published_vector() {
        let mut out = [0u8; 80];
        let mut stream = published(0).stream();
        // Read in two parts: the stream goes on where it stopped.
        stream.read(&mut out[..33]);
        stream.read(&mut out[33..]);
        assert_eq!(
            hex(&out),
            "b78b1ee6b345eae6836c2d53d33c64cdaf9a696487be81b03e822dc84b3f1cd883d7559e53d175f243e4c349e822a957bbff9224bc5dde9492ef54e8a439f6bc8c7355b87a925a37ee405a7502991111"
        );
    }

    #[test]
    fn an_index_beyond_31_bits_is_refused() {
        let seed = Seed::new(Zeroizing::new([7; 64]));
        let index = 0x8000_0000;
        assert_eq!(seed.secp256k1(index).err(), Some(HdError::Index { index }));
        assert_eq!(seed.rsa(RsaBits::B2048, index).err(), Some(HdError::Index { index }));
    }
}
