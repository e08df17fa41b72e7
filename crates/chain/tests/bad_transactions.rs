//! Each way in which a transaction can be wrong by itself, with the one error it must give.

mod support;

use support::chain::{GWEI, ethereum_payment, identity, payment};
use support::keys::{EcAccount, RSA_2048, RSA_3072, RSA_4096, SECP256K1, negate_s};
use support::{der, der_integer, hex, rlp, rlp_error, rlp_list, spki_of, spki_of_pkcs1};
use tally_chain::keys::KeyError;
use tally_chain::transaction::{
    Authenticator, EthereumKind, EthereumTransaction, MAX_GAS_LIMIT, MAX_TRANSACTION_BYTES, Payload,
};
use tally_chain::{
    Amount, B256, BlockId, Bytes, CodecError, RawTransaction, ReferenceVerifier, TransactionError, U256,
};

const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/// Decodes and checks, as any node does.
fn verdict(envelope: Vec<u8>) -> Result<(), TransactionError> {
    RawTransaction::decode(envelope)?
        .check(&identity(), &ReferenceVerifier)
        .map(|_| ())
}

fn by_rsa(payload: Payload) -> Vec<u8> {
    RSA_2048.sign(payload, &identity(), 1).encode()
}

fn by_secp256k1(payload: Payload) -> Vec<u8> {
    SECP256K1.sign(payload, &identity()).encode()
}

fn ethereum(change: impl FnOnce(&mut EthereumTransaction)) -> Vec<u8> {
    let mut tx = ethereum_payment(EthereumKind::DynamicFee);
    change(&mut tx);
    SECP256K1.sign_ethereum(tx).encode()
}

/// The nine fields of the payment, each encoded.
fn fields() -> Vec<Vec<u8>> {
    let p = payment();
    let value = p.value.0.to_be_bytes_trimmed_vec();
    vec![
        alloy_rlp::encode(p.chain_id),
        alloy_rlp::encode(p.nonce),
        alloy_rlp::encode(p.timestamp.0),
        alloy_rlp::encode(p.max_priority_fee),
        alloy_rlp::encode(p.max_fee),
        alloy_rlp::encode(p.gas_limit),
        rlp(p.to.unwrap().as_slice()),
        rlp(&value),
        rlp(&p.data),
    ]
}

fn authenticator(kind: u8, public_key: &[u8], signature: &[u8]) -> Vec<u8> {
    rlp_list(&[alloy_rlp::encode(kind), rlp(public_key), rlp(signature)])
}

fn envelope(fields: &[Vec<u8>], authenticator: Vec<u8>) -> Vec<u8> {
    [&[0x54][..], &rlp_list(&[fields, &[authenticator]].concat())].concat()
}

/// The payment with one field's bytes replaced.
fn with_field(at: usize, bytes: Vec<u8>) -> Vec<u8> {
    let mut fields = fields();
    fields[at] = bytes;
    envelope(&fields, authenticator(2, &SECP256K1.public_key(), &[1; 64]))
}

/// The payment with an RSA public key that is not looked at further.
fn with_rsa_key(spki: &[u8]) -> Result<(), TransactionError> {
    verdict(envelope(&fields(), authenticator(1, spki, &[1; 256])))
}

fn with_rsa_signature(signature: Vec<u8>) -> Result<(), TransactionError> {
    verdict(RSA_2048.with_signature(payment(), signature).encode())
}

fn with_secp256k1(public_key: [u8; 33], signature: [u8; 64]) -> Result<(), TransactionError> {
    let authenticator = Authenticator::Secp256k1 { public_key, signature };
    let tx = tally_chain::transaction::TallyTransaction {
        payload: payment(),
        authenticator,
    };
    verdict(tx.encode())
}

/// An odd modulus of exactly `bits` bits; its factors do not matter to the form.
fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0xa5; bits.div_ceil(8)];
    bytes[0] = 1 << ((bits - 1) % 8);
    *bytes.last_mut().unwrap() |= 1;
    bytes
}

fn signed_message() -> Vec<u8> {
    payment().signed_message(&identity().genesis, &RSA_2048.address())
}

fn signature_of(envelope: &[u8]) -> [u8; 64] {
    envelope[envelope.len() - 64..].try_into().unwrap()
}

