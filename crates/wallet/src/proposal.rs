//! Payments that are not signed yet, or not by all: what people hand to each other until enough have signed, and what goes
//! to a machine without a network and back. Rules: docs/protocol.md#W63 to #W66

mod attached;

use alloy_rlp::Encodable as _;
use rand_core::CryptoRng;
use tally_chain::codec::{CodecError, ListReader, wrap_list};
use tally_chain::keys::{KeyError, RawPublicKey};
use tally_chain::multisig::{Policy, PolicyError};
use tally_chain::transaction::{ChainIdentity, Payload, TransactionError};
use tally_chain::{Address, B256, BlockId, PublicKey, ReferenceVerifier};
use thiserror::Error;

use crate::account::Account;
use crate::keys::SigningKey;
use crate::payment::{self, Payment, PaymentError, Review, Signed};
use crate::signers::{Signatures, Signers};
use crate::text::{self, TextError};

const KIND: &str = "tally-proposal";
/// Longest payload, in bytes: a memo is all that a wallet puts in. Rule: docs/protocol.md#W63
const MAX_PAYLOAD_BYTES: usize = 4_096;
/// Longest public key, and longest signature, that is looked at, in bytes.
const MAX_ITEM_BYTES: usize = 4_096;

/// Why a proposal is not read, signed or completed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum ProposalError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("the proposal: {0}")]
    Codec(#[from] CodecError),
    #[error("the proposal names a signer of the kind {found}; 1 (one key) and 2 (a policy) exist")]
    SignerKind { found: u64 },
    #[error("the proposal's key: {0}")]
    Key(KeyError),
    #[error("the proposal's policy: {0}")]
    Policy(#[from] PolicyError),
    #[error("the proposal is for the chain with genesis {found}, not {expected}")]
    OtherChain { found: BlockId, expected: BlockId },
    #[error("the proposal is for the chain id {found}, not {expected}")]
    OtherChainId { found: u64, expected: u64 },
    #[error("the proposal counts {keys} keys; there is no key {place}")]
    UnknownPlace { place: usize, keys: usize },
    #[error("the signatures of the proposal do not stand in the order of their keys")]
    Unsorted,
    #[error("the signature of key {place}: {source}")]
    SignatureForm { place: usize, source: KeyError },
    #[error("the signature of key {place} does not verify")]
    BadSignature { place: usize },
    #[error("{key} is none of the keys that vouch for {account}")]
    NotASigner { key: Address, account: Address },
    #[error("the signature verifies under none of the keys that vouch for {account}")]
    NobodysSignature { account: Address },
    #[error("the signature has {found} bytes; {} are needed", lengths(.expected))]
    SignatureLength { found: usize, expected: Vec<usize> },
    #[error("the signature has {found} bytes, one too many at its end: leave it out")]
    OneByteTooMany { found: usize },
    #[error(
        "the signature is RSA-PSS with a salt of {found} bytes; {expected} are needed: openssl pkeyutl -sign -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:{expected} -pkeyopt digest:sha256"
    )]
    PssSalt { found: usize, expected: usize },
    #[error(
        "the signature is RSA with the padding of PKCS#1 v1.5; PSS is needed: openssl pkeyutl -sign -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32 -pkeyopt digest:sha256"
    )]
    Pkcs1Padding,
    #[error(
        "the signature covers SHA-256 of the digest: the digest itself is to be signed (openssl pkeyutl -sign), or the message with SHA-256 (openssl dgst -sha256 -sign)"
    )]
    HashedTwice,
    #[error("the two proposals are not of the same payment: their {what} differ")]
    Differs { what: &'static str },
    #[error("{found} of {required} signatures are there")]
    Incomplete { found: usize, required: usize },
    #[error(transparent)]
    Payment(#[from] PaymentError),
    #[error(transparent)]
    Transaction(#[from] TransactionError),
}

/// A payment of one chain, who has to vouch for it, and who has so far. Every signature in it verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    chain: ChainIdentity,
    signers: Signers,
    payload: Payload,
    signatures: Signatures,
}

impl Proposal {
    /// Builds a payment of an account whose key or policy is known. Rule: docs/protocol.md#W8
    pub fn build(chain: &ChainIdentity, account: &Account, payment: &Payment) -> Result<Self, ProposalError> {
        let address = account.address;
        let signers = account.signers().ok_or(PaymentError::NoPublicKey { address })?;
        let payload = payment::build(chain, account, payment)?;
        Ok(Self {
            chain: *chain,
            signers,
            payload: payment::decode(chain, &payload)?,
            signatures: Signatures::new(),
        })
    }

    /// The chain that its signatures are bound to.
    pub fn chain(&self) -> &ChainIdentity {
        &self.chain
    }

    /// Who pays.
    pub fn account(&self) -> Address {
        self.signers.address()
    }

    /// The keys that may sign, and how many have to.
    pub fn signers(&self) -> &Signers {
        &self.signers
    }

    /// Addresses of the keys, in order, and whether each has signed.
    pub fn who(&self) -> Vec<(PublicKey, bool)> {
        let keys = self.signers.keys();
        let known = keys.iter().enumerate().filter_map(|(place, key)| {
            // Keys were checked when the proposal was read.
            let key = PublicKey::try_from(key).ok()?;
            Some((key, self.signatures.contains_key(&place)))
        });
        known.collect()
    }

    /// How many have signed.
    pub fn signed(&self) -> usize {
        self.signatures.len()
    }

    /// How many have to.
    pub fn required(&self) -> usize {
        self.signers.threshold()
    }

    /// Whether as many have signed as have to.
    pub fn is_complete(&self) -> bool {
        self.signed() >= self.required()
    }

    /// The content of the bytes to be signed, decoded. Rule: docs/protocol.md#W8
    pub fn review(&self) -> Result<Review, ProposalError> {
        Ok(payment::review(&self.chain, self.account(), &self.payload.encode())?)
    }

    /// The bytes of the payment. Rule: docs/protocol.md#T3
    pub fn payload(&self) -> Vec<u8> {
        self.payload.encode()
    }

    /// The message whose SHA-256 every signer signs. Rule: docs/protocol.md#T3
    pub fn message(&self) -> Vec<u8> {
        self.payload.signed_message(&self.chain.genesis, &self.account())
    }

    /// SHA-256 of [`message`](Self::message).
    pub fn digest(&self) -> B256 {
        payment::digest(&self.chain, self.account(), &self.payload)
    }

    /// Rejects a proposal of another chain: its genesis and its chain id have to be the wallet's. Rule: docs/protocol.md#W64
    pub fn check_chain(&self, wallet: &ChainIdentity) -> Result<(), ProposalError> {
        let (found, expected) = (self.chain.genesis, wallet.genesis);
        if found != expected {
            return Err(ProposalError::OtherChain { found, expected });
        }
        let (found, expected) = (self.chain.chain_id, wallet.chain_id);
        if found != expected {
            return Err(ProposalError::OtherChainId { found, expected });
        }
        Ok(())
    }

    /// Whether this key is one of the signers, and has not signed yet.
    pub fn waits_for(&self, key: &PublicKey) -> bool {
        self.place(key)
            .is_some_and(|place| !self.signatures.contains_key(&place))
    }

    fn place(&self, key: &PublicKey) -> Option<usize> {
        let key = RawPublicKey::from(key);
        self.signers.keys().iter().position(|known| *known == key)
    }

    /// Signs with the key of a signer.
    pub fn sign<R: CryptoRng + ?Sized>(&mut self, key: &SigningKey, rng: &mut R) -> Result<(), ProposalError> {
        let place = self.place(&key.public_key()).ok_or(ProposalError::NotASigner {
            key: key.address(),
            account: self.account(),
        })?;
        let signature = payment::signature(key, &self.digest(), rng)?;
        self.put(place, signature)
    }

    /// Takes a signature that another program made over the digest, in the form that program has: as it stands, in hex or
    /// base64, or in DER for secp256k1, with either s. Whose it is shows itself. Rule: docs/protocol.md#W66
    pub fn attach(&mut self, given: &[u8]) -> Result<PublicKey, ProposalError> {
        let keys = self.signers.keys();
        let (place, signature) = attached::find(&keys, self.account(), &self.message(), given)?;
        let key = PublicKey::try_from(&keys[place]).map_err(ProposalError::Key)?;
        self.signatures.insert(place, signature);
        Ok(key)
    }

    /// Keeps a signature once it verifies.
    fn put(&mut self, place: usize, signature: Vec<u8>) -> Result<(), ProposalError> {
        let keys = self.signers.keys();
        let unknown = ProposalError::UnknownPlace {
            place,
            keys: keys.len(),
        };
        let key = keys.get(place).ok_or(unknown)?;
        let form = |source| ProposalError::SignatureForm { place, source };
        key.check_signature_form(&signature).map_err(form)?;
        match key.verify(&ReferenceVerifier, &self.message(), &signature) {
            Ok(true) => {
                self.signatures.insert(place, signature);
                Ok(())
            }
            Ok(false) => Err(ProposalError::BadSignature { place }),
            Err(source) => Err(form(source)),
        }
    }

    /// Adds what another copy of the same proposal has collected. Rule: docs/protocol.md#W65
    pub fn combine(&mut self, other: &Self) -> Result<(), ProposalError> {
        let same = [
            ("chains", self.chain == other.chain),
            ("accounts", self.signers == other.signers),
            ("payments", self.payload == other.payload),
        ];
        if let Some((what, _)) = same.into_iter().find(|(_, same)| !same) {
            return Err(ProposalError::Differs { what });
        }
        // Both of two signatures by one key verify. The first stays, so that combining again changes nothing.
        for (place, signature) in &other.signatures {
            self.signatures.entry(*place).or_insert_with(|| signature.clone());
        }
        Ok(())
    }

    /// The transaction, once enough have signed; checked as a node would. Rule: docs/protocol.md#T12
    pub fn complete(&self) -> Result<Signed, ProposalError> {
        let required = self.required();
        if !self.is_complete() {
            return Err(ProposalError::Incomplete {
                found: self.signed(),
                required,
            });
        }
        // More may have signed; the envelope has exactly as many as the policy requires (T12).
        let signatures = self.signatures.clone().into_iter().take(required).collect();
        Ok(payment::complete(
            &self.chain,
            &self.signers,
            self.payload.clone(),
            signatures,
        )?)
    }

    /// One line for a file, a QR code or a link. Nothing of it is secret. Rule: docs/protocol.md#W63
    pub fn write(&self) -> String {
        let mut list = Vec::new();
        self.chain.chain_id.encode(&mut list);
        self.chain.genesis.0.encode(&mut list);
        match &self.signers {
            Signers::Key(key) => {
                1u64.encode(&mut list);
                key.bytes().as_ref().encode(&mut list);
            }
            Signers::Policy(policy) => {
                2u64.encode(&mut list);
                list.extend(policy.encode());
            }
        }
        self.payload.encode()[..].encode(&mut list);
        let mut signatures = Vec::new();
        for (place, signature) in &self.signatures {
            let mut item = Vec::new();
            place.encode(&mut item);
            signature[..].encode(&mut item);
            signatures.extend(wrap_list(&item));
        }
        list.extend(wrap_list(&signatures));
        text::write(KIND, &wrap_list(&list))
    }

    /// Reads a proposal and checks every signature in it. Rules: docs/protocol.md#W63, #W64
    pub fn read(text: &str) -> Result<Self, ProposalError> {
        let bytes = text::read(KIND, text)?;
        let mut items = ListReader::open("proposal", &bytes)?;
        let chain = ChainIdentity {
            chain_id: items.u64("proposal.chain_id")?,
            genesis: BlockId(items.b256("proposal.genesis")?),
        };
        let signers = match items.u64("proposal.signer")? {
            1 => {
                let key = items.bytes("proposal.key", MAX_ITEM_BYTES)?;
                Signers::Key(PublicKey::from_bytes(key).map_err(ProposalError::Key)?)
            }
            2 => {
                let policy = Policy::decode(items.raw_item("proposal.policy")?)?;
                policy.check_points(&ReferenceVerifier)?;
                Signers::Policy(policy)
            }
            found => return Err(ProposalError::SignerKind { found }),
        };
        let payload = items.bytes("proposal.payload", MAX_PAYLOAD_BYTES)?;
        let mut proposal = Self {
            payload: payment::decode(&chain, payload)?,
            chain,
            signers,
            signatures: Signatures::new(),
        };
        let mut list = items.list("proposal.signatures")?;
        items.end()?;
        let keys = proposal.signers.keys().len();
        while !list.is_empty() {
            let mut item = list.list("proposal.signature")?;
            let place = item.u64("proposal.signature.key")?;
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let signature = item.bytes("proposal.signature.bytes", MAX_ITEM_BYTES)?;
            item.end()?;
            if place >= keys {
                return Err(ProposalError::UnknownPlace { place, keys });
            }
            if proposal
                .signatures
                .last_key_value()
                .is_some_and(|(last, _)| *last >= place)
            {
                return Err(ProposalError::Unsorted);
            }
            proposal.put(place, signature.to_vec())?;
        }
        // What cannot be shown cannot be signed.
        proposal.review()?;
        Ok(proposal)
    }
}

fn lengths(expected: &[usize]) -> String {
    let texts: Vec<String> = expected.iter().map(usize::to_string).collect();
    texts.join(" or ")
}

#[cfg(test)]
mod tests;
