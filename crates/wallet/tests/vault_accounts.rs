//! Accounts of every origin, their order, the address book; passwords and older files. Rule: docs/protocol.md#W14

mod common;

use common::{CHEAP, JUNK, binding, cheap_key, vault};
use tally_chain::{Address, PublicKey, UnixSecs};
use tally_wallet::vault::{MAX_ACCOUNTS, MAX_CONTACTS};
use tally_wallet::{
    Changed, Contact, ContainerError, KeyKind, Language, Origin, Phrase, RsaBits, RsaKey, Secp256k1Key, SharedAccount,
    SharedError, SigningKey, Vault, VaultError, VaultKey, system_rng, usual_label,
};

fn secp(secret: u64) -> SigningKey {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&secret.to_be_bytes());
    SigningKey::Secp256k1(Secp256k1Key::from_secret(&bytes).unwrap())
}

fn rsa(index: u32) -> SigningKey {
    let seed = Phrase::parse(JUNK).unwrap().seed("somebody else's");
    SigningKey::Rsa(seed.rsa(RsaBits::B2048, index).unwrap().finish())
}

fn addresses(vault: &Vault) -> Vec<Address> {
    vault.accounts().map(|account| account.address).collect()
}

fn again(vault: &Vault) -> Vault {
    let bytes = vault.seal(&cheap_key("pw"), &mut system_rng()).unwrap();
    Vault::open(&bytes, "pw").unwrap().0
}

#[test]
fn imported_keys_sign_and_survive_the_file() {
    let mut before = vault();
    let ecc = before.import(secp(7), "Old wallet").unwrap().address;
    let rsa = before.import(rsa(0), "Smart card").unwrap().address;
    let after = again(&before);
    for (address, kind) in [(ecc, KeyKind::Secp256k1), (rsa, KeyKind::Rsa2048)] {
        let account = after.account(address).unwrap();
        assert_eq!((account.kind(), account.index()), (Some(kind), None));
        assert_eq!((&account.origin, account.can_sign()), (&Origin::Imported, true));
        assert_eq!(after.signing_key(address).unwrap().address(), address);
    }
    assert_eq!(
        before.import(secp(7), "").err(),
        Some(VaultError::HasAccount { address: ecc })
    );
    let shown = format!("{before:?}");
    assert!(!shown.contains("Secret") && !shown.contains("primes"), "{shown}");
}

#[test]
fn watched_accounts_sign_nothing_and_become_whole_with_their_key() {
    let mut before = vault();
    let watched = Address::repeat_byte(0x11);
    before.watch(watched, None, "A friend").unwrap();
    let key = secp(9);
    let (address, public) = (key.address(), key.public_key());
    let wrong = before.watch(watched, None, "").err();
    assert_eq!(wrong, Some(VaultError::HasAccount { address: watched }));
    let other = VaultError::OtherKey {
        address: Address::ZERO,
        key: address,
    };
    assert_eq!(before.watch(Address::ZERO, Some(public.clone()), "").err(), Some(other));
    before.watch(address, Some(public.clone()), "Cold").unwrap();

    let mut after = again(&before);
    assert_eq!(
        (after.account(watched).unwrap().kind(), after.accounts().len()),
        (None, 4)
    );
    assert_eq!(after.account(address).unwrap().key, Some(public));
    for address in [watched, address] {
        assert_eq!(
            after.signing_key(address).err(),
            Some(VaultError::WatchOnly { address })
        );
    }
    // Its key arrives: the account keeps its name and its place.
    after.import(key, "another name").unwrap();
    let account = after.account(address).unwrap();
    assert_eq!((&*account.label, &account.origin), ("Cold", &Origin::Imported));
    assert_eq!(after.unwatch(address), Err(VaultError::NotWatched { address }));
    assert_eq!(after.unwatch(watched), Ok(()));
    assert_eq!(after.accounts().len(), 3);
}

#[test]
fn what_the_phrase_gives_takes_the_place_of_the_same_imported_account() {
    let mut vault = Vault::new(Phrase::parse(JUNK).unwrap(), "", binding(), UnixSecs(1));
    let key = Phrase::parse(JUNK).unwrap().seed("").secp256k1(0).unwrap();
    let address = vault.import(SigningKey::Secp256k1(key), "From afar").unwrap().address;
    let added = vault.add_secp256k1("ECC account").unwrap();
    assert_eq!(
        (added.address, added.index(), &*added.label),
        (address, Some(0), "From afar")
    );
    assert_eq!((vault.accounts().len(), vault.next_index(KeyKind::Secp256k1)), (1, 1));
    assert_eq!(again(&vault).signing_key(address).unwrap().address(), address);
}

