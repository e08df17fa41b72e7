//! The vault as its users (browser worker, command line) see it.

mod common;

use common::{JUNK, binding, cheap_key, vault};
use tally_chain::{Address, BlockId, UnixSecs};
use tally_wallet::vault::{MAX_ACCOUNTS, MAX_LABEL_BYTES};
use tally_wallet::{
    Account, ContainerError, FeeLevel, KdfParams, KeyKind, Phrase, Settings, SigningKey, Vault, VaultError, VaultKey,
    system_rng,
};

fn accounts(vault: &Vault) -> Vec<Account> {
    vault.accounts().cloned().collect()
}

fn public_key(account: &Account) -> Vec<u8> {
    account.key.as_ref().unwrap().bytes().to_vec()
}

#[test]
fn a_sealed_vault_opens_with_everything_in_it() {
    let mut before = vault();
    before.settings = Settings {
        auto_lock_secs: 60,
        fee_level: FeeLevel::High,
    };
    // The default costs, as the browser uses them.
    let key = VaultKey::derive("correct horse", KdfParams::default(), &mut system_rng()).unwrap();
    let bytes = before.seal(&key, &mut system_rng()).unwrap();
    let (after, key) = Vault::open(&bytes, "correct horse").unwrap();
    assert_eq!(accounts(&after), accounts(&before));
    assert_eq!(after.settings, before.settings);
    assert_eq!(after.chain(), &binding());
    assert_eq!(after.created_at(), UnixSecs(1_800_000_000));
    assert_eq!(*after.phrase().text(), JUNK);
    assert_eq!(key.params(), KdfParams::default());
    for account in accounts(&before) {
        assert_eq!(after.signing_key(account.address).unwrap().address(), account.address);
    }
}

#[test]
fn accounts_are_the_published_ones_and_indexes_count_up() {
    let mut vault = vault();
    let [rsa, secp] = [0, 1].map(|i| accounts(&vault)[i].clone());
    assert_eq!(
        rsa.address.to_checksum(None),
        "0x6dbBd9E1099f6e32833374e4F68E1006fAC7f0c7"
    );
    assert_eq!(
        secp.address.to_checksum(None),
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    );
    assert_eq!(
        (rsa.kind(), rsa.index(), public_key(&rsa).len()),
        (Some(KeyKind::Rsa2048), Some(0), 294)
    );
    assert_eq!(
        (secp.kind(), secp.index(), public_key(&secp).len()),
        (Some(KeyKind::Secp256k1), Some(0), 33)
    );
    let next = vault.add_secp256k1("").unwrap();
    assert_eq!(next.index(), Some(1));
    assert_eq!(
        next.address.to_checksum(None),
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    );
    assert_eq!(vault.search(KeyKind::Rsa2048).unwrap().index(), 1);
    assert_eq!(vault.search(KeyKind::Rsa4096).unwrap().index(), 0);
    assert_eq!(
        vault.search(KeyKind::Secp256k1).err(),
        Some(VaultError::NotRsa {
            kind: KeyKind::Secp256k1
        })
    );
}

#[test]
fn what_cannot_be_done_is_named() {
    let mut vault = vault();
    let address = accounts(&vault)[1].address;
    let label = "x".repeat(MAX_LABEL_BYTES + 1);
    let too_long = VaultError::LabelTooLong {
        len: 65,
        max: MAX_LABEL_BYTES,
    };
    assert_eq!(vault.add_secp256k1(&label).err(), Some(too_long.clone()));
    assert_eq!(vault.rename(address, &label), Err(too_long));
    assert_eq!(vault.rename(address, "Shop"), Ok(()));
    assert_eq!(vault.account(address).unwrap().label, "Shop");
    let nobody = VaultError::NoAccount { address: Address::ZERO };
    assert_eq!(vault.rename(Address::ZERO, "x"), Err(nobody.clone()));
    assert_eq!(vault.signing_key(Address::ZERO).err(), Some(nobody));

    let SigningKey::Rsa(again) = vault.signing_key(accounts(&vault)[0].address).unwrap() else {
        panic!("the first account is RSA");
    };
    let exists = VaultError::Exists {
        kind: KeyKind::Rsa2048,
        index: 0,
    };
    assert_eq!(vault.add_rsa(0, again, "").err(), Some(exists));

    let other = BlockId([1; 32].into());
    assert_eq!(vault.check_chain(binding().genesis), Ok(()));
    assert_eq!(
        vault.check_chain(other),
        Err(VaultError::OtherChain {
            found: other,
            expected: binding().genesis
        })
    );
    while vault.accounts().len() < MAX_ACCOUNTS {
        vault.add_secp256k1("").unwrap();
    }
    assert_eq!(
        vault.add_secp256k1("").err(),
        Some(VaultError::Full { max: MAX_ACCOUNTS })
    );
    // The fullest vault still fits its container.
    let bytes = vault.seal(&cheap_key("pw"), &mut system_rng()).unwrap();
    assert_eq!(Vault::open(&bytes, "pw").unwrap().0.accounts().len(), MAX_ACCOUNTS);
}

