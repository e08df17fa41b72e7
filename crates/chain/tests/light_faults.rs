//! What a verifier says after a fault. Rule: docs/protocol.md#F3

#[path = "light/world.rs"]
mod world;

use std::collections::BTreeSet;

use tally_chain::light::{AllHeaders, Fault, LightError, Verifier, encode_headers, forge};
use world::{HONEST, NOW, SPEC, proof_at};

fn verifier() -> Verifier {
    Verifier::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap()
}

/// The part of a proof in which this byte stands.
fn part_of(proof: &[u8], at: usize) -> &'static str {
    let mut verifier = verifier();
    verifier.push(&proof[..at]).unwrap();
    match *verifier.finish().unwrap_err().error {
        LightError::Truncated { missing } => missing,
        error => panic!("{error}"),
    }
}

/// Pushes all of these bytes in pieces, and more; every call after the first fault has to return it, and so has `finish`.
fn assert_fault_stays(bytes: &[u8]) -> Fault {
    let mut verifier = verifier();
    let mut pieces = bytes.chunks(199);
    let fault = pieces.find_map(|piece| verifier.push(piece).err()).unwrap();
    for piece in pieces.chain([&[][..], bytes, &bytes[..1]]) {
        assert_eq!(verifier.push(piece), Err(fault.clone()));
    }
    assert_eq!(verifier.finish(), Err(fault.clone()));
    fault
}

#[test]
fn a_fault_is_the_answer_to_all_that_follows() {
    for (height, parts) in [(300, 2), (HONEST.height(), 5)] {
        let (proof, bytes) = proof_at(height);
        let count = 76 + usize::from(u16::from_be_bytes([bytes[74], bytes[75]]));
        let places = [0, 8, 9, 20, 74, 100, count].into_iter();
        let mut found = BTreeSet::new();
        for at in places.chain((count + 4..bytes.len() - 40).step_by(503)) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xc1;
            assert_fault_stays(&damaged);
            found.insert(part_of(&bytes, at));
        }
        assert_eq!(found.len(), parts, "{:?}: {found:?}", proof.kind);
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(*assert_fault_stays(&longer).error, LightError::TrailingBytes);
    }
}

#[test]
fn headers_after_a_fault_are_not_read() {
    let mut bytes = Vec::new();
    encode_headers(&SPEC, &*HONEST, 1..=100, &mut bytes).unwrap();
    let mut headers = AllHeaders::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap();
    headers.push(&bytes[..1_000]).unwrap();
    let (height, id) = (headers.height(), headers.id());
    let fault = headers.push(&[0xff; 100]).unwrap_err();
    for piece in [&bytes[1_000..], &[], &[0xff; 100]] {
        assert_eq!(headers.push(piece), Err(fault.clone()));
    }
    // What holds may be gone on with, by a new one.
    assert_eq!((headers.height(), headers.id()), (height, id));
    let mut resumed = AllHeaders::resume(SPEC.clone(), forge::genesis_id(&SPEC), NOW, headers.saved()).unwrap();
    let mut rest = Vec::new();
    encode_headers(&SPEC, &*HONEST, height.0 + 1..=100, &mut rest).unwrap();
    resumed.push(&rest).unwrap();
    assert_eq!(resumed.id(), HONEST.at(100).id());
}
