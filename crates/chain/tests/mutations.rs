//! One byte changed, cut off or added: nothing of a signed transaction may give way.

mod support;

use std::ops::Range;

use support::chain::{ethereum_payment, identity, payment};
use support::keys::{RSA_2048, RSA_3072, RSA_4096, SECP256K1, raw};
use support::rlp_error;
use tally_chain::codec::ListReader;
use tally_chain::keys::KeyError;
use tally_chain::transaction::{EthereumKind, Payload};
use tally_chain::{
    CheckedTransaction, CodecError, Manifest, RawBlock, RawTransaction, ReferenceVerifier, TransactionError, genesis,
};

/// Every single bit, and all of them.
const ALL: &[u8] = &[1, 2, 4, 8, 16, 32, 64, 128, 255];
/// The first bit and the last: for the larger keys, whose checks are slow.
const SOME: &[u8] = &[1, 128];

fn check(envelope: &[u8]) -> Result<CheckedTransaction, TransactionError> {
    RawTransaction::decode(envelope.to_vec())?.check(&identity(), &ReferenceVerifier)
}

/// Calls `verdict` with each position, its xor and the outcome.
fn each_mutation(
    envelope: &[u8],
    xors: &[u8],
    mut verdict: impl FnMut(usize, u8, Result<CheckedTransaction, TransactionError>),
) {
    for at in 0..envelope.len() {
        for &xor in xors {
            let mut mutated = envelope.to_vec();
            mutated[at] ^= xor;
            verdict(at, xor, check(&mutated));
        }
    }
}

/// Position of `part`, which occurs once.
fn position(whole: &[u8], part: &[u8]) -> Range<usize> {
    let mut found = whole
        .windows(part.len())
        .enumerate()
        .filter(|(_, window)| *window == part);
    let at = found.next().expect("it is there").0;
    assert!(found.next().is_none(), "it occurs once");
    at..at + part.len()
}

/// What a changed byte of a signature must give: another number, or one out of range.
fn is_signature_error(error: &TransactionError) -> bool {
    use KeyError::*;
    let ranges = [RsaSignatureRange, Secp256k1Range, Secp256k1HighS];
    match error {
        TransactionError::BadSignature => true,
        TransactionError::Key(error) => ranges.contains(error),
        _ => false,
    }
}

/// Every mutation of a Tally transaction is rejected; one within the signature as such, one within the key as another
/// sender's (whom the signature does not name) or as no key at all.
fn assert_every_tally_mutation_is_refused(envelope: &[u8], key: &[u8], signature: &[u8], xors: &[u8]) {
    let good = check(envelope).unwrap();
    assert_eq!(good.envelope().as_ref(), envelope);
    let (key, signature) = (position(envelope, key), position(envelope, signature));
    let (mut seen_in_key, mut seen_in_signature) = (0, 0);
    each_mutation(envelope, xors, |at, xor, outcome| {
        let error = match outcome {
            Err(error) => error,
            Ok(other) => panic!("byte {at} ^ {xor:#04x} is accepted, from {}", other.sender()),
        };
        if signature.contains(&at) {
            assert!(
                is_signature_error(&error),
                "byte {at} ^ {xor:#04x} in the signature: {error:?}"
            );
            seen_in_signature += 1;
        } else if key.contains(&at) {
            let fits = matches!(error, TransactionError::Key(_) | TransactionError::BadSignature);
            assert!(fits, "byte {at} ^ {xor:#04x} in the key: {error:?}");
            seen_in_key += 1;
        } else if at == 0 {
            // Another type: unknown, or read as a legacy list that these bytes are not.
            let fits = matches!(error, TransactionError::UnknownType { .. } | TransactionError::Codec(_));
            assert!(fits, "type byte ^ {xor:#04x}: {error:?}");
        }
    });
    assert_eq!(seen_in_key, key.len() * xors.len());
    assert_eq!(seen_in_signature, signature.len() * xors.len());
}

#[test]
fn every_mutation_of_an_rsa_transaction_is_refused() {
    for (account, xors) in [(&RSA_2048, ALL), (&RSA_3072, SOME), (&RSA_4096, SOME)] {
        let tx = account.sign(payment(), &identity(), 7);
        let tally_chain::transaction::Authenticator::RsaPssSha256 { signature, .. } = &tx.authenticator else {
            unreachable!("an RSA account signs with RSA")
        };
        assert_every_tally_mutation_is_refused(&tx.encode(), account.public.spki(), signature, xors);
    }
}

#[test]
fn every_mutation_of_a_secp256k1_transaction_is_refused() {
    let tx = SECP256K1.sign(payment(), &identity());
    let tally_chain::transaction::Authenticator::Secp256k1 { signature, .. } = &tx.authenticator else {
        unreachable!("a secp256k1 account signs with secp256k1")
    };
    assert_every_tally_mutation_is_refused(&tx.encode(), &SECP256K1.public_key(), signature, ALL);
}

