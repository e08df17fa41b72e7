//! Building, reviewing and signing transactions of type 0x54. Rules: docs/protocol.md#T2, #T3, #W8
//!
//! [`build`] makes payload bytes, [`review`] reads them back for the eyes of the user, [`sign`] signs the same bytes.

use k256::ecdsa::signature::hazmat::PrehashSigner;
use rand_core::CryptoRng;
use serde::Serialize;
use sha2::Sha256;
use tally_chain::hash::sha256;
use tally_chain::keys::PSS_SALT_BYTES;
use tally_chain::transaction::{
    ChainIdentity, MAX_GAS_LIMIT, Payload, TallyTransaction, TransactionError, envelope_gas,
};
use tally_chain::{
    Address, Amount, B256, BlockId, Bytes, PublicKey, RawTransaction, ReferenceVerifier, TxId, U256, UnixSecs, visible,
};
use thiserror::Error;

use crate::account::Account;
use crate::fees::Fee;
use crate::keys::SigningKey;
use crate::signers::{self, Signatures, Signers};

pub use tally_chain::limits::MAX_MEMO_BYTES;

/// Why a payment cannot be built, reviewed or signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum PaymentError {
    #[error("memo has {len} bytes, at most {max} are allowed")]
    MemoTooLong { len: usize, max: usize },
    #[error("amount plus the highest fee is 2^256 base units or more")]
    Overflow,
    #[error("the payment needs {needed} coins with its highest fee, the account holds {available}")]
    Insufficient { needed: String, available: String },
    #[error("this is a payment of {sender}, the key belongs to {key}")]
    OtherSender { sender: Address, key: Address },
    #[error("the public key of {address} is not known here: the account is only watched")]
    NoPublicKey { address: Address },
    #[error("the signature could not be made")]
    Signing,
    #[error(transparent)]
    Transaction(#[from] TransactionError),
}

/// A payment as the user enters it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The recipient.
    pub to: Address,
    /// What the recipient receives, in base units.
    pub value: Amount,
    /// Free text for the receiver, public on the chain; empty for none.
    pub memo: String,
    /// The sender's next nonce.
    pub nonce: u64,
    /// When it is made; it can enter a block within 24 hours of it. Rule: docs/protocol.md#T7
    pub timestamp: UnixSecs,
    /// The two prices of gas.
    pub fee: Fee,
}

/// The payload bytes of a payment: `0x54 || RLP` of nine fields. Rule: docs/protocol.md#T3
pub fn build(chain: &ChainIdentity, sender: &Account, payment: &Payment) -> Result<Vec<u8>, PaymentError> {
    if payment.memo.len() > MAX_MEMO_BYTES {
        return Err(PaymentError::MemoTooLong {
            len: payment.memo.len(),
            max: MAX_MEMO_BYTES,
        });
    }
    let mut payload = Payload {
        chain_id: chain.chain_id,
        nonce: payment.nonce,
        timestamp: payment.timestamp,
        max_priority_fee: payment.fee.max_priority_fee,
        max_fee: payment.fee.max_fee,
        // For the measuring below: no gas limit has a longer encoding, so the envelope is no longer than what is paid for.
        gas_limit: MAX_GAS_LIMIT,
        to: Some(payment.to),
        value: payment.value,
        data: Bytes::copy_from_slice(payment.memo.as_bytes()),
    };
    let address = sender.address;
    let signers = sender.signers().ok_or(PaymentError::NoPublicKey { address })?;
    payload.gas_limit = gas_of(&payload, &signers);
    // What cannot be shown is not made.
    Review::of(&payload, &chain.genesis, sender.address)?;
    Ok(payload.encode())
}

/// Gas that a payment to a plain account uses at most. Rule: docs/protocol.md#X2
fn gas_of(payload: &Payload, signers: &Signers) -> u64 {
    // An envelope of the final size: lengths of keys and signatures are fixed.
    let authenticator = signers.dearest();
    let slack = match signers {
        Signers::Key(_) => 0,
        Signers::Policy(_) => signers::SLACK,
    };
    let envelope = TallyTransaction {
        payload: payload.clone(),
        authenticator: authenticator.clone(),
    };
    let zeros = payload.data.iter().filter(|byte| **byte == 0).count() as u64;
    // The EVM's price of call data with EIP-7623's floor: 40 a byte, 10 if it is zero.
    let data = 40 * (payload.data.len() as u64 - zeros) + 10 * zeros;
    envelope_gas(envelope.encode().len(), &authenticator) + data + slack
}

