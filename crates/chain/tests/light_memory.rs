//! What a light client holds in memory: little, whatever it is sent. Rules: docs/protocol.md#F3, #F9

#[path = "light/world.rs"]
mod world;

use tally_chain::light::{AllHeaders, LightError, Verifier, encode_headers, forge};
use tally_testkit::memory::{Counting, peak_of, taken_by};
use world::{HONEST, NOW, SPEC, proof_at};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test, so that no other one allocates meanwhile.
#[test]
fn memory_is_bounded() {
    let (_, proof) = proof_at(HONEST.height());
    let mut headers = Vec::new();
    encode_headers(&SPEC, &*HONEST, 1..=HONEST.height(), &mut headers).unwrap();
    let verifier = || Verifier::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap();

    for len in [1_000, proof.len()] {
        let (verified, peak) = peak_of(|| {
            let mut verifier = verifier();
            for piece in proof.chunks(len) {
                verifier.push(piece).unwrap();
            }
            verifier.finish()
        });
        assert!(
            verified.is_ok() && peak < 4 * proof.len(),
            "{peak} bytes for {}",
            proof.len()
        );
    }

    // Byte by byte, no part is copied for each of them, which would be hundreds of times the proof. What more it takes are
    // manifests: each is decoded again while the headers after it come.
    let [whole, bytewise] = [proof.len(), 1].map(|len| {
        let (verified, taken) = taken_by(|| {
            let mut verifier = verifier();
            for piece in proof.chunks(len) {
                verifier.push(piece).unwrap();
            }
            verifier.finish()
        });
        assert!(verified.is_ok());
        taken
    });
    assert!(
        bytewise < whole + 4 * proof.len(),
        "{bytewise} bytes, {whole} as a whole"
    );
    let [whole, bytewise] = [headers.len(), 1].map(|len| {
        let mut all = AllHeaders::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap();
        taken_by(|| headers.chunks(len).for_each(|piece| all.push(piece).unwrap())).1
    });
    assert!(bytewise < whole + 10_000, "{bytewise} bytes, {whole} as a whole");

    // Half a megabyte of headers, and a chain of any length, takes as much.
    let (end, peak) = peak_of(|| {
        let mut all = AllHeaders::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap();
        headers.chunks(16_384).for_each(|piece| all.push(piece).unwrap());
        all.height().0
    });
    assert!(end == HONEST.height() && peak < 100_000, "{peak} bytes");

    // The largest numbers in the place of each length, count and weight.
    for at in (0..1_000).chain((1_000..proof.len()).step_by(61)) {
        let mut damaged = proof.clone();
        let end = (at + 4).min(proof.len());
        damaged[at..end].fill(0xff);
        let (verdict, peak) = peak_of(|| {
            let mut verifier = verifier();
            verifier.push(&damaged)?;
            verifier.finish()
        });
        assert!(
            verdict.is_err() && peak < 4 * proof.len(),
            "{at}: {peak} bytes, {verdict:?}"
        );
    }
    let count = 76 + usize::from(u16::from_be_bytes([proof[74], proof[75]]));
    let mut many = proof;
    many[count..count + 4].fill(0xff);
    let error = LightError::RecordCount {
        count: u32::MAX.into(),
        min: 2,
        max: 1 + 7 * 34 + 7,
    };
    assert_eq!(verifier().push(&many).map_err(|fault| *fault.error), Err(error));
}