#[test]
fn a_wrong_password_a_damaged_file_and_another_file_differ() {
    let bytes = vault().seal(&cheap_key("right"), &mut system_rng()).unwrap();
    let refused = |bytes: &[u8], password| Vault::open(bytes, password).err();
    let container = |error| Some(VaultError::Container(error));
    assert_eq!(refused(&bytes, "wrong"), container(ContainerError::WrongPassword));
    assert_eq!(refused(b"{}", "right"), container(ContainerError::NotAVault));
    let text = String::from_utf8(bytes).unwrap();
    let newer = text.replacen("\"version\":1", "\"version\":7", 1);
    assert_eq!(
        refused(newer.as_bytes(), "right"),
        container(ContainerError::UnknownVersion { found: 7, supported: 1 })
    );
    let middle = text.len() / 2;
    let letter = if &text[middle..=middle] == "A" { "B" } else { "A" };
    let damaged = format!("{}{letter}{}", &text[..middle], &text[middle + 1..]);
    assert_eq!(refused(damaged.as_bytes(), "right"), container(ContainerError::Damaged));
    let cheap = VaultKey::derive("right", KdfParams { m_kib: 8, t: 1, p: 1 }, &mut system_rng());
    assert_eq!(
        cheap.err(),
        Some(ContainerError::OutOfBounds {
            field: "kdf.m_kib",
            found: 8,
            min: 8_192,
            max: 262_144
        })
    );
}

#[test]
fn the_passphrase_travels_with_the_vault() {
    let mut before = Vault::new(Phrase::parse(JUNK).unwrap(), "\"é\\", binding(), UnixSecs(1));
    let address = before.add_secp256k1("").unwrap().address;
    assert_ne!(address.to_checksum(None), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    let bytes = before.seal(&cheap_key("pw"), &mut system_rng()).unwrap();
    let (after, _) = Vault::open(&bytes, "pw").unwrap();
    assert_eq!(after.signing_key(address).unwrap().address(), address);
}

#[test]
fn nothing_secret_is_printed_or_stored_in_the_clear() {
    let vault = vault();
    let key = cheap_key("pw");
    let sealed = String::from_utf8(vault.seal(&key, &mut system_rng()).unwrap()).unwrap();
    let shown = format!("{vault:?} {key:?} {:?}", vault.signing_key(accounts(&vault)[0].address));
    for text in [&sealed, &shown] {
        assert!(!text.contains("junk") && !text.contains("primes"), "{text}");
    }
    assert!(
        shown.ends_with("VaultKey(hidden) Ok(Rsa(RsaKey(RSA-2048, hidden)))"),
        "{shown}"
    );
}

#[test]
fn a_backup_that_an_editor_saved_anew_still_opens() {
    let sealed = vault().seal(&cheap_key("pw"), &mut system_rng()).unwrap();
    let text = String::from_utf8(sealed.clone()).unwrap();
    let units = |order: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(order).collect() };
    for saved in [
        [b"\xef\xbb\xbf", &sealed[..]].concat(),
        [b"\xff\xfe", &units(u16::to_le_bytes)[..]].concat(),
        units(u16::to_be_bytes),
        [&sealed[..], b"\r\n"].concat(),
    ] {
        assert_eq!(tally_wallet::check_container(&saved), Ok(()));
        assert!(Vault::open(&saved, "pw").is_ok());
    }
}