/// A memo as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "form", content = "content")]
pub enum Memo {
    /// The transaction has no data.
    None,
    /// UTF-8 without hidden characters: [`visible::memo`].
    Text(String),
    /// Anything else, as 0x-prefixed hex.
    Hex(String),
}

/// The content of the bytes to be signed, decoded. Rule: docs/protocol.md#W8
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// The number of the chain. Rule: docs/protocol.md#T5
    pub chain_id: u64,
    /// Id of block 0 of that chain; the signature is bound to it. Rule: docs/protocol.md#T3
    pub genesis: BlockId,
    /// The account that pays.
    pub sender: Address,
    /// None creates a contract.
    pub to: Option<Address>,
    /// What `to` receives, in base units.
    pub value: Amount,
    /// `value` in coins, exact.
    pub value_coins: String,
    /// Data for an account or a contract; none where the bytes create a contract.
    pub memo: Memo,
    /// The program that a new contract begins with, as 0x-prefixed hex; none where there is a receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_code: Option<String>,
    /// The account nonce that the transaction uses. Rule: docs/protocol.md#T6
    pub nonce: u64,
    /// When it was made. Rule: docs/protocol.md#T7
    pub timestamp: UnixSecs,
    /// Most gas that it may use.
    pub gas_limit: u64,
    /// Base units per gas.
    pub max_fee_per_gas: Amount,
    /// Base units per gas that the producer receives at most.
    pub max_priority_fee_per_gas: Amount,
    /// The most that the fee can become: `gas_limit * max_fee_per_gas`.
    pub max_fee: Amount,
    /// `max_fee` in coins, exact.
    pub max_fee_coins: String,
    /// `value + max_fee`: what the account must hold. Rule: docs/protocol.md#T9
    pub max_total: Amount,
    /// `max_total` in coins, exact.
    pub max_total_coins: String,
}

impl Review {
    fn of(payload: &Payload, genesis: &BlockId, sender: Address) -> Result<Self, PaymentError> {
        let max_fee_per_gas = Amount(U256::from(payload.max_fee));
        let max_fee = max_fee_per_gas.checked_mul(payload.gas_limit);
        let max_fee = max_fee.ok_or(PaymentError::Overflow)?;
        let max_total = max_fee.checked_add(payload.value).ok_or(PaymentError::Overflow)?;
        Ok(Self {
            chain_id: payload.chain_id,
            genesis: *genesis,
            sender,
            to: payload.to,
            value: payload.value,
            value_coins: payload.value.to_coins(),
            memo: payload.to.map_or(Memo::None, |_| memo_of(&payload.data)),
            init_code: payload
                .to
                .is_none()
                .then(|| alloy_primitives::hex::encode_prefixed(&payload.data)),
            nonce: payload.nonce,
            timestamp: payload.timestamp,
            gas_limit: payload.gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas: Amount(U256::from(payload.max_priority_fee)),
            max_fee,
            max_fee_coins: max_fee.to_coins(),
            max_total,
            max_total_coins: max_total.to_coins(),
        })
    }

    /// Bytes of the program that a new contract begins with.
    pub fn code_bytes(&self) -> usize {
        self.init_code.as_ref().map_or(0, |hex| (hex.len() - 2) / 2)
    }

    /// Whether an account with this balance can pay it.
    pub fn check_funds(&self, balance: Amount) -> Result<(), PaymentError> {
        if self.max_total > balance {
            return Err(PaymentError::Insufficient {
                needed: self.max_total_coins.clone(),
                available: balance.to_coins(),
            });
        }
        Ok(())
    }
}

/// Decodes the very bytes that [`sign`] will sign; rejects those of another chain.
pub fn review(chain: &ChainIdentity, sender: Address, payload: &[u8]) -> Result<Review, PaymentError> {
    Review::of(&decode(chain, payload)?, &chain.genesis, sender)
}

/// A transaction ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The id under which the chain knows it. Rule: docs/protocol.md#T4
    pub id: TxId,
    /// The account that pays.
    pub sender: Address,
    /// The bytes to submit. Rule: docs/protocol.md#T2
    pub envelope: Bytes,
}

