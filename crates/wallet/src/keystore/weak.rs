//! What makes a key from outside too weak to be taken. Rules: docs/protocol.md#W23, #W24

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero, Odd, Resize};
use sha2::{Digest, Sha256};
use tally_chain::keys::{KeyError, RSA_EXPONENT, RsaPublicKey};

use super::{WeakKey, published, trial};
use crate::prime::{residue, small_factor};

/// Rounds of Fermat's method. Rule: docs/protocol.md#W23
const FERMAT_ROUNDS: u32 = 65_536;
/// Bases of the primality test of an imported prime. Rule: docs/protocol.md#W24
const BASES: u32 = 40;
/// Fewest significant bits of a secp256k1 secret. Rule: docs/protocol.md#W24
const MIN_SECRET_BITS: u32 = 128;

/// The public half, both numbers big-endian: everything that can be seen without the private key.
/// Rule: docs/protocol.md#W23
pub(super) fn check_rsa_public(modulus: &[u8], exponent: &[u8]) -> Result<RsaPublicKey, WeakKey> {
    let public = check_rsa_form(modulus, exponent)?;
    let modulus = public.modulus();
    check_rsa_modulus(modulus)?;
    let bits = bits_of(modulus);
    let n = BoxedUint::from_be_slice(modulus, bits).map_err(|_| WeakKey::RsaSize { bits })?;
    let odd = n.to_odd().into_option().ok_or(WeakKey::RsaEven)?;
    if strong_probable_prime(&odd, [BoxedUint::from(2u8)]) {
        return Err(WeakKey::RsaPrimeModulus);
    }
    fermat(&n)?;
    Ok(public)
}

/// Size, parity and exponent: no arithmetic comes before them. Rules: docs/protocol.md#A4, #W23
pub(super) fn check_rsa_form(modulus: &[u8], exponent: &[u8]) -> Result<RsaPublicKey, WeakKey> {
    let modulus = trimmed(modulus);
    let bits = bits_of(modulus);
    if trimmed(exponent) != &RSA_EXPONENT.to_be_bytes()[1..] {
        return Err(WeakKey::RsaExponent);
    }
    RsaPublicKey::from_modulus(modulus).map_err(|error| match error {
        KeyError::RsaModulusEven => WeakKey::RsaEven,
        _ => WeakKey::RsaSize { bits },
    })
}

/// Factors that are found at once. Rule: docs/protocol.md#W23
pub(super) fn check_rsa_modulus(modulus: &[u8]) -> Result<(), WeakKey> {
    if trial::has_pattern(modulus) {
        return Err(WeakKey::RsaPattern { name: "modulus" });
    }
    // The small ones first: most numbers that are no key have one of them.
    if let Some(factor) = small_factor(modulus) {
        return Err(WeakKey::RsaSmallFactor { factor });
    }
    if has_roca_fingerprint(modulus) {
        return Err(WeakKey::RsaRoca);
    }
    if published::is_published(modulus) {
        return Err(WeakKey::RsaPublished);
    }
    match trial::factor(modulus) {
        Some(factor) => Err(WeakKey::RsaSmallFactor { factor }),
        None => Ok(()),
    }
}

/// Fermat's method, bounded: finds primes that are close to each other. Rule: docs/protocol.md#W23
fn fermat(n: &BoxedUint) -> Result<(), WeakKey> {
    // One bit more than n, for what grows a little.
    let precision = n.bits_precision() + 64;
    let n = n.resize(precision);
    let root = n.floor_sqrt_vartime();
    if root.wrapping_square() == n {
        return Err(WeakKey::RsaEqualPrimes);
    }
    let one = BoxedUint::one_with_precision(precision);
    let mut a = root.wrapping_add(&one);
    // rest = a^2 - n; where it is a square b^2, n = (a - b)(a + b).
    let mut rest = a.wrapping_square().wrapping_sub(&n);
    for _ in 0..FERMAT_ROUNDS {
        if may_be_square(&rest) && rest.checked_sqrt_vartime().is_some() {
            return Err(WeakKey::RsaClosePrimes);
        }
        rest.wrapping_add_assign(&a);
        a.wrapping_add_assign(&one);
        rest.wrapping_add_assign(&a);
    }
    Ok(())
}

/// Lets every square through and few others: residues modulo 64, 63, 65 and 11.
fn may_be_square(number: &BoxedUint) -> bool {
    const MODULUS: u32 = 63 * 65 * 11;
    if (0x0202_0212_0203_0213_u64 >> (number.as_words()[0] % 64)) & 1 == 0 {
        return false;
    }
    let rest = residue(&number.to_be_bytes(), MODULUS);
    [63, 65, 11].iter().all(|m| (0..*m).any(|x| x * x % m == rest % m))
}

/// The primes of the fingerprint, as published by its finders.
const ROCA_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether the modulus is a power of 65537 modulo every small prime, as the faulty chips' are. Other keys are so by
/// chance less than once in 2^27. Rule: docs/protocol.md#W23
fn has_roca_fingerprint(modulus: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|prime| {
        let wanted = residue(modulus, *prime);
        let mut power = 1;
        (0..*prime).any(|_| {
            power = power * (RSA_EXPONENT % prime) % prime;
            power == wanted
        })
    })
}