/// An Ethereum envelope names no sender: a mutation is rejected, or it is another transaction of another sender.
#[test]
fn every_mutation_of_an_ethereum_transaction_is_refused_or_somebody_elses() {
    for kind in [EthereumKind::Legacy, EthereumKind::AccessList, EthereumKind::DynamicFee] {
        let envelope = SECP256K1.sign_ethereum(ethereum_payment(kind)).encode();
        let good = check(&envelope).unwrap();
        assert_eq!(good.sender(), SECP256K1.address());
        let mut accepted = 0;
        each_mutation(&envelope, ALL, |at, xor, outcome| {
            if let Ok(other) = outcome {
                assert_ne!(other.sender(), good.sender(), "{kind:?} byte {at} ^ {xor:#04x}");
                assert_ne!(other.id(), good.id(), "{kind:?} byte {at} ^ {xor:#04x}");
                accepted += 1;
            }
        });
        assert!(accepted > 0, "recovery does find other senders");
    }
}

#[test]
fn a_cut_off_envelope_is_too_short_and_a_longer_one_has_bytes_after_it() {
    let ethereum = |kind| SECP256K1.sign_ethereum(ethereum_payment(kind)).encode();
    for envelope in [
        RSA_2048.sign(payment(), &identity(), 7).encode(),
        SECP256K1.sign(payment(), &identity()).encode(),
        ethereum(EthereumKind::Legacy),
        ethereum(EthereumKind::AccessList),
        ethereum(EthereumKind::DynamicFee),
    ] {
        assert_eq!(RawTransaction::decode(Vec::new()), Err(TransactionError::Empty));
        let short = rlp_error("transaction", alloy_rlp::Error::InputTooShort);
        for len in 1..envelope.len() {
            assert_eq!(
                RawTransaction::decode(envelope[..len].to_vec()),
                Err(short.clone().into()),
                "{len} bytes of {}",
                envelope.len()
            );
        }
        for count in [1, 2, 1_000] {
            let field = "transaction";
            let longer = [&envelope[..], &vec![0; count]].concat();
            let error = CodecError::TrailingBytes { field, count };
            assert_eq!(RawTransaction::decode(longer), Err(error.into()));
        }
    }
}

#[test]
fn payloads_manifests_and_blocks_end_where_they_end() {
    let short = |field| rlp_error(field, alloy_rlp::Error::InputTooShort);
    let trailing = |field| CodecError::TrailingBytes { field, count: 1 };
    let longer = |bytes: &[u8]| [bytes, &[0]].concat();

    let bytes = payment().encode();
    for len in 1..bytes.len() {
        assert_eq!(Payload::decode(&bytes[..len]), Err(short("payload").into()));
    }
    assert_eq!(Payload::decode(&[]), Err(TransactionError::Empty));
    assert_eq!(Payload::decode(&longer(&bytes)), Err(trailing("payload").into()));

    let bytes = genesis::block(&support::chain::spec()).manifest.encode();
    for len in 0..bytes.len() {
        assert_eq!(Manifest::decode(&bytes[..len]), Err(short("manifest")));
    }
    assert_eq!(Manifest::decode(&longer(&bytes)), Err(trailing("manifest")));

    let bytes = support::chain::block_one().encode();
    for len in 0..bytes.len() {
        assert_eq!(RawBlock::decode(&bytes[..len], u64::MAX), Err(short("block").into()));
    }
    assert_eq!(
        RawBlock::decode(&longer(&bytes), u64::MAX),
        Err(trailing("block").into())
    );
}

/// A tenth field, or an item after the authenticator's signature, is not skipped over.
#[test]
fn extra_items_are_trailing_bytes_of_their_list() {
    let tx = SECP256K1.sign(payment(), &identity());
    let payload = tx.payload.encode();
    let fields = ListReader::open("payload", &payload[1..]).unwrap().remaining();
    let fields = &payload[payload.len() - fields..];
    let authenticator = |more: &[Vec<u8>]| {
        let tally_chain::transaction::Authenticator::Secp256k1 { public_key, signature } = &tx.authenticator else {
            unreachable!("a secp256k1 account signs with secp256k1")
        };
        let items = [support::rlp(&[2]), support::rlp(public_key), support::rlp(signature)];
        support::rlp_list(&[&items[..], more].concat())
    };
    let envelope = |authenticator: Vec<u8>, more: Vec<u8>| {
        let list = support::rlp_list(&[fields.to_vec(), authenticator, more]);
        [&[0x54][..], &list].concat()
    };
    assert_eq!(envelope(authenticator(&[]), Vec::new()), tx.encode());
    assert_eq!(raw(tx.encode()).envelope().as_ref(), &tx.encode()[..]);
    let trailing = |field| Err(TransactionError::Codec(CodecError::TrailingBytes { field, count: 1 }));
    assert_eq!(
        RawTransaction::decode(envelope(authenticator(&[]), vec![0x80])),
        trailing("transaction")
    );
    assert_eq!(
        RawTransaction::decode(envelope(authenticator(&[vec![0x80]]), Vec::new())),
        trailing("authenticator")
    );
}
