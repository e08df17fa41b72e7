//! RSA private keys in their PKCS#1 form. Rules: docs/protocol.md#W21, #W24

use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use tally_chain::keys::{RSA_EXPONENT, RsaPublicKey};
use zeroize::Zeroizing;

use super::der::{self, INTEGER, Reader, SEQUENCE};
use super::pkcs8::version;
use super::weak::{bits_of, check_rsa_form, check_rsa_modulus, check_rsa_public, is_prime, product_is_one, trimmed};
use super::{KeystoreError, WeakKey, trial};
use crate::keys::{RsaBits, RsaKey};

const DAMAGED: KeystoreError = KeystoreError::Damaged {
    field: "the RSA key (PKCS#1)",
};

/// The numbers of a private key, big-endian.
struct Parts<'a> {
    n: &'a [u8],
    e: &'a [u8],
    d: &'a [u8],
    p: &'a [u8],
    q: &'a [u8],
    dp: &'a [u8],
    dq: &'a [u8],
    qinv: &'a [u8],
}

/// Reads `RSAPrivateKey` and checks all of it. Rule: docs/protocol.md#W24
pub(super) fn read_private(pkcs1: &[u8]) -> Result<RsaKey, KeystoreError> {
    let mut reader = Reader::inside(SEQUENCE, pkcs1).ok_or(DAMAGED)?;
    match version(&mut reader, "the RSA key (PKCS#1)")? {
        0 => {}
        1 => return Err(WeakKey::RsaMultiPrime.into()),
        found => return Err(KeystoreError::UnknownVersion { found, supported: 0 }),
    }
    let mut next = || reader.unsigned().ok_or(DAMAGED);
    let parts = Parts {
        n: next()?,
        e: next()?,
        d: next()?,
        p: next()?,
        q: next()?,
        dp: next()?,
        dq: next()?,
        qinv: next()?,
    };
    if !reader.is_empty() {
        return Err(DAMAGED);
    }
    Ok(parts.check()?)
}

impl Parts<'_> {
    fn check(&self) -> Result<RsaKey, WeakKey> {
        let public = check_rsa_form(self.n, self.e)?;
        let bits = match public.bits() {
            2048 => RsaBits::B2048,
            3072 => RsaBits::B3072,
            _ => RsaBits::B4096,
        };
        let half = bits.get() / 2;
        for (name, prime) in [("p", self.p), ("q", self.q)] {
            let found = bits_of(prime);
            if found != half {
                return Err(WeakKey::RsaPrimeSize {
                    name,
                    bits: found,
                    expected: half,
                });
            }
        }
        let read = |name, bytes: &[u8], bits| {
            let number = BoxedUint::from_be_slice(bytes, bits).map_err(|_| WeakKey::RsaInconsistent { name });
            number.map(Zeroizing::new)
        };
        let (p, q) = (read("p", self.p, half)?, read("q", self.q, half)?);
        let distance = match p.cmp_vartime(&*q) {
            std::cmp::Ordering::Equal => return Err(WeakKey::RsaEqualPrimes),
            std::cmp::Ordering::Greater => p.wrapping_sub(&*q),
            std::cmp::Ordering::Less => q.wrapping_sub(&*p),
        };
        if distance.bits_vartime() <= half - 100 {
            return Err(WeakKey::RsaClosePrimes);
        }
        let n = read("n", self.n, bits.get())?;
        if p.concatenating_mul(&*q) != *n {
            return Err(WeakKey::RsaInconsistent { name: "n" });
        }
        let e = BoxedUint::from(RSA_EXPONENT);
        let d = read("d", self.d, bits.get())?;
        let (dp, dq) = (read("dp", self.dp, half)?, read("dq", self.dq, half)?);
        let qinv = read("qinv", self.qinv, half)?;
        let less_one = |prime: &BoxedUint| {
            let less = prime.wrapping_sub(BoxedUint::one_with_precision(half));
            less.to_nz().expect("a prime of this size is no one")
        };
        let (p_less, q_less) = (less_one(&p), less_one(&q));
        let right = |holds: bool, name| {
            if holds {
                Ok(())
            } else {
                Err(WeakKey::RsaInconsistent { name })
            }
        };
        let both = product_is_one(&d, &e, &p_less) && product_is_one(&d, &e, &q_less);
        right(both && *d < *n, "d")?;
        right(d.rem(&p_less) == *dp, "dp")?;
        right(d.rem(&q_less) == *dq, "dq")?;
        let p_modulus: NonZero<BoxedUint> = p.to_nz().expect("a prime is not zero");
        right(*qinv < *p && product_is_one(&qinv, &q, &p_modulus), "qinv")?;
        for (name, prime) in [("p", self.p), ("q", self.q)] {
            if trial::has_pattern(prime) {
                return Err(WeakKey::RsaPattern { name });
            }
        }
        // The slow checks come last, so that a damaged file is rejected quickly. Two primes of equal size that are so far
        // apart leave nothing of the public key's other checks to do: no square, no prime, nothing for Fermat.
        check_rsa_modulus(public.modulus())?;
        for (name, number) in [("p", &p), ("q", &q)] {
            let odd = number.to_odd().into_option().ok_or(WeakKey::RsaNotPrime { name })?;
            if !is_prime(&odd) {
                return Err(WeakKey::RsaNotPrime { name });
            }
        }
        // The larger prime first. Rule: docs/protocol.md#W5
        let [first, second] = if *p > *q { [self.p, self.q] } else { [self.q, self.p] };
        RsaKey::from_primes(bits, first, second).map_err(|_| WeakKey::RsaInconsistent { name: "n" })
    }
}

