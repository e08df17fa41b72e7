//! `tally wallet rename | archive | unarchive | move | watch | unwatch`.

use anyhow::bail;
use clap::Args;
use tally_chain::{Address, Bytes, PublicKey, address};
use tally_wallet::keystore::{self, Found};
use tally_wallet::{Account, Vault};
use zeroize::Zeroizing;

use super::super::hidden::looks_secret;
use super::super::out::{After as _, outln};
use super::file::VaultFile;

#[derive(Debug, Args)]
pub struct RenameArgs {
    /// The account: its address or its label
    account: String,
    /// Its new label
    label: String,
}

#[derive(Debug, Args)]
pub struct AccountArgs {
    /// The account: its address or its label
    account: String,
}

#[derive(Debug, Args)]
pub struct MoveArgs {
    /// The account: its address or its label
    account: String,
    /// Its new place in the list, counted from 1
    place: usize,
}

#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The account to watch
    #[arg(value_parser = address::parse)]
    address: Address,
    /// A name for it
    #[arg(long, default_value = "")]
    label: String,
    /// Its public key in hex, where it is known: SPKI DER (RSA) or the compressed point (secp256k1)
    #[arg(long, value_name = "HEX")]
    public_key: Option<Bytes>,
}

pub fn rename(file: &VaultFile, args: &RenameArgs) -> anyhow::Result<()> {
    change(file, &args.account, |vault, address| {
        vault.rename(address, &args.label)?;
        Ok(())
    })
}

pub fn archive(file: &VaultFile, args: &AccountArgs, archived: bool) -> anyhow::Result<()> {
    change(file, &args.account, |vault, address| {
        vault.set_archived(address, archived)?;
        Ok(())
    })
}

pub fn move_to(file: &VaultFile, args: &MoveArgs) -> anyhow::Result<()> {
    let Some(position) = args.place.checked_sub(1) else {
        bail!("places are counted from 1");
    };
    change(file, &args.account, |vault, address| {
        vault.move_to(address, position)?;
        Ok(())
    })
}

pub fn watch(file: &VaultFile, args: &WatchArgs) -> anyhow::Result<()> {
    let key = args.public_key.as_ref().map(|bytes| checked_key(bytes)).transpose()?;
    let (mut vault, change) = file.change()?;
    vault.watch(args.address, key, &args.label)?;
    change.keep(&vault)?;
    Ok(outln!("{}  watched", args.address).after(|| format!("{} is watched", args.address))?)
}

/// A public key that was typed is looked at as one in a file is: anyone could sign with a weak one.
/// Rule: docs/protocol.md#W23
fn checked_key(bytes: &[u8]) -> anyhow::Result<PublicKey> {
    let digits = Zeroizing::new(alloy_primitives::hex::encode(bytes));
    match keystore::read(digits.as_bytes(), "").map(|imported| imported.key) {
        Ok(Found::Public(key)) => Ok(key),
        Ok(Found::Private(_)) => bail!("that is a private key: keep it to yourself, and give its public key"),
        Err(error) => bail!("{error}. {}", error.advice()),
    }
}

pub fn unwatch(file: &VaultFile, args: &AccountArgs) -> anyhow::Result<()> {
    change(file, &args.account, |vault, address| {
        vault.unwatch(address)?;
        Ok(())
    })
}

fn change(
    file: &VaultFile,
    name: &str,
    edit: impl FnOnce(&mut Vault, Address) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut vault, change) = file.change()?;
    let address = find(&vault, name)?.address;
    edit(&mut vault, address)?;
    change.keep(&vault)
}

/// The account of this address or label.
pub fn find<'a>(vault: &'a Vault, name: &str) -> anyhow::Result<&'a Account> {
    if let Ok(address) = address::parse(name) {
        return Ok(vault.account(address)?);
    }
    let mut named = vault.accounts().filter(|account| account.label == name);
    match (named.next(), named.next()) {
        (Some(account), None) => Ok(account),
        (Some(_), Some(_)) => bail!("several accounts have the label {name:?}; name the address"),
        (None, _) if looks_secret(name) => bail!("a key or a phrase names no account, and is not repeated here"),
        (None, _) => bail!("the wallet has no account {name:?}"),
    }
}