#[test]
fn the_payment_that_the_others_are_made_of_is_right() {
    for account in [&RSA_2048, &RSA_3072, &RSA_4096] {
        assert_eq!(verdict(account.sign(payment(), &identity(), 3).encode()), Ok(()));
    }
    assert_eq!(verdict(by_secp256k1(payment())), Ok(()));
    for kind in [EthereumKind::Legacy, EthereumKind::AccessList, EthereumKind::DynamicFee] {
        assert_eq!(
            verdict(SECP256K1.sign_ethereum(ethereum_payment(kind)).encode()),
            Ok(())
        );
    }
    let signature = signature_of(&by_secp256k1(payment()));
    let by_hand = envelope(&fields(), authenticator(2, &SECP256K1.public_key(), &signature));
    assert_eq!(by_hand, by_secp256k1(payment()));
}

#[test]
fn types_and_sizes() {
    assert_eq!(verdict(Vec::new()), Err(TransactionError::Empty));
    let good = by_secp256k1(payment());
    for found in [0x00, 0x03, 0x04, 0x05, 0x53, 0x55, 0x7f, 0x80, 0xb8, 0xbf] {
        let mut bytes = good.clone();
        bytes[0] = found;
        assert_eq!(verdict(bytes), Err(TransactionError::UnknownType { found }));
    }
    let mut long = payment();
    long.data = Bytes::from(vec![7; MAX_TRANSACTION_BYTES]);
    let bytes = by_secp256k1(long);
    let (len, max) = (bytes.len(), MAX_TRANSACTION_BYTES);
    assert_eq!(verdict(bytes), Err(TransactionError::TooLarge { len, max }));
    let mut longest = payment();
    longest.data = Bytes::from(vec![7; MAX_TRANSACTION_BYTES - 200]);
    assert_eq!(verdict(by_secp256k1(longest)), Ok(()));
}

#[test]
fn fields_have_one_encoding() {
    use alloy_rlp::Error::*;
    let refused = |at, bytes: &[u8], field, source| {
        let expected = Err(rlp_error(field, source).into());
        assert_eq!(
            verdict(with_field(at, bytes.to_vec())),
            expected,
            "{field} {bytes:02x?}"
        );
    };
    let names = [
        "chain_id",
        "nonce",
        "timestamp",
        "max_priority_fee",
        "max_fee",
        "gas_limit",
    ];
    for (at, name) in names.into_iter().enumerate() {
        refused(at, &[0x00], name, LeadingZero);
        refused(at, &[0x82, 0x00, 0x01], name, LeadingZero);
        refused(at, &[0x81, 0x01], name, NonCanonicalSingleByte);
        refused(at, &[0xc0], name, UnexpectedList);
        refused(at, &[0xb8, 0x01, 0xff], name, NonCanonicalSize);
        let too_long = [&[0x91][..], &[1; 17]].concat();
        refused(at, &too_long, name, Overflow);
    }
    // The amount: zero-padded, and 2^256.
    refused(7, &[0x00], "value", LeadingZero);
    refused(7, &hex("8900b1a2bc2ec500000a"), "value", LeadingZero);
    refused(7, &[&[0xa1, 0x01][..], &[0; 32]].concat(), "value", Overflow);
    refused(8, &[0xc1, 0x01], "data", UnexpectedList);
    refused(8, &[0x81, 0x05], "data", NonCanonicalSingleByte);
    let to = |len: usize| verdict(with_field(6, rlp(&vec![1; len])));
    let (field, expected, max) = ("to", 20, 20);
    assert_eq!(
        to(19),
        Err(CodecError::WrongLength {
            field,
            len: 19,
            expected
        }
        .into())
    );
    assert_eq!(
        to(1),
        Err(CodecError::WrongLength {
            field,
            len: 1,
            expected
        }
        .into())
    );
    assert_eq!(to(21), Err(CodecError::TooLong { field, len: 21, max }.into()));
    let missing = [&[0x54][..], &rlp_list(&fields()[..8])].concat();
    assert_eq!(verdict(missing), Err(rlp_error("data", InputTooShort).into()));
    let unsigned = [&[0x54][..], &rlp_list(&fields())].concat();
    assert_eq!(verdict(unsigned), Err(rlp_error("authenticator", InputTooShort).into()));
    // The list's own length in long form though short would do.
    let good = by_secp256k1(payment());
    assert_eq!(good[1], 0xf8, "a list of up to 255 bytes");
    let padded = [&[0x54, 0xf9, 0x00][..], &good[2..]].concat();
    assert_eq!(verdict(padded), Err(rlp_error("transaction", LeadingZero).into()));
}

