//! Signed transactions for tests.

use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, SecretKey, ecdsa};
use tally_chain::hash::sha256;
use tally_chain::transaction::{
    Authenticator, ChainIdentity, EthereumKind, EthereumTransaction, Payload, TallyTransaction,
};
use tally_chain::{Address, Amount, BlockId, Bytes, CheckedTransaction, RawTransaction, U256, UnixSecs, address};

use super::NativeVerifier;

/// A time that is not special.
pub const NOW: UnixSecs = UnixSecs(1_800_000_000);

pub fn identity() -> ChainIdentity {
    ChainIdentity {
        chain_id: 8548,
        genesis: BlockId(sha256(&[b"genesis of the tests"])),
    }
}

/// A secp256k1 account.
pub struct Signer {
    key: SecretKey,
    public_key: [u8; 33],
    pub address: Address,
}

impl Signer {
    /// Keys from a number: the same number, the same account.
    pub fn new(number: u8) -> Self {
        let key = SecretKey::from_secret_bytes(sha256(&[b"signer", &[number]]).0).expect("a hash is in range");
        let public = PublicKey::from_secret_key(&key);
        let mut point = [0; 64];
        point.copy_from_slice(&public.serialize_uncompressed()[1..]);
        Self {
            key,
            public_key: public.serialize(),
            address: address::of_secp256k1(&point),
        }
    }

    /// Public key and signature.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> ([u8; 33], [u8; 64]) {
        let signature = ecdsa::sign(Message::from_digest(*digest), &self.key);
        (self.public_key, signature.serialize_compact())
    }

    pub fn sign(&self, payload: Payload) -> RawTransaction {
        let message = payload.signed_message(&identity().genesis, &self.address);
        let (public_key, signature) = self.sign_digest(&sha256(&[&message]).0);
        let authenticator = Authenticator::Secp256k1 { public_key, signature };
        RawTransaction::decode(TallyTransaction { payload, authenticator }.encode()).expect("it was just encoded")
    }

    pub fn checked(&self, payload: Payload) -> CheckedTransaction {
        self.sign(payload)
            .check(&identity(), &NativeVerifier::default())
            .expect("the fixture signs well")
    }
}

/// A payment of one base unit that pays 10,000 gas at `priority` over a base fee of up to 1,000.
pub fn payment(nonce: u64, priority: u128) -> Payload {
    Payload {
        chain_id: identity().chain_id,
        nonce,
        timestamp: NOW,
        max_priority_fee: priority,
        max_fee: 1_000 + priority,
        gas_limit: 10_000,
        to: Some(Address::repeat_byte(7)),
        value: Amount(U256::from(1)),
        data: Bytes::new(),
    }
}

/// A legacy transaction (EIP-155) of one base unit.
pub fn legacy(signer: &Signer, nonce: u64, gas_price: u128) -> CheckedTransaction {
    let mut transaction = EthereumTransaction {
        kind: EthereumKind::Legacy,
        chain_id: identity().chain_id,
        nonce,
        max_priority_fee: gas_price,
        max_fee: gas_price,
        gas_limit: 21_000,
        to: Some(Address::repeat_byte(7)),
        value: Amount(U256::from(1)),
        data: Bytes::new(),
        access_list: Vec::new(),
        y_odd: false,
        signature: [0; 64],
    };
    let digest = Message::from_digest(transaction.signing_hash().0);
    let (id, signature) = RecoverableSignature::sign_ecdsa_recoverable(digest, &signer.key).serialize_compact();
    transaction.y_odd = id == RecoveryId::One;
    transaction.signature = signature;
    let checked = RawTransaction::decode(transaction.encode())
        .expect("it was just encoded")
        .check(&identity(), &NativeVerifier::default())
        .expect("the fixture signs well");
    assert_eq!(checked.sender(), signer.address);
    checked
}
