//! What a verifier returns after a fault, and beside what its reader has seen before. Rules: docs/protocol.md#F3, #F10

#[path = "light/world.rs"]
mod world;

use std::collections::BTreeSet;

use tally_chain::light::forge::{self, Budget, Chain, Next, SealMethod};
use tally_chain::light::{AllHeaders, LightError, LightFault, Links, Verified, Verifier, encode_headers, prove};
use tally_chain::{Height, Weight};
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
fn assert_fault_stays(bytes: &[u8]) -> LightFault {
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

#[test]
fn links_after_a_fault_are_not_followed() {
    let mut bytes = Vec::new();
    encode_headers(&SPEC, &*HONEST, 51..=100, &mut bytes).unwrap();
    let mut links = Links::after(&SPEC, Height(50), HONEST.at(50), HONEST.at(1).time);
    links.push(&bytes[..1_000]).unwrap();
    let (height, id) = (links.height(), links.id());
    let fault = links.push(&[0xff; 100]).unwrap_err();
    assert_eq!((fault.rule, fault.height), ("F2", Some(height.next())));
    for piece in [&bytes[1_000..], &[], &[0; 100]] {
        assert_eq!(links.push(piece), Err(fault.clone()));
    }
    assert_eq!((links.height(), links.id()), (height, id));
}

fn verdict(mut verifier: Verifier, chain: &Chain<'_>) -> Result<Verified, LightFault> {
    let proof = prove(&SPEC, chain, Height(chain.height())).unwrap();
    verifier.push(&proof.bytes(&SPEC, chain).unwrap())?;
    verifier.finish()
}

/// Of two tips of the same weight the one that was verified first stays.
#[test]
fn another_tip_of_the_same_weight_is_rejected() {
    for height in [300, HONEST.height()] {
        let chain = |salt| {
            let mut chain = HONEST.fork(height - 1, salt);
            let time = HONEST.at(height).time;
            assert!(chain.push(Next::at(time), SealMethod::Mined(&mut Budget(u64::MAX))));
            chain
        };
        let (first, second) = (chain(1), chain(2));
        let weight = first.weight();
        assert_eq!(second.weight(), weight);
        let (known, found) = (first.tip().id(), second.tip().id());
        let knowing = || verifier().knowing_tip(weight, known);
        assert_eq!(verdict(knowing(), &first).unwrap().tip, known);
        let fault = verdict(knowing(), &second).unwrap_err();
        assert_eq!((fault.rule, fault.height), ("F10", Some(Height(height))));
        assert_eq!(*fault.error, LightError::SameWeight { found, known });
        // A chain of less work is rejected as such, one of more is accepted.
        let parent = HONEST.fork(height - 1, 0);
        let fault = verdict(knowing(), &parent).unwrap_err();
        let less = LightError::LessWork {
            found: parent.weight(),
            known: weight,
        };
        assert_eq!((fault.rule, *fault.error), ("F10", less));
        let less = Weight(weight.0 - tally_chain::U256::from(1));
        assert_eq!(
            verdict(verifier().knowing_tip(less, known), &second).unwrap().tip,
            found
        );
        // A reader that kept no more than a weight cannot distinguish them.
        assert_eq!(verdict(verifier().knowing(weight), &second).unwrap().tip, found);
    }
}