/// Signs payload bytes, then checks the result as a node would. Rule: docs/protocol.md#T3
///
/// `sender` is the account that was shown to the user; a key of another account is rejected.
pub fn sign<R: CryptoRng + ?Sized>(
    chain: &ChainIdentity,
    sender: Address,
    key: &SigningKey,
    payload: &[u8],
    rng: &mut R,
) -> Result<Signed, PaymentError> {
    check_sender(sender, key.address())?;
    let payload = decode(chain, payload)?;
    let signature = signature(key, &digest(chain, sender, &payload), rng)?;
    complete(chain, &Signers::Key(key.public_key()), payload, [(0, signature)].into())
}

/// The bytes whose SHA-256 a signature covers, for a signer that hashes them itself. Rule: docs/protocol.md#T3
pub fn signed_message(chain: &ChainIdentity, sender: Address, payload: &[u8]) -> Result<Vec<u8>, PaymentError> {
    Ok(decode(chain, payload)?.signed_message(&chain.genesis, &sender))
}

/// Puts a signature of [`signed_message`] that was made elsewhere on payload bytes, and checks the result as a node would.
///
/// `sender` is the account that was shown to the user; the key of another account, and every signature that does not verify
/// under the key, are rejected.
pub fn attach(
    chain: &ChainIdentity,
    sender: Address,
    key: &PublicKey,
    payload: &[u8],
    signature: Vec<u8>,
) -> Result<Signed, PaymentError> {
    check_sender(sender, key.address())?;
    let payload = decode(chain, payload)?;
    complete(chain, &Signers::Key(key.clone()), payload, [(0, signature)].into())
}

fn check_sender(sender: Address, key: Address) -> Result<(), PaymentError> {
    if key == sender {
        Ok(())
    } else {
        Err(PaymentError::OtherSender { sender, key })
    }
}

/// What a signature covers. Rule: docs/protocol.md#T3
pub(crate) fn digest(chain: &ChainIdentity, sender: Address, payload: &Payload) -> B256 {
    sha256(&[&payload.signed_message(&chain.genesis, &sender)])
}

/// Puts an envelope together, and checks it as a node would.
pub(crate) fn complete(
    chain: &ChainIdentity,
    signers: &Signers,
    payload: Payload,
    signatures: Signatures,
) -> Result<Signed, PaymentError> {
    let authenticator = signers.authenticator(signatures).map_err(TransactionError::from)?;
    let envelope = TallyTransaction { payload, authenticator }.encode();
    let checked = RawTransaction::decode(envelope)?.check(chain, &ReferenceVerifier)?;
    Ok(Signed {
        id: checked.id(),
        sender: checked.sender(),
        envelope: checked.envelope().clone(),
    })
}

pub(crate) fn decode(chain: &ChainIdentity, payload: &[u8]) -> Result<Payload, PaymentError> {
    let payload = Payload::decode(payload)?;
    if payload.chain_id != chain.chain_id {
        return Err(PaymentError::Transaction(TransactionError::WrongChain {
            found: payload.chain_id,
            expected: chain.chain_id,
        }));
    }
    Ok(payload)
}

/// A signature of a digest: RSASSA-PSS, blinded against timing, or deterministic ECDSA (RFC 6979) with low s.
/// Rules: docs/protocol.md#A5, #A6
pub(crate) fn signature<R: CryptoRng + ?Sized>(
    key: &SigningKey,
    digest: &B256,
    rng: &mut R,
) -> Result<Vec<u8>, PaymentError> {
    match key {
        SigningKey::Rsa(key) => {
            let scheme = rsa::pss::Pss::<Sha256>::new_blinded_with_salt(PSS_SALT_BYTES);
            let signature = key.private().sign_with_rng(rng, scheme, digest.as_slice());
            signature.map_err(|_| PaymentError::Signing)
        }
        SigningKey::Secp256k1(key) => {
            let signature: Result<k256::ecdsa::Signature, _> = key.private().sign_prehash(digest.as_slice());
            let signature = signature.map_err(|_| PaymentError::Signing)?;
            // The only form that nodes accept (A6).
            Ok(signature.normalize_s().to_bytes().to_vec())
        }
    }
}

fn memo_of(data: &[u8]) -> Memo {
    match visible::memo(data) {
        Some(text) => Memo::Text(text.to_owned()),
        None if data.is_empty() => Memo::None,
        None => Memo::Hex(alloy_primitives::hex::encode_prefixed(data)),
    }
}