#[test]
fn authenticators_of_unknown_kinds() {
    for found in [0, 4, 5, 255] {
        let bytes = envelope(&fields(), authenticator(found, &[1; 33], &[1; 64]));
        let found = found.into();
        assert_eq!(verdict(bytes), Err(TransactionError::UnknownAuthenticator { found }));
    }
    let no_list = envelope(&fields(), rlp(&[1; 97]));
    assert_eq!(
        verdict(no_list),
        Err(rlp_error("authenticator", alloy_rlp::Error::UnexpectedString).into())
    );
}

#[test]
fn rsa_keys_of_any_other_form() {
    let key = |error| Err(TransactionError::Key(error));
    let e = [1, 0, 1];
    for bits in [512, 1024, 1536, 2047, 2049, 2056, 3071, 4095, 4097, 8192, 16384] {
        assert_eq!(
            with_rsa_key(&spki_of(&modulus(bits), &e)),
            key(KeyError::RsaModulusSize { bits }),
            "{bits} bits"
        );
    }
    let huge = spki_of(&modulus(32_768), &e);
    let (field, len, max) = ("authenticator.public_key", huge.len(), 4_096);
    assert_eq!(with_rsa_key(&huge), Err(CodecError::TooLong { field, len, max }.into()));

    let n = RSA_2048.public.modulus();
    assert_eq!(spki_of(n, &e), RSA_2048.public.spki());
    for exponent in [&[3][..], &[1], &[17], &[1, 0, 3], &[1, 0, 1, 0, 1], &[0]] {
        assert_eq!(with_rsa_key(&spki_of(n, exponent)), key(KeyError::RsaExponent));
    }
    let mut even = n.to_vec();
    even[255] ^= 1;
    assert_eq!(with_rsa_key(&spki_of(&even, &e)), key(KeyError::RsaModulusEven));

    // The same numbers in another encoding.
    let padded = der(0x30, &[der(2, &[&[0, 0], n].concat()), der_integer(&e)].concat());
    assert_eq!(with_rsa_key(&spki_of_pkcs1(&padded)), key(KeyError::RsaNotCanonical));
    let negative = der(0x30, &[der(2, n), der_integer(&e)].concat());
    assert_eq!(with_rsa_key(&spki_of_pkcs1(&negative)), key(KeyError::RsaNotCanonical));
    let padded = der(0x30, &[der_integer(n), der(2, &[0, 1, 0, 1])].concat());
    assert_eq!(with_rsa_key(&spki_of_pkcs1(&padded)), key(KeyError::RsaNotCanonical));

    // Not this structure.
    let spki = RSA_2048.public.spki();
    let not = key(KeyError::NotRsaSpki);
    assert_eq!(with_rsa_key(&[]), not);
    assert_eq!(with_rsa_key(&spki[..293]), not);
    assert_eq!(with_rsa_key(&[spki, &[0]].concat()), not);
    assert_eq!(with_rsa_key(RSA_2048.public.pkcs1()), not);
    let mut pss_only = spki.to_vec();
    pss_only[16] = 0x0a;
    assert_eq!(with_rsa_key(&pss_only), not, "id-RSASSA-PSS is another algorithm");
    assert_eq!(with_rsa_key(&SECP256K1.public_key()), not);
}

