//! Primality for the RSA key search: a verdict that every build gives alike.
//!
//! The verdict is Miller-Rabin to the first forty primes as bases (docs/protocol.md#W4). Trial division
//! and the order of the tests only save time: they never change it for numbers of this size.

use std::sync::LazyLock;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, Uint};
use zeroize::Zeroize;

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

/// One number under the Miller-Rabin test: `n - 1 = odd_part * 2^twos`. Wiped when dropped.
pub(crate) struct Probe<const LIMBS: usize> {
    params: FixedMontyParams<LIMBS>,
    odd_part: Uint<LIMBS>,
    twos: u32,
}

impl<const LIMBS: usize> Probe<LIMBS> {
    pub(crate) fn new(n: Odd<Uint<LIMBS>>) -> Self {
        let n_minus_one = n.as_ref().wrapping_sub(&Uint::ONE);
        let twos = n_minus_one.trailing_zeros_vartime();
        Self {
            params: FixedMontyParams::new_vartime(n),
            odd_part: n_minus_one.wrapping_shr_vartime(twos),
            twos,
        }
    }

    pub(crate) fn number(&self) -> Uint<LIMBS> {
        *self.params.modulus().as_ref()
    }

    /// Whether the number is a strong probable prime to this base.
    pub(crate) fn passes(&self, base: u8) -> bool {
        let one = *self.params.one();
        let minus_one = self.number().wrapping_sub(&one);
        let mut power = if base == 2 {
            self.two_to_the_odd_part()
        } else {
            FixedMontyForm::new(&Uint::from(base), &self.params).pow_vartime(&self.odd_part)
        };
        if *power.as_montgomery() == one || *power.as_montgomery() == minus_one {
            return true;
        }
        for _ in 1..self.twos {
            power = power.square();
            if *power.as_montgomery() == minus_one {
                return true;
            }
        }
        false
    }

    /// Base two needs no multiplications: a set bit of the exponent doubles.
    fn two_to_the_odd_part(&self) -> FixedMontyForm<LIMBS> {
        let mut power = FixedMontyForm::one(&self.params);
        for bit in (0..self.odd_part.bits_vartime()).rev() {
            power = power.square();
            if self.odd_part.bit_vartime(bit) {
                power = power.double();
            }
        }
        power
    }
}

impl<const LIMBS: usize> Drop for Probe<LIMBS> {
    fn drop(&mut self) {
        self.params.zeroize();
        self.odd_part.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use crypto_bigint::{Limb, U128};

    use super::*;

    fn verdict(n: u128) -> bool {
        let Some(odd) = U128::from(n).to_odd().into_option() else {
            return n == 2;
        };
        let probe = Probe::new(odd);
        BASES.iter().all(|&base| probe.passes(base))
    }

    #[test]
    fn small_factors_are_the_primes_below_the_limit() {
        let all: Vec<u32> = GROUPS.iter().flat_map(|group| group.primes.clone()).collect();
        assert_eq!(all.len(), 1_027);
        assert_eq!((all[0], all[1_026]), (3, 8_191));
        assert!(has_small_factor(&(8_191u128 * ((1 << 61) - 1)).to_be_bytes()));
        assert!(!has_small_factor(&((1u128 << 127) - 1).to_be_bytes()));
        assert_eq!(residue(&(65_537u128 * 65_537 + 5).to_be_bytes(), 65_537), 5);
    }

    #[test]
    fn miller_rabin_distinguishes_mersenne_primes_from_pseudoprimes() {
        for exponent in [61, 89, 107, 127] {
            assert!(verdict((1 << exponent) - 1), "2^{exponent}-1 is prime");
        }
        // Strong pseudoprimes to the first 12 and 13 prime bases (Sorenson and Webster), and two Carmichael numbers.
        for n in [
            318_665_857_834_031_151_167_461,
            3_317_044_064_679_887_385_961_981,
            3_825_123_056_546_413_051,
            1_590_231_231_043_178_376_951_698_401,
        ] {
            assert!(!verdict(n), "{n} is composite");
        }
        assert!(!verdict((1 << 67) - 1));
    }

    fn passes_all<const LIMBS: usize>(bytes: &[u8]) -> bool {
        let mut padded = vec![0; Uint::<LIMBS>::BITS as usize / 8 - bytes.len()];
        padded.extend(bytes);
        let number = Uint::<LIMBS>::from_be_slice(&padded);
        let probe = Probe::new(number.to_odd().into_option().unwrap());
        let prime = BASES.iter().all(|&base| probe.passes(base));
        assert!(!prime || bytes.len() < 4 || !has_small_factor(&padded));
        prime
    }

    #[test]
    fn wycheproof_primality_verdicts() {
        let Some(corpus) = crate::corpora_tests::json("wycheproof/primality_test.json") else {
            return;
        };
        let mut seen = [0, 0];
        for test in corpus["testGroups"][0]["tests"].as_array().unwrap() {
            let (hex, result) = (test["value"].as_str().unwrap(), test["result"].as_str().unwrap());
            let bytes = alloy_primitives::hex::decode(hex).unwrap();
            // Never met in a key search: negative numbers, those up to the largest base, and Arnault's composite,
            // which was constructed to pass 46 fixed bases. Candidates come out of a hash and cannot be constructed.
            let constructed = test["flags"][0] == "Arnault96";
            let small = bytes.len() == 1 || (bytes.len() == 2 && bytes[0] == 0);
            let even = bytes.last().is_some_and(|byte| byte % 2 == 0);
            if result == "acceptable" || constructed || bytes[0] >= 0x80 || small || even {
                continue;
            }
            let prime = match bytes.len() {
                0..=32 => passes_all::<{ crypto_bigint::U256::LIMBS }>(&bytes),
                33..=96 => passes_all::<{ crypto_bigint::U768::LIMBS }>(&bytes),
                97..=192 => passes_all::<{ crypto_bigint::U1536::LIMBS }>(&bytes),
                193..=288 => passes_all::<{ 2_304 / Limb::BITS as usize }>(&bytes),
                _ => passes_all::<{ crypto_bigint::U3072::LIMBS }>(&bytes),
            };
            assert_eq!(prime, result == "valid", "{}", test["tcId"]);
            seen[usize::from(prime)] += 1;
        }
        assert!(seen[0] > 200 && seen[1] > 40, "{seen:?}");
    }
}
