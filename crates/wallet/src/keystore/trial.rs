//! Prime factors up to 2^20, and numbers with a pattern. Rule: docs/protocol.md#W23

/// Factors below this are looked for. Rule: docs/protocol.md#W23
const LIMIT: u32 = 1 << 20;
/// Bits that go through the division at once: with a rest below 2^20 they fit 64 bits.
const STEP: u32 = 44;
/// Percent of the bits that are one in a number of 1,000 bits or more: nine standard deviations, fewer than once in 2^60.
const ONES: std::ops::RangeInclusive<u32> = 36..=64;
/// Longest distance, in bytes, at which a number is compared with itself.
const DISTANCE: usize = 64;
/// Parts of the bytes that may be equal at one distance; by chance one in 256 is.
const EQUAL: usize = 8;

/// An odd prime below 2^20 that divides a big-endian number, which is larger than all of them.
pub(super) fn factor(number: &[u8]) -> Option<u32> {
    let words = words(number);
    primes().find(|prime| rest(&words, *prime) == 0)
}

/// The number in words of [`STEP`] bits, the highest first.
fn words(number: &[u8]) -> Vec<u64> {
    let bits = number.len() as u32 * 8;
    let mut words = vec![0u64; bits.div_ceil(STEP) as usize];
    let count = words.len() as u32;
    for (place, byte) in number.iter().enumerate() {
        for bit in 0..8 {
            // Bits are counted from the lowest, so that the lowest word is whole.
            let from_low = bits - 1 - (place as u32 * 8 + bit);
            let set = u64::from((byte >> (7 - bit)) & 1);
            words[(count - 1 - from_low / STEP) as usize] |= set << (from_low % STEP);
        }
    }
    words
}

/// The number modulo a prime: a multiplication by its reciprocal in the place of each division.
fn rest(words: &[u64], prime: u32) -> u64 {
    let prime = u64::from(prime);
    let reciprocal = u64::MAX / prime;
    words.iter().fold(0, |rest, word| {
        let value = (rest << STEP) | word;
        let quotient = ((u128::from(value) * u128::from(reciprocal)) >> 64) as u64;
        let mut rest = value - quotient * prime;
        while rest >= prime {
            rest -= prime;
        }
        rest
    })
}

/// The odd primes below the limit.
fn primes() -> impl Iterator<Item = u32> {
    // One bit for each odd number.
    let mut composite = vec![0u64; LIMIT as usize / 128];
    let place = |n: u32| ((n / 2 / 64) as usize, n / 2 % 64);
    for n in (3..1 << (LIMIT.ilog2() / 2)).step_by(2) {
        let (word, bit) = place(n);
        if (composite[word] >> bit) & 1 == 1 {
            continue;
        }
        for multiple in (n * n..LIMIT).step_by(2 * n as usize) {
            let (word, bit) = place(multiple);
            composite[word] |= 1 << bit;
        }
    }
    (3..LIMIT).step_by(2).filter(move |n| {
        let (word, bit) = place(*n);
        (composite[word] >> bit) & 1 == 0
    })
}

/// Whether a big-endian number has a pattern that no random number has: too few or too many ones, or bytes that come again
/// and again at one distance. Faulty generators make such primes and moduli (polynomials in a power of two, primes next to
/// round numbers).
pub(super) fn has_pattern(number: &[u8]) -> bool {
    let ones: u32 = number.iter().map(|byte| byte.count_ones()).sum();
    let percent = ones * 100 / (number.len() as u32 * 8).max(1);
    let again = |distance: usize| {
        let pairs = number.iter().zip(number.iter().skip(distance));
        let equal = pairs.clone().filter(|(a, b)| a == b).count();
        equal * EQUAL > pairs.count()
    };
    !ONES.contains(&percent) || (1..=DISTANCE.min(number.len() / 2)).any(again)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primes_are_those_below_the_limit() {
        let all: Vec<u32> = primes().collect();
        assert_eq!((all.len(), all[0], all[82_023]), (82_024, 3, 1_048_573));
        assert_eq!(&all[1..5], [5, 7, 11, 13]);
    }

    #[test]
    fn rests_are_those_of_plain_division() {
        let number = 0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978u128;
        let words = words(&number.to_be_bytes());
        for prime in [3, 8_191, 8_209, 65_537, 1_048_573] {
            assert_eq!(u128::from(rest(&words, prime)), number % u128::from(prime), "{prime}");
        }
        let product = 1_048_573u128 * ((1 << 89) - 1);
        assert_eq!(factor(&product.to_be_bytes()), Some(1_048_573));
        assert_eq!(factor(&((1u128 << 127) - 1).to_be_bytes()), None);
    }

    #[test]
    fn patterns_are_distinguished_from_random_numbers() {
        use sha2::{Digest, Sha256};
        for round in 0u32..400 {
            let number: Vec<u8> = (0..8u32)
                .flat_map(|part| Sha256::digest([round.to_be_bytes(), part.to_be_bytes()].concat()))
                .collect();
            assert!(!has_pattern(&number) && !has_pattern(&number[..128]), "{round}");
            let repeated = number[..32].repeat(8);
            assert!(has_pattern(&repeated), "{round}");
            // A polynomial in 2^128 with small coefficients.
            let polynomial: Vec<u8> = number
                .chunks(16)
                .flat_map(|c| [&[0; 14][..], &c[..2]].concat())
                .collect();
            assert!(has_pattern(&polynomial), "{round}");
            // A prime next to a round number.
            let mut round_number = vec![0; 128];
            round_number[0] = 0xc0;
            round_number[126..].copy_from_slice(&number[..2]);
            assert!(has_pattern(&round_number), "{round}");
        }
    }
}
