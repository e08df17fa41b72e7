//! Transfers signed at the speed of native libraries: AWS-LC for RSA, libsecp256k1 for ECDSA. Rules: docs/protocol.md#T3, #A5, #A6
//!
//! The payload is built by the wallet's own code, so nodes see the same bytes as from a wallet. Only the signatures are made by
//! other libraries, without the wallet's blinding and its check of each: the keys of the benches are PUBLIC.

use anyhow::Context as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaKeyPair};
use clap::ValueEnum;
use secp256k1::{Message, SecretKey, ecdsa};
use tally_chain::hash::sha256;
use tally_chain::keys::RawPublicKey;
use tally_chain::multisig::Policy;
use tally_chain::transaction::{ChainIdentity, Payload, TallyTransaction};
use tally_chain::{Address, Amount, Bytes, RawTransaction, ReferenceVerifier, U256, UnixSecs};
use tally_wallet::{Account, KeyKind, Origin, Payment, SigningKey, keystore, payment};

use super::signers::{self, FEE};

/// What signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mix {
    /// RSA-2048
    Rsa,
    /// secp256k1
    Ecc,
    /// Shared accounts: two of three secp256k1 keys
    Multisig,
    /// RSA, secp256k1 and shared accounts in turn
    Mixed,
}

/// Keys of a policy, and how many of them sign.
const POLICY: (usize, usize) = (3, 2);

/// The least ECPrivateKey of RFC 5915: version 1, and a string of 32 bytes.
const EC_PRIVATE_KEY: [u8; 5] = [0x02, 0x01, 0x01, 0x04, 0x20];

enum Key {
    Rsa(Box<RsaKeyPair>),
    Secp256k1(SecretKey),
}

impl Key {
    fn of(key: &SigningKey) -> anyhow::Result<Self> {
        let der = keystore::plain_pkcs8(key);
        if matches!(key, SigningKey::Rsa(_)) {
            let key = RsaKeyPair::from_pkcs8(&der).context("AWS-LC rejects an RSA key of the PUBLIC phrase")?;
            return Ok(Self::Rsa(Box::new(key)));
        }
        let at = der
            .windows(EC_PRIVATE_KEY.len())
            .position(|bytes| bytes == EC_PRIVATE_KEY);
        let secret = at.and_then(|at| der[at + EC_PRIVATE_KEY.len()..].first_chunk::<32>());
        let secret = secret.context("the wallet writes a secp256k1 key in another form")?;
        Ok(Self::Secp256k1(SecretKey::from_secret_bytes(*secret)?))
    }

    /// A signature of `message`, in the form that an envelope has.
    fn sign(&self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                // AWS-LC makes the salt as long as the digest, 32 bytes: what A5 requires.
                let signed = key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature);
                signed.context("AWS-LC makes no signature")?;
                Ok(signature)
            }
            // Low s, with the nonce of RFC 6979: the bytes that the wallet makes.
            Self::Secp256k1(key) => {
                let digest = Message::from_digest(sha256(&[message]).0);
                Ok(ecdsa::sign(digest, key).serialize_compact().to_vec())
            }
        }
    }
}

/// An account of the PUBLIC phrase that sends.
pub struct Sender {
    account: Account,
    vouching: tally_wallet::Signers,
    /// The keys that sign, each with its place among those that could.
    keys: Vec<(usize, Key)>,
}

impl Sender {
    /// The first `count` accounts that sign in this way. RSA keys are searched on all cores.
    pub fn some(mix: Mix, count: u32) -> anyhow::Result<Vec<Self>> {
        // Of `count` accounts in turn, those whose number leaves 0, 1 and 2 when it is divided by 3.
        let share = |part: u32| match mix {
            Mix::Rsa => [count, 0, 0][part as usize],
            Mix::Ecc => [0, count, 0][part as usize],
            Mix::Multisig => [0, 0, count][part as usize],
            Mix::Mixed => (count + 2 - part) / 3,
        };
        let keys_of_policies = POLICY.0 as u32 * share(2);
        let rsa = match share(0) {
            0 => Vec::new(),
            rsa => signers::Signers::new(KeyKind::Rsa2048, rsa)?.accounts,
        };
        let mut ecc = match share(1) + keys_of_policies {
            0 => Vec::new(),
            ecc => signers::Signers::new(KeyKind::Secp256k1, ecc)?.accounts,
        };
        let policies = ecc.split_off(share(1) as usize);
        let rsa = rsa.iter().map(Self::of_key);
        let mut ecc = ecc.iter().map(Self::of_key);
        let mut shared = policies.chunks(POLICY.0).map(Self::of_policy);
        let mut senders = Vec::new();
        for sender in rsa {
            senders.push(sender?);
            senders.extend(ecc.next().transpose()?);
            senders.extend(shared.next().transpose()?);
        }
        for sender in ecc.chain(shared) {
            senders.push(sender?);
        }
        Ok(senders)
    }

