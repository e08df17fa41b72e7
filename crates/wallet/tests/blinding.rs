//! RSA signatures are blinded: docs/adr/0021-rsa-signatures-by-the-browser.md

mod common;

use std::convert::Infallible;

use common::{chain, vault};
use tally_chain::{Amount, UnixSecs};
use tally_wallet::rand_core::{Rng, TryCryptoRng, TryRng};
use tally_wallet::{Account, Fee, Payment, payment, system_rng};

/// The system's random numbers, counted.
#[derive(Default)]
struct Counted {
    bytes: usize,
}

impl TryRng for Counted {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.bytes += 4;
        Ok(system_rng().next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.bytes += 8;
        Ok(system_rng().next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.bytes += bytes.len();
        system_rng().fill_bytes(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Counted {}

/// A payment of nothing to the sender itself.
fn bytes_to_sign(sender: &Account) -> Vec<u8> {
    let payment = Payment {
        to: sender.address,
        value: Amount::ZERO,
        memo: String::new(),
        nonce: 0,
        timestamp: UnixSecs(1_800_000_000),
        fee: Fee {
            max_priority_fee: 1,
            max_fee: 2,
        },
    };
    payment::build(&chain(), sender, &payment).unwrap()
}

/// A salt takes 32 bytes (rule A5); a blinding factor is as long as the modulus. Without blinding only the salt is drawn.
#[test]
fn an_rsa_signature_draws_a_blinding_factor_each_time() {
    let vault = vault();
    let sender = vault.accounts().next().unwrap();
    let key = vault.signing_key(sender.address).unwrap();
    let bytes = bytes_to_sign(sender);
    let mut rng = Counted::default();
    let mut drawn = 0;
    for turn in 1..=3 {
        payment::sign(&chain(), sender.address, &key, &bytes, &mut rng).unwrap();
        let more = rng.bytes - drawn;
        assert!(more >= 32 + 256, "signature {turn} drew {more} bytes");
        drawn = rng.bytes;
    }
}

/// Deterministic signatures (RFC 6979) draw nothing: no bad random number can give the key away.
#[test]
fn a_secp256k1_signature_draws_nothing() {
    let vault = vault();
    let sender = vault.accounts().nth(1).unwrap();
    let key = vault.signing_key(sender.address).unwrap();
    let bytes = bytes_to_sign(sender);
    let mut rng = Counted::default();
    payment::sign(&chain(), sender.address, &key, &bytes, &mut rng).unwrap();
    assert_eq!(rng.bytes, 0);
}
