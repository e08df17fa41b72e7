use k256::ecdsa::Signature;
use tally_chain::multisig::MultisigError;
use tally_chain::{Amount, U256, UnixSecs};

use super::*;
use crate::{ChainBinding, Fee, KeyKind, Phrase, SharedAccount, SharedError, Vault, VaultError, system_rng};

const JUNK: &str = tally_testkit::PUBLIC_PHRASE;

fn binding() -> ChainBinding {
    ChainBinding {
        genesis: BlockId([0x5a; 32].into()),
        chain_id: 8_086,
        name: "local".into(),
    }
}

/// One RSA account, three of secp256k1, and 2 of the first three of them all.
fn vault() -> (Vault, Address) {
    let mut vault = Vault::new(Phrase::parse(JUNK).unwrap(), "", binding(), UnixSecs(1_800_000_000));
    let search = vault.search(KeyKind::Rsa2048).unwrap();
    vault.add_rsa(0, search.finish(), "Savings").unwrap();
    for label in ["One", "Two", "Three"] {
        vault.add_secp256k1(label).unwrap();
    }
    let keys: Vec<_> = vault
        .accounts()
        .take(3)
        .map(|account| account.key.clone().unwrap())
        .collect();
    let shared = SharedAccount::new("Club", 2, &keys).unwrap();
    let address = vault.add_shared(&shared).unwrap().address;
    (vault, address)
}

fn proposal(vault: &Vault, from: Address) -> Proposal {
    let payment = Payment {
        to: Address::repeat_byte(7),
        value: Amount(U256::from(5)),
        memo: "roof".into(),
        nonce: 3,
        timestamp: UnixSecs(1_800_000_000),
        fee: Fee {
            max_priority_fee: 1,
            max_fee: 2,
        },
    };
    Proposal::build(&binding().identity(), vault.account(from).unwrap(), &payment).unwrap()
}

/// Keys of the vault's own accounts, in its order.
fn keys(vault: &Vault) -> Vec<SigningKey> {
    let own = vault.accounts().filter(|account| account.can_sign());
    own.map(|account| vault.signing_key(account.address).unwrap()).collect()
}

#[test]
fn any_two_of_three_complete_it_within_its_gas_in_any_order() {
    let (vault, club) = vault();
    let (draft, keys) = (proposal(&vault, club), keys(&vault));
    let mut ids = Vec::new();
    for pair in [[0, 1], [1, 0], [0, 2], [1, 2]] {
        let copies = pair.map(|place| {
            let mut copy = Proposal::read(&draft.write()).unwrap();
            copy.sign(&keys[place], &mut system_rng()).unwrap();
            assert_eq!(
                copy.complete().err(),
                Some(ProposalError::Incomplete { found: 1, required: 2 })
            );
            copy
        });
        let (mut one, mut other) = (copies[0].clone(), copies[1].clone());
        one.combine(&copies[1]).unwrap();
        other.combine(&copies[0]).unwrap();
        assert_eq!(one.write(), other.write(), "the order does not matter");
        let signed = Proposal::read(&one.write()).unwrap().complete().unwrap();
        assert_eq!(signed.sender, club);
        ids.push(signed.id);
    }
    assert!(
        ids.iter().all(|id| *id == ids[0]),
        "who signed does not change what is paid"
    );
    // A third signature is kept, and left out of the transaction.
    let mut all = draft.clone();
    for key in &keys[..3] {
        all.sign(key, &mut system_rng()).unwrap();
    }
    assert_eq!((all.signed(), all.complete().unwrap().id), (3, ids[0]));
}

