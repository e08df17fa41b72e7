//! The test of four numbers at once against an independent, slow one on the library's arithmetic.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, Uint};
use proptest::prelude::*;
use zeroize::Zeroize;

use super::*;
use crate::montgomery::digits;

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

/// The slow verdict on a big-endian number, base by base.
pub(crate) fn slow(bytes: &[u8], base: u8) -> bool {
    fn of<const LIMBS: usize>(bytes: &[u8], base: u8) -> bool {
        let mut padded = vec![0; Uint::<LIMBS>::BITS as usize / 8 - bytes.len()];
        padded.extend(bytes);
        let number = Uint::<LIMBS>::from_be_slice(&padded);
        Probe::new(number.to_odd().into_option().unwrap()).passes(base)
    }
    match bytes.len() {
        0..=32 => of::<{ crypto_bigint::U256::LIMBS }>(bytes, base),
        33..=128 => of::<{ crypto_bigint::U1024::LIMBS }>(bytes, base),
        129..=192 => of::<{ crypto_bigint::U1536::LIMBS }>(bytes, base),
        193..=256 => of::<{ crypto_bigint::U2048::LIMBS }>(bytes, base),
        _ => of::<{ crypto_bigint::U3072::LIMBS }>(bytes, base),
    }
}

/// The fast verdicts.
fn fast(numbers: [&[u8]; LANES], bases: [u8; LANES]) -> [bool; LANES] {
    match numbers.map(<[u8]>::len).into_iter().max().unwrap() {
        0..=128 => strong_probable_primes::<{ digits(1024) }>(numbers, bases),
        129..=192 => strong_probable_primes::<{ digits(1536) }>(numbers, bases),
        _ => strong_probable_primes::<{ digits(2048) }>(numbers, bases),
    }
}

/// Verdicts on one number, four bases after the other until it fails one. Both have to agree.
fn verdicts(bytes: &[u8], name: &str) -> Vec<bool> {
    let (bases, rest) = BASES.as_chunks::<LANES>();
    assert!(rest.is_empty());
    let mut verdicts = Vec::new();
    for four in bases {
        let expected = four.map(|base| slow(bytes, base));
        // Longer numbers are not searched.
        if bytes.len() <= 256 {
            assert_eq!(fast([bytes; LANES], *four), expected, "{name}, bases {four:?}");
        }
        verdicts.extend(expected);
        if expected.contains(&false) {
            break;
        }
    }
    verdicts
}

fn verdict(n: u128) -> bool {
    verdicts(&n.to_be_bytes(), &n.to_string())
        .into_iter()
        .all(|passed| passed)
}

