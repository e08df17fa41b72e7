//! RSA keys that share a prime: everyone with both public keys has both private ones. Rule: docs/protocol.md#W27

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Gcd, Odd};
use tally_chain::keys::RsaPublicKey;

/// The first of `others` that shares a prime with `key`; the same key does not count.
///
/// One multiplication for each of them and one greatest common divisor in all, and more only where there is something to
/// be found: a vault of 256 keys is looked through in milliseconds.
pub(crate) fn shares_a_prime<'a>(
    key: &RsaPublicKey,
    others: impl Iterator<Item = &'a RsaPublicKey>,
) -> Option<&'a RsaPublicKey> {
    let others: Vec<&RsaPublicKey> = others.filter(|other| *other != key).collect();
    let modulus = number(key)?;
    let params = BoxedMontyParams::new_vartime(modulus.clone());
    let product =
        others
            .iter()
            .filter_map(|other| number(other))
            .fold(BoxedMontyForm::one(&params), |product, other| {
                product.mul(&BoxedMontyForm::new(
                    other.get().rem(&modulus.as_nz_ref().clone()),
                    &params,
                ))
            });
    if !divides(&modulus, &product.retrieve()) {
        return None;
    }
    others
        .into_iter()
        .find(|other| number(other).is_some_and(|other| divides(&modulus, other.as_ref())))
}

fn number(key: &RsaPublicKey) -> Option<Odd<BoxedUint>> {
    let number = BoxedUint::from_be_slice(key.modulus(), key.bits() as u32).ok()?;
    number.to_odd().into_option()
}

/// Whether they have a factor in common.
fn divides(modulus: &Odd<BoxedUint>, other: &BoxedUint) -> bool {
    modulus.gcd_vartime(other).get() != BoxedUint::one()
}

#[cfg(test)]
mod tests {
    use crypto_bigint::ConcatenatingMul;

    use super::*;

    fn key(p: &str, q: &str) -> RsaPublicKey {
        let all: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/keystore/weak-primes.json")).unwrap();
        let [p, q] = [p, q].map(|name| {
            let digits = all[name].as_str().unwrap();
            let padded = format!("{digits:0>width$}", width = digits.len().next_multiple_of(16));
            BoxedUint::from_be_slice_vartime(&alloy_primitives::hex::decode(padded).unwrap())
        });
        RsaPublicKey::from_modulus(&p.concatenating_mul(&q).to_be_bytes()).unwrap()
    }

    #[test]
    fn two_keys_with_a_prime_in_common_are_found_among_others() {
        let (pq, p_near, other) = (key("p", "q"), key("p", "near"), key("close", "q"));
        let found = |key: &RsaPublicKey, others: &[&RsaPublicKey]| {
            shares_a_prime(key, others.iter().copied()).map(RsaPublicKey::address)
        };
        assert_eq!(found(&pq, &[]), None);
        assert_eq!(found(&pq, &[&pq]), None, "itself");
        assert_eq!(found(&pq, &[&p_near]), Some(p_near.address()));
        assert_eq!(found(&p_near, &[&other]), None);
        assert_eq!(found(&p_near, &[&other, &pq]), Some(pq.address()));
        assert_eq!(
            found(&pq, &[&other, &p_near]),
            Some(other.address()),
            "the first of two"
        );
    }
}
