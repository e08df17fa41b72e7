//! From a payment to an envelope that a node accepts.

mod common;

use common::{chain, vault};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tally_chain::transaction::{MAX_TRANSACTION_BYTES, Payload, Transaction, TransactionError, envelope_gas};
use tally_chain::{Address, Amount, RawTransaction, ReferenceVerifier, U256, UnixSecs};
use tally_wallet::payment::{self, MAX_MEMO_BYTES};
use tally_wallet::{Account, Fee, Memo, Payment, PaymentError, Vault, system_rng};

fn account(vault: &Vault, place: usize) -> Account {
    vault.accounts().nth(place).unwrap().clone()
}

fn payment() -> Payment {
    Payment {
        to: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8".parse().unwrap(),
        value: Amount::from_coins("12.5").unwrap(),
        memo: "for the bike, thank you ❤️".into(),
        nonce: 7,
        timestamp: UnixSecs(1_800_000_123),
        fee: Fee {
            max_priority_fee: 1_000,
            max_fee: 2_000_000_000,
        },
    }
}

#[test]
fn what_is_shown_is_what_is_signed() {
    let vault = vault();
    for place in 0..2 {
        let sender = account(&vault, place);
        let bytes = payment::build(&chain(), &sender, &payment()).unwrap();
        let shown = payment::review(&chain(), sender.address, &bytes).unwrap();
        let key = vault.signing_key(sender.address).unwrap();
        let signed = payment::sign(&chain(), sender.address, &key, &bytes, &mut system_rng()).unwrap();

        assert_eq!(shown.sender, sender.address);
        assert_eq!(shown.to, Some(payment().to));
        assert_eq!((shown.value, &*shown.value_coins), (payment().value, "12.5"));
        assert_eq!(shown.memo, Memo::Text(payment().memo));
        assert_eq!((shown.chain_id, shown.nonce), (8_086, 7));
        assert_eq!(shown.timestamp, UnixSecs(1_800_000_123));
        let fee = U256::from(2_000_000_000u64) * U256::from(shown.gas_limit);
        assert_eq!(shown.max_fee, Amount(fee));
        assert_eq!(shown.max_total, Amount(fee + payment().value.0));

        // A node reads the same payload out of the envelope.
        let checked = RawTransaction::decode(signed.envelope.clone()).unwrap();
        let checked = checked.check(&chain(), &ReferenceVerifier).unwrap();
        assert_eq!((checked.id(), checked.sender()), (signed.id, sender.address));
        assert_eq!(checked.max_cost(), shown.max_total);
        let Transaction::Tally(transaction) = checked.transaction() else {
            panic!("the wallet builds type 0x54");
        };
        assert_eq!(transaction.payload.encode(), bytes);
        // The gas limit covers the envelope and its signature, and wastes little.
        let needed = envelope_gas(signed.envelope.len(), &transaction.authenticator);
        let data = 40 * payment().memo.len() as u64;
        assert!(
            (needed + data..needed + data + 4).contains(&shown.gas_limit),
            "{}",
            shown.gas_limit
        );
    }
}

#[test]
fn a_review_has_the_form_the_page_expects() {
    let vault = vault();
    let sender = account(&vault, 1);
    let bytes = payment::build(&chain(), &sender, &payment()).unwrap();
    let shown = payment::review(&chain(), sender.address, &bytes).unwrap();
    let json = serde_json::to_value(&shown).unwrap();
    assert_eq!(json["value"], "12500000000000000000");
    assert_eq!(json["max_fee_per_gas"], "2000000000");
    assert_eq!(json["memo"]["form"], "text");
    assert_eq!(json["memo"]["content"], payment().memo);
    assert_eq!(json["genesis"], "5a".repeat(32));
}

