//! Accounts of several keys: the policy, its address, and every way in which its signatures can be wrong.

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use support::chain::{identity, payment};
use support::keys::{EcAccount, RSA_2048, RSA_3072, RSA_4096, RsaAccount, SECP256K1, negate_s};
use support::{hex, rlp, rlp_list};
use tally_chain::hash::sha256;
use tally_chain::keys::{KeyError, RawPublicKey};
use tally_chain::multisig::{MAX_POLICY_KEYS, Multisig, MultisigError, Policy, PolicyError};
use tally_chain::transaction::{Authenticator, Payload, TallyTransaction, Transaction};
use tally_chain::{Address, CodecError, RawTransaction, ReferenceVerifier, TransactionError, TxId};

/// A signer of a policy.
enum Signer {
    Rsa(&'static RsaAccount),
    Ec(EcAccount),
}

impl Signer {
    /// A secp256k1 account: the same number, the same account.
    fn ec(number: u8) -> Self {
        Self::Ec(EcAccount::from_secret(sha256(&[b"signer", &[number]]).as_slice()))
    }

    fn key(&self) -> RawPublicKey {
        match self {
            Self::Rsa(account) => RawPublicKey::Rsa(account.public.clone()),
            Self::Ec(account) => RawPublicKey::Secp256k1(account.public_key()),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(account) => account.sign_pss(message, 32, 1),
            Self::Ec(account) => account.sign_digest(&sha256(&[message]).0).0.to_vec(),
        }
    }
}

/// RSA-2048 account 0 and secp256k1 account 0. Rule: docs/protocol.md#W6
fn pair() -> Vec<Signer> {
    let ec = EcAccount::from_secret(&hex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"));
    vec![Signer::Rsa(&RSA_2048), Signer::Ec(ec)]
}

fn policy(threshold: usize, signers: &[Signer]) -> Policy {
    Policy::new(threshold, signers.iter().map(Signer::key).collect()).unwrap()
}

/// Signatures of these signers, by the place of their key.
fn signatures(policy: &Policy, payload: &Payload, signers: &[&Signer]) -> BTreeMap<usize, Vec<u8>> {
    let message = payload.signed_message(&identity().genesis, &policy.address());
    let place = |signer: &Signer| policy.keys().iter().position(|key| *key == signer.key()).unwrap();
    signers.iter().map(|s| (place(s), s.sign(&message))).collect()
}

fn signed(policy: &Policy, signers: &[&Signer]) -> TallyTransaction {
    let signatures = signatures(policy, &payment(), signers);
    TallyTransaction {
        payload: payment(),
        authenticator: Authenticator::Multisig(Multisig::new(policy.clone(), signatures).unwrap()),
    }
}

fn verdict(envelope: Vec<u8>) -> Result<(Address, TxId), TransactionError> {
    let checked = RawTransaction::decode(envelope)?.check(&identity(), &ReferenceVerifier)?;
    Ok((checked.sender(), checked.id()))
}

/// The payment with an authenticator of these items.
fn by_hand(items: &[Vec<u8>]) -> Vec<u8> {
    let payload = payment().encode();
    let fields = tally_chain::codec::ListReader::open("payload", &payload[1..]).unwrap();
    let fields = payload[payload.len() - fields.remaining()..].to_vec();
    [&[0x54][..], &rlp_list(&[fields, rlp_list(items)])].concat()
}

fn key_item(key: &RawPublicKey) -> Vec<u8> {
    rlp_list(&[alloy_rlp::encode(key.kind()), rlp(key.bytes())])
}

fn policy_item(threshold: u64, keys: &[RawPublicKey]) -> Vec<u8> {
    let keys: Vec<_> = keys.iter().map(key_item).collect();
    rlp_list(&[alloy_rlp::encode(threshold), rlp_list(&keys)])
}

fn items(policy: Vec<u8>, signers: u64, signatures: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let list: Vec<_> = signatures.iter().map(|signature| rlp(signature)).collect();
    vec![vec![3], policy, alloy_rlp::encode(signers), rlp_list(&list)]
}

fn refused(error: MultisigError) -> Result<(Address, TxId), TransactionError> {
    Err(TransactionError::Multisig(error))
}

/// Rule: docs/protocol.md#A9
#[test]
fn addresses_of_policies_are_pinned() {
    assert_eq!(
        policy(2, &pair()).address().to_checksum(None),
        "0x74c709f82274D6c93d58E7E5d5Fa9cE9a1aCCA41"
    );
    assert_eq!(
        policy(1, &pair()).address().to_checksum(None),
        "0xB26379A2524F54a3D6576a85d38C9dd79748d789"
    );
    let turned: Vec<_> = pair().iter().rev().map(Signer::key).collect();
    assert_eq!(
        Policy::new(2, turned).unwrap(),
        policy(2, &pair()),
        "order of arrival does not matter"
    );
}

#[test]
fn any_mix_of_keys_signs() {
    let all = [
        Signer::Rsa(&RSA_2048),
        Signer::Rsa(&RSA_3072),
        Signer::Rsa(&RSA_4096),
        Signer::ec(1),
        Signer::ec(2),
    ];
    for threshold in 1..=all.len() {
        let policy = policy(threshold, &all);
        policy.check_points(&ReferenceVerifier).unwrap();
        // The first and the last m of them.
        for signers in [&all[..threshold], &all[all.len() - threshold..]] {
            let signers: Vec<_> = signers.iter().collect();
            let tx = signed(&policy, &signers);
            let (sender, id) = verdict(tx.encode()).unwrap();
            assert_eq!(sender, policy.address());
            assert_eq!(
                id,
                TxId(sha256(&[b"tally/txid", sender.as_slice(), &payment().encode()])),
                "who signed does not change the id"
            );
            let decoded = RawTransaction::decode(tx.encode()).unwrap();
            assert_eq!(decoded.transaction(), &Transaction::Tally(tx));
        }
    }
    let gas = |signers: &[&Signer]| signed(&policy(signers.len(), &all), signers).authenticator.gas();
    assert_eq!(gas(&[&all[0]]), 1_000);
    assert_eq!(
        gas(&all.iter().collect::<Vec<_>>()),
        1_000 + 2_000 + 4_000 + 1_500 + 1_500
    );
}

#[test]
fn one_of_one_and_sixteen_of_sixteen() {
    let all: Vec<_> = (0..MAX_POLICY_KEYS as u8).map(Signer::ec).collect();
    let one = policy(1, &all[..1]);
    assert!(verdict(signed(&one, &[&all[0]]).encode()).is_ok());
    let sixteen = policy(16, &all);
    let tx = signed(&sixteen, &all.iter().collect::<Vec<_>>());
    assert_eq!(verdict(tx.encode()).unwrap().0, sixteen.address());
}

#[test]
fn policies_of_any_other_form() {
    let keys = |count: u8| (0..count).map(|n| Signer::ec(n).key()).collect::<Vec<_>>();
    let max = MAX_POLICY_KEYS;
    assert_eq!(Policy::new(1, keys(17)), Err(PolicyError::TooManyKeys { max }));
    for (threshold, count) in [(0, 0), (1, 0), (0, 3), (4, 3), (17, 16)] {
        let error = PolicyError::Threshold {
            threshold,
            keys: count.into(),
        };
        assert_eq!(Policy::new(threshold as usize, keys(count)), Err(error.clone()));
        assert_eq!(Policy::decode(&policy_item(threshold, &keys(count))), Err(error));
    }
    let sorted = Policy::new(2, keys(3)).unwrap();
    assert_eq!(Policy::decode(&sorted.encode()), Ok(sorted.clone()));
    assert_eq!(sorted.encode(), policy_item(2, sorted.keys()));
    let [a, b, c] = [0, 1, 2].map(|at| sorted.keys()[at].clone());
    let decode = |keys: &[RawPublicKey]| Policy::decode(&policy_item(2, keys));
    let unsorted = |index| Err(PolicyError::Unsorted { index });
    assert_eq!(decode(&[b.clone(), a.clone(), c.clone()]), unsorted(1));
    assert_eq!(decode(&[a.clone(), c.clone(), b.clone()]), unsorted(2));
    let rsa = RawPublicKey::Rsa(RSA_2048.public.clone());
    assert_eq!(decode(&[a.clone(), rsa.clone()]), unsorted(1), "RSA keys come first");
    assert!(decode(&[rsa, a.clone()]).is_ok());
    let duplicate = PolicyError::Duplicate { index: 1 };
    assert_eq!(decode(&[a.clone(), a.clone(), c.clone()]), Err(duplicate.clone()));
    assert_eq!(Policy::new(1, vec![a.clone(), a.clone()]), Err(duplicate));
    // More keys than there may be are not read to their end.
    let many: Vec<_> = (0..1_000).map(|_| vec![0xc0]).collect();
    let endless = rlp_list(&[vec![1], rlp_list(&[vec![key_item(&a); 16], many].concat())]);
    assert_eq!(Policy::decode(&endless), Err(PolicyError::TooManyKeys { max }));
    // Keys of other kinds and forms.
    let one = |kind: u64, bytes: &[u8]| {
        let key = rlp_list(&[alloy_rlp::encode(kind), rlp(bytes)]);
        Policy::decode(&rlp_list(&[vec![1], rlp_list(&[key])]))
    };
    for found in [0, 3, 4, u64::MAX] {
        assert_eq!(
            one(found, a.bytes()),
            Err(PolicyError::UnknownKeyKind { index: 0, found })
        );
    }
    let bad_key = |source| Err(PolicyError::Key { index: 0, source });
    assert_eq!(one(1, a.bytes()), bad_key(KeyError::NotRsaSpki));
    assert_eq!(one(2, &[5; 33]), bad_key(KeyError::NotSecp256k1Point));
    assert_eq!(
        Policy::new(1, vec![RawPublicKey::Secp256k1([4; 33])]),
        bad_key(KeyError::NotSecp256k1Point)
    );
    let field = "policy.key.public_key";
    let error = CodecError::WrongLength {
        field,
        len: 65,
        expected: 33,
    };
    assert_eq!(one(2, &[2; 65]), Err(error.into()));
    let error = CodecError::TooLong {
        field,
        len: 4_097,
        max: 4_096,
    };
    assert_eq!(one(1, &[2; 4_097]), Err(error.into()));
    // Bytes after the end, in every list.
    let trailing = |field| Err(PolicyError::Codec(CodecError::TrailingBytes { field, count: 1 }));
    let item = [key_item(&a), vec![0x80]].concat();
    assert_eq!(
        Policy::decode(&[&sorted.encode()[..], &[0]].concat()),
        trailing("policy")
    );
    assert_eq!(
        Policy::decode(&rlp_list(&[vec![1], rlp_list(&[key_item(&a)]), vec![0x80]])),
        trailing("policy")
    );
    let longer = rlp_list(&[alloy_rlp::encode(2u64), rlp(a.bytes()), vec![0x80]]);
    assert_eq!(
        Policy::decode(&rlp_list(&[vec![1], rlp_list(&[longer])])),
        trailing("policy.key")
    );
    let source = alloy_rlp::Error::UnexpectedString;
    assert_eq!(
        Policy::decode(&rlp_list(&[vec![1], rlp_list(&[item])])),
        Err(CodecError::Rlp {
            field: "policy.key",
            source
        }
        .into())
    );
}

/// A key that is no point of the curve can stand in a policy, but it can never sign. Rule: docs/protocol.md#A7
#[test]
fn a_key_off_the_curve_never_signs() {
    let off = RawPublicKey::Secp256k1([&[2][..], &[0; 31], &[5]].concat().try_into().unwrap());
    let good = Signer::ec(1);
    let policy = Policy::new(1, vec![off.clone(), good.key()]).unwrap();
    let place = policy.keys().iter().position(|key| *key == off).unwrap();
    let source = KeyError::NotSecp256k1Point;
    assert_eq!(
        policy.check_points(&ReferenceVerifier),
        Err(PolicyError::Key { index: place, source })
    );
    assert!(verdict(signed(&policy, &[&good]).encode()).is_ok());
    let mut wrong = signatures(&policy, &payment(), &[&good]);
    let signature = wrong.pop_first().unwrap().1;
    wrong.insert(place, signature);
    let tx = TallyTransaction {
        payload: payment(),
        authenticator: Authenticator::Multisig(Multisig::new(policy, wrong).unwrap()),
    };
    assert_eq!(
        verdict(tx.encode()),
        refused(MultisigError::BadSignature { signer: place })
    );
}

#[test]
fn exactly_m_signatures() {
    let all: Vec<_> = (0..4).map(Signer::ec).collect();
    let policy = policy(2, &all);
    let every = signatures(&policy, &payment(), &all.iter().collect::<Vec<_>>());
    let signature = |at: usize| every[&at].clone();
    let with = |signers: u64, signatures: &[Vec<u8>]| verdict(by_hand(&items(policy.encode(), signers, signatures)));
    let (required, keys) = (2, 4);
    let missing = |found| refused(MultisigError::Missing { found, required });
    let extra = |found| refused(MultisigError::Extra { found, required });

    assert!(with(0b0110, &[signature(1), signature(2)]).is_ok());
    assert_eq!(with(0, &[]), missing(0));
    assert_eq!(with(0b0001, &[signature(0)]), missing(1));
    assert_eq!(with(0b0111, &[signature(0), signature(1), signature(2)]), extra(3));
    assert_eq!(with(0b1111, &every.values().cloned().collect::<Vec<_>>()), extra(4));
    // More or fewer signatures than signers are named.
    assert_eq!(with(0b0011, &[signature(0)]), missing(1));
    assert_eq!(with(0b0011, &[]), missing(0));
    assert_eq!(with(0b0011, &[signature(0), signature(1), signature(2)]), extra(3));
    assert_eq!(with(0b0001, &[signature(0), signature(1)]), missing(1));
    // Signers that the policy does not have.
    for (signers, index) in [(0b1_0001, 4), (1 << 63 | 1, 63), (u64::MAX, 4)] {
        let error = MultisigError::UnknownSigner { index, keys };
        assert_eq!(with(signers, &[signature(0), signature(1)]), refused(error));
    }
    // Signatures of the wrong keys, or in another order.
    let bad = |signer| refused(MultisigError::BadSignature { signer });
    assert_eq!(with(0b0011, &[signature(1), signature(0)]), bad(0));
    assert_eq!(with(0b0101, &[signature(0), signature(1)]), bad(2));
    assert_eq!(
        with(0b0011, &[signature(0), signature(0)]),
        bad(1),
        "one key signs once"
    );
    // The same from Rust values.
    let new = |places: &[usize]| {
        let chosen = places.iter().map(|at| (*at, signature(*at))).collect();
        Multisig::new(policy.clone(), chosen).map(|_| ())
    };
    assert_eq!(new(&[0, 3]), Ok(()));
    assert_eq!(new(&[0]), Err(MultisigError::Missing { found: 1, required }));
    assert_eq!(new(&[0, 1, 2]), Err(MultisigError::Extra { found: 3, required }));
    let beyond = BTreeMap::from([(0, signature(0)), (4, signature(1))]);
    let error = MultisigError::UnknownSigner { index: 4, keys };
    assert_eq!(Multisig::new(policy.clone(), beyond), Err(error));
}

#[test]
fn signatures_of_any_other_form() {
    let pair = pair();
    let policy = policy(2, &pair);
    let good = signatures(&policy, &payment(), &pair.iter().collect::<Vec<_>>());
    let (rsa, ec) = (good[&0].clone(), good[&1].clone());
    let with = |rsa: &[u8], ec: &[u8]| verdict(by_hand(&items(policy.encode(), 0b11, &[rsa.to_vec(), ec.to_vec()])));
    assert!(with(&rsa, &ec).is_ok());
    let form = |signer, source| refused(MultisigError::Form { signer, source });
    let length = |len| KeyError::RsaSignatureLength { len, expected: 256 };
    assert_eq!(with(&[], &ec), form(0, length(0)));
    assert_eq!(with(&rsa[1..], &ec), form(0, length(255)));
    assert_eq!(with(&[0xff; 256], &ec), form(0, KeyError::RsaSignatureRange));
    for len in [0, 63, 65] {
        let wrong = vec![1; len];
        assert_eq!(with(&rsa, &wrong), form(1, KeyError::Secp256k1SignatureLength { len }));
    }
    assert_eq!(with(&rsa, &[0; 64]), form(1, KeyError::Secp256k1Range));
    let high = negate_s(&ec[..].try_into().unwrap());
    assert_eq!(with(&rsa, &high), form(1, KeyError::Secp256k1HighS));
    let field = "authenticator.signatures";
    let error = CodecError::TooLong {
        field,
        len: 4_097,
        max: 4_096,
    };
    assert_eq!(with(&vec![1; 4_097], &ec), Err(error.into()));
    // Signed as the key's own account, not as the policy's.
    let message = payment().signed_message(&identity().genesis, &SECP256K1.address());
    assert_eq!(
        with(&rsa, &pair[1].sign(&message)),
        refused(MultisigError::BadSignature { signer: 1 })
    );
    // And the other way round: a policy's signature is none of its key's own account.
    let own = SECP256K1.with_signature(payment(), ec[..].try_into().unwrap());
    assert_eq!(verdict(own.encode()), Err(TransactionError::BadSignature));
}

#[test]
fn items_after_the_end_are_refused() {
    let all: Vec<_> = (0..2).map(Signer::ec).collect();
    let policy = policy(1, &all);
    let good = signatures(&policy, &payment(), &[&all[0]]);
    let place = *good.keys().next().unwrap();
    let list: Vec<_> = good.values().cloned().collect();
    let mut right = items(policy.encode(), 1 << place, &list);
    assert!(verdict(by_hand(&right)).is_ok());
    right.push(vec![0x80]);
    let field = "authenticator";
    let error = CodecError::TrailingBytes { field, count: 1 };
    assert_eq!(verdict(by_hand(&right)), Err(error.into()));
    // Signers have one encoding: no leading zero.
    let mut padded = items(policy.encode(), 1 << place, &list);
    padded[2] = vec![0x82, 0, 1 << place];
    let error = support::rlp_error("authenticator.signers", alloy_rlp::Error::LeadingZero);
    assert_eq!(verdict(by_hand(&padded)), Err(error.into()));
}

/// Every single bit of a 2-of-3, of both kinds of keys: rejected, wherever it is.
#[test]
fn every_mutation_is_refused() {
    let all = [Signer::Rsa(&RSA_2048), Signer::ec(1), Signer::ec(2)];
    let policy = policy(2, &all);
    for signers in [[&all[0], &all[1]], [&all[1], &all[2]]] {
        let envelope = signed(&policy, &signers).encode();
        assert!(verdict(envelope.clone()).is_ok());
        for at in 0..envelope.len() {
            for xor in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut mutated = envelope.clone();
                mutated[at] ^= xor;
                if let Ok((sender, _)) = verdict(mutated) {
                    panic!("byte {at} ^ {xor:#04x} is accepted, from {sender}");
                }
            }
        }
        for len in 0..envelope.len() {
            let expected = match len {
                0 => TransactionError::Empty,
                // The list carries its own length.
                _ => support::rlp_error("transaction", alloy_rlp::Error::InputTooShort).into(),
            };
            assert_eq!(verdict(envelope[..len].to_vec()), Err(expected), "cut to {len}");
        }
    }
}

fn any_key() -> impl Strategy<Value = RawPublicKey> {
    let rsa = (prop::sample::select(vec![256usize, 384, 512]), any::<[u8; 32]>()).prop_map(|(len, seed)| {
        let mut modulus: Vec<u8> = seed.iter().copied().cycle().take(len).collect();
        modulus[0] |= 0x80;
        modulus[len - 1] |= 1;
        RawPublicKey::Rsa(tally_chain::keys::RsaPublicKey::from_modulus(&modulus).unwrap())
    });
    let ec = (2u8..=3, any::<[u8; 32]>())
        .prop_map(|(tag, x)| RawPublicKey::Secp256k1([&[tag][..], &x].concat().try_into().unwrap()));
    prop_oneof![rsa, ec]
}

proptest! {
    /// A policy has exactly one encoding, and its bytes decode to it alone.
    #[test]
    fn policies_round_trip(keys in proptest::collection::btree_set(any_key(), 1..=16), pick: prop::sample::Index) {
        let keys: Vec<_> = keys.into_iter().collect();
        let threshold = pick.index(keys.len()) + 1;
        let policy = Policy::new(threshold, keys.iter().rev().cloned().collect()).unwrap();
        prop_assert_eq!(policy.keys(), &keys[..]);
        prop_assert_eq!(policy.threshold(), threshold);
        let bytes = policy.encode();
        prop_assert_eq!(Policy::decode(&bytes), Ok(policy.clone()));
        for other in 1..=keys.len() {
            let same = Policy::new(other, keys.clone()).unwrap().address() == policy.address();
            prop_assert_eq!(same, other == threshold, "m is part of the address");
        }
    }

    /// Signatures of any sizes and signers: what was written is what is read, whatever it is worth.
    #[test]
    fn authenticators_round_trip(
        keys in proptest::collection::btree_set(any_key(), 1..=16), pick: prop::sample::Index,
        places in Just((0..16usize).collect::<Vec<_>>()).prop_shuffle(), length in 0usize..600,
    ) {
        let keys: Vec<_> = keys.into_iter().collect();
        let threshold = pick.index(keys.len()) + 1;
        let chosen = places.into_iter().filter(|place| *place < keys.len()).take(threshold);
        let signatures = chosen.map(|place| (place, vec![place as u8; length])).collect();
        let multisig = Multisig::new(Policy::new(threshold, keys).unwrap(), signatures).unwrap();
        let tx = TallyTransaction { payload: payment(), authenticator: Authenticator::Multisig(multisig) };
        let raw = RawTransaction::decode(tx.encode()).unwrap();
        prop_assert_eq!(raw.transaction(), &Transaction::Tally(tx));
    }

    /// Hostile bytes give an error, or a policy that encodes to the same bytes.
    #[test]
    fn bytes_of_any_kind_are_refused_or_canonical(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(policy) = Policy::decode(&bytes) {
            prop_assert_eq!(policy.encode(), bytes);
        }
    }
}
