//! Type 0x54. Rules: docs/protocol.md#T2 to #T4, #T11

use alloy_primitives::{Address, Bytes};
use alloy_rlp::Encodable;

use super::{MAX_TRANSACTION_BYTES, TransactionError, View};
use crate::codec::{ListReader, wrap_list};
use crate::hash::{TxId, sha256};
use crate::keys::{
    KeyError, RawPublicKey, RsaPublicKey, SECP256K1_SIGNATURE_GAS, SignatureVerifier, check_secp256k1_form,
};
use crate::multisig::Multisig;
use crate::units::{Amount, UnixSecs};
use crate::{B256, BlockId};

/// First byte of a Tally envelope.
pub const TALLY_TYPE: u8 = 0x54;

/// What is signed. Rule: docs/protocol.md#T3
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The number of the chain. Rule: docs/protocol.md#T5
    pub chain_id: u64,
    /// The sender's account nonce when it executes. Rule: docs/protocol.md#T6
    pub nonce: u64,
    /// When it was made; it is includable for a day from then on. Rule: docs/protocol.md#T7
    pub timestamp: UnixSecs,
    /// Base units per gas.
    pub max_priority_fee: u128,
    /// Base units per gas, base fee included.
    pub max_fee: u128,
    /// Most gas that it may use.
    pub gas_limit: u64,
    /// None creates a contract.
    pub to: Option<Address>,
    /// What `to` receives, in base units.
    pub value: Amount,
    /// Memo or call data.
    pub data: Bytes,
}

impl Payload {
    fn encode_fields(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + self.data.len());
        self.chain_id.encode(&mut out);
        self.nonce.encode(&mut out);
        self.timestamp.0.encode(&mut out);
        self.max_priority_fee.encode(&mut out);
        self.max_fee.encode(&mut out);
        self.gas_limit.encode(&mut out);
        self.to.as_ref().map_or(&[][..], |a| a.as_slice()).encode(&mut out);
        self.value.0.encode(&mut out);
        self.data.encode(&mut out);
        out
    }

    /// `0x54 || RLP` of the nine fields. Rule: docs/protocol.md#T3
    pub fn encode(&self) -> Vec<u8> {
        [&[TALLY_TYPE][..], &wrap_list(&self.encode_fields())].concat()
    }

    /// Reads a payload back from the bytes that are signed.
    pub fn decode(bytes: &[u8]) -> Result<Self, TransactionError> {
        if bytes.len() > MAX_TRANSACTION_BYTES {
            return Err(TransactionError::TooLarge {
                len: bytes.len(),
                max: MAX_TRANSACTION_BYTES,
            });
        }
        match bytes.split_first() {
            None => Err(TransactionError::Empty),
            Some((&TALLY_TYPE, list)) => {
                let mut items = ListReader::open("payload", list)?;
                let payload = Self::read(&mut items)?;
                items.end()?;
                Ok(payload)
            }
            Some((&found, _)) => Err(TransactionError::UnknownType { found }),
        }
    }

    fn read(items: &mut ListReader<'_>) -> Result<Self, TransactionError> {
        Ok(Self {
            chain_id: items.u64("chain_id")?,
            nonce: items.u64("nonce")?,
            timestamp: UnixSecs(items.u64("timestamp")?),
            max_priority_fee: items.u128("max_priority_fee")?,
            max_fee: items.u128("max_fee")?,
            gas_limit: items.u64("gas_limit")?,
            to: items.optional_address("to")?,
            value: Amount(items.u256("value")?),
            data: Bytes::copy_from_slice(items.bytes("data", MAX_TRANSACTION_BYTES)?),
        })
    }

    /// The bytes that a signature covers; their SHA-256 is the signed digest. Rule: docs/protocol.md#T3
    pub fn signed_message(&self, genesis: &BlockId, sender: &Address) -> Vec<u8> {
        signed_message(genesis, sender, &self.encode())
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            kind: TALLY_TYPE,
            chain_id: self.chain_id,
            nonce: self.nonce,
            timestamp: Some(self.timestamp),
            max_priority_fee: self.max_priority_fee,
            max_fee: self.max_fee,
            gas_limit: self.gas_limit,
            to: self.to,
            value: self.value,
            data: &self.data,
            access_list: &[],
        }
    }
}

/// Rule: docs/protocol.md#T3
fn signed_message(genesis: &BlockId, sender: &Address, payload: &[u8]) -> Vec<u8> {
    [b"tally/tx", &genesis.as_bytes()[..], sender.as_slice(), payload].concat()
}

/// The kind of a policy's authenticator. Rule: docs/protocol.md#T11
const MULTISIG_KIND: u64 = 3;

/// Who signs a payload, and how. Rule: docs/protocol.md#T2
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authenticator {
    /// RSA-PSS with SHA-256, kind 1 in the encoding.
    RsaPssSha256 {
        /// The key; the sender is its address.
        public_key: RsaPublicKey,
        /// As long as the modulus. Rule: docs/protocol.md#A5
        signature: Vec<u8>,
    },
    /// ECDSA on secp256k1, kind 2 in the encoding.
    Secp256k1 {
        /// The compressed point; the sender is its address.
        public_key: [u8; 33],
        /// `r || s`, with a low s. Rule: docs/protocol.md#A6
        signature: [u8; 64],
    },
    /// Rule: docs/protocol.md#T11
    Multisig(Multisig),
}

