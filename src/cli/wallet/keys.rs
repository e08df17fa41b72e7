//! `tally wallet import` and `tally wallet export`: key files of other programs. Rule: docs/protocol.md#W25

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use tally_chain::{Address, address};
use tally_wallet::keystore::{self, Found, Imported, KeystoreError, MAX_FILE_BYTES};
use tally_wallet::{Vault, system_rng};
use zeroize::Zeroizing;

use super::super::hidden::looks_secret;
use super::super::out::{After as _, Unprinted, outln};
use super::file::VaultFile;
use super::secrets::{chosen_password, secret};
use super::send::confirmed;

/// Password of a key file, apart from the vault's.
const PASSWORD: &str = "TALLY_KEYFILE_PASSWORD";

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Web3 keystore (JSON), PEM (PKCS#8, PKCS#1, SEC1, SPKI) or hex; a public key is only watched
    ///
    /// The password of the file comes from TALLY_KEYFILE_PASSWORD, or from a prompt.
    file: PathBuf,
    /// A name for the account
    #[arg(long, default_value = "")]
    label: String,
    /// Answer the prompt with yes
    #[arg(long, short)]
    yes: bool,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The account
    #[arg(value_parser = address::parse)]
    address: Address,
    /// Form of the file; private keys are always encrypted
    ///
    /// Their new password comes from TALLY_KEYFILE_PASSWORD, or from a prompt.
    #[arg(long, value_enum)]
    format: OutFormat,
    /// The file to write; an existing file is not overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Forms of written files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutFormat {
    /// Private key as Web3 keystore, version 3 (secp256k1 only)
    Web3,
    /// Private key as encrypted PKCS#8 PEM
    Pkcs8,
    /// Public key as PEM
    Spki,
    /// Public key in hex
    HexPublic,
}

pub fn import(vault_file: &VaultFile, args: &ImportArgs) -> anyhow::Result<()> {
    let bytes = read(&args.file)?;
    let password = if keystore::is_encrypted(&bytes) {
        secret(PASSWORD, "Password of the file: ")?
    } else {
        Zeroizing::default()
    };
    let imported = keystore::read(&bytes, &password).map_err(explained)?;
    show(&imported)?;
    if !args.yes && !confirmed("Keep it in this wallet?")? {
        bail!("nothing was kept");
    }
    let (mut vault, change) = vault_file.change()?;
    let address = keep(&mut vault, imported, &args.label)?;
    change.keep(&vault)?;
    let kept = format!("{address}  kept in {}", vault_file.path().display());
    Ok(outln!("{kept}").after(|| kept)?)
}

/// Reads no more of a file than a key file can have.
fn read(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(_) if is_secret(path) => bail!(
            "this is a key or a phrase, not the name of a file: put it into a file that only you can read. Your shell may keep this line in its history: delete it there"
        ),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    // One byte more, so that a longer file is seen to be so; room for all, so that no copies are left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE_BYTES + 1));
    file.take(MAX_FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes)
}

/// Whether the name could be what belongs into the file; then no message repeats it.
fn is_secret(name: &Path) -> bool {
    name.to_str().is_some_and(looks_secret)
}

fn keep(vault: &mut Vault, imported: Imported, label: &str) -> anyhow::Result<Address> {
    Ok(match imported.key {
        Found::Private(key) => vault.import(key, label)?.address,
        Found::Public(key) => vault.watch(key.address(), Some(key), label)?.address,
    })
}

fn show(imported: &Imported) -> Result<(), Unprinted> {
    outln!("The file holds:")?;
    outln!("  form     {}", imported.format)?;
    outln!("  key      {}", imported.kind().title())?;
    outln!("  address  {}", imported.address())?;
    if matches!(imported.key, Found::Public(_)) {
        outln!("  It is a public key: the account can be watched, not used.")?;
    } else {
        outln!("  The recovery phrase does not restore this key: keep the file, or a copy of the vault.")?;
    }
    for warning in &imported.warnings {
        outln!("  WARNING: {warning}")?;
    }
    Ok(())
}

pub fn export(vault_file: &VaultFile, args: &ExportArgs) -> anyhow::Result<()> {
    if args.out.exists() {
        bail!("{} exists already; name another file", args.out.display());
    }
    let (vault, _) = vault_file.open()?;
    let text = match args.format {
        OutFormat::Web3 | OutFormat::Pkcs8 => {
            let key = vault.signing_key(args.address)?;
            let password = chosen_password(PASSWORD)?;
            let mut rng = system_rng();
            match args.format {
                OutFormat::Web3 => keystore::write_web3(&key, &password, &mut rng),
                _ => keystore::write_pkcs8(&key, &password, &mut rng),
            }
            .map_err(explained)?
        }
        OutFormat::Spki | OutFormat::HexPublic => {
            let account = vault.account(args.address)?;
            let key = account.key.as_ref();
            let key = key.with_context(|| format!("the public key of {} is not known here", args.address))?;
            match args.format {
                OutFormat::Spki => keystore::write_spki(key),
                _ => keystore::write_hex_public(key),
            }
        }
    };
    write_new(&args.out, text.as_bytes())?;
    let written = format!("{}  written to {}", args.address, args.out.display());
    Ok(outln!("{written}").after(|| written)?)
}

/// Whole or not at all, for its owner only (mode 0600), and never over another file.
fn write_new(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).with_context(cannot)?;
    file.write_all(bytes).with_context(cannot)?;
    file.as_file().sync_all().with_context(cannot)?;
    file.persist_noclobber(path).with_context(cannot)?;
    Ok(())
}

/// An error with what to do next.
fn explained(error: KeystoreError) -> anyhow::Error {
    let advice = error.advice();
    anyhow!("{error}. {advice}")
}