#[test]
fn rsa_signatures_of_any_other_form() {
    let good = RSA_2048.sign_pss(&signed_message(), 32, 1);
    assert_eq!(with_rsa_signature(good.clone()), Ok(()));
    let wrong_length = |len| {
        Err(TransactionError::Key(KeyError::RsaSignatureLength {
            len,
            expected: 256,
        }))
    };
    assert_eq!(with_rsa_signature(Vec::new()), wrong_length(0));
    assert_eq!(with_rsa_signature(good[..255].to_vec()), wrong_length(255));
    assert_eq!(with_rsa_signature([&[0], &good[..]].concat()), wrong_length(257));
    assert_eq!(with_rsa_signature(vec![1; 384]), wrong_length(384));

    let n = RSA_2048.public.modulus();
    let range = Err(TransactionError::Key(KeyError::RsaSignatureRange));
    assert_eq!(with_rsa_signature(n.to_vec()), range);
    assert_eq!(with_rsa_signature(vec![0xff; 256]), range);
    // The signature plus n means the same number modulo n.
    let sum = alloy_primitives::Uint::<4096, 64>::from_be_slice(&good) + alloy_primitives::Uint::from_be_slice(n);
    let sum = sum.to_be_bytes::<512>();
    if sum[255] == 0 {
        assert_eq!(with_rsa_signature(sum[256..].to_vec()), range);
    }
    let mut below = n.to_vec();
    below[255] ^= 1;
    for bytes in [below, vec![0; 256], [vec![0; 255], vec![1]].concat()] {
        assert_eq!(with_rsa_signature(bytes), Err(TransactionError::BadSignature));
    }
}

#[test]
fn rsa_signatures_of_any_other_scheme() {
    let message = signed_message();
    for salt_len in [0, 1, 20, 31, 33, 48, 64, 222] {
        let signature = RSA_2048.sign_pss(&message, salt_len, 1);
        assert_eq!(
            with_rsa_signature(signature),
            Err(TransactionError::BadSignature),
            "salt of {salt_len}"
        );
    }
    let pkcs1v15 = RSA_2048.sign_pkcs1v15(&message);
    assert_eq!(with_rsa_signature(pkcs1v15), Err(TransactionError::BadSignature));
    // Over the digest instead of the message: hashed once too often.
    let digest = tally_chain::hash::sha256(&[&message]);
    let twice = RSA_2048.sign_pss(digest.as_slice(), 32, 1);
    assert_eq!(with_rsa_signature(twice), Err(TransactionError::BadSignature));
    // Over the bare payload: bound to no chain and no sender.
    let bare = RSA_2048.sign_pss(&payment().encode(), 32, 1);
    assert_eq!(with_rsa_signature(bare), Err(TransactionError::BadSignature));
}

#[test]
fn secp256k1_signatures_and_keys_of_any_other_form() {
    let (key, signature) = (SECP256K1.public_key(), signature_of(&by_secp256k1(payment())));
    assert_eq!(with_secp256k1(key, signature), Ok(()));
    let refused = |error: KeyError| Err(TransactionError::Key(error));
    assert_eq!(
        with_secp256k1(key, negate_s(&signature)),
        refused(KeyError::Secp256k1HighS)
    );
    let (zero, order) = (vec![0; 32], hex(ORDER));
    let (r, s) = (signature[..32].to_vec(), signature[32..].to_vec());
    for parts in [
        [&zero, &s],
        [&r, &zero],
        [&order, &s],
        [&r, &order],
        [&vec![0xff; 32], &s],
    ] {
        let bytes = [&parts[0][..], parts[1]].concat().try_into().unwrap();
        assert_eq!(with_secp256k1(key, bytes), refused(KeyError::Secp256k1Range));
    }
    let point = |tag: u8, x: &[u8]| -> [u8; 33] { [&[tag], x].concat().try_into().unwrap() };
    let x = &key[1..];
    // The hybrid and compact tags too: libraries differ about them.
    for tag in [0, 1, 4, 5, 6, 7, 0xff] {
        assert_eq!(
            with_secp256k1(point(tag, x), signature),
            refused(KeyError::NotSecp256k1Point),
            "tag {tag}"
        );
    }
    let five = [vec![0; 31], vec![5]].concat();
    for x in [
        &five[..],
        &[0xff; 32],
        &hex("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"),
    ] {
        assert_eq!(
            with_secp256k1(point(2, x), signature),
            refused(KeyError::NotSecp256k1Point)
        );
    }
    assert_eq!(
        with_secp256k1(point(key[0] ^ 1, x), signature),
        Err(TransactionError::BadSignature),
        "the mirrored point is another sender"
    );
    let lengths = |key: &[u8], signature: &[u8]| verdict(envelope(&fields(), authenticator(2, key, signature)));
    let wrong = |field, len, expected| Err(CodecError::WrongLength { field, len, expected }.into());
    assert_eq!(lengths(&[4; 65], &signature), wrong("authenticator.public_key", 65, 33));
    assert_eq!(lengths(x, &signature), wrong("authenticator.public_key", 32, 33));
    assert_eq!(lengths(&key, &[1; 65]), wrong("authenticator.signature", 65, 64));
    assert_eq!(lengths(&key, &[1; 63]), wrong("authenticator.signature", 63, 64));
}

