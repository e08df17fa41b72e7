//! Speeding up and cancelling: what comes out is what a pool takes in the place of the old one.

mod common;

use common::{JUNK, chain, vault};
use proptest::prelude::*;
use tally_chain::fees::{intrinsic_gas, replacement_fee};
use tally_chain::transaction::{MAX_GAS_LIMIT, Payload, TransactionError};
use tally_chain::{Address, Amount, Bytes, CheckedTransaction, RawTransaction, ReferenceVerifier, UnixSecs};
use tally_wallet::replace::replace;
use tally_wallet::{Fee, Payment, Phrase, ReplaceError, Replacement, SigningKey, payment, system_rng};

const NOW: UnixSecs = UnixSecs(1_800_003_000);
const LOW: Fee = Fee {
    max_priority_fee: 1,
    max_fee: 2,
};

/// The key of the test vault's second account.
fn ecc() -> SigningKey {
    SigningKey::Secp256k1(Phrase::parse(JUNK).unwrap().seed("").secp256k1(0).unwrap())
}

fn sign(key: &SigningKey, payload: &[u8]) -> CheckedTransaction {
    let signed = payment::sign(&chain(), key.address(), key, payload, &mut system_rng()).unwrap();
    RawTransaction::decode(signed.envelope)
        .unwrap()
        .check(&chain(), &ReferenceVerifier)
        .unwrap()
}

fn waiting_payload() -> Payload {
    Payload {
        chain_id: chain().chain_id,
        nonce: 41,
        timestamp: UnixSecs(1_800_000_123),
        max_priority_fee: 1_000,
        max_fee: 2_000_000_001,
        gas_limit: 40_000,
        to: Some("0x70997970C51812dc3A010C7d01b50e0d17dc79C8".parse().unwrap()),
        value: Amount::from_coins("12.5").unwrap(),
        data: Bytes::from_static(b"tea"),
    }
}

#[test]
fn a_payment_of_the_wallet_is_sped_up_with_all_its_fields() {
    let vault = vault();
    for place in 0..2 {
        let sender = vault.accounts().nth(place).unwrap();
        let key = vault.signing_key(sender.address).unwrap();
        let payment = Payment {
            to: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8".parse().unwrap(),
            value: Amount::from_coins("12.5").unwrap(),
            memo: "for the bike".into(),
            nonce: 7,
            timestamp: UnixSecs(1_800_000_123),
            fee: Fee {
                max_priority_fee: 1_000,
                max_fee: 2_000_000_000,
            },
        };
        let bytes = payment::build(&chain(), sender, &payment).unwrap();
        let old = sign(&key, &bytes);
        let envelope = old.envelope().clone();
        let bytes = replace(&chain(), sender.address, envelope, Replacement::SpeedUp, LOW, NOW).unwrap();
        let new = sign(&key, &bytes);
        let (was, is) = (old.view(), new.view());
        assert_eq!(
            (is.nonce, is.to, is.value, is.data),
            (was.nonce, was.to, was.value, was.data)
        );
        assert_eq!((is.max_fee, is.max_priority_fee), (2_200_000_000, 1_100));
        assert_eq!(Payload::decode(&bytes).unwrap().timestamp, NOW);
        assert_ne!(new.id(), old.id());
        let needed = intrinsic_gas(&new);
        // Each of the two counted the largest gas limit in its envelope.
        assert!(
            (needed..needed + 8).contains(&is.gas_limit),
            "{} of {needed}",
            is.gas_limit
        );
    }
}

#[test]
fn a_cancellation_pays_nobody_and_keeps_the_nonce() {
    let key = ecc();
    let old = sign(&key, &waiting_payload().encode());
    let envelope = old.envelope().clone();
    let market = Fee {
        max_priority_fee: 5_000,
        max_fee: 3_000_000_000,
    };
    let bytes = replace(&chain(), key.address(), envelope, Replacement::Cancel, market, NOW).unwrap();
    let new = sign(&key, &bytes);
    let view = new.view();
    assert_eq!(
        (view.nonce, view.to, view.value),
        (41, Some(key.address()), Amount::ZERO)
    );
    assert!(view.data.is_empty());
    assert_eq!(
        (view.max_fee, view.max_priority_fee),
        (3_000_000_000, 5_000),
        "the market price is higher"
    );
    let needed = intrinsic_gas(&new);
    assert!((needed..needed + 4).contains(&view.gas_limit));
}

#[test]
fn a_contract_keeps_the_gas_it_was_given() {
    let key = ecc();
    let old = sign(&key, &waiting_payload().encode());
    let spare = 40_000 - intrinsic_gas(&old);
    let envelope = old.envelope().clone();
    let bytes = replace(&chain(), key.address(), envelope, Replacement::SpeedUp, LOW, NOW).unwrap();
    let new = sign(&key, &bytes);
    assert!(new.view().gas_limit - intrinsic_gas(&new) >= spare);
    // And never more than any transaction may have.
    let most = Payload {
        gas_limit: MAX_GAS_LIMIT,
        ..waiting_payload()
    };
    let envelope = sign(&key, &most.encode()).envelope().clone();
    let bytes = replace(&chain(), key.address(), envelope, Replacement::SpeedUp, LOW, NOW).unwrap();
    assert_eq!(Payload::decode(&bytes).unwrap().gas_limit, MAX_GAS_LIMIT);
}

#[test]
fn what_cannot_be_replaced_is_named() {
    let (other, key) = (Address::repeat_byte(7), ecc());
    let old = sign(&key, &waiting_payload().encode()).envelope().clone();
    let speed_up = |sender: Address, envelope: Bytes| {
        replace(&chain(), sender, envelope, Replacement::SpeedUp, LOW, NOW).unwrap_err()
    };
    assert_eq!(
        speed_up(other, old.clone()),
        ReplaceError::OtherSender {
            sender: other,
            found: key.address()
        }
    );
    // Other bytes than those that were signed.
    let mut forged = old.to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(
        speed_up(key.address(), forged.into()),
        ReplaceError::Transaction(TransactionError::BadSignature)
    );
    assert_eq!(
        speed_up(key.address(), Bytes::new()),
        ReplaceError::Transaction(TransactionError::Empty)
    );
    let full = Payload {
        max_fee: u128::MAX,
        gas_limit: 5_000,
        value: Amount::ZERO,
        ..waiting_payload()
    };
    let full = sign(&key, &full.encode()).envelope().clone();
    assert_eq!(speed_up(key.address(), full), ReplaceError::FeeAtMaximum);
}

proptest! {
    /// Both prices rise as a pool requires, whatever they and the market price were.
    #[test]
    fn prices_rise_as_a_pool_requires(tip in 0u128..1 << 90, more in 0u128..1 << 90, market_tip in 0u128..1 << 90, market in 0u128..1 << 90, cancel: bool) {
        let key = ecc();
        let old = Payload { max_priority_fee: tip, max_fee: tip + more, ..waiting_payload() };
        let envelope = sign(&key, &old.encode()).envelope().clone();
        let fee = Fee { max_priority_fee: market_tip, max_fee: market };
        let how = if cancel { Replacement::Cancel } else { Replacement::SpeedUp };
        let bytes = replace(&chain(), key.address(), envelope, how, fee, NOW).unwrap();
        let new = sign(&key, &bytes);
        prop_assert!(new.view().max_fee >= replacement_fee(old.max_fee).max(market));
        prop_assert!(new.view().max_priority_fee >= replacement_fee(old.max_priority_fee).max(market_tip));
    }
}