#[test]
fn accounts_move_and_are_put_away() {
    let mut before = vault();
    before.watch(Address::ZERO, None, "").unwrap();
    let [a, b, c] = addresses(&before)[..] else {
        panic!("three accounts")
    };
    before.move_to(c, 0).unwrap();
    assert_eq!(addresses(&before), [c, a, b]);
    before.move_to(c, 2).unwrap();
    before.move_to(b, 0).unwrap();
    before.set_archived(a, true).unwrap();
    let mut after = again(&before);
    assert_eq!(addresses(&after), [b, a, c]);
    assert_eq!(
        after.accounts().map(|account| account.archived).collect::<Vec<_>>(),
        [false, true, false]
    );
    after.set_archived(a, false).unwrap();
    assert!(!after.account(a).unwrap().archived);
    assert_eq!(after.move_to(a, 3), Err(VaultError::NoPlace { position: 3, len: 3 }));
    let address = Address::repeat_byte(1);
    assert_eq!(after.move_to(address, 0), Err(VaultError::NoAccount { address }));
    assert_eq!(
        after.set_archived(address, true),
        Err(VaultError::NoAccount { address })
    );
}

#[test]
fn the_address_book_keeps_names() {
    let mut before = vault();
    let [ann, bob] = [1, 2].map(Address::repeat_byte);
    before.add_contact(ann, "Ann").unwrap();
    before.add_contact(bob, "Bob").unwrap();
    assert_eq!(
        before.add_contact(ann, "x"),
        Err(VaultError::HasContact { address: ann })
    );
    assert_eq!(before.add_contact(Address::ZERO, " "), Err(VaultError::LabelEmpty));
    let long = VaultError::LabelTooLong { len: 65, max: 64 };
    assert_eq!(before.add_contact(Address::ZERO, &"x".repeat(65)), Err(long));
    let hidden = VaultError::LabelCharacter { code: 0x202e };
    assert_eq!(before.add_contact(Address::ZERO, "Bob\u{202e}"), Err(hidden.clone()));
    assert_eq!(before.rename(addresses(&before)[0], "\u{202e}"), Err(hidden));
    before.rename_contact(ann, "Anna Ω").unwrap();
    before.remove_contact(bob).unwrap();
    let nobody = VaultError::NoContact { address: bob };
    assert_eq!(before.remove_contact(bob), Err(nobody.clone()));
    assert_eq!(before.rename_contact(bob, "B"), Err(nobody));
    let anna = Contact {
        address: ann,
        label: "Anna Ω".into(),
    };
    assert_eq!(again(&before).contacts(), [anna]);
}

#[test]
fn another_password_takes_the_place_of_the_first() {
    let before = vault();
    let first = cheap_key("first");
    let bytes = before.seal(&first, &mut system_rng()).unwrap();
    let change = |current, new| Vault::change_password(&bytes, current, new, CHEAP, &mut system_rng());
    let refused = |error| Some(VaultError::Container(error));
    assert_eq!(change("wrong", "second").err(), refused(ContainerError::WrongPassword));
    assert_eq!(change("first", "").err(), refused(ContainerError::EmptyPassword));
    let Changed { vault, key, sealed } = change("first", "second").unwrap();
    assert_eq!(addresses(&vault), addresses(&before));
    assert_eq!(
        Vault::open(&sealed, "first").err(),
        refused(ContainerError::WrongPassword)
    );
    assert_eq!(
        addresses(&Vault::open(&sealed, "second").unwrap().0),
        addresses(&before)
    );
    // A key that is held opens what is sealed under it, and nothing else.
    assert_eq!(addresses(&Vault::reopen(&sealed, &key).unwrap()), addresses(&before));
    assert_eq!(
        Vault::reopen(&sealed, &first).err(),
        refused(ContainerError::WrongPassword)
    );
    let other = VaultKey::derive("second", CHEAP, &mut system_rng()).unwrap();
    assert_eq!(
        Vault::reopen(&sealed, &other).err(),
        refused(ContainerError::WrongPassword)
    );
}