    fn of_key((account, key): &(Account, SigningKey)) -> anyhow::Result<Self> {
        Ok(Self {
            account: account.clone(),
            vouching: account.signers().context("an account of the phrase has a key")?,
            keys: vec![(0, Key::of(key)?)],
        })
    }

    fn of_policy(members: &[(Account, SigningKey)]) -> anyhow::Result<Self> {
        let raw = |key: &SigningKey| RawPublicKey::from(&key.public_key());
        let keys = members.iter().map(|(_, key)| raw(key)).collect();
        let policy = Policy::new(POLICY.1, keys)?;
        let signing = members.iter().take(POLICY.1).map(|(_, key)| {
            let place = policy.keys().iter().position(|known| *known == raw(key));
            Ok((place.context("the policy has this key")?, Key::of(key)?))
        });
        let keys = signing.collect::<anyhow::Result<_>>()?;
        Ok(Self {
            account: Account {
                origin: Origin::Shared,
                label: String::new(),
                address: policy.address(),
                key: None,
                policy: Some(policy.clone()),
                archived: false,
            },
            vouching: tally_wallet::Signers::Policy(policy),
            keys,
        })
    }

    pub fn address(&self) -> Address {
        self.account.address
    }

    /// A signed transfer of one base unit.
    pub fn transfer(&self, chain: &ChainIdentity, to: Address, nonce: u64, time: UnixSecs) -> anyhow::Result<Bytes> {
        let payment = Payment {
            to,
            value: Amount(U256::ONE),
            memo: String::new(),
            nonce,
            timestamp: time,
            fee: FEE,
        };
        let payload = Payload::decode(&payment::build(chain, &self.account, &payment)?)?;
        let message = payload.signed_message(&chain.genesis, &self.account.address);
        let signatures = self.keys.iter().map(|(place, key)| Ok((*place, key.sign(&message)?)));
        let authenticator = self
            .vouching
            .authenticator(signatures.collect::<anyhow::Result<_>>()?)?;
        Ok(TallyTransaction { payload, authenticator }.encode().into())
    }

    /// Whether the reference implementation takes what this account signs.
    pub fn check(&self, chain: &ChainIdentity) -> anyhow::Result<()> {
        let envelope = self.transfer(chain, Address::ZERO, 0, UnixSecs(0))?;
        let checked = RawTransaction::decode(envelope)?.check(chain, &ReferenceVerifier)?;
        anyhow::ensure!(checked.sender() == self.address(), "signed for {}", checked.sender());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: ChainIdentity = ChainIdentity {
        chain_id: 8_599,
        genesis: tally_chain::BlockId::ZERO,
    };

    #[test]
    fn every_kind_is_accepted_by_the_reference() {
        let senders = Sender::some(Mix::Mixed, 3).unwrap();
        assert_eq!(senders.len(), 3);
        for sender in &senders {
            sender.check(&CHAIN).unwrap();
        }
    }

    /// Both nonces of ECDSA are those of RFC 6979, so both libraries make the same envelope.
    #[test]
    fn secp256k1_envelopes_are_the_wallets_byte_for_byte() {
        let wallet = signers::Signers::new(KeyKind::Secp256k1, 2).unwrap().on(CHAIN);
        let to = Address::repeat_byte(0xbe);
        for (index, sender) in Sender::some(Mix::Ecc, 2).unwrap().iter().enumerate() {
            let expected = wallet.transfer(index, to, Amount(U256::ONE), 7, UnixSecs(9)).unwrap();
            assert_eq!(sender.transfer(&CHAIN, to, 7, UnixSecs(9)).unwrap(), expected);
        }
    }
}
