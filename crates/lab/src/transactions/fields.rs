//! Bytes that differ from what was signed, or are written in another way. Rules: docs/protocol.md#E1, #T3

use tally_chain::transaction::Payload;
use tally_chain::{Address, Bytes};

use crate::act::{Act, refuse, take};
use crate::forgery::{VALUE, string};
use crate::keys::{Secp256k1Signer, Signer as _};
use crate::world::Bench;

/// The recipient with one bit changed.
fn other(to: Option<Address>) -> Option<Address> {
    to.map(|mut to| {
        to.0[19] ^= 1;
        to
    })
}

pub fn bit_flip(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, bob) = (
        Secp256k1Signer::of(scenario, 0),
        Secp256k1Signer::of(scenario, 1).address(),
    );
    let payload = bench.ten(1, bob);
    let honest = alice.envelope(&bench.identity, &payload);
    let signed = alice.open(&bench.identity, &payload);
    // The new fields beside the old signature.
    let flipped = |change: &dyn Fn(&mut Payload)| {
        let mut payload = payload.clone();
        change(&mut payload);
        let mut envelope = alice.open(&bench.identity, &payload);
        envelope.signature.clone_from(&signed.signature);
        envelope.encode()
    };
    let mut acts = vec![take(
        "Alice pays Bob 10, nonce 0",
        alice.envelope(&bench.identity, &bench.ten(0, bob)),
    )];
    type Change = fn(&mut Payload);
    let fields: [(&str, &'static str, Change); 9] = [
        ("chain_id", "wrong-chain", |payload| payload.chain_id ^= 1),
        ("nonce", "bad-signature", |payload| payload.nonce ^= 2),
        ("timestamp", "bad-signature", |payload| payload.timestamp.0 ^= 1),
        ("max_priority_fee", "bad-signature", |payload| {
            payload.max_priority_fee ^= 1
        }),
        ("max_fee", "bad-signature", |payload| payload.max_fee ^= 1),
        ("gas_limit", "bad-signature", |payload| payload.gas_limit ^= 1),
        ("to", "bad-signature", |payload| payload.to = other(payload.to)),
        ("value", "bad-signature", |payload| {
            payload.value.0.set_bit(0, !payload.value.0.bit(0))
        }),
        ("data", "bad-signature", |payload| {
            payload.data = Bytes::from_static(b"lac")
        }),
    ];
    for (field, kind, change) in fields {
        acts.push(refuse(
            &format!("one bit of {field} flipped"),
            kind,
            flipped(&change),
            &honest,
        ));
    }
    let mut kind = signed.clone();
    kind.kind ^= 1;
    acts.push(refuse(
        "one bit of authenticator.kind flipped",
        "rlp-malformed",
        kind.encode(),
        &honest,
    ));
    let mut key = signed.clone();
    // 2 and 3 begin the two points with one x: the flipped one is a key, too, of somebody else.
    key.public_key[0] ^= 1;
    acts.push(refuse(
        "one bit of authenticator.public_key flipped",
        "bad-signature",
        key.encode(),
        &honest,
    ));
    let mut signature = signed;
    signature.signature[63] ^= 1;
    acts.push(refuse(
        "one bit of authenticator.signature flipped",
        "bad-signature",
        signature.encode(),
        &honest,
    ));
    acts.push(take("the same payment as it was signed, nonce 1", honest));
    acts
}

pub fn zero_padded(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, bob) = (
        Secp256k1Signer::of(scenario, 0),
        Secp256k1Signer::of(scenario, 1).address(),
    );
    let payload = bench.ten(0, bob);
    let honest = alice.envelope(&bench.identity, &payload);
    let mut padded = alice.open(&bench.identity, &payload);
    let value = payload.value.0.to_be_bytes::<32>();
    let first = value.iter().position(|byte| *byte != 0).unwrap_or(value.len());
    // One zero more than the shortest form, and a signature that covers exactly that.
    padded.fields[VALUE] = string(&value[first - 1..]);
    padded.signature = alice.sign(&padded.digest(&bench.identity, alice.address()));
    vec![
        refuse(
            "10 coins with a zero byte before the amount, signed so",
            "integer-zero-padded",
            padded.encode(),
            &honest,
        ),
        take("the same amount in its shortest form", honest),
    ]
}

pub fn trailing_bytes(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, bob) = (
        Secp256k1Signer::of(scenario, 0),
        Secp256k1Signer::of(scenario, 1).address(),
    );
    let honest = alice.envelope(&bench.identity, &bench.ten(0, bob));
    let longer: Bytes = [&honest[..], &[0]].concat().into();
    let shorter = honest.slice(..honest.len() - 1);
    vec![
        refuse("a byte more after the envelope", "trailing-bytes", longer, &honest),
        refuse("a byte less at its end", "rlp-truncated", shorter, &honest),
        take("the envelope as it was signed", honest),
    ]
}
