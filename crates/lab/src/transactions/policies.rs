//! Shared accounts with fewer signatures than they look like. Rules: docs/protocol.md#A7, #T11, #T12

use std::collections::BTreeMap;

use tally_chain::codec::wrap_list;
use tally_chain::hash::sha256;
use tally_chain::multisig::Multisig;
use tally_chain::transaction::{Authenticator, Payload, TallyTransaction};
use tally_chain::{Address, B256, Bytes, address};

use crate::act::{Act, refuse, take};
use crate::forgery::{Envelope, item, string, with_authenticator};
use crate::keys::{Secp256k1Signer, Signer as _};
use crate::world::{Bench, policy};

/// The kind of a policy's authenticator.
const POLICY: u64 = 3;

/// What all signatures cover. Rule: docs/protocol.md#T3
fn digest(bench: &Bench, payload: &Payload, sender: Address) -> B256 {
    sha256(&[&payload.signed_message(&bench.identity.genesis, &sender)])
}

/// Signatures by the keys at these places of the policy.
fn sign(scenario: &str, digest: &B256, places: &[usize]) -> BTreeMap<usize, Vec<u8>> {
    let policy = policy(scenario);
    let signers = (0..3).map(|index| Secp256k1Signer::of(scenario, index));
    let signed = signers.filter_map(|key| {
        let place = policy.keys().iter().position(|other| *other == key.public())?;
        places.contains(&place).then(|| (place, key.sign(digest)))
    });
    signed.collect()
}

/// The policy's payment with the signatures of these keys; as many as it requires.
fn payment(scenario: &str, bench: &Bench, signatures: BTreeMap<usize, Vec<u8>>) -> Bytes {
    let authenticator = Multisig::new(policy(scenario), signatures).expect("two signatures, both of keys");
    let transaction = TallyTransaction {
        payload: payload(scenario, bench),
        authenticator: Authenticator::Multisig(authenticator),
    };
    transaction.encode().into()
}

fn payload(scenario: &str, bench: &Bench) -> Payload {
    bench.ten(0, Secp256k1Signer::of(scenario, 3).address())
}

/// An authenticator by its parts, whatever they are.
fn forged(bench_payload: &Payload, policy: Vec<u8>, signers: u64, signatures: &[Vec<u8>]) -> Bytes {
    let fields = Envelope::new(bench_payload, POLICY, Vec::new()).fields;
    let list: Vec<u8> = signatures.iter().flat_map(|signature| string(signature)).collect();
    with_authenticator(&fields, &[item(&POLICY), policy, item(&signers), wrap_list(&list)])
}

pub fn too_few(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (policy, payload) = (policy(scenario), payload(scenario, bench));
    let digest = digest(bench, &payload, policy.address());
    let honest = payment(scenario, bench, sign(scenario, &digest, &[0, 1]));
    let one: Vec<_> = sign(scenario, &digest, &[0]).into_values().collect();
    let three: Vec<_> = sign(scenario, &digest, &[0, 1, 2]).into_values().collect();
    vec![
        refuse(
            "one signature where the account requires two",
            "signatures-missing",
            forged(&payload, policy.encode(), 0b001, &one),
            &honest,
        ),
        refuse(
            "one signature, and a mark that two keys have signed",
            "signatures-missing",
            forged(&payload, policy.encode(), 0b011, &one),
            &honest,
        ),
        refuse(
            "three signatures: one more than required, which somebody could take away again",
            "too-many-signatures",
            forged(&payload, policy.encode(), 0b111, &three),
            &honest,
        ),
        take("two signatures of two keys", honest),
    ]
}

pub fn twice(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (policy, payload) = (policy(scenario), payload(scenario, bench));
    let good = digest(bench, &payload, policy.address());
    let honest = payment(scenario, bench, sign(scenario, &good, &[0, 1]));
    let mut doubled = sign(scenario, &good, &[0]);
    let first = doubled.values().next().cloned().unwrap_or_default();
    doubled.insert(1, first);
    // A policy of the attacker's own in which one key counts twice.
    let key = Secp256k1Signer::of(scenario, 0);
    let entry = wrap_list(&[item(&key.kind()), string(&key.public_bytes())].concat());
    let policy = wrap_list(&[item(&2u64), wrap_list(&[entry.clone(), entry].concat())].concat());
    let signature = key.sign(&digest(bench, &payload, address::of_policy(&policy)));
    vec![
        refuse(
            "one key's signature in the places of two keys",
            "bad-signature",
            payment(scenario, bench, doubled),
            &honest,
        ),
        refuse(
            "a policy that has one key twice, so that one person is two",
            "policy-key-twice",
            forged(&payload, policy, 0b11, &[signature.clone(), signature]),
            &honest,
        ),
        take("two signatures of two keys", honest),
    ]
}