#[test]
fn memos_that_deceive_the_eye_are_shown_as_hex() {
    let vault = vault();
    let sender = account(&vault, 1);
    for (memo, shown) in [
        ("", Memo::None),
        ("Grüße, 10 €", Memo::Text("Grüße, 10 €".into())),
        ("pay \u{202e}bob", Memo::Hex("0x70617920e280ae626f62".into())),
        ("a\u{200b}b", Memo::Hex("0x61e2808b62".into())),
        ("a\nb", Memo::Hex("0x610a62".into())),
    ] {
        let memo = Payment {
            memo: memo.into(),
            ..payment()
        };
        let bytes = payment::build(&chain(), &sender, &memo).unwrap();
        assert_eq!(payment::review(&chain(), sender.address, &bytes).unwrap().memo, shown);
    }
    let mut payload = Payload::decode(&payment::build(&chain(), &sender, &payment()).unwrap()).unwrap();
    payload.data = vec![0xff, 0x00].into();
    let shown = payment::review(&chain(), sender.address, &payload.encode()).unwrap();
    assert_eq!(shown.memo, Memo::Hex("0xff00".into()));
}

#[test]
fn what_cannot_be_paid_is_named() {
    let vault = vault();
    let sender = account(&vault, 1);
    let build = |payment| payment::build(&chain(), &sender, &payment).err();
    assert_eq!(
        build(Payment {
            memo: "x".repeat(MAX_MEMO_BYTES + 1),
            ..payment()
        }),
        Some(PaymentError::MemoTooLong { len: 1_025, max: 1_024 })
    );
    assert_eq!(
        build(Payment {
            value: Amount(U256::MAX),
            ..payment()
        }),
        Some(PaymentError::Overflow)
    );
    let bytes = payment::build(&chain(), &sender, &payment()).unwrap();
    let shown = payment::review(&chain(), sender.address, &bytes).unwrap();
    assert_eq!(shown.check_funds(shown.max_total), Ok(()));
    assert_eq!(
        shown.check_funds(Amount::from_coins("12.5").unwrap()),
        Err(PaymentError::Insufficient {
            needed: shown.max_total_coins.clone(),
            available: "12.5".into()
        })
    );
}

#[test]
fn wrong_keys_chains_and_bytes_are_not_signed() {
    let vault = vault();
    let (rsa, secp) = (account(&vault, 0), account(&vault, 1));
    let key = vault.signing_key(secp.address).unwrap();
    let sign = |chain, sender, bytes: &[u8]| payment::sign(&chain, sender, &key, bytes, &mut system_rng()).err();
    let bytes = payment::build(&chain(), &secp, &payment()).unwrap();
    assert_eq!(
        sign(chain(), rsa.address, &bytes),
        Some(PaymentError::OtherSender {
            sender: rsa.address,
            key: secp.address
        })
    );
    let mut elsewhere = chain();
    elsewhere.chain_id = 1;
    let wrong_chain = PaymentError::Transaction(TransactionError::WrongChain {
        found: 8_086,
        expected: 1,
    });
    assert_eq!(sign(elsewhere, secp.address, &bytes), Some(wrong_chain.clone()));
    assert_eq!(
        payment::review(&elsewhere, secp.address, &bytes).err(),
        Some(wrong_chain)
    );
    assert_eq!(
        sign(chain(), secp.address, &[]),
        Some(PaymentError::Transaction(TransactionError::Empty))
    );
    assert_eq!(
        sign(chain(), secp.address, &[2, 0xc0]),
        Some(PaymentError::Transaction(TransactionError::UnknownType { found: 2 }))
    );
    let long = vec![0x54; MAX_TRANSACTION_BYTES + 1];
    assert_eq!(
        sign(chain(), secp.address, &long),
        Some(PaymentError::Transaction(TransactionError::TooLarge {
            len: MAX_TRANSACTION_BYTES + 1,
            max: MAX_TRANSACTION_BYTES
        }))
    );
    // A signature is for one chain only, even where two chains share an id.
    let key = vault.signing_key(rsa.address).unwrap();
    let bytes = payment::build(&chain(), &rsa, &payment()).unwrap();
    let signed = payment::sign(&chain(), rsa.address, &key, &bytes, &mut system_rng()).unwrap();
    let mut twin = chain();
    twin.genesis.0.0[0] ^= 1;
    assert_eq!(
        RawTransaction::decode(signed.envelope)
            .unwrap()
            .check(&twin, &ReferenceVerifier)
            .err(),
        Some(TransactionError::BadSignature)
    );
}