/// Whether a number is prime, to bases that follow from the number itself, so that no one can build one that deceives.
/// Rule: docs/protocol.md#W24
pub(super) fn is_prime(number: &Odd<BoxedUint>) -> bool {
    let bytes = zeroize::Zeroizing::new(number.to_be_bytes());
    let bases = (0..BASES).map(|round| {
        let mut hasher = Sha256::new();
        hasher.update(b"tally/miller-rabin");
        hasher.update(round.to_be_bytes());
        hasher.update(bytes.as_ref());
        let mut base = hasher.finalize();
        // Neither zero nor one, and far below the number.
        base[0] |= 0x80;
        BoxedUint::from_be_slice(&base, 256).expect("a hash has 256 bits")
    });
    small_factor(&bytes).is_none() && strong_probable_prime(number, bases)
}

/// Miller-Rabin to these bases, each of fewer bits than the number.
fn strong_probable_prime(number: &Odd<BoxedUint>, bases: impl IntoIterator<Item = BoxedUint>) -> bool {
    let precision = number.bits_precision();
    let params = BoxedMontyParams::new_vartime(number.clone());
    let one = BoxedMontyForm::one(&params);
    let minus_one = one.neg();
    let less = number.wrapping_sub(BoxedUint::one_with_precision(precision));
    let twos = less.trailing_zeros_vartime();
    let odd_part = less.wrapping_shr_vartime(twos);
    bases.into_iter().all(|base| {
        let mut power = BoxedMontyForm::new(base.resize(precision), &params).pow(&odd_part);
        if power == one || power == minus_one {
            return true;
        }
        for _ in 1..twos {
            power = power.square();
            if power == minus_one {
                return true;
            }
        }
        false
    })
}

/// Keys that are found by trying: near zero, or near the order from below. Rule: docs/protocol.md#W24
pub(super) fn secp256k1_secret(secret: &[u8]) -> Result<k256::ecdsa::SigningKey, WeakKey> {
    if secret.iter().all(|byte| *byte == 0) {
        return Err(WeakKey::Secp256k1Zero);
    }
    let key = k256::ecdsa::SigningKey::from_slice(secret).map_err(|_| WeakKey::Secp256k1Range)?;
    let mirrored = zeroize::Zeroizing::new(<[u8; 32]>::from((-*key.as_nonzero_scalar().as_ref()).to_bytes()));
    let bits = bits_of(trimmed(secret)).min(bits_of(trimmed(mirrored.as_slice())));
    if bits < MIN_SECRET_BITS {
        return Err(WeakKey::Secp256k1Guessable { bits });
    }
    Ok(key)
}

/// Without leading zeros.
pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())..]
}

/// Significant bits of a big-endian number without leading zeros.
pub(super) fn bits_of(trimmed: &[u8]) -> u32 {
    let top = trimmed.first().map_or(0, |top| 8 - top.leading_zeros());
    // No number here is longer than a file.
    (trimmed.len().saturating_sub(1) * 8) as u32 + top
}

/// Whether `a * b` is one modulo `m`.
pub(super) fn product_is_one(a: &BoxedUint, b: &BoxedUint, m: &NonZero<BoxedUint>) -> bool {
    bool::from(a.concatenating_mul(b).rem(m).is_one())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd(number: u128) -> Odd<BoxedUint> {
        BoxedUint::from(number).to_odd().unwrap()
    }

    #[test]
    fn squares_are_never_filtered_out() {
        for root in 0..5_000u64 {
            assert!(may_be_square(&BoxedUint::from(root * root)), "{root}");
        }
        let passed = (0..100_000u64).filter(|n| may_be_square(&BoxedUint::from(*n))).count();
        assert!(passed < 2_000, "{passed} of 100,000 pass");
    }

    #[test]
    fn primes_are_distinguished_from_strong_pseudoprimes() {
        let big = BoxedUint::from_be_slice(&[0xff; 65], 521)
            .unwrap()
            .wrapping_shr_vartime(0);
        assert_eq!(big.bits_vartime(), 520);
        let mersenne = {
            let one = BoxedUint::one_with_precision(576);
            one.shl_vartime(521).unwrap().wrapping_sub(&one)
        };
        assert!(is_prime(&mersenne.to_odd().unwrap()), "2^521 - 1 is prime");
        let product = mersenne.concatenating_mul(BoxedUint::from((1u128 << 127) - 1));
        assert!(!is_prime(&product.to_odd().unwrap()));
        // A strong pseudoprime to the first 13 prime bases passes those, and not ours.
        let deceiver = odd(3_317_044_064_679_887_385_961_981);
        assert!(strong_probable_prime(
            &deceiver,
            [2u8, 3, 5, 7, 11, 13].map(BoxedUint::from)
        ));
    }

    #[test]
    fn secrets_near_the_ends_are_guessable() {
        let order = alloy_primitives::hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
        let verdict = |secret: &[u8; 32]| secp256k1_secret(secret).map(drop);
        assert_eq!(verdict(&[0; 32]), Err(WeakKey::Secp256k1Zero));
        assert_eq!(verdict(&order), Err(WeakKey::Secp256k1Range));
        assert_eq!(verdict(&[0xff; 32]), Err(WeakKey::Secp256k1Range));
        let mut tiny = [0; 32];
        tiny[31] = 5;
        assert_eq!(verdict(&tiny), Err(WeakKey::Secp256k1Guessable { bits: 3 }));
        let mut top = order;
        top[31] = 0x40;
        assert_eq!(verdict(&top), Err(WeakKey::Secp256k1Guessable { bits: 1 }));
        let mut edge = [0; 32];
        edge[16] = 0x7f;
        assert_eq!(verdict(&edge), Err(WeakKey::Secp256k1Guessable { bits: 127 }));
        edge[16] = 0x80;
        assert_eq!(verdict(&edge), Ok(()));
    }
}
