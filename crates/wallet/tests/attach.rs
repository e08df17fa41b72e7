//! Signatures that another program makes with a wallet's key, as a browser does: docs/adr/0021-rsa-signatures-by-the-browser.md

mod common;

use common::{chain, vault};
use rsa::pkcs8::DecodePrivateKey;
use rsa::pss::SigningKey;
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use sha2::Sha256;
use tally_chain::keys::KeyError;
use tally_chain::transaction::TransactionError;
use tally_chain::{Amount, RawTransaction, ReferenceVerifier, UnixSecs};
use tally_wallet::{Account, Fee, Payment, PaymentError, keystore, payment, system_rng};

fn bytes_to_sign(sender: &Account) -> Vec<u8> {
    let payment = Payment {
        to: sender.address,
        value: Amount::ZERO,
        memo: "by another program".into(),
        nonce: 3,
        timestamp: UnixSecs(1_800_000_000),
        fee: Fee {
            max_priority_fee: 1,
            max_fee: 2,
        },
    };
    payment::build(&chain(), sender, &payment).unwrap()
}

/// The signer gets the key as PKCS#8 and the message itself, which it hashes.
fn signature(pkcs8: &[u8], message: &[u8], salt: usize) -> Vec<u8> {
    let key = rsa::RsaPrivateKey::from_pkcs8_der(pkcs8).unwrap();
    let signer = SigningKey::<Sha256>::new_with_salt_len(key, salt);
    signer.sign_with_rng(&mut system_rng(), message).to_vec()
}

#[test]
fn a_signature_from_elsewhere_is_worth_one_of_ours() {
    let vault = vault();
    let sender = vault.accounts().next().unwrap();
    let key = vault.signing_key(sender.address).unwrap();
    let payload = bytes_to_sign(sender);
    let message = payment::signed_message(&chain(), sender.address, &payload).unwrap();
    let made = signature(&keystore::plain_pkcs8(&key), &message, 32);
    let attached = payment::attach(&chain(), sender.address, &key.public_key(), &payload, made).unwrap();

    let own = payment::sign(&chain(), sender.address, &key, &payload, &mut system_rng()).unwrap();
    let check = |envelope| {
        let raw = RawTransaction::decode(envelope).unwrap();
        raw.check(&chain(), &ReferenceVerifier).unwrap()
    };
    let (attached, own) = (check(attached.envelope), check(own.envelope));
    assert_eq!(attached.sender(), own.sender());
    assert_eq!(attached.view().nonce, own.view().nonce);
    assert_eq!(attached.envelope().len(), own.envelope().len());
}

#[test]
fn a_signature_that_does_not_verify_is_not_attached() {
    let vault = vault();
    let sender = vault.accounts().next().unwrap();
    let key = vault.signing_key(sender.address).unwrap();
    let pkcs8 = keystore::plain_pkcs8(&key);
    let payload = bytes_to_sign(sender);
    let message = payment::signed_message(&chain(), sender.address, &payload).unwrap();
    let attach = |signature| payment::attach(&chain(), sender.address, &key.public_key(), &payload, signature).err();
    let right = signature(&pkcs8, &message, 32);
    let mut damaged = right.clone();
    damaged[100] ^= 1;
    let other_message = signature(&pkcs8, &payload, 32);
    let other_salt = signature(&pkcs8, &message, 20);
    let bad = || Some(PaymentError::Transaction(TransactionError::BadSignature));
    assert_eq!(attach(damaged), bad());
    assert_eq!(attach(other_message), bad());
    assert_eq!(attach(other_salt), bad());
    for len in [0, 255] {
        let expected = KeyError::RsaSignatureLength { len, expected: 256 };
        let error = attach(right[..len].to_vec());
        assert_eq!(error, Some(PaymentError::Transaction(TransactionError::Key(expected))));
    }
    assert_eq!(attach(right), None);
}

#[test]
fn the_key_of_another_account_is_rejected() {
    let vault = vault();
    let mut accounts = vault.accounts();
    let (sender, other) = (accounts.next().unwrap(), accounts.next().unwrap());
    let key = other.key.clone().unwrap();
    let error = payment::attach(&chain(), sender.address, &key, &bytes_to_sign(sender), vec![0; 64]);
    assert_eq!(
        error.err(),
        Some(PaymentError::OtherSender {
            sender: sender.address,
            key: other.address,
        })
    );
}