#[test]
fn keys_and_signatures_of_no_signer_are_named_and_change_nothing() {
    let (vault, club) = vault();
    let (mut draft, keys) = (proposal(&vault, club), keys(&vault));
    let before = draft.clone();
    let outsider = keys[3].address();
    assert_eq!(
        draft.sign(&keys[3], &mut system_rng()),
        Err(ProposalError::NotASigner {
            key: outsider,
            account: club
        })
    );
    let nobody = Err(ProposalError::NobodysSignature { account: club });
    for signature in [vec![1; 64], vec![1; 256], vec![0x30; 70]] {
        assert_eq!(draft.attach(&signature), nobody);
    }
    let expected = vec![64, 256];
    let length = Err(ProposalError::SignatureLength { found: 0, expected });
    assert_eq!(draft.attach(&[]), length);
    let other = proposal(&vault, keys[0].address());
    assert_eq!(draft.combine(&other), Err(ProposalError::Differs { what: "accounts" }));
    let mut dearer = draft.clone();
    dearer.payload.value = Amount(U256::from(6));
    assert_eq!(draft.combine(&dearer), Err(ProposalError::Differs { what: "payments" }));
    assert_eq!(draft, before);
    let ours = binding().identity();
    assert_eq!(draft.check_chain(&ours), Ok(()));
    let other = ChainIdentity {
        genesis: BlockId::ZERO,
        ..ours
    };
    let (found, expected) = (ours.genesis, BlockId::ZERO);
    assert_eq!(
        draft.check_chain(&other),
        Err(ProposalError::OtherChain { found, expected })
    );
    // The same genesis under another chain id: its signatures would be worth nothing here, and something elsewhere.
    let other = ChainIdentity { chain_id: 1, ..ours };
    let (found, expected) = (ours.chain_id, 1);
    assert_eq!(
        draft.check_chain(&other),
        Err(ProposalError::OtherChainId { found, expected })
    );

    // A signature that was made for another payment does not come in with the text.
    let mut forged = dearer;
    forged.sign(&keys[0], &mut system_rng()).unwrap();
    let place = *forged.signatures.keys().next().unwrap();
    forged.payload = draft.payload.clone();
    assert_eq!(
        Proposal::read(&forged.write()),
        Err(ProposalError::BadSignature { place })
    );
    // Nor does one under a place that no key has.
    let signature = forged.signatures.remove(&place).unwrap();
    forged.signatures.insert(9, signature);
    assert_eq!(
        Proposal::read(&forged.write()),
        Err(ProposalError::UnknownPlace { place: 9, keys: 3 })
    );
    let missing = MultisigError::Missing { found: 0, required: 2 };
    assert_eq!(draft.signers.authenticator(Signatures::new()), Err(missing));
}

#[test]
fn one_key_signs_and_signatures_from_outside_are_taken_in_each_form() {
    let (vault, _) = vault();
    let keys = keys(&vault);
    for key in &keys[..2] {
        let mut draft = proposal(&vault, key.address());
        assert!(draft.waits_for(&key.public_key()) && !draft.waits_for(&keys[2].public_key()));
        let signature = payment::signature(key, &draft.digest(), &mut system_rng()).unwrap();
        assert_eq!(draft.attach(&signature).unwrap().address(), key.address());
        assert_eq!(draft.complete().unwrap().sender, key.address());
    }
    let mut draft = proposal(&vault, keys[1].address());
    let low = payment::signature(&keys[1], &draft.digest(), &mut system_rng()).unwrap();
    let low = Signature::from_slice(&low).unwrap();
    let high = Signature::from_scalars(low.r(), -low.s()).unwrap();
    for form in [low.to_der().as_bytes(), high.to_der().as_bytes(), &high.to_bytes()[..]] {
        draft.signatures.clear();
        draft.attach(form).unwrap();
        assert_eq!(draft.signatures[&0], low.to_bytes().to_vec());
        draft.complete().unwrap();
    }
}

