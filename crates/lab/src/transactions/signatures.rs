//! Signatures of others, and other forms of a signature. Rules: docs/protocol.md#A5, #A6, #T3

use k256::ecdsa::Signature;
use tally_chain::Address;

use crate::act::{Act, refuse, take};
use crate::keys::{RsaSigner, Secp256k1Signer, Signer as _};
use crate::world::Bench;

pub fn foreign(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, bob, mallory) = (
        Secp256k1Signer::of(scenario, 0),
        Secp256k1Signer::of(scenario, 1).address(),
        Secp256k1Signer::of(scenario, 2),
    );
    let payload = bench.ten(0, mallory.address());
    let mut forged = alice.open(&bench.identity, &payload);
    forged.signature = mallory.sign(&forged.digest(&bench.identity, alice.address()));
    let honest = alice.envelope(&bench.identity, &bench.ten(0, bob));
    vec![
        refuse(
            "Alice's public key on a payment to Mallory that Mallory signed",
            "bad-signature",
            forged.encode(),
            &honest,
        ),
        take("Alice's own payment, signed by her", honest),
        take(
            "Mallory's signature under her own key: it is she who pays",
            mallory.envelope(&bench.identity, &bench.ten(0, bob)),
        ),
    ]
}

pub fn high_s(scenario: &str, bench: &Bench) -> Vec<Act> {
    let (alice, bob) = (
        Secp256k1Signer::of(scenario, 0),
        Secp256k1Signer::of(scenario, 1).address(),
    );
    let payload = bench.ten(0, bob);
    let honest = alice.envelope(&bench.identity, &payload);
    let mut mirrored = alice.open(&bench.identity, &payload);
    let low = Signature::from_slice(&mirrored.signature).expect("a signature was made");
    let high = Signature::from_scalars(low.r().to_bytes(), (-*low.s()).to_bytes());
    // (r, n - s) verifies wherever (r, s) does, and anyone can make it without the key.
    mirrored.signature = high.expect("neither part is zero").to_bytes().to_vec();
    vec![
        refuse(
            "the same signature with n - s in place of s",
            "secp256k1-high-s",
            mirrored.encode(),
            &honest,
        ),
        take("the signature as Alice made it", honest),
    ]
}

pub fn pkcs1(bench: &Bench) -> Vec<Act> {
    let alice = RsaSigner::good(2);
    let payload = bench.ten(0, Address::repeat_byte(0x0b));
    let honest = alice.envelope(&bench.identity, &payload);
    let mut older = alice.open(&bench.identity, &payload);
    older.signature = alice.sign_pkcs1(&older.digest(&bench.identity, alice.address()));
    vec![
        refuse(
            "an RSA signature of the right key with the padding of PKCS#1 v1.5",
            "bad-signature",
            older.encode(),
            &honest,
        ),
        take("the same payment, signed with PSS", honest),
    ]
}