impl Authenticator {
    /// Rule: docs/protocol.md#X2
    pub fn gas(&self) -> u64 {
        match self {
            Self::RsaPssSha256 { public_key, .. } => public_key.signature_gas(),
            Self::Secp256k1 { .. } => SECP256K1_SIGNATURE_GAS,
            Self::Multisig(multisig) => multisig.gas(),
        }
    }

    /// The scheme's name.
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::RsaPssSha256 { .. } => "rsa-pss-sha256",
            Self::Secp256k1 { .. } => "secp256k1",
            Self::Multisig(_) => "multisig",
        }
    }

    fn encode(&self) -> Vec<u8> {
        let (kind, public_key, signature) = match self {
            Self::RsaPssSha256 { public_key, signature } => (1u64, public_key.spki(), &signature[..]),
            Self::Secp256k1 { public_key, signature } => (2, &public_key[..], &signature[..]),
            Self::Multisig(multisig) => {
                let mut out = Vec::new();
                MULTISIG_KIND.encode(&mut out);
                multisig.encode_items(&mut out);
                return wrap_list(&out);
            }
        };
        let mut out = Vec::with_capacity(public_key.len() + signature.len() + 8);
        kind.encode(&mut out);
        public_key.encode(&mut out);
        signature.encode(&mut out);
        wrap_list(&out)
    }

    fn read(mut items: ListReader<'_>) -> Result<Self, TransactionError> {
        let authenticator = match items.u64("authenticator.kind")? {
            // 4,096 bytes are far more than any accepted form: a wrong length is an error of the key or the signature.
            1 => Self::RsaPssSha256 {
                public_key: RsaPublicKey::from_spki(items.bytes("authenticator.public_key", 4_096)?)?,
                signature: items.bytes("authenticator.signature", 4_096)?.to_vec(),
            },
            2 => Self::Secp256k1 {
                public_key: items.fixed("authenticator.public_key")?,
                signature: items.fixed("authenticator.signature")?,
            },
            MULTISIG_KIND => Self::Multisig(Multisig::read(&mut items)?),
            found => return Err(TransactionError::UnknownAuthenticator { found }),
        };
        items.end()?;
        Ok(authenticator)
    }
}

/// A payload with its authenticator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyTransaction {
    /// What is signed.
    pub payload: Payload,
    /// Who signed it, and the signatures.
    pub authenticator: Authenticator,
}

impl TallyTransaction {
    /// The envelope, type byte included. Rule: docs/protocol.md#T2
    pub fn encode(&self) -> Vec<u8> {
        let fields = [self.payload.encode_fields(), self.authenticator.encode()].concat();
        [&[TALLY_TYPE][..], &wrap_list(&fields)].concat()
    }

    /// Decodes what follows the type byte.
    pub(super) fn decode(list: &[u8]) -> Result<Self, TransactionError> {
        let mut items = ListReader::open("transaction", list)?;
        let payload = Payload::read(&mut items)?;
        let authenticator = Authenticator::read(items.list("authenticator")?)?;
        items.end()?;
        Ok(Self { payload, authenticator })
    }

    /// The sender that the authenticator names; whether it signed is for [`Self::authenticate`].
    pub fn sender(&self, verifier: &dyn SignatureVerifier) -> Result<Address, KeyError> {
        match &self.authenticator {
            Authenticator::RsaPssSha256 { public_key, .. } => Ok(public_key.address()),
            Authenticator::Secp256k1 { public_key, .. } => RawPublicKey::Secp256k1(*public_key).address(verifier),
            Authenticator::Multisig(multisig) => Ok(multisig.policy().address()),
        }
    }

    pub(super) fn authenticate(
        &self,
        genesis: &BlockId,
        verifier: &dyn SignatureVerifier,
    ) -> Result<(Address, TxId), TransactionError> {
        let sender = self.sender(verifier)?;
        // Encoded from the fields that will be executed, so that nothing else can have been signed.
        let payload = self.payload.encode();
        let message = signed_message(genesis, &sender, &payload);
        let verified = match &self.authenticator {
            Authenticator::RsaPssSha256 { public_key, signature } => {
                public_key.check_signature_form(signature)?;
                verifier.verify_rsa_pss(public_key, &message, signature)
            }
            Authenticator::Secp256k1 { public_key, signature } => {
                check_secp256k1_form(signature)?;
                verifier.verify_secp256k1(public_key, &sha256(&[&message]).0, signature)
            }
            Authenticator::Multisig(multisig) => {
                multisig.verify(verifier, &message)?;
                true
            }
        };
        let id = TxId(transaction_id(&sender, &payload));
        if verified {
            Ok((sender, id))
        } else {
            Err(TransactionError::BadSignature)
        }
    }
}

/// Rule: docs/protocol.md#T4
fn transaction_id(sender: &Address, payload: &[u8]) -> B256 {
    sha256(&[b"tally/txid", sender.as_slice(), payload])
}