/// Writes `RSAPrivateKey`.
pub(super) fn write_private(key: &RsaKey) -> Zeroizing<Vec<u8>> {
    let private = key.private();
    let half = key.bits().get() / 2;
    let secret = |number: BoxedUint| Zeroizing::new(number);
    let [p, q] = key.primes().map(|prime| {
        let number = BoxedUint::from_be_slice(&prime, half).expect("a prime has half the bits of the modulus");
        secret(number)
    });
    let rest_of = |prime: &BoxedUint| {
        let less = prime.wrapping_sub(BoxedUint::one_with_precision(half));
        secret(private.d().rem(&less.to_nz().expect("a prime is more than one")))
    };
    let (dp, dq) = (rest_of(&p), rest_of(&q));
    let modulus = p.to_odd().expect("a prime of this size is odd");
    let qinv = secret(q.invert_odd_mod(&modulus).expect("two primes have no common factor"));
    let digits = |number: &BoxedUint| der::unsigned(&Zeroizing::new(number.to_be_bytes()));
    let numbers = [digits(private.n()), digits(private.e()), digits(private.d())];
    let others = [digits(&p), digits(&q), digits(&dp), digits(&dq), digits(&qinv)];
    let mut items: Vec<&[u8]> = vec![&[INTEGER, 1, 0]];
    items.extend(numbers.iter().chain(&others).map(|number| number.as_slice()));
    der::item(SEQUENCE, &items)
}

/// Reads `RSAPublicKey` and checks it. Rule: docs/protocol.md#W23
pub(super) fn read_public(pkcs1: &[u8]) -> Result<RsaPublicKey, KeystoreError> {
    let damaged = KeystoreError::Damaged {
        field: "the RSA public key",
    };
    let mut reader = Reader::inside(SEQUENCE, pkcs1).ok_or(damaged.clone())?;
    let (Some(n), Some(e)) = (reader.unsigned(), reader.unsigned()) else {
        return Err(damaged);
    };
    if !reader.is_empty() {
        return Err(damaged);
    }
    Ok(check_rsa_public(trimmed(n), e)?)
}
