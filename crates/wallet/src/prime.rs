//! Primality for the RSA key search: a verdict that every build gives alike.
//!
//! The verdict is Miller-Rabin to the first forty primes as bases (docs/protocol.md#W4). Trial division
//! and the order of the tests only save time: they never change it for numbers of this size.

use std::sync::LazyLock;

use crate::montgomery::{LANES, Powers, Residue};

/// Bases of the Miller-Rabin test. Rule: docs/protocol.md#W4
pub(crate) const BASES: [u8; 40] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173,
];

/// Trial division stops here: the next prime would cost more time than the tests it saves.
const TRIAL_LIMIT: u32 = 8192;

/// Consecutive odd primes whose product fits 32 bits, so that one pass over the number serves all of them.
struct Group {
    product: u32,
    primes: Vec<u32>,
}

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let mut composite = vec![false; TRIAL_LIMIT as usize];
    let mut groups: Vec<Group> = Vec::new();
    for n in (3..TRIAL_LIMIT).step_by(2) {
        if composite[n as usize] {
            continue;
        }
        for multiple in (n * n..TRIAL_LIMIT).step_by(n as usize) {
            composite[multiple as usize] = true;
        }
        match groups.last_mut() {
            Some(group) if group.product.checked_mul(n).is_some() => {
                group.product *= n;
                group.primes.push(n);
            }
            _ => groups.push(Group {
                product: n,
                primes: vec![n],
            }),
        }
    }
    groups
});

/// The big-endian number modulo `divisor`; `bytes` is a multiple of four long.
pub(crate) fn residue(bytes: &[u8], divisor: u32) -> u32 {
    let divisor = u64::from(divisor);
    bytes.chunks_exact(4).fold(0u64, |rest, word| {
        let word = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        ((rest << 32) | u64::from(word)) % divisor
    }) as u32
}

/// Whether a small odd prime divides the (much larger) number.
pub(crate) fn has_small_factor(bytes: &[u8]) -> bool {
    small_factor(bytes).is_some()
}

/// A small odd prime that divides the (much larger) number.
pub(crate) fn small_factor(bytes: &[u8]) -> Option<u32> {
    GROUPS.iter().find_map(|group| {
        let rest = residue(bytes, group.product);
        group.primes.iter().copied().find(|prime| rest.is_multiple_of(*prime))
    })
}

/// Four odd numbers above 1 under the Miller-Rabin test, side by side. Wiped when dropped.
///
/// `DIGITS` is [`montgomery::digits`] of the bits that they have at most.
pub(crate) fn strong_probable_primes<const DIGITS: usize>(
    numbers: [&[u8]; LANES],
    bases: [u8; LANES],
) -> [bool; LANES] {
    let mut powers = Powers::<DIGITS>::new(numbers);
    // n - 1 = odd_part * 2^twos.
    let twos = numbers.map(twos);
    let most = numbers.iter().map(|number| number.len() * 8).max().unwrap_or_default();
    // From the highest bit of the odd part to its lowest: each squares, and one that is set multiplies by the base.
    for place in (0..most - 1).rev() {
        let mut factors = [1; LANES];
        for lane in 0..LANES {
            // Of n instead of n - 1: they differ in the lowest bit only, which the odd part does not have.
            let bit = powers.bit(lane, place + twos[lane]);
            factors[lane] += bit * (u32::from(bases[lane]) - 1);
        }
        powers.square_times(factors);
    }
    let mut passed = [false; LANES];
    for squared in 0..twos.into_iter().max().unwrap_or_default() {
        let residues = powers.residues();
        for lane in 0..LANES {
            passed[lane] |= match residues[lane] {
                Residue::MinusOne => squared < twos[lane],
                Residue::One => squared == 0,
                Residue::Other => false,
            };
        }
        powers.square_times([1; LANES]);
    }
    passed
}

/// How often two divides `n - 1`.
fn twos(n: &[u8]) -> usize {
    let mut zeros = 0;
    for (place, byte) in n.iter().rev().enumerate() {
        let byte = if place == 0 { byte & 0xfe } else { *byte };
        zeros += byte.trailing_zeros() as usize;
        if byte != 0 {
            break;
        }
    }
    zeros
}

#[cfg(test)]
pub(crate) mod tests;