fn bytes(hex: &str) -> Vec<u8> {
    alloy_primitives::hex::decode(hex).unwrap()
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

/// Published primes, and composites made to deceive, of the sizes that are searched.
#[test]
fn both_verdicts_agree_on_primes_and_pseudoprimes_of_each_size() {
    let all: serde_json::Value = serde_json::from_str(include_str!("../../tests/data/primality.json")).unwrap();
    for entry in all.as_array().unwrap() {
        let [kind, of, hex] = ["kind", "of", "hex"].map(|key| entry[key].as_str().unwrap());
        let verdicts = verdicts(&bytes(hex), of);
        let prime = verdicts.iter().all(|passed| *passed);
        match kind {
            "prime" => assert!(prime, "{of}"),
            // To all bases but its own factors a Carmichael number passes Fermat's test; this one is stronger.
            "carmichael" => assert!(!prime, "{of}"),
            "strong-2" => assert!(verdicts[0] && !prime, "{of}"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(all.as_array().unwrap().len(), 15);
}

#[test]
fn both_verdicts_agree_on_small_numbers() {
    // Bases are below the number.
    let numbers: Vec<u16> = (175..12_000).step_by(2).collect();
    let (fours, _) = numbers.as_chunks::<LANES>();
    let mut passed = 0;
    for four in fours {
        let four = four.map(u16::to_be_bytes);
        for base in [2, 3, 173] {
            let verdicts = fast(four.each_ref().map(<[u8; 2]>::as_slice), [base; LANES]);
            for (number, verdict) in four.iter().zip(verdicts) {
                assert_eq!(
                    slow(number, base),
                    verdict,
                    "{}, base {base}",
                    u16::from_be_bytes(*number)
                );
                passed += usize::from(verdict);
            }
        }
    }
    // 1,398 primes to three bases each, and a few pseudoprimes.
    assert!(passed > 3 * 1_398, "{passed}");
}

#[test]
fn wycheproof_primality_verdicts() {
    let Some(corpus) = crate::corpora_tests::json("wycheproof/primality_test.json") else {
        return;
    };
    let mut seen = [0, 0];
    for test in corpus["testGroups"][0]["tests"].as_array().unwrap() {
        let (hex, result) = (test["value"].as_str().unwrap(), test["result"].as_str().unwrap());
        let bytes = bytes(hex);
        // Never met in a key search: negative numbers, even ones, and those up to the largest base.
        let small = bytes.len() == 1 || (bytes.len() == 2 && bytes[0] == 0);
        let even = bytes.last().is_none_or(|byte| byte % 2 == 0);
        if bytes.first().is_some_and(|top| *top >= 0x80) || small || even {
            continue;
        }
        let prime = verdicts(&bytes, hex).into_iter().all(|passed| passed);
        // Arnault's composite was constructed to pass 46 fixed bases. Candidates come out of a hash and cannot be constructed.
        if result == "acceptable" || test["flags"][0] == "Arnault96" {
            continue;
        }
        let padded = [vec![0; (4 - bytes.len() % 4) % 4], bytes.clone()].concat();
        assert!(!prime || bytes.len() < 4 || !has_small_factor(&padded));
        assert_eq!(prime, result == "valid", "{}", test["tcId"]);
        seen[usize::from(prime)] += 1;
    }
    assert!(seen[0] > 200 && seen[1] > 40, "{seen:?}");
}

/// An odd number of so many bytes; some end in many ones or zeros, so that `n - 1` is divided by two many times.
fn odd(len: usize) -> impl Strategy<Value = Vec<u8>> {
    let tail = prop_oneof![Just(None), (0..len, prop_oneof![Just(0u8), Just(0xff)]).prop_map(Some)];
    (proptest::collection::vec(any::<u8>(), len), tail).prop_map(|(mut bytes, tail)| {
        if let Some((from, byte)) = tail {
            bytes[from..].fill(byte);
        }
        bytes[0] |= 0xc0;
        *bytes.last_mut().unwrap() |= 1;
        bytes
    })
}

/// A tenth of the cases, unless `TALLY_PRIMES` is `all`: each takes two exponentiations by the library, which tests wait for.
fn cases(whole: u32) -> u32 {
    let all = std::env::var("TALLY_PRIMES").is_ok_and(|which| which == "all");
    if all { whole } else { whole / 10 }
}

macro_rules! random {
    ($($name:ident: $bits:literal, $cases:literal;)*) => {
        $(
            proptest! {
                #![proptest_config(ProptestConfig::with_cases(cases($cases)))]

                #[test]
                fn $name(
                    numbers in proptest::array::uniform4(odd($bits / 8)),
                    bases in proptest::array::uniform4(proptest::sample::select(BASES.as_slice())),
                ) {
                    let verdicts = fast(numbers.each_ref().map(Vec::as_slice), bases);
                    for lane in 0..LANES {
                        prop_assert_eq!(slow(&numbers[lane], bases[lane]), verdicts[lane]);
                    }
                }
            }
        )*
    };
}

random! {
    both_verdicts_agree_on_random_numbers_of_1024_bits: 1024, 500;
    both_verdicts_agree_on_random_numbers_of_1536_bits: 1536, 250;
    both_verdicts_agree_on_random_numbers_of_2048_bits: 2048, 250;
}
