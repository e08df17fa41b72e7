//! `tally wallet shared create | import | export | remove`: accounts of several keys. Rules: docs/protocol.md#A7, #W60

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use tally_chain::PublicKey;
use tally_wallet::keystore::{self, Found};
use tally_wallet::{SharedAccount, Vault};

use super::super::hidden::{looks_like_key, looks_secret};
use super::super::out::{After as _, outln};
use super::accounts::find;
use super::file::VaultFile;
use super::text::{read_text, write_text};

#[derive(Debug, Subcommand)]
pub enum SharedCommand {
    /// Make an account that several keys control, and keep it in the wallet
    ///
    /// Everyone who makes it from the same keys and the same number gets the same address, in any order.
    Create {
        /// A name for it
        name: String,
        /// How many of the keys have to sign
        #[arg(long, value_name = "NUMBER")]
        required: usize,
        /// A key: an account of this wallet (address or label), a public key in hex, or a PEM file; repeatable
        #[arg(long = "key", required = true, value_name = "ACCOUNT|HEX|FILE")]
        keys: Vec<String>,
    },
    /// Import a shared account that another person made
    Import {
        /// File with its text, or - for standard input
        file: PathBuf,
    },
    /// Write a shared account for the others; nothing in it is secret
    Export {
        /// The account: its address or its label
        account: String,
        /// Where to write it; an existing file is not overwritten [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Remove a shared account from the wallet; the account itself stays
    Remove {
        /// The account: its address or its label
        account: String,
    },
}

pub fn run(file: &VaultFile, command: &SharedCommand) -> anyhow::Result<()> {
    if let SharedCommand::Export { account, out } = command {
        return export(file, account, out.as_deref());
    }
    let (mut vault, change) = file.change()?;
    let done = match command {
        SharedCommand::Create { name, required, keys } => {
            let keys = keys.iter().map(|text| public_key(&vault, text));
            let shared = SharedAccount::new(name, *required, &keys.collect::<anyhow::Result<Vec<_>>>()?)?;
            keep(&mut vault, &shared)?
        }
        SharedCommand::Import { file } => {
            let shared = SharedAccount::read(&read_text(file)?)?;
            keep(&mut vault, &shared)?
        }
        SharedCommand::Remove { account } => remove(&mut vault, account)?,
        SharedCommand::Export { .. } => return Ok(()),
    };
    change.keep(&vault)?;
    Ok(outln!("{done}").after(|| done)?)
}

fn export(file: &VaultFile, account: &str, out: Option<&Path>) -> anyhow::Result<()> {
    let (vault, _) = file.open()?;
    let account = find(&vault, account)?;
    let policy = account.policy.clone();
    let policy = policy.with_context(|| format!("{} is no shared account", account.address))?;
    let shared = SharedAccount::of(account.label.clone(), policy)?;
    write_text(out, &shared.write())
}

fn remove(vault: &mut Vault, account: &str) -> anyhow::Result<String> {
    let account = find(vault, account)?;
    if account.policy.is_none() {
        bail!("{} is no shared account", account.address);
    }
    let address = account.address;
    vault.unwatch(address)?;
    Ok(format!("{address}  removed"))
}

fn keep(vault: &mut Vault, shared: &SharedAccount) -> anyhow::Result<String> {
    let account = vault.add_shared(shared)?;
    let policy = shared.policy();
    Ok(format!(
        "{}  {} of {} keys",
        account.address,
        policy.threshold(),
        policy.keys().len()
    ))
}

/// A public key by the account that has it, in hex, or in a file.
fn public_key(vault: &Vault, text: &str) -> anyhow::Result<PublicKey> {
    if let Ok(account) = find(vault, text) {
        let key = account.key.clone();
        return key.with_context(|| format!("the public key of {} is not known here", account.address));
    }
    let secret = looks_like_key(text) || (text.contains(char::is_whitespace) && looks_secret(text));
    let bytes = match text.starts_with("0x") || text.len() == 66 {
        true => text.as_bytes().to_vec(),
        false if secret => bail!("a private key or a phrase is no account and no public key, and is not repeated here"),
        false => read_text(text.as_ref())
            .with_context(|| format!("{text} is no account of this wallet, no key in hex and no file"))?
            .into_bytes(),
    };
    match keystore::read(&bytes, "")?.key {
        Found::Public(key) => Ok(key),
        Found::Private(_) if secret => bail!("that is a private key: keep it to yourself, and give its public key"),
        Found::Private(_) => bail!("{text} holds a private key: keep it to yourself, and give its public key"),
    }
}