#[test]
fn a_hundred_thousand_damaged_texts_give_no_panic_and_nothing_else() {
    let (vault, club) = vault();
    let mut signed = proposal(&vault, club);
    signed.sign(&keys(&vault)[1], &mut system_rng()).unwrap();
    let good = signed.write();
    let mut state = 7u64;
    let mut below = |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % limit as u64) as usize
    };
    for _ in 0..100_000 {
        let mut bytes = good.clone().into_bytes();
        let place = below(bytes.len());
        match below(3) {
            0 => bytes.truncate(place),
            1 => bytes[place] = b' ' + below(95) as u8,
            _ => drop(bytes.remove(place)),
        }
        let text = String::from_utf8(bytes).unwrap();
        if let Ok(read) = Proposal::read(&text) {
            assert_eq!(read, signed, "only white space may differ: {text}");
        }
    }
}

#[test]
fn contents_under_a_good_checksum_are_judged() {
    let (vault, club) = vault();
    let mut signed = proposal(&vault, club);
    signed.sign(&keys(&vault)[1], &mut system_rng()).unwrap();
    let bytes = text::read(KIND, &signed.write()).unwrap();
    let signer = *signed.signatures.keys().next().unwrap();
    // The one signature ends it. It covers all of the payment, and the policy is sorted: nothing in it may change.
    let signature = bytes.len() - 64;
    for at in 0..bytes.len() {
        for bit in [0, 3, 7] {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let error = Proposal::read(&text::write(KIND, &changed)).unwrap_err();
            assert!(!matches!(error, ProposalError::Text(_)), "byte {at}: {error}");
            if at < signature {
                continue;
            }
            // A high s, or one beyond the curve's order, has another form.
            let (ProposalError::BadSignature { place } | ProposalError::SignatureForm { place, .. }) = error else {
                panic!("byte {at}: {error}");
            };
            assert_eq!(place, signer, "byte {at}");
        }
    }
}

#[test]
fn a_shared_account_travels_as_text_and_lasts_in_the_vault() {
    let (mut vault, club) = vault();
    let account = vault.account(club).unwrap().clone();
    assert!(!account.can_sign() && account.key.is_none() && account.kind().is_none());
    let shared = SharedAccount::of(account.label, account.policy.unwrap()).unwrap();
    assert_eq!(SharedAccount::read(&shared.write()), Ok(shared.clone()));
    let again = vault.add_shared(&shared).err();
    assert_eq!(
        again,
        Some(VaultError::HasAccount { address: club }),
        "it is there already"
    );

    let params = crate::KdfParams {
        m_kib: 8_192,
        t: 1,
        p: 1,
    };
    let key = crate::VaultKey::derive("correct horse", params, &mut system_rng()).unwrap();
    let sealed = vault.seal(&key, &mut system_rng()).unwrap();
    let (opened, _) = Vault::open(&sealed, "correct horse").unwrap();
    assert_eq!(
        opened.accounts().cloned().collect::<Vec<_>>(),
        vault.accounts().cloned().collect::<Vec<_>>()
    );
    let no_key = VaultError::Inconsistent { address: club };
    assert_eq!(vault.signing_key(club).err(), Some(no_key));
    vault.unwatch(club).unwrap();
    assert_eq!(vault.account(club).err(), Some(VaultError::NoAccount { address: club }));

    let keys: Vec<_> = vault
        .accounts()
        .take(2)
        .map(|account| account.key.clone().unwrap())
        .collect();
    let refused =
        |threshold: usize, keys: &[PublicKey]| SharedAccount::new("x", threshold, keys).unwrap_err().to_string();
    assert!(refused(0, &keys).contains("requires 0 signatures of 2"));
    assert!(refused(3, &keys).contains("requires 3 signatures of 2"));
    assert!(refused(1, &[keys[0].clone(), keys[0].clone()]).contains("twice"));
    let deceives = SharedError::Label(VaultError::LabelCharacter { code: 0x202e });
    assert_eq!(SharedAccount::new("\u{202e}", 1, &keys), Err(deceives));
}

/// The RSA key of the vault, and a proposal whose signers are it and a secp256k1 key.
fn with_both_signers() -> (Proposal, SigningKey, SigningKey) {
    let (vault, club) = vault();
    let mut keys = keys(&vault).into_iter();
    let (rsa, curve) = (keys.next().unwrap(), keys.next().unwrap());
    (proposal(&vault, club), rsa, curve)
}

