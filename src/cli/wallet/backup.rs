//! `tally wallet password | backup | restore-backup`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use tally_node::counted::counted;
use tally_wallet::{Changed, KdfParams, MAX_CONTAINER_BYTES, Vault, check_container, system_rng};

use super::super::out::{After as _, outln};
use super::file::VaultFile;
use super::secrets::{chosen_password, secret};
use crate::new_file;

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Where to write the copy; never over another file
    to: PathBuf,
}

#[derive(Debug, Args)]
pub struct RestoreBackupArgs {
    /// A backup file, of the browser or of `tally wallet backup`
    from: PathBuf,
}

/// Seals the vault under another password, with a fresh salt.
pub fn password(file: &VaultFile) -> anyhow::Result<()> {
    let current = secret("TALLY_WALLET_PASSWORD", "Password: ")?;
    // Before the prompt for the new one.
    Vault::open(&file.read()?, &current)?;
    let new = chosen_password("TALLY_WALLET_NEW_PASSWORD")?;
    let _lock = file.lock()?;
    let bytes = file.read()?;
    let Changed { sealed, .. } =
        Vault::change_password(&bytes, &current, &new, KdfParams::default(), &mut system_rng())?;
    file.replace(&bytes, &sealed)?;
    let printed = outln!("The password was changed. Older backup files still open with the old one.");
    Ok(printed.after(|| "the password was changed".to_owned())?)
}

/// Copies the sealed vault as it is: the copy opens with the password of today.
pub fn backup(file: &VaultFile, args: &BackupArgs) -> anyhow::Result<()> {
    let bytes = file.read()?;
    check_container(&bytes)?;
    new_file::create_private(&args.to, &bytes).with_context(|| format!("cannot write {}", args.to.display()))?;
    Ok(outln!("{}", args.to.display()).after(|| format!("the copy was written to {}", args.to.display()))?)
}

/// Takes a sealed vault as this wallet's, once its password has opened it.
pub fn restore(file: &VaultFile, args: &RestoreBackupArgs) -> anyhow::Result<()> {
    file.check_free()?;
    let bytes = read_bounded(&args.from)?;
    check_container(&bytes)?;
    let password = secret("TALLY_WALLET_PASSWORD", "Password of the backup file: ")?;
    let (vault, _) = Vault::open(&bytes, &password)?;
    file.create_sealed(&bytes)?;
    let printed = outln!(
        "{} for chain {} (genesis {}), kept in {}",
        counted(vault.accounts().len(), "account", "accounts"),
        vault.chain().name,
        vault.chain().genesis,
        file.path().display()
    );
    Ok(printed.after(|| format!("the vault is kept in {}", file.path().display()))?)
}

/// Reads no more than a vault can have.
fn read_bounded(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(MAX_CONTAINER_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_CONTAINER_BYTES {
        bail!(
            "{} has more than {MAX_CONTAINER_BYTES} bytes, a vault has not",
            path.display()
        );
    }
    Ok(bytes)
}