#[test]
fn any_changed_byte_of_an_envelope_is_refused() {
    let vault = vault();
    for place in 0..2 {
        let sender = account(&vault, place);
        let key = vault.signing_key(sender.address).unwrap();
        let bytes = payment::build(&chain(), &sender, &payment()).unwrap();
        let signed = payment::sign(&chain(), sender.address, &key, &bytes, &mut system_rng()).unwrap();
        for at in 0..signed.envelope.len() {
            let mut changed = signed.envelope.to_vec();
            changed[at] ^= 1 << (at % 8);
            let verdict = RawTransaction::decode(changed).and_then(|raw| raw.check(&chain(), &ReferenceVerifier));
            let error = verdict.expect_err("the signature covers every byte");
            match at {
                0 => assert_eq!(error, TransactionError::UnknownType { found: 0x55 }),
                // The end of the signature, of 64 bytes or more: its form may be another then.
                at if at >= signed.envelope.len() - 64 => assert!(
                    matches!(error, TransactionError::BadSignature | TransactionError::Key(_)),
                    "byte {at} of {:?}: {error}",
                    sender.kind()
                ),
                // The error depends on the byte: a length, a kind, the chain, a fee, the signature at last.
                _ => {}
            }
        }
    }
}

#[test]
fn openssl_verifies_our_rsa_signature() {
    let vault = vault();
    let sender = account(&vault, 0);
    let key = vault.signing_key(sender.address).unwrap();
    let payload = payment::build(&chain(), &sender, &payment()).unwrap();
    let signed = payment::sign(&chain(), sender.address, &key, &payload, &mut system_rng()).unwrap();

    // The signed digest by the words of T3, put together here again.
    let genesis = chain().genesis;
    let digest: [u8; 32] = Sha256::new()
        .chain_update(b"tally/tx")
        .chain_update(genesis.as_bytes())
        .chain_update(sender.address)
        .chain_update(&payload)
        .finalize()
        .into();
    let signature = &signed.envelope[signed.envelope.len() - 256..];

    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let verify = |digest: &[u8]| {
        std::process::Command::new("openssl")
            .args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey"])
            .arg(file("key.der", sender.key.as_ref().unwrap().bytes()))
            .arg("-sigfile")
            .arg(file("signature", signature))
            .arg("-in")
            .arg(file("digest", digest))
            .args(["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:32"])
            .args(["-pkeyopt", "digest:sha256"])
            .output()
    };
    let Ok(output) = verify(&digest) else {
        eprintln!("SKIP: openssl not found");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let mut other = digest;
    other[0] ^= 1;
    assert_eq!(verify(&other).unwrap().status.code(), Some(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_payment_survives_the_way_to_the_node(
        to in any::<[u8; 20]>(),
        value in any::<u128>(),
        memo in "\\PC{0,64}",
        nonce in 0..u64::MAX,
        timestamp in any::<u64>(),
        max_priority_fee in 0..=u64::MAX,
        above in 0..=u64::MAX,
    ) {
        let mut vault = Vault::new(
            tally_wallet::Phrase::parse(common::JUNK).unwrap(), "", common::binding(), UnixSecs(0),
        );
        let sender = vault.add_secp256k1("").unwrap().clone();
        let entered = Payment {
            to: Address::new(to),
            value: Amount(U256::from(value)),
            memo,
            nonce,
            timestamp: UnixSecs(timestamp),
            fee: Fee {
                max_priority_fee: max_priority_fee.into(),
                max_fee: u128::from(max_priority_fee) + u128::from(above),
            },
        };
        let bytes = payment::build(&chain(), &sender, &entered).unwrap();
        let key = vault.signing_key(sender.address).unwrap();
        let signed = payment::sign(&chain(), sender.address, &key, &bytes, &mut system_rng()).unwrap();
        let raw = RawTransaction::decode(signed.envelope).unwrap();
        let checked = raw.check(&chain(), &ReferenceVerifier).unwrap();
        let view = checked.view();
        prop_assert_eq!(view.to, Some(entered.to));
        prop_assert_eq!(view.value, entered.value);
        prop_assert_eq!(view.data.as_ref(), entered.memo.as_bytes());
        prop_assert_eq!((view.nonce, view.timestamp), (entered.nonce, Some(entered.timestamp)));
        prop_assert_eq!((view.max_priority_fee, view.max_fee), (entered.fee.max_priority_fee, entered.fee.max_fee));
        prop_assert_eq!(checked.sender(), sender.address);
    }
}
