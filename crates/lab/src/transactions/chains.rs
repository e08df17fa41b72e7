//! Signatures of another time or another chain. Rules: docs/protocol.md#T3, #T5, #T7

use alloy_primitives::keccak256;
use k256::ecdsa::{RecoveryId, Signature};
use tally_chain::codec::wrap_list;
use tally_chain::transaction::{ChainIdentity, EthereumKind, EthereumTransaction, LIFETIME, MAX_AHEAD, Payload};
use tally_chain::{Bytes, ChainSpec, U256, UnixSecs, genesis};

use crate::act::{Act, refuse, take};
use crate::forgery::{item, string};
use crate::keys::{Secp256k1Signer, Signer as _};
use crate::world::Bench;

/// Seconds by which a time is on the safe or on the wrong side: the node's clock goes on meanwhile.
const MARGIN: u64 = 300;

/// Alice's payment of ten coins to Bob, with nonce 0.
fn payment(scenario: &str, bench: &Bench) -> (Secp256k1Signer, Payload) {
    let bob = Secp256k1Signer::of(scenario, 1).address();
    (Secp256k1Signer::of(scenario, 0), bench.ten(0, bob))
}

fn at(payload: &Payload, timestamp: u64) -> Payload {
    Payload {
        timestamp: UnixSecs(timestamp),
        ..payload.clone()
    }
}

pub fn expired(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, payload) = payment(scenario, bench);
    let oldest = bench.now.0 - LIFETIME;
    let honest = alice.envelope(&bench.identity, &at(&payload, oldest + MARGIN));
    vec![
        refuse(
            "a payment that was signed a day and five minutes ago",
            "transaction-expired",
            alice.envelope(&bench.identity, &at(&payload, oldest - MARGIN)),
            &honest,
        ),
        take("one that was signed five minutes less than a day ago", honest),
    ]
}

pub fn future(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, payload) = payment(scenario, bench);
    let latest = bench.now.0 + MAX_AHEAD;
    let honest = alice.envelope(&bench.identity, &at(&payload, bench.now.0 + MARGIN));
    vec![
        refuse(
            "a payment that is dated fifteen minutes ahead",
            "transaction-from-the-future",
            alice.envelope(&bench.identity, &at(&payload, latest + MARGIN)),
            &honest,
        ),
        take("one that is dated five minutes ahead", honest),
    ]
}

pub fn wrong_chain(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, payload) = payment(scenario, bench);
    let honest = alice.envelope(&bench.identity, &payload);
    let other = Payload { chain_id: 1, ..payload };
    let identity = ChainIdentity {
        chain_id: 1,
        ..bench.identity
    };
    vec![
        refuse(
            "a payment that was signed for chain 1",
            "wrong-chain",
            alice.envelope(&identity, &other),
            &honest,
        ),
        take("the same payment, signed for this chain", honest),
    ]
}

pub fn other_genesis(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, payload) = payment(scenario, bench);
    let honest = alice.envelope(&bench.identity, &payload);
    let twin = ChainSpec {
        name: "lab-twin".to_owned(),
        ..bench.spec.clone()
    };
    vec![
        refuse(
            "a payment that was signed for a chain with the same chain id and another genesis",
            "bad-signature",
            alice.envelope(&genesis::identity(&twin), &payload),
            &honest,
        ),
        take("the same payment, signed over this genesis", honest),
    ]
}

fn recoverable(alice: &Secp256k1Signer, hash: &[u8]) -> (Signature, bool) {
    let (signature, id): (Signature, RecoveryId) = alice.key().sign_prehash_recoverable(hash);
    let low = signature.normalize_s();
    (low, id.is_y_odd() != (low != signature))
}

pub fn no_chain_id(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, payload) = payment(scenario, bench);
    let mut legacy = EthereumTransaction {
        kind: EthereumKind::Legacy,
        chain_id: payload.chain_id,
        nonce: payload.nonce,
        max_priority_fee: payload.max_fee,
        max_fee: payload.max_fee,
        gas_limit: payload.gas_limit,
        to: payload.to,
        value: payload.value,
        data: payload.data,
        access_list: Vec::new(),
        y_odd: false,
        signature: [0; 64],
    };
    let (signature, y_odd) = recoverable(&alice, legacy.signing_hash().as_slice());
    (legacy.signature, legacy.y_odd) = (signature.to_bytes().into(), y_odd);
    let honest = Bytes::from(legacy.encode());
    // As wallets signed before EIP-155: over six fields, none of which names a chain.
    let fields = [
        item(&legacy.nonce),
        item(&legacy.max_fee),
        item(&legacy.gas_limit),
        string(legacy.to.as_ref().map_or(&[][..], |to| to.as_slice())),
        item(&legacy.value.0),
        string(&legacy.data),
    ]
    .concat();
    let (signature, y_odd) = recoverable(&alice, keccak256(wrap_list(&fields)).as_slice());
    let signature = signature.to_bytes();
    let part = |bytes: &[u8]| item(&U256::from_be_slice(bytes));
    let unbound = [
        fields,
        item(&(27 + u64::from(y_odd))),
        part(&signature[..32]),
        part(&signature[32..]),
    ];
    vec![
        refuse(
            "a legacy transaction whose signature names no chain",
            "not-replay-protected",
            wrap_list(&unbound.concat()).into(),
            &honest,
        ),
        take("the same transaction, signed with the chain id (EIP-155)", honest),
    ]
}
