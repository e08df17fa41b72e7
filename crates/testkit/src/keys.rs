//! PUBLIC: accounts whose keys are published, for signatures in tests.

use k256::ecdsa::{RecoveryId, Signature, SigningKey};
use tally_chain::hash::sha256;
use tally_chain::transaction::{
    Authenticator, ChainIdentity, EthereumKind, EthereumTransaction, Payload, TallyTransaction,
};
use tally_chain::{
    Address, Amount, B256, Bytes, CheckedTransaction, RawTransaction, ReferenceVerifier, U256, UnixSecs, address,
};

/// Private keys of the first accounts of [`PUBLIC_PHRASE`](crate::PUBLIC_PHRASE), worth nothing anywhere.
const PUBLIC_KEYS: [[u8; 32]; 3] = [
    alloy_primitives::hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    alloy_primitives::hex!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    alloy_primitives::hex!("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
];

/// A payment of base units without a memo, at a fee that the pool of a node takes. Tests that need other fees, other gas or data
/// change them in what they get.
pub fn payment(chain: &ChainIdentity, nonce: u64, timestamp: UnixSecs, to: Address, base_units: u64) -> Payload {
    Payload {
        chain_id: chain.chain_id,
        nonce,
        timestamp,
        max_priority_fee: 1_000_000_000,
        max_fee: 3_000_000_000,
        gas_limit: 50_000,
        to: Some(to),
        value: Amount(U256::from(base_units)),
        data: Bytes::new(),
    }
}

/// A secp256k1 key for tests.
pub struct TestKey(SigningKey);

impl TestKey {
    /// Account 0, 1 or 2 of the phrase.
    pub fn public(index: usize) -> Self {
        Self::from_bytes(&PUBLIC_KEYS[index])
    }

    /// The key with this scalar, big-endian; it panics at 0 and at the group order and above.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(SigningKey::from_slice(bytes).expect("test keys are in range"))
    }

    /// The key itself, for signatures of other things than transactions.
    pub fn signing_key(&self) -> &SigningKey {
        &self.0
    }

    fn compressed(&self) -> [u8; 33] {
        let point = self.0.verifying_key().to_sec1_point(true);
        point.as_bytes().try_into().expect("a compressed point has 33 bytes")
    }

    /// The account of the key. Rule: docs/protocol.md#A2
    pub fn address(&self) -> Address {
        let point = self.0.verifying_key().to_sec1_point(false);
        let point = point.as_bytes()[1..]
            .try_into()
            .expect("an uncompressed point has 65 bytes");
        address::of_secp256k1(point)
    }

    fn sign_digest(&self, digest: &B256) -> ([u8; 64], bool) {
        let (signature, id): (Signature, RecoveryId) = self.0.sign_prehash_recoverable(digest.as_slice());
        let normal = signature.normalize_s();
        let flipped = normal != signature;
        (normal.to_bytes().into(), id.is_y_odd() != flipped)
    }

    /// The envelope of a `0x54` transaction with a good signature, whatever limits the payload breaks.
    pub fn envelope(&self, chain: &ChainIdentity, payload: Payload) -> Bytes {
        let digest = sha256(&[&payload.signed_message(&chain.genesis, &self.address())]);
        let (signature, _) = self.sign_digest(&digest);
        let authenticator = Authenticator::Secp256k1 {
            public_key: self.compressed(),
            signature,
        };
        TallyTransaction { payload, authenticator }.encode().into()
    }

    /// Signs a `0x54` transaction, which has to keep the limits.
    pub fn sign(&self, chain: &ChainIdentity, payload: Payload) -> CheckedTransaction {
        checked(chain, self.envelope(chain, payload))
    }

    /// Signs the same content as an Ethereum transaction; the timestamp is dropped.
    pub fn sign_ethereum(
        &self,
        chain: &ChainIdentity,
        kind: EthereumKind,
        payload: Payload,
        access_list: Vec<(Address, Vec<B256>)>,
    ) -> CheckedTransaction {
        let max_priority_fee = match kind {
            EthereumKind::DynamicFee => payload.max_priority_fee,
            _ => payload.max_fee,
        };
        let mut tx = EthereumTransaction {
            kind,
            chain_id: payload.chain_id,
            nonce: payload.nonce,
            max_priority_fee,
            max_fee: payload.max_fee,
            gas_limit: payload.gas_limit,
            to: payload.to,
            value: payload.value,
            data: payload.data,
            access_list,
            y_odd: false,
            signature: [0; 64],
        };
        (tx.signature, tx.y_odd) = self.sign_digest(&tx.signing_hash());
        checked(chain, tx.encode().into())
    }
}

fn checked(chain: &ChainIdentity, envelope: Bytes) -> CheckedTransaction {
    RawTransaction::decode(envelope)
        .expect("a built envelope decodes")
        .check(chain, &ReferenceVerifier)
        .expect("a test transaction keeps the limits and is signed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_first_accounts_of_the_public_phrase() {
        // As wallets show them; crates/wallet/src/public_accounts.rs derives them from the phrase.
        let known = [
            alloy_primitives::address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
            alloy_primitives::address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
            alloy_primitives::address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
        ];
        assert_eq!([0, 1, 2].map(|index| TestKey::public(index).address()), known);
    }
}