#[test]
fn signatures_of_others_and_for_other_chains() {
    let mut elsewhere = identity();
    elsewhere.genesis = BlockId(B256::repeat_byte(0x77));
    let bad = Err(TransactionError::BadSignature);
    assert_eq!(verdict(RSA_2048.sign(payment(), &elsewhere, 1).encode()), bad);
    assert_eq!(verdict(SECP256K1.sign(payment(), &elsewhere).encode()), bad);

    let outsider = EcAccount::from_secret(&[7; 32]);
    let theirs = signature_of(&outsider.sign(payment(), &identity()).encode());
    assert_eq!(with_secp256k1(SECP256K1.public_key(), theirs), bad);
    // Made by the key itself, but naming another sender in the message.
    let message = payment().signed_message(&identity().genesis, &outsider.address());
    let (signature, _) = SECP256K1.sign_digest(&tally_chain::hash::sha256(&[&message]).0);
    assert_eq!(with_secp256k1(SECP256K1.public_key(), signature), bad);
    assert_eq!(with_rsa_signature(RSA_2048.sign_pss(&message, 32, 1)), bad);

    let mut other = payment();
    other.value = Amount(U256::from(1));
    let signature = RSA_2048.sign_pss(&other.signed_message(&identity().genesis, &RSA_2048.address()), 32, 1);
    assert_eq!(with_rsa_signature(signature), bad);

    let expected = identity().chain_id;
    let mut far = payment();
    far.chain_id = expected + 1;
    let wrong = Err(TransactionError::WrongChain {
        found: expected + 1,
        expected,
    });
    assert_eq!(verdict(by_rsa(far.clone())), wrong);
    assert_eq!(verdict(by_secp256k1(far)), wrong);
    assert_eq!(verdict(ethereum(|tx| tx.chain_id += 1)), wrong);
}

#[test]
fn numbers_beyond_their_limits() {
    let each = |change: &dyn Fn(&mut Payload), expected: Result<(), TransactionError>| {
        let mut payload = payment();
        change(&mut payload);
        assert_eq!(verdict(by_rsa(payload.clone())), expected);
        assert_eq!(verdict(by_secp256k1(payload)), expected);
    };
    each(&|p| p.nonce = u64::MAX, Err(TransactionError::NonceTooLarge));
    each(&|p| p.nonce = u64::MAX - 1, Ok(()));
    let (found, max) = (MAX_GAS_LIMIT + 1, MAX_GAS_LIMIT);
    each(
        &|p| p.gas_limit = found,
        Err(TransactionError::GasLimitTooHigh { found, max }),
    );
    each(&|p| p.gas_limit = max, Ok(()));
    let (priority, max_fee) = (2 * GWEI + 1, 2 * GWEI);
    each(
        &|p| p.max_priority_fee = priority,
        Err(TransactionError::PriorityAboveMax { priority, max_fee }),
    );
    each(&|p| p.max_priority_fee = max_fee, Ok(()));
    each(&|p| p.value = Amount(U256::MAX), Err(TransactionError::CostOverflow));
    let fee = U256::from(50_000u64) * U256::from(2 * GWEI);
    each(&|p| p.value = Amount(U256::MAX - fee), Ok(()));
    each(
        &|p| p.value = Amount(U256::MAX - fee + U256::from(1)),
        Err(TransactionError::CostOverflow),
    );
    assert_eq!(
        verdict(ethereum(|tx| tx.nonce = u64::MAX)),
        Err(TransactionError::NonceTooLarge)
    );
    assert_eq!(
        verdict(ethereum(|tx| tx.gas_limit = found)),
        Err(TransactionError::GasLimitTooHigh { found, max })
    );
    assert_eq!(
        verdict(ethereum(|tx| tx.max_priority_fee = priority)),
        Err(TransactionError::PriorityAboveMax { priority, max_fee })
    );
    assert_eq!(
        verdict(ethereum(|tx| tx.value = Amount(U256::MAX))),
        Err(TransactionError::CostOverflow)
    );
}