/// The fullest vault: 256 imported RSA-4096 keys, longest labels, 1,024 contacts. Rule: docs/protocol.md#W11
#[test]
fn the_fullest_vault_fits() {
    let mut vault = Vault::new(Phrase::parse(JUNK).unwrap(), &"p".repeat(256), binding(), UnixSecs(1));
    let longest = "\"".repeat(64);
    // One key is searched, which is found soon; others have the same length.
    let seed = Phrase::parse(JUNK).unwrap().seed("");
    let key = SigningKey::Rsa(seed.rsa(RsaBits::B4096, 0).unwrap().finish());
    vault.import(key, &longest).unwrap();
    let one = vault.seal(&cheap_key("pw"), &mut system_rng()).unwrap().len();
    for index in 0..MAX_CONTACTS as u32 {
        let mut address = [0xff; 20];
        address[..4].copy_from_slice(&index.to_be_bytes());
        vault.add_contact(address.into(), &longest).unwrap();
    }
    assert_eq!(
        vault.add_contact(Address::ZERO, "x").err(),
        Some(VaultError::ContactsFull { max: MAX_CONTACTS })
    );
    let all = vault.seal(&cheap_key("pw"), &mut system_rng()).unwrap().len();
    let full = all + (MAX_ACCOUNTS - 1) * one;
    assert!(full < tally_wallet::MAX_CONTAINER_BYTES, "{full}");
    assert!(full / 4 * 3 < tally_wallet::MAX_CIPHERTEXT_BYTES, "{full}");
}

#[test]
fn a_phrase_of_another_language_stays_in_the_vault() {
    // Words that two lists know: only the stored language distinguishes them.
    let words = "革 偷 分 兄 烷 迫 吸 宗 僚 恨 罩 植";
    let phrase = Phrase::parse_in(Language::ChineseSimplified, words).unwrap();
    let mut before = Vault::new(phrase, "", binding(), UnixSecs(1));
    let address = before.add_secp256k1("").unwrap().address;
    let after = again(&before);
    assert_eq!(after.phrase().language(), Language::ChineseSimplified);
    assert_eq!(after.signing_key(address).unwrap().address(), address);
}

#[test]
fn a_public_key_gives_the_address_of_its_account() {
    let vault = vault();
    for account in vault.accounts() {
        let key = account.key.as_ref().unwrap();
        assert_eq!(PublicKey::from_bytes(key.bytes()).unwrap().address(), account.address);
    }
    assert_eq!(usual_label(KeyKind::Rsa4096, 1), "RSA-4096 account 2");
    assert_eq!(usual_label(KeyKind::Secp256k1, 0), "ECC account");
}

/// RSA-2048 keys of two primes of the tests' own.
fn rsa_of(p: &str, q: &str) -> SigningKey {
    let all: serde_json::Value = serde_json::from_str(include_str!("data/keystore/weak-primes.json")).unwrap();
    let [p, q] = [p, q].map(|name| alloy_primitives::hex::decode(all[name].as_str().unwrap()).unwrap());
    SigningKey::Rsa(RsaKey::from_primes(RsaBits::B2048, &p, &q).unwrap())
}

#[test]
fn two_keys_with_a_prime_in_common_are_not_kept_together() {
    let (first, second) = (rsa_of("p", "q"), rsa_of("near", "q"));
    let (address, other) = (second.address(), first.address());
    let shared = VaultError::SharedPrime { address, other };
    let mut vault = vault();
    vault.import(rsa_of("p", "q"), "One").unwrap();
    assert_eq!(
        vault.watch(address, Some(second.public_key()), "Two").map(drop),
        Err(shared.clone())
    );
    assert_eq!(vault.import(rsa_of("near", "q"), "Two").map(drop), Err(shared));
    assert_eq!(vault.account(address), Err(VaultError::NoAccount { address }));
    // An address alone does not give its key.
    vault.watch(address, None, "Two").unwrap();

    let keys = [first.public_key(), second.public_key()];
    let Err(SharedError::SharedPrime { address: a, other: b }) = SharedAccount::new("Club", 2, &keys) else {
        panic!("no account of two such keys is made");
    };
    assert_eq!(
        [a, b].iter().filter(|found| [address, other].contains(found)).count(),
        2
    );
}
