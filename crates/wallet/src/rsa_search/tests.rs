//! The search against rule W4 as it is written: one candidate after the other, by the slow test.

use super::*;
use crate::phrase::Phrase;
use crate::prime::tests::slow;

fn search(bits: RsaBits, index: u32) -> RsaSearch {
    let phrase = Phrase::parse(tally_testkit::PUBLIC_PHRASE).unwrap();
    phrase.seed("").rsa(bits, index).unwrap()
}

/// The larger and the smaller prime, and the candidates drawn. Rule: docs/protocol.md#W4
fn naive(search: RsaSearch) -> ([Vec<u8>; 2], u32) {
    let RsaSearch { bits, mut stream, .. } = search;
    let len = bits.get() as usize / 16;
    let (mut first, mut drawn) = (None::<Vec<u8>>, 0);
    loop {
        let mut bytes = vec![0; len];
        stream.read(&mut bytes);
        drawn += 1;
        bytes[0] |= 0xc0;
        bytes[len - 1] |= 1;
        let taken = residue(&bytes, 65_537) != 1 && !has_small_factor(&bytes);
        if !taken || !BASES.iter().all(|base| slow(&bytes, *base)) {
            continue;
        }
        match first {
            None => first = Some(bytes),
            Some(first) if first > bytes => return ([first, bytes], drawn),
            Some(first) => return ([bytes, first], drawn),
        }
    }
}

fn compare(bits: RsaBits, index: u32) {
    let (primes, drawn) = naive(search(bits, index));
    let mut search = search(bits, index);
    let key = loop {
        if let Step::Found(key) = search.step() {
            break key;
        }
    };
    assert_eq!(key.primes().map(|prime| prime.to_vec()), primes, "{bits} {index}");
    assert_eq!(search.progress().drawn, drawn, "{bits} {index}");
}

#[test]
fn the_search_of_2048_bits_finds_what_the_rule_says() {
    for index in 2..7 {
        compare(RsaBits::B2048, index);
    }
}

#[test]
fn the_search_of_3072_bits_finds_what_the_rule_says() {
    compare(RsaBits::B3072, 1);
}

#[test]
fn the_search_of_4096_bits_finds_what_the_rule_says() {
    compare(RsaBits::B4096, 1);
}

/// Two primes may pass in one batch of four: both are taken, in their order.
#[test]
fn a_prime_that_was_tried_beside_the_first_is_the_second() {
    let key = search(RsaBits::B2048, 0).finish();
    let [p, q] = key.primes();
    let mut pair = Pair::<{ digits(1024) }>::new(RsaBits::B2048);
    pair.promising.push_back(Candidate {
        bytes: q.clone(),
        drawn: 7,
    });
    pair.promising.push_back(Candidate {
        bytes: p.clone(),
        drawn: 8,
    });
    pair.read = 9;
    let mut stream = search(RsaBits::B2048, 0).stream;
    let mut last = (0, 0);
    let found = loop {
        if let Some(found) = pair.step(&mut stream) {
            break found;
        }
        assert!(pair.progress() >= last);
        last = pair.progress();
    };
    assert!(found == (p, q));
    assert_eq!(pair.progress(), (2, 8));
    assert_eq!(pair.read, 9, "nothing more was drawn");
}

#[test]
fn a_second_prime_too_near_the_first_is_not_taken() {
    let number = |low: usize, bit: usize| {
        // 2^1023, plus 2^bit, plus `low`.
        let mut bytes = vec![0; 128];
        bytes[0] = 0x80;
        bytes[127 - bit / 8] |= 1 << (bit % 8);
        bytes[127] |= low as u8;
        Zeroizing::new(bytes)
    };
    let first = number(1, 5);
    // Their distances from the first: 2^924 - 30, 2^924, 2^924 + 2.
    assert!(!are_apart(&first, &number(3, 924)));
    assert!(!are_apart(&first, &number(0x21, 924)));
    assert!(are_apart(&first, &number(0x23, 924)));
    assert!(are_apart(&number(0x23, 924), &first), "in either order");
    let mut pair = Pair::<{ digits(1024) }>::new(RsaBits::B2048);
    pair.accept(first.clone());
    pair.accept(number(0x21, 924));
    assert_eq!(pair.progress().0, 1);
    pair.accept(number(0x23, 924));
    assert_eq!(pair.progress().0, 2);
}
