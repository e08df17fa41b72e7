//! Bit for bit against the library's arithmetic.

use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero, Resize};
use proptest::prelude::*;

use super::*;

/// The largest base. Rule: docs/protocol.md#W4
const MAX_BASE: u32 = 173;

fn number(digits: &[u32]) -> BoxedUint {
    let mut bytes = vec![0; digits.len() * DIGIT_BITS / 8 + 8];
    for (place, digit) in digits.iter().enumerate() {
        let (byte, shift) = (place * DIGIT_BITS / 8, place * DIGIT_BITS % 8);
        for (offset, part) in (u64::from(*digit) << shift).to_le_bytes()[..5].iter().enumerate() {
            bytes[byte + offset] |= part;
        }
    }
    bytes.reverse();
    BoxedUint::from_be_slice_vartime(&bytes)
}

fn bytes_of(number: &BoxedUint) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes[zeros..].to_vec()
}

fn small(number: u32) -> BoxedUint {
    BoxedUint::from(u64::from(number))
}

fn rest(number: &BoxedUint, modulus: &BoxedUint) -> BoxedUint {
    number.rem(&NonZero::new(modulus.clone()).unwrap())
}

fn power_of_two(bits: usize) -> BoxedUint {
    let one = BoxedUint::one_with_precision(bits as u32 + 64);
    one.shl_vartime(bits as u32).unwrap()
}

/// Sets the four powers to `starts`, squares and multiplies them, and compares what is there with the library's result.
fn check<const DIGITS: usize>(moduli: &[BoxedUint; LANES], starts: &[BoxedUint; LANES], factors: [u32; LANES]) {
    let bytes = moduli.each_ref().map(bytes_of);
    let mut powers = Powers::<DIGITS>::new(bytes.each_ref().map(Vec::as_slice));
    let r = power_of_two(DIGITS * DIGIT_BITS);
    let ones = apart(&powers.powers);
    powers.powers = beside(&starts.each_ref().map(|start| digits_of::<DIGITS>(&bytes_of(start))));
    powers.square_times(factors);
    let after = apart(&powers.powers);
    let values = powers.values();
    assert!(*values == *powers.values(), "looking at the values changed the powers");
    for lane in 0..LANES {
        let (n, factor) = (&moduli[lane], small(factors[lane]));
        assert_eq!(rest(&r, n), rest(&number(&ones[lane]), n), "1 modulo {n}");
        assert!(number(&ones[lane]) < *n);
        // (x / R)^2 f is what (x^2 f / R) stands for.
        let squared = starts[lane].concatenating_mul(&starts[lane]).concatenating_mul(&factor);
        let found = number(&after[lane]);
        assert_eq!(
            rest(&found.concatenating_mul(&r), n),
            rest(&squared, n),
            "{} modulo {n}",
            starts[lane]
        );
        assert!(
            found < small(2 * factors[lane]).concatenating_mul(n),
            "{found} is too large"
        );
        let value = number(&values[lane]);
        assert_eq!(rest(&value.concatenating_mul(&r), n), rest(&found, n));
        assert!(value <= *n);
    }
}

/// Moduli and starts of a size, each digit at an end of its range as often as not.
fn numbers(bits: usize) -> impl Strategy<Value = (BoxedUint, BoxedUint)> {
    let count = digits(bits);
    let digit = || prop_oneof![Just(0), Just(DIGIT_MASK), 0..=DIGIT_MASK];
    let row = move || proptest::collection::vec(digit(), count);
    (row(), row()).prop_map(move |(mut modulus, start)| {
        modulus[0] |= 3;
        let modulus = rest(&number(&modulus), &power_of_two(bits));
        let start = rest(&number(&start), &below(&modulus));
        (modulus, start)
    })
}

/// What a power is always below.
fn below(modulus: &BoxedUint) -> BoxedUint {
    small(2 * MAX_BASE).concatenating_mul(modulus)
}

fn edges<const DIGITS: usize>(bits: usize) {
    let one = BoxedUint::one_with_precision(bits as u32 + 64);
    let all_ones = power_of_two(bits).wrapping_sub(&one);
    let alternating = number(&std::array::from_fn::<u32, DIGITS, _>(|place| {
        if place % 2 == 0 { DIGIT_MASK } else { 0 }
    }));
    let alternating = rest(&alternating, &power_of_two(bits));
    let moduli = [
        all_ones,
        power_of_two(bits - 1).wrapping_add(&one),
        alternating,
        BoxedUint::from(3u64).resize(bits as u32 + 64),
    ];
    for modulus in moduli {
        let less = |number: &BoxedUint| number.wrapping_sub(&one);
        let starts = [one.wrapping_sub(&one), one.clone(), less(&modulus), modulus.clone()];
        let four = std::array::from_fn(|_| modulus.clone());
        check::<DIGITS>(&four, &starts, [1, 2, MAX_BASE, 3]);
        let most = less(&below(&modulus));
        let starts = [
            most.clone(),
            most,
            less(&modulus.wrapping_add(&modulus)),
            modulus.wrapping_add(&one),
        ];
        check::<DIGITS>(&four, &starts, [MAX_BASE, 1, MAX_BASE, 2]);
    }
}

#[test]
fn edge_values_are_those_of_the_library() {
    edges::<{ digits(1024) }>(1024);
    edges::<{ digits(1536) }>(1536);
    edges::<{ digits(2048) }>(2048);
    edges::<{ digits(3072) }>(3072);
}

#[test]
fn there_are_digits_enough_for_the_largest_base() {
    for bits in [1024, 1536, 2048, 3072] {
        // R >= 4 b^2 n, and 64 bits hold a column.
        let spare = digits(bits) * DIGIT_BITS - bits;
        assert!(1u64 << spare.min(40) >= 4 * u64::from(MAX_BASE * MAX_BASE), "{bits}");
        let product = u128::from(DIGIT_MASK) * u128::from(DIGIT_MASK);
        assert!(2 * digits(bits) as u128 * product + (1 << 37) < 1 << 64, "{bits}");
    }
    assert_eq!([1024, 1536, 2048].map(digits), [38, 56, 74]);
}

#[test]
fn the_lowest_digit_has_an_inverse() {
    for n in (1..10_000).step_by(2).chain([DIGIT_MASK, DIGIT_MASK - 2, 1 << 27 | 1]) {
        assert_eq!(negative_inverse(n).wrapping_mul(n) & DIGIT_MASK, DIGIT_MASK, "{n}");
    }
}

macro_rules! sizes {
    ($($name:ident: $bits:literal, $cases:literal;)*) => {
        $(
            proptest! {
                #![proptest_config(ProptestConfig { cases: $cases, ..ProptestConfig::default() })]

                #[test]
                fn $name(
                    pairs in proptest::array::uniform4(numbers($bits)),
                    factors in proptest::array::uniform4(1..=MAX_BASE),
                ) {
                    let moduli = pairs.each_ref().map(|pair| pair.0.clone());
                    let starts = pairs.each_ref().map(|pair| pair.1.clone());
                    check::<{ digits($bits) }>(&moduli, &starts, factors);
                }
            }
        )*
    };
}

sizes! {
    squares_of_1024_bits_are_those_of_the_library: 1024, 1_000;
    squares_of_1536_bits_are_those_of_the_library: 1536, 500;
    squares_of_2048_bits_are_those_of_the_library: 2048, 500;
}
