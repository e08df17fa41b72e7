//! Keys that are too weak: what the chain rejects by their form, and what only a wallet can find.
//! Rules: docs/protocol.md#A4, #W23, #W27

use tally_chain::keys::RsaPublicKey;
use tally_chain::{Address, PublicKey};
use tally_wallet::SharedAccount;
use tally_wallet::keystore;

use crate::act::{Act, refuse, take};
use crate::keys::{RsaSigner, Signer as _};
use crate::numbers::ROCA_MODULUS;
use crate::world::Bench;

/// A payment by a weak key that holds money, beside one by a good key.
fn weak(bench: &Bench, key: &RsaSigner, good: &RsaSigner, what: &str, kind: &'static str) -> Vec<Act> {
    let payload = bench.ten(0, Address::repeat_byte(0x0b));
    let honest = good.envelope(&bench.identity, &payload);
    vec![
        refuse(what, kind, key.envelope(&bench.identity, &payload), &honest),
        take(
            "the same payment by a key of 2,048 bits with the exponent 65537",
            honest,
        ),
    ]
}

pub fn short(bench: &Bench) -> Vec<Act> {
    let what = "a payment, rightly signed, by an account of an RSA key with 1,024 bits";
    weak(bench, &RsaSigner::short(), &RsaSigner::good(0), what, "rsa-key-size")
}

pub fn cube(bench: &Bench) -> Vec<Act> {
    let what = "a payment, rightly signed, by an account of an RSA key with the exponent 3";
    weak(bench, &RsaSigner::cube(), &RsaSigner::good(1), what, "rsa-exponent")
}

/// Reads a public key as a wallet does that is to watch it.
fn read(key: &PublicKey) -> Result<String, String> {
    match keystore::read(keystore::write_spki(key).as_bytes(), "") {
        Ok(imported) => Ok(format!("the wallet takes the key of {}", imported.address())),
        Err(error) => Err(error.to_string()),
    }
}

pub fn roca() -> Vec<Act> {
    let good = RsaSigner::good(0).public().expect("a key of 2,048 bits");
    let faulty = RsaPublicKey::from_modulus(&ROCA_MODULUS).expect("a modulus of 2,048 bits");
    let refused = "the key is rejected: it was made by chips with the ROCA fault (CVE-2017-15361), and can be factored";
    vec![
        Act::Tried {
            what: "a wallet reads the public key of a usual RSA key".to_owned(),
            found: read(&good),
            refused: None,
        },
        Act::Tried {
            what: "the chain looks at a key of a chip with the ROCA fault: its form is that of A4".to_owned(),
            found: RsaPublicKey::from_spki(faulty.spki())
                .map(|key| {
                    format!(
                        "the form of the key of {} is right; nothing in it shows the fault",
                        key.address()
                    )
                })
                .map_err(|error| error.to_string()),
            refused: None,
        },
        Act::Tried {
            what: "a wallet reads the same key".to_owned(),
            found: read(&PublicKey::from(&faulty)),
            refused: Some(refused.to_owned()),
        },
    ]
}

pub fn shared_prime() -> Vec<Act> {
    let public = |key: RsaSigner| key.public().expect("a key of 2,048 bits");
    let (one, sibling, other) = (
        public(RsaSigner::good(0)),
        public(RsaSigner::good(1)),
        public(RsaSigner::independent()),
    );
    let join = |keys: &[PublicKey]| match SharedAccount::new("club", 2, keys) {
        Ok(account) => Ok(format!("the shared account {}", account.address())),
        Err(error) => Err(error.to_string()),
    };
    // Keys of a policy stand in the order of their bytes; the error names the later one first.
    let (first, second) = if one.bytes() < sibling.bytes() {
        (&one, &sibling)
    } else {
        (&sibling, &one)
    };
    let refused = format!(
        "the keys of {} and {} have a prime number in common: anyone can sign for both. Use neither",
        second.address(),
        first.address()
    );
    vec![
        Act::Tried {
            what: "a shared account of two independent RSA keys".to_owned(),
            found: join(&[one.clone(), other]),
            refused: None,
        },
        Act::Tried {
            what: "a shared account of two RSA keys with a prime in common".to_owned(),
            found: join(&[one, sibling]),
            refused: Some(refused),
        },
    ]
}