fn rsa_signature(key: &SigningKey, scheme: impl rsa::traits::SignatureScheme, hashed: &[u8]) -> Vec<u8> {
    let SigningKey::Rsa(key) = key else {
        unreachable!("the first account is of RSA");
    };
    key.private().sign_with_rng(&mut system_rng(), scheme, hashed).unwrap()
}

fn pss(salt: usize) -> rsa::pss::Pss<sha2::Sha256> {
    rsa::pss::Pss::new_with_salt(salt)
}

#[test]
fn signatures_of_other_programs_come_in_as_bytes_hex_base64_and_der() {
    use base64ct::{Base64, Encoding as _};

    let (draft, rsa, curve) = with_both_signers();
    let digest = draft.digest();
    let by_rsa = rsa_signature(&rsa, pss(32), digest.as_slice());
    let by_curve = payment::signature(&curve, &digest, &mut system_rng()).unwrap();
    let der = k256::ecdsa::Signature::from_slice(&by_curve).unwrap().to_der();
    for (key, signature) in [(&rsa, &by_rsa[..]), (&curve, &by_curve), (&curve, der.as_bytes())] {
        let hex = alloy_primitives::hex::encode(signature);
        let base64 = Base64::encode_string(signature);
        let broken = base64.replacen(&base64[40..41], &format!("{}\r\n", &base64[40..41]), 1);
        for given in [
            signature.to_vec(),
            hex.clone().into_bytes(),
            format!("0x{}\n", hex.to_uppercase()).into_bytes(),
            base64.clone().into_bytes(),
            format!("{broken}\n").into_bytes(),
        ] {
            let mut open = draft.clone();
            assert_eq!(open.attach(&given), Ok(key.public_key()));
            assert_eq!(open.signed(), 1);
        }
    }
}

#[test]
fn signatures_of_another_kind_are_named() {
    let (mut draft, rsa, curve) = with_both_signers();
    let digest = draft.digest();
    let twice = tally_chain::hash::sha256(&[digest.as_slice()]);
    for found in [0, 20, 222] {
        let signature = rsa_signature(&rsa, pss(found), digest.as_slice());
        let expected = 32;
        assert_eq!(
            draft.attach(&signature),
            Err(ProposalError::PssSalt { found, expected })
        );
    }
    for salt in [32, 222] {
        let signature = rsa_signature(&rsa, pss(salt), twice.as_slice());
        assert_eq!(draft.attach(&signature), Err(ProposalError::HashedTwice));
    }
    let info = alloy_primitives::hex!("3031300d060960864801650304020105000420");
    let covered = [&info[..], digest.as_slice()].concat();
    let padded = rsa_signature(&rsa, rsa::Pkcs1v15Sign::new_unprefixed(), &covered);
    assert_eq!(draft.attach(&padded), Err(ProposalError::Pkcs1Padding));

    let hashed_again = payment::signature(&curve, &twice, &mut system_rng()).unwrap();
    assert_eq!(draft.attach(&hashed_again), Err(ProposalError::HashedTwice));
    for (key, len) in [(&rsa, 257), (&curve, 65)] {
        let mut longer = payment::signature(key, &digest, &mut system_rng()).unwrap();
        longer.push(b'\n');
        assert_eq!(draft.attach(&longer), Err(ProposalError::OneByteTooMany { found: len }));
    }
    for found in [3, 100, 255, 512] {
        let expected = vec![64, 256];
        let length = ProposalError::SignatureLength { found, expected };
        assert_eq!(length.to_string().matches("64 or 256").count(), 1);
        assert_eq!(draft.attach(&vec![0xa5; found]), Err(length));
    }
    let account = draft.account();
    let other = payment::signature(&rsa, &B256::repeat_byte(9), &mut system_rng()).unwrap();
    assert_eq!(draft.attach(&other), Err(ProposalError::NobodysSignature { account }));
    assert_eq!(draft.signed(), 0);
}
